//! Random tables under random definitions: the program against the reference, row for row, and against itself
//! over the same events in other files, orders and numbers of threads.
//!
//! `DWELL_CASES` sets the number of cases, `DWELL_SEED` repeats a failure.

use crate::reference::{
    self, AtMidnight, Calendar, Cell, Counts, Definition, Event, GapEqual, IdUnit, LengthFrom, Limit, Outcome,
    RepeatedStart, Timeouts, Unclosed, Value, DAY, HOUR, KEEP, MILLI, MINUTE, PLATFORM, SECOND, SESSION_ID, YEAR_2000,
    YEAR_2100,
};
use crate::support::{
    job_toml, outcome_difference, table_hashes, uncounted_rows, ColumnType, Layout, Sandbox, TimeType, Unit, PROPERTY,
};
use jiff::civil::Date;
use jiff::ToSpan;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

/// Instants with something near them: a new year, and clocks that go forward and back in each zone (in Sao
/// Paulo at midnight, in Lord Howe by half an hour).
const ANCHORS: [&str; 7] = [
    "2026-01-01T00:00:00Z",
    "2026-03-29T01:00:00Z",
    "2025-10-26T01:00:00Z",
    "2018-11-04T03:00:00Z",
    "2018-02-18T02:00:00Z",
    "2026-04-04T15:00:00Z",
    "2025-10-04T15:30:00Z",
];

const ZONES: [Option<&str>; 5] =
    [None, Some("UTC"), Some("Europe/Paris"), Some("America/Sao_Paulo"), Some("Australia/Lord_Howe")];

/// Event types; the first few are what definitions speak of.
const TYPES: [Option<&str>; 11] = [
    Some("view"),
    Some("open"),
    Some("close"),
    Some("push"),
    Some("resume"),
    Some("quit"),
    None,
    Some(""),
    Some("hidden"),
    Some("Zoom"),
    Some("état"),
];

/// What timeouts differ by.
const PLATFORMS: [Option<&str>; 7] =
    [None, Some(""), Some("ios"), Some("web"), Some("web"), Some("android"), Some("watch")];

/// One run to compare: a job and a table in files.
#[derive(Clone, Debug)]
pub struct Case {
    pub definition: Definition,
    pub layout: Layout,
    pub events: Vec<Event>,
    pub arrangements: Vec<Arrangement>,
}

/// The order and the files that events come in.
#[derive(Clone, Debug)]
pub struct Arrangement {
    files: usize,
    hive: bool,
    rows_per_group: usize,
    shuffle: u64,
}

