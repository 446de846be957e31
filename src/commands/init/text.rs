//! The job as a file, with a word on each choice.

use std::path::Path;

use super::roles::{Found, Roles};
use super::Defined;
use crate::job::duration::duration_text;
use crate::job::file::InputKeys;
use crate::job::values::Names;
use crate::job::Job;
use crate::summary::grouped;

/// What goes into the file.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The input.
    pub input: &'a InputKeys,
    /// How its columns were found.
    pub roles: &'a Roles,
    /// What defines sessions.
    pub defined: &'a Defined,
    /// The folder of the tables.
    pub output: &'a str,
    /// The zone of their dates; UTC where there is none.
    pub timezone: Option<&'a str>,
    /// Rows of the input.
    pub rows: u64,
    /// Files of the input.
    pub files: usize,
}

impl Written<'_> {
    /// The job file.
    pub fn text(&self) -> String {
        let mut lines = vec![
            "# A first job for these events, made by `dwell init`. `dwell schema` prints all keys, for editors."
                .to_string(),
            String::new(),
        ];
        lines.extend(self.input_lines());
        lines.push(String::new());
        lines.extend(self.session_lines());
        lines.push(String::new());
        lines.push("[output]".to_string());
        lines.push(format!("path = {}", quoted(self.output)));
        match self.timezone {
            Some(zone) => lines.push(format!("timezone = {}", quoted(zone))),
            None => lines.push("# timezone = \"Europe/Paris\"  # of the dates; UTC without it".to_string()),
        }
        lines.push(String::new());
        lines.push("# Numbers to look at, with `dwell charts` and `dwell report`.".to_string());
        lines.extend(["[[chart]]", "name = \"days\"", "interval = \"day\""].map(str::to_string));
        lines.join("\n") + "\n"
    }

    fn input_lines(&self) -> Vec<String> {
        let Written { input, roles, .. } = self;
        let mut lines = vec!["[input]".to_string()];
        let paths = input.path.clone().map(Names::into_vec).unwrap_or_default();
        lines.push(format!("path = {}  # {}", names(&paths), self.extent()));
        let mut key = |key: &str, value: Option<&String>, said: String| {
            lines.extend(value.map(|value| format!("{key} = {}{said}", quoted(value))));
        };
        key("source", input.source.as_ref(), "  # whose columns are known; keys that are set here win".to_string());
        if let Some(Names::One(user)) = &input.user {
            key("user", Some(user), beside(&roles.user));
        }
        key("time", input.time.as_ref(), beside(&roles.time));
        key("time_unit", input.time_unit.as_ref(), String::new());
        key("event", input.event.as_ref(), beside(&roles.event));
        key("session_id", input.session_id.as_ref(), beside(&roles.session_id));
        key("dedup", input.dedup.as_ref(), "  # repeats of an id within 7 days are one event".to_string());
        if let Some(Names::Many(users)) = &input.user {
            lines.push(format!("user = {}  # the first that has a value", names(users)));
        }
        lines
    }

    fn session_lines(&self) -> Vec<String> {
        match self.defined {
            Defined::BySessionId => [
                "# A session is what has one session id, as the tracking library set it. To group events by pauses instead:",
                "# [session]",
                "# timeout = \"30m\"  # `dwell gaps` shows what others would make of them",
            ]
            .map(str::to_string)
            .to_vec(),
            Defined::ByTimeout(proposal) => {
                let mut lines = vec!["[session]".to_string()];
                lines.extend(proposal.reasons.iter().map(|reason| format!("# {reason}")));
                lines.push(format!("timeout = {}", quoted(&duration_text(proposal.timeout))));
                lines
            }
        }
    }

    /// What was written, for people.
    pub fn summary(&self, job: &Job, path: &Path) -> String {
        format!("{} is written, for {}\n{}\n", path.display(), self.extent(), job.definition.sentence())
    }

    fn extent(&self) -> String {
        let files =
            if self.files == 1 { "one file".to_string() } else { format!("{} files", grouped(self.files as u64)) };
        format!("{} rows in {files}", grouped(self.rows))
    }
}

fn beside(found: &Found) -> String {
    match found {
        Found::Usual { others, .. } if !others.is_empty() => format!("  # also there: {}", others.join(", ")),
        _ => String::new(),
    }
}

fn names(all: &[String]) -> String {
    match all {
        [one] => quoted(one),
        many => format!("[{}]", many.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}
