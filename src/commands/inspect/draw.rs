//! The streams for people: sessions as connected lines, what is in none beside them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::stream::{plain, Event, LeftOut, Out, Session, Stream};
use super::trace::Then;
use crate::sessionize::rule::EndReason;
use crate::sessionize::time::{Span, Timestamp};
use crate::sessionize::user::TableStanding;
use crate::summary::grouped;
use crate::summary::lines::{harmless, shortened, wrapped};
use crate::summary::text::length_text;

/// No line is longer.
const WIDTH: usize = 100;
/// Event types may take this much of it.
const TYPE_WIDTH: usize = 40;
/// Most take less than this.
const SHORT_TYPE: usize = 14;

/// A line of the drawing that stands by itself, or a session.
enum Item<'a> {
    Session(&'a Session, Vec<&'a LeftOut>),
    Out(&'a Out),
    LeftOut(&'a LeftOut),
}

impl Item<'_> {
    fn time(&self) -> Option<Timestamp> {
        match self {
            Item::Session(session, _) => Some(session.first_time()),
            Item::Out(out) => Some(out.event.time),
            Item::LeftOut(left_out) => left_out.time,
        }
    }
}

impl Stream {
    /// As text; `dims` says whether to dim rows that are no events.
    pub fn drawing(&self, dims: bool) -> String {
        let mut text = self.head();
        let mut after_session = true;
        for item in self.items() {
            // Sessions stand apart from what is before and after them.
            let is_session = matches!(item, Item::Session(..));
            if is_session || after_session {
                text.push('\n');
            }
            after_session = is_session;
            match item {
                Item::Session(session, left_out) => self.draw_session(&mut text, session, &left_out, dims),
                Item::Out(out) => {
                    let marks = ["○ ", "  "];
                    let rows = self.line(marks, &self.clock(out.event.time), &out.event, &format!("({})", out.reason));
                    text.push_str(&rows);
                }
                Item::LeftOut(left_out) => text.push_str(&dimmed(&self.left_out_line(["× ", "  "], left_out), dims)),
            }
        }
        let _ = writeln!(text, "\n{}", first_large(&self.read.sentence()));
        text
    }

    fn head(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, rest: &str| {
            let lines = wrapped(rest, WIDTH, &format!("{name:<15}"), &" ".repeat(15));
            lines.iter().for_each(|line| text.extend([line, "\n"]));
        };
        let mut users: Vec<&Value> = self.sessions.iter().map(|session| &session.user).collect();
        users.extend(self.out.iter().map(|out| &out.user).chain(self.left_out.iter().map(|row| &row.user)));
        users.dedup();
        let mut names: Vec<String> = users.into_iter().map(|user| harmless(&plain(user))).collect();
        names.sort_unstable();
        names.dedup();
        line(if names.len() == 1 { "User" } else { "Users" }, &names.join(", "));
        let inside: usize = self.sessions.iter().map(|session| session.events.len()).sum();
        line("Sessions", &format!("{}, with {}", count(self.sessions.len(), "session"), count(inside, "event")));
        if !self.out.is_empty() {
            let reasons = counted(self.out.iter().map(|out| out.reason));
            line("Out of session", &format!("{} ({reasons})", count(self.out.len(), "event")));
        }
        if !self.left_out.is_empty() {
            let kinds = counted(self.left_out.iter().map(|row| row.reason.unwrap_or(row.status)));
            let hint = if self.all { "" } else { "; --all shows them" };
            line("Left out", &format!("{} ({kinds}){hint}", count(self.left_out.len(), "row")));
        }
        line("Definition", &self.definition);
        line("Time zone", &self.zone_name);
        text
    }

