//! A comparison for people, as JSON and as CSV.

use std::fmt::Write;
use std::path::Path;

use serde_json::{json, Map, Value};

use super::mapping::Change;
use super::measures::{Amount, Measure, Unit};
use super::users::UserKey;
use super::Answer;
use crate::job::dates::day_text;
use crate::summary::format::{csv_text, csv_writer};
use crate::summary::lines::{harmless, shortened, wrapped};
use crate::summary::text::length_text;
use crate::summary::{grouped, percent};

/// As many of the latest dates are shown to people.
const DATES: usize = 31;
/// A line is at most this wide.
const WIDTH: usize = 100;

/// For people.
pub(super) fn text(answer: &Answer, output: Option<&Path>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (letter, job) in ["A", "B"].into_iter().zip(&answer.jobs) {
        let _ = writeln!(text, "{letter}  {}", harmless(&job.name));
        paragraph(&mut text, "   ", &job.sentence);
    }
    text.push('\n');
    if answer.differences.is_empty() {
        text.push_str("The definitions do not differ.\n");
    }
    for difference in &answer.differences {
        let value = |value: &Option<String>| harmless(value.as_deref().unwrap_or("(not set)"));
        let (a, b) = (value(&difference.was), value(&difference.is));
        paragraph(&mut text, "", &format!("{}: {a} in A, {b} in B", difference.key));
    }
    text.push('\n');
    let line =
        |[name, a, b, difference, ratio]: [&str; 5]| format!("{name:<24}{a:>18}{b:>18}{difference:>18}{ratio:>10}\n");
    text.push_str(&line(["", "A", "B", "difference", "ratio"]));
    for measure in answer.measures.totals.iter().filter(|measure| is_shown(measure)) {
        text.push_str(&line(cells(measure.label, measure).each_ref().map(String::as_str)));
    }
    mapping(&mut text, answer);
    days(&mut text, answer, &line);
    users(&mut text, answer);
    if let Some(output) = output {
        let _ = writeln!(text, "\nAll of it is in {}", output.display());
    }
    text
}

/// Whether a measure says something: what there is none of under either definition does not.
pub(super) fn is_shown(measure: &Measure) -> bool {
    let main = ["total_sessions", "active_users", "in_session", "out_of_session"];
    main.contains(&measure.name) || measure.of.iter().flatten().any(|amount| amount.number() != 0.0)
}

fn cells(name: &str, measure: &Measure) -> [String; 5] {
    let amount =
        |amount: Option<Amount>| amount.map_or_else(|| "–".to_string(), |amount| amount_text(measure.unit, amount));
    let difference = match measure.difference() {
        Some(difference) if difference.number() > 0.0 => format!("+{}", amount_text(measure.unit, difference)),
        difference => amount(difference),
    };
    let ratio = measure.ratio().map_or_else(|| "–".to_string(), |ratio| format!("{ratio:.3}"));
    [name.to_string(), amount(measure.of[0]), amount(measure.of[1]), difference, ratio]
}

fn amount_text(unit: Unit, amount: Amount) -> String {
    let sign = if amount.number() < 0.0 { "-" } else { "" };
    match (unit, amount) {
        (Unit::Count, Amount::Whole(count)) => format!("{sign}{}", grouped(count.unsigned_abs())),
        (Unit::Count, Amount::Quotient(quotient)) => format!("{quotient:.3}"),
        (Unit::Millis, amount) => {
            let millis = amount.number().abs().round() as i64;
            let hours = millis / 3_600_000;
            match hours {
                0..100 => format!("{sign}{}", length_text(millis)),
                _ => format!("{sign}{} h", grouped(hours.unsigned_abs())),
            }
        }
    }
}

