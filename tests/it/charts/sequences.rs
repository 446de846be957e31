//! Events that follow each other in sessions.

use super::{read_all, run_story, sessions_of, texts_of, try_story, Happened};

const EVENTS: [Happened<'static>; 9] = [
    Happened("ann", "10:00", "look", &[]),
    Happened("ann", "10:05", "look", &[]),
    Happened("ann", "10:06", "click", &[]),
    Happened("ann", "10:12", "buy", &[("amt", "70")]),
    Happened("bob", "11:00", "buy", &[("amt", "70")]),
    Happened("bob", "11:01", "look", &[]),
    Happened("cat", "12:00", "look", &[]),
    Happened("cat", "12:00", "buy", &[("amt", "20")]),
    Happened("dan", "13:00", "look", &[]),
];

fn sessions(steps: &str, within: &str) -> Vec<String> {
    let within = if within.is_empty() { String::new() } else { format!(", within = '{within}'") };
    let told = run_story(&EVENTS, &format!("[[chart]]\nname = 'x'\nsequence = {{ steps = [{steps}]{within} }}\n"));
    sessions_of(&told.out(), "x", "A")
}

#[test]
fn sessions_are_counted_in_which_events_follow_each_other_in_time() {
    let (look, buy) = ("{ event = 'look' }", "{ event = 'buy' }");
    // Events of one time are in the order of their types, as they are cut: buy comes before look.
    assert_eq!(sessions(&format!("{look}, {buy}"), ""), ["all - 1"]);
    assert_eq!(sessions(&format!("{buy}, {look}"), ""), ["all - 2"]);
    // From the second look it is seven minutes, which are included.
    assert_eq!(sessions(&format!("{look}, {buy}"), "7m"), ["all - 1"]);
    assert_eq!(sessions(&format!("{look}, {buy}"), "419999999us"), ["all - 0"]);
    assert_eq!(sessions(&format!("{look}, {look}, {buy}"), "12m"), ["all - 1"]);
    assert_eq!(sessions(&format!("{look}, {look}, {buy}"), "11m"), ["all - 0"]);
    // Each step is another event.
    assert_eq!(sessions(&format!("{look}, {look}, {look}"), ""), ["all - 0"]);
    assert_eq!(sessions("{ event = 'look' }, { event = 'buy', where = \"amt > 50\" }", ""), ["all - 1"]);
}

#[test]
fn equal_events_may_be_taken_in_any_order() {
    let events = [
        Happened("ann", "10:00", "view", &[("page", "B")]),
        Happened("ann", "10:00", "view", &[("page", "A"), ("name", "x")]),
        Happened("bob", "10:00", "view", &[("page", "A"), ("name", "x")]),
        Happened("cat", "10:00", "view", &[("page", "B"), ("name", "x")]),
        Happened("cat", "10:00", "view", &[("page", "A"), ("name", "x")]),
        Happened("cat", "10:01", "view", &[("page", "A"), ("name", "x")]),
    ];
    let job = |first: &str, second: &str| {
        format!("[[chart]]\nname = 'x'\nsequence = {{ steps = [{{ where = \"{first}\" }}, {{ where = \"{second}\" }}], within = '1us' }}\n")
    };
    for (first, second, expected) in [
        ("page = 'A'", "page = 'B'", "all - 2"),
        ("page = 'B'", "page = 'A'", "all - 2"),
        ("page = 'A'", "name = 'x'", "all - 1"),
        ("name = 'x'", "name = 'x'", "all - 1"),
        ("page = 'B'", "page = 'B'", "all - 0"),
    ] {
        let told = run_story(&events, &job(first, second));
        assert_eq!(sessions_of(&told.out(), "x", "A"), [expected], "{first}, {second}");
    }
}

#[test]
fn another_time_within_takes_the_tables_alone_and_inspect_lists_the_sessions() {
    let job = |within: &str| {
        format!(
            "[[chart]]\nname = 'x'\nsequence = {{ steps = [{{ event = 'look' }}, {{ event = 'buy' }}]{within} }}\n\
             [[chart]]\nname = 'both'\nformula = 'SESSIONTOTALS(A) / SESSIONTOTALS(B)'\n\
             [[chart.series]]\nsequence = {{ steps = [{{ event = 'look' }}, {{ event = 'buy' }}] }}\n[[chart.series]]\n"
        )
    };
    let told = run_story(&EVENTS, &job(""));
    let table = read_all(&told.out().join("sessions/session_date=2026-01-05/part-0.parquet"));
    // Microseconds of the shortest way there.
    assert_eq!(texts_of(&table, "shortest_look_buy"), ["420000000", "-", "-", "-"]);
    assert_eq!(super::formula_of(&told.out(), "both"), ["- 0.25"]);
    let text = std::fs::read_to_string(told.path().join("job.toml")).unwrap();
    told.job(&text.replacen("}] }", "}], within = '1m' }", 1));
    let ran = told.dwell(&["charts", "job.toml"]);
    assert!(ran.expect_code(0).stderr.contains("\"look\", then \"buy\", within 1m"), "{}", ran.stderr);
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["all - 0"]);
    told.job(&text);
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "x", "--format", "csv"]);
    let rows: Vec<&str> = ran.expect_code(0).stdout.lines().collect();
    assert!(rows.len() == 2 && rows[1].starts_with("ann,") && rows[1].contains("420000000"), "{rows:?}");
    // Steps that the tables do not have take a run.
    told.job(&text.replace("event = 'buy'", "event = 'click'"));
    let ran = told.dwell(&["charts", "job.toml"]);
    assert!(ran.expect_code(2).stderr.contains("shortest time of \"look\", then \"click\""), "{}", ran.stderr);
}

#[test]
fn steps_that_make_no_sequence_are_refused() {
    for (keys, parts) in [
        ("{ steps = [] }", &["`chart.sequence.steps`", "in their order"][..]),
        ("{ within = '5m' }", &["`chart.sequence.steps`"]),
        ("{ steps = [{ event = 'a' }] }", &["`chart.sequence.steps`", "one step", "`contains`"]),
        ("{ steps = [{ event = 'a' }, {}] }", &["`chart.sequence.steps.event`", "`where`"]),
        ("{ steps = [{ event = 'a' }, { event = 'b' }], within = '0s' }", &["`chart.sequence.within`", "zero"]),
        ("{ steps = [{ event = 'a' }, { event = 'b', name = 'x' }] }", &["`chart.sequence.steps.name`"]),
        ("{ steps = [{ event = 'a' }, { where = 'pagee = 1' }] }", &["pagee", "the chart \"x\"", "did you mean page?"]),
    ] {
        let ran = try_story(&EVENTS, &format!("[[chart]]\nname = 'x'\nsequence = {keys}\n")).1;
        ran.expect_code(2);
        assert!(parts.iter().all(|part| ran.stderr.contains(part)), "{keys}: {}", ran.stderr);
    }
    let many = vec!["{ event = 'a' }"; 21].join(", ");
    let ran = try_story(&EVENTS, &format!("[[chart]]\nname = 'x'\nsequence = {{ steps = [{many}] }}\n")).1;
    assert!(ran.expect_code(2).stderr.contains("at most 20"), "{}", ran.stderr);
}
