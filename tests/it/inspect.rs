//! `dwell inspect`: a user's events and what became of each, as the tables have it.

mod agreement;
mod looking;
mod stories;

use crate::reference::{Definition, Event, MINUTE};
use crate::support::{at, job_toml, text, Layout, Ran, Sandbox};
use serde_json::Value;

fn event(user: &str, time: &str, event: &str) -> Event {
    Event { users: vec![text(user)], time: Some(at(time)), event: Some(event.to_owned()), ..Event::default() }
}

fn half_an_hour() -> Definition {
    Definition { timeout: Some(30 * MINUTE), ..Definition::default() }
}

/// A sandbox with one file of events, and the job of a definition.
fn with_events(definition: &Definition, events: &[Event]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.events("events.parquet", &Layout::default(), events);
    sandbox.job(&job_toml(definition, &Layout::default(), &[]));
    sandbox
}

impl Sandbox {
    fn inspect(&self, arguments: &[&str]) -> Ran {
        self.dwell(&[&["inspect", "job.toml"], arguments].concat())
    }

    /// What it prints for people; it must end well.
    fn drawing(&self, arguments: &[&str]) -> String {
        let ran = self.inspect(arguments);
        ran.expect_code(0);
        let control = ran.stdout.chars().find(|sign| sign.is_control() && *sign != '\n');
        assert_eq!(control, None, "a control character: {:?}", ran.stdout);
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 100, "{widest} columns:\n{}", ran.stdout);
        ran.stdout
    }

    /// What it prints for programs; it must end well.
    fn answer(&self, arguments: &[&str]) -> Value {
        let ran = self.inspect(&[arguments, &["--format", "json"]].concat());
        ran.expect_code(0);
        serde_json::from_str(&ran.stdout).unwrap()
    }
}
