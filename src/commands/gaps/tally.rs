//! One user after the other: the gaps between the events, and the sessions that each timeout makes of them.

use crate::sessionize::layout::hash::hash_int;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::rule::{CustomRule, Looks, Rule, Silence, Verdict, Watched};
use crate::sessionize::time::Span;
use crate::sessionize::user::{events_that_count, groups_watched, Rules, Sink};
use crate::sessionize::visit::{IdTimes, UserVisitor};
use crate::sessionize::watched::WatchedTable;

use super::histogram::{Half, Histogram};
use super::median::{Finer, Lengths, Narrowing};

/// What all users come to. Merging is addition.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Users with an event that counts.
    pub users: u64,
    /// Their events.
    pub events: u64,
    /// Events dropped as duplicates.
    pub duplicates: u64,
    /// Events of inactive types.
    pub inactive: u64,
    /// Events without a value of the property: no timeout is about them.
    pub no_property: u64,
    /// The gaps between consecutive events.
    pub gaps: Histogram,
    /// What each timeout makes of them.
    pub candidates: Vec<Candidate>,
}

/// What a timeout makes of all events.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    /// Sessions in the table.
    pub sessions: u64,
    /// Sessions longer than `max_length`.
    pub excluded: u64,
    /// Sessions in the table of length 0.
    pub zero_length: u64,
    /// Gaps within 10 % of the timeout.
    pub near: u64,
    /// The lengths of the sessions in the table.
    pub lengths: Lengths,
}

impl Tally {
    /// Nothing, of so many timeouts.
    pub fn of(timeouts: usize) -> Self {
        Tally { candidates: vec![Candidate::default(); timeouts], ..Tally::default() }
    }

    /// Adds other users'.
    pub fn merge(&mut self, other: &Tally) {
        self.users += other.users;
        self.events += other.events;
        self.duplicates += other.duplicates;
        self.inactive += other.inactive;
        self.no_property += other.no_property;
        self.gaps.merge(&other.gaps);
        for (mine, theirs) in self.candidates.iter_mut().zip(&other.candidates) {
            mine.sessions += theirs.sessions;
            mine.excluded += theirs.excluded;
            mine.zero_length += theirs.zero_length;
            mine.near += theirs.near;
            mine.lengths.merge(&theirs.lengths);
        }
    }
}

/// A timeout as the kernel takes it, or timeouts by a column.
#[derive(Clone, Debug)]
struct Try<'r> {
    cutting: CustomRule,
    /// The timeout after an event of each class; empty where it is the same after all.
    by_class: &'r [Span],
    /// The gaps within 10 % of the timeout of each class, or of all, both ends inclusive.
    near: Vec<(Span, Span)>,
}

/// The gaps within 10 % of a timeout.
fn near(timeout: Span) -> (Span, Span) {
    let tenth = |tenths: i128| i128::from(timeout.micros()) * tenths;
    let span = |micros: i128| Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
    // Rounded so that whole microseconds compare as the fractions do.
    (span((tenth(9) + 9) / 10), span(tenth(11) / 10))
}

impl<'r> Try<'r> {
    /// Each of the timeouts, and, where the job has timeouts by a column, these.
    fn all(rules: &Rules<'r>, timeouts: &[Span]) -> Vec<Self> {
        let Rule::Custom(cutting) = rules.rule else { return Vec::new() };
        let mut all = Vec::new();
        for timeout in timeouts {
            let silence = Silence { limit: Some(*timeout), ..cutting.silence };
            all.push(Try { cutting: CustomRule { silence, ..cutting }, by_class: &[], near: vec![near(*timeout)] });
        }
        let by_class = rules.types.timeouts();
        if !by_class.is_empty() {
            all.push(Try { cutting, by_class, near: by_class.iter().copied().map(near).collect() });
        }
        all
    }

    /// Whether a gap after an event is within 10 % of the timeout.
    fn is_near<T: RowKind>(&self, before: &Row<T>, gap: Span) -> bool {
        let class = if self.by_class.is_empty() { 0 } else { before.event().class() as usize };
        let (from, to) = self.near[class];
        from <= gap && gap <= to
    }

    /// The length of each session of a group that starts on one of the dates.
    fn each_length<T: RowKind>(
        &self,
        rules: &Rules<'_>,
        (group, watched): (&[Row<T>], Watched<'_>),
        mut found: impl FnMut(Span),
    ) {
        let looks = Looks { calendar: rules.calendar, timeouts: self.by_class, watched };
        self.cutting.candidates(group, looks, |candidate| {
            if let Verdict::Session(bounds) = candidate.verdict {
                if rules.hold_date_of(bounds.start) {
                    found(bounds.end.since(bounds.start));
                }
            }
        });
    }
}

fn is_excluded(rules: &Rules<'_>, length: Span) -> bool {
    rules.max_length.is_some_and(|limit| length > limit)
}

/// How many events of a user do not count.
#[derive(Default)]
struct Dropped {
    duplicates: u64,
    inactive: u64,
}

impl<T: RowKind> Sink<T> for Dropped {
    fn duplicate(&mut self, _: &Row<T>) {
        self.duplicates += 1;
    }