fn mapping(text: &mut String, answer: &Answer) {
    let mapping = &answer.mapping;
    let all = |side: usize| mapping.sessions.iter().map(|both| both[side]).sum::<u64>();
    let line = |name: &str, of: [u64; 2], says: &str| {
        let share = |side: usize| percent(of[side], all(side));
        let [a, b] = of.map(grouped);
        format!("{name:<12}{a:>14}{:>9}{b:>14}{:>9}   {says}", share(0), share(1)).trim_end().to_string() + "\n"
    };
    let head = format!("\n{:<12}{:>14}{:>9}{:>14}\n", "Sessions", "of A", "", "of B");
    text.push_str(&head);
    for change in Change::ALL {
        text.push_str(&line(change.name(), mapping.sessions[change as usize], meaning(change)));
    }
    text.push_str(&line("all", [all(0), all(1)], ""));
    for (says, parts) in [("Split into", &mapping.split_into), ("Joined from", &mapping.joined_from)] {
        if parts.is_empty() {
            continue;
        }
        const MOST: usize = 4;
        let mut each: Vec<String> =
            parts.iter().take(MOST).map(|(parts, count)| format!("{parts} ({})", grouped(*count))).collect();
        let more: u64 = parts.values().skip(MOST).sum();
        if more > 0 {
            each.push(format!("more ({})", grouped(more)));
        }
        let _ = writeln!(text, "{says} {}", each.join(", "));
    }
}

pub(super) fn meaning(change: Change) -> &'static str {
    match change {
        Change::Unchanged => "same events, start and end",
        Change::Changed => "one is one, but not the same",
        Change::Split => "one of A is several of B",
        Change::Joined => "several of A are one of B",
        Change::Regrouped => "several of A are several of B",
        Change::Gone => "no event is in a session of B",
        Change::New => "no event is in a session of A",
    }
}

fn days(text: &mut String, answer: &Answer, line: &dyn Fn([&str; 5]) -> String) {
    let days = &answer.measures.days;
    if days.is_empty() {
        return;
    }
    let left_out = days.len().saturating_sub(DATES);
    text.push('\n');
    text.push_str(&line(["Sessions by date", "A", "B", "difference", "ratio"]));
    if left_out > 0 {
        let _ = writeln!(text, "({} earlier dates are in --format csv and json)", grouped(left_out as u64));
    }
    for (day, measures) in &days[left_out..] {
        for measure in measures.iter().filter(|measure| measure.name == "total_sessions") {
            text.push_str(&line(cells(&day_text(*day), measure).each_ref().map(String::as_str)));
        }
    }
}

fn users(text: &mut String, answer: &Answer) {
    if answer.users.is_empty() {
        return;
    }
    let line = |[user, changed, a, b, time_a, time_b]: [&str; 6]| {
        format!("{user:<32}{changed:>12}{a:>12}{b:>12}{time_a:>15}{time_b:>15}\n")
    };
    text.push('\n');
    text.push_str(&line(["Users that change most", "changed", "in A", "in B", "time in A", "time in B"]));
    for (user, row) in &answer.users {
        let name = match user {
            UserKey::Int(number) => number.to_string(),
            UserKey::Text(name) => shortened(&harmless(name), 31),
        };
        let sessions = row.sessions.map(|count| grouped(u64::from(count)));
        let time = row.time_spent_ms.map(|millis| amount_text(Unit::Millis, Amount::Whole(millis)));
        text.push_str(&line([&name, &grouped(row.changed), &sessions[0], &sessions[1], &time[0], &time[1]]));
    }
}

fn paragraph(text: &mut String, indent: &str, words: &str) {
    wrapped(words, WIDTH, indent, indent).iter().for_each(|line| text.extend([line, "\n"]));
}

