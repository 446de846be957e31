//! The streams for programs: one JSON object, or one CSV table.

use serde::Serialize;
use serde_json::{Map, Value};

use super::stream::{plain, Event, LeftOut, Out, Session, Stream};
use super::trace::{excluded, Then};
use crate::job::dates::instant_text;
use crate::sessionize::time::{Span, Timestamp};
use crate::summary::format::{csv_text, csv_writer};

#[derive(Serialize)]
struct Json<'a> {
    timezone: &'a str,
    read: ReadJson,
    sessions: Vec<SessionJson>,
    out_of_session: Vec<OutJson>,
    left_out: Vec<LeftOutJson>,
}

#[derive(Serialize)]
struct ReadJson {
    files: u64,
    row_groups: u64,
    row_groups_read: u64,
    rows: u64,
    rows_read: u64,
}

#[derive(Serialize)]
struct SessionJson {
    user_id: Value,
    session_id: Option<Value>,
    property: Option<Value>,
    start_time: String,
    end_time: String,
    length_ms: i64,
    event_count: usize,
    first_event: Option<String>,
    last_event: Option<String>,
    end_reason: &'static str,
    in_table: bool,
    excluded: Option<&'static str>,
    silence_ms: Option<i64>,
    followed: Option<bool>,
    events: Vec<EventJson>,
}

#[derive(Serialize)]
struct EventJson {
    time: String,
    gap_ms: Option<i64>,
    event_type: Option<String>,
    columns: Map<String, Value>,
}

#[derive(Serialize)]
struct OutJson {
    user_id: Value,
    reason: &'static str,
    #[serde(flatten)]
    event: EventJson,
}

#[derive(Serialize)]
struct LeftOutJson {
    user_id: Value,
    status: &'static str,
    reason: Option<&'static str>,
    time: Option<String>,
    event_type: Option<String>,
    columns: Map<String, Value>,
}

/// The columns of the CSV table before the chosen ones.
const HEADER: [&str; 12] = [
    "user_id",
    "status",
    "reason",
    "session_id",
    "property",
    "session_start",
    "session_end",
    "session_length_ms",
    "end_reason",
    "time",
    "gap_ms",
    "event_type",
];

impl Stream {
    /// One object.
    pub fn json(&self) -> String {
        let read = &self.read;
        let json = Json {
            timezone: &self.zone_name,
            read: ReadJson {
                files: read.files,
                row_groups: read.row_groups,
                row_groups_read: read.row_groups_read,
                rows: read.rows,
                rows_read: read.rows_read,
            },
            sessions: self.sessions.iter().map(|session| self.session_json(session)).collect(),
            out_of_session: self.out.iter().map(|out| self.out_json(out)).collect(),
            left_out: self.shown_left_out().map(|left_out| self.left_out_json(left_out)).collect(),
        };
        serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
    }

    /// One table: a row for each event, and with all of them for each row that is none.
    pub fn csv(&self) -> String {
        let mut csv = csv_writer();
        // Writing to memory cannot fail.
        let _ = csv.write_record(HEADER.into_iter().chain(self.columns.iter().map(String::as_str)));
        let mut write = |fields: [String; HEADER.len()], columns: &[Value]| {
            let _ = csv.write_record(fields.into_iter().chain(columns.iter().map(plain)));
        };
        let event_fields =
            |event: &Event| [self.time(event.time), millis_text(event.gap), event.event.clone().unwrap_or_default()];
        for session in &self.sessions {
            let status = if excluded(session.standing).is_none() { "in_session" } else { "excluded" };
            for event in &session.events {
                let [time, gap, kind] = event_fields(event);
                let fields = [
                    plain(&session.user),
                    status.to_string(),
                    excluded(session.standing).unwrap_or_default().to_string(),
                    session.id.as_ref().map(plain).unwrap_or_default(),
                    session.property.as_ref().map(plain).unwrap_or_default(),
                    self.time(session.start),
                    self.time(session.end),
                    session.length().floor_millis().to_string(),
                    session.reason.name().to_string(),
                    time,
                    gap,
                    kind,
                ];
                write(fields, &event.columns);
            }
        }
        let outside = |user: &Value, status: &str, reason: &str, [time, gap, kind]: [String; 3]| {
            let none = String::new;
            let (status, reason) = (status.to_string(), reason.to_string());
            [plain(user), status, reason, none(), none(), none(), none(), none(), none(), time, gap, kind]
        };
        for Out { user, reason, event } in &self.out {
            write(outside(user, "out_of_session", reason, event_fields(event)), &event.columns);
        }
        for left_out in self.shown_left_out() {
            let time = self.left_out_time(left_out).unwrap_or_default();
            let fields = [time, String::new(), left_out.event.clone().unwrap_or_default()];
            let reason = left_out.reason.unwrap_or_default();
            write(outside(&left_out.user, left_out.status, reason, fields), &left_out.columns);
        }
        csv_text(csv)
    }

    /// The rows that are no events, if they are to be shown.
    pub fn shown_left_out(&self) -> impl Iterator<Item = &LeftOut> {
        self.left_out.iter().filter(|_| self.all)
    }

    /// The time of a row that is no event, as far as there is one.
    pub fn left_out_time(&self, left_out: &LeftOut) -> Option<String> {
        left_out.time.map(|time| self.time(time)).or_else(|| left_out.raw_time.clone())
    }

    fn time(&self, time: Timestamp) -> String {
        instant_text(time, &self.zone)
    }

    fn session_json(&self, session: &Session) -> SessionJson {
        let (silence, followed) = match session.then {
            Some(Then::Event(silence)) => (Some(silence), Some(true)),
            Some(Then::Nothing(silence)) => (Some(silence), Some(false)),
            None => (None, None),
        };
        SessionJson {
            user_id: session.user.clone(),
            session_id: session.id.clone(),
            property: session.property.clone(),
            start_time: self.time(session.start),
            end_time: self.time(session.end),
            length_ms: session.length().floor_millis(),
            event_count: session.events.len(),
            first_event: session.events.first().and_then(|event| event.event.clone()),
            last_event: session.events.last().and_then(|event| event.event.clone()),
            end_reason: session.reason.name(),
            in_table: excluded(session.standing).is_none(),
            excluded: excluded(session.standing),
            silence_ms: silence.map(Span::floor_millis),
            followed,
            events: session.events.iter().map(|event| self.event_json(event)).collect(),
        }
    }

    fn event_json(&self, event: &Event) -> EventJson {
        EventJson {
            time: self.time(event.time),
            gap_ms: event.gap.map(Span::floor_millis),
            event_type: event.event.clone(),
            columns: self.named(&event.columns),
        }
    }

    fn out_json(&self, out: &Out) -> OutJson {
        OutJson { user_id: out.user.clone(), reason: out.reason, event: self.event_json(&out.event) }
    }

    fn left_out_json(&self, left_out: &LeftOut) -> LeftOutJson {
        LeftOutJson {
            user_id: left_out.user.clone(),
            status: left_out.status,
            reason: left_out.reason,
            time: self.left_out_time(left_out),
            event_type: left_out.event.clone(),
            columns: self.named(&left_out.columns),
        }
    }

    fn named(&self, values: &[Value]) -> Map<String, Value> {
        self.columns.iter().cloned().zip(values.iter().cloned()).collect()
    }
}

fn millis_text(span: Option<Span>) -> String {
    span.map_or_else(String::new, |span| span.floor_millis().to_string())
}
