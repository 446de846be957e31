//! The limits that the user set: a run that exceeds one changes nothing.

use crate::error::Error;
use crate::events::normalise::{Rejection, RowCounts};
use crate::job::dates::day_text;
use crate::job::options::Limits;
use crate::sessionize::counts::Counts;
use crate::sessionize::rule::OutOfSession;
use crate::sessionize::time::Day;

/// Checks what was read.
///
/// # Errors
/// Too many rows are rejected.
pub fn check_rows(limits: &Limits, rows: &RowCounts) -> Result<(), Error> {
    // Of the rows that pass the condition and are of the times read: the others were not looked at.
    let (rejected, of) = (rows.rejected_total(), rows.passed - rows.outside);
    let Some((share, limit)) = exceeded(limits.max_rejected, rejected, of) else { return Ok(()) };
    let reasons = Rejection::ALL.map(|reason| (reason.name(), rows.rejected[reason as usize]));
    Err(Error::TooManyRejected { rejected, rows: of, reasons: counted(&reasons), share, limit })
}

/// Checks what the events came to.
///
/// # Errors
/// Too many events are in no session, or there are too few sessions.
pub fn check_sessions(limits: &Limits, counts: &Counts) -> Result<(), Error> {
    let out = counts.out_of_session_total();
    let events = counts.in_session + out;
    if let Some((share, limit)) = exceeded(limits.max_out_of_session, out, events) {
        let reasons = OutOfSession::ALL.map(|reason| (reason.name(), counts.out_of_session[reason as usize]));
        return Err(Error::TooManyOutOfSession { out, events, reasons: counted(&reasons), share, limit });
    }
    match limits.min_sessions {
        Some(limit) if counts.sessions < limit => Err(Error::TooFewSessions { sessions: counts.sessions, limit }),
        _ => Ok(()),
    }
}

/// A date whose file is replaced, and how many sessions it had and has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateChange {
    /// The date.
    pub day: Day,
    /// Sessions before; none where there was no file.
    pub was: Option<u64>,
    /// Sessions now.
    pub is: u64,
}

/// Checks what becomes of the dates that the tables had. The `newest` of them may change as it will: it was not
/// over when it was written.
///
/// # Errors
/// A date's number of sessions becomes another by too much.
pub fn check_changes(limits: &Limits, changes: &[DateChange], newest: Option<Day>) -> Result<(), Error> {
    let Some(limit) = limits.max_change else { return Ok(()) };
    let share = |change: DateChange| {
        let was = change.was.filter(|was| *was > 0 && Some(change.day) != newest)?;
        Some((change.is.abs_diff(was) as f64 / was as f64, was, change))
    };
    let mut over: Vec<(f64, u64, DateChange)> =
        changes.iter().copied().filter_map(share).filter(|(share, ..)| *share > limit).collect();
    over.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some((share, was, change)) = over.pop() else { return Ok(()) };
    Err(Error::TooMuchChange { date: day_text(change.day), was, is: change.is, share, limit, others: over.len() })
}

/// The share that something has, and the limit, where it is more than that.
fn exceeded(limit: Option<f64>, part: u64, of: u64) -> Option<(f64, f64)> {
    let share = if of == 0 { 0.0 } else { part as f64 / of as f64 };
    limit.filter(|limit| share > *limit).map(|limit| (share, limit))
}

fn counted(reasons: &[(&'static str, u64)]) -> String {
    let reasons = reasons.iter().filter(|(_, count)| *count > 0);
    reasons.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_that_changes_most_is_named_and_the_newest_one_passed_over() {
        let day = Day::from_epoch_days;
        let change = |date, was, is| DateChange { day: day(date), was, is };
        let changes = [change(0, Some(10), 14), change(1, Some(10), 0), change(2, Some(1), 90), change(3, None, 5)];
        let check = |limit, newest| {
            let limits = Limits { max_change: Some(limit), ..Limits::default() };
            check_changes(&limits, &changes, newest).map_err(|error| error.to_string())
        };
        assert_eq!(check(1.0, Some(day(2))), Ok(()));
        let message = check(0.3, Some(day(2))).expect_err("more");
        assert!(message.contains("1970-01-02 would have 0 sessions instead of 10"), "{message}");
        assert!(message.contains("another date"), "{message}");
        assert!(check(1.0, None).expect_err("more").contains("1970-01-03"));
    }
}
