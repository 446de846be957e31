//! What `--dry-run` prints: what a run would read, make and write.

use std::fmt::Write;

use super::lines::harmless;
use super::{bytes_text, dates_text, files_text, grouped};
use crate::events::source::columns::Source;
use crate::events::source::plan::ReadPlan;
use crate::job::fingerprint::Canonical;
use crate::job::options::{Options, Table};
use crate::job::Job;
use crate::tables::history::scope::{Mode, Scope};
use crate::tables::users::USERS;

/// The plan of a run.
pub fn plan_text(
    job: &Job,
    options: &Options,
    plan: &ReadPlan,
    definition: &Canonical,
    scope: Option<&Scope>,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, rest: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<12}{rest}");
    };
    let extent = plan.extent;
    line("Files", format!("{} ({})", grouped(extent.files), bytes_text(extent.bytes)));
    if extent.folders_ruled_out > 0 {
        line(
            "Folders",
            format!("{} ruled out by the condition, and no part of the input", grouped(extent.folders_ruled_out)),
        );
    }
    let groups = extent.row_groups_read + extent.row_groups_skipped;
    line("Row groups", format!("{} of {} would be read", grouped(extent.row_groups_read), grouped(groups)));
    line("Rows", format!("{} of {} would be read", grouped(extent.rows_read), grouped(extent.rows)));
    if let Some(preset) = &job.input.preset {
        line("Source", preset.sentence());
    }
    let for_nothing = plan.derived_for_nothing();
    for derived in plan.derived() {
        let unused = if for_nothing.contains(&derived.name.as_str()) { ", which nothing of the job names" } else { "" };
        line("Derived", format!("{} = {}{unused}", harmless(&derived.name), harmless(&derived.text)));
    }
    for (role, column) in plan.roles.all() {
        let from = match &column.source {
            Source::Hive => ", the same in all of a file",
            Source::File { path: Some(_), .. } => ", inside a column",
            Source::File { path: None, .. } if !column.derived.is_empty() => ", derived",
            Source::File { path: None, .. } => "",
        };
        let as_text = if plan.roles.has_as_text(role, column) { ", as text" } else { "" };
        line("Column", format!("{} as {role} ({}{as_text}{from})", column.spelled, column.kind.name()));
    }
    if let (Some(of), Some(aliases)) = (&job.input.aliases, &plan.aliases) {
        let since = of.since.as_ref().map(|since| format!(", since {}", harmless(since))).unwrap_or_default();
        let (names, rows) = (format!("{} is {}", harmless(&of.from), harmless(&of.to)), grouped(aliases.extent.rows));
        line("Aliases", format!("{names}{since}, in {rows} rows of {} files", grouped(aliases.extent.files)));
    }
    if let Some(watched) = &plan.watched {
        line("Columns", format!("{}, of which a new value begins a session", harmless(&watched.canonical())));
    }
    if let Some(condition) = plan.condition() {
        line("Condition", harmless(condition));
    }
    if !job.input.inactive.is_empty() {
        line("Inactive", job.input.inactive.join(", "));
    }
    for column in &job.columns {
        line("Column", format!("{} of sessions: {}", harmless(&column.name), harmless(&column.contents.to_string())));
    }
    line("Definition", job.definition.sentence());
    line("Fingerprint", definition.fingerprint());
    line("Time zone", job.output.zone_name.clone());
    if let Some(scope) = scope.filter(|scope| scope.mode == Mode::Incremental) {
        line("Input", files_text(&scope.difference));
    }
    match scope {
        Some(scope) => line("Dates", dates_text(&scope.dates.within(job.output.window))),
        None if options.incremental => line("Dates", "none: the files are those of the run before".to_string()),
        None => {}
    }
    if let Some(change) = scope.and_then(Scope::of_columns) {
        line("Columns", change.to_string());
    }
    if let Some(whole) = scope.and_then(|scope| scope.whole.as_ref()) {
        line("Reads", whole.to_string());
    }
    let is_asked_for = |table: &Table| *table != Table::Events || job.output.events.is_some();
    let mut tables: Vec<&str> = options.tables().into_iter().filter(is_asked_for).map(Table::name).collect();
    let makes_users = options.writes(Table::Sessions) || options.writes(Table::Activity);
    tables.extend((job.output.history && makes_users).then_some(USERS));
    line("Tables", format!("{} in {}", tables.join(", "), job.output.place.name().display()));
    text
}
