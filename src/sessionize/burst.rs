//! Events that nothing can part, joined as soon as they are read: of most events only a sum has to be kept.
//!
//! A burst is some events of one user, in one group and on one date, that the rule leaves together whatever other events
//! there are. How the events of a session fall into bursts shows in no table: bursts of one session are joined
//! further by the rule itself, which looks at their first and last instants.

use std::borrow::Cow;
use std::sync::Arc;

use super::calendar::{Calendar, Cursor, Hour};
use super::columns::{Coded, EventBatch, KeyColumn, ValueColumn, Values};
use super::cut::{Reach, Rule};
use super::intern::Interner;
use super::time::{Span, Timestamp};
use super::visit::IdTimes;

/// What bursts are beside their first event, which is in the other columns of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bursts {
    /// Microseconds from the first event to the last.
    pub lengths: Vec<i64>,
    /// The code of the last event's type.
    pub last_events: Vec<u32>,
    /// How many events.
    pub counts: Vec<u32>,
    /// In which hours of their date, as bits; 0 for a single event, whose time says it.
    pub hours: Vec<u32>,
}

/// One burst while it is open.
#[derive(Clone, Copy, Debug)]
struct Burst {
    start: Timestamp,
    end: Timestamp,
    /// From when on other events may join it.
    from: Timestamp,
    /// Before when they may.
    until: Timestamp,
    /// A silence of less than this may be around it, where that is what bounds it.
    silence: Option<Span>,
    value: i64,
    has_value: bool,
    user: u32,
    first_event: u32,
    last_event: u32,
    count: u32,
    hours: u32,
}

/// An event that a burst begins with.
#[derive(Clone, Copy, Debug)]
struct Event {
    time: Timestamp,
    value: Option<i64>,
    user: u32,
    event: u32,
}

impl Burst {
    /// None that anything may join.
    const NONE: Burst = Burst {
        start: Timestamp::MIN,
        end: Timestamp::MIN,
        from: Timestamp::MAX,
        until: Timestamp::MIN,
        silence: None,
        value: 0,
        has_value: false,
        user: 0,
        first_event: 0,
        last_event: 0,
        count: 0,
        hours: 0,
    };

    /// Takes an event of its user and group that does not come after it, if it may.
    #[inline(never)]
    fn takes(&mut self, time: Timestamp, event: u32, hour: &Hour) -> bool {
        if time < self.from || time >= self.until || time > self.end {
            return false;
        }
        if time < self.start {
            (self.start, self.first_event) = (time, event);
            if let Some(silence) = self.silence {
                self.from = after(time.minus(silence)).max(hour.stretch.0);
            }
        } else if time == self.end && event != self.last_event || time == self.start && event != self.first_event {
            // Which of two types comes first is known when all types are.
            return false;
        }
        self.count += 1;
        self.hours |= 1 << hour.number;
        true
    }
}

