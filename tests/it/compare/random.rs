//! Random tables under two random definitions.

use super::{compare, kinds, write_job};
use crate::cells::lines_of_file;
use crate::property::{case, cases, check_any, definition, run, Case};
use crate::reference::{self, Definition, SessionRow};
use crate::support::{clock, job_toml, read_counts, read_measures, Sandbox};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Two definitions over one table; the first is the case's.
#[derive(Clone, Debug)]
struct Pair {
    case: Case,
    other: Definition,
}

fn without_flags(definition: Definition) -> Definition {
    Definition { from: None, to: None, ..definition }
}

fn pair() -> impl Strategy<Value = Pair> {
    (any::<bool>(), any::<bool>()).prop_flat_map(|(a, b)| (case(a, 1), definition(b), 0..4u8)).prop_map(
        |(case, (other, _), alike)| {
            let own = without_flags(case.definition.clone());
            // About the same dates, so that there is something to compare; and often the same rows.
            let near = Definition {
                min_time: own.min_time,
                max_time: own.max_time,
                since: own.since,
                until: own.until,
                ..without_flags(other)
            };
            let other = match alike {
                0 => near,
                1 => Definition { timezone: own.timezone.clone(), ..near },
                _ => Definition { keep_above: own.keep_above, ..near },
            };
            Pair { case: Case { definition: own, ..case }, other }
        },
    )
}

fn describe(pair: &Pair) -> String {
    let Pair { case, other } = pair;
    let events: String = case.events.iter().map(|event| format!("{event:?}\n")).collect();
    let job = |definition| job_toml(definition, &case.layout, &[]);
    format!("{}\n{}\n{:?}\n{events}", job(&case.definition), job(other), case.layout)
}

/// Runs both definitions, and compares them.
fn compared(pair: &Pair) -> Result<(Sandbox, Value), String> {
    let sandbox = run(&pair.case, &pair.case.arrangements[0], &[])?;
    let other = job_toml(&pair.other, &pair.case.layout, &[]).replace("path = \"out\"", "path = \"other\"");
    write_job(&sandbox, "other.toml", &other);
    let ran = sandbox.dwell(&["run", "other.toml", "--quiet"]);
    if ran.code != Some(0) {
        return Err(ran.stderr);
    }
    let answer = compare(&sandbox, "job.toml", "other.toml", &[])?;
    Ok((sandbox, answer))
}

fn check(same: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if same {
        Ok(())
    } else {
        Err(what())
    }
}

// ---- One definition ----------------------------------------------------------------------------------------

fn is_unchanged(answer: &Value) -> Result<(), String> {
    let sessions = &answer["totals"]["total_sessions"]["a"];
    let unchanged = kinds(answer).iter().all(|(kind, a, b)| kind == "unchanged" && a == b && *a == *sessions);
    check(unchanged, || format!("{sessions} sessions: {:?}", kinds(answer)))?;
    let days = answer["days"].as_array().unwrap().iter().flat_map(|day| day.as_object().unwrap());
    for (name, of) in answer["totals"].as_object().unwrap().iter().chain(days).filter(|(_, of)| of.is_object()) {
        let no_difference = of["difference"].is_null() || of["difference"].as_f64() == Some(0.0);
        let no_ratio = of["ratio"].is_null() || of["ratio"].as_f64() == Some(1.0);
        check(of["a"] == of["b"] && no_difference && no_ratio, || format!("{name}: {of}"))?;
    }
    check(answer["users"] == Value::Array(Vec::new()), || answer["users"].to_string())
}

#[test]
fn a_definition_compared_with_itself_is_unchanged() {
    let case = any::<bool>().prop_flat_map(|custom| case(custom, 1));
    let pair = case.prop_map(|case| {
        let own = without_flags(case.definition.clone());
        Pair { case: Case { definition: own.clone(), ..case }, other: own }
    });
    let unchanged = |pair: &Pair| {
        let (sandbox, answer) = compared(pair)?;
        check(answer["passes"] == 1 && answer["differences"] == Value::Array(Vec::new()), || answer.to_string())?;
        is_unchanged(&answer)?;
        // The same, but not in the same words: the input is read once for each.
        let job = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
        let spelled = match pair.other.keep_above {
            Some(bound) => job.replace(&format!("keep > {bound}"), &format!("(keep > {bound})")),
            None => job.replace("[input]\n", "[input]\nwhere = 'true'\n"),
        };
        write_job(&sandbox, "spelled.toml", &spelled);
        let answer = compare(&sandbox, "job.toml", "spelled.toml", &[])?;
        check(answer["passes"] == 2, || answer.to_string())?;
        is_unchanged(&answer)
    };
    check_any(cases() / 4, pair, unchanged, describe);
}

