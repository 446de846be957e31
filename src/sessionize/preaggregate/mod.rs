//! Pre-aggregation: consecutive events of a user that the rule cannot part become one partial session as soon as they
//! are read.

pub mod dictionary_merger;
pub mod open;
pub mod partial_session;

use std::borrow::Cow;

use self::dictionary_merger::DictionaryMerger;
use self::open::{Ended, Open};
use self::partial_session::{after, OpenSession};
use super::layout::columns::{Coded, EventBatch, ValueColumn, Values};
use super::rule::{MergeBound, Rule};
use super::session_id::NumberTimes;
use super::time::calendar::{Calendar, Hour};
use super::time::{Span, TimeUnit, Timestamp};

/// Events that are joined as they come, by a rule that needs no more of events than their times, groups, and first and
/// last types.
#[derive(Debug)]
pub struct PreAggregator {
    rule: Rule,
    /// Which numbers are times, under a rule that is about session ids.
    number_times: NumberTimes,
    /// What bounds partial sessions that only a silence does: one of less than this may be around them.
    silence: Span,
    users: DictionaryMerger,
    texts: DictionaryMerger,
    /// Which of the texts are times.
    text_times: Vec<Option<Timestamp>>,
    facts: DictionaryMerger,
    open: Open,
    ended: Ended,
    /// How many partial sessions there are.
    partial_sessions: usize,
    /// How many events.
    rows: usize,
    has_events: bool,
    values: Option<ValueKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueKind {
    Int,
    Text,
}

/// What pre-aggregating some events has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Partial sessions take less room than the events.
    Less,
    /// They take more, up to now.
    More,
    /// Most events are by themselves, and will be.
    Hopeless,
}

/// An event that a partial session begins with.
#[derive(Clone, Copy, Debug)]
struct Event {
    time: Timestamp,
    value: Option<i64>,
    user: u32,
    fact: u32,
    event: u32,
}

impl PreAggregator {
    /// Nothing joined yet; about so many events will come, of which usually a fourth are partial sessions.
    pub fn new(rule: Rule, events: usize) -> Self {
        let unit = match rule {
            Rule::Default(by_id) => by_id.unit,
            Rule::Custom(_) => TimeUnit::default(),
        };
        PreAggregator {
            rule,
            number_times: NumberTimes::of(unit),
            silence: Span::default(),
            users: DictionaryMerger::default(),
            texts: DictionaryMerger::default(),
            text_times: Vec::new(),
            facts: DictionaryMerger::default(),
            open: Open::new(events),
            ended: Ended::with_room(events / 4),
            partial_sessions: 0,
            rows: 0,
            has_events: false,
            values: None,
        }
    }

    /// What it has come to. A partial session takes about as much room as two events.
    pub fn worth(&self) -> Reduction {
        /// Events after which it shows whether they join.
        const TRIAL: usize = 1 << 16;
        match (self.partial_sessions, self.rows) {
            (partial_sessions, rows) if partial_sessions * 2 <= rows => Reduction::Less,
            (partial_sessions, rows) if rows >= TRIAL && partial_sessions * 8 > rows * 7 => Reduction::Hopeless,
            _ => Reduction::More,
        }
    }

    /// Joins the events of another batch. The calendar has all their dates.
    pub fn add(&mut self, batch: &EventBatch, calendar: &Calendar) {
        self.take_users(&batch.users);
        self.has_events |= batch.events.is_some();
        self.ended.keeps_values |= batch.values.is_some();
        self.ended.keeps_facts |= batch.facts.is_some();
        match batch.facts.as_ref().map(|facts| self.take_facts(facts)) {
            None => self.add_with(batch, calendar, |_| 0),
            Some(facts) => self.add_with(batch, calendar, |row| facts[row]),
        }
    }

