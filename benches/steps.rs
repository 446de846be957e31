//! One bench a step of the kernel, on a million made-up events of one partition or one batch. Each makes sure of its
//! answer before it is timed.
//!
//! ```text
//! cargo bench --bench steps
//! ```
#![allow(clippy::expect_used, clippy::panic)]

use std::hint::black_box;

use arrow::array::StringViewArray;
use divan::counter::ItemsCount;
use divan::Bencher;
use dwell::job::fingerprint::Canonical;
use dwell::job::TimeUnit;
use dwell::kernel::{
    coded, put_in_order, scatter, sessionize, AllUsers, Block, ByDate, Calendar, ColumnRef, CustomRule, DateSet,
    EventBatch, EventTypes, KeyType, Kind, Looks, Partition, PartitionRows, Partitions, PlainEvent, PreAggregator,
    Provenance, Role, Roles, Row, Rule, Rules, Silence, Source, Span, TableColumns, Timestamp, To, Unread, Verdict,
    Watched,
};

const EVENTS: usize = 1 << 20;
const USERS: usize = EVENTS / 60;
const BATCH: usize = 1 << 17;
const TYPES: [&str; 6] = ["page_view", "click", "search", "purchase", "session_start", "scroll"];
const MINUTE: i64 = 60_000_000;

fn main() {
    divan::main();
}

/// An event: user, time in microseconds, type.
#[derive(Clone, Copy)]
struct Event(usize, i64, u32);

/// Visits of about eight events half a minute apart, in order of time, as a log has them.
fn events() -> Vec<Event> {
    let mut state = 42u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut events = Vec::with_capacity(EVENTS);
    while events.len() < EVENTS {
        let (user, start) = (random(USERS as u64) as usize, random(30 * 24 * 60) as i64 * MINUTE);
        for step in 0..(1 + random(16)).min((EVENTS - events.len()) as u64) {
            let time = start + step as i64 * MINUTE / 2 + random(MINUTE as u64 / 4) as i64;
            events.push(Event(user, time, 1 + random(TYPES.len() as u64) as u32));
        }
    }
    events.sort_by_key(|event| event.1);
    events
}

fn name(user: usize) -> String {
    format!("user-{user:08}")
}

fn batches(events: &[Event]) -> Vec<EventBatch> {
    let of = |events: &[Event]| {
        let names: Vec<String> = events.iter().map(|event| name(event.0)).collect();
        EventBatch {
            users: coded(&StringViewArray::from_iter_values(&names)),
            times: events.iter().map(|event| Timestamp::from_micros(event.1)).collect(),
            events: Some(events.iter().map(|event| event.2).collect()),
            values: None,
            sequence: None,
            unique_ids: None,
            facts: None,
            watched: None,
            partial_sessions: None,
        }
    };
    events.chunks(BATCH).map(of).collect()
}

fn blocks(events: &[Event], partitions: Partitions) -> Vec<Block> {
    batches(events).chunks(1).map(|batch| scatter(batch, partitions)).collect()
}

fn types() -> EventTypes {
    EventTypes::new(&TYPES.map(String::from), |_| (Role::Other, false))
}

fn timeout() -> CustomRule {
    CustomRule {
        silence: Silence { limit: Some(Span::from_micros(30 * MINUTE)), equal_cuts: true },
        needs_start: false,
        needs_end: false,
        starts_continue: false,
        at_midnight: false,
        remembers: None,
        property_only: false,
        latest: Timestamp::from_micros(31 * 24 * 60 * MINUTE),
    }
}

/// Sessions by the plainest means there are.
fn naive_sessions(events: &[Event]) -> usize {
    let mut last = vec![i64::MIN / 2; USERS];
    let opens = |event: &&Event| {
        let before = std::mem::replace(&mut last[event.0], event.1);
        event.1 - before >= 30 * MINUTE
    };
    events.iter().filter(opens).count()
}