// ---- Two definitions, and two runs -------------------------------------------------------------------------

fn counts_are_those_of_runs(pair: &Pair) -> Result<(), String> {
    let (sandbox, answer) = compared(pair)?;
    let mapped = |side: &str| {
        let of = answer["mapping"].as_object().unwrap().values();
        of.map(|kind| kind[side].as_u64().unwrap()).sum::<u64>() as i64
    };
    for (side, folder) in [("a", "out"), ("b", "other")] {
        let out = sandbox.path().join(folder);
        let counts = read_counts(&out);
        let all = |reasons: &BTreeMap<String, i64>| reasons.values().sum::<i64>();
        let expected = [
            ("total_sessions", counts.sessions),
            ("active_users", counts.users),
            ("zero_length_sessions", counts.zero_length_sessions),
            ("clock_skew_sessions", counts.clock_skew_sessions),
            ("excluded_sessions", all(&counts.excluded)),
            ("rows", counts.rows),
            ("filtered", counts.filtered),
            ("rejected", all(&counts.rejected)),
            ("duplicates", counts.duplicates),
            ("inactive", counts.inactive),
            ("outside_window", counts.outside_window),
            ("in_session", counts.in_session),
            ("out_of_session", all(&counts.out_of_session)),
        ];
        for (name, count) in expected {
            let found = &answer["totals"][name][side];
            check(*found == count, || format!("{name} of {side}: {count} by a run, {found} compared"))?;
        }
        check(mapped(side) == counts.sessions, || format!("{} of {side} mapped", mapped(side)))?;
        days_are_those_of_a_run(&answer, side, &read_measures(&out))?;
    }
    Ok(())
}

fn days_are_those_of_a_run(answer: &Value, side: &str, rows: &[reference::MeasureRow]) -> Result<(), String> {
    let days = answer["days"].as_array().unwrap();
    for row in rows.iter().filter(|row| row.total_sessions > 0) {
        let near = |a: &Value, b: Option<f64>| match (a.as_f64(), b) {
            (Some(a), Some(b)) => (a - b).abs() <= b.abs() * 1e-12,
            (a, b) => a == b,
        };
        let of = |measure: &Value| measure[side].clone();
        let same = |day: &&Value| {
            let whole = |name: &str, count: Option<i64>| of(&day[name]).as_i64() == count;
            whole("total_sessions", Some(row.total_sessions))
                && whole("active_users", Some(row.active_users))
                && whole("time_spent_ms", Some(row.time_spent_ms))
                && whole("length_p50_ms", row.length_p50_ms)
                && whole("length_p75_ms", row.length_p75_ms)
                && whole("length_p90_ms", row.length_p90_ms)
                && whole("length_p95_ms", row.length_p95_ms)
                && whole("length_p99_ms", row.length_p99_ms)
                && whole("length_max_ms", row.length_max_ms)
                && whole("zero_length_sessions", Some(row.zero_length_sessions))
                && near(&of(&day["avg_length_ms"]), row.avg_length_ms)
                && near(&of(&day["avg_per_user"]), row.avg_per_user)
                && near(&of(&day["time_spent_per_user_ms"]), row.time_spent_per_user_ms)
        };
        check(days.iter().any(|day| same(&day)), || format!("{side}: {row:?} is none of {days:#?}"))?;
    }
    let sessions = days.iter().map(|day| day["total_sessions"][side].as_i64().unwrap());
    check(sessions.sum::<i64>() == rows.iter().map(|row| row.total_sessions).sum::<i64>(), || {
        format!("{side}: other days")
    })
}

#[test]
fn counts_and_days_are_those_of_two_runs_and_kinds_add_up() {
    check_any(cases() / 2, pair(), counts_are_those_of_runs, describe);
}

// ---- Which session became which ----------------------------------------------------------------------------

/// A session, and the numbers of its events.
type Known = (SessionRow, BTreeSet<i64>);

