//! The sessions behind a figure of a chart, from the tables of a run: those that a row of measures or of a histogram counts,
//! or their [users](mod@users).

pub mod show;
pub mod users;

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt32Type};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use jiff::tz::TimeZone;
use rayon::ThreadPool;
use serde_json::{Number, Value};

use crate::charts::chart_set::ChartSet;
use crate::charts::figure::{hint, Asked, Behind};
use crate::charts::measure::InRange;
use crate::charts::rows::{FileRows, USER};
use crate::charts::tables::DatedFile;
use crate::charts::user_passes::Reading;
use crate::commands::at_place::{with_tables, Access};
use crate::commands::at_rest::at_rest;
use crate::commands::charts::{self, measured_tables, tables_of};
use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::dates::{day_text, instant_text};
use crate::job::options::Resources;
use crate::job::{Chart, JobError};
use crate::pipeline;
use crate::sessionize::layout::columns::gather;
use crate::sessionize::time::written::date_text;
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;
use crate::tables::read::schema_of;
use users::{users, UsersOfFile};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct FigureAsk {
    /// The chart.
    pub chart: String,
    /// Which of its figures.
    pub figure: Asked,
    /// Whether its users are listed, and not its sessions.
    pub users: bool,
    /// As many rows are listed; `None` for all.
    pub limit: Option<usize>,
}

/// What is behind a figure.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The chart.
    pub chart: String,
    /// The series.
    pub series: String,
    /// The segment.
    pub segment: String,
    /// The group; `None` for all.
    pub group: Option<String>,
    /// The start of the interval; `None` for all.
    pub interval: Option<String>,
    /// The start of the bin; `None` for all.
    pub bin: Option<String>,
    /// The number of a funnel's step; `None` where none is asked for.
    pub step: Option<usize>,
    /// How many sessions the figure counts.
    pub sessions: usize,
    /// How many users they are of, where users are listed.
    pub users: Option<usize>,
    /// The columns of the rows.
    pub columns: Vec<String>,
    /// Those among them that the chart looks at, beside the ones that every sessions table has.
    pub looked_at: Vec<String>,
    /// The rows, the newest first.
    pub rows: Vec<Vec<Value>>,
}

const START: &str = "start_time";
const DATE: &str = "session_date";

/// Lists what is behind a figure of a job's chart.
///
/// # Errors
/// A folder without tables, or with tables that lack what the chart needs; a figure that the chart does not have.
pub fn behind(job: &ChartsJob, resources: &Resources, ask: &FigureAsk) -> Result<Listing, Error> {
    let pool = pipeline::pool(resources.threads()?)?;
    let chart = chart_of(job, &ask.chart)?;
    with_tables(&job.place, Access::Read, || at_rest(&job.place.folder, || list(job, &pool, resources, chart, ask)))
}

fn chart_of<'a>(job: &'a ChartsJob, name: &str) -> Result<&'a Chart, JobError> {
    let found = job.charts.iter().find(|chart| chart.name == name);
    found.ok_or_else(|| {
        let hint = hint(name, "the charts of the job are", job.charts.iter().map(|chart| chart.name.as_str()));
        JobError::Choice { key: "--chart", value: name.to_string(), hint }
    })
}

fn list(
    job: &ChartsJob,
    pool: &ThreadPool,
    resources: &Resources,
    chart: &Chart,
    ask: &FigureAsk,
) -> Result<Listing, Error> {
    let (_, definition, zone) = tables_of(job)?;
    // Of the other charts, the tables may lack anything.
    let asked = charts::Asked { charts: std::slice::from_ref(chart), ..charts::Asked::of(job) };
    let reading = Reading { pool, limit: resources.memory_limit };
    let property = definition.get("session.property");
    let (tables, added) = measured_tables(&job.place.folder, property, asked, &reading)?;
    let set = ChartSet {
        charts: std::slice::from_ref(chart),
        segments: &tables,
        added: &added,
        limit: resources.memory_limit,
        first_hours: None,
    };
    let in_range = InRange::new(chart, &tables, &added, &zone)?;
    let groups = set.groups_of(pool, &in_range)?;
    let behind = Behind::new(&in_range, &added, &groups, &ask.figure, job.formulas)?;
    let looking = Looking { pool, behind: &behind, zone: &zone };
    let found = looking.find(ask.users)?;
    let sessions = found.iter().map(|found| found.sessions).sum();
    if sessions == 0 {
        looking.check_segment()?;
    }
    let of_users = found.iter().filter_map(|found| found.users.as_ref());
    let rows = match ask.users {
        true => users(of_users, &zone, ask.limit),
        false => looking.sessions(ask.limit)?,
    };
    Ok(Listing {
        chart: chart.name.clone(),
        series: behind.series().series.name.clone(),
        segment: behind.segment().to_string(),
        group: behind.group(),
        interval: behind.interval(),
        bin: behind.bin(),
        step: behind.series().step().map(|place| place + 1),
        sessions,
        users: rows.users,
        columns: rows.columns,
        looked_at: looking.looked_at()?,
        rows: rows.rows,
    })
}

/// Rows to list.
#[derive(Debug)]
pub struct Rows {
    /// Their columns.
    pub columns: Vec<String>,
    /// The rows, as far as they are asked for.
    pub rows: Vec<Vec<Value>>,
    /// How many users there are, where rows are users.
    pub users: Option<usize>,
}

