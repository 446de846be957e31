//! What a user should know about a run that worked.

use std::fmt;
use std::path::PathBuf;

use crate::charts::lonely::Sparse;
use crate::charts::unmet::Unmet;
use crate::error::size_text;
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::predicate::printed;
use crate::events::source::footer::Footer;
use crate::events::source::kind::Kind as ColumnKind;
use crate::events::source::plan::{ReadPlan, Unreadable};
use crate::job::holds::Holds;
use crate::job::memory_limit::{peak, MemoryLimit};
use crate::job::{Job, Kind};
use crate::sessionize::counts::Counts;
use crate::sessionize::partition::AllCounts;
use crate::sessionize::rule::OutOfSession;
use crate::sessionize::table_rows::added::MOST_VALUES;
use crate::stats::nearest::nearest;
use crate::tables::history::scope::{Mode, Scope, Whole};

/// A warning. Its text says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The input has no rows.
    NoRows,
    /// The condition keeps no row.
    NothingPasses {
        /// The condition.
        condition: String,
    },
    /// All rows that pass are rejected, or a share worth a look.
    Rejected {
        /// Rejected rows.
        rejected: u64,
        /// Rows that pass the condition.
        of: u64,
        /// The commonest reason.
        most: &'static str,
        /// What that reason is about.
        column: String,
        /// What else to look at.
        hint: &'static str,
        /// A file without the column, and how many there are of them, of all files.
        lacking: Option<(PathBuf, usize, usize)>,
    },
    /// No event has a valid session id.
    NoSessionIds {
        /// The column.
        column: String,
    },
    /// No event is in a session.
    NoSessions {
        /// Why most are not.
        most: &'static str,
    },
    /// All sessions are longer than allowed.
    AllExcluded {
        /// How many.
        sessions: u64,
    },
    /// All events are outside of the dates asked for.
    OutsideWindow,
    /// Everything is computed, though some dates would do.
    Everything {
        /// Why.
        why: String,
    },
    /// Values that cannot be read.
    Unread(Unreadable),
    /// A derived column that nothing of the job names.
    DerivedForNothing {
        /// The column.
        column: String,
    },
    /// The run took more memory than its limit says.
    Memory {
        /// The most it held, in bytes.
        peak: u64,
        /// The limit.
        limit: u64,
    },
    /// An event type of the job that no event has.
    NoSuchEventType {
        /// What names it: a key, a chart or a segment.
        of: String,
        /// The type.
        event: String,
        /// The nearest type there is.
        nearest: Option<String>,
    },
    /// A column of lists that are cut short.
    CutShort {
        /// The column.
        column: String,
        /// The sessions that have more values than it keeps.
        sessions: u64,
    },
    /// A chart of so many intervals that only those with sessions have rows.
    Sparse(Sparse),
    /// A filter of a chart that no session passes.
    Unmet(Unmet),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NoRows => write!(f, "the input has no rows: the tables are empty; check `input.path`"),
            Warning::NothingPasses { condition } => {
                write!(f, "no row passes `input.where` ({condition}): the tables are empty; check the condition")
            }
            Warning::Rejected { rejected, of, most, column, hint, lacking } => {
                let all = if rejected == of { ": the tables are empty" } else { "" };
                write!(
                    f,
                    "{rejected} of {of} rows were rejected, most of them for `{most}`{all}; look at the column \
                     `{column}`{hint}"
                )?;
                match lacking {
                    Some((file, files, of)) => {
                        let have = if *files == 1 { "has" } else { "have" };
                        write!(f, "; {files} of {of} files {have} none, {file:?} for one")
                    }
                    None => Ok(()),
                }
            }
            Warning::NoSessionIds { column } => write!(
                f,
                "no event has a valid session id in `{column}` (null, -1, empty and none are not): there are no \
                 sessions; name another column with --session-id, or define sessions by a silence: --timeout 30m"
            ),
            Warning::NoSessions { most } => write!(
                f,
                "no event is in a session, most of them for `{most}`: the sessions table is empty; \
                 look at the definition with --dry-run"
            ),
            Warning::AllExcluded { sessions } => write!(
                f,
                "all sessions ({sessions}) are longer than `session.max_length` (--max-length), so the sessions table \
                 is empty; look at what ends sessions, with --dry-run"
            ),
            Warning::OutsideWindow => {
                write!(f, "all events are outside of the dates asked for: look at since, until, --from and --to")
            }
            Warning::Everything { why } => f.write_str(why),
            Warning::Unread(Unreadable { column, what, rows }) => {
                write!(f, "the column `{column}` has {what}, in {rows} of the rows that were read: they count as null")
            }
            Warning::DerivedForNothing { column } => {
                write!(
                    f,
                    "nothing of the job names the column `{column}` of `input.derive`: name it somewhere, or remove it"
                )
            }
            Warning::CutShort { column, sessions } => {
                let (sessions, have) = match sessions {
                    1 => ("1 session".to_string(), "has"),
                    several => (format!("{several} sessions"), "have"),
                };
                write!(
                    f,
                    "{sessions} {have} more than {MOST_VALUES} different values for the column `{column}`, which keeps the \
                     first ones: groups by any of them count no others; `event` or `where` beside `any` makes them fewer"
                )
            }
            Warning::Sparse(sparse) => f.write_str(&sparse.text()),
            Warning::Unmet(unmet) => f.write_str(&unmet.text()),
            Warning::Memory { peak, limit } => write!(
                f,
                "the run took up to {} of memory, more than --memory-limit {} says: the columns of a few rows, or what \
                 charts count, take more than could be foreseen; use fewer --threads, or allow the run that much",
                size_text(*peak),
                size_text(*limit)
            ),
            Warning::NoSuchEventType { of, event, nearest } => {
                write!(f, "no event has the type \"{event}\" of {of}")?;
                match nearest {
                    Some(near) => write!(f, "; did you mean \"{near}\"?"),
                    None => write!(f, "; check its spelling"),
                }
            }
        }
    }
}