impl Arrangement {
    /// Writes the events of a case, shuffled and dealt to the files.
    fn write(&self, case: &Case, sandbox: &Sandbox) {
        let mut random = self.shuffle;
        let mut next = |below: usize| {
            // A linear congruential generator is random enough to shuffle a few rows.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let mut events = case.events.clone();
        for place in (1..events.len()).rev() {
            events.swap(place, next(place + 1));
        }
        let mut files = vec![Vec::new(); self.files];
        for event in events {
            files[next(self.files)].push(event);
        }
        let layout = Layout { rows_per_group: self.rows_per_group, ..case.layout.clone() };
        for (number, events) in files.iter().enumerate() {
            sandbox.events(&self.file_name(number), &layout, events);
        }
    }

    fn file_name(&self, number: usize) -> String {
        let date = match number {
            0 => "2026-01-01",
            1 => "__HIVE_DEFAULT_PARTITION__",
            _ => "2026-01-02",
        };
        if self.hive {
            format!("event_date={date}/part-{number}.parquet")
        } else {
            format!("part-{number}.parquet")
        }
    }
}

fn arrangement() -> impl Strategy<Value = Arrangement> {
    (1..=4usize, any::<bool>(), 1..=20usize, any::<u64>())
        .prop_map(|(files, hive, rows_per_group, shuffle)| Arrangement { files, hive, rows_per_group, shuffle })
}

// ---- Definitions -------------------------------------------------------------------------------------------

/// A definition before the options that would have no effect are taken out of it.
pub fn definition(custom: bool) -> impl Strategy<Value = (Definition, i64)> {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let limit = |durations: Vec<i64>| {
        prop_oneof![
            4 => Just(None),
            1 => Just(Some(Limit::Never)),
            4 => select(durations).prop_map(|duration| Some(Limit::Of(duration))),
        ]
    };
    let rows = (
        option::weighted(0.2, 0..2i64),
        option::weighted(0.1, (0..120i64).prop_map(|minutes| -minutes * MINUTE)),
        option::weighted(0.1, (60..2000i64).prop_map(|minutes| minutes * MINUTE)),
        any::<bool>(),
        option::weighted(0.3, option::of(select(vec![MINUTE, 30 * MINUTE, DAY]))),
        select(vec![names(&[]), names(&["push"]), names(&["push", "hidden"])]),
    );
    let shape = (
        option::weighted(0.35, select(vec![PROPERTY, SESSION_ID])),
        select(vec![names(&[]), names(&[]), names(&["open"]), names(&["open", "resume"])]),
        select(vec![names(&[]), names(&[]), names(&["close"]), names(&["close", "quit"])]),
        option::weighted(0.5, select(TIMEOUTS.to_vec())),
        option::weighted(
            0.4,
            prop::collection::vec((select(vec!["ios", "web", "watch"]), select(TIMEOUTS.to_vec())), 1..3),
        ),
        select(vec![
            names(&[]),
            names(&[]),
            names(&[]),
            names(&[PLATFORM]),
            names(&[KEEP]),
            names(&[PLATFORM, PROPERTY]),
            names(&[PROPERTY, KEEP, PLATFORM]),
        ]),
    );
    let options = (
        limit(vec![20 * MINUTE, HOUR, DAY, 2 * DAY, 7 * DAY]),
        option::of(select(vec![GapEqual::Split, GapEqual::Join, GapEqual::Join])),
        option::of(select(vec![Unclosed::Keep, Unclosed::Drop, Unclosed::Drop])),
        option::of(select(vec![RepeatedStart::Split, RepeatedStart::Continue, RepeatedStart::Continue])),
        limit(vec![MINUTE, HOUR, DAY, 2 * DAY]),
        option::of(select(vec![LengthFrom::SessionId, LengthFrom::FirstEvent, LengthFrom::FirstEvent])),
        option::weighted(0.6, select(vec![IdUnit::Seconds, IdUnit::Millis, IdUnit::Micros, IdUnit::Nanos])),
        option::weighted(0.4, select(vec![AtMidnight::Split, AtMidnight::Split, AtMidnight::Join])),
    );
    let output = (
        select(ZONES.to_vec()),
        select(ANCHORS.to_vec()),
        option::weighted(0.2, -1..=1i64),
        option::weighted(0.2, 1..=3i64),
        option::weighted(0.1, (-1..=1i64, 1..=2i64)),
    );
    // On the heap: what is made of several of these is large for the stack of a test.
    let (rows, shape, options) = (rows.boxed(), shape.boxed(), options.boxed());
    (rows, shape, options, output).prop_map(move |(rows, shape, options, output)| {
        let (keep_above, min_time, max_time, sequence, dedup, inactive) = rows;
        let (property, start_event, end_event, timeout, listed, mut new_on_change) = shape;
        new_on_change.retain(|column| Some(column.as_str()) != property);
        let (max_gap, gap_equal, unclosed, repeated_start, max_length, length_from, id_unit, at_midnight) = options;
        let (timezone, anchor, since, until, window) = output;
        let anchor = anchor.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let today = Calendar::new(timezone).date(anchor);
        let day = |days: i64| -> Date { today.checked_add(days.days()).unwrap() };
        let all = Definition {
            keep_above,
            min_time: min_time.map(|offset| anchor + offset),
            max_time: max_time.map(|offset| anchor + offset),
            sequence,
            dedup: dedup.is_some(),
            dedup_within: dedup.flatten(),
            inactive,
            property: property.map(str::to_owned),
            start_event,
            end_event,
            timeout,
            timeouts: listed.map(|listed| Timeouts { listed: by_value(listed), default: MINUTE }),
            max_gap,
            gap_equal,
            unclosed,
            repeated_start,
            max_length,
            length_from,
            id_unit,
            at_midnight,
            new_on_change,
            timezone: timezone.map(str::to_owned),
            since: since.map(day),
            until: until.map(day),
            from: window.map(|(from, _)| day(from)),
            to: window.map(|(_, to)| day(to)),
        };
        (if custom { only_custom(all) } else { only_default(all) }, anchor)
    })
}

/// What timeouts there are.
const TIMEOUTS: [i64; 5] = [MILLI, MINUTE, 30 * MINUTE, 90 * MINUTE, 26 * HOUR];

/// Each value with one timeout.
fn by_value(listed: Vec<(&str, i64)>) -> Vec<(String, i64)> {
    let by_value: BTreeMap<String, i64> = listed.into_iter().map(|(value, span)| (value.to_owned(), span)).collect();
    by_value.into_iter().collect()
}

/// Section 3: what cannot have an effect under the default definition is an error.
fn only_default(all: Definition) -> Definition {
    Definition {
        property: None,
        start_event: Vec::new(),
        end_event: Vec::new(),
        timeout: None,
        timeouts: None,
        gap_equal: None,
        unclosed: None,
        repeated_start: None,
        at_midnight: all.at_midnight.filter(|at| *at == AtMidnight::Join),
        new_on_change: Vec::new(),
        id_unit: all.id_unit.filter(|_| all.length_from != Some(LengthFrom::FirstEvent)),
        ..all
    }
}

/// Section 3: what cannot have an effect under this custom definition is an error.
fn only_custom(all: Definition) -> Definition {
    let is_default = Definition { timeouts: None, ..all.clone() }.is_default();
    let timeout = if is_default { Some(30 * MINUTE) } else { all.timeout };
    let max_gap = if timeout.is_some() { None } else { all.max_gap };
    let silence_cuts = timeout.is_some() || max_gap != Some(Limit::Never);
    // Of the timeouts by a column, the one that the definition would have is that of all other values.
    let timeouts = all.timeouts.zip(timeout).map(|(timeouts, default)| Timeouts { default, ..timeouts });
    Definition {
        timeout: timeout.filter(|_| timeouts.is_none()),
        timeouts,
        max_gap,
        gap_equal: all.gap_equal.filter(|_| silence_cuts),
        unclosed: all.unclosed.filter(|_| !all.end_event.is_empty()),
        repeated_start: all.repeated_start.filter(|_| !all.start_event.is_empty()),
        length_from: None,
        id_unit: None,
        ..all
    }
}

// ---- Events ------------------------------------------------------------------------------------------------

/// How far a user's next event is from the last.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// At the same time.
    Tie,
    Seconds(i64),
    Hours(i64),
    /// A bound of the definition after the last event, or one step of the clock beside it.
    Bound(Bound, i64),
    /// As far from where the user last paused as makes a session as long as the bound.
    Length(Bound, i64),
    /// The first instant of the next local date, or one step of the clock beside it.
    Midnight(i64),
    /// Back where the user last paused.
    Again,
}