    fn add_with(&mut self, batch: &EventBatch, calendar: &Calendar, fact: impl Fn(usize) -> u32) {
        let values = batch.values.as_ref().map(|column| (&column.values, column.valid.as_deref()));
        match values {
            None => self.join(batch, calendar, fact, |_| Some(0)),
            Some((Values::Int(numbers), None)) => {
                self.values = Some(ValueKind::Int);
                self.join(batch, calendar, fact, |row| Some(numbers[row]));
            }
            Some((Values::Int(numbers), Some(valid))) => {
                self.values = Some(ValueKind::Int);
                self.join(batch, calendar, fact, |row| valid[row].then_some(numbers[row]));
            }
            Some((Values::Text(texts), valid)) => {
                self.values = Some(ValueKind::Text);
                let codes = self.take_texts(texts);
                let is_valid = |row: usize| valid.is_none_or(|valid| valid[row]);
                self.join(batch, calendar, fact, |row| is_valid(row).then_some(i64::from(codes[row])));
            }
        }
    }

    /// The codes of facts among all facts up to now.
    fn take_facts<'f>(&mut self, facts: &'f Coded) -> Cow<'f, [u32]> {
        if let Some(now) = self.facts.take(facts) {
            self.ended.settle();
            self.ended.facts.iter_mut().for_each(|fact| *fact = now[*fact as usize]);
            self.open
                .partial_sessions()
                .for_each(|partial_session| partial_session.fact = now[partial_session.fact as usize]);
        }
        self.facts.told(&facts.codes)
    }

    fn take_users(&mut self, users: &Coded) {
        let Some(now) = self.users.take(users) else { return self.open.make_room(self.users.len()) };
        self.ended.settle();
        self.ended.users.iter_mut().for_each(|user| *user = now[*user as usize]);
        let renamed =
            |partial_session: OpenSession| OpenSession { user: now[partial_session.user as usize], ..partial_session };
        let open = self.open.take();
        self.open.make_room(self.users.len());
        for partial_session in open.into_iter().flatten().filter(OpenSession::is_some).map(renamed) {
            // Of a user that was there twice, the partial session of either will do.
            if let Some(other) = self.open.replace(partial_session) {
                self.ended.push(other);
            }
        }
    }

    /// The codes of texts among all texts up to now.
    fn take_texts<'t>(&mut self, texts: &'t Coded) -> Cow<'t, [u32]> {
        if let Some(now) = self.texts.take(texts) {
            self.ended.settle();
            let ended = self.ended.values.iter_mut().zip(&self.ended.has_value).filter(|(_, has_value)| **has_value);
            let open = self
                .open
                .partial_sessions()
                .filter(|partial_session| partial_session.has_value)
                .map(|partial_session| &mut partial_session.value);
            ended.map(|(value, _)| value).chain(open).for_each(|value| *value = i64::from(now[*value as usize]));
            self.text_times.clear();
        }
        if let Rule::Default(by_id) = self.rule {
            self.texts.add_times(&mut self.text_times, by_id.unit);
        }
        self.texts.told(&texts.codes)
    }

    fn join(
        &mut self,
        batch: &EventBatch,
        calendar: &Calendar,
        fact: impl Fn(usize) -> u32,
        value: impl Fn(usize) -> Option<i64>,
    ) {
        let Some(first) = batch.times.first() else { return };
        let mut calendar = calendar.cursor();
        let mut hour = calendar.hour(*first);
        let users = self.users.told(&batch.users.codes);
        let events = batch.events.as_deref().map_or_else(|| Cow::Owned(vec![0; batch.len()]), Cow::Borrowed);
        let rows = batch.times.iter().zip(users.iter()).zip(events.iter());
        for (row, ((time, user), event)) in rows.enumerate() {
            let (time, user, event, value, fact) = (*time, *user, *event, value(row), fact(row));
            if time < hour.from || time >= hour.until {
                hour = calendar.hour(time);
            }
            let taken = self.open.of(user, value.is_some()).is_some_and(|partial_session| {
                let same = partial_session.value == value.unwrap_or(0) && partial_session.fact == fact;
                same && partial_session.takes(time, event, &hour, self.silence)
            });
            if !taken {
                self.begin(Event { time, value, user, fact, event }, &hour);
            }
        }
        self.rows += batch.len();
    }

    #[inline(never)]
    fn begin(&mut self, Event { time, value, user, fact, event }: Event, hour: &Hour) {
        let id = match (self.rule, self.values) {
            (Rule::Custom(_), _) => None,
            (Rule::Default(_), Some(ValueKind::Text)) => value.and_then(|code| self.text_times[code as usize]),
            (Rule::Default(_), _) => value.and_then(|id| self.number_times.time_of(id)),
        };
        let (from, until, by_silence) = match self.rule.merge_bound(id, time) {
            MergeBound::Within(from, until) => (from, until, false),
            MergeBound::Silence(silence) => {
                self.silence = silence;
                (after(time.minus(silence)), time.plus(silence), true)
            }
        };
        let partial_session = OpenSession {
            start: time,
            end: time,
            from: from.max(hour.stretch.0),
            until: until.min(hour.stretch.1),
            value: value.unwrap_or(0),
            user,
            fact,
            first_event: event,
            last_event: event,
            hours: hour.bit,
            count: 1,
            has_value: value.is_some(),
            by_silence,
        };
        self.partial_sessions += 1;
        if let Some(before) = self.open.replace(partial_session) {
            self.ended.push(before);
        }
    }

    /// The partial sessions.
    pub fn finish(mut self) -> EventBatch {
        self.open.take().iter().for_each(|partial_sessions| self.ended.take(partial_sessions));
        let Ended { users, starts, first_events, values, has_value, facts, rest, .. } = self.ended;
        let values = self.values.map(|kind| {
            let values = match kind {
                ValueKind::Int => Values::Int(values),
                ValueKind::Text => {
                    let codes = values.into_iter().map(|code| code as u32).collect();
                    Values::Text(Coded::sharing(self.texts.into_column(), codes))
                }
            };
            ValueColumn::new(values, has_value)
        });
        let facts = match self.facts {
            DictionaryMerger::None => None,
            known => Some(Coded::sharing(known.into_column(), facts)),
        };
        EventBatch {
            users: Coded::sharing(self.users.into_column(), users),
            times: starts,
            events: self.has_events.then_some(first_events),
            values,
            sequence: None,
            unique_ids: None,
            facts,
            watched: None,
            partial_sessions: Some(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::sessionize::event_types::{EventTypes, Role};
    use crate::sessionize::facts::{FactKind, FactLayout, FactWriter};
    use crate::sessionize::layout::columns::{KeyColumn, TextColumn};
    use crate::sessionize::layout::scatter::{scatter, Partitions};
    use crate::sessionize::partition::{sessionize, Partition};
    use crate::sessionize::rule::{CustomRule, SessionIdRule, Silence};
    use crate::sessionize::table_rows::added::{FactRules, Pick, SegmentRule};
    use crate::sessionize::table_rows::records::SessionRow;
    use crate::sessionize::time::calendar::Stretch;
    use crate::sessionize::time::dates::DateSet;
    use crate::sessionize::time::{Day, TimeUnit};
    use crate::sessionize::user::Rules;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000_000;
    /// A millisecond that is a session id and a time, a little after 2026-01-01.
    const FIRST_ID: i64 = 1_767_225_600_000;

    /// What a user did: who, when in half hours, what, in which group, and with which facts.
    type Told = (u32, i64, u32, Option<i64>, u32);

    fn events() -> impl Strategy<Value = Vec<Told>> {
        let value = prop::option::weighted(0.9, 0i64..4);
        let fact = prop_oneof![3 => Just(0u32), 2 => 1u32..5];
        prop::collection::vec((0u32..5, 0i64..120, 0u32..3, value, fact), 0..200)
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let silence = (prop::option::of(0i64..6), any::<bool>(), any::<bool>());
        let custom = silence.prop_map(|(limit, equal_cuts, at_midnight)| {
            let silence =
                Silence { limit: limit.map(|half_hours| Span::from_micros(half_hours * HOUR / 2)), equal_cuts };
            Rule::Custom(CustomRule {
                silence,
                needs_start: false,
                needs_end: false,
                starts_continue: false,
                at_midnight,
                remembers: None,
                property_only: silence.limit.is_none() && !at_midnight,
                latest: Timestamp::from_millis(FIRST_ID + 70 * 3_600_000),
            })
        });
        let units = prop::sample::select(TimeUnit::ALL.to_vec());
        let by_id = (prop::option::of(0i64..30), any::<bool>(), units).prop_map(|(gap, starts_at_id, unit)| {
            Rule::Default(SessionIdRule {
                max_gap: gap.map(|hours| Span::from_micros(hours * HOUR)),
                starts_at_id,
                unit,
            })
        });
        prop_oneof![custom, by_id]
    }

    fn texts(of: impl Iterator<Item = Vec<u8>>) -> KeyColumn {
        let mut texts = TextColumn::default();
        of.for_each(|text| texts.push(&text));
        KeyColumn::Text(texts)
    }

    fn layout() -> FactLayout {
        FactLayout { values: Vec::new(), marks: 0, by: vec![FactKind::Text], segments: 2 }
    }

    /// The facts of this code: of some, all; of others, one or two.
    fn facts(code: u32) -> Vec<u8> {
        let mut writer = FactWriter::default();
        writer.bits(0, 0);
        writer.text([Some(&b"blue"[..]), None, Some(b"red"), Some(b"blue"), Some(b"")][code as usize]);
        writer.bits([0b01, 0b11, 0b10, 0b11, 0b00][code as usize], 2);
        writer.bytes().to_vec()
    }

    /// Segments of all kinds.
    fn fact_rules() -> FactRules {
        let segment = |(pick, by): (Pick, &[usize])| SegmentRule { pick, by: by.to_vec(), performed: Vec::new() };
        let all =
            [(Pick::All, &[][..]), (Pick::In(0), &[]), (Pick::In(1), &[]), (Pick::All, &[0]), (Pick::In(1), &[0])];
        let segments = all.map(segment).to_vec();
        FactRules { layout: layout(), added: Vec::new(), names: Vec::new(), segments }
    }

    /// How the keys of a batch stand to those of the ones before.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Keys {
        /// They are the same.
        Same,
        /// They have another order.
        Own,
        /// They come after them.
        GoOn,
    }

    fn keys() -> impl Strategy<Value = [Keys; 3]> {
        let any_but_last = || prop_oneof![Just(Keys::Same), Just(Keys::Own)];
        prop_oneof![Just([Keys::GoOn; 3]), [any_but_last(), any_but_last(), any_but_last()]]
    }

    /// The keys that have come, in order: users, groups and facts.
    type Known = [Vec<Vec<u8>>; 3];

    fn coded(
        names: impl Iterator<Item = u32>,
        name: impl Fn(u32) -> Vec<u8>,
        keys: Keys,
        known: &mut Vec<Vec<u8>>,
    ) -> Coded {
        if keys != Keys::GoOn {
            let turned = |code: u32| if keys == Keys::Own { 4 - code } else { code };
            return Coded::new(texts((0..5).map(|code| name(turned(code)))), names.map(turned).collect());
        }
        let first = known.len();
        let code = |name: Vec<u8>| {
            let place = known.iter().position(|known| *known == name).unwrap_or(known.len());
            if place == known.len() {
                known.push(name);
            }
            place as u32
        };
        let codes = names.map(name).map(code).collect();
        Coded { keys: Arc::new(texts(known[first..].iter().cloned())), first: first as u32, codes }
    }

    fn batch(events: &[Told], (values, has_facts): (Option<bool>, bool), keys: Keys, known: &mut Known) -> EventBatch {
        batch_in(events, (values, has_facts), keys, known, TimeUnit::Millis)
    }

    /// As [`batch`], with ids in a unit.
    fn batch_in(
        events: &[Told],
        (values, has_facts): (Option<bool>, bool),
        keys: Keys,
        known: &mut Known,
        unit: TimeUnit,
    ) -> EventBatch {
        let time = |value: i64| Timestamp::from_millis(FIRST_ID + value * 20 * 3_600_000);
        let id = |value: i64| if value == 3 { 77 } else { unit.count(time(value)).expect("fits") };
        let [users, groups, all_facts] = known;
        let values = values.map(|is_text| {
            let values = match is_text {
                true => {
                    let codes = events.iter().map(|told| told.3.unwrap_or(0) as u32);
                    Values::Text(coded(codes, |code| id(i64::from(code)).to_string().into_bytes(), keys, groups))
                }
                false => Values::Int(events.iter().map(|told| told.3.map_or(-1, id)).collect()),
            };
            ValueColumn::new(values, events.iter().map(|told| told.3.is_some()).collect())
        });
        EventBatch {
            users: coded(events.iter().map(|told| told.0), |code| format!("user {code}").into_bytes(), keys, users),
            times: events.iter().map(|told| Timestamp::from_millis(FIRST_ID + told.1 * 1_800_000)).collect(),
            events: Some(events.iter().map(|told| told.2).collect()),
            values,
            sequence: None,
            unique_ids: None,
            facts: has_facts.then(|| coded(events.iter().map(|told| told.4), facts, keys, all_facts)),
            watched: None,
            partial_sessions: None,
        }
    }

    fn calendar() -> Calendar {
        let at = |hours: i64| Timestamp::from_millis(FIRST_ID + hours * 3_600_000);
        // The second date has 23 hours, and comes in two pieces.
        let stretch = |(start, day, day_start, day_end): (i64, i32, i64, i64)| Stretch {
            start: at(start),
            day: Day::from_epoch_days(20_000 + day),
            day_start: at(day_start),
            day_end: at(day_end),
        };
        let pieces = [(0, 0, 0, 24), (24, 1, 24, 47), (40, 2, 40, 90), (41, 1, 24, 47), (47, 2, 40, 90)];
        Calendar::new(pieces.map(stretch).to_vec()).expect("in order")
    }

    fn tables(batches: &[EventBatch], rules: &Rules<'_>) -> Option<Partition> {
        let block = scatter(batches, Partitions::for_rows(0, 1, 1));
        let mut bytes = Vec::new();
        block.write(0, &mut bytes);
        // Also by way of the disk.
        let block = crate::sessionize::layout::block::Block::read(&mut bytes.as_slice()).expect("whole");
        sessionize(&[(&block, 0)], rules, || ())
    }

    fn joined(batches: &[EventBatch], rule: Rule, calendar: &Calendar) -> EventBatch {
        let mut preaggregation = PreAggregator::new(rule, 0);
        batches.iter().for_each(|batch| preaggregation.add(batch, calendar));
        preaggregation.finish()
    }

    proptest! {
        #[test]
        fn tables_of_bursts_are_those_of_their_events(
            events in events(),
            rule in rule(),
            values in prop::option::of(any::<bool>()),
            keys in keys(),
            in_order in any::<bool>(),
            some_dates in any::<bool>(),
            has_facts in any::<bool>(),
        ) {
            let mut events = events;
            if in_order {
                events.sort_by_key(|told| told.1);
            }
            let types = EventTypes::new(&["b".to_string(), "a".to_string()], |_| (Role::Other, false));
            let calendar = calendar();
            let second = Day::from_epoch_days(20_001);
            let facts = fact_rules();
            let dates = if some_dates { DateSet::of([(second, second)]) } else { DateSet::all() };
            let rules = Rules {
                rule,
                types: &types,
                dedup_within: None,
                max_length: Some(Span::from_micros(40 * HOUR)),
                calendar: &calendar,
                dates: &dates,
                makes_activity: true,
                numbers: false,
            events: None,
                facts: has_facts.then_some(&facts),
                watched: None,
            };
            let values = values.or(matches!(rule, Rule::Default(_)).then_some(false));
            let parts = events.chunks(events.len().div_ceil(3).max(1)).zip(keys);
            let mut known = Known::default();
            let unit = if let Rule::Default(by_id) = rule { by_id.unit } else { TimeUnit::Millis };
            let batches = parts.map(|(part, keys)| batch_in(part, (values, has_facts), keys, &mut known, unit));
            let batches: Vec<EventBatch> = batches.collect();
            let partial_sessions = joined(&batches, rule, &calendar);
            prop_assert!(partial_sessions.len() <= events.len());
            let of_bursts = partial_sessions.partial_sessions.as_ref().expect("bursts");
            prop_assert_eq!(of_bursts.counts.iter().sum::<u32>() as usize, events.len());
            let (plain, joined) = (tables(&batches, &rules), tables(&[partial_sessions], &rules));
            let told = |made: &Partition| {
                // Events without a value have left texts behind that no session has.
                let text = |place: i64| match made.texts.as_deref() {
                    Some(KeyColumn::Text(texts)) => Some(texts.get(place as usize).to_vec()),
                    _ => None,
                };
                let session = |row: SessionRow| match text(row.value) {
                    Some(value) if row.id == row.value => (SessionRow { id: 0, value: 0, ..row }, value),
                    Some(value) => (SessionRow { value: 0, ..row }, value),
                    None => (row, Vec::new()),
                };
                let sessions: Vec<(SessionRow, Vec<u8>)> = made.sessions.iter().map(session).collect();
                (made.users.clone(), sessions, made.activity.iter().collect::<Vec<_>>(), made.counts, format!("{:?}", made.added))
            };
            let all = |made: &Option<Partition>| {
                made.iter().flat_map(|made| std::iter::once(made).chain(&made.segments)).map(told).collect::<Vec<_>>()
            };
            prop_assert_eq!(all(&joined), all(&plain));
        }
    }

    #[test]
    fn a_visit_is_one_burst_and_a_crowd_is_none() {
        let rule = Rule::Default(SessionIdRule { max_gap: None, starts_at_id: true, unit: TimeUnit::Millis });
        let visit: Vec<Told> = (0..40).map(|half_hour| (1, half_hour, 1, Some(0), 0)).collect();
        let visit = batch(&visit, (Some(false), false), Keys::Same, &mut Known::default());
        let partial_sessions = joined(&[visit], rule, &calendar()).partial_sessions.expect("bursts");
        assert_eq!(
            (partial_sessions.counts, partial_sessions.lengths, partial_sessions.hours),
            (vec![40], vec![39 * HOUR / 2], vec![(1 << 20) - 1])
        );
        let crowd = |events: i64| {
            (0..events).map(|event| ((event % 5) as u32, event % 7, (event % 3) as u32, Some(event % 4), 0))
        };
        let worth = |events| {
            let mut preaggregation = PreAggregator::new(rule, 0);
            let crowd: Vec<Told> = crowd(events).collect();
            let batch = batch(&crowd, (Some(false), false), Keys::Same, &mut Known::default());
            preaggregation.add(&batch, &calendar());
            preaggregation.worth()
        };
        assert_eq!((worth(1_000), worth(1 << 17)), (Reduction::More, Reduction::Hopeless));
    }

    #[test]
    fn a_burst_that_is_full_is_followed_by_another_one() {
        let rule = Rule::Default(SessionIdRule { max_gap: None, starts_at_id: true, unit: TimeUnit::Millis });
        let events: Vec<Told> = vec![(1, 0, 1, Some(0), 0); 70_000];
        let mut batch = batch(&events, (Some(false), false), Keys::Same, &mut Known::default());
        batch.times = (0..70_000).map(|at| Timestamp::from_millis(FIRST_ID + at)).collect();
        let partial_sessions = joined(&[batch], rule, &calendar()).partial_sessions.expect("bursts");
        assert_eq!(partial_sessions.counts, [65_535, 4_465]);
        assert_eq!(partial_sessions.lengths, [65_534_000, 4_464_000]);
    }
}
