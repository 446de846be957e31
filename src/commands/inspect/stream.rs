//! The answer: sessions with their events, events in none, and rows that are no events.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;
use serde_json::Value;

use super::error::InspectError;
use super::search::{Found, Read, Rejected};
use super::trace::{Then, Traced, TracedSession, TracedUser};
use super::Ask;
use crate::events::normalise::convert::float_of;
use crate::events::source::roles::KeyType;
use crate::job::dates::{day_text, instant_text};
use crate::job::Kind;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::pipeline::question::Question;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::rule::EndReason;
use crate::sessionize::time::{Day, Span, Timestamp};
use crate::sessionize::user::TableStanding;

/// More users than this with a session of one id are not shown side by side.
const MOST_OWNERS: usize = 20;

/// The streams of some users.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Sessions, in the order in which they are shown.
    pub sessions: Vec<Session>,
    /// Events in no session, in the same order.
    pub out: Vec<Out>,
    /// Rows that are no events, in the same order.
    pub left_out: Vec<LeftOut>,
    /// The chosen columns.
    pub columns: Vec<String>,
    /// The property that sessions share.
    pub property: Option<String>,
    /// What a session is, in a sentence.
    pub definition: String,
    /// The time zone in which times are shown.
    pub zone: TimeZone,
    /// Its name.
    pub zone_name: String,
    /// How much was read.
    pub read: Read,
    /// Whether rows that are no events are shown.
    pub all: bool,
    /// Whether the oldest comes first.
    pub oldest_first: bool,
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The user.
    pub user: Value,
    /// The id in the sessions table; `None` where the table does not have it and would have made the id.
    pub id: Option<Value>,
    /// The property's value, where there is one.
    pub property: Option<Value>,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Why it ended.
    pub reason: EndReason,
    /// Whether it is in the table.
    pub standing: TableStanding,
    /// What came after it; `None` under the default definition, where that is of no matter.
    pub then: Option<Then>,
    /// Its events, in order.
    pub events: Vec<Event>,
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it happened.
    pub time: Timestamp,
    /// How long after the event before it: in its session, and where there is none in it, of its user.
    pub gap: Option<Span>,
    /// Its type.
    pub event: Option<String>,
    /// The chosen columns.
    pub columns: Vec<Value>,
}

/// An event in no session.
#[derive(Clone, Debug)]
pub struct Out {
    /// The user.
    pub user: Value,
    /// Why.
    pub reason: &'static str,
    /// The event.
    pub event: Event,
}

/// A row that is no event.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// The user.
    pub user: Value,
    /// `duplicate`, `inactive` or `rejected`.
    pub status: &'static str,
    /// Why a rejected one is.
    pub reason: Option<&'static str>,
    /// When it happened, where that is known; of a rejected row that is not possible.
    pub time: Option<Timestamp>,
    /// Else the time as it is in the file, where there is something.
    pub raw_time: Option<String>,
    /// The event type.
    pub event: Option<String>,
    /// The chosen columns.
    pub columns: Vec<Value>,
}

impl Session {
    /// How long it lasts.
    pub fn length(&self) -> Span {
        self.end.since(self.start)
    }

    /// Where it stands among others: by its first event, as an id may be earlier than all of them.
    pub fn first_time(&self) -> Timestamp {
        self.events.first().map_or(self.start, |event| event.time)
    }

    /// When its last event was.
    pub fn last_time(&self) -> Timestamp {
        self.events.last().map_or(self.end, |event| event.time)
    }
}

impl Stream {
    /// Puts together what was found and what became of it.
    pub fn new(question: &Question, known: &KernelInputs, found: Found, traced: &Traced, ask: &Ask) -> Self {
        let maker = Maker { question, known, found: &found, traced };
        let mut stream = Stream {
            sessions: Vec::new(),
            out: Vec::new(),
            left_out: Vec::new(),
            columns: ask.columns.clone(),
            property: question.job.definition.property().map(str::to_string),
            definition: question.job.definition.sentence(),
            zone: question.job.output.zone.clone(),
            zone_name: question.job.output.zone_name.clone(),
            read: found.read,
            all: ask.all,
            oldest_first: ask.oldest_first,
        };
        traced.users.iter().for_each(|user| maker.add_user(&mut stream, user));
        stream.left_out.extend(found.rejected.iter().map(left_out));
        // Stable: what is at one time stays in order of user, and of the kernel.
        stream.sessions.sort_by_key(|session| (session.first_time(), session.start));
        stream.out.sort_by_key(|out| out.event.time);
        stream.left_out.sort_by_cached_key(|row| {
            let columns = serde_json::to_string(&row.columns).unwrap_or_default();
            (row.time, row.raw_time.clone(), row.status, row.event.clone(), columns)
        });
        if !ask.oldest_first {
            stream.sessions.reverse();
            stream.out.reverse();
            stream.left_out.reverse();
        }
        stream
    }

