//! Each place that names a column, with one of one's own.

use super::*;

#[test]
fn a_property() {
    let sandbox = run_with(STORY, CHANNEL, "property = 'channel'\ntimeout = '30m'", "");
    assert_eq!(
        sessions(&sandbox, &["user_id", "channel", "event_count", "first_event", "last_event"]),
        [
            "ann direct 1 view view",
            "ann other 1 view view",
            "ann search 2 view buy",
            "bob other 1 view view",
            "bob other 1 view view"
        ]
    );
    // Of numbers, truths and dates, too: 10:20 has no amount.
    for (expression, expected) in [
        ("CAST(amt * 2 AS BIGINT)", ["ann 3 1", "ann 5 1", "bob 8 1"]),
        ("amt > 2", ["ann false 1", "ann true 1", "bob true 1"]),
        ("amt / 2", ["ann 0.75 1", "ann 1.25 1", "bob 2.0 1"]),
        (
            "DATE '2026-01-01' + CAST(CEIL(amt) AS INTEGER)",
            ["ann 2026-01-03 1", "ann 2026-01-04 1", "bob 2026-01-05 1"],
        ),
    ] {
        let input = format!("where = 'amt IS NOT NULL'\nderive = {{ own = \"{expression}\" }}");
        let sandbox = run_with(STORY, &input, "property = 'own'\ntimeout = '30m'", "");
        assert_eq!(sessions(&sandbox, &["user_id", "own", "event_count"]), expected, "{expression}");
    }
}

#[test]
fn a_name_with_a_dot_means_that_column_before_something_inside_of_another() {
    // Whatever their order: that of names.
    for name in ["aa", "zz"] {
        let input = format!("derive = {{ {name} = 'x.y', x = 'page', 'x.y' = \"'one'\" }}");
        let sandbox = run_with(STORY, &input, &format!("property = '{name}'\ntimeout = '1d'"), "");
        assert_eq!(sessions(&sandbox, &["user_id", name]), ["ann one", "bob one"], "{name}");
    }
    let input = "derive = { x = '\"x.y\"', 'x.y' = 'UPPER(user_id)' }";
    let sandbox = run_with(STORY, input, "property = 'x'\ntimeout = '1d'", "");
    assert_eq!(sessions(&sandbox, &["user_id", "x"]), ["ann ANN", "bob BOB"]);
}

#[test]
fn a_timeout_by_a_column_and_a_new_value_of_one() {
    let session = "timeout = { by = 'channel', search = '5m', default = '30m' }";
    let sandbox = run_with(STORY, CHANNEL, session, "");
    // The silence after each of the two searches is too long.
    assert_eq!(sessions(&sandbox, &["user_id", "event_count"]), ["ann 1", "ann 1", "ann 2", "bob 1", "bob 1"]);
    let sandbox = run_with(STORY, CHANNEL, "timeout = '2h'\nnew_on_change = 'channel'", "");
    assert_eq!(
        sessions(&sandbox, &["user_id", "event_count", "end_reason"]),
        ["ann 1 change", "ann 1 change", "ann 1 change", "ann 1 end_of_data", "bob 2 end_of_data"]
    );
}

#[test]
fn a_condition() {
    let input = format!("where = \"channel <> 'search' AND user_id = 'ann'\"\n{CHANNEL}");
    let sandbox = run_with(STORY, &input, "timeout = '30m'", "");
    assert_eq!(sessions(&sandbox, &["user_id", "event_count"]), ["ann 2"]);
    let run = read_run(&sandbox.out());
    assert_eq!((run["filtered"].as_i64(), run["rows"].as_i64()), (Some(4), Some(6)), "{run:#}");
}

