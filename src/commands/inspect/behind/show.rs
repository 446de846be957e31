//! What is behind a figure, for people and for programs.

use std::fmt::Write;

use serde_json::{json, Map, Value};

use super::Listing;
use crate::commands::inspect::stream::plain;
use crate::summary::format::{csv_text, csv_writer, Format};
use crate::summary::grouped;
use crate::summary::lines::{harmless, shortened};
use crate::summary::text::length_text;

/// No line is longer.
const WIDTH: usize = 100;
/// No id is shown longer.
const ID_WIDTH: usize = 24;

impl Listing {
    /// As text.
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Json => self.json(),
            Format::Csv => self.csv(),
            Format::Table | Format::Html => self.table(),
        }
    }

    /// One object.
    fn json(&self) -> String {
        let of_row = |row: &Vec<Value>| self.columns.iter().cloned().zip(row.iter().cloned()).collect::<Map<_, _>>();
        let mut all = json!({
            "chart": self.chart,
            "series": self.series,
            "segment": self.segment,
            "group": self.group,
            "interval_start": self.interval,
            "bin_start": self.bin,
            "sessions": self.sessions,
        });
        if let Some(step) = self.step {
            all["step"] = step.into();
        }
        if let Some(users) = self.users {
            all["users"] = users.into();
        }
        all["rows"] = self.rows.iter().map(of_row).collect();
        serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
    }

    /// The rows, under the names of their columns.
    fn csv(&self) -> String {
        let mut csv = csv_writer();
        // Writing to memory cannot fail.
        let _ = csv.write_record(&self.columns);
        self.rows.iter().for_each(|row| drop(csv.write_record(row.iter().map(plain))));
        csv_text(csv)
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, rest: &str| {
            text.push_str(&shortened(&format!("{name:<15}{}", harmless(rest)), WIDTH));
            text.push('\n');
        };
        line("Chart", &self.chart);
        line("Figure", &self.figure());
        line("Sessions", &self.counted("session", self.sessions));
        if let Some(users) = self.users {
            line("Users", &self.counted("user", users));
        }
        if self.rows.is_empty() {
            return text;
        }
        let rows: Vec<[String; 4]> = match self.users {
            Some(_) => self.rows.iter().map(|row| self.of_user(row)).collect(),
            None => self.rows.iter().map(|row| self.of_session(row)).collect(),
        };
        let width = |place: usize| rows.iter().map(|row| row[place].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        text.push('\n');
        for [first, second, third, rest] in &rows {
            let [a, b, c] = widths;
            let line = format!("{first:<a$}  {second:>b$}  {third:<c$}  {rest}");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", shortened(line.trim_end(), WIDTH));
        }
        text
    }

    /// Which figure it is, in words.
    fn figure(&self) -> String {
        let mut words = vec![format!("series {}", self.series), format!("segment {}", self.segment)];
        words.extend(self.group.iter().map(|group| format!("group {group}")));
        words.extend(self.interval.iter().map(|start| format!("interval {start}")));
        words.extend(self.step.iter().map(|step| format!("step {step}")));
        words.extend(self.bin.iter().map(|start| format!("bin {start}")));
        words.join(", ")
    }

    /// How many there are, and where rows are of these, how many are shown.
    fn counted(&self, what: &str, count: usize) -> String {
        let are_listed = (what == "user") == self.users.is_some();
        let all = grouped(count as u64);
        match self.rows.len() {
            shown if are_listed && shown < count => {
                format!("{all}, of which {} follow, the newest first; --limit none lists all", grouped(shown as u64))
            }
            _ => all,
        }
    }

    fn of(&self, row: &[Value], name: &str) -> String {
        let place = self.columns.iter().position(|column| column == name);
        harmless(&place.and_then(|place| row.get(place)).map(plain).unwrap_or_default())
    }

    fn number(&self, row: &[Value], name: &str) -> i64 {
        let place = self.columns.iter().position(|column| column == name);
        place.and_then(|place| row.get(place)).and_then(Value::as_i64).unwrap_or(0)
    }

    fn of_session(&self, row: &[Value]) -> [String; 4] {
        let events = self.number(row, "event_count");
        let id = |name: &str| shortened(&self.of(row, name), ID_WIDTH);
        let mut rest = format!("{} → {}", self.of(row, "first_event"), self.of(row, "last_event"));
        for name in &self.looked_at {
            rest += &format!("  {}={}", harmless(name), self.of(row, name));
        }
        [
            self.of(row, "start_time"),
            length_text(self.number(row, "length_ms")),
            format!("{}  {}  {}", id("user_id"), id("session_id"), counted_events(events)),
            rest,
        ]
    }

    fn of_user(&self, row: &[Value]) -> [String; 4] {
        let user = shortened(&self.of(row, "user_id"), ID_WIDTH);
        [user, grouped(self.number(row, "sessions").unsigned_abs()), self.of(row, "last_start_time"), String::new()]
    }
}

fn counted_events(events: i64) -> String {
    format!("{} event{}", grouped(events.unsigned_abs()), if events == 1 { "" } else { "s" })
}
