//! One pass over the users of a partition: what the kernel makes of their events, with why.

use std::collections::HashMap;
use std::sync::Arc;

use super::cases::{Case, Tally};
use super::event_facts::EventFacts;
use super::exam::{Exam, Examination, OfDay, LATEST};
use super::id_kind::Shape;
use super::marks::Mark;
use super::senders::SessionTally;
use super::standing::{Standing, Standings};
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::partition_rows::PartitionRows;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::rule::{Bounds, OutOfSession, Rule};
use crate::sessionize::time::calendar::Cursor;
use crate::sessionize::time::{Day, Span, Timestamp};
use crate::sessionize::user::{groups, walk_user, Rules, Session, Sink, TableStanding};
use crate::sessionize::visit::{with_events, IdTimes, RowsWork};
use crate::sessionize::watched::WatchedTable;

/// Examines the users of a partition; `pieces` are blocks and the partition's number in each.
pub fn examine(pieces: &[(&Block, usize)], examination: &Examination<'_>) -> Exam {
    struct Examine<'e>(&'e Examination<'e>);
    impl RowsWork for Examine<'_> {
        type Made = Exam;
        fn work<T: RowKind>(self, rows: PartitionRows<T>) -> Exam {
            of_rows(rows, self.0)
        }
    }
    with_events(pieces, &examination.known.types, Examine(examination)).unwrap_or_default()
}

fn of_rows<T: RowKind>(mut rows: PartitionRows<T>, examination: &Examination<'_>) -> Exam {
    let ids = IdTimes::new(examination.known.rule, rows.texts.as_ref());
    let facts = EventFacts::new(examination, rows.facts.as_ref());
    let watched = std::mem::take(&mut rows.watched);
    let mut examiner = Examiner::new(examination, facts, rows.texts.is_some(), &watched);
    rows.each_user(|user, events| examiner.user(user, events, &ids));
    examiner.finish(&rows.users, rows.texts.as_ref())
}

/// Examines one user after the other.
struct Examiner<'a> {
    examination: &'a Examination<'a>,
    exam: Exam,
    facts: EventFacts,
    cursor: Cursor<'a>,
    /// The date of the event before, and what was counted of it since it came.
    day: Option<Day>,
    of_day: OfDay,
    /// Whether what is grouped by is text, so that values are places.
    is_text: bool,
    /// Events by session id that is no time, where ids are text.
    untimed: Vec<(i64, u64)>,
    /// What is counted of the user at hand.
    own: [u64; Case::COUNT],
    cases: Vec<Tally<u32>>,
    /// The sessions of the user at hand.
    spans: Vec<(Timestamp, Timestamp)>,
    /// The event types as if none were inactive.
    all_active: Arc<EventTypes>,
    /// What the rule watches of the partition's events.
    watched: &'a WatchedTable,
}

impl<'a> Examiner<'a> {
    fn new(examination: &'a Examination<'a>, facts: EventFacts, is_text: bool, watched: &'a WatchedTable) -> Self {
        let types = examination.known.types.len() + 1;
        let nothing = || vec![0; types];
        let exam = Exam {
            inactive: nothing(),
            inactive_sessions: nothing(),
            by_type: vec![Standings::default(); types],
            gap_enders: [nothing(), nothing()],
            late: vec![0; LATEST + 3],
            ..Exam::default()
        };
        Examiner {
            examination,
            exam,
            facts,
            cursor: examination.known.calendar.cursor(),
            day: None,
            of_day: OfDay::default(),
            is_text,
            untimed: Vec::new(),
            own: [0; Case::COUNT],
            cases: vec![Tally::default(); Case::COUNT],
            spans: Vec::new(),
            all_active: Arc::new(examination.known.types.clone().with_all_active()),
            watched,
        }
    }

