//! The command line and the job file (SPEC 7), and what a run leaves in the output folder (SPEC 4).

mod choosing;
mod dates;
mod flags;
mod folder;
mod printing;

use crate::cells::{lines, table};
use crate::reference::{Event, Value};
use crate::support::{at, read_run, table_hashes, text, write_batch, Layout, Ran, Sandbox};
use arrow::array::ArrayRef;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// An event of a user.
fn event(user: &str, time: &str, event: &str) -> Event {
    Event {
        users: vec![text(user)],
        time: Some(at(time)),
        event: Some(event.to_owned()),
        property: Some(Value::Text("o1".to_owned())),
        keep: Some(1),
        ..Event::default()
    }
}

fn view(user: &str, time: &str) -> Event {
    event(user, time, "view")
}

/// A sandbox with one file of events, and a job that ends sessions by 30 minutes of silence.
fn with_events(events: &[Event]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.events("events.parquet", &Layout::default(), events).job(JOB);
    sandbox
}

const JOB: &str = "[input]\npath = \"data\"\n[session]\ntimeout = \"30m\"\n[output]\npath = \"out\"\n";

/// Three days of Ann and Bob: one session a user and day, of two events, but for Bob's on the second day.
fn three_days() -> Vec<Event> {
    let day = |day: &str| {
        [
            view("ann", &format!("{day} 10:00")),
            view("ann", &format!("{day} 10:10")),
            view("bob", &format!("{day} 11:00")),
        ]
    };
    [day("2026-01-05"), day("2026-01-06"), day("2026-01-07")].concat()
}

impl Sandbox {
    /// A further file of any columns.
    fn columns<const N: usize>(&self, name: &str, columns: [(&str, ArrayRef); N]) -> &Sandbox {
        write_batch(&self.path().join("data").join(name), 1000, &table(columns));
        self
    }

    /// A run that must end well.
    fn runs(&self, arguments: &[&str]) -> Ran {
        let ran = self.dwell(&[&["run"], arguments].concat());
        ran.expect_code(0);
        ran
    }

    /// Start, user and events of all sessions.
    fn sessions(&self) -> Vec<String> {
        lines(&self.out(), "sessions", &["date", "user_id", "start_time", "event_count"])
    }

    fn activity(&self) -> Vec<String> {
        lines(&self.out(), "activity", &["date", "user_id", "events", "hours"])
    }
}

/// `run.json` without what differs from run to run.
fn counted(out: &Path) -> serde_json::Value {
    let mut run = read_run(out);
    for key in ["started", "seconds", "thread_seconds", "peak_memory_bytes"] {
        assert!(run.as_object_mut().unwrap().remove(key).is_some(), "no {key} in run.json");
    }
    run
}

/// Every file of the tables: length and hash, and when it was written.
type State = BTreeMap<String, ((usize, u64), SystemTime)>;

fn state(out: &Path) -> State {
    let modified = |name: &String| std::fs::metadata(out.join(name)).unwrap().modified().unwrap();
    table_hashes(out).into_iter().map(|(name, hash)| (name.clone(), (hash, modified(&name)))).collect()
}

/// The names of all files of the tables.
fn names(out: &Path) -> Vec<String> {
    table_hashes(out).into_keys().collect()
}
