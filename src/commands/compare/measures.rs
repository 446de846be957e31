//! Measures of two definitions side by side.

use super::reading::{Read, Reading};
use super::tally::SideTally;
use crate::sessionize::time::Day;
use crate::stats::ranks::nearest_rank;

/// What a measure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Millis,
}

/// A measure's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// A count, or a sum.
    Whole(i64),
    /// A quotient.
    Quotient(f64),
}

impl Amount {
    /// As a floating value.
    pub(super) fn number(self) -> f64 {
        match self {
            Amount::Whole(whole) => whole as f64,
            Amount::Quotient(quotient) => quotient,
        }
    }
}

/// A measure under both definitions; `None` where it is a ratio over nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    /// Its name for programs.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) label: &'static str,
    /// What it counts.
    pub(super) unit: Unit,
    /// Its value under each.
    pub(super) of: [Option<Amount>; 2],
}

impl Measure {
    /// That of B less that of A.
    pub(super) fn difference(&self) -> Option<Amount> {
        match self.of {
            [Some(Amount::Whole(a)), Some(Amount::Whole(b))] => Some(Amount::Whole(b - a)),
            [Some(a), Some(b)] => Some(Amount::Quotient(b.number() - a.number())),
            _ => None,
        }
    }

    /// That of B by that of A.
    pub(super) fn ratio(&self) -> Option<f64> {
        let [a, b] = self.of;
        Some(b?.number() / Some(a?.number()).filter(|a| *a != 0.0)?)
    }
}

/// The name for programs, the name for people and the unit of what is measured of sessions.
const OF_SESSIONS: [(&str, &str, Unit); 13] = [
    ("total_sessions", "Sessions", Unit::Count),
    ("active_users", "Active users", Unit::Count),
    ("time_spent_ms", "Time spent", Unit::Millis),
    ("time_spent_per_user_ms", "Time spent per user", Unit::Millis),
    ("avg_length_ms", "Average length", Unit::Millis),
    ("avg_per_user", "Sessions per user", Unit::Count),
    ("length_p50_ms", "Median length", Unit::Millis),
    ("length_p75_ms", "75th percentile", Unit::Millis),
    ("length_p90_ms", "90th percentile", Unit::Millis),
    ("length_p95_ms", "95th percentile", Unit::Millis),
    ("length_p99_ms", "99th percentile", Unit::Millis),
    ("length_max_ms", "Longest", Unit::Millis),
    ("zero_length_sessions", "Of length 0", Unit::Count),
];

/// What is measured besides of all dates together.
const OF_EVENTS: [(&str, &str); 11] = [
    ("users_with_sessions", "Users with sessions"),
    ("excluded_sessions", "Excluded as too long"),
    ("clock_skew_sessions", "Of clock skew"),
    ("rows", "Rows"),
    ("filtered", "Rows filtered"),
    ("rejected", "Rows rejected"),
    ("duplicates", "Duplicate events"),
    ("inactive", "Inactive events"),
    ("outside_window", "Events of other dates"),
    ("in_session", "Events in session"),
    ("out_of_session", "Events out of session"),
];

/// The measures of all dates together, and those of each date with a session or an active user.
#[derive(Debug)]
pub(super) struct Measures {
    /// All dates together.
    pub(super) totals: Vec<Measure>,
    /// Date by date.
    pub(super) days: Vec<(Day, Vec<Measure>)>,
}

impl Measures {
    /// Of what was counted of both.
    pub(super) fn new(tallies: &mut [SideTally; 2], reading: &Reading<'_>, read: &Read) -> Self {
        for tally in tallies.iter_mut() {
            tally.lengths.sort_unstable();
            tally.active.sort_unstable();
        }
        let tallies: &[SideTally; 2] = tallies;
        let days = tallies.each_ref().map(Days::of_sorted);
        let all = tallies.each_ref().map(|tally| {
            let mut lengths: Vec<i64> = tally.lengths.iter().map(|(_, length)| *length).collect();
            lengths.sort_unstable();
            of_sessions(&lengths, tally.active_users)
        });
        let mut totals = side_by_side(all);
        let of_events = [0, 1].map(|side| {
            let tally = &tallies[side];
            let rows = &read.of(side).rows;
            let extent = reading.extent(side);
            let left = rows.passed.saturating_sub(rows.rejected_total() + tally.duplicates + tally.inactive);
            [
                tally.users_with_sessions,
                tally.excluded,
                tally.clock_skew,
                extent.rows,
                extent.rows_ruled_out + rows.filtered,
                rows.rejected_total(),
                tally.duplicates,
                tally.inactive,
                left.saturating_sub(tally.in_session + tally.out_of_session),
                tally.in_session,
                tally.out_of_session,
            ]
        });
        totals.extend(OF_EVENTS.iter().enumerate().map(|(place, (name, label))| {
            let of = of_events.map(|counts| Some(Amount::Whole(counts[place] as i64)));
            Measure { name, label, unit: Unit::Count, of }
        }));
        let mut dates: Vec<Day> = days.iter().flat_map(Days::dates).collect();
        dates.sort_unstable();
        dates.dedup();
        let day = |day: Day| {
            let of = [0, 1].map(|side| {
                let lengths: Vec<i64> = days[side].lengths(day).map(|(_, length)| *length).collect();
                of_sessions(&lengths, days[side].active_users(day))
            });
            (day, side_by_side(of))
        };
        Measures { totals, days: dates.into_iter().map(day).collect() }
    }
}