/// The events of batches as one batch of bursts, by a rule that needs no more of events than their times, groups, and
/// first and last types. The calendar has all their dates. `None` where that is of no use: most events
/// are by themselves.
pub fn joined(batches: &[EventBatch], rule: &Rule, calendar: &Calendar) -> Option<EventBatch> {
    let users = Unified::of(batches.iter().map(|batch| &batch.users));
    let mut joining = Joining {
        rule,
        calendar: calendar.cursor(),
        open: vec![0; users.keys.len()],
        bursts: vec![Burst::NONE],
        rows: 0,
    };
    let of_values: Vec<&ValueColumn> = batches.iter().filter_map(|batch| batch.values.as_ref()).collect();
    let texts = Unified::of(of_values.iter().filter_map(|column| match &column.values {
        Values::Int(_) => None,
        Values::Text(texts) => Some(texts),
    }));
    let is_text = of_values.iter().any(|column| matches!(column.values, Values::Text(_)));
    let ids = IdTimes::new(is_text.then_some(texts.keys.as_ref()));
    for (place, (batch, users)) in batches.iter().zip(&users.codes).enumerate() {
        let gone_on = match batch.values.as_ref().map(|column| (&column.values, column.valid.as_deref())) {
            None => joining.add(batch, users, &ids, |_| Some(0)),
            Some((Values::Int(numbers), None)) => joining.add(batch, users, &ids, |row| Some(numbers[row])),
            Some((Values::Int(numbers), Some(valid))) => {
                joining.add(batch, users, &ids, |row| valid[row].then_some(numbers[row]))
            }
            Some((Values::Text(_), valid)) => {
                let codes = &texts.codes[place];
                let is_valid = |row: usize| valid.is_none_or(|valid| valid[row]);
                joining.add(batch, users, &ids, |row| is_valid(row).then_some(i64::from(codes[row])))
            }
        };
        if !gone_on {
            return None;
        }
    }
    let bursts = &joining.bursts[1..];
    let of = |number: fn(&Burst) -> u32| bursts.iter().map(number).collect::<Vec<u32>>();
    let values = (!of_values.is_empty()).then(|| {
        let values = match is_text {
            false => Values::Int(bursts.iter().map(|burst| burst.value).collect()),
            true => Values::Text(Coded {
                keys: texts.keys,
                // Those without a value have any.
                codes: of(|burst| burst.value as u32),
            }),
        };
        ValueColumn::new(values, bursts.iter().map(|burst| burst.has_value).collect())
    });
    let has_events = batches.iter().any(|batch| batch.events.is_some());
    Some(EventBatch {
        users: Coded { keys: users.keys, codes: of(|burst| burst.user) },
        times: bursts.iter().map(|burst| burst.start).collect(),
        events: has_events.then(|| of(|burst| burst.first_event)),
        values,
        sequence: None,
        unique_ids: None,
        facts: None,
        bursts: Some(Bursts {
            lengths: bursts.iter().map(|burst| burst.end.since(burst.start).micros()).collect(),
            last_events: of(|burst| burst.last_event),
            counts: of(|burst| burst.count),
            hours: of(|burst| if burst.count == 1 { 0 } else { burst.hours }),
        }),
    })
}

/// Events after which it shows whether they join.
const TRIAL: usize = 1 << 15;
/// A burst takes about as much room as so many events.
const WORTH: usize = 2;

struct Joining<'a> {
    rule: &'a Rule,
    calendar: Cursor<'a>,
    /// The burst that each user's next event may join; the first of all is none.
    open: Vec<u32>,
    bursts: Vec<Burst>,
    rows: usize,
}

impl Joining<'_> {
    /// Adds the events of a batch; `false` where that is of no use.
    fn add(&mut self, batch: &EventBatch, users: &[u32], ids: &IdTimes, value: impl Fn(usize) -> Option<i64>) -> bool {
        let Some(first) = batch.times.first() else { return true };
        let mut hour = self.calendar.hour(*first);
        for (row, (time, user)) in batch.times.iter().zip(users).enumerate() {
            let (time, value) = (*time, value(row));
            if time < hour.from || time >= hour.until {
                hour = self.calendar.hour(time);
            }
            let event = batch.events.as_ref().map_or(0, |events| events[row]);
            let burst = &mut self.bursts[self.open[*user as usize] as usize];
            let same = burst.value == value.unwrap_or(0) && burst.has_value == value.is_some();
            if same && burst.end < time && time < burst.until {
                // As nearly all do: it goes on with what its user did last.
                (burst.end, burst.last_event) = (time, event);
                burst.count += 1;
                burst.hours |= 1 << hour.number;
                if let Some(silence) = burst.silence {
                    burst.until = time.plus(silence).min(hour.stretch.1);
                }
            } else if !(same && burst.takes(time, event, &hour)) {
                self.open[*user as usize] = self.bursts.len() as u32;
                self.begin(Event { time, value, user: *user, event }, ids, &hour);
                if self.rows + row >= TRIAL && self.bursts.len() * WORTH > self.rows + row {
                    return false;
                }
            }
        }
        self.rows += batch.len();
        true
    }

    #[inline(never)]
    fn begin(&mut self, Event { time, value, user, event }: Event, ids: &IdTimes, hour: &Hour) {
        let id = match self.rule {
            Rule::Default(_) => value.and_then(|id| ids.time_of(id)),
            Rule::Custom(_) => None,
        };
        let (from, until, silence) = match self.rule.reach(id, time) {
            Reach::Within(from, until) => (from, until, None),
            Reach::Silence(silence) => (after(time.minus(silence)), time.plus(silence), Some(silence)),
        };
        self.bursts.push(Burst {
            start: time,
            end: time,
            from: from.max(hour.stretch.0),
            until: until.min(hour.stretch.1),
            silence,
            value: value.unwrap_or(0),
            has_value: value.is_some(),
            user,
            first_event: event,
            last_event: event,
            count: 1,
            hours: 1 << hour.number,
        });
    }
}

