//! The rows of some users, read from the row groups that can hold them.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType as ArrowType, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use serde_json::Value;

use super::aliases::Whom;
use crate::cancel;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::decode::lookup::{Keys, Lookup};
use crate::events::decode::read::{FileTask, OpenFile};
use crate::events::error::InputError;
use crate::events::facts::extras::Extras;
use crate::events::normalise::project::RoleColumns;
use crate::events::normalise::{Normaliser, Rejection, RowCounts};
use crate::events::source::footer::Footer;
use crate::events::source::plan::{Extent, ReadPlan};
use crate::events::source::roles::KeyType;
use crate::job::instants::instant_of;
use crate::job::TimeUnit as JobUnit;
use crate::pipeline;
use crate::pipeline::fetching::{each_fetched, Fetching};
use crate::pipeline::progress::Progress;
use crate::pipeline::question::Question;
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::{Coded, EventBatch, KeyColumn, TextColumn};
use crate::sessionize::layout::scatter::{scatter, Partitions};
use crate::sessionize::time::Timestamp;
use crate::summary::grouped;

/// The rows of some users.
#[derive(Debug)]
pub struct Found {
    /// Their events; each one's fact is its place in `columns`.
    pub blocks: Vec<Block>,
    /// What became of the rows.
    pub rows: RowCounts,
    /// All event types of the events, by code.
    pub types: Vec<String>,
    /// The chosen columns of each event.
    pub columns: Vec<Vec<Value>>,
    /// The rows that are no events.
    pub rejected: Vec<Rejected>,
    /// How much was read.
    pub read: Read,
}

/// A row that is rejected.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The user.
    pub user: Value,
    /// Why.
    pub reason: Rejection,
    /// The time, where it can be read and is not possible.
    pub time: Option<Timestamp>,
    /// Else what there is in its place.
    pub raw_time: Option<String>,
    /// The event type.
    pub event: Option<String>,
    /// The chosen columns.
    pub columns: Vec<Value>,
}

/// How much was read of how much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// All files.
    pub files: u64,
    /// Their row groups.
    pub row_groups: u64,
    /// The row groups that were read.
    pub row_groups_read: u64,
    /// All rows.
    pub rows: u64,
    /// The rows of the row groups that were read.
    pub rows_read: u64,
}

impl Read {
    fn of(extent: Extent) -> Self {
        Read {
            files: extent.files,
            row_groups: extent.row_groups_read + extent.row_groups_skipped,
            rows: extent.rows,
            ..Read::default()
        }
    }

    /// What was searched, in words.
    pub fn sentence(&self) -> String {
        let Read { files, row_groups, row_groups_read, rows, rows_read } = self;
        let plural = |count: u64, what: &str| format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" });
        let (all, of_files) = (plural(*row_groups, "row group"), plural(*files, "file"));
        match (row_groups - row_groups_read, row_groups) {
            (0, 1) => "searched the only row group there is".to_string(),
            (0, _) => format!("searched all {all} of {of_files}"),
            _ => format!(
                "searched {} of the {all} of {of_files} ({} of {} rows); the footers rule the others out",
                grouped(*row_groups_read),
                grouped(*rows_read),
                grouped(*rows)
            ),
        }
    }
}

impl Found {
    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.rejected.is_empty()
    }
}

/// A user or session id as typed, as the kernel has them; `None` where it is none of its type.
pub fn key_of(text: &str, key_type: KeyType) -> Option<Keys> {
    match key_type {
        KeyType::Int => text.trim().parse().ok().map(|number| Keys::Ints(BTreeSet::from([number]))),
        _ => Some(Keys::Texts(BTreeSet::from([text.as_bytes().to_vec()]))),
    }
}