    fn user<T: RowKind>(&mut self, user: u32, events: &mut [Row<T>], ids: &IdTimes) {
        self.spans.clear();
        let rules = self.examination.known.rules().watching(self.watched);
        walk_user(&rules, events, &|id| ids.time_of(id), &mut OfUser { examiner: self, ids });
        self.overlaps();
        for (case, count) in self.own.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            self.cases[case].add(*count, user);
            *count = 0;
        }
    }

    fn count(&mut self, case: Case) {
        self.own[case as usize] += 1;
    }

    /// Counts the sessions that inactive events alone would make.
    fn inactive_sessions<T: RowKind>(&mut self, events: &[Row<T>], ids: &IdTimes) {
        let known = self.examination.known;
        if !events.iter().any(|event| known.types.is_inactive(event.event())) {
            return;
        }
        let types = Arc::clone(&self.all_active);
        let rules = Rules { dedup_within: None, types: &types, ..known.rules() }.watching(self.watched);
        walk_user(&rules, &mut events.to_vec(), &|id| ids.time_of(id), &mut OfInactive(self));
    }

    /// Counts what valid session ids look like; those that are times are of this shape.
    fn shapes<T: RowKind>(&mut self, events: &[Row<T>], ids: &IdTimes, of_times: Shape) {
        for group in groups(events) {
            let Some(id) = group[0].value() else { continue };
            let count = group.len() as u64;
            match (ids.time_of(id), self.is_text) {
                (Some(_), _) => self.exam.shapes[of_times as usize] += count,
                (None, false) => self.exam.shapes[Shape::of_number(id) as usize] += count,
                (None, true) => self.untimed.push((id, count)),
            }
        }
    }

    /// Counts events by where they stand: in a session, or out of one for a reason.
    fn tally<T: RowKind>(&mut self, events: &[Row<T>], out: Option<OutOfSession>) {
        let known = self.examination.known;
        for event in events {
            let (time, fact) = (event.time(), event.fact() as usize);
            let day = self.cursor.find(time).day;
            if !known.dates.holds(day) {
                self.exam.outside_window += 1;
                continue;
            }
            let standing = match out {
                None => Standing::InSession,
                Some(reason) => Standing::out(reason, self.facts.kinds[fact]),
            } as usize;
            self.exam.by_type[event.event().rank() as usize][standing] += 1;
            self.facts.standings[fact][standing] += 1;
            if self.day != Some(day) {
                self.next_day(Some(day));
            }
            self.of_day.standings[standing] += 1;
            if let Some(arrival) = self.facts.arrivals[fact] {
                let late = arrival - time.micros().div_euclid(Span::DAY.micros());
                self.exam.late[usize::try_from(late + 1).map_or(0, |late| late.min(LATEST + 2))] += 1;
                self.of_day.late += u64::from(late > 0);
            }
            self.own[Case::Event as usize] += 1;
            self.own[Case::Future as usize] += u64::from(time > self.examination.now);
        }
    }

    fn next_day(&mut self, next: Option<Day>) {
        if let Some(day) = self.day {
            self.exam.by_day.entry(day).or_default().merge(&self.of_day);
        }
        self.of_day = OfDay::default();
        self.day = next;
    }

    fn session<T: RowKind>(&mut self, session: Session<'_, T>, id: Option<Timestamp>) {
        let Session { events, bounds, standing, .. } = session;
        match standing {
            TableStanding::OtherDate => {
                self.exam.sessions_outside += 1;
                return;
            }
            TableStanding::TooLong => return self.count(Case::Excluded),
            TableStanding::InTable => self.exam.sessions += 1,
        }
        self.spans.push((bounds.start, bounds.end));
        let (mut starts, mut ends) = (0, 0);
        let mut longest = (Span::default(), 0);
        let mut before = bounds.start;
        for event in events {
            let rank = event.event().rank();
            match self.examination.marks[rank as usize] {
                Mark::Activity => {}
                Mark::Start => starts += 1,
                Mark::End => ends += 1,
            }
            let gap = event.time().since(before);
            if gap > longest.0 {
                longest = (gap, rank);
            }
            before = event.time();
        }
        if starts + ends == events.len() {
            self.count(match (starts, ends) {
                (_, 0) => Case::BareStart,
                (0, _) => Case::BareEnd,
                _ => Case::BareBoth,
            });
        }
        let [short, long] = self.examination.gaps;
        let mut tally = SessionTally { sessions: 1, ..SessionTally::default() };
        if longest.0 > short {
            let is_long = longest.0 > long;
            self.count(if is_long { Case::LongGap } else { Case::Gap });
            self.exam.gap_enders[usize::from(is_long)][longest.1 as usize] += 1;
            (tally.gaps, tally.long_gaps) = (1, u64::from(is_long));
        }
        if bounds.end.since(bounds.start).floor_millis() == 0 {
            let case = zero_length(events, bounds, id, starts == events.len());
            self.count(case);
            (tally.zero_length, tally.single_event) = (1, u64::from(events.len() == 1));
        }
        // Of events at one time, the order is not that of their facts.
        let first = events.first().map_or(bounds.start, Row::time);
        let fact = events.iter().take_while(|event| event.time() == first).map(Row::fact).min().unwrap_or_default();
        self.facts.add_session(fact, &tally, (tally.gaps > 0).then_some(longest.1));
    }

    /// Counts the sessions of the user at hand that begin before another one ends.
    fn overlaps(&mut self) {
        if self.spans.len() < 2 {
            return;
        }
        self.spans.sort_unstable();
        let mut until = self.spans[0].1;
        for (start, end) in &self.spans[1..] {
            self.own[Case::Overlap as usize] += u64::from(*start < until);
            until = until.max(*end);
        }
    }

    /// Counts how often an event of one device comes between two of another that are close to each other.
    fn devices<T: RowKind>(&mut self, events: &[Row<T>]) {
        let device = |event: &Row<T>| self.facts.devices[event.fact() as usize];
        let mut devices = events.iter().filter_map(device);
        let Some(first) = devices.next() else { return };
        if devices.all(|device| device == first) {
            return;
        }
        let mut moments: Vec<(Timestamp, i64)> =
            events.iter().filter_map(|event| Some((event.time(), device(event)?))).collect();
        moments.sort_unstable();
        let mut last: HashMap<i64, Timestamp> = HashMap::new();
        let mut before = None;
        for (time, device) in moments {
            if let Some(seen) = last.insert(device, time) {
                let is_back = before != Some(device) && time.since(seen) <= self.examination.at_once;
                self.own[Case::Devices as usize] += u64::from(is_back);
            }
            before = Some(device);
        }
    }

    fn finish(mut self, users: &KeyColumn, texts: Option<&KeyColumn>) -> Exam {
        self.next_day(None);
        self.facts.add_to(&mut self.exam, self.examination.beside);
        if let Some(KeyColumn::Text(texts)) = texts {
            for (id, count) in &self.untimed {
                self.exam.shapes[Shape::of_text(texts.get(*id as usize)) as usize] += count;
            }
        }
        let name = |user: u32| key_text(users, user as usize);
        self.exam.cases = self.cases.into_iter().map(|tally| tally.named(name)).collect();
        self.exam
    }
}

