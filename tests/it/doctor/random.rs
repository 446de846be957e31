//! Random tables under random definitions: what a doctor counts against plain loops over the reference's sessions.

use super::Said;
use crate::property::{case, cases, check, Case};
use crate::reference::{self, Definition, Detail, Kept, LengthFrom, SessionRow, Value, DAY, MILLI, MINUTE};
use crate::support::{job_toml, Sandbox};
use std::collections::BTreeMap;

const START: &str = "open";
const END: &str = "close";

type Counted = BTreeMap<String, u64>;

/// All that is compared.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    figures: BTreeMap<&'static str, (u64, u64)>,
    causes: BTreeMap<&'static str, Counted>,
}

impl Counts {
    fn add(&mut self, finding: &'static str, of: u64, causes: Counted) {
        self.figures.insert(finding, (causes.values().sum(), of));
        self.causes.insert(finding, causes);
    }
}

fn count(to: &mut Counted, name: impl Into<String>) {
    *to.entry(name.into()).or_default() += 1;
}

fn is(event: &Kept, name: &str) -> bool {
    event.event.as_deref() == Some(name)
}

fn zero_cause(definition: &Definition, row: &SessionRow, events: &[Kept]) -> &'static str {
    let of_id = || reference::time_of_id(&row.session_id, definition.unit_of_ids());
    let id = if definition.is_default() { of_id() } else { None };
    let from_id = definition.length_from != Some(LengthFrom::FirstEvent);
    if from_id && id.is_some_and(|id| events.iter().any(|event| event.time < id)) {
        "clock_skew"
    } else if events.iter().all(|event| is(event, START)) {
        "only_start"
    } else if events.len() == 1 {
        "single_event"
    } else if id.is_some_and(|id| events.iter().all(|event| event.time.div_euclid(MILLI) == id.div_euclid(MILLI))) {
        "start_as_time"
    } else {
        "one_time"
    }
}

/// The longest gap of a session, and the type of the event that ended it.
fn longest_gap(row: &SessionRow, events: &[Kept]) -> (i64, String) {
    let mut before = row.start_time;
    let mut longest = (0, String::new());
    for event in events {
        if event.time - before > longest.0 {
            longest = (event.time - before, event.event.clone().unwrap_or("(no event type)".to_owned()));
        }
        before = event.time;
    }
    longest
}

/// How often each user has an event of one device between two of another that are at most half an hour apart.
fn devices_at_once(detail: &Detail) -> u64 {
    let mut by_user: BTreeMap<&Value, Vec<(i64, String)>> = BTreeMap::new();
    for event in &detail.events {
        let Some(device) = &event.property else { continue };
        by_user.entry(&event.user).or_default().push((event.time, device.to_string()));
    }
    let at_once = |mut seen: Vec<(i64, String)>| {
        seen.sort();
        (0..seen.len()).any(|first| {
            let next = (first + 1..seen.len()).find(|later| seen[*later].1 == seen[first].1);
            next.is_some_and(|next| next > first + 1 && seen[next].0 - seen[first].0 <= 30 * MINUTE)
        })
    };
    by_user.into_values().filter(|seen| at_once(seen.clone())).count() as u64
}

fn expected(case: &Case, definition: &Definition) -> Counts {
    let table = case.layout.read_back(&case.events);
    let outcome = reference::run(&table, definition);
    let detail = reference::detail(&table, definition, &|_| true);
    let told = &outcome.counts;
    let number = |count: i64| count as u64;
    let mut counts = Counts::default();

    let mut rows: Counted = told.rejected.iter().map(|(reason, count)| (reason.clone(), number(*count))).collect();
    rows.insert("filtered".to_owned(), number(told.filtered));
    rows.insert("duplicates".to_owned(), number(told.duplicates));
    rows.insert("inactive".to_owned(), number(told.inactive));
    rows.insert("outside_dates".to_owned(), number(told.outside_window));
    rows.extend(told.out_of_session.iter().map(|(reason, count)| (reason.clone(), number(*count))));
    let out: Counted = told.out_of_session.iter().map(|(reason, count)| (reason.clone(), number(*count))).collect();
    let events = number(told.in_session) + out.values().sum::<u64>();
    rows.retain(|_, count| *count > 0);
    counts.add("rows", number(told.rows), rows);
    counts.add("events_out_of_session", events, out);

    let sessions = number(told.sessions);
    let (mut zero, mut bare, mut gaps) = (Counted::new(), Counted::new(), Counted::new());
    let mut enders = Counted::new();
    for (row, members) in &detail.sessions {
        if row.length_ms == 0 {
            count(&mut zero, zero_cause(definition, row, members));
        }
        let starts = members.iter().filter(|event| is(event, START)).count();
        let ends = members.iter().filter(|event| is(event, END)).count();
        if starts + ends == members.len() {
            let name = match (starts, ends) {
                (_, 0) => "only_starts",
                (0, _) => "only_ends",
                _ => "starts_and_ends",
            };
            count(&mut bare, name);
        }
        let (gap, ender) = longest_gap(row, members);
        if gap > 5 * MINUTE {
            count(&mut gaps, if gap > 30 * MINUTE { "long_gap" } else { "gap" });
            count(&mut enders, ender);
        }
    }
    counts.add("zero_length", sessions, zero);
    counts.add("without_activity", sessions, bare);
    let silence = longest_timeout(definition).filter(|_| !definition.is_default());
    if silence.is_none_or(|timeout| timeout > 5 * MINUTE) && max_gap(definition) > 5 * MINUTE {
        counts.add("gaps", sessions, gaps);
        counts.causes.insert("gap enders", enders);
    }
    if definition.max_length != Some(reference::Limit::Never) {
        let excluded = told.excluded.values().sum::<i64>();
        let causes = [("excluded".to_owned(), number(excluded))].into_iter().filter(|(_, count)| *count > 0);
        counts.add("excluded", sessions + number(excluded), causes.collect());
    }
    if !definition.inactive.is_empty() {
        let all = Definition { inactive: Vec::new(), ..definition.clone() };
        let inactive = |event: &Kept| event.event.as_ref().is_some_and(|name| definition.inactive.contains(name));
        let mut more = Counted::new();
        for (_, members) in reference::detail(&table, &all, &|_| true).sessions {
            if members.iter().all(inactive) {
                count(&mut more, members[0].event.clone().unwrap());
            }
        }
        counts.add("of_inactive_events", sessions + more.values().sum::<u64>(), more);
    }
    // Of two events with one unique id that are equal otherwise, either device may stay.
    if !definition.dedup {
        counts.figures.insert("devices", (devices_at_once(&detail), number(told.users)));
    }
    counts
}