/// Reads the rows of some users.
///
/// # Errors
/// As a run.
pub fn search(question: &Question, lookup: &Lookup<'_>, whom: &Whom, extras: &Extras) -> Result<Found, Error> {
    let plan = &question.plan;
    let types = EventDictionary::default();
    let normaliser = Normaliser::new(&question.job.input, &plan.roles, &types).naming(plan.alias_table.as_deref());
    let one = |task: &FileTask, footer: &Footer, batch: RecordBatch| -> Result<Option<Chunk>, Error> {
        let rows = task.projection.apply(&batch).map_err(|error| pipeline::blame(plan, task, error))?;
        let theirs: BooleanArray = (0..rows.rows).map(|row| Some(is_of(&rows, &whom.names, row))).collect();
        if theirs.true_count() == 0 {
            return Ok(None);
        }
        let mut batch = only(&batch, &theirs)?;
        let mut rows = task.projection.apply(&batch).map_err(|error| pipeline::blame(plan, task, error))?;
        let mut who = normaliser.who(&rows)?;
        if plan.alias_table.is_some() {
            // A name may have been somebody else's at the time.
            let theirs = who.codes.iter().map(|code| Some(whom.users.has(&who.keys, *code as usize)));
            batch = only(&batch, &theirs.collect::<BooleanArray>())?;
            rows = task.projection.apply(&batch).map_err(|error| pipeline::blame(plan, task, error))?;
            who = normaliser.who(&rows)?;
            if rows.rows == 0 {
                return Ok(None);
            }
        }
        let zone = &question.job.output.zone;
        let (events, counts) = normaliser.events(rows.clone())?;
        let is_rejected = rejections(&normaliser, &rows, &counts)?;
        let columns = extras.rows(&batch, footer, zone);
        let mut columns = columns.map_err(|error| error.of_values_in(&task.path))?;
        let mut rejected = Vec::new();
        for (row, reason) in is_rejected.iter().enumerate() {
            if let Some(reason) = reason {
                let columns = std::mem::take(&mut columns[row]);
                let user = value_of(&who.keys, who.codes[row] as usize);
                rejected.push(self::rejected((&rows, user), row, *reason, question.job.input.time_unit, columns));
            }
        }
        let mut reasons = is_rejected.iter();
        columns.retain(|_| reasons.next().is_none_or(Option::is_none));
        Ok(Some(Chunk { events, counts, columns, rejected }))
    };
    let (chunks, read) = each_batch(question, plan, Some(lookup), &extras.file_columns(), one)?;
    let mut found = Found {
        blocks: Vec::new(),
        rows: RowCounts::default(),
        types: types.names(),
        columns: Vec::new(),
        rejected: Vec::new(),
        read,
    };
    let mut batches = Vec::new();
    for Chunk { events, counts, columns, rejected } in chunks {
        found.rows.merge(&counts);
        found.rejected.extend(rejected);
        found.columns.extend(columns);
        if !events.is_empty() {
            batches.push(events);
        }
    }
    let mut ranks = by_value(&mut found.columns).into_iter();
    for mut events in batches {
        events.facts = Some(places(ranks.by_ref().take(events.len()).collect()));
        found.blocks.push(scatter(&[events], Partitions::for_rows(0, 1, 1)));
    }
    Ok(found)
}

/// Orders rows by their values, and says where each went: so that nothing depends on where in the files they were.
fn by_value(rows: &mut Vec<Vec<Value>>) -> Vec<u64> {
    let texts: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap_or_default()).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| texts[*a].cmp(&texts[*b]));
    let mut ranks = vec![0; rows.len()];
    let mut ordered = Vec::with_capacity(rows.len());
    for (rank, place) in order.into_iter().enumerate() {
        ranks[place] = rank as u64;
        ordered.push(std::mem::take(&mut rows[place]));
    }
    *rows = ordered;
    ranks
}

/// What a batch has of the users.
struct Chunk {
    events: EventBatch,
    counts: RowCounts,
    columns: Vec<Vec<Value>>,
    rejected: Vec<Rejected>,
}