/// A warning where a run took more than its limit, by more than can be foreseen: a fifth.
pub fn memory(limit: Option<MemoryLimit>, peak: Option<u64>) -> Option<Warning> {
    let (limit, peak) = (limit?.bytes(), peak?);
    (peak > limit + limit / 5).then_some(Warning::Memory { peak, limit })
}

/// Rows that are left out are worth a warning from this share on.
const WORTH_A_LOOK: f64 = 0.01;

/// A run, as far as it is worth warnings.
#[derive(Clone, Copy, Debug)]
pub struct Observations<'a> {
    /// The job.
    pub job: &'a Job,
    /// What was read.
    pub plan: &'a ReadPlan,
    /// What it was about.
    pub scope: &'a Scope,
    /// What became of the rows.
    pub rows: &'a RowCounts,
    /// What became of the events.
    pub counts: &'a Counts,
    /// The event types there are.
    pub types: &'a [String],
    /// Values that could not be read.
    pub unread: &'a [Unreadable],
    /// The columns whose lists are cut short, and in how many sessions they are.
    pub cut_short: &'a [(String, u64)],
    /// Charts of very many intervals.
    pub sparse: &'a [Sparse],
    /// Filters of charts that no session passes.
    pub unmet: &'a [Unmet],
    /// The memory that it was allowed.
    pub limit: Option<MemoryLimit>,
}

/// The columns of a job whose lists are cut short, and in how many sessions of all events they are.
pub fn cut_short(job: &Job, counts: &AllCounts) -> Vec<(String, u64)> {
    let columns = job.added.columns().iter().filter(|column| column.contents.holds().is_some());
    let counted = columns.zip(&counts.cut_short).filter(|(_, sessions)| **sessions > 0);
    counted.map(|(column, sessions)| (column.name.clone(), *sessions)).collect()
}

/// The warnings of a run.
pub fn warnings(seen: Observations<'_>) -> Vec<Warning> {
    let mut warnings = of_events(seen);
    warnings.extend(seen.unread.iter().cloned().map(Warning::Unread));
    let for_nothing = seen.plan.derived_for_nothing().into_iter();
    warnings.extend(for_nothing.map(|column| Warning::DerivedForNothing { column: column.to_string() }));
    let cut_short = seen.cut_short.iter().cloned();
    warnings.extend(cut_short.map(|(column, sessions)| Warning::CutShort { column, sessions }));
    warnings.extend(seen.sparse.iter().cloned().map(Warning::Sparse));
    warnings.extend(seen.unmet.iter().cloned().map(Warning::Unmet));
    warnings.extend(memory(seen.limit, peak()));
    warnings
}