/// What the definition measures time with.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Gap,
    /// The timeout of a value that has one of its own.
    ListedGap,
    DedupWithin,
    MaxLength,
    Day,
    /// A bound of the default bins.
    Bin(usize),
}

impl Bound {
    fn duration(self, definition: &Definition) -> i64 {
        let limit = |limit: Option<Limit>, default: i64| match limit {
            Some(Limit::Of(duration)) => duration,
            _ => default,
        };
        match self {
            Bound::Gap => {
                let by_column = definition.timeouts.as_ref().map(|timeouts| timeouts.default);
                by_column.or(definition.timeout).unwrap_or(limit(definition.max_gap, 7 * DAY))
            }
            Bound::ListedGap => {
                let listed = definition.timeouts.as_ref().map(|timeouts| timeouts.listed[0].1);
                listed.unwrap_or(Bound::Gap.duration(definition))
            }
            Bound::DedupWithin => definition.dedup_within.unwrap_or(7 * DAY),
            Bound::MaxLength => limit(definition.max_length, DAY),
            Bound::Day => DAY,
            Bound::Bin(place) => reference::DEFAULT_BINS[place] * SECOND,
        }
    }
}

/// The session id of an event.
#[derive(Clone, Copy, Debug)]
enum Id {
    /// What the user's last event had.
    Same,
    /// The event's time, this much later, give or take a step of the unit.
    Now(i64, i64),
    /// One that an event a day before is just not stale of, give or take a step of the unit.
    DayAfter(i64),
    /// One that an event `max_gap` later is just stale of, give or take a step of the unit.
    GapBefore(i64),
    DaysEarlier(i64),
    /// A time that all users share.
    Shared,
    /// The first instant of a year at which ids begin or end to be times, give or take a step of the unit.
    Edge(i64, i64),
    Number(i64),
    Word(&'static str),
    /// No whole number.
    Fraction(f64),
    Null,
}

/// What is wrong with an event's time.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Null,
    At(i64),
}

