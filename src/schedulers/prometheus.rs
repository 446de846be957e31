//! `--metrics FILE`: what a run did as Prometheus metrics, for the textfile collector of its node exporter.

use std::fmt::Write;
use std::path::Path;

use super::run::{by_reason, count, fates, is_nothing_new, sizes, Ended};
use crate::tables::write::files::replace_file;

/// Writes the metrics of a run; a file that cannot be written is warned of, as the tables are in place by now.
pub fn write(path: &Path, ended: &Ended<'_>) {
    if let Err(error) = replace_file(path, metrics(ended).as_bytes()) {
        tracing::warn!("the metrics are not written: {error}");
    }
}

/// The metrics as text.
pub fn metrics(ended: &Ended<'_>) -> String {
    let mut text = Text::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.gauge("dwell_build_info", "The program that ran; always 1.", &[(&version, 1.0)]);
    text.one("dwell_run_exit_code", "What the last run ended with: 0 where it is done.", f64::from(ended.exit_code));
    let at = ended.at.as_millisecond() as f64 / 1_000.0;
    text.one("dwell_run_end_timestamp_seconds", "When the last run ended.", at);
    if let Some(newest) = ended.tables.newest {
        let midnight = f64::from(newest.epoch_days()) * 86_400.0;
        text.one(
            "dwell_newest_date_timestamp_seconds",
            "The newest date of the sessions table, as its midnight in UTC.",
            midnight,
        );
    }
    let Some(record) = ended.record else { return text.0 };
    let nothing_new = is_nothing_new(record);
    text.one(
        "dwell_run_nothing_new",
        "1 where the input was that of the run before.",
        f64::from(u8::from(nothing_new)),
    );
    if nothing_new {
        return text.0;
    }
    text.one("dwell_run_rows", "Rows of the input.", count(record, "rows") as f64);
    text.labelled(
        "dwell_run_row_fates",
        "Rows of the input by what became of them; they add up to all rows.",
        "fate",
        &fates(record),
    );
    text.labelled("dwell_run_rejected_rows", "Rejected rows by reason.", "reason", &by_reason(record, "rejected"));
    let outside = by_reason(record, "out_of_session");
    text.labelled("dwell_run_out_of_session_events", "Events in no session by reason.", "reason", &outside);
    text.one("dwell_run_sessions", "Sessions that the run wrote.", count(record, "sessions") as f64);
    text.one("dwell_run_users", "Active users of the dates that the run wrote.", count(record, "users") as f64);
    text.one("dwell_run_dates", "Dates of which a file was replaced.", count(&record["replaced"], "count") as f64);
    text.one("dwell_run_warnings", "Warnings of the run.", record["warnings"].as_array().map_or(0, Vec::len) as f64);
    let stages: Vec<(&str, f64)> = (record["seconds"].as_object().into_iter().flatten())
        .map(|(stage, seconds)| (stage.as_str(), seconds.as_f64().unwrap_or_default()))
        .collect();
    let (total, stages): (Vec<_>, Vec<_>) = stages.into_iter().partition(|(stage, _)| *stage == "total");
    for (_, seconds) in total {
        text.one("dwell_run_seconds", "How long the run took.", seconds);
    }
    text.series("dwell_run_stage_seconds", "How long each stage of the run took.", "stage", &stages);
    if let Some(peak) = record["peak_memory_bytes"].as_u64() {
        text.one("dwell_run_peak_memory_bytes", "The most memory that the process held.", peak as f64);
    }
    let tables = sizes(record);
    let rows: Vec<(&str, u64)> = tables.iter().map(|(table, rows, _)| (*table, *rows)).collect();
    let bytes: Vec<(&str, u64)> = tables.iter().map(|(table, _, bytes)| (*table, *bytes)).collect();
    text.labelled("dwell_run_table_rows", "Rows that the run wrote of each table.", "table", &rows);
    text.labelled("dwell_run_table_bytes", "Bytes that the run wrote of each table.", "table", &bytes);
    text.0
}

/// A label, and its value.
type Label<'a> = (&'a str, &'a str);

#[derive(Default)]
struct Text(String);

impl Text {
    fn one(&mut self, name: &str, help: &str, value: f64) {
        self.gauge(name, help, &[(&[], value)]);
    }

    fn labelled(&mut self, name: &str, help: &str, label: &str, counts: &[(&str, u64)]) {
        let values: Vec<(&str, f64)> = counts.iter().map(|(value, count)| (*value, *count as f64)).collect();
        self.series(name, help, label, &values);
    }

    fn series(&mut self, name: &str, help: &str, label: &str, values: &[(&str, f64)]) {
        let labels: Vec<[Label<'_>; 1]> = values.iter().map(|(value, _)| [(label, *value)]).collect();
        let samples: Vec<(&[Label<'_>], f64)> =
            labels.iter().zip(values).map(|(labels, (_, value))| (&labels[..], *value)).collect();
        self.gauge(name, help, &samples);
    }

    /// A metric with its samples; none at all where there are none.
    fn gauge(&mut self, name: &str, help: &str, samples: &[(&[Label<'_>], f64)]) {
        if samples.is_empty() {
            return;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