/// As one JSON object.
pub(super) fn json(answer: &Answer) -> String {
    let measures = |measures: &[Measure]| -> Map<String, Value> {
        measures.iter().map(|measure| (measure.name.to_string(), measure_json(measure))).collect()
    };
    let jobs = answer.jobs.iter().zip(["a", "b"]).map(|(job, letter)| {
        let of = json!({
            "job": job.name,
            "sentence": job.sentence,
            "fingerprint": job.definition.fingerprint(),
            "definition": job.definition.to_json(),
        });
        (letter.to_string(), of)
    });
    let differences = answer.differences.iter();
    let differences: Vec<Value> = differences.map(|key| json!({ "key": key.key, "a": key.was, "b": key.is })).collect();
    let mapping = &answer.mapping;
    let changes = Change::ALL.into_iter().map(|change| {
        let [a, b] = mapping.sessions[change as usize];
        (change.name().to_string(), json!({ "a": a, "b": b, "groups": mapping.groups[change as usize] }))
    });
    let days: Vec<Value> = answer
        .measures
        .days
        .iter()
        .map(|(day, of)| {
            let date = [("date".to_string(), Value::from(day_text(*day)))];
            Value::Object(date.into_iter().chain(measures(of)).collect())
        })
        .collect();
    let users: Vec<Value> = answer
        .users
        .iter()
        .map(|(user, row)| {
            json!({
                "user_id": match user {
                    UserKey::Int(number) => Value::from(*number),
                    UserKey::Text(text) => Value::from(text.as_str()),
                },
                "changed_sessions": row.changed,
                "a_sessions": row.sessions[0],
                "b_sessions": row.sessions[1],
                "a_time_spent_ms": row.time_spent_ms[0],
                "b_time_spent_ms": row.time_spent_ms[1],
                "a_events": row.events[0],
                "b_events": row.events[1],
            })
        })
        .collect();
    let mut all: Map<String, Value> = jobs.collect();
    all.insert("differences".to_string(), differences.into());
    all.insert("passes".to_string(), answer.passes.into());
    all.insert("totals".to_string(), measures(&answer.measures.totals).into());
    all.insert("mapping".to_string(), changes.collect::<Map<_, _>>().into());
    all.insert("split_into".to_string(), json!(mapping.split_into));
    all.insert("joined_from".to_string(), json!(mapping.joined_from));
    all.insert("days".to_string(), days.into());
    all.insert("users".to_string(), users.into());
    format!("{:#}\n", Value::Object(all))
}

fn amount_json(amount: Option<Amount>) -> Value {
    match amount {
        Some(Amount::Whole(whole)) => whole.into(),
        Some(Amount::Quotient(quotient)) => quotient.into(),
        None => Value::Null,
    }
}

fn measure_json(measure: &Measure) -> Value {
    json!({
        "a": amount_json(measure.of[0]),
        "b": amount_json(measure.of[1]),
        "difference": amount_json(measure.difference()),
        "ratio": measure.ratio(),
    })
}

/// As one flat table: totals, then how sessions map, then dates, then users.
pub(super) fn csv(answer: &Answer) -> String {
    let mut csv = csv_writer();
    // Writing to memory cannot fail.
    let _ = csv.write_record(["part", "name", "measure", "a", "b", "difference", "ratio"]);
    let mut line = |part: &str, name: &str, measure: &Measure| {
        let amount = |amount: Option<Amount>| match amount {
            Some(Amount::Whole(whole)) => whole.to_string(),
            Some(Amount::Quotient(quotient)) => quotient.to_string(),
            None => String::new(),
        };
        let [a, b] = measure.of.map(amount);
        let ratio = measure.ratio().map(|ratio| ratio.to_string()).unwrap_or_default();
        let _ = csv.write_record([part, name, measure.name, &a, &b, &amount(measure.difference()), &ratio]);
    };
    answer.measures.totals.iter().for_each(|measure| line("total", "", measure));
    let count = |name: &'static str, of: [i64; 2]| Measure {
        name,
        label: "",
        unit: Unit::Count,
        of: of.map(|count| Some(Amount::Whole(count))),
    };
    for change in Change::ALL {
        let of = answer.mapping.sessions[change as usize].map(|count| count as i64);
        line("mapping", change.name(), &count("total_sessions", of));
    }
    for (day, measures) in &answer.measures.days {
        measures.iter().for_each(|measure| line("date", &day_text(*day), measure));
    }
    for (user, row) in &answer.users {
        let name = match user {
            UserKey::Int(number) => number.to_string(),
            UserKey::Text(text) => text.clone(),
        };
        line("user", &name, &count("total_sessions", row.sessions.map(i64::from)));
        line("user", &name, &count("time_spent_ms", row.time_spent_ms));
        line("user", &name, &count("in_session", row.events.map(|events| events as i64)));
    }
    csv_text(csv)
}