    /// Leaves only the sessions with this id.
    pub fn keep_session(&mut self, id: &str) {
        let is_it = |known: &Value| match known {
            Value::Number(number) => id.trim().parse::<i64>().is_ok_and(|id| number.as_i64() == Some(id)),
            known => known.as_str() == Some(id),
        };
        self.sessions.retain(|session| session.id.as_ref().is_some_and(is_it));
        self.out.clear();
        let within = |left_out: &LeftOut| {
            let time = left_out.time;
            self.sessions.iter().any(|session| {
                let span = session.first_time()..=session.last_time();
                session.user == left_out.user && time.is_some_and(|time| span.contains(&time))
            })
        };
        let kept = self.left_out.iter().filter(|left_out| within(left_out)).cloned().collect();
        self.left_out = kept;
    }

    /// Makes sure that the sessions are those of few users.
    ///
    /// # Errors
    /// They are not.
    pub fn check_owners(&self, session: &str) -> Result<(), InspectError> {
        let owners: BTreeSet<String> = self.sessions.iter().map(|session| plain(&session.user)).collect();
        if owners.len() <= MOST_OWNERS {
            return Ok(());
        }
        let examples = owners.iter().take(3).map(|user| format!("{user:?}")).collect::<Vec<_>>().join(", ");
        Err(InspectError::ManyHolders { session: session.to_string(), users: owners.len(), examples })
    }
}

/// A value as it is, without quotes.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

struct Maker<'a> {
    question: &'a Question,
    known: &'a KernelInputs,
    found: &'a Found,
    traced: &'a Traced,
}

impl Maker<'_> {
    fn add_user(&self, stream: &mut Stream, traced: &TracedUser) {
        let user = self.traced.names.as_ref().map_or(Value::Null, |names| key_value(names, traced.user as usize));
        // The gap to the user's event before, whatever session that is in.
        let gap = |pair: &[usize]| (pair[1], self.time(pair[1]).since(self.time(pair[0])));
        let gaps: HashMap<usize, Span> = traced.events.windows(2).map(gap).collect();
        for session in &traced.sessions {
            stream.sessions.push(self.session(&user, session, &gaps));
        }
        for (place, reason) in &traced.out {
            let event = self.event(*place, gaps.get(place).copied());
            stream.out.push(Out { user: user.clone(), reason: reason.name(), event });
        }
        let dropped = [("duplicate", &traced.duplicates), ("inactive", &traced.inactive)];
        for (status, place) in dropped.iter().flat_map(|(status, all)| all.iter().map(move |place| (*status, *place))) {
            let Event { time, event, columns, .. } = self.event(place, None);
            let user = user.clone();
            let time = Some(time);
            stream.left_out.push(LeftOut { user, status, reason: None, time, raw_time: None, event, columns });
        }
    }

    fn session(&self, user: &Value, traced: &TracedSession, gaps: &HashMap<usize, Span>) -> Session {
        let row = &traced.row;
        let is_default = matches!(self.question.job.definition.kind, Kind::Default { .. });
        let value = self.group_value(row.value);
        let id = match (is_default, traced.standing) {
            (true, _) => Some(value.clone()),
            (false, TableStanding::InTable) => Some(Value::from(row.id)),
            (false, _) => None,
        };
        let mut events: Vec<Event> = Vec::with_capacity(traced.events.len());
        for place in &traced.events {
            let gap = match events.last() {
                Some(before) => Some(self.time(*place).since(before.time)),
                None => gaps.get(place).copied(),
            };
            events.push(self.event(*place, gap));
        }
        Session {
            user: user.clone(),
            id,
            property: self.question.job.definition.property().map(|_| value),
            start: row.start,
            end: row.end,
            reason: row.reason,
            standing: traced.standing,
            then: (!is_default).then_some(traced.then),
            events,
        }
    }

    fn time(&self, place: usize) -> Timestamp {
        self.traced.moments[place].0
    }

    fn event(&self, place: usize, gap: Option<Span>) -> Event {
        let (time, rank) = self.traced.moments[place];
        let event = self.known.types.name(rank).map(str::to_string);
        Event { time, gap, event, columns: self.found.columns[place].clone() }
    }

    /// What events are grouped by, as the tables have it.
    fn group_value(&self, value: i64) -> Value {
        let key_type = self.question.plan.roles.value.as_ref().map_or(KeyType::Int, |value| value.key_type);
        match (key_type, &self.traced.texts) {
            (KeyType::Text, Some(texts)) => key_value(texts, value as usize),
            (KeyType::Float, _) => Value::from(float_of(value)),
            (KeyType::Boolean, _) => Value::from(value != 0),
            (KeyType::Date, _) => Value::from(day_text(Day::from_epoch_days(value as i32))),
            (KeyType::Timestamp, _) => Value::from(instant_text(Timestamp::from_micros(value), &TimeZone::UTC)),
            _ => Value::from(value),
        }
    }
}

fn left_out(rejected: &Rejected) -> LeftOut {
    LeftOut {
        user: rejected.user.clone(),
        status: "rejected",
        reason: Some(rejected.reason.name()),
        time: rejected.time,
        raw_time: rejected.raw_time.clone(),
        event: rejected.event.clone(),
        columns: rejected.columns.clone(),
    }
}

fn key_value(keys: &KeyColumn, place: usize) -> Value {
    match keys {
        KeyColumn::Int(keys) => Value::from(keys[place]),
        KeyColumn::Text(keys) => Value::from(String::from_utf8_lossy(keys.get(place)).into_owned()),
    }
}