/// Keys of several batches in one column, each of them once, and each batch's codes in it.
struct Unified<'a> {
    keys: Arc<KeyColumn>,
    codes: Vec<Cow<'a, [u32]>>,
}

impl<'a> Unified<'a> {
    fn of(batches: impl Iterator<Item = &'a Coded>) -> Self {
        let batches: Vec<&Coded> = batches.collect();
        let Some(first) = batches.first() else {
            return Unified { keys: Arc::new(KeyColumn::Int(Vec::new())), codes: Vec::new() };
        };
        if batches.iter().all(|batch| Arc::ptr_eq(&batch.keys, &first.keys)) {
            let codes = batches.iter().map(|batch| Cow::Borrowed(batch.codes.as_slice())).collect();
            return Unified { keys: Arc::clone(&first.keys), codes };
        }
        let mut interner = Interner::like(&first.keys);
        let mut before: Option<(&Arc<KeyColumn>, Vec<u32>)> = None;
        let mut codes = Vec::with_capacity(batches.len());
        for batch in &batches {
            let known = before.take().filter(|(keys, _)| Arc::ptr_eq(keys, &batch.keys));
            let (_, of_keys) = known.unwrap_or_else(|| {
                let codes = (0..batch.keys.len()).map(|key| interner.intern(&batch.keys, key)).collect();
                (&batch.keys, codes)
            });
            codes.push(Cow::Owned(batch.codes.iter().map(|code| of_keys[*code as usize]).collect()));
            before = Some((&batch.keys, of_keys));
        }
        Unified { keys: Arc::new(interner.into_keys()), codes }
    }
}

