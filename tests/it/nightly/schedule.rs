//! The proof: random events in files that come, change and go over random nights. After each night the tables are
//! those of a full run over the input of that night, byte for byte.

use super::fixture::differing;
use crate::aliases::{aliases, of_layout};
use crate::charts::{COLUMNS_AND_CHARTS, SEGMENTS_AND_CHARTS};
use crate::property::{cases, check_any, definition, events, layout, seed};
use crate::reference::{Alias, Calendar, Cell, Definition, Event, IdUnit, Value, DAY, SECOND, YEAR_2000, YEAR_2100};
use crate::stores::{
    self,
    server::{Fault, Server},
};
use crate::support::{
    aliases_toml, job_toml, read_parquet, read_run, table_hashes, write_aliases, Layout, Ran, Sandbox,
};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use jiff::civil::Date;
use jiff::ToSpan;
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell as Counter;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

/// A job, and what each file holds on each night.
#[derive(Clone, Debug)]
struct Schedule {
    definition: Definition,
    /// Segments, columns and charts of each night.
    more: Vec<String>,
    layout: Layout,
    rows: Vec<Row>,
    nights: Vec<Night>,
    /// The mapping of users of each night; there is none where it is empty.
    aliases: Vec<Vec<Alias>>,
}

/// An event, the file it is in, and the nights on which it is.
#[derive(Clone, Debug)]
struct Row {
    event: Event,
    file: usize,
    from: usize,
    until: usize,
}

/// What is run on a night.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Night {
    Incremental,
    /// These dates, and nothing else.
    Dates(Date, Date),
    /// The sessions table alone.
    OnlySessions,
    Full,
}

/// Files that come one after the other; one more comes and goes.
const FILES: usize = 6;

/// More than any night.
const FOREVER: usize = usize::MAX;

fn schedule(custom: bool) -> impl Strategy<Value = Schedule> {
    let nights = prop::collection::vec((0..10u8, 0..20i64, 0..6i64), 2..6);
    let places = prop::collection::vec((0..6usize, 0..5usize, 0..24u8), 80);
    let beside = prop::option::weighted(0.7, (1..CHUNK, select(vec![0, 0, 1, 60, 600, 1200])));
    (
        definition(custom),
        layout(),
        prop::collection::vec(seed(), 0..80),
        prop::collection::vec((select(vec![0, 0, 1, 1, 2, 3, 9]), beside), 20),
        (
            places,
            nights,
            prop::bool::weighted(0.8),
            1..12usize,
            (0..5u8, prop::collection::vec(0..3u8, 6), (0..3u8, 0..3u8)),
        ),
        prop::option::weighted(0.25, (aliases(6), prop::collection::vec(0..3usize, 6))),
    )
        .prop_map(
            |((definition, anchor), layout, seeds, days, (places, nights, timed, rows_per_group, more), who)| {
                let definition = Definition { from: None, to: None, ..definition };
                let mut events = events(&definition, &layout, anchor, &seeds);
                let unit = definition.unit_of_ids();
                spread(&mut events, &days, &Calendar::new(definition.timezone.as_deref()), unit);
                if timed {
                    events.iter_mut().for_each(|event| without_odd_id(event, unit));
                }
                let chunks = events.len().div_ceil(CHUNK).max(1);
                let in_order = (0..events.len()).map(|place| place / CHUNK * FILES / chunks);
                let rows = events.into_iter().zip(in_order).zip(places);
                let rows = rows.map(|((event, file), place)| row(event, file, place, nights.len()));
                let today = jiff::Timestamp::from_microsecond(anchor)
                    .unwrap()
                    .to_zoned_datetime(jiff::tz::TimeZone::UTC)
                    .date();
                let day = |days: i64| today.checked_add(days.days()).unwrap();
                let night = |(kind, first, length): (u8, i64, i64)| match kind {
                    0 => Night::Dates(day(first - 2), day(first - 2 + length)),
                    1 => Night::OnlySessions,
                    2 => Night::Full,
                    _ => Night::Incremental,
                };
                let of_night = |kind: u8| match (more.0, kind) {
                    (0, _) => String::new(),
                    (1, _) => SEGMENTS_AND_CHARTS.to_owned(),
                    // Columns come, go, and change their places.
                    (3, 1) => with_other_columns(COLUMNS_AND_CHARTS),
                    (3, 2) => with_other_columns(COLUMNS_AND_CHARTS).replace("order_id IS NOT NULL", "keep > 0"),
                    // What derived columns are changes.
                    (4, kind) => with_derived(COLUMNS_AND_CHARTS, kind),
                    _ => COLUMNS_AND_CHARTS.to_owned(),
                };
                let number = nights.len();
                let aliases = who.map_or_else(Vec::new, |(all, names)| {
                    let all = of_layout(&all, &layout, anchor, true);
                    // On some nights the last names are not known yet.
                    let known = |less: &usize| all[..all.len() - all.len().min(*less)].to_vec();
                    names.iter().take(number).map(known).collect()
                });
                // Sessions are numbered, and events listed, on some nights, on all of them or on none.
                let (numbered, listed) = more.2;
                let is_on = |often: u8, night: usize, kind: u8| often == 1 || often == 2 && kind != night as u8 % 3;
                let keys = |night: usize, kind: u8| {
                    let history = if is_on(numbered, night, kind) { "history = true\n" } else { "" };
                    let events = if is_on(listed, night, kind) { "events = [\"keep\", \"order_id\"]\n" } else { "" };
                    format!("{history}{events}")
                };
                let kinds = more.1.iter().take(nights.len()).enumerate();
                let more = kinds.map(|(night, kind)| format!("{}{}", keys(night, *kind), of_night(*kind))).collect();
                Schedule {
                    definition,
                    more,
                    layout: Layout { rows_per_group, ..layout },
                    rows: rows.collect(),
                    nights: nights.into_iter().map(night).collect(),
                    aliases,
                }
            },
        )
}