#[derive(Clone, Debug)]
pub struct Seed {
    person: usize,
    /// How the person is written in the user columns.
    spelling: usize,
    step: Step,
    /// The last event once more, but for its session id and property.
    resent: bool,
    fault: Fault,
    event: usize,
    id: Id,
    property: usize,
    sequence: Option<i64>,
    dedup: Option<usize>,
    keep: Option<i64>,
    platform: Option<&'static str>,
}

pub fn seed() -> impl Strategy<Value = Seed> {
    let bound = prop_oneof![
        3 => Just(Bound::Gap),
        2 => Just(Bound::ListedGap),
        1 => Just(Bound::DedupWithin),
        1 => Just(Bound::MaxLength),
        1 => Just(Bound::Day),
        1 => (1..reference::DEFAULT_BINS.len()).prop_map(Bound::Bin),
    ];
    let step = prop_oneof![
        3 => Just(Step::Tie),
        12 => (1..600i64).prop_map(Step::Seconds),
        1 => (1..30i64).prop_map(Step::Hours),
        5 => (bound.clone(), -1..=1i64).prop_map(|(bound, beside)| Step::Bound(bound, beside)),
        2 => (bound, -1..=1i64).prop_map(|(bound, beside)| Step::Length(bound, beside)),
        1 => (-1..=1i64).prop_map(Step::Midnight),
        1 => Just(Step::Again),
    ];
    let id = prop_oneof![
        26 => Just(Id::Same),
        4 => select(vec![(0, 0), (0, 0), (0, 1), (0, -1), (-5 * SECOND, 0), (HOUR, 0)]).prop_map(|(later, beside)| Id::Now(later, beside)),
        1 => (-1..=1i64).prop_map(Id::DayAfter),
        1 => (-1..=1i64).prop_map(Id::GapBefore),
        1 => (1..9i64).prop_map(Id::DaysEarlier),
        2 => Just(Id::Shared),
        1 => select(vec![Id::Number(7), Id::Number(-1), Id::Number(0), Id::Number(-2), Id::Edge(YEAR_2000, -1), Id::Edge(YEAR_2100, 0)]),
        2 => select(vec!["", "none", "-1", "abc", "None", " ", "007", "1e12"]).prop_map(Id::Word),
        1 => select(vec![1.5, f64::NAN]).prop_map(Id::Fraction),
        1 => Just(Id::Null),
    ];
    let out_of_range = vec![-1, YEAR_2000 - 1, YEAR_2100];
    let fault = prop_oneof![
        20 => Just(Fault::None),
        1 => Just(Fault::Null),
        1 => select(out_of_range).prop_map(Fault::At),
    ];
    // Low numbers are common: most events are of the types definitions speak of.
    let event = (0..TYPES.len(), 0..TYPES.len()).prop_map(|(a, b)| a.min(b));
    (
        (select(vec![0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3]), 0..4usize, step, fault, event),
        (id, 0..6usize, option::of(0..3i64), option::of(0..3usize)),
        option::weighted(0.9, select(vec![0, 1, 1, 2, 2, 2])),
        (select(PLATFORMS.to_vec()), prop::bool::weighted(0.1)),
    )
        .prop_map(
            |((person, spelling, step, fault, event), (id, property, sequence, dedup), keep, (platform, resent))| {
                Seed { person, spelling, step, resent, fault, event, id, property, sequence, dedup, keep, platform }
            },
        )
}

pub fn layout() -> impl Strategy<Value = Layout> {
    use ColumnType::{Float, Int, Text};
    let users = vec![vec![Text], vec![Text], vec![Int], vec![Text, Text], vec![Int, Text], vec![Text, Int]];
    let times = vec![
        TimeType::Timestamp(Unit::Micros, true),
        TimeType::Timestamp(Unit::Micros, false),
        TimeType::Timestamp(Unit::Nanos, true),
        TimeType::Timestamp(Unit::Millis, false),
        TimeType::Iso,
        TimeType::Int(Unit::Micros),
        TimeType::Int(Unit::Nanos),
        TimeType::Int(Unit::Millis),
        TimeType::Int(Unit::Seconds),
    ];
    (
        select(users),
        select(times),
        any::<bool>(),
        select(vec![Int, Int, Float, Text, Text]),
        select(vec![Text, Text, Int]),
    )
        .prop_map(|(users, time, event_is_dictionary, session_id, property)| Layout {
            users,
            time,
            event_is_dictionary,
            session_id,
            property,
            ..Layout::default()
        })
}

