//! `dwell doctor`: for each cause a table that has it and one that has not.

mod few_sessions;
mod printing;
mod random;
mod senders;
mod sessions;
mod soundness;

use crate::reference::{Cell, Event};
use crate::support::{at, at_ms, text, ColumnType, Layout, Sandbox};
use serde_json::Value;
use std::collections::BTreeMap;

/// An event of a user.
fn event(user: &str, time: &str, event: &str) -> Event {
    Event { users: vec![text(user)], time: Some(at(time)), event: Some(event.to_owned()), ..Event::default() }
}

/// An event in the session that starts at a time.
fn within(session: &str, user: &str, time: &str, name: &str) -> Event {
    Event { session_id: Some(Cell::Int(at_ms(session))), ..event(user, time, name) }
}

/// An event whose session id is this number.
fn with_id(id: i64, event: Event) -> Event {
    Event { session_id: Some(Cell::Int(id)), ..event }
}

/// The property of an event: what flags name as its platform, library or device.
fn from(sender: &str, event: Event) -> Event {
    Event { property: text(sender), ..event }
}

/// Two visits without anything odd about them.
fn sound() -> Vec<Event> {
    vec![
        within("10:00", "ann", "10:00", "open"),
        within("10:00", "ann", "10:03", "view"),
        within("11:00", "bob", "11:00", "open"),
        within("11:00", "bob", "11:04", "view"),
    ]
}

fn with_events(events: &[Event]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.events("events.parquet", &Layout::default(), events);
    sandbox
}

/// Events whose session ids are text.
fn with_text_ids(ids: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let layout = Layout { session_id: ColumnType::Text, ..Layout::default() };
    let events = ids.iter().zip(10..).map(|(id, minute)| Event {
        session_id: Some(Cell::Text((*id).to_owned())),
        ..event("ann", &format!("10:{minute}"), "view")
    });
    sandbox.events("events.parquet", &layout, &events.collect::<Vec<_>>());
    sandbox
}

/// What a doctor says.
struct Said(Value);

impl Sandbox {
    /// Asks about all events, in JSON.
    fn asks(&self, arguments: &[&str]) -> Said {
        let ran = self.dwell(&[&["doctor", "--input", "data", "--format", "json"], arguments].concat());
        ran.expect_code(0);
        assert_eq!(ran.stderr, "");
        Said(serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout)))
    }
}

impl Said {
    fn findings(&self) -> impl Iterator<Item = &Value> {
        let questions = self.0["questions"].as_array().unwrap().iter();
        questions.flat_map(|question| question["findings"].as_array().unwrap())
    }

    fn finding(&self, name: &str) -> &Value {
        let found = self.findings().find(|finding| finding["finding"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {:#}", self.0))
    }

    /// How many of how many.
    fn figure(&self, name: &str) -> (u64, u64) {
        let finding = self.finding(name);
        (finding["count"].as_u64().unwrap(), finding["of"].as_u64().unwrap())
    }

    fn level(&self, name: &str) -> &str {
        self.finding(name)["level"].as_str().unwrap()
    }

    fn command(&self, name: &str) -> &str {
        self.finding(name)["command"].as_str().unwrap_or_default()
    }

    /// The causes that count anything.
    fn causes(&self, name: &str) -> BTreeMap<&str, u64> {
        let causes = self.finding(name)["causes"].as_array().unwrap().iter();
        let counted = causes.map(|cause| (cause["cause"].as_str().unwrap(), cause["count"].as_u64().unwrap()));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// The example users of a cause.
    fn users(&self, name: &str, cause: &str) -> Vec<(&str, u64)> {
        let mut causes = self.finding(name)["causes"].as_array().unwrap().iter();
        let cause = causes.find(|found| found["cause"] == cause).unwrap();
        let users = cause["users"].as_array().unwrap().iter();
        users.map(|user| (user["user"].as_str().unwrap(), user["count"].as_u64().unwrap())).collect()
    }

    /// A finding by the values of something that count anything: `value count of`.
    fn by(&self, name: &str, by: &str) -> Vec<String> {
        let mut all = self.finding(name)["breakdowns"].as_array().unwrap().iter();
        let values = all.find(|found| found["by"] == by).unwrap_or_else(|| panic!("{name} by {by}: {:#}", self.0));
        let rows = values["values"].as_array().unwrap().iter().filter(|row| row["count"] != 0);
        rows.map(|row| format!("{} {} {}", row["value"].as_str().unwrap_or("-"), row["count"], row["of"])).collect()
    }

    /// What was not asked, as `question: what`.
    fn left_out(&self) -> Vec<String> {
        let questions = self.0["questions"].as_array().unwrap().iter();
        let of = |question: &Value| {
            let left = question["left_out"].as_array().unwrap().clone();
            let name = question["question"].as_str().unwrap().to_owned();
            left.into_iter().map(move |left| format!("{name}: {}", left["what"].as_str().unwrap()))
        };
        questions.flat_map(of).collect()
    }
}