/// The job with its columns in another order, without one, and with another condition of sessions.
fn with_other_columns(job: &str) -> String {
    let (columns, charts) = job.split_once("[[chart]]").unwrap();
    let mut blocks = columns.split("[[column]]");
    let segments = blocks.next().unwrap();
    let blocks: Vec<&str> = blocks.filter(|block| !block.contains("kept_events")).collect();
    let (conditions, of_events): (Vec<&str>, Vec<&str>) =
        blocks.into_iter().partition(|block| block.contains("when ="));
    let in_order = of_events.into_iter().rev().chain(conditions);
    let columns: String = in_order.map(|block| format!("[[column]]{block}")).collect();
    format!("{segments}{}[[chart]]{charts}", columns.replace("total > 2", "total > 1"))
}

/// The job with derived columns in the place of two that events have, of one kind of expressions or another.
fn with_derived(job: &str, kind: u8) -> String {
    let job = job.replace("= \"order_id\"", "= \"own_order\"").replace("\"keep > 1\"", "\"own_keep > 1\"");
    format!(
        "{job}[input.derive]\nown_order = \"CASE WHEN own_keep > {kind} THEN order_id END\"\nown_keep = \"keep + 0\"\n"
    )
}

/// Events that stay near each other.
const CHUNK: usize = 4;