pub fn case(custom: bool, arrangements: usize) -> impl Strategy<Value = Case> {
    (
        definition(custom),
        layout(),
        prop::collection::vec(seed(), 0..60),
        prop::collection::vec(arrangement(), arrangements),
    )
        .prop_map(|((definition, anchor), layout, seeds, arrangements)| {
            let events = events(&definition, &layout, anchor, &seeds);
            Case { definition, layout, events, arrangements }
        })
}

/// Where a user is while events are made.
struct Walk {
    now: i64,
    /// Where the user last paused for long.
    mark: i64,
    id: Option<Cell>,
}

/// The events that seeds stand for.
pub fn events(definition: &Definition, layout: &Layout, anchor: i64, seeds: &[Seed]) -> Vec<Event> {
    let calendar = Calendar::new(definition.timezone.as_deref());
    let mut walks: HashMap<usize, Walk> = HashMap::new();
    let mut events: Vec<Event> = Vec::new();
    for seed in seeds {
        if let (true, Some(last)) = (seed.resent, events.last()) {
            let session_id = fixed_id(seed.id, layout.session_id, anchor, definition.unit_of_ids());
            let property = property(layout.property, seed.property);
            events.push(Event { session_id, property, platform: seed.platform.map(str::to_owned), ..last.clone() });
            continue;
        }
        let offset = seed.person as i64 * 20 * MINUTE;
        let start = Walk { now: anchor - offset, mark: anchor - offset, id: None };
        let walk = walks.entry(seed.person).or_insert(start);
        take(seed.step, walk, definition, layout, &calendar);
        walk.id = id_of(seed.id, walk, definition, layout.session_id, anchor);
        events.push(Event {
            users: users(&layout.users, seed.person, seed.spelling),
            time: match seed.fault {
                Fault::None => Some(walk.now),
                Fault::Null => None,
                Fault::At(time) => Some(time),
            },
            event: TYPES[seed.event].map(str::to_owned),
            session_id: walk.id.clone(),
            property: property(layout.property, seed.property),
            sequence: seed.sequence,
            dedup: seed.dedup.map(|id| ["", "m1", "m2"][id].to_owned()),
            keep: seed.keep,
            platform: seed.platform.map(str::to_owned),
        });
    }
    events
}

fn take(step: Step, walk: &mut Walk, definition: &Definition, layout: &Layout, calendar: &Calendar) {
    // What is just beside a bound depends on how finely the column holds times.
    let beside = match layout.time {
        TimeType::Int(Unit::Seconds) => SECOND,
        TimeType::Int(Unit::Millis) | TimeType::Timestamp(Unit::Millis, _) => MILLI,
        _ => 1,
    };
    let before = walk.now;
    walk.now = match step {
        Step::Tie => walk.now,
        Step::Seconds(seconds) => walk.now + seconds * SECOND,
        Step::Hours(hours) => walk.now + hours * HOUR,
        Step::Bound(bound, steps) => walk.now + bound.duration(definition) + steps * beside,
        Step::Length(bound, steps) => walk.mark + bound.duration(definition) + steps * beside,
        Step::Midnight(steps) => {
            let tomorrow = calendar.date(walk.now).tomorrow().unwrap();
            calendar.first_instant(tomorrow) + steps * beside
        }
        Step::Again => walk.mark,
    };
    if walk.now - before >= Bound::Gap.duration(definition) {
        walk.mark = walk.now;
    }
}

/// Spellings of a person. Persons 3 and, in some spellings, others are nobody.
fn users(columns: &[ColumnType], person: usize, spelling: usize) -> Vec<Option<Value>> {
    let name = |person: usize| Some(Value::Text(["ann", "bob", "1", ""][person].to_owned()));
    let number = |person: usize| [Some(1), Some(-20), Some(3), None][person].map(Value::Int);
    let write = |column: &ColumnType| match column {
        ColumnType::Int => number(person),
        _ => name(person),
    };
    let blank = |column: &ColumnType| match column {
        ColumnType::Int => None,
        _ if spelling.is_multiple_of(2) => None,
        _ => Some(Value::Text(String::new())),
    };
    match (columns, spelling) {
        ([only], 0) if person == 3 => vec![blank(only)],
        ([only], _) => vec![write(only)],
        ([first, second], 0 | 1) => vec![blank(first), write(second)],
        ([first, second], 2) => vec![write(first), blank(second)],
        ([first, second], _) => vec![write(first), write(second)],
        _ => panic!("one or two user columns"),
    }
}