/// The sessions of a file.
struct Found {
    sessions: usize,
    /// Their users, where these are asked for.
    users: Option<UsersOfFile>,
}

/// A figure whose sessions are looked for.
struct Looking<'a> {
    pool: &'a ThreadPool,
    behind: &'a Behind<'a>,
    zone: &'a TimeZone,
}

impl Looking<'_> {
    /// The sessions of each file, in order of date.
    fn find(&self, with_users: bool) -> Result<Vec<Found>, Error> {
        let mut columns = self.behind.columns()?;
        if with_users {
            columns.extend([USER, START].map(str::to_string));
        }
        pipeline::each(self.pool, &self.behind.files(), |(day, path)| {
            let mut file = FileRows::read(path, &columns)?;
            let rows = self.behind.rows(*day, &mut file)?;
            let users = match with_users {
                true => {
                    Some(UsersOfFile { users: file.users()?.gather(&rows), starts: gather(&file.ints(START)?, &rows) })
                }
                false => None,
            };
            Ok(Found { sessions: rows.len(), users })
        })
    }

    /// Refuses a value of a segment `by` a column that no session has.
    fn check_segment(&self) -> Result<(), Error> {
        let columns = self.behind.columns()?;
        let files = self.behind.files();
        let of_files = pipeline::each(self.pool, &files, |(_, path)| {
            Ok(self.behind.segments_in(&mut FileRows::read(path, &columns)?)?)
        })?;
        let known: BTreeSet<String> = of_files.into_iter().flatten().collect();
        let segment = self.behind.segment();
        if files.is_empty() || known.contains(segment) {
            return Ok(());
        }
        let hint = hint(segment, "the segments are", known.iter().map(String::as_str));
        Err(JobError::Choice { key: "--segment", value: segment.to_string(), hint }.into())
    }

    /// The sessions, as they stand in the table.
    fn sessions(&self, limit: Option<usize>) -> Result<Rows, Error> {
        let files = self.behind.files();
        let columns = match files.first() {
            Some((_, path)) => names(path)?,
            None => Vec::new(),
        };
        let limit = limit.unwrap_or(usize::MAX);
        let mut rows: Vec<Vec<Value>> = Vec::new();
        // A session stands on the date of its start: the newest are on the last one.
        for batch in files.rchunks(self.pool.current_num_threads()) {
            if rows.len() >= limit {
                break;
            }
            let of_files = pipeline::each(self.pool, batch, |file| self.newest(file, &columns, limit))?;
            rows.extend(of_files.into_iter().rev().flatten());
        }
        rows.truncate(limit);
        let columns = columns.into_iter().chain(std::iter::once(DATE.to_string())).collect();
        Ok(Rows { columns, rows, users: None })
    }

    /// The newest sessions of a file, so many at most.
    fn newest(&self, (day, path): &DatedFile, columns: &[String], limit: usize) -> Result<Vec<Vec<Value>>, Error> {
        let mut file = FileRows::read(path, &columns.iter().cloned().collect())?;
        let mut rows = self.behind.rows(*day, &mut file)?;
        let starts = file.ints(START)?;
        // Those of one start are in the order of the table.
        rows.sort_by_key(|row| std::cmp::Reverse(starts[*row as usize]));
        rows.truncate(limit);
        let rows = take_record_batch(file.batch(), &UInt32Array::from(rows));
        let failed = |error: ArrowError| TableError::Read { path: path.clone(), reason: error.to_string() };
        Ok(self.values(&rows.map_err(failed)?, *day, columns))
    }

    fn values(&self, rows: &RecordBatch, day: Day, columns: &[String]) -> Vec<Vec<Value>> {
        let one = |row: usize| {
            let of_column =
                |name: &String| rows.column_by_name(name).map_or(Value::Null, |all| value(all, row, self.zone));
            columns.iter().map(of_column).chain([Value::from(day_text(day))]).collect()
        };
        (0..rows.num_rows()).map(one).collect()
    }

    /// The added columns that tell which sessions are of the figure.
    fn looked_at(&self) -> Result<Vec<String>, Error> {
        let series = self.behind.series();
        let columns = series.columns()?;
        let is_added = |name: &&String| series.added.columns().iter().any(|column| column.name == **name);
        let by = &series.segment.tables.by;
        Ok(by.iter().chain(columns.iter().filter(is_added)).cloned().collect())
    }
}

/// The columns of a file, in order.
fn names(path: &Path) -> Result<Vec<String>, TableError> {
    Ok(schema_of(path)?.fields().iter().map(|field| field.name().clone()).collect())
}

/// A value of a table: times as the zone has them.
fn value(column: &dyn Array, row: usize, zone: &TimeZone) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => Value::from(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt32 => Value::from(column.as_primitive::<UInt32Type>().value(row)),
        DataType::Float64 => {
            let number = column.as_primitive::<Float64Type>().value(row);
            Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number)
        }
        DataType::Boolean => Value::from(column.as_boolean().value(row)),
        DataType::Date32 => Value::from(date_text(i64::from(column.as_primitive::<Date32Type>().value(row)))),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Value::from(instant_text(Timestamp::from_micros(micros), zone))
        }
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            (0..values.len()).map(|item| value(&values, item, zone)).collect()
        }
        DataType::Utf8View => Value::from(column.as_string_view().value(row)),
        _ => array_value_to_string(column, row).map_or(Value::Null, Value::from),
    }
}