/// Why a session has no length.
fn zero_length<T: RowKind>(events: &[Row<T>], bounds: Bounds, id: Option<Timestamp>, only_starts: bool) -> Case {
    let first = events.first().map_or(bounds.start, Row::time);
    // Without any length, a session may still begin in one millisecond and end in the next.
    let last = events.last().map_or(bounds.end, Row::time);
    let all_at = |id: Timestamp| [first, last].iter().all(|time| time.floor_millis() == id.floor_millis());
    if bounds.clock_skew || first < bounds.start {
        Case::ClockSkew
    } else if only_starts {
        Case::OnlyStart
    } else if events.len() == 1 {
        Case::SingleEvent
    } else if id.is_some_and(all_at) {
        Case::StartAsTime
    } else {
        Case::OneTime
    }
}

/// What becomes of the events of the user at hand.
struct OfUser<'x, 'a> {
    examiner: &'x mut Examiner<'a>,
    ids: &'x IdTimes,
}

impl<T: RowKind> Sink<T> for OfUser<'_, '_> {
    fn duplicate(&mut self, _: &Row<T>) {
        self.examiner.exam.duplicates += 1;
    }

    fn deduplicated(&mut self, events: &[Row<T>]) {
        if self.examiner.examination.known.types.any_inactive() {
            self.examiner.inactive_sessions(events, self.ids);
        }
    }

    fn inactive(&mut self, event: &Row<T>) {
        self.examiner.exam.inactive[event.event().rank() as usize] += 1;
    }

    fn counted(&mut self, events: &[Row<T>]) {
        if let Rule::Default(by_id) = self.examiner.examination.known.rule {
            self.examiner.shapes(events, self.ids, Shape::of_unit(by_id.unit));
        }
        self.examiner.devices(events);
    }

    fn out_of_session(&mut self, events: &[Row<T>], reason: OutOfSession) {
        self.examiner.tally(events, Some(reason));
    }

    fn session(&mut self, session: Session<'_, T>) {
        let id = match self.examiner.examination.known.rule {
            Rule::Default(_) => session.events[0].value().and_then(|id| self.ids.time_of(id)),
            Rule::Custom(_) => None,
        };
        self.examiner.tally(session.events, None);
        self.examiner.session(session, id);
    }
}

/// The sessions that there would be if no event were inactive.
struct OfInactive<'x, 'a>(&'x mut Examiner<'a>);

impl<T: RowKind> Sink<T> for OfInactive<'_, '_> {
    fn session(&mut self, session: Session<'_, T>) {
        let types = &self.0.examination.known.types;
        let all_are = session.events.iter().all(|event| types.is_inactive(event.event()));
        if all_are && session.standing == TableStanding::InTable {
            self.0.exam.inactive_sessions[session.events[0].event().rank() as usize] += 1;
            self.0.count(Case::Inactive);
        }
    }
}

/// A key as people write it.
fn key_text(keys: &KeyColumn, place: usize) -> String {
    match keys {
        KeyColumn::Int(numbers) => numbers[place].to_string(),
        KeyColumn::Text(texts) => String::from_utf8_lossy(texts.get(place)).into_owned(),
    }
}