fn with_rules<T>(work: impl FnOnce(&Rules<'_>) -> T) -> T {
    let (types, calendar, dates) = (types(), Calendar::single(), DateSet::all());
    work(&Rules {
        rule: Rule::Custom(timeout()),
        types: &types,
        dedup_within: None,
        max_length: None,
        calendar: &calendar,
        dates: &dates,
        makes_activity: true,
        numbers: false,
        events: None,
        facts: None,
        watched: None,
    })
}

fn made(events: &[Event]) -> Vec<Partition> {
    let partitions = Partitions::for_rows(EVENTS as u64, 1 << 16, 1);
    let blocks = blocks(events, partitions);
    let one = |number| {
        let pieces: Vec<(&Block, usize)> = blocks.iter().map(|block| (block, number)).collect();
        with_rules(|rules| sessionize(&pieces, rules, || {}))
    };
    (0..partitions.count()).filter_map(one).collect()
}

/// Users of a batch as codes.
#[divan::bench]
fn code(bencher: Bencher<'_, '_>) {
    let names: Vec<String> = events()[..BATCH].iter().map(|event| name(event.0)).collect();
    let users = StringViewArray::from_iter_values(&names);
    let distinct: std::collections::HashSet<&String> = names.iter().collect();
    assert_eq!(coded(&users).keys.len(), distinct.len());
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| coded(black_box(&users)));
}

/// The events of a batch joined to partial sessions.
#[divan::bench]
fn join(bencher: Bencher<'_, '_>) {
    let batch = batches(&events()[..BATCH]).remove(0);
    let calendar = Calendar::single();
    let joined = || {
        let mut preaggregation = PreAggregator::new(Rule::Custom(timeout()), 0);
        preaggregation.add(&batch, &calendar);
        preaggregation.finish()
    };
    let partial_sessions = joined().partial_sessions.expect("bursts");
    assert_eq!(partial_sessions.counts.iter().sum::<u32>() as usize, BATCH);
    assert!(partial_sessions.counts.len() < BATCH / 2, "visits have several events");
    bencher.counter(ItemsCount::new(BATCH)).bench_local(joined);
}

/// A batch laid out by partition.
#[divan::bench]
fn scatter_batch(bencher: Bencher<'_, '_>) {
    let batch = batches(&events()[..BATCH]).remove(0);
    let partitions = Partitions::for_rows(512, 1, 1);
    let block = scatter(std::slice::from_ref(&batch), partitions);
    assert_eq!((0..partitions.count()).map(|number| block.rows(number).len()).sum::<usize>(), BATCH);
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench_local(|| scatter(std::slice::from_ref(black_box(&batch)), partitions));
}

/// The rows of a partition brought together, users told apart.
#[divan::bench]
fn intern(bencher: Bencher<'_, '_>) {
    let (events, types) = (events(), types());
    let partitions = Partitions::for_rows(16, 1, 1);
    let blocks = blocks(&events, partitions);
    let pieces: Vec<(&Block, usize)> = blocks.iter().map(|block| (block, 0)).collect();
    let rows: usize = pieces.iter().map(|(block, number)| block.rows(*number).len()).sum();
    let gather = || PartitionRows::<PlainEvent>::gather(&pieces, &types).expect("rows");
    let mut seen = 0;
    gather().each_user(|_, events| seen += events.len());
    assert_eq!(seen, rows);
    bencher.counter(ItemsCount::new(rows)).bench_local(|| black_box(gather()));
}

/// One user's rows by user and time, the way they come: nearly in order.
fn rows_by_user(events: &[Event]) -> Vec<Vec<Row<PlainEvent>>> {
    let types = types();
    let mut rows = vec![Vec::new(); USERS];
    for Event(user, time, code) in events {
        rows[*user].push(Row::new(Timestamp::from_micros(*time), types.key(*code)));
    }
    rows
}

