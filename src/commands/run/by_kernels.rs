//! A run whose rows kernels make elsewhere: in the partitions of a Spark job, say (`dwell run --by-kernels`).
//!
//! ```text
//! plan ─► say on the standard output what is to be read, as one line of JSON
//!         … kernels make parts of the tables of it, of some users each …
//!         take the parts from the standard input ─► tables ─► check ─► commit
//! ```
//!
//! The output is locked, and the files' footers are known, before any kernel begins; whatever goes wrong, the tables are as
//! they were. All rows of all files have to have come through the kernels, or it is an error.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::check::check_rows;
use super::make::{stage, Staged};
use super::plan::Planned;
use super::read::Read;
use super::write::Output;
use super::Course;
use crate::cancel;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::source::columns::Columns;
use crate::events::source::plan::{Extent, ReadPlan};
use crate::job::dates::instant_text;
use crate::job::fingerprint::Canonical;
use crate::job::{Job, JobError};
use crate::pipeline;
use crate::pipeline::kernel_inputs::{needs_latest, KernelInputs};
use crate::pipeline::Made;
use crate::sessionize::time::Timestamp;
use crate::storage::location::is_url;
use crate::summary::part_counts::PartCounts;
use crate::tables::error::TableError;
use crate::tables::schema::place::TablePlace;
use crate::tables::schema::sessions::{ACTIVITY, EVENTS, SESSIONS};
use crate::tables::write::parquet_file::Provenance;
use crate::tables::write::part_stream::receive;

/// What is to be read, for those who do.
#[derive(Debug, Serialize)]
struct ToRead {
    version: &'static str,
    /// All files, also those of which the condition keeps no row.
    files: Vec<FileToRead>,
    /// The columns that folders hold, and what they are: `int`, `date` or `text`.
    folder_columns: BTreeMap<String, String>,
    /// The columns of 16 bytes that are UUIDs, which other engines take for bytes.
    uuids: Vec<String>,
    /// All rows of the files.
    rows: u64,
    /// The latest time of all rows; `null` where it makes no difference.
    latest: Option<String>,
}

#[derive(Debug, Serialize)]
struct FileToRead {
    path: String,
    /// The values of the columns that its folders hold.
    folders: BTreeMap<String, Option<String>>,
}

/// Has kernels make the rows, and stages the tables of them and the charts.
///
/// # Errors
/// What came from the kernels is not all of the input, or not of this job; a file has changed meanwhile; and those of
/// [`stage`].
pub fn make(planned: &mut Planned<'_>, course: &mut Course) -> Result<(Read, Staged), Error> {
    if std::io::stdin().is_terminal() {
        let hint = "programs hand the parts of tables over in a pipe, as `dwell.spark.run` does";
        let value = "a terminal on the standard input".to_string();
        return Err(JobError::Unfit { key: "--by-kernels", value, hint: hint.to_string() }.into());
    }
    let Planned { job, plan, pool, folder, options, .. } = &*planned;
    if let Some(table) = plan.footers.iter().find_map(|footer| footer.file.table.as_ref()) {
        let hint = "the files of a table have rows and columns that it has not: have Spark read the table and take \
                    dwell.spark.sessionize, or use `dwell run`";
        let value = format!("over the Delta table {:?}", table.table.name);
        return Err(JobError::Unfit { key: "--by-kernels", value, hint: hint.to_string() }.into());
    }
    let columns = Columns::of(&plan.footers);
    if let Some((one, other)) = columns.alike() {
        let hint = "others may take the two columns for one, as Spark does: rename one, or use `dwell run`";
        let value = format!("over files with the columns `{one}` and `{other}`");
        return Err(JobError::Unfit { key: "--by-kernels", value, hint: hint.to_string() }.into());
    }
    let matters = needs_latest(job);
    let types = EventDictionary::default();
    let latest = if matters { pipeline::latest_time(pool, job, plan, &types)? } else { None };
    say(&to_read(plan, &columns, latest))?;
    let places = places(job);
    let place =
        |table: &Path, number, day| places.get(table).map(|place| folder.scratch_path(&place.part_of(number, day)));
    let mut received = receive(cancel::stdin()?, place).map_err(cancel::or_interrupted)?;
    course.stopwatch.stage("kernels");
    let definition = Canonical::new(job, plan.roles.meaning());
    let counts = add_up(std::mem::take(&mut received.counts), &definition, latest)?;
    if counts.all_rows() != plan.extent.rows {
        return Err(incomplete(format!(
            "{} rows came to the kernels, and the files have {}: they have to get all rows of all files, once; in Spark, settings \
             that pass files over, such as spark.sql.files.ignoreCorruptFiles, have to be off",
            counts.all_rows(),
            plan.extent.rows
        )));
    }
    plan.check_unchanged()?;
    let rows = counts.rows;
    check_rows(&options.limits, &rows)?;
    let names = counts.event_types;
    // What a kernel passes over is among what it filtered.
    let extent = Extent {
        row_groups_read: plan.extent.row_groups_read + plan.extent.row_groups_skipped,
        row_groups_skipped: 0,
        rows_read: plan.extent.rows,
        rows_ruled_out: 0,
        ..plan.extent
    };
    planned.plan.extent = extent;
    let Planned { job, plan, pool, definition, .. } = &*planned;
    let latest = if matters { latest } else { rows.latest };
    let known = KernelInputs::new(job, plan, &rows, &names, latest);
    let provenance = Provenance::of(definition);
    let mut output = Output::new(planned, &known.types, &provenance, &course.profile);
    tracing::info!(kernels = received.kernels, parts = received.numbers, "received");
    output.take_parts(received);
    let made = (Made::nothing(pool), counts.counts);
    let staged = stage(planned, output, made, (&mut course.stopwatch, &mut course.progress))?;
    Ok((Read { rows, unread: counts.unread, names, latest, known }, staged))
}