    fn inactive(&mut self, _: &Row<T>) {
        self.inactive += 1;
    }
}

/// Counts gaps and sessions.
#[derive(Debug)]
pub struct Tallying<'r> {
    rules: Rules<'r>,
    tries: Vec<Try<'r>>,
    /// What has been counted.
    pub tally: Tally,
}

impl<'r> Tallying<'r> {
    /// For these timeouts, under a definition that may have one.
    pub fn new(rules: Rules<'r>, timeouts: &[Span]) -> Self {
        let tries = Try::all(&rules, timeouts);
        Tallying { rules, tally: Tally::of(tries.len()), tries }
    }

    fn add_group<T: RowKind>(&mut self, half: Half, (group, watched): (&[Row<T>], Watched<'_>)) {
        let Tallying { rules, tries, tally } = self;
        for pair in group.windows(2) {
            if rules.hold_date_of(pair[0].time()) {
                let gap = pair[1].time().since(pair[0].time());
                tally.gaps.add(half, gap);
                for (candidate, of) in tally.candidates.iter_mut().zip(tries.iter()) {
                    candidate.near += u64::from(of.is_near(&pair[0], gap));
                }
            }
        }
        for (candidate, of) in tally.candidates.iter_mut().zip(tries.iter()) {
            of.each_length(rules, (group, watched), |length| {
                if is_excluded(rules, length) {
                    candidate.excluded += 1;
                    return;
                }
                let millis = length.floor_millis();
                candidate.sessions += 1;
                candidate.zero_length += u64::from(millis == 0);
                candidate.lengths.add(millis);
            });
        }
    }
}

impl UserVisitor for Tallying<'_> {
    fn visit<T: RowKind>(&mut self, _: u32, events: &mut [Row<T>], _: &IdTimes, watched: &WatchedTable) {
        let mut dropped = Dropped::default();
        let rules = self.rules.watching(watched);
        let events = events_that_count(&rules, events, &mut dropped);
        let values = rules.watched_values(events);
        self.tally.duplicates += dropped.duplicates;
        self.tally.inactive += dropped.inactive;
        self.tally.events += events.len() as u64;
        self.tally.users += u64::from(!events.is_empty());
        let half = half_of(events);
        for (group, watched) in groups_watched(events, Watched { values: &values, columns: rules.watched_columns() }) {
            match group[0].value() {
                Some(_) => self.add_group(half, (group, watched)),
                None => self.tally.no_property += group.len() as u64,
            }
        }
    }
}

/// A half that does not depend on how events are laid out: users with the same first, last and number of events are in
/// the same one.
fn half_of<T: RowKind>(events: &[Row<T>]) -> Half {
    let times = || events.iter().map(|event| event.time().micros());
    let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    Half::of_hash(hash_int(first) ^ hash_int(last.wrapping_add(events.len() as i64)).rotate_left(32))
}

/// Counts lengths where medians are.
#[derive(Debug)]
pub struct Measuring<'r> {
    rules: Rules<'r>,
    tries: Vec<Try<'r>>,
    open: Vec<bool>,
    /// What has been counted, for each timeout.
    pub counts: Vec<Finer>,
}

impl<'r> Measuring<'r> {
    /// For these timeouts, whose medians are narrowed down to `medians`.
    pub fn new(rules: Rules<'r>, timeouts: &[Span], medians: &[Narrowing]) -> Self {
        let tries = Try::all(&rules, timeouts);
        let open = medians.iter().map(|median| !median.is_found()).collect();
        Measuring { rules, tries, open, counts: medians.iter().map(Narrowing::counts).collect() }
    }
}

impl UserVisitor for Measuring<'_> {
    fn visit<T: RowKind>(&mut self, _: u32, events: &mut [Row<T>], _: &IdTimes, watched: &WatchedTable) {
        let rules = self.rules.watching(watched);
        let events = events_that_count(&rules, events, &mut Dropped::default());
        let values = rules.watched_values(events);
        let groups = groups_watched(events, Watched { values: &values, columns: rules.watched_columns() });
        for (group, watched) in groups.filter(|(group, _)| group[0].value().is_some()) {
            for ((counts, of), open) in self.counts.iter_mut().zip(&self.tries).zip(&self.open) {
                if !open {
                    continue;
                }
                of.each_length(&rules, (group, watched), |length| {
                    if !is_excluded(&rules, length) {
                        counts.add(length.floor_millis());
                    }
                });
            }
        }
    }
}