fn property(column: ColumnType, place: usize) -> Option<Value> {
    match column {
        ColumnType::Int => [None, Some(0), Some(-1), Some(7), Some(7), Some(10)][place].map(Value::Int),
        _ => [None, Some(""), Some("none"), Some("a"), Some("a"), Some("-1")][place]
            .map(|text| Value::Text(text.to_owned())),
    }
}

fn id_of(id: Id, walk: &Walk, definition: &Definition, column: ColumnType, anchor: i64) -> Option<Cell> {
    let unit = definition.unit_of_ids();
    let at = |time: i64, beside: i64| number_id(count(time, unit) + beside, column);
    match id {
        Id::Same => walk.id.clone(),
        Id::Now(later, beside) => at(walk.now + later, beside),
        Id::DayAfter(beside) => at(walk.now + DAY, beside),
        Id::GapBefore(beside) => at(walk.now - Bound::Gap.duration(definition), beside),
        Id::DaysEarlier(days) => at(walk.now - days * DAY, 0),
        _ => fixed_id(id, column, anchor, unit),
    }
}

/// A time as an id in a unit. Nanoseconds get some of their own.
fn count(time: i64, unit: IdUnit) -> i64 {
    match unit {
        IdUnit::Seconds => time.div_euclid(SECOND),
        IdUnit::Millis => time.div_euclid(MILLI),
        IdUnit::Micros => time,
        IdUnit::Nanos => time * 1_000 + time.rem_euclid(1_000),
    }
}

/// An id that does not depend on its event; ids that do are null.
fn fixed_id(id: Id, column: ColumnType, anchor: i64, unit: IdUnit) -> Option<Cell> {
    match id {
        Id::Word(word) => match column {
            ColumnType::Text => Some(Cell::Text(word.to_owned())),
            _ => Some(Cell::Int(word.len() as i64)),
        },
        Id::Fraction(number) => match column {
            ColumnType::Text => Some(Cell::Text(number.to_string())),
            ColumnType::Int => None,
            ColumnType::Float => Some(Cell::Float(number)),
        },
        Id::Shared => number_id(count(anchor, unit), column),
        Id::Edge(year, beside) => number_id(unit.id_of_year(year) + beside, column),
        Id::Number(number) => number_id(number, column),
        _ => None,
    }
}

fn number_id(number: i64, column: ColumnType) -> Option<Cell> {
    Some(match column {
        ColumnType::Text => Cell::Text(number.to_string()),
        ColumnType::Int => Cell::Int(number),
        // Large ones are not exact.
        ColumnType::Float => Cell::Int(number as f64 as i64),
    })
}

// ---- Properties --------------------------------------------------------------------------------------------

pub fn cases() -> u32 {
    std::env::var("DWELL_CASES").map_or(256, |cases| cases.parse().unwrap())
}

/// Runs a property, and shows a failure as a job and a table that can be tried by hand.
pub fn check(cases: u32, case: impl Strategy<Value = Case>, property: impl Fn(&Case) -> Result<(), String>) {
    check_any(cases, case, property, describe);
}

