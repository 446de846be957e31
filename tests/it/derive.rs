//! `[input.derive]` (SPEC 1): columns of one's own in every role, on random tables against the reference, and by hand.

use crate::charts::{read_all, sessions_of, texts_of, write_story, Happened, COLUMNS_AND_CHARTS, SEGMENTS_AND_CHARTS};
use crate::property::{case, cases, check_any, laid_out, Case};
use crate::reference::{self, Definition, Own, Value, PLATFORM, SESSION_ID};
use crate::support::{
    dated_files, first_difference, job_toml, outcome_difference, read_run, table_hashes, uncounted_rows, ColumnType,
    Layout, Ran, Sandbox, TimeType, Unit, DEDUP, PROPERTY, SEQUENCE, USER_COLUMNS,
};
use proptest::prelude::*;
use std::path::Path;

mod by_hand;
mod commands;
mod mistakes;

/// A case, and the roles that derived columns have.
#[derive(Clone, Debug)]
struct Derived {
    case: Case,
    own: Vec<Own>,
}

fn derived(custom: bool, arrangements: usize) -> impl Strategy<Value = Derived> {
    (case(custom, arrangements), prop::collection::vec(any::<bool>(), Own::ALL.len())).prop_map(|(case, chosen)| {
        let is_text = case.layout.time == TimeType::Iso;
        let own = Own::ALL.into_iter().zip(chosen).filter(|(own, chosen)| *chosen && !(is_text && *own == Own::Time));
        Derived { own: own.map(|(own, _)| own).collect(), case }
    })
}

impl Derived {
    /// The same events, as they would be if their files had the columns.
    fn stored(&self) -> Vec<reference::Event> {
        let of = |event: &reference::Event| self.own.iter().fold(event.clone(), |event, own| own.of(&event));
        self.case.events.iter().map(of).collect()
    }

    /// The names of the columns of the roles, in a job that has them derived.
    fn renamed(&self) -> Vec<(&'static str, &'static str)> {
        let of = |own: &Own| match own {
            Own::User => Some((USER_COLUMNS[0], "own_user")),
            Own::Property => Some((PROPERTY, "own_order")),
            Own::Sequence => Some((SEQUENCE, "own_sequence")),
            Own::Dedup => Some((DEDUP, "own id")),
            Own::Keep => Some(("keep", "own_keep")),
            Own::Platform => Some((PLATFORM, "own_surface")),
            Own::Time | Own::Event | Own::SessionId => None,
        };
        self.own.iter().filter_map(of).collect()
    }

    /// The job with the columns, and further lines in the end.
    fn job(&self, more: &str) -> String {
        let Case { definition, layout, .. } = &self.case;
        let mut lines = Vec::new();
        for own in &self.own {
            match own {
                Own::User if layout.users.len() == 1 => lines.push(("input", "user = 'own_user'")),
                Own::Time => lines.push(("input", "time = 'own_time'")),
                Own::Event => lines.push(("input", "event = 'own_event'")),
                Own::SessionId => lines.push(("input", "session_id = 'own_session'")),
                _ => {}
            }
        }
        let job = job_toml(definition, layout, &lines);
        let mut text = String::new();
        for line in job.lines() {
            let mut line = line.to_owned();
            let names_columns = ["user =", "sequence =", "dedup =", "property =", "timeout =", "new_on_change ="];
            if names_columns.iter().any(|key| line.starts_with(key)) {
                for (name, own) in self.renamed() {
                    line = line.replace(&format!("\"{name}\""), &format!("\"{own}\""));
                }
                if self.own.contains(&Own::SessionId) && line.starts_with("property =") {
                    line = line.replace(SESSION_ID, "own_session");
                }
            }
            if self.own.contains(&Own::Keep) {
                line = line.replace("where = \"keep > ", "where = \"own_keep > ");
            }
            text += &(line + "\n");
        }
        let mut more = more.to_owned();
        for (name, own) in self.renamed().into_iter().filter(|(name, _)| [PROPERTY, PLATFORM, "keep"].contains(name)) {
            more = more.replace(&format!("\"{name}\""), &format!("\"{own}\""));
            more = more.replace(&format!("\"{name} "), &format!("\"{own} "));
        }
        text + &more + "[input.derive]\n" + &self.expressions()
    }