#[test]
fn users_times_types_sequences_and_unique_ids() {
    let derive = "[input.derive]\nwho = \"CONCAT('u-', user_id)\"\nwhen = \"event_time + INTERVAL '1 day'\"\n\
                  kind = \"UPPER(event_type)\"\nid = \"SPLIT_PART(page, '/', 2)\"\nnumber = \"CAST(amt * 10 AS BIGINT)\"\n";
    let input = "user = 'who'\ntime = 'when'\nevent = 'kind'\ndedup = 'id'\nsequence = 'number'";
    let sandbox = run_with(STORY, input, "timeout = '30m'", derive);
    // /google/b is the same as /google/a, and the second /bing of bob, as the first.
    assert_eq!(
        rows_of(&sandbox.out(), "sessions", "session_date", &["user_id", "event_count", "last_event"]),
        ["u-ann 3 VIEW", "u-bob 1 VIEW"]
    );
    assert!(sandbox.out().join("sessions/session_date=2026-01-02").is_dir());
    assert_eq!(read_run(&sandbox.out())["duplicates"].as_i64(), Some(2));
    // Times that are numbers have a unit, and those that are text are read.
    for (expression, unit) in [("EPOCH_MS(event_time)", "time_unit = 'ms'"), ("CAST(event_time AS VARCHAR)", "")] {
        let derive = format!("[input.derive]\nat = \"{expression}\"\n");
        let sandbox = run_with(STORY, &format!("time = 'at'\n{unit}"), "timeout = '30m'", &derive);
        let plain = run_with(STORY, "", "timeout = '30m'", "");
        let names = ["user_id", "session_id", "length_ms", "event_count"];
        assert_eq!(sessions(&sandbox, &names), sessions(&plain, &names), "{expression}");
    }
}

#[test]
fn a_session_id_of_seconds_as_one_of_milliseconds() {
    let derive = "[input.derive]\nsession_ms = 'CAST(name AS BIGINT) * 1000'\n";
    let sandbox = run_with(STORY, "session_id = 'session_ms'", "", derive);
    assert_eq!(
        sessions(&sandbox, &["user_id", "session_id", "length_ms", "event_count"]),
        ["ann 1767261600000 600000 3"]
    );
}

#[test]
fn a_whole_number_that_may_not_fit_is_looked_at() {
    // Floating, and yet whole in all rows: integers; with a fraction somewhere they are no ids.
    let derive = |expression: &str| format!("[input.derive]\nown = \"{expression}\"\n");
    let sandbox = run_with(STORY, "session_id = 'own'", "", &derive("CAST(name AS DOUBLE) * 1000"));
    assert_eq!(sessions(&sandbox, &["session_id", "event_count"]), ["1767261600000 3"]);
    // Too large for 64 bits in one of them: text in all tables.
    let huge = "IF(page = '/bing', 1e19, 7e0)";
    let sandbox = run_with(STORY, "where = 'page IS NOT NULL'\nuser = 'own'", "timeout = '30m'", &derive(huge));
    assert_eq!(
        sessions(&sandbox, &["user_id", "event_count"]),
        ["10000000000000000000 1", "10000000000000000000 2", "7 2"]
    );
}