/// Moves chunks of events apart, and the ids that are times with them: by some days, and so that one of them is at
/// a midnight, or so many seconds beside it.
fn spread(events: &mut [Event], apart: &[(i64, Option<(usize, i64)>)], calendar: &Calendar, unit: IdUnit) {
    let mut shift = 0;
    for (chunk, (days, midnight)) in events.chunks_mut(CHUNK).zip(apart.iter().cycle()) {
        shift += days * DAY;
        let pivot = midnight.and_then(|(place, beside)| Some((chunk.get(place)?.time?, beside)));
        if let Some((time, beside)) = pivot.filter(|(time, _)| is_time(*time)) {
            let tomorrow = calendar.first_instant(calendar.date(time + shift).tomorrow().unwrap());
            // Whole seconds, which every column of times can hold.
            shift += (tomorrow - time - shift).div_euclid(SECOND) * SECOND + beside * SECOND;
        }
        for event in chunk {
            event.time = event.time.map(|time| if is_time(time) { time + shift } else { time });
            // Times move by whole seconds.
            let later = shift / SECOND * (unit.id_of_year(YEAR_2000) / (YEAR_2000 / SECOND));
            let is_time = |id: i64| unit.time_of(id).is_some_and(is_time);
            event.session_id = match event.session_id.take() {
                Some(Cell::Int(id)) if is_time(id) => Some(Cell::Int(id + later)),
                Some(Cell::Text(id)) => Some(Cell::Text(match id.parse::<i64>() {
                    Ok(number) if is_time(number) => (number + later).to_string(),
                    _ => id,
                })),
                other => other,
            };
        }
    }
}

fn is_time(time: i64) -> bool {
    (YEAR_2000..YEAR_2100 - 1000 * DAY).contains(&time)
}

/// Takes an id that is no time away: one of them, and everything is computed.
fn without_odd_id(event: &mut Event, unit: IdUnit) {
    let number = match &event.session_id {
        Some(Cell::Int(id)) => Some(*id),
        Some(Cell::Text(text)) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    };
    if number.and_then(|id| unit.time_of(id)).is_none() {
        event.session_id = None;
    }
}

/// Most rows are in the file of their time and come with it, some are in another, come later than it, or go.
fn row(event: Event, in_order: usize, (other, night, kind): (usize, usize, u8), nights: usize) -> Row {
    let file = if kind < 8 { other } else { in_order };
    // Files come one after the other.
    let arrival = (file * nights / FILES).min(nights - 1);
    match kind {
        0 => Row { event, file, from: night, until: FOREVER },
        1 => Row { event, file, from: arrival, until: night.max(arrival + 1) },
        2 => Row { event, file: 0, from: night, until: FOREVER },
        // A file that goes.
        3 => Row { event, file: FILES, from: 1, until: 3 },
        _ => Row { event, file, from: arrival, until: FOREVER },
    }
}

impl Schedule {
    fn file(&self, file: usize, night: usize) -> Vec<Event> {
        let here = |row: &&Row| row.file == file && row.from <= night && night < row.until;
        self.rows.iter().filter(here).map(|row| row.event.clone()).collect()
    }

    /// The job of a night.
    fn job(&self, night: usize) -> String {
        let job = job_toml(&self.definition, &self.layout, &[]) + &self.more[night];
        if self.aliases.is_empty() {
            job
        } else {
            job + &aliases_toml(true)
        }
    }

    /// Brings the files into the state of a night; those that are as they were are not written again.
    fn write(&self, sandbox: &Sandbox, night: usize) {
        if let Some(aliases) = self.aliases.get(night) {
            if night.checked_sub(1).is_none_or(|before| self.aliases[before] != *aliases) {
                let column = self.layout.users[0];
                write_aliases(&sandbox.path().join("aliases/one.parquet"), column, true, aliases);
            }
        }
        for file in 0..=FILES {
            let name = format!("{file}.parquet");
            let events = self.file(file, night);
            let before = night.checked_sub(1).map(|before| self.file(file, before));
            if before.as_ref() == Some(&events) {
                continue;
            }
            // One file is always there: no file at all is an error.
            if events.is_empty() && file > 0 {
                let _ = std::fs::remove_file(sandbox.path().join("data").join(&name));
            } else {
                sandbox.events(&name, &self.layout, &events);
            }
        }
    }
}

/// How often runs were about some dates, and replaced fewer than all.
#[derive(Default)]
struct Seen {
    nights: Counter<u32>,
    local: Counter<u32>,
    few: Counter<u32>,
}