/// Each user's rows in order.
#[divan::bench]
fn order(bencher: Bencher<'_, '_>) {
    let rows = rows_by_user(&events());
    let sort = |mut rows: Vec<Vec<Row<PlainEvent>>>| {
        rows.iter_mut().for_each(|rows| put_in_order(rows));
        rows
    };
    assert!(sort(rows.clone()).iter().all(|rows| rows.is_sorted()));
    bencher.counter(ItemsCount::new(EVENTS)).with_inputs(|| rows.clone()).bench_local_values(sort);
}

/// The session rule.
#[divan::bench]
fn cut(bencher: Bencher<'_, '_>) {
    let events = events();
    let mut rows = rows_by_user(&events);
    rows.iter_mut().for_each(|rows| rows.sort_unstable());
    let (rule, calendar) = (timeout(), Calendar::single());
    let count = || {
        let mut sessions = 0;
        for rows in rows.iter().filter(|rows| !rows.is_empty()) {
            rule.candidates(
                rows,
                Looks { calendar: &calendar, timeouts: &[], watched: Watched::default() },
                |candidate| sessions += usize::from(matches!(candidate.verdict, Verdict::Session(_))),
            );
        }
        sessions
    };
    assert_eq!(count(), naive_sessions(&events));
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(count);
}

/// All steps after scattering, over one partition: sessions and activity summed up.
#[divan::bench]
fn aggregate(bencher: Bencher<'_, '_>) {
    let events = events();
    let sessions: usize = made(&events).iter().map(|partition| partition.sessions.len()).sum();
    assert_eq!(sessions, naive_sessions(&events));
    let partitions = Partitions::for_rows(16, 1, 1);
    let blocks = blocks(&events, partitions);
    let pieces: Vec<(&Block, usize)> = blocks.iter().map(|block| (block, 0)).collect();
    let rows: usize = pieces.iter().map(|(block, number)| block.rows(*number).len()).sum();
    with_rules(|rules| {
        bencher.counter(ItemsCount::new(rows)).bench_local(|| sessionize(black_box(&pieces), rules, || {}));
    });
}

/// All users of all partitions in order.
#[divan::bench]
fn rank(bencher: Bencher<'_, '_>) {
    let partitions = made(&events());
    let sort = || AllUsers::of(&partitions);
    let users = sort();
    let is_before = |user: usize| {
        let ((column, row), (next, next_row)) = (users.find(user - 1), users.find(user));
        column.compare(row, next, next_row).is_lt()
    };
    assert!((1..users.len()).all(is_before));
    bencher.counter(ItemsCount::new(users.len())).bench_local(|| black_box(sort()));
}

/// A date's sessions to a file.
#[divan::bench]
fn write(bencher: Bencher<'_, '_>) {
    let (partitions, types) = (made(&events()), types());
    let users = AllUsers::of(&partitions);
    let rows = ByDate::new(&partitions, &users, |partition: &Partition| &partition.sessions);
    let (day, all) = (rows.days()[0], partitions.iter().map(|partition| partition.sessions.len()).sum::<usize>());
    let column = |name: &str, kind: Kind| ColumnRef {
        spelled: name.to_string(),
        source: Source::File { column: name.to_string(), path: None },
        kind,
        unread: Unread::default(),
        derived: Default::default(),
    };
    let roles = Roles {
        users: vec![column("user_id", Kind::Text)],
        user_type: KeyType::Text,
        time: column("event_time", Kind::Timestamp(TimeUnit::Micros)),
        event: Some(column("event_type", Kind::Text)),
        value: None,
        sequence: None,
        dedup: None,
        timeout: None,
    };
    let columns = TableColumns::new(&roles, None, true);
    let folder = tempfile::tempdir().expect("a folder");
    let (path, provenance) = (folder.path().join("part-0.parquet"), Provenance::of(&Canonical::default()));
    let write =
        || columns.write_sessions(&path, To::Table(&provenance, &[]), Some((&rows, day)), &types).expect("written");
    assert_eq!(write().rows, all as u64);
    bencher.counter(ItemsCount::new(all)).bench_local(write);
}