    /// Everything in the order in which it is shown.
    fn items(&self) -> Vec<Item<'_>> {
        let mut items: Vec<Item<'_>> = self.sessions.iter().map(|session| Item::Session(session, Vec::new())).collect();
        items.extend(self.out.iter().map(Item::Out));
        let around = Around::new(&self.sessions);
        for left_out in self.shown_left_out() {
            // A row within a session's time is shown there, though it is no part of it.
            match around.session(left_out).and_then(|place| items.get_mut(place)) {
                Some(Item::Session(_, rows)) => rows.push(left_out),
                _ => items.push(Item::LeftOut(left_out)),
            }
        }
        // Stable; those without a time come last.
        match self.oldest_first {
            true => items.sort_by_key(|item| (item.time().is_none(), item.time())),
            false => items.sort_by_key(|item| std::cmp::Reverse(item.time())),
        }
        items
    }

    fn draw_session(&self, text: &mut String, session: &Session, left_out: &[&LeftOut], dims: bool) {
        let id = session.id.as_ref().map_or_else(|| "(no id)".to_string(), |id| harmless(&plain(id)));
        let mut facts = vec![
            self.clock(session.start),
            length_text(session.length().floor_millis()),
            count(session.events.len(), "event"),
            format!("session {id}"),
        ];
        if let (Some(name), Some(value)) = (&self.property, &session.property) {
            facts.push(format!("{name}={}", harmless(&plain(value))));
        }
        let _ = writeln!(text, "{}", shortened(&format!("╭ {}", facts.join("   ")), WIDTH));
        let mut rows: Vec<(Timestamp, bool, String)> = session
            .events
            .iter()
            .map(|event| (event.time, false, self.line(["│ ", "│ "], &self.clock(event.time), event, "")))
            .collect();
        rows.extend(left_out.iter().filter_map(|row| {
            let line = dimmed(&self.left_out_line(["│×", "│ "], row), dims);
            Some((row.time?, true, line))
        }));
        // Stable: events of one time stay in their order.
        rows.sort_by_key(|(time, is_left_out, _)| (*time, *is_left_out));
        for (_, _, line) in rows {
            text.push_str(&line);
        }
        let _ = writeln!(text, "╰ {}", end_text(session));
        match session.standing {
            TableStanding::InTable => {}
            TableStanding::TooLong => text.push_str("  not in the sessions table: longer than session.max_length\n"),
            TableStanding::OtherDate => {
                text.push_str("  not in the sessions table: starts on a date that it does not hold\n")
            }
        }
    }

    fn line(&self, marks: [&str; 2], time: &str, event: &Event, why: &str) -> String {
        let gap = event.gap.map_or_else(String::new, gap_text);
        self.row(marks, time, &gap, event.event.as_deref(), why, &event.columns)
    }

    fn left_out_line(&self, marks: [&str; 2], row: &LeftOut) -> String {
        let why = match row.reason {
            Some(reason) => format!("({}: {reason})", row.status),
            None => format!("({})", row.status),
        };
        let time = match (row.time, &row.raw_time) {
            (Some(time), _) => self.clock(time),
            (None, Some(raw)) => shortened(&harmless(raw), 23),
            (None, None) => "no time".to_string(),
        };
        self.row(marks, &time, "", row.event.as_deref(), &why, &row.columns)
    }

    /// One event: in one line, or where its columns do not fit, in some; `marks` begin the first and the others.
    fn row(
        &self,
        marks: [&str; 2],
        time: &str,
        gap: &str,
        event: Option<&str>,
        why: &str,
        columns: &[Value],
    ) -> String {
        let event = event.map_or_else(|| "(no type)".to_string(), |event| shortened(&harmless(event), TYPE_WIDTH));
        let shown = self.columns.iter().zip(columns).filter(|(_, value)| !value.is_null());
        let more: Vec<String> = (!why.is_empty())
            .then(|| why.to_string())
            .into_iter()
            .chain(shown.map(|(name, value)| format!("{}={}", harmless(name), harmless(&plain(value)))))
            .collect();
        let mut line = format!("{}{time:<23}  {gap:>11}  {event}", marks[0]);
        let indent = marks[0].chars().count() + 23 + 2 + 11 + 2;
        let mut text = String::new();
        for (place, part) in more.iter().enumerate() {
            // Where event types are short, what follows them stands in a column.
            if place == 0 {
                line += &" ".repeat((indent + SHORT_TYPE).saturating_sub(line.chars().count()));
            }
            if line.chars().count() + 2 + part.chars().count() > WIDTH && line.chars().count() > indent {
                let _ = writeln!(text, "{}", line.trim_end());
                line = format!("{}{}", marks[1], " ".repeat(indent - marks[1].chars().count()));
            } else {
                line += "  ";
            }
            line += part;
        }
        let _ = writeln!(text, "{}", shortened(line.trim_end(), WIDTH));
        text
    }

    fn clock(&self, time: Timestamp) -> String {
        match jiff::Timestamp::from_microsecond(time.micros()) {
            Ok(timestamp) => {
                timestamp.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
            }
            Err(_) => format!("{} us", time.micros()),
        }
    }
}

/// Finds the session that is around a time, among many.
struct Around<'a> {
    sessions: &'a [Session],
    /// Their places, in order of their first events, and the latest last event of each and those before it.
    by_first: Vec<(usize, Timestamp)>,
}