/// Sessions and active users in order of date.
struct Days<'t> {
    lengths: &'t [(Day, i64)],
    active: &'t [Day],
}

impl<'t> Days<'t> {
    fn of_sorted(tally: &'t SideTally) -> Self {
        Days { lengths: &tally.lengths, active: &tally.active }
    }

    fn dates(&self) -> Vec<Day> {
        let lengths = self.lengths.chunk_by(|a, b| a.0 == b.0).map(|day| day[0].0);
        lengths.chain(self.active.chunk_by(|a, b| a == b).map(|day| day[0])).collect()
    }

    fn lengths(&self, day: Day) -> impl Iterator<Item = &(Day, i64)> {
        let first = self.lengths.partition_point(|(of, _)| *of < day);
        self.lengths[first..].iter().take_while(move |(of, _)| *of == day)
    }

    fn active_users(&self, day: Day) -> u64 {
        let first = self.active.partition_point(|of| *of < day);
        self.active[first..].partition_point(|of| *of == day) as u64
    }
}

fn side_by_side(of: [[Option<Amount>; OF_SESSIONS.len()]; 2]) -> Vec<Measure> {
    let measure = |(place, (name, label, unit)): (usize, &(&'static str, &'static str, Unit))| Measure {
        name,
        label,
        unit: *unit,
        of: [of[0][place], of[1][place]],
    };
    OF_SESSIONS.iter().enumerate().map(measure).collect()
}

/// The measures of sessions of these lengths, in ascending order (SPEC 5).
fn of_sessions(lengths: &[i64], active_users: u64) -> [Option<Amount>; OF_SESSIONS.len()] {
    let sessions = lengths.len() as i64;
    let time_spent: i64 = lengths.iter().sum();
    let whole = |count: i64| Some(Amount::Whole(count));
    let per = |part: i64, whole: i64| (whole != 0).then(|| Amount::Quotient(part as f64 / whole as f64));
    let percentile = |percent: u32| Some(Amount::Whole(lengths[nearest_rank(percent, lengths.len())?]));
    let users = active_users as i64;
    [
        whole(sessions),
        whole(users),
        whole(time_spent),
        per(time_spent, users),
        per(time_spent, sessions),
        per(sessions, users),
        percentile(50),
        percentile(75),
        percentile(90),
        percentile(95),
        percentile(99),
        percentile(100),
        whole(lengths.partition_point(|length| *length <= 0) as i64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank_and_nothing_is_no_number() {
        let of = of_sessions(&[0, 0, 10, 20], 2);
        let of = |name: &str| of[OF_SESSIONS.iter().position(|(known, ..)| *known == name).expect("known")];
        assert_eq!(of("length_p50_ms"), Some(Amount::Whole(0)));
        assert_eq!(of("length_p75_ms"), Some(Amount::Whole(10)));
        assert_eq!(of("length_max_ms"), Some(Amount::Whole(20)));
        assert_eq!(of("avg_length_ms"), Some(Amount::Quotient(7.5)));
        assert_eq!(of("zero_length_sessions"), Some(Amount::Whole(2)));
        assert_eq!(of_sessions(&[], 0)[4..8], [None, None, None, None]);
    }

    #[test]
    fn there_is_no_ratio_to_nothing() {
        let measure = |a, b| Measure { name: "", label: "", unit: Unit::Count, of: [a, b] };
        let whole = |count| Some(Amount::Whole(count));
        assert_eq!(measure(whole(0), whole(3)).ratio(), None);
        assert_eq!(measure(whole(4), whole(3)).ratio(), Some(0.75));
        assert_eq!(measure(None, whole(3)).difference(), None);
        assert_eq!(measure(whole(4), whole(3)).difference(), Some(Amount::Whole(-1)));
    }
}
