//! `dwell kernel`: an Arrow IPC stream of events in, one of sessions out, for programs that have the events at hand and
//! users in one place, as a partition of a Spark job is.
//!
//! `source` plans what to read of the stream and reads it, `write` writes the table; in between is what a run does.

mod parts;
mod source;
mod write;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use self::parts::PartsWriter;
use self::source::Source;
use self::write::Writer;
use crate::commands::made_tables::MadeTables;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::normalise::RowCounts;
use crate::job::dates::instant_text;
use crate::job::fingerprint::Canonical;
use crate::job::options::{Resources, Table};
use crate::job::{Job, JobError, Segment};
use crate::pipeline;
use crate::pipeline::event_buffer::MemoryBudget;
use crate::pipeline::kernel_inputs::{needs_latest, KernelInputs};
use crate::pipeline::progress::Progress;
use crate::pipeline::Made;
use crate::profile::Profile;
use crate::sessionize::counts::Counts;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::Timestamp;
use crate::sessionize::user::Rules;
use crate::stats::nearest::nearest;
use crate::summary::kernel_counts::{KernelCounts, KernelOutcome};
use crate::summary::part_counts::PartCounts;
use crate::summary::warnings;
use crate::tables::error::TableError;
use crate::tables::history::ledger::Difference;
use crate::tables::history::scope::{Mode, Scope};
use crate::tables::write::parquet_file::Provenance;

/// A table that can be written into a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StreamTable {
    /// The sessions table.
    #[default]
    Sessions,
    /// The activity table.
    Activity,
    /// The events table.
    Events,
}

/// What is known of the latest time of the whole input, of which the stream is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latest {
    /// It is this one.
    At(Timestamp),
    /// The stream is the whole input.
    OfStream,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamContents {
    /// A table, of a segment or of all events.
    Table {
        /// Which one.
        table: StreamTable,
        /// The segment whose table it is; `None` for that of all events.
        segment: Option<String>,
    },
    /// All tables of the job, in parts, for the run that puts those of all kernels together.
    Parts,
}

/// What to make of a stream.
#[derive(Clone, Debug)]
pub struct KernelOptions {
    /// What to write.
    pub output: StreamContents,
    /// The latest time of the whole input; `None` for that of the stream, with a warning where it matters.
    pub latest: Option<Latest>,
    /// A file to add a line of counts to.
    pub counts: Option<PathBuf>,
}

/// Makes sessions of the events of a stream and writes them to another one. Nothing is written before all events are read.
///
/// # Errors
/// What comes in is no stream, breaks off, or lacks a column; whatever ends a run; nobody reads what is written.
pub fn kernel(
    mut job: Job,
    resources: &Resources,
    options: &KernelOptions,
    input: impl Read + Send + 'static,
    output: impl Write,
) -> Result<(), Error> {
    let segment = match &options.output {
        StreamContents::Parts => None,
        StreamContents::Table { table: StreamTable::Events, segment: Some(_) } => {
            return Err(JobError::EventsOfSegment.into())
        }
        StreamContents::Table { segment, .. } => {
            segment.as_deref().map(|name| place_of(name, &job.segments.with_tables)).transpose()?
        }
    };
    job.output.events = match &options.output {
        StreamContents::Parts => job.output.events,
        // It has its own columns wherever it is asked for.
        StreamContents::Table { table: StreamTable::Events, .. } => Some(job.output.events.take().unwrap_or_default()),
        // The other tables need nothing of it.
        StreamContents::Table { .. } => None,
    };
    let threads = resources.threads()?;
    let folder = resources.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    let budget = MemoryBudget { limit: resources.memory_limit, threads, folder };
    let pool = pipeline::pool(threads)?;
    let types = EventDictionary::default();
    let source = Source { pool: &pool, budget: &budget, types: &types };
    let source::Events { job, plan, gathered, latest: of_stream, definition } = source.events(job, input)?;
    let latest = latest(&job, options, of_stream)?;
    let unread = plan.unread();

    let (rows, names) = (gathered.rows, types.names());
    let known = KernelInputs::new(&job, &plan, &rows, &names, latest);
    let facts = plan.facts.as_ref().map(|facts| facts.rules(&job, &known.types));
    let event_rules = KernelInputs::event_rules(&job, &plan, &DateSet::all());
    let rules = Rules { makes_activity: true, facts: facts.as_ref(), events: event_rules.as_ref(), ..known.rules() };
    let provenance = Provenance::of(&definition);
    let mut writer = match &options.output {
        StreamContents::Table { table, .. } => StreamWriter::Table(Writer {
            pool: &pool,
            job: &job,
            plan: &plan,
            types: &known.types,
            table: *table,
            segment: segment.and_then(|place| Some((place, job.segments.with_tables.get(place)?))),
            stream: None,
            output: Some(output),
            definition: &definition,
        }),
        StreamContents::Parts => {
            let wanted = vec![Table::Sessions, Table::Activity, Table::Events];
            let (types, provenance) = (&known.types, &provenance);
            let tables = MadeTables { job: &job, plan: &plan, types, provenance, wanted };
            StreamWriter::Parts(PartsWriter::new(&pool, &budget.folder, output)?, tables)
        }
    };
    let (profile, progress) = (Profile::default(), Progress::new(false));
    let (made, all_counts) =
        pipeline::make(&pool, gathered.events, &rules, &budget, &profile, &progress, |part| writer.write(part))?;
    writer.write(&made)?;
    let all_rows = RowCounts { filtered: rows.filtered + plan.extent.rows_ruled_out, ..rows };
    let table = writer.finish(|| {
        let counts = PartCounts {
            version: PartCounts::VERSION.to_string(),
            rows: all_rows,
            latest_of_input: latest.filter(|_| needs_latest(&job)),
            definition: Canonical::new(&job, plan.roles.meaning()),
            counts: all_counts.clone(),
            event_types: names.clone(),
            unread: unread.clone(),
        };
        counts.line()
    })?;

    let in_segment = |place: usize| all_counts.segments.get(place).copied().unwrap_or_default();
    let of_segments: Vec<(&Segment, Counts)> = job.segments.with_tables.iter().zip((0..).map(in_segment)).collect();
    let all = warnings::warnings(warnings::Observations {
        job: &job,
        plan: &plan,
        scope: &whole_input(latest),
        rows: &rows,
        counts: &all_counts.all,
        types: &names,
        unread: &unread,
        cut_short: &warnings::cut_short(&job, &all_counts),
        sparse: &[],
        unmet: &[],
        limit: budget.limit,
    });
    all.iter().for_each(|warning| tracing::warn!("{warning}"));
    let Some(file) = &options.counts else { return Ok(()) };
    let outcome = KernelOutcome {
        definition: &definition,
        extent: plan.extent,
        rows: &rows,
        counts: &all_counts.all,
        segments: &of_segments,
        table,
        warnings: &all,
        latest_matters: needs_latest(&job),
        roles: &plan.roles,
        input: &job.input,
        needed: &plan.columns_read()?,
    };
    append(file, &KernelCounts::new(outcome).line())
}

