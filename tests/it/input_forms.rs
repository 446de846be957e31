//! Every form that events may come in (SPEC 1), and conditions over them (SPEC 2, step 1).

mod conditions;
mod every_type;
mod files;
mod folders;
mod footers;
pub mod nested;
mod nested_conditions;
mod odd_values;
mod overflow;
mod pruning;
mod roles;
mod schemas;
mod times;

use crate::cells::{lines, number};
use crate::support::{dated_files, read_counts, read_parquet, uncounted_rows, write_batch, Ran, Sandbox};
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use std::path::Path;

/// An input and a job over it. Without more words the input is `data`, and sessions end by 30 minutes of silence.
struct Reading {
    sandbox: Sandbox,
    input: Vec<String>,
    session: Vec<String>,
}

/// Reading nothing yet.
fn reading() -> Reading {
    Reading { sandbox: Sandbox::new(), input: Vec::new(), session: Vec::new() }
}

/// Reading one file.
fn reading_of(batch: &RecordBatch) -> Reading {
    reading().file("events.parquet", batch)
}

impl Reading {
    /// A file at a path relative to `data`.
    fn file(self, name: &str, batch: &RecordBatch) -> Reading {
        self.groups(name, 1000, batch)
    }

    /// A file in row groups of so many rows.
    fn groups(self, name: &str, rows_per_group: usize, batch: &RecordBatch) -> Reading {
        write_batch(&self.sandbox.path().join("data").join(name), rows_per_group, batch);
        self
    }

    /// A file that `write` writes.
    fn written(self, name: &str, write: impl FnOnce(&Path)) -> Reading {
        let path = self.sandbox.path().join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(&path);
        self
    }

    /// A line of `[input]`.
    fn input(mut self, line: &str) -> Reading {
        self.input.push(line.to_owned());
        self
    }

    fn filter(self, condition: &str) -> Reading {
        self.input(&format!("where = {}", toml::Value::String(condition.to_owned())))
    }

    /// A line of `[session]`, in place of the timeout.
    fn session(mut self, line: &str) -> Reading {
        self.session.push(line.to_owned());
        self
    }

    fn play(mut self) -> (Sandbox, Ran) {
        if !self.input.iter().any(|line| line.starts_with("path ")) {
            self.input.insert(0, "path = \"data\"".to_owned());
        }
        if self.session.is_empty() {
            self.session.push("timeout = \"30m\"".to_owned());
        }
        let (input, session) = (self.input.join("\n"), self.session.join("\n"));
        self.sandbox.job(&format!("[input]\n{input}\n[session]\n{session}\n[output]\npath = \"out\"\n"));
        let ran = self.sandbox.dwell(&["run", "job.toml", "--quiet"]);
        (self.sandbox, ran)
    }

    /// The run must end well, with counts that add up.
    fn run(self) -> Seen {
        let (sandbox, ran) = self.play();
        ran.expect_code(0);
        let counts = read_counts(&sandbox.out());
        assert_eq!(uncounted_rows(&counts), 0, "rows that are not counted: {counts:#?}");
        Seen { sandbox }
    }

    /// The run must end with this code and a message that says all of `words`, and write nothing.
    fn fails(self, code: i32, words: &[&str]) {
        let (sandbox, ran) = self.play();
        ran.expect_code(code);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert!(!sandbox.out().join("sessions").exists(), "a failed run left tables");
    }
}

/// What a run made of its input.
struct Seen {
    sandbox: Sandbox,
}

impl Seen {
    /// Some columns of the sessions, a line a session.
    fn sessions<const C: usize, const N: usize>(&self, columns: [&str; C], expected: [&str; N]) -> &Seen {
        assert_eq!(lines(&self.sandbox.out(), "sessions", &columns), expected);
        self
    }

    /// The users of the sessions.
    fn users<const N: usize>(&self, expected: [&str; N]) -> &Seen {
        self.sessions(["user_id"], expected)
    }

    /// The type of a column of the sessions.
    fn has_type(&self, column: &str, expected: &DataType) -> &Seen {
        for (_, file) in dated_files(&self.sandbox.out().join("sessions"), "session_date") {
            let schema = read_parquet(&file).0;
            assert_eq!(schema.field_with_name(column).unwrap().data_type(), expected, "type of {column}");
        }
        self
    }

    /// A warning of `run.json` that says all of these.
    fn warns(&self, words: &[&str]) -> &Seen {
        let run = crate::support::read_run(&self.sandbox.out());
        let warnings = run["warnings"].as_array().unwrap();
        let says = |warning: &serde_json::Value| words.iter().all(|word| warning.as_str().unwrap().contains(word));
        assert!(warnings.iter().any(says), "none of {words:?} in {warnings:?}");
        self
    }

    /// A number of `run.json`.
    fn counts(&self, path: &str, expected: i64) -> &Seen {
        assert_eq!(number(&self.sandbox.out(), path), expected, "{path}");
        self
    }
}