fn of_events(seen: Observations<'_>) -> Vec<Warning> {
    let Observations { job, plan, scope, rows, counts, types, .. } = seen;
    let mut warnings = Vec::new();
    if plan.extent.rows == 0 {
        return vec![Warning::NoRows];
    }
    // The first run is as everyone expects it to be.
    let whole = scope.whole.as_ref().filter(|whole| **whole != Whole::First);
    warnings.extend(whole.map(|whole| Warning::Everything { why: whole.to_string() }));
    if plan.times().is_some() {
        // What is read is a part of the input: of all of it, it says nothing.
        warnings.extend(rejected(plan, rows));
        let none_written = counts.in_session + counts.out_of_session_total() == 0;
        warnings.extend((scope.mode == Mode::Dates && none_written).then_some(Warning::OutsideWindow));
        return warnings;
    }
    if let (0, Some(condition)) = (rows.passed, plan.condition()) {
        warnings.push(Warning::NothingPasses { condition: printed(condition) });
        return warnings;
    }
    warnings.extend(rejected(plan, rows));
    if rows.rejected_total() == rows.passed {
        return warnings;
    }
    warnings.extend(unknown_types(job, types));
    let kept = counts.in_session + counts.out_of_session_total();
    if counts.sessions == 0 && counts.excluded > 0 {
        warnings.push(Warning::AllExcluded { sessions: counts.excluded });
    }
    if kept == 0 && counts.outside_window > 0 {
        warnings.push(Warning::OutsideWindow);
    } else if counts.in_session == 0 && kept > 0 {
        let most = OutOfSession::ALL.into_iter().max_by_key(|reason| counts.out_of_session[*reason as usize]);
        let column = plan.roles.value.as_ref().map(|value| value.column.spelled.clone());
        warnings.push(match (most, column, &job.definition.kind) {
            (Some(OutOfSession::NoSessionId), Some(column), Kind::Default { .. }) => Warning::NoSessionIds { column },
            (most, ..) => Warning::NoSessions { most: most.map_or("", OutOfSession::name) },
        });
    }
    warnings
}

fn rejected(plan: &ReadPlan, rows: &RowCounts) -> Option<Warning> {
    let rejected = rows.rejected_total();
    if rejected == 0 || (rejected as f64) < rows.passed as f64 * WORTH_A_LOOK {
        return None;
    }
    let most = Rejection::ALL.into_iter().max_by_key(|reason| rows.rejected[*reason as usize])?;
    let time = &plan.roles.time;
    let columns = match most {
        Rejection::NoUser => plan.roles.users.as_slice(),
        Rejection::NoTime | Rejection::TimeOutOfRange => std::slice::from_ref(time),
    };
    let hint = match (most, &time.kind) {
        (Rejection::NoUser, _) => "",
        (Rejection::NoTime, ColumnKind::Text | ColumnKind::Json | ColumnKind::Mixed | ColumnKind::Binary) => {
            ": times that are text have to be like 2026-01-31T12:30:00Z (ISO 8601)"
        }
        (_, ColumnKind::Int | ColumnKind::UInt64 | ColumnKind::Decimal(_)) => {
            ", and at `input.time_unit`, the unit of its integers, `input.min_time` and `input.max_time`"
        }
        (Rejection::NoTime, _) => "",
        (Rejection::TimeOutOfRange, _) => ", and at `input.min_time` and `input.max_time`",
    };
    let names: Vec<&str> = columns.iter().map(|column| column.spelled.as_str()).collect();
    let lacks = |footer: &&Footer| {
        columns.iter().all(|column| column.file_column().is_some_and(|name| footer.schema.kind(name).is_none()))
    };
    let lacking: Vec<&Footer> = plan.footers.iter().filter(lacks).collect();
    Some(Warning::Rejected {
        rejected,
        of: rows.passed,
        most: most.name(),
        column: names.join("`, `"),
        hint,
        lacking: lacking.first().map(|footer| (footer.file.path.clone(), lacking.len(), plan.footers.len())),
    })
}

fn unknown_types(job: &Job, types: &[String]) -> Vec<Warning> {
    let mut named: Vec<(String, String)> = Vec::new();
    let mut name = |of: String, event: &String| {
        let pair = (of, event.clone());
        if !types.contains(event) && !named.contains(&pair) {
            named.push(pair);
        }
    };
    let (starts, ends) = match job.definition.custom() {
        Some(custom) => (custom.start_events.as_slice(), custom.end_events.as_slice()),
        None => (&[][..], &[][..]),
    };
    let of_job =
        [("session.start_event", starts), ("session.end_event", ends), ("input.inactive", &job.input.inactive)];
    for (key, events) in of_job {
        events.iter().for_each(|event| name(format!("`{key}`"), event));
    }
    for column in &job.columns {
        let events = column.contents.holds().into_iter().flat_map(Holds::filters).flat_map(|filter| &filter.events);
        events.for_each(|event| name(format!("the column \"{}\"", column.name), event));
    }
    for chart in &job.charts {
        let events = chart.holds().into_iter().flat_map(Holds::filters).flat_map(|filter| &filter.events);
        events.for_each(|event| name(format!("the chart \"{}\"", chart.name), event));
    }
    for segment in job.segments.all() {
        let filters = segment.performed.iter().flat_map(|performed| performed.count.filters());
        let events = filters.flat_map(|filter| &filter.events);
        events.for_each(|event| name(format!("the segment \"{}\"", segment.name), event));
    }
    let warning = |(of, event): (String, String)| {
        let nearest = nearest(&event, types.iter().map(String::as_str)).map(str::to_string);
        Warning::NoSuchEventType { of, event, nearest }
    };
    named.into_iter().map(warning).collect()
}
