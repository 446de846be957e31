//! A month of events in a file a day, runs over it, and what the tables of a full run would be.

use crate::reference::{Cell, Event, MILLI};
use crate::support::{at, job_toml, read_run, table_hashes, text, ColumnType, Layout, Ran, Sandbox};
use std::collections::BTreeMap;
use std::path::Path;

/// An event of a user at a time as stories spell it.
pub fn event(user: &str, time: &str, event: &str) -> Event {
    Event { users: vec![text(user)], time: Some(at(time)), event: Some(event.to_owned()), ..Event::default() }
}

pub fn view(user: &str, time: &str) -> Event {
    event(user, time, "view")
}

/// An event of a session of the default definition.
pub fn with_id(user: &str, time: &str, id: &str) -> Event {
    Event { session_id: Some(Cell::Int(at(id) / MILLI)), ..view(user, time) }
}

pub const TIMEOUT: &str = "[session]\ntimeout = \"30m\"\n";

/// A folder with a job of these sections, but for input and output paths.
pub fn folder(sections: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut job = job_toml(&crate::reference::Definition::default(), &Layout::default(), &[]);
    for (section, lines) in [("[input]", ""), ("[session]", ""), ("[output]", "")] {
        let given = sections.split_once(section).map_or(lines, |(_, rest)| rest.split("\n[").next().unwrap());
        job = job.replace(section, &format!("{section}{}", given.trim_end()));
    }
    sandbox.job(&job);
    sandbox
}

/// Thirty days of Ann, Bob and Cid in January 2026, each visiting for ten minutes a day, Ann also around midnight.
pub fn month(sandbox: &Sandbox) {
    for day in 1..=30 {
        sandbox.events(&day_file(day), &Layout::default(), &visits(day));
    }
}

/// A month whose ids count another unit, so many of which are a millisecond (or the other way round).
pub fn month_in(sandbox: &Sandbox, layout: &Layout, of_millis: impl Fn(i64) -> i64) {
    for day in 1..=30 {
        sandbox.events(&day_file(day), layout, &with_ids_in(layout, &of_millis, visits(day)));
    }
}

/// The same events with ids in another unit.
pub fn with_ids_in(layout: &Layout, of_millis: &impl Fn(i64) -> i64, events: Vec<Event>) -> Vec<Event> {
    let id = |id: Cell| match (id, layout.session_id) {
        (Cell::Int(millis), ColumnType::Text) => Cell::Text(of_millis(millis).to_string()),
        (Cell::Int(millis), _) => Cell::Int(of_millis(millis)),
        (other, _) => other,
    };
    events.into_iter().map(|event| Event { session_id: event.session_id.clone().map(id), ..event }).collect()
}

pub fn day_file(day: u32) -> String {
    format!("2026-01-{day:02}.parquet")
}

pub fn visits(day: u32) -> Vec<Event> {
    let mut events = Vec::new();
    for (user, hour) in [("ann", 9), ("bob", 12), ("cid", 18)] {
        for minute in [0, 4, 10] {
            let id = format!("2026-01-{day:02} {hour:02}:00");
            events.push(with_id(user, &format!("2026-01-{day:02} {hour:02}:{minute:02}"), &id));
        }
    }
    let night = format!("2026-01-{day:02} 23:50");
    events.push(with_id("ann", &night, &night));
    events
}

impl Sandbox {
    /// `dwell run job.toml` with these arguments, which must end with this code.
    pub fn ends(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.dwell(&[&["run", "job.toml"], arguments].concat());
        ran.expect_code(code);
        ran
    }

    /// An incremental run that must end well.
    pub fn night(&self, arguments: &[&str]) -> Ran {
        self.ends(0, &[&["--incremental"], arguments].concat())
    }

    /// The tables that a full run into another folder makes, by the hashes of their files.
    pub fn full_hashes(&self) -> BTreeMap<String, (usize, u64)> {
        let full = self.path().join("full");
        let _ = std::fs::remove_dir_all(&full);
        self.ends(0, &["--output", "full"]);
        table_hashes(&full)
    }

    /// Fails unless the tables are those of a full run.
    pub fn is_as_after_a_full_run(&self) {
        let (full, here) = (self.full_hashes(), table_hashes(&self.out()));
        let differ = full.keys().chain(here.keys()).filter(|name| full.get(*name) != here.get(*name));
        assert_eq!(differ.collect::<Vec<_>>(), [""; 0], "files that are not as after a full run");
    }

    /// The ranges of dates that the last run replaced, as `2026-01-03 2026-01-04`.
    pub fn replaced(&self) -> Vec<String> {
        let run = read_run(&self.out());
        let ranges = run["replaced"]["ranges"].as_array().unwrap().clone();
        ranges.iter().map(|range| format!("{} {}", range[0].as_str().unwrap(), range[1].as_str().unwrap())).collect()
    }

    /// A number that the last run's `run.json` has.
    pub fn told(&self, section: &str, key: &str) -> i64 {
        let run = read_run(&self.out());
        let value = if section.is_empty() { &run[key] } else { &run[section][key] };
        value.as_i64().unwrap_or_else(|| panic!("no {section}.{key} in {run:#}"))
    }

    pub fn removes(&self, name: &str) {
        std::fs::remove_file(self.path().join("data").join(name)).unwrap();
    }
}

/// The files of one kind of table by date that differ between two states.
pub fn differing(before: &BTreeMap<String, (usize, u64)>, out: &Path) -> Vec<String> {
    let after = table_hashes(out);
    let all = before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
    let mut dates: Vec<String> =
        all.filter_map(|name| Some(name.split_once("_date=")?.1.split('/').next()?.to_owned())).collect();
    dates.sort();
    dates.dedup();
    dates
}