#[test]
fn columns_charts_segments_and_the_table_of_events() {
    let rest = r#"
        events = ["channel", "twice"]
        [input.derive]
        channel = "CASE WHEN page LIKE '/google%' THEN 'search' WHEN page IS NULL THEN 'direct' ELSE 'other' END"
        twice = "amt * 2"
        [[column]]
        name = "came_by"
        first = "channel"
        [[column]]
        name = "spent"
        sum = "twice"
        [[column]]
        name = "searches"
        count = "*"
        where = "channel = 'search'"
        [[segment]]
        name = "by channel"
        by = "channel"
        [[segment]]
        name = "no search"
        where = "channel <> 'search'"
        [[chart]]
        name = "visits"
        interval = "total"
        segments = ["all", "by channel", "no search"]
        [[chart]]
        name = "groups"
        interval = "total"
        group_by = { first = "channel" }
        contains = [{ where = "twice >= 3" }]
        count = { event = "view", property = "twice" }
    "#;
    let sandbox = run_with(STORY, "", "timeout = '30m'", rest);
    assert_eq!(
        sessions(&sandbox, &["user_id", "came_by", "spent", "searches"]),
        ["ann search 8.0 2", "bob other 0.0 0", "bob other 8.0 0"]
    );
    let series = |chart: &str| -> Vec<String> {
        let measures = read_all(&sandbox.out().join("measures.parquet"));
        let names = texts_of(&measures, "series");
        let charts = texts_of(&measures, "chart");
        let mut known: Vec<String> =
            names.into_iter().zip(charts).filter(|(_, of)| of == chart).map(|(name, _)| name).collect();
        known.dedup();
        known
    };
    let visits = sessions_of(&sandbox.out(), "visits", &series("visits")[0]);
    for row in ["all - 3", "by channel=direct - 1", "by channel=other - 3", "by channel=search - 1", "no search - 3"] {
        assert!(visits.contains(&row.to_owned()), "{row}: {visits:?}");
    }
    assert_eq!(sessions_of(&sandbox.out(), "groups", &series("groups")[0]), ["all other 1", "all search 1"]);
    let listed = rows_of(&sandbox.out(), "events", "event_date", &["user_id", "channel", "twice", "session_position"]);
    assert_eq!(
        listed,
        ["ann direct - 4", "ann other - 2", "ann search 3.0 1", "ann search 5.0 3", "bob other - 1", "bob other 8.0 1"]
    );
}

#[test]
fn a_column_of_folders_and_one_that_files_do_not_have() {
    let sandbox = Sandbox::new();
    for (day, events) in [("1", &STORY[..3]), ("2", &STORY[3..])] {
        write_story(&sandbox.path().join(format!("data/day={day}/events.parquet")), events);
    }
    let other = Layout { without: vec![PLATFORM], ..Layout::default() };
    let event = |time: &str| reference::Event {
        users: vec![Some(Value::Text("cid".to_owned()))],
        time: Some(crate::support::at(time)),
        ..Default::default()
    };
    sandbox.events("day=3/other.parquet", &other, &[event("2026-01-01 10:00")]);
    sandbox.job(
        "[input]\npath = 'data'\n[input.derive]\nown = \"CONCAT(day, '-', COALESCE(page, 'nothing'))\"\n\
         [session]\ntimeout = '30m'\nproperty = 'own'\n[output]\npath = 'out'\n",
    );
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    assert_eq!(
        sessions(&sandbox, &["user_id", "own"]),
        [
            "ann 1-/bing",
            "ann 1-/google/a",
            "ann 1-/google/b",
            "ann 2-nothing",
            "bob 2-/bing",
            "bob 2-/bing",
            "cid 3-nothing"
        ]
    );
}

#[test]
fn text_of_dictionaries_is_codes_again_also_where_rows_are_null() {
    // Enough rows for dictionaries to be kept as such, one of whose texts the expression fails on in no row that passes.
    let events: Vec<Happened<'_>> = (0..3_000)
        .map(|number| {
            let properties: &[(&str, &str)] = match number % 4 {
                0 => &[("page", "12"), ("type", "web")],
                1 => &[("page", "no number"), ("type", "bot")],
                2 => &[("type", "web")],
                _ => &[("page", "7"), ("type", "web")],
            };
            Happened("ann", "2026-01-01 10:00", "view", properties)
        })
        .collect();
    let input = "where = \"type <> 'bot'\"\nderive = { own = \"CASE WHEN CAST(page AS INTEGER) > 10 THEN 'many' WHEN page IS NULL THEN 'none' END\" }";
    let sandbox = run_with(&events, input, "timeout = '30m'\nproperty = 'own'", "");
    assert_eq!(sessions(&sandbox, &["own", "event_count"]), ["many 750", "none 750"]);
    assert_eq!(read_run(&sandbox.out())["out_of_session"]["no_property"].as_i64(), Some(750));
    // Where one passes, the run says which.
    let (_, ran) = try_with(&events, &input.replace("'bot'", "'x'"), "timeout = '30m'\nproperty = 'own'", "");
    ran.expect_code(2);
    assert!(ran.stderr.contains("`input.derive.own` fails on values of"), "{}", ran.stderr);
}