/// The rows of a table without what numbers its sessions.
fn unnumbered(path: &Path) -> RecordBatch {
    let (schema, batches) = read_parquet(path);
    let is_number = |name: &str| ["session_number", "previous_end_time", "since_previous_ms"].contains(&name);
    let others: Vec<usize> = (0..schema.fields().len()).filter(|at| !is_number(schema.field(*at).name())).collect();
    concat_batches(&schema, &batches).and_then(|rows| rows.project(&others)).unwrap()
}

fn ok(ran: Ran, what: &str) -> Result<Ran, String> {
    match ran.code {
        Some(0) => Ok(ran),
        code => Err(format!("{what}: exit code {code:?}\n{}\n{}", ran.stdout, ran.stderr)),
    }
}

fn is_as_after_full_runs(schedule: &Schedule, seen: &Seen) -> Result<(), String> {
    let sandbox = Sandbox::new();
    for (night, kind) in schedule.nights.iter().enumerate() {
        sandbox.job(&schedule.job(night));
        schedule.write(&sandbox, night);
        let full = sandbox.path().join(format!("full{night}"));
        let what = |run: &str| format!("night {night}, {run}");
        ok(sandbox.dwell(&["run", "job.toml", "--quiet", "--output", full.to_str().unwrap()]), &what("full"))?;
        let expected = table_hashes(&full);
        let run = |arguments: &[&str]| {
            let ran = sandbox.dwell(&[&["run", "job.toml", "--quiet"], arguments].concat());
            ok(ran, &what(&arguments.join(" ")))
        };
        match kind {
            Night::Incremental => {
                let ran = run(&["--incremental", "--allow-removed"])?;
                let told = read_run(&sandbox.out());
                let nothing_new = ran.stdout.starts_with("Nothing new") || told["mode"] != "incremental";
                if !nothing_new && night > 0 {
                    seen.nights.set(seen.nights.get() + 1);
                    if told["everything"].is_null() {
                        seen.local.set(seen.local.get() + 1);
                        let dates = expected.keys().filter(|name| name.starts_with("activity/activity_date")).count();
                        let replaced = told["replaced"]["count"].as_u64().unwrap() as usize;
                        seen.few.set(seen.few.get() + u32::from(replaced < dates));
                    }
                }
                let differ = differing(&expected, &sandbox.out());
                if table_hashes(&sandbox.out()) != expected {
                    return Err(format!("night {night}: not as after a full run: {differ:?}, {told:#}"));
                }
            }
            Night::Full => {
                run(&[])?;
                if table_hashes(&sandbox.out()) != expected {
                    return Err(format!("night {night}: another full run"));
                }
            }
            Night::Dates(first, last) => {
                // What the charts over all dates need may not be there; that is refused.
                let lists_events = schedule.more[night].contains("events = [");
                let tables = if lists_events { "sessions,activity,events" } else { "sessions,activity" };
                let arguments = ["--from", &first.to_string(), "--to", &last.to_string(), "--only", tables];
                run(&arguments)?;
                let here = table_hashes(&sandbox.out());
                let inside = |name: &&String| {
                    let date = name.split_once("_date=").map(|(_, rest)| rest[..10].parse::<Date>().unwrap());
                    date.is_some_and(|date| *first <= date && date <= *last)
                };
                let names: BTreeSet<&String> = expected.keys().chain(here.keys()).filter(inside).collect();
                // Numbers count from the first date on, and others than these are as an earlier night left them.
                let numbered = schedule.more[night].contains("history = true");
                let is_so_but_for_numbers = |name: &String| {
                    let both = expected.contains_key(name) && here.contains_key(name);
                    both && unnumbered(&full.join(name)) == unnumbered(&sandbox.out().join(name))
                };
                let is_so =
                    |name: &String| expected.get(name) == here.get(name) || numbered && is_so_but_for_numbers(name);
                let differ: Vec<&String> = names.into_iter().filter(|name| !is_so(name)).collect();
                if !differ.is_empty() {
                    return Err(format!("night {night}: the dates are not as after a full run: {differ:?}"));
                }
            }
            // The first run of all has to make both tables: without, the next one would be refused some dates.
            Night::OnlySessions if night == 0 => drop(run(&[])?),
            Night::OnlySessions => {
                run(&["--only", "sessions"])?;
            }
        }
    }
    Ok(())
}