fn to_read(plan: &ReadPlan, columns: &Columns<'_>, latest: Option<Timestamp>) -> ToRead {
    let files = plan.footers.iter().map(|footer| FileToRead {
        path: path_text(&footer.file.path),
        folders: footer.file.hive.iter().cloned().collect(),
    });
    ToRead {
        version: PartCounts::VERSION,
        files: files.collect(),
        folder_columns: columns.of_folders().into_iter().collect(),
        uuids: columns.of_uuids(),
        rows: plan.extent.rows,
        latest: latest.map(|latest| instant_text(latest, &jiff::tz::TimeZone::UTC)),
    }
}

/// A file as it is named to others, who may be in another folder.
fn path_text(path: &Path) -> String {
    let text = path.to_string_lossy();
    match is_url(&text) {
        true => text.into_owned(),
        false => path.canonicalize().unwrap_or_else(|_| path.to_path_buf()).to_string_lossy().into_owned(),
    }
}

fn say(what: &ToRead) -> Result<(), Error> {
    let line = serde_json::to_string(what).unwrap_or_default() + "\n";
    let mut stdout = std::io::stdout().lock();
    let said = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
    said.map_err(|error| TableError::stream(&error).into())
}

/// Where the tables of a job are, by their folders.
fn places(job: &Job) -> BTreeMap<PathBuf, TablePlace> {
    let segments = job.segments.with_tables.iter().map(|segment| Some(segment.name.as_str()));
    let both = |segment| [SESSIONS, ACTIVITY].map(|table| TablePlace::new(table, segment));
    let events = job.output.events.as_ref().map(|_| TablePlace::new(EVENTS, None));
    let all = std::iter::once(None).chain(segments).flat_map(both).chain(events);
    all.map(|place| (place.folder(), place)).collect()
}

/// What became of the events of all kernels, which were to have this definition and latest time.
fn add_up(lines: Vec<String>, definition: &Canonical, latest: Option<Timestamp>) -> Result<PartCounts, Error> {
    let mut all = PartCounts::default();
    for line in lines {
        let counts = PartCounts::parse(&line)
            .map_err(|error| incomplete(format!("what a kernel counted cannot be read ({error})")))?;
        if counts.version != PartCounts::VERSION {
            return Err(incomplete(format!(
                "a kernel is of dwell {}, and this run of dwell {}: have one version everywhere",
                counts.version,
                PartCounts::VERSION
            )));
        }
        if let Some(differs) = definition.differences(&counts.definition).first() {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_string());
            return Err(incomplete(format!(
                "a kernel was given another job or other columns: `{}` is {} there, and {} in this run",
                differs.key,
                value(&differs.is),
                value(&differs.was)
            )));
        }
        if latest.is_some() && counts.latest_of_input != latest {
            return Err(incomplete(
                "a kernel was told another latest time than that of all rows (`latest`)".to_string(),
            ));
        }
        all.merge(counts);
    }
    Ok(all)
}

fn incomplete(reason: String) -> Error {
    TableError::StreamOfParts { reason }.into()
}