/// The first instant after one.
fn after(time: Timestamp) -> Timestamp {
    time.plus(Span::from_micros(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::aggregate::Rules;
    use crate::sessionize::calendar::Stretch;
    use crate::sessionize::columns::TextColumn;
    use crate::sessionize::cut::{ById, Cutting, Silence};
    use crate::sessionize::dates::DateSet;
    use crate::sessionize::event_types::{EventTypes, Role};
    use crate::sessionize::partition::{sessionize, Partition};
    use crate::sessionize::scatter::{scatter, Partitions};
    use crate::sessionize::time::Day;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000_000;
    /// A millisecond that is a session id and a time, a little after 2026-01-01.
    const FIRST_ID: i64 = 1_767_225_600_000;

    /// What a user did: who, when in half hours, what, and in which group.
    type Told = (u32, i64, u32, Option<i64>);

    fn events() -> impl Strategy<Value = Vec<Told>> {
        let value = prop::option::weighted(0.9, 0i64..4);
        prop::collection::vec((0u32..5, 0i64..120, 0u32..3, value), 0..200)
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let silence = (prop::option::of(0i64..6), any::<bool>());
        let custom = silence.prop_map(|(limit, equal_cuts)| {
            let silence =
                Silence { limit: limit.map(|half_hours| Span::from_micros(half_hours * HOUR / 2)), equal_cuts };
            Rule::Custom(Cutting {
                silence,
                needs_start: false,
                needs_end: false,
                starts_continue: false,
                property_only: silence.limit.is_none(),
                latest: Timestamp::from_millis(FIRST_ID + 70 * 3_600_000),
            })
        });
        let by_id = (prop::option::of(0i64..30), any::<bool>()).prop_map(|(gap, starts_at_id)| {
            Rule::Default(ById { max_gap: gap.map(|hours| Span::from_micros(hours * HOUR)), starts_at_id })
        });
        prop_oneof![custom, by_id]
    }

    fn texts(of: impl Iterator<Item = String>) -> KeyColumn {
        let mut texts = TextColumn::default();
        of.for_each(|text| texts.push(text.as_bytes()));
        KeyColumn::Text(texts)
    }

    /// A batch with keys of its own, or those of the first one.
    fn batch(events: &[Told], values: Option<bool>, own_keys: bool) -> EventBatch {
        let turned = |code: u32| if own_keys { 4 - code } else { code };
        let id = |value: i64| if value == 3 { 77 } else { FIRST_ID + value * 20 * 3_600_000 };
        let coded = |code: &dyn Fn(&Told) -> u32, name: &dyn Fn(u32) -> String| {
            Coded::new(
                texts((0..5).map(|code| name(turned(code)))),
                events.iter().map(|told| turned(code(told))).collect(),
            )
        };
        let values = values.map(|is_text| {
            let values = match is_text {
                true => {
                    Values::Text(coded(&|told| told.3.unwrap_or(0) as u32, &|code| id(i64::from(code)).to_string()))
                }
                false => Values::Int(events.iter().map(|told| told.3.map_or(-1, id)).collect()),
            };
            ValueColumn::new(values, events.iter().map(|told| told.3.is_some()).collect())
        });
        EventBatch {
            users: coded(&|told| told.0, &|code| format!("user {code}")),
            times: events.iter().map(|told| Timestamp::from_millis(FIRST_ID + told.1 * 1_800_000)).collect(),
            events: Some(events.iter().map(|told| told.2).collect()),
            values,
            sequence: None,
            unique_ids: None,
            facts: None,
            bursts: None,
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
        let block = crate::sessionize::block::Block::read(&mut bytes.as_slice()).expect("whole");
        sessionize(&[(&block, 0)], rules, || ())
    }

    proptest! {
        #[test]
        fn tables_of_bursts_are_those_of_their_events(
            events in events(),
            rule in rule(),
            values in prop::option::of(any::<bool>()),
            own_keys in any::<bool>(),
            in_order in any::<bool>(),
            some_dates in any::<bool>(),
        ) {
            let mut events = events;
            if in_order {
                events.sort_by_key(|told| told.1);
            }
            let types = EventTypes::new(&["b".to_string(), "a".to_string()], |_| (Role::Other, false));
            let calendar = calendar();
            let second = Day::from_epoch_days(20_001);
            let dates = if some_dates { DateSet::of([(second, second)]) } else { DateSet::all() };
            let rules = Rules {
                rule,
                types: &types,
                dedup_within: None,
                max_length: Some(Span::from_micros(40 * HOUR)),
                calendar: &calendar,
                dates: &dates,
                makes_activity: true,
                facts: None,
            };
            let values = values.or(matches!(rule, Rule::Default(_)).then_some(false));
            let (first, second) = events.split_at(events.len() / 2);
            let batches = [batch(first, values, false), batch(second, values, own_keys)];
            let bursts = joined(&batches, &rule, &calendar).expect("few events are always joined");
            prop_assert!(bursts.len() <= events.len());
            let of_bursts = bursts.bursts.as_ref().expect("bursts");
            prop_assert_eq!(of_bursts.counts.iter().sum::<u32>() as usize, events.len());
            let (plain, joined) = (tables(&batches, &rules), tables(&[bursts], &rules));
            let told = |made: &Option<Partition>| made.as_ref().map(|made| {
                (made.users.clone(), made.texts.clone(), made.sessions.clone(), made.activity.clone(), made.counts)
            });
            prop_assert_eq!(told(&joined), told(&plain));
        }
    }

    #[test]
    fn a_visit_is_one_burst_and_a_crowd_is_none() {
        let rule = Rule::Default(ById { max_gap: None, starts_at_id: true });
        let visit: Vec<Told> = (0..40).map(|half_hour| (1, half_hour, 1, Some(0))).collect();
        let bursts = joined(&[batch(&visit, Some(false), false)], &rule, &calendar()).expect("joined");
        let bursts = bursts.bursts.expect("bursts");
        assert_eq!((bursts.counts, bursts.lengths, bursts.hours), (vec![40], vec![39 * HOUR / 2], vec![(1 << 20) - 1]));
        let crowd: Vec<Told> =
            (0..40_000).map(|event| (event % 5, i64::from(event % 7), event % 3, Some(i64::from(event % 4)))).collect();
        assert!(joined(&[batch(&crowd, Some(false), false)], &rule, &calendar()).is_none());
    }
}