/// The batches of the rows that pass the condition, of all row groups that may have what is looked for; without anything
/// to look for, of all that are planned.
///
/// # Errors
/// A file that cannot be read, by name; an interruption.
pub fn each_batch<T: Send>(
    question: &Question,
    plan: &ReadPlan,
    lookup: Option<&Lookup<'_>>,
    more: &[String],
    work: impl Fn(&FileTask, &Footer, RecordBatch) -> Result<Option<T>, Error> + Sync,
) -> Result<(Vec<T>, Read), Error> {
    let footers: HashMap<&Path, &Footer> =
        plan.footers.iter().map(|footer| (footer.file.path.as_path(), footer)).collect();
    let tasks = plan.tasks()?;
    let tasks: Vec<&FileTask> = tasks.iter().collect();
    let opened: Vec<_> = pipeline::each(&question.pool, &tasks, |task| opened(task, &footers, lookup, more))?
        .into_iter()
        .flatten()
        .collect();
    let groups: Vec<(usize, usize)> = opened
        .iter()
        .enumerate()
        .flat_map(|(place, (.., groups))| groups.iter().map(move |number| (place, *number)))
        .collect();
    let mut read = Read::of(plan.extent);
    read.row_groups_read = groups.len() as u64;
    read.rows_read = groups.iter().map(|(place, number)| opened[*place].2.row_groups[*number].rows).sum();
    let mut progress = Progress::new(!question.quiet);
    progress.stage("searching", groups.len() as u64);
    let of_group = |place: usize, file: OpenFile<'_>, number: usize| -> Result<Vec<T>, Error> {
        let (task, _, footer, _) = &opened[groups[place].0];
        let filter = lookup.and_then(|lookup| lookup.row_filter(&file, footer));
        let mut done = Vec::new();
        for batch in file.rows_where(number, filter) {
            cancel::check()?;
            let batch = batch?;
            let passing = task.projection.passing(&batch).map_err(|error| pipeline::blame(plan, task, error))?;
            let batch = match passing {
                Some(passing) => only(&batch, &passing)?,
                None => batch,
            };
            if batch.num_rows() > 0 {
                done.extend(work(task, footer, batch)?);
            }
        }
        progress.add(1);
        Ok(done)
    };
    let done = match Fetching::of(&tasks, groups.len(), plan.limit()) {
        Some(fetching) => {
            let open = |place: usize| Ok((&opened[groups[place].0].1, groups[place].1));
            each_fetched(&question.pool, fetching, open, of_group)?
        }
        None => {
            let places: Vec<usize> = (0..groups.len()).collect();
            let of_place = |place: &usize| {
                let (file, number) = groups[*place];
                of_group(*place, opened[file].1.clone(), number)
            };
            pipeline::each(&question.pool, &places, of_place)?
        }
    };
    progress.finish();
    Ok((done.into_iter().flatten().collect(), read))
}

/// A file that is open, and its row groups that may have what is looked for.
type Opened<'t> = (&'t FileTask, OpenFile<'t>, &'t Footer, Vec<usize>);

fn opened<'t>(
    task: &'t FileTask,
    footers: &HashMap<&Path, &'t Footer>,
    lookup: Option<&Lookup<'_>>,
    more: &[String],
) -> Result<Option<Opened<'t>>, Error> {
    let Some(footer) = footers.get(task.path.as_path()) else { return Ok(None) };
    let file = task.open_with(more)?;
    let groups = match lookup {
        Some(lookup) => lookup.may_hold(&file, footer, &task.row_groups),
        None => task.row_groups.clone(),
    };
    Ok(Some((task, file, *footer, groups)))
}

fn only(batch: &RecordBatch, rows: &BooleanArray) -> Result<RecordBatch, InputError> {
    filter_record_batch(batch, rows).map_err(|error| InputError::Unreadable { reason: error.to_string() })
}