/// Runs a property over cases of any kind.
pub fn check_any<C: std::fmt::Debug + Clone>(
    cases: u32,
    case: impl Strategy<Value = C>,
    property: impl Fn(&C) -> Result<(), String>,
    describe: impl Fn(&C) -> String,
) {
    let seed = match std::env::var("DWELL_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into(),
    };
    let config = Config {
        cases: cases.max(1),
        failure_persistence: None,
        max_shrink_iters: 1500,
        // A failure is shown in minutes: what it takes to shrink it further is better done by hand.
        max_shrink_time: 120_000,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&case, |case| property(&case).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, case)) => {
            panic!("{reason}\n\n{}\nrepeat with DWELL_SEED={seed}", describe(&case))
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn describe(case: &Case) -> String {
    let Case { definition, layout, events, arrangements } = case;
    let mut text = format!("{}\n{layout:?}\n{arrangements:?}\n", job_toml(definition, layout, &[]));
    if let (Some(from), Some(to)) = (definition.from, definition.to) {
        text += &format!("--from {from} --to {to}\n");
    }
    for event in events {
        let time = event.time.map(|time| jiff::Timestamp::from_microsecond(time).unwrap().to_string());
        text += &format!("{:40} {event:?}\n", time.unwrap_or_default());
    }
    text
}

/// One run over one arrangement of the files.
pub fn run(case: &Case, arrangement: &Arrangement, arguments: &[&str]) -> Result<Sandbox, String> {
    run_with(case, arrangement, arguments, "")
}

/// The events of a case in one arrangement of files, and no job yet.
pub fn laid_out(case: &Case, arrangement: &Arrangement) -> Sandbox {
    let sandbox = Sandbox::new();
    arrangement.write(case, &sandbox);
    sandbox
}

/// As [`run`], with more at the end of the job.
pub fn run_with(case: &Case, arrangement: &Arrangement, arguments: &[&str], more: &str) -> Result<Sandbox, String> {
    let sandbox = laid_out(case, arrangement);
    sandbox.job(&(job_toml(&case.definition, &case.layout, &[]) + more));
    let ran = sandbox.run(&case.definition, arguments);
    if ran.code == Some(0) {
        Ok(sandbox)
    } else {
        Err(format!("exit code {:?}\n{}\n{}", ran.code, ran.stdout, ran.stderr))
    }
}

fn agrees_with_the_reference(case: &Case) -> Result<(), String> {
    let expected = reference::run(&case.layout.read_back(&case.events), &case.definition);
    if uncounted_rows(&expected.counts) != 0 {
        return Err(format!("the counts of the reference do not add up: {:#?}", expected.counts));
    }
    let actual = run(case, &case.arrangements[0], &[])?.outcome(&case.definition);
    let of_some_dates = case.definition.from.is_some() || case.definition.to.is_some();
    match of_some_dates {
        true => window_difference(expected, actual),
        false => outcome_difference(&expected, &actual),
    }
    .map_or(Ok(()), Err)
}

/// What a run of some dates reads depends on the files: rows elsewhere may count as filtered, rejected or repeated,
/// or as outside. What is said of its own dates does not, but for why an event is in no session where what its
/// session began with is not read.
fn window_difference(expected: Outcome, actual: Outcome) -> Option<String> {
    if uncounted_rows(&actual.counts) != 0 {
        return Some(format!("the counts do not add up: {:#?}", actual.counts));
    }
    let said = |outcome: Outcome| {
        let of_the_dates = outcome.counts.in_session + outcome.counts.out_of_session.values().sum::<i64>();
        let Counts { rows, sessions, zero_length_sessions, clock_skew_sessions, users, .. } = outcome.counts;
        let counts = Counts {
            rows,
            in_session: of_the_dates,
            sessions,
            zero_length_sessions,
            clock_skew_sessions,
            users,
            ..Counts::default()
        };
        Outcome { counts, ..outcome }
    };
    outcome_difference(&said(expected), &said(actual))
}

#[test]
fn the_default_definition_agrees_with_the_reference() {
    check(cases() / 2, case(false, 1), agrees_with_the_reference);
}

#[test]
fn custom_definitions_agree_with_the_reference() {
    check(cases() / 2, case(true, 1), agrees_with_the_reference);
}

#[test]
fn the_same_events_give_the_same_bytes_in_any_order_files_number_of_threads_and_memory() {
    /// What is left beside the program and one thread is nothing: all events and sessions go to disk.
    const LEAST: &str = "136MiB";
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 3));
    check(cases() / 4, either, |case| {
        let mut hashes = Vec::new();
        let ways: [&[&str]; 3] =
            [&["--threads", "1", "--memory-limit", LEAST], &["--threads", "2"], &["--threads", "8"]];
        for (arrangement, flags) in case.arrangements.iter().zip(ways) {
            let sandbox = run(case, arrangement, flags)?;
            hashes.push(table_hashes(&sandbox.out()));
        }
        for other in &hashes[1..] {
            if hashes[0] != *other {
                let files = hashes[0].keys().chain(other.keys());
                let differ = files.filter(|file| hashes[0].get(*file) != other.get(*file));
                return Err(format!("these files differ: {:?}", differ.collect::<Vec<_>>()));
            }
        }
        Ok(())
    });
}