impl StreamTable {
    fn name(self) -> &'static str {
        match self {
            StreamTable::Sessions => "sessions",
            StreamTable::Activity => "activity",
            StreamTable::Events => "events",
        }
    }
}

/// Where rows go.
enum StreamWriter<'a, W: Write> {
    Table(Writer<'a, W>),
    Parts(PartsWriter<'a, W>, MadeTables<'a>),
}

impl<W: Write> StreamWriter<'_, W> {
    /// Writes rows, of which those of a user come together.
    fn write(&mut self, made: &Made) -> Result<(), Error> {
        match self {
            StreamWriter::Table(writer) => writer.write(made),
            StreamWriter::Parts(writer, tables) => writer.write(tables, made),
        }
    }

    /// Ends the stream, that of parts with what became of the events. Of a table it returns name and rows.
    fn finish(self, counts: impl FnOnce() -> String) -> Result<Option<(&'static str, u64)>, Error> {
        match self {
            StreamWriter::Table(writer) => {
                let name = writer.table.name();
                Ok(Some((name, writer.finish()?)))
            }
            StreamWriter::Parts(writer, _) => {
                writer.finish(&counts())?;
                Ok(None)
            }
        }
    }
}

/// Where a segment stands among those of a job.
fn place_of(name: &str, segments: &[Segment]) -> Result<usize, JobError> {
    let names = || segments.iter().map(|segment| segment.name.as_str());
    let place = names().position(|known| known == name);
    place.ok_or_else(|| {
        let hint = match (nearest(name, names()), segments.is_empty()) {
            (_, true) => "the job has no [[segment]]".to_string(),
            (Some(near), _) => format!("the job has no such segment; did you mean \"{near}\"?"),
            (None, _) => format!("the job has no such segment, but {}", names().collect::<Vec<_>>().join(", ")),
        };
        JobError::Unfit { key: "--segment", value: format!("\"{name}\""), hint }
    })
}

/// The latest time of the whole input.
fn latest(job: &Job, options: &KernelOptions, of_stream: Option<Timestamp>) -> Result<Option<Timestamp>, JobError> {
    let matters = needs_latest(job);
    match (options.latest, of_stream) {
        (Some(Latest::At(latest)), Some(later)) if matters && later > latest => {
            let text = |time| instant_text(time, &jiff::tz::TimeZone::UTC);
            let hint =
                format!("the stream has a row at {}, which is later: give the latest time of all rows", text(later));
            Err(JobError::Unfit { key: "--latest", value: text(latest), hint })
        }
        (Some(Latest::At(latest)), _) => Ok(Some(latest)),
        (None, Some(_)) if matters => {
            tracing::warn!(
                "without --latest, the latest time of this stream is taken for that of the whole input: it decides which \
                 sessions end with `end_of_data`; where the stream is the whole input, say --latest stream"
            );
            Ok(of_stream)
        }
        _ => Ok(of_stream),
    }
}

/// What a run over a whole input is about.
fn whole_input(latest: Option<Timestamp>) -> Scope {
    Scope {
        mode: Mode::Full,
        dates: DateSet::all(),
        event_dates: DateSet::all(),
        times: None,
        whole: None,
        latest,
        difference: Difference::default(),
        surveys: Default::default(),
        rewrites: false,
    }
}

/// Adds a line to a file, in one go: other streams may add theirs at the same time.
fn append(file: &Path, line: &str) -> Result<(), Error> {
    let opened = OpenOptions::new().create(true).append(true).open(file);
    let written = opened.and_then(|mut opened| opened.write_all(line.as_bytes()));
    written.map_err(|error| TableError::write(file, &error).into())
}