/// Whether the first user of a row that is there and not empty is one of some.
fn is_of(rows: &RoleColumns, keys: &Keys, row: usize) -> bool {
    let is_there = |users: &&ArrayRef| match users.as_string_view_opt() {
        Some(texts) => texts.is_valid(row) && !texts.value(row).is_empty(),
        None => users.is_valid(row) && !users.data_type().is_null(),
    };
    rows.users.iter().find(is_there).is_some_and(|users| keys.holds(users, row))
}

/// Why each row is rejected, where it is.
fn rejections(
    normaliser: &Normaliser<'_>,
    rows: &RoleColumns,
    counts: &RowCounts,
) -> Result<Vec<Option<Rejection>>, InputError> {
    if counts.rejected_total() == 0 {
        return Ok(vec![None; rows.rows]);
    }
    // Few rows are asked for, and who rejects them says only how many: each is asked for by itself.
    let reason = |row: usize| {
        let (_, counts) = normaliser.events(one_row(rows, row))?;
        Ok(Rejection::ALL.into_iter().find(|reason| counts.rejected[*reason as usize] > 0))
    };
    (0..rows.rows).map(reason).collect()
}

fn one_row(rows: &RoleColumns, row: usize) -> RoleColumns {
    let column = |column: &ArrayRef| column.slice(row, 1);
    let optional = |of: &Option<ArrayRef>| of.as_ref().map(column);
    RoleColumns {
        rows: 1,
        filtered: 0,
        time: column(&rows.time),
        users: rows.users.iter().map(column).collect(),
        event: optional(&rows.event),
        value: optional(&rows.value),
        sequence: optional(&rows.sequence),
        dedup: optional(&rows.dedup),
        timeout: optional(&rows.timeout),
        facts: None,
        watched: None,
    }
}

/// A user as JSON has one.
fn value_of(keys: &KeyColumn, row: usize) -> Value {
    match keys.text(row) {
        Some(text) => Value::from(String::from_utf8_lossy(text)),
        None => Value::from(keys.int(row)),
    }
}

fn rejected(
    (rows, user): (&RoleColumns, Value),
    row: usize,
    reason: Rejection,
    unit: Option<JobUnit>,
    columns: Vec<Value>,
) -> Rejected {
    let text = |column: &ArrayRef| match column.is_valid(row) && !column.data_type().is_null() {
        true => array_value_to_string(column, row).ok(),
        false => None,
    };
    Rejected {
        user,
        reason,
        time: time(&rows.time, row, unit),
        raw_time: text(&rows.time),
        event: rows.event.as_ref().and_then(text),
        columns,
    }
}

/// A time that can be read, possible or not.
fn time(times: &ArrayRef, row: usize, unit: Option<JobUnit>) -> Option<Timestamp> {
    let times = times.slice(row, 1);
    if let Some(texts) = times.as_string_view_opt() {
        let text = texts.is_valid(0).then(|| texts.value(0))?;
        return match unit {
            Some(unit) => unit.instant(text.parse().ok()?),
            None => instant_of(text),
        };
    }
    if let Some(counts) = times.as_primitive_opt::<Int64Type>() {
        return counts.is_valid(0).then(|| unit?.instant(counts.value(0)))?;
    }
    let ArrowType::Timestamp(..) = times.data_type() else { return None };
    let micros = cast(&times, &ArrowType::Timestamp(TimeUnit::Microsecond, None)).ok()?;
    let micros = micros.as_primitive_opt::<TimestampMicrosecondType>()?;
    micros.is_valid(0).then(|| Timestamp::from_micros(micros.value(0)))
}

/// The places of some events among all, as facts: their bytes are in the same order.
fn places(places: Vec<u64>) -> Coded {
    let mut keys = TextColumn::with_capacity(places.len(), places.len() * size_of::<u64>());
    places.iter().for_each(|place| keys.push(&place.to_be_bytes()));
    Coded::new(KeyColumn::Text(keys), (0..places.len() as u32).collect())
}
