//! What a user should know about a run that worked.

use std::fmt;

use crate::events::kind::Kind as ColumnKind;
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::plan::ReadPlan;
use crate::job::{Job, Kind};
use crate::nearest::nearest;
use crate::scope::{Mode, Scope, Whole};
use crate::sessionize::counts::Counts;
use crate::sessionize::cut::OutOfSession;

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
        /// Whether times are counts of a unit, which may be another one.
        unit: bool,
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
    /// All events are outside of the dates asked for.
    OutsideWindow,
    /// Everything is computed, though some dates would do.
    Everything {
        /// Why.
        why: String,
    },
    /// An event type of the job that no event has.
    NoSuchEventType {
        /// The key that names it.
        key: &'static str,
        /// The type.
        event: String,
        /// The nearest type there is.
        nearest: Option<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NoRows => write!(f, "the input has no rows: the tables are empty; check `input.path`"),
            Warning::NothingPasses { condition } => {
                write!(f, "no row passes `input.where` ({condition}): the tables are empty; check the condition")
            }
            Warning::Rejected { rejected, of, most, column, unit } => {
                let unit = if *unit { ", and whether `input.time_unit` is the unit of its integers" } else { "" };
                let all = if rejected == of { ": the tables are empty" } else { "" };
                write!(
                    f,
                    "{rejected} of {of} rows were rejected, most of them for `{most}`{all}; look at the column \
                     `{column}`, and at `input.min_time` and `input.max_time` for times out of range{unit}"
                )
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
            Warning::OutsideWindow => {
                write!(f, "all events are outside of the dates asked for: look at since, until, --from and --to")
            }
            Warning::Everything { why } => f.write_str(why),
            Warning::NoSuchEventType { key, event, nearest } => {
                write!(f, "no event has the type \"{event}\" of `{key}`")?;
                match nearest {
                    Some(near) => write!(f, "; did you mean \"{near}\"?"),
                    None => write!(f, "; check its spelling"),
                }
            }
        }
    }
}

/// Rejected rows are worth a warning from this share on.
const REJECTED_SHARE: f64 = 0.01;

/// The warnings of a run.
pub fn warnings(
    job: &Job,
    plan: &ReadPlan,
    scope: &Scope,
    rows: &RowCounts,
    counts: &Counts,
    types: &[String],
) -> Vec<Warning> {
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
        warnings.push(Warning::NothingPasses { condition: condition.to_string() });
        return warnings;
    }
    warnings.extend(rejected(plan, rows));
    if rows.rejected_total() == rows.passed {
        return warnings;
    }
    warnings.extend(unknown_types(job, types));
    let kept = counts.in_session + counts.out_of_session_total();
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
    if rejected == 0 || (rejected as f64) < rows.passed as f64 * REJECTED_SHARE {
        return None;
    }
    let most = Rejection::ALL.into_iter().max_by_key(|reason| rows.rejected[*reason as usize])?;
    let column = match most {
        Rejection::NoUser => plan.roles.users.iter().map(|user| user.spelled.as_str()).collect::<Vec<_>>().join("`, `"),
        Rejection::NoTime | Rejection::TimeOutOfRange => plan.roles.time.spelled.clone(),
    };
    let unit = most == Rejection::TimeOutOfRange && !matches!(plan.roles.time.kind, ColumnKind::Timestamp(_));
    Some(Warning::Rejected { rejected, of: rows.passed, most: most.name(), column, unit })
}

fn unknown_types(job: &Job, types: &[String]) -> Vec<Warning> {
    let (starts, ends) = match job.definition.custom() {
        Some(custom) => (custom.start_events.as_slice(), custom.end_events.as_slice()),
        None => (&[][..], &[][..]),
    };
    let named = [("session.start_event", starts), ("session.end_event", ends), ("input.inactive", &job.input.inactive)];
    let mut warnings = Vec::new();
    for (key, events) in named {
        for event in events.iter().filter(|event| !types.contains(event)) {
            let near = nearest(event, types.iter().map(String::as_str)).map(str::to_string);
            warnings.push(Warning::NoSuchEventType { key, event: event.clone(), nearest: near });
        }
    }
    warnings
}