    fn expressions(&self) -> String {
        let Layout { users, time, property, session_id, .. } = &self.case.layout;
        let of = |own: &Own| {
            match own {
            Own::User if users[0] == ColumnType::Text => "own_user = \"CASE user_id WHEN 'bob' THEN 'ann' ELSE user_id END\"\n".to_owned(),
            Own::User => "own_user = 'ABS(user_id)'\n".to_owned(),
            Own::Time => {
                let earlier = match time {
                    TimeType::Int(Unit::Seconds) => "7200",
                    TimeType::Int(Unit::Millis) => "7200000",
                    TimeType::Int(Unit::Micros) => "7200000000",
                    TimeType::Int(Unit::Nanos) => "7200000000000",
                    _ => "INTERVAL '2 hours'",
                };
                format!("own_time = \"event_time - {earlier}\"\n")
            }
            Own::Event => {
                "own_event = \"CASE WHEN event_type = 'Zoom' THEN 'view' WHEN event_type <> 'hidden' THEN event_type END\"\n"
                    .to_owned()
            }
            Own::SessionId if *session_id == ColumnType::Text => "own_session = 'TRIM(session_id)'\n".to_owned(),
            Own::SessionId => "own_session = 'IF(session_id < 0, NULL, session_id)'\n".to_owned(),
            Own::Property if *property == ColumnType::Text => {
                "own_order = \"COALESCE(NULLIF(order_id, 'a'), IF(order_id IS NULL, NULL, 'b'))\"\n".to_owned()
            }
            Own::Property => "own_order = 'order_id * 3 - 1'\n".to_owned(),
            Own::Sequence => "own_sequence = '10 * server_seq'\n".to_owned(),
            Own::Dedup => "'own id' = \"REPLACE(insert_id, 'm1', 'm2')\"\n".to_owned(),
            // By way of another one, which stands after it.
            Own::Keep => "own_keep = 'the_other - keep'\nthe_other = '2'\n".to_owned(),
            Own::Platform => {
                "own_surface = \"CASE WHEN surface IS NULL THEN 'web' WHEN surface = 'android' THEN 'ios' ELSE surface END\"\n"
                    .to_owned()
            }
        }
        };
        self.own.iter().map(of).collect()
    }

    /// The definition by the names of the columns, as the tables have them.
    fn as_written(&self) -> Definition {
        let own_session = self.own.contains(&Own::SessionId);
        let name = |property: &String| match property.as_str() {
            SESSION_ID if own_session => "own_session".to_owned(),
            name => {
                let renamed = self.renamed().into_iter().find(|(known, _)| *known == name);
                renamed.map_or(name, |(_, own)| own).to_owned()
            }
        };
        let definition = self.case.definition.clone();
        Definition { property: definition.property.as_ref().map(name), ..definition }
    }

    fn run(&self, arguments: &[&str], more: &str) -> Result<Sandbox, String> {
        let sandbox = laid_out(&self.case, &self.case.arrangements[0]);
        sandbox.job(&self.job(more));
        run(sandbox, &self.case.definition, arguments)
    }
}

fn run(sandbox: Sandbox, definition: &Definition, arguments: &[&str]) -> Result<Sandbox, String> {
    let Ran { code, stdout, stderr } = sandbox.run(definition, arguments);
    match code {
        Some(0) => Ok(sandbox),
        code => Err(format!("exit code {code:?}\n{stdout}\n{stderr}")),
    }
}

fn agrees_with_the_reference(derived: &Derived) -> Result<(), String> {
    // What a run of some dates counts depends on the files.
    let definition = Definition { from: None, to: None, ..derived.case.definition.clone() };
    let derived = &Derived { case: Case { definition, ..derived.case.clone() }, ..derived.clone() };
    let Case { definition, layout, .. } = &derived.case;
    let expected = reference::run(&layout.read_back(&derived.stored()), definition);
    assert_eq!(uncounted_rows(&expected.counts), 0);
    let actual = derived.run(&[], "")?.outcome(&derived.as_written());
    outcome_difference(&expected, &actual).map_or(Ok(()), Err)
}

fn describe(derived: &Derived) -> String {
    let Case { layout, events, arrangements, .. } = &derived.case;
    let events: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
    format!("{}\n{layout:?}\n{arrangements:?}\n{}", derived.job(""), events.join("\n"))
}

#[test]
fn derived_columns_under_the_default_definition_agree_with_the_reference() {
    check_any(cases() / 4, derived(false, 1), agrees_with_the_reference, describe);
}

#[test]
fn derived_columns_under_custom_definitions_agree_with_the_reference() {
    check_any(cases() / 2, derived(true, 1), agrees_with_the_reference, describe);
}