/// No gap in a session is longer.
fn longest_timeout(definition: &Definition) -> Option<i64> {
    let by_column = definition
        .timeouts
        .as_ref()
        .map(|timeouts| timeouts.listed.iter().map(|(_, timeout)| *timeout).fold(timeouts.default, i64::max));
    by_column.or(definition.timeout)
}

/// `max_gap` where it is what ends sessions.
fn max_gap(definition: &Definition) -> i64 {
    match definition.max_gap {
        _ if definition.is_default() || definition.has_timeout() => i64::MAX,
        Some(reference::Limit::Of(gap)) => gap,
        Some(reference::Limit::Never) => i64::MAX,
        None => 7 * DAY,
    }
}

/// What the program says, in the same terms.
fn actual(said: &Said, expected: &Counts, definition: &Definition) -> Counts {
    let mut counts = Counts::default();
    for name in expected.figures.keys() {
        counts.figures.insert(name, said.figure(name));
    }
    for name in expected.causes.keys() {
        let causes = match *name {
            "gap enders" => said
                .by("gaps", "event that ended the longest gap")
                .iter()
                .map(|line| {
                    let mut words = line.rsplitn(3, ' ');
                    let (_, count) = (words.next(), words.next().unwrap().parse().unwrap());
                    (words.next().unwrap().to_owned(), count)
                })
                .collect(),
            name => {
                let mut causes = Counted::new();
                for (cause, count) in said.causes(name) {
                    *causes.entry(reason(cause, definition).to_owned()).or_default() += count;
                }
                causes
            }
        };
        counts.causes.insert(name, causes);
    }
    counts
}

/// The reason of `run.json` that a cause is of.
fn reason<'c>(cause: &'c str, definition: &Definition) -> &'c str {
    match (cause, definition.is_default()) {
        ("null_id" | "minus_one" | "empty_id" | "none_id", true) => "no_session_id",
        ("null_id" | "minus_one" | "empty_id" | "none_id", false) => "no_property",
        (cause, _) => cause,
    }
}

fn agree(case: &Case) -> Result<(), String> {
    let definition = Definition { from: None, to: None, ..case.definition.clone() };
    let sandbox = Sandbox::new();
    let half = case.events.len() / 2;
    sandbox.events("a.parquet", &case.layout, &case.events[..half]);
    sandbox.events("b.parquet", &case.layout, &case.events[half..]);
    sandbox.job(&job_toml(&definition, &case.layout, &[]));
    let device = ["--device", crate::support::PROPERTY];
    let flags = ["--session-start-event", START, "--session-end-event", END, "--format", "json"];
    let ran = sandbox.dwell(&[&["doctor", "job.toml"], &device[..], &flags[..]].concat());
    if ran.code != Some(0) {
        return Err(format!("ended with {:?}: {}", ran.code, ran.stderr));
    }
    let said = Said(serde_json::from_str(&ran.stdout).unwrap());
    let expected = expected(case, &definition);
    let actual = actual(&said, &expected, &definition);
    if actual != expected {
        return Err(format!("expected {expected:#?}\nactual {actual:#?}"));
    }
    let mut findings = said.findings();
    findings.try_for_each(adds_up)
}

/// The causes of a finding, and the values of each breakdown, add up to its figure.
fn adds_up(finding: &serde_json::Value) -> Result<(), String> {
    let parts = |of: &serde_json::Value| of.as_array().unwrap().clone();
    let count = |of: &serde_json::Value| of["count"].as_u64().unwrap();
    let sum = |of: &serde_json::Value| parts(of).iter().map(count).sum::<u64>();
    let causes = &finding["causes"];
    if !parts(causes).is_empty() && sum(causes) != count(finding) {
        return Err(format!("causes do not add up: {finding:#}"));
    }
    match parts(&finding["breakdowns"]).iter().find(|by| sum(&by["values"]) != count(finding)) {
        Some(by) => Err(format!("{by:#} does not add up: {finding:#}")),
        None => Ok(()),
    }
}

#[test]
fn what_is_counted_agrees_with_plain_loops_by_session_id() {
    check(cases() / 2, case(false, 0), agree);
}

#[test]
fn what_is_counted_agrees_with_plain_loops_under_custom_definitions() {
    check(cases() / 2, case(true, 0), agree);
}