/// Has each event tell its number by what the filter looks at, and leaves out all but one event of each time: which of
/// some that are alike is in which session is nobody's to say.
fn numbered(mut pair: Pair) -> Pair {
    let times = pair.case.layout.read_back(&pair.case.events).events;
    let mut seen = BTreeSet::new();
    let mut place = 0;
    pair.case.events.retain(|_| {
        place += 1;
        seen.insert(times[place - 1].time)
    });
    for (event, number) in pair.case.events.iter_mut().zip(1..) {
        event.keep = Some(match event.keep {
            Some(keep) if keep > 0 => (keep - 1) * 1000 + number,
            _ => -number,
        });
    }
    for definition in [&mut pair.case.definition, &mut pair.other] {
        definition.keep_above = definition.keep_above.map(|bound| bound * 1000);
    }
    pair
}

/// The table of a comparison in plain loops: groups grow until nothing is left that shares an event with them.
fn expected(a: &[Known], b: &[Known]) -> Vec<String> {
    let shared = |a: &Known, b: &Known| match a.0.user_id == b.0.user_id {
        true => a.1.intersection(&b.1).count(),
        false => 0,
    };
    let mut lines = Vec::new();
    let mut line = |change: &str, a: Option<&Known>, b: Option<&Known>, shared: usize| {
        let user = a.or(b).map(|known| known.0.user_id.to_string()).unwrap();
        let of = |known: Option<&Known>| match known {
            Some((row, _)) => {
                format!("{} {} {} {}", row.session_id, clock(row.start_time), clock(row.end_time), row.event_count)
            }
            None => "- - - -".to_owned(),
        };
        lines.push(format!("{user} {change} {} {} {shared}", of(a), of(b)));
    };
    let mut left: BTreeSet<usize> = (0..a.len()).collect();
    while let Some(first) = left.pop_first() {
        let (mut of_a, mut of_b) = (BTreeSet::from([first]), BTreeSet::new());
        loop {
            let size = (of_a.len(), of_b.len());
            of_b.extend((0..b.len()).filter(|y| of_a.iter().any(|x| shared(&a[*x], &b[*y]) > 0)));
            of_a.extend((0..a.len()).filter(|x| of_b.iter().any(|y| shared(&a[*x], &b[*y]) > 0)));
            if size == (of_a.len(), of_b.len()) {
                break;
            }
        }
        left.retain(|x| !of_a.contains(x));
        let change = match (of_a.len(), of_b.len()) {
            (_, 0) => {
                line("gone", Some(&a[first]), None, 0);
                continue;
            }
            (1, 1) => {
                let (x, y) = (&a[first], &b[*of_b.first().unwrap()]);
                let same = x.1 == y.1 && (x.0.start_time, x.0.end_time) == (y.0.start_time, y.0.end_time);
                ["changed", "unchanged"][usize::from(same)]
            }
            (1, _) => "split",
            (_, 1) => "joined",
            _ => "regrouped",
        };
        for x in &of_a {
            for y in &of_b {
                match shared(&a[*x], &b[*y]) {
                    0 => {}
                    shared => line(change, Some(&a[*x]), Some(&b[*y]), shared),
                }
            }
        }
    }
    for of_b in b.iter().filter(|y| a.iter().all(|x| shared(x, y) == 0)) {
        line("new", None, Some(of_b), 0);
    }
    lines.sort();
    lines
}

fn sessions_map_as_in_plain_loops(pair: &Pair) -> Result<(), String> {
    let (sandbox, answer) = compared(pair)?;
    let table = pair.case.layout.read_back(&pair.case.events);
    let known = |definition: &Definition| -> Vec<Known> {
        let sessions = reference::detail(&table, definition, &|_| true).sessions.into_iter();
        sessions.map(|(row, events)| (row, events.iter().filter_map(|event| event.keep).collect())).collect()
    };
    let expected = expected(&known(&pair.case.definition), &known(&pair.other));
    let of = |side: &str| ["session_id", "start_time", "end_time", "event_count"].map(|name| format!("{side}_{name}"));
    let columns = [of("a"), of("b")].concat();
    let columns: Vec<&str> =
        ["user_id", "change"].into_iter().chain(columns.iter().map(String::as_str)).chain(["shared_events"]).collect();
    let mut found = lines_of_file(&sandbox.path().join("compared/sessions.parquet"), &columns);
    found.sort();
    check(found == expected, || format!("passes: {}\n{expected:#?}\nbut\n{found:#?}", answer["passes"]))
}

#[test]
fn sessions_map_as_they_do_in_plain_loops() {
    check_any(cases(), pair().prop_map(numbered), sessions_map_as_in_plain_loops, describe);
}