/// The columns of sessions, and all measures, as text.
fn columns_and_charts(out: &Path, names: &[&str]) -> Vec<String> {
    let measures = std::fs::read_to_string(out.join("measures.csv")).unwrap();
    let sessions = rows_of(out, "sessions", "session_date", names);
    sessions.into_iter().chain(measures.lines().map(str::to_owned)).collect()
}

#[test]
fn columns_charts_and_segments_of_derived_columns_are_those_of_stored_ones() {
    const OF_COLUMNS: [&str; 8] =
        ["user_id", "first_order", "last_keep", "total", "engaged", "greatest", "orders", "kept_events"];
    check_any(
        cases() / 12,
        derived(true, 1),
        |derived| {
            let case = Case { events: derived.stored(), ..derived.case.clone() };
            for (more, names) in [(COLUMNS_AND_CHARTS, &OF_COLUMNS[..]), (SEGMENTS_AND_CHARTS, &["user_id"])] {
                let stored = laid_out(&case, &case.arrangements[0]);
                stored.job(&(job_toml(&case.definition, &case.layout, &[]) + more));
                let stored = run(stored, &case.definition, &[])?;
                let own = derived.run(&[], more)?;
                let rows = |sandbox: &Sandbox| columns_and_charts(&sandbox.out(), names);
                if let Some(difference) = first_difference("row", &rows(&stored), &rows(&own)) {
                    return Err(difference);
                }
            }
            Ok(())
        },
        describe,
    );
}

#[test]
fn derived_columns_give_the_same_bytes_whatever_files_threads_and_memory() {
    check_any(
        cases() / 16,
        derived(true, 2),
        |derived| {
            let mut hashes = Vec::new();
            let ways: [&[&str]; 2] = [&["--threads", "1", "--memory-limit", "136MiB"], &["--threads", "8"]];
            for (arrangement, flags) in derived.case.arrangements.iter().zip(ways) {
                let sandbox = laid_out(&derived.case, arrangement);
                sandbox.job(&derived.job(COLUMNS_AND_CHARTS));
                hashes.push(table_hashes(&run(sandbox, &derived.case.definition, flags)?.out()));
            }
            (hashes[0] == hashes[1]).then_some(()).ok_or("the tables differ".to_owned())
        },
        describe,
    );
}

/// Runs a job over a story with these keys of `[input]` and `[session]`, and what comes after.
fn try_with(events: &[Happened<'_>], input: &str, session: &str, rest: &str) -> (Sandbox, Ran) {
    let sandbox = Sandbox::new();
    write_story(&sandbox.path().join("data/events.parquet"), events);
    sandbox.job(&format!("[input]\npath = 'data'\n{input}\n[session]\n{session}\n[output]\npath = 'out'\n{rest}"));
    let ran = sandbox.dwell(&["run", "job.toml", "--quiet"]);
    (sandbox, ran)
}

fn run_with(events: &[Happened<'_>], input: &str, session: &str, rest: &str) -> Sandbox {
    let (sandbox, ran) = try_with(events, input, session, rest);
    ran.expect_code(0);
    sandbox
}

/// Columns of the rows of a table, in the order of their text.
fn rows_of(out: &Path, table: &str, date: &str, names: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    for (_, file) in dated_files(&out.join(table), date) {
        let batch = read_all(&file);
        let columns: Vec<Vec<String>> = names.iter().map(|name| texts_of(&batch, name)).collect();
        let row = |row: usize| columns.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join(" ");
        rows.extend((0..batch.num_rows()).map(row));
    }
    rows.sort();
    rows
}

fn sessions(sandbox: &Sandbox, names: &[&str]) -> Vec<String> {
    rows_of(&sandbox.out(), "sessions", "session_date", names)
}

/// Visits of two people.
const STORY: &[Happened<'static>] = &[
    Happened("ann", "2026-01-01 10:00", "view", &[("page", "/google/a"), ("amt", "1.5"), ("name", "1767261600")]),
    Happened("ann", "2026-01-01 10:05", "view", &[("page", "/bing"), ("name", "1767261600")]),
    Happened("ann", "2026-01-01 10:10", "buy", &[("page", "/google/b"), ("amt", "2.5"), ("name", "1767261600")]),
    Happened("ann", "2026-01-01 10:20", "view", &[]),
    Happened("bob", "2026-01-01 10:00", "view", &[("page", "/bing"), ("amt", "4")]),
    Happened("bob", "2026-01-01 10:50", "view", &[("page", "/bing")]),
];

/// What they came by: the third page of ann is nothing.
const CHANNEL: &str =
    "derive = { channel = \"CASE WHEN page LIKE '/google%' THEN 'search' WHEN page IS NULL THEN 'direct' ELSE 'other' END\" }";