impl<'a> Around<'a> {
    fn new(sessions: &'a [Session]) -> Self {
        let mut places: Vec<usize> = (0..sessions.len()).collect();
        places.sort_by_key(|place| sessions[*place].first_time());
        let mut latest = Timestamp::MIN;
        let by_first = places.into_iter().map(|place| {
            latest = latest.max(sessions[place].last_time());
            (place, latest)
        });
        Around { sessions, by_first: by_first.collect() }
    }

    /// The place of the session around a row of its user: of several, the one that began last.
    fn session(&self, row: &LeftOut) -> Option<usize> {
        let time = row.time?;
        let begun = self.by_first.partition_point(|(place, _)| self.sessions[*place].first_time() <= time);
        let open = self.by_first[..begun].iter().rev().take_while(|(_, latest)| time <= *latest);
        open.map(|(place, _)| *place).find(|place| {
            let session = &self.sessions[*place];
            session.user == row.user && time <= session.last_time()
        })
    }
}

/// Why a session ended, as people say it.
fn end_text(session: &Session) -> String {
    let (silence, until) = match session.then {
        Some(Then::Event(silence)) => (span_text(silence), "until the next event"),
        Some(Then::Nothing(silence)) => (span_text(silence), "until the input ends"),
        None => (String::new(), ""),
    };
    let name = session.reason.name();
    match session.reason {
        EndReason::Timeout => format!("{name}: silent for {silence} {until}"),
        EndReason::Midnight => format!("{name}: its date is over, {silence} {until}"),
        EndReason::Change => format!("{name}: the next event has a new value ({silence} later)"),
        EndReason::StartEvent => format!("{name}: the next event starts another session"),
        EndReason::EndOfData => format!("{name}: the input ends {silence} later"),
        EndReason::EndEvent => format!("{name}: the last event ends it"),
        EndReason::SessionId => format!("{name}: the last event with this id"),
        EndReason::Property => format!("{name}: the last event of it with this value"),
    }
}

fn gap_text(gap: Span) -> String {
    format!("+{}", span_text(gap))
}

/// A span in two units at most, days among them.
fn span_text(span: Span) -> String {
    const DAY: i64 = 86_400_000;
    let millis = span.floor_millis();
    match (millis / DAY, millis % DAY / 3_600_000) {
        (0, _) => length_text(millis),
        (days, 0) => format!("{days} d"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

fn counted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    counts.iter().map(|(word, count)| format!("{word} {}", grouped(*count))).collect::<Vec<_>>().join(", ")
}

fn first_large(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whole lines, dimmed one by one.
fn dimmed(lines: &str, dims: bool) -> String {
    match dims {
        true => lines.lines().map(|line| format!("\u{1b}[2m{line}\u{1b}[0m\n")).collect(),
        false => lines.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_dimmed_one_by_one_and_only_on_a_terminal() {
        assert_eq!(dimmed("a\nb\n", true), "\u{1b}[2ma\u{1b}[0m\n\u{1b}[2mb\u{1b}[0m\n");
        assert_eq!(dimmed("a\nb\n", false), "a\nb\n");
    }

    #[test]
    fn a_row_is_around_the_session_that_began_last_and_has_not_ended() {
        let at = Timestamp::from_micros;
        let event = |time| Event { time: at(time), gap: None, event: None, columns: Vec::new() };
        let session = |user: &str, first, last| Session {
            user: Value::from(user),
            id: None,
            property: None,
            start: at(first),
            end: at(last),
            reason: EndReason::Timeout,
            standing: TableStanding::InTable,
            then: None,
            events: vec![event(first), event(last)],
        };
        let sessions = [session("a", 0, 50), session("a", 10, 20), session("b", 11, 40), session("a", 30, 30)];
        let around = Around::new(&sessions);
        let place = |time| {
            around.session(&LeftOut {
                user: Value::from("a"),
                status: "inactive",
                reason: None,
                time: Some(at(time)),
                raw_time: None,
                event: None,
                columns: Vec::new(),
            })
        };
        let places = [-1, 0, 15, 20, 25, 30, 35, 50, 51].map(place);
        assert_eq!(places, [None, Some(0), Some(1), Some(1), Some(0), Some(3), Some(0), Some(0), None]);
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let text = |seconds: i64| span_text(Span::from_micros(seconds * 1_000_000));
        assert_eq!([text(4), text(3_661), text(90_000), text(172_800)], ["4 s", "1 h 1 min", "1 d 1 h", "2 d"]);
    }
}
