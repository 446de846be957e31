//! The flags that say what to read and what a session is: those of every command that reads events.

use std::path::PathBuf;

use clap::Args;

use super::job_file;
use crate::commands::doctor::words::Words;
use crate::job::file::{InputKeys, JobFile, OutputKeys, SessionKeys};
use crate::job::values::{Names, Scalar, TimeoutKeys};
use crate::job::JobError;

const SESSION: &str = "Session (without any of the first four: one session a session id)";

/// A job file, and flags over it.
#[derive(Debug, Args)]
pub(super) struct DefinitionFlags {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,

    /// Event file, folder or glob; may be given again
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    input: Option<Vec<String>>,
    /// The tool the events are from, whose columns are known: amplitude, ga4, posthog, mixpanel, snowplow, rudderstack
    /// or segment
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    source: Option<String>,
    /// User column; given twice, the first that has a value wins [default: user_id]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    user: Option<Vec<String>>,
    /// Time column [default: client_event_time, else event_time]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    time: Option<String>,
    /// What an integer time column counts: s, ms, us or ns
    #[arg(long, value_name = "UNIT", help_heading = "Input")]
    time_unit: Option<String>,
    /// Event type column [default: event_type]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    event: Option<String>,
    /// Session id column [default: session_id]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    session_id: Option<String>,
    /// Column of unique event ids: events that repeat one are dropped
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    dedup: Option<String>,
    /// SQL condition that events have to meet
    #[arg(long, value_name = "SQL", help_heading = "Input")]
    r#where: Option<String>,
    /// Event type that counts for nothing; may be given again
    #[arg(long, value_name = "TYPE", help_heading = "Input")]
    inactive: Option<Vec<String>>,

    /// Column that the events of a session share
    #[arg(
        long,
        value_name = "COLUMN",
        help_heading = SESSION
    )]
    property: Option<String>,
    /// Event type that opens a session; may be given again
    #[arg(
        long,
        value_name = "TYPE",
        help_heading = SESSION
    )]
    start_event: Option<Vec<String>>,
    /// Event type that closes a session; may be given again
    #[arg(
        long,
        value_name = "TYPE",
        help_heading = SESSION
    )]
    end_event: Option<Vec<String>>,
    /// Silence that ends a session, for instance 30m
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = SESSION
    )]
    timeout: Option<String>,
    /// Silence that ends a session where there is no timeout, or none [default: 7d]
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = SESSION
    )]
    max_gap: Option<String>,
    /// Whether a silence of exactly the timeout splits a session: split or join [default: split]
    #[arg(
        long,
        value_name = "WORD",
        help_heading = SESSION
    )]
    gap_equal: Option<String>,
    /// Sessions longer than this are excluded, or none [default: 1d]
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = SESSION
    )]
    max_length: Option<String>,
    /// Where a session of one session id starts: session_id or first_event [default: session_id]
    #[arg(
        long,
        value_name = "WORD",
        help_heading = SESSION
    )]
    length_from: Option<String>,

    /// What a session id that is a time counts: s, ms, us or ns [default: ms]
    #[arg(
        long,
        value_name = "UNIT",
        help_heading = SESSION
    )]
    id_unit: Option<String>,

    /// Whether midnight in the time zone of dates ends a session: join or split [default: join]
    #[arg(
        long,
        value_name = "WORD",
        help_heading = SESSION
    )]
    at_midnight: Option<String>,

    /// Column of which a new value begins a session; may be given again
    #[arg(
        long,
        value_name = "COLUMN",
        help_heading = SESSION
    )]
    new_on_change: Option<Vec<String>>,

    /// Time zone of dates [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Output")]
    timezone: Option<String>,
}

impl DefinitionFlags {
    /// The keys of the job file, with the flags over them.
    ///
    /// # Errors
    /// A job file that cannot be read.
    pub(super) fn keys(self) -> Result<JobFile, JobError> {
        Ok(job_file(self.job.as_deref())?.merge(self.into_keys()))
    }

    /// These words, to be typed again.
    ///
    /// # Errors
    /// A job file that cannot be read.
    pub(super) fn words(&self) -> Result<Words, JobError> {
        let one = |flag: &'static str, value: &Option<String>| value.iter().map(|v| (flag, v.clone())).collect();
        let many = |flag: &'static str, values: &Option<Vec<String>>| -> Vec<(&'static str, String)> {
            values.iter().flatten().map(|value| (flag, value.clone())).collect()
        };
        let flags: [Vec<(&'static str, String)>; 22] = [
            many("--input", &self.input),
            one("--source", &self.source),
            many("--user", &self.user),
            one("--time", &self.time),
            one("--time-unit", &self.time_unit),
            one("--event", &self.event),
            one("--session-id", &self.session_id),
            one("--dedup", &self.dedup),
            one("--where", &self.r#where),
            many("--inactive", &self.inactive),
            one("--property", &self.property),
            many("--start-event", &self.start_event),
            many("--end-event", &self.end_event),
            one("--timeout", &self.timeout),
            one("--max-gap", &self.max_gap),
            one("--gap-equal", &self.gap_equal),
            one("--max-length", &self.max_length),
            one("--length-from", &self.length_from),
            one("--id-unit", &self.id_unit),
            one("--at-midnight", &self.at_midnight),
            many("--new-on-change", &self.new_on_change),
            one("--timezone", &self.timezone),
        ];
        Ok(Words {
            job_file: self.job.as_ref().map(|path| path.display().to_string()),
            flags: flags.into_iter().flatten().collect(),
            has_output: job_file(self.job.as_deref())?.output.path.is_some(),
        })
    }

    fn into_keys(self) -> JobFile {
        let names = |names: Option<Vec<String>>| names.map(Names::Many);
        let scalar = |text: Option<String>| text.map(Scalar);
        JobFile {
            input: InputKeys {
                path: names(self.input),
                source: self.source,
                user: names(self.user),
                time: self.time,
                time_unit: self.time_unit,
                event: self.event,
                session_id: self.session_id,
                dedup: self.dedup,
                r#where: self.r#where,
                inactive: names(self.inactive),
                ..InputKeys::default()
            },
            session: SessionKeys {
                property: self.property,
                start_event: names(self.start_event),
                end_event: names(self.end_event),
                timeout: scalar(self.timeout).map(TimeoutKeys::Same),
                max_gap: scalar(self.max_gap),
                gap_equal: self.gap_equal,
                max_length: scalar(self.max_length),
                length_from: self.length_from,
                id_unit: self.id_unit,
                at_midnight: self.at_midnight,
                new_on_change: names(self.new_on_change),
                ..SessionKeys::default()
            },
            output: OutputKeys { timezone: self.timezone, ..OutputKeys::default() },
            ..JobFile::default()
        }
    }
}