/// The nights once more, with events and tables in a bucket, two machines in turn, and faults that pass: every third request is
/// answered by an error at first, half of them after it was carried out.
fn is_so_in_a_bucket(schedule: &Schedule) -> Result<(), String> {
    let sandbox = Sandbox::new();
    let played: Mutex<BTreeSet<String>> = Mutex::default();
    let server = Server::with_faults(sandbox.path(), move |asked, before| {
        let request = format!("{} {} {:?} {:?}", asked.method, asked.key, asked.range, asked.query);
        let is_first = before % 3 == 0 && played.lock().unwrap().insert(request);
        let done = before % 2 == 0;
        is_first.then_some(if done { Fault::Done(500, "InternalError") } else { Fault::Error(503, "SlowDown") })
    });
    for night in 0..schedule.nights.len() {
        let job = schedule.job(night);
        sandbox.job(&job);
        schedule.write(&sandbox, night);
        let full = sandbox.path().join(format!("full{night}"));
        ok(sandbox.dwell(&["run", "job.toml", "--quiet", "--output", full.to_str().unwrap()]), "full")?;
        sandbox.job(&(job.replacen("path = \"data\"", "path = \"s3://bucket/data\"", 1) + &server.keys()));
        let machine = sandbox.path().join(format!("machine{}", night % 2));
        let home = [("XDG_CACHE_HOME", machine.to_str().unwrap())];
        let arguments =
            ["run", "job.toml", "--quiet", "--output", "s3://bucket/out", "--incremental", "--allow-removed"];
        ok(stores::dwell(&sandbox, &arguments, &home), &format!("night {night}"))?;
        if table_hashes(&sandbox.out()) != table_hashes(&full) {
            let differ = differing(&table_hashes(&full), &sandbox.out());
            return Err(format!("night {night}: not as after a full run: {differ:?}"));
        }
    }
    Ok(())
}

#[test]
fn tables_in_a_bucket_are_as_after_full_runs() {
    let either = any::<bool>().prop_flat_map(schedule);
    check_any(cases() / 16, either, is_so_in_a_bucket, describe);
}

fn describe(schedule: &Schedule) -> String {
    let mut text = format!(
        "{}{}\n{:?}\n{:?}\n{:?}\n",
        job_toml(&schedule.definition, &schedule.layout, &[]),
        schedule.more.join("\n# The next night\n"),
        schedule.layout,
        schedule.nights,
        schedule.aliases
    );
    for Row { event, file, from, until } in &schedule.rows {
        let time = event.time.map(|time| jiff::Timestamp::from_microsecond(time).unwrap().to_string());
        let Event { users, event, session_id, property, dedup, keep, .. } = event;
        let users: Vec<String> = users.iter().map(|user| user.as_ref().map_or("-".into(), Value::to_string)).collect();
        let until = if *until == FOREVER { "on".to_owned() } else { format!("until {until}") };
        text += &format!(
            "file {file} from {from} {until}  {:28} {} {event:?} id {session_id:?} property {property:?} {dedup:?} {keep:?}\n",
            time.unwrap_or_default(),
            users.join("/")
        );
    }
    text
}

fn prove(custom: bool) {
    let seen = Seen::default();
    let cases = cases() / 8;
    check_any(cases, schedule(custom), |schedule| is_as_after_full_runs(schedule, &seen), describe);
    let (nights, local, few) = (seen.nights.get(), seen.local.get(), seen.few.get());
    // Otherwise this would prove nothing.
    assert!(
        cases < 30 || local * 5 > nights && few * 10 > local,
        "{nights} nights, {local} local, {few} of a few dates"
    );
}

#[test]
fn the_default_definition_is_as_after_full_runs() {
    prove(false);
}

#[test]
fn custom_definitions_are_as_after_full_runs() {
    prove(true);
}
