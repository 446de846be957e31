//! What goes to stderr while a run goes on: lines for people, or one JSON object a line.

use std::fmt;
use std::io::Write;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::lines::harmless;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to stderr; `quiet` lets nothing but errors through.
pub fn start(format: LogFormat, quiet: bool) {
    // People see a progress bar and a summary; programs get each stage as a line.
    let level = match (quiet, format) {
        (true, _) => Level::ERROR,
        (false, LogFormat::Text) => Level::WARN,
        (false, LogFormat::Json) => Level::INFO,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| Forgiving(std::io::stderr()))
        .log_internal_errors(false)
        .with_ansi(false);
    if format == LogFormat::Json {
        crate::heap::log_as_json();
    }
    // What polars says of its own calls is not for who wrote a job.
    polars_core::error::set_warning_function(|_, _| {});
    // A second start, as in tests, changes nothing.
    let _ = match format {
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
        LogFormat::Text => tracing::subscriber::set_global_default(builder.event_format(Plain).finish()),
    };
}

/// A log that cannot be written, as its disk is full or its reader has gone, is no reason to end.
struct Forgiving(std::io::Stderr);

impl Write for Forgiving {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// `warning: message` and `error: message`; what is only said goes without a word before it.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let prefix = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            _ => "",
        };
        let mut message = Message(String::new());
        event.record(&mut message);
        // Lines of our own stay lines; what came out of the data does not move a cursor.
        let lines = message.0.split('\n').map(harmless).collect::<Vec<_>>();
        writeln!(writer, "{prefix}{}", lines.join("\n"))
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
