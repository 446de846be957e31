//! Stories with their values by hand.

use super::{formula_of, numbers_of, read_all, run_story, sessions_of, texts_of, try_story, Happened};

/// Three sessions of three users.
const SHOP: [Happened<'static>; 6] = [
    Happened("ann", "10:00", "page_view", &[("page", "A")]),
    Happened("ann", "10:01", "click", &[("name", "1A"), ("type", "Ad")]),
    Happened("ann", "10:05", "page_view", &[("page", "B")]),
    Happened("bob", "11:00", "page_view", &[("page", "B"), ("name", "1A"), ("type", "Ad")]),
    Happened("bob", "11:02", "click", &[("name", "1B"), ("type", "Ad")]),
    Happened("cat", "12:00", "buy", &[("amt", "15")]),
];

#[test]
fn bounce_entry_and_exit_rates_are_what_the_example_says() {
    let preset = |name: &str, preset: &str, property: &str| {
        format!("[[chart]]\nname = '{name}'\npreset = '{preset}'\nproperty = '{property}'\nevent = 'page_view'\n")
    };
    let job = preset("bounce by name", "bounce_rate", "name")
        + &preset("entry by name", "entry_rate", "name")
        + &preset("exit by name", "exit_rate", "name")
        + &preset("entry by page", "entry_rate", "page")
        + &preset("exit by page", "exit_rate", "page")
        + &preset("bounce by page", "bounce_rate", "page");
    let told = run_story(&SHOP, &job);
    let of = |chart| formula_of(&told.out(), chart);
    assert_eq!(of("bounce by name"), ["1A 50.00", "(none) 0.00"]);
    assert_eq!(sessions_of(&told.out(), "bounce by name", "B"), ["all 1A 2", "all (none) 1"]);
    assert_eq!(sessions_of(&told.out(), "bounce by name", "A"), ["all 1A 1"], "the second session only");
    assert_eq!(of("entry by name"), ["1A 66.67", "(none) 33.33"]);
    assert_eq!(of("exit by name"), ["1A 33.33", "1B 33.33", "(none) 33.33"]);
    assert_eq!(of("entry by page"), ["A 33.33", "B 33.33", "(none) 33.33"]);
    assert_eq!(of("exit by page"), ["B 66.67", "(none) 33.33"]);
    // A page from which nobody bounces is a page all the same.
    assert_eq!(of("bounce by page"), ["A 0.00", "B 100.00", "(none) 0.00"], "both have one session");
}

#[test]
fn presets_may_take_their_property_from_the_events_of_one_type_only() {
    let job = "[[chart]]\nname = 'x'\npreset = 'exit_rate'\nproperty = 'name'\nevent = 'page_view'\nlevel = 'event'\n";
    let told = run_story(&SHOP, job);
    assert_eq!(formula_of(&told.out(), "x"), ["1A 33.33", "(none) 66.67"]);
}

#[test]
fn the_presets_are_the_formulas_of_the_specification() {
    let job = "
        [[chart]]
        name = 'preset'
        preset = 'bounce_rate'
        property = 'name'
        event = 'page_view'
        [[chart]]
        name = 'formula'
        formula = '%: SESSIONTOTALS(A) / SESSIONTOTALS(B)'
        [[chart.series]]
        contains = [{ event = 'page_view', at_least = 1, at_most = 1 }]
        group_by = { first = 'name' }
        [[chart.series]]
        group_by = { first = 'name' }";
    let told = run_story(&SHOP, job);
    assert_eq!(formula_of(&told.out(), "preset"), formula_of(&told.out(), "formula"));
}

#[test]
fn a_filter_on_raw_events_changes_lengths_and_a_session_filter_does_not() {
    let lengths = |job: &str, input: &str| {
        let (told, _) = super::try_story(&SHOP, &format!("{job}\n[[segment]]\nname = 's'\nwhere = \"{input}\"\n"));
        let measures = read_all(&told.out().join("measures.parquet"));
        let spent = texts_of(&measures, "time_spent_ms");
        texts_of(&measures, "segment")
            .into_iter()
            .zip(spent)
            .map(|(segment, spent)| format!("{segment} {spent}"))
            .collect::<Vec<_>>()
    };
    // Of ann's and bob's sessions, five and two minutes long, only the first has two page views.
    let job = "[[chart]]\nname = 'x'\nsegments = ['all', 's']\ncontains = [{ event = 'page_view', at_least = 2 }]\n";
    assert_eq!(lengths(job, "event_type = 'page_view'"), ["all 300000", "s 300000"]);
    let job = "[[chart]]\nname = 'x'\nsegments = ['all', 's']\n";
    assert_eq!(lengths(job, "event_type = 'click'"), ["all 420000", "s 0"], "a click by itself has no length");
}

#[test]
fn lengths_are_from_min_length_until_before_max_length() {
    let chart = |name: &str, keys: &str| format!("[[chart]]\nname = '{name}'\n{keys}\n");
    let job = chart("from 2m", "min_length = '2m'")
        + &chart("until 2m", "max_length = '2m'")
        + &chart("2m to 5m", "min_length = '2m'\nmax_length = '5m'");
    let told = run_story(&SHOP, &job);
    assert_eq!(sessions_of(&told.out(), "from 2m", "A"), ["all - 2"]);
    assert_eq!(sessions_of(&told.out(), "until 2m", "A"), ["all - 1"]);
    assert_eq!(sessions_of(&told.out(), "2m to 5m", "A"), ["all - 1"]);
}

#[test]
fn null_passes_negations_and_nothing_else() {
    let tests = [
        ("is", "value = '1A'", 2),
        ("is_not", "value = '1A'", 1),
        ("is_not", "value = '1B'", 3),
        ("contains", "value = 'A'", 2),
        ("contains", "value = 'a'", 2),
        ("not_contains", "value = 'a'", 1),
        ("starts_with", "value = '1'", 2),
        ("starts_with", "value = 'A'", 0),
        ("not_starts_with", "value = '1'", 1),
        ("not_starts_with", "value = 'x'", 3),
        ("ends_with", "value = 'a'", 2),
        ("not_ends_with", "value = '1'", 3),
        ("glob", "value = '?a'", 2),
        ("glob", "value = 'a'", 0),
        ("not_glob", "value = '[0-9]*'", 1),
        ("not_in", "value = ['1A', 'x']", 1),
        ("not_in", "value = ['1a']", 3),
        (">", "value = '1'", 2),
        ("<", "value = '1A'", 0),
        ("<=", "value = '1A'", 2),
        ("in", "value = ['1A', 'x']", 2),
        ("is_set", "", 2),
        ("is_not_set", "", 1),
    ];
    let comma = |value: &str| if value.is_empty() { String::new() } else { format!(", {value}") };
    let charts = tests.iter().enumerate().map(|(place, (op, value, _))| {
        format!("[[chart]]\nname = '{place}'\nfirst = {{ property = 'name', op = '{op}'{} }}\n", comma(value))
    });
    let told = run_story(&SHOP, &charts.collect::<String>());
    for (place, (op, value, expected)) in tests.iter().enumerate() {
        let rows = sessions_of(&told.out(), &place.to_string(), "A");
        assert_eq!(rows, [format!("all - {expected}")], "{op} {value}");
    }
}

#[test]
fn numbers_are_compared_as_numbers() {
    let chart = |name: &str, test: &str| format!("[[chart]]\nname = '{name}'\nlast = {{ property = 'amt', {test} }}\n");
    let job = chart("above", "op = '>', value = 9")
        + &chart("is", "op = 'is', value = 15.0")
        + &chart("text", "op = '<', value = '9'");
    let told = run_story(&SHOP, &job);
    let of = |chart| sessions_of(&told.out(), chart, "A");
    assert_eq!([of("above"), of("is"), of("text")], [["all - 1"], ["all - 1"], ["all - 0"]]);
    let (_, ran) = try_story(&SHOP, &chart("x", "op = '<', value = 'much'"));
    ran.expect_code(2);
    assert!(ran.stderr.contains("much") && ran.stderr.contains("numbers"), "{}", ran.stderr);
}

#[test]
fn events_within_sessions_are_counted_and_their_property_summed() {
    let job = "
        [[chart]]
        name = 'clicks'
        count = { event = 'click' }
        buckets = [0, 1, 2]
        [[chart]]
        name = 'revenue'
        count = { event = 'buy', property = 'amt' }
        formula = '$: PROPSUM(A) / UNIQUES(A)'
        [[chart]]
        name = 'all events'
        formula = 'EVENTTOTALS(A) + PROPSUM(A) / 60'";
    let told = run_story(&SHOP, job);
    let measures = read_all(&told.out().join("measures.parquet"));
    assert_eq!(texts_of(&measures, "total_events")[0], "2");
    assert_eq!(numbers_of(&measures, "avg_events_per_session")[0], Some(2.0 / 3.0), "over all sessions");
    assert_eq!(formula_of(&told.out(), "revenue"), ["- 5.00"], "all three sessions are of the series");
    assert_eq!(formula_of(&told.out(), "all events"), ["- 13.00"], "six events, seven minutes");
    let histogram = read_all(&told.out().join("histogram.parquet"));
    let bins = texts_of(&histogram, "bin_start").into_iter().zip(texts_of(&histogram, "bin_end"));
    let rows: Vec<_> =
        bins.zip(texts_of(&histogram, "sessions")).map(|((start, end), n)| format!("{start} {end} {n}")).collect();
    assert_eq!(rows, ["0 1 1", "1 2 2"], "a chart of a number has no histogram");
    assert_eq!(texts_of(&histogram, "unit")[0], "events");
}

#[test]
fn a_formula_that_is_a_histogram_draws_that_series_alone() {
    let job = "
        [[chart]]
        name = 'x'
        formula = 'HIST(B)'
        [[chart.series]]
        [[chart.series]]
        count = { event = 'click' }";
    let told = run_story(&SHOP, job);
    let histogram = read_all(&told.out().join("histogram.parquet"));
    assert!(texts_of(&histogram, "series").iter().all(|series| series == "B") && histogram.num_rows() > 0);
}

#[test]
fn a_chart_has_all_intervals_of_its_dates_also_where_nothing_matches() {
    let view = |user, time, page| Happened(user, time, "view", page);
    let events = [
        view("ann", "2026-01-05 10:00", &[("page", "A")]),
        view("ann", "2026-01-07 10:00", &[("page", "B")]),
        view("bob", "2026-01-09 12:00", &[]),
    ];
    let job = "
        [[segment]]
        name = 'buys'
        where = \"event_type = 'buy'\"
        [[segment]]
        name = 'by page'
        by = 'page'
        [[chart]]
        name = 'days'
        first = { property = 'page', op = 'is', value = 'B' }
        [[chart]]
        name = 'nothing'
        segments = ['all', 'buys']
        min_length = '1h'
        group_by = { first = 'page' }
        formula = '%: SESSIONTOTALS(A) / SESSIONTOTALS(A)'
        [[chart]]
        name = 'dates'
        from = '2026-01-04'
        to = '2026-01-06'
        segments = ['by page', 'all']
        [[chart]]
        name = 'since'
        from = '2026-01-08'
        group_by = { first = 'page' }
        [[chart]]
        name = 'hours'
        interval = 'hour'
        from = '2026-01-09'";
    let told = run_story(&events, job);
    let of = |chart, series| sessions_of(&told.out(), chart, series);
    assert_eq!(of("days", "A"), ["all - 0", "all - 0", "all - 1", "all - 0", "all - 0"]);
    assert_eq!(of("nothing", "A"), [["all - 0"; 5], ["buys - 0"; 5]].concat(), "no group is no value");
    assert_eq!(formula_of(&told.out(), "nothing"), ["- null"; 10]);
    assert_eq!(of("dates", "A"), ["by page=A - 0", "by page=A - 1", "by page=A - 0", "all - 0", "all - 1", "all - 0"]);
    assert_eq!(of("since", "A"), ["all (none) 0", "all (none) 1"]);
    assert_eq!(of("hours", "A").len(), 13, "from the first hour of the date to that of the last session");
}

#[test]
fn weeks_and_years_begin_when_the_output_says() {
    let events = [
        Happened("ann", "2026-01-03 10:00", "view", &[]),
        Happened("ann", "2026-01-04 10:00", "view", &[]),
        Happened("bob", "2026-03-31 10:00", "view", &[]),
        Happened("bob", "2026-04-01 10:00", "view", &[]),
    ];
    let chart = |interval: &str| format!("[[chart]]\nname = '{interval}'\ninterval = '{interval}'\n");
    let charts = ["week", "quarter", "year", "month"].map(chart).concat();
    let told = run_story(&events, &format!("week_start = 'sunday'\nyear_start = 'february'\n{charts}"));
    let rows = |told: &crate::support::Sandbox, chart: &str| -> Vec<String> {
        let csv = std::fs::read_to_string(told.out().join("measures.csv")).unwrap();
        let lines = csv.lines().filter(|line| line.starts_with(&format!("{chart},")));
        let row = |line: &str| line.split(',').skip(4).take(2).collect::<Vec<_>>().join(" ").replace("T00:00:00Z", "");
        lines.map(row).filter(|row| !row.ends_with(" 0")).collect()
    };
    let weeks = ["2025-12-28 1", "2026-01-04 1", "2026-03-29 2"];
    assert_eq!(rows(&told, "week"), weeks);
    assert_eq!(rows(&told, "quarter"), ["2025-11-01 2", "2026-02-01 2"]);
    assert_eq!(rows(&told, "year"), ["2025-02-01 2", "2026-02-01 2"]);
    assert_eq!(rows(&told, "month"), ["2026-01-01 2", "2026-03-01 1", "2026-04-01 1"]);
    // It is about charts alone: the tables stay, and dwell charts takes another one.
    let head = "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n";
    told.job(&format!("{head}{charts}"));
    told.dwell(&["charts", "job.toml", "--quiet"]).expect_code(0);
    assert_eq!(rows(&told, "week"), ["2025-12-29 2", "2026-03-30 2"]);
    told.job(&format!("{head}week_start = 'sunday'\n{charts}"));
    told.dwell(&["run", "job.toml", "--incremental", "--quiet"]).expect_code(0);
    assert_eq!(rows(&told, "week"), weeks);
    assert_eq!(rows(&told, "year"), ["2026-01-01 4"]);
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "week", "--interval", "2026-01-04", "--format", "csv"]);
    assert_eq!(ran.expect_code(0).stdout.lines().count(), 2);
    for (key, value, said) in [("week_start", "sundey", "sunday"), ("year_start", "4", "january, february")] {
        told.job(&format!("{head}{key} = '{value}'\n{charts}"));
        let ran = told.dwell(&["charts", "job.toml"]);
        assert!(ran.code == Some(2) && ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn several_formulas_are_columns_of_one_row() {
    let job = "
        [[chart]]
        name = 'x'
        formulas = ['%: sessiontotals(a) / SessionTotals(B)', 'UNIQUES(a)', '1 / EVENTTOTALS(A) / 0']
        [[chart.series]]
        contains = [{ event = 'page_view' }]
        [[chart.series]]
        [[chart]]
        name = 'y'
        formula = 'uniques(A)'";
    let told = run_story(&SHOP, job);
    let measures = read_all(&told.out().join("measures.parquet"));
    let of = |name: &str| -> Vec<Option<f64>> {
        let series = texts_of(&measures, "series");
        let rows = numbers_of(&measures, name).into_iter().zip(series);
        rows.filter(|(_, series)| series == "formula").map(|(value, _)| value).collect()
    };
    assert_eq!(of("formula_1"), [Some(2.0 / 3.0 * 100.0), None]);
    assert_eq!(of("formula_2"), [Some(2.0), None]);
    assert_eq!((of("formula_3"), of("formula")), (vec![None, None], vec![None, Some(3.0)]));
    let ran = told.dwell(&["charts", "job.toml"]);
    for said in ["x, formula_1, by day", "66.7 %", "x, formula_2, by day"] {
        assert!(ran.stdout.contains(said), "no {said:?} in {}", ran.stdout);
    }
    told.dwell(&["report", "job.toml"]).expect_code(0);
    let page = std::fs::read_to_string(told.path().join("report.html")).unwrap();
    assert!(page.contains("x, formula_1") && page.contains("66.7"), "each is a picture");
}

#[test]
fn a_bounce_rate_without_a_property_is_of_all_sessions() {
    let told = run_story(&SHOP, "[[chart]]\nname = 'x'\npreset = 'bounce_rate'\nevent = 'page_view'\n");
    assert_eq!(formula_of(&told.out(), "x"), ["- 33.33"]);
}

#[test]
fn groups_of_a_preset_are_as_large_as_all_their_sessions() {
    let view = |user, time, page: &'static [(&'static str, &'static str)]| Happened(user, time, "page_view", page);
    // Both sessions of A bounce, none of the three of B does.
    let (a, b) = (&[("page", "A")], &[("page", "B")]);
    let twice = ["cat", "dan", "eve"].into_iter().flat_map(|user| [view(user, "10:00", b), view(user, "10:01", b)]);
    let events: Vec<Happened<'_>> =
        [view("ann", "10:00", a), view("bob", "10:00", a)].into_iter().chain(twice).collect();
    let job = "[[chart]]\nname = 'x'\npreset = 'bounce_rate'\nproperty = 'page'\nevent = 'page_view'\ntop = 1\n";
    assert_eq!(formula_of(&run_story(&events, job).out(), "x"), ["B 0.00", "(other) 100.00"]);
}

#[test]
fn the_largest_groups_are_kept_and_the_rest_is_one_group() {
    let job = "
        [[chart]]
        name = 'x'
        group_by = { last = 'page', top = 1 }
        [[chart]]
        name = 'y'
        group_by = { last = 'name', top = 1 }";
    let told = run_story(&SHOP, job);
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["all B 2", "all (none) 1"]);
    assert_eq!(sessions_of(&told.out(), "y", "A"), ["all 1A 1", "all (other) 1", "all (none) 1"]);
}

#[test]
fn segments_have_sessions_of_their_own_and_a_segment_by_a_column_has_one_for_each_value() {
    let job = "
        [[segment]]
        name = 'ads'
        where = \"type = 'Ad'\"
        [[segment]]
        name = 'ad'
        by = 'name'
        [[segment]]
        name = 'clickers'
        performed = [{ event = 'click' }]
        [[segment]]
        name = 'others'
        performed = [{ event = 'click', at_most = 0 }]
        [[chart]]
        name = 'x'
        segments = ['all', 'ads', 'ad', 'clickers', 'others']";
    let told = run_story(&SHOP, job);
    let rows = sessions_of(&told.out(), "x", "A");
    assert_eq!(rows, ["all - 3", "ads - 2", "ad=(none) - 2", "ad=1A - 2", "ad=1B - 1", "clickers - 2", "others - 1"]);
    let table = read_all(&told.out().join("segments/ad/sessions/session_date=2026-01-05/part-0.parquet"));
    assert_eq!(texts_of(&table, "name"), ["-", "1A", "1A", "1B", "-"]);
    assert_eq!(texts_of(&table, "user_id"), ["ann", "ann", "bob", "bob", "cat"]);
}

#[test]
fn added_columns_are_columns_of_the_sessions_tables() {
    let job = "
        [[chart]]
        name = 'x'
        contains = [{ event = 'page_view' }, { event = 'click', where = \"name = '1A'\", column = 'first_ad' }]
        group_by = { first = 'name' }
        count = { event = 'buy', property = 'amt' }";
    let told = run_story(&SHOP, job);
    let table = read_all(&told.out().join("sessions/session_date=2026-01-05/part-0.parquet"));
    assert_eq!(texts_of(&table, "count_page_view"), ["2", "1", "0"]);
    assert_eq!(texts_of(&table, "first_ad"), ["1", "0", "0"]);
    assert_eq!(texts_of(&table, "first_name"), ["1A", "1A", "-"]);
    assert_eq!(numbers_of(&table, "sum_amt_of_buy"), [Some(0.0), Some(0.0), Some(15.0)]);
    let metadata = crate::support::read_metadata(&told.out().join("sessions/session_date=2026-01-05/part-0.parquet"));
    assert!(metadata["dwell.added"].contains("first_ad = count of \"click\" where name = '1A'"), "{metadata:?}");
}

#[test]
fn a_session_counts_in_the_hour_week_and_month_in_which_it_starts() {
    let events = [
        // The night in which clocks in Paris go back: 02:30 comes twice.
        Happened("ann", "2026-10-25 00:30", "view", &[]),
        Happened("bob", "2026-10-25 01:30", "view", &[]),
        Happened("cat", "2026-10-25 03:30", "view", &[]),
        Happened("ann", "2026-11-02 00:10", "view", &[]),
    ];
    let charts = ["hour", "day", "week", "month", "total"].map(|interval| {
        let until = if interval == "hour" { "to = '2026-10-25'\n" } else { "" };
        format!("[[chart]]\nname = '{interval}'\ninterval = '{interval}'\n{until}")
    });
    let sandbox = crate::support::Sandbox::new();
    super::write_story(&sandbox.path().join("data/events.parquet"), &events);
    let head =
        "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\ntimezone = 'Europe/Paris'\n";
    sandbox.job(&format!("{head}{}", charts.concat()));
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    let csv = std::fs::read_to_string(sandbox.out().join("measures.csv")).unwrap();
    let rows = |chart: &str| -> Vec<String> {
        let lines = csv.lines().filter(|line| line.starts_with(&format!("{chart},")));
        lines
            .map(|line| {
                let cells: Vec<&str> = line.split(',').collect();
                format!("{} {} {}", cells[4], cells[5], cells[6])
            })
            .collect()
    };
    let hours = rows("hour");
    assert!(
        hours.len() == 23 && hours[4..].iter().all(|row| row.ends_with(" 0 0")),
        "to the end of the date: {hours:?}"
    );
    assert_eq!(
        hours[..4],
        [
            "2026-10-25T02:00:00+02:00 1 1",
            "2026-10-25T02:00:00+01:00 1 1",
            "2026-10-25T03:00:00+01:00 0 0",
            "2026-10-25T04:00:00+01:00 1 1",
        ]
    );
    assert_eq!(
        rows("week"),
        ["2026-10-19T00:00:00+02:00 3 3", "2026-10-26T00:00:00+01:00 0 0", "2026-11-02T00:00:00+01:00 1 1"]
    );
    assert_eq!(rows("month"), ["2026-10-01T00:00:00+02:00 3 3", "2026-11-01T00:00:00+01:00 1 1"]);
    assert_eq!(rows("total"), ["2026-10-25T00:00:00+02:00 4 3"]);
    assert_eq!(rows("day").len(), 9, "days without a session are rows");
}

#[test]
fn csv_quotes_what_has_to_be_quoted() {
    let events = [Happened("ann", "10:00", "view", &[("page", "say \"hi\", you\nthere")])];
    let told = run_story(&events, "[[chart]]\nname = 'a, b'\ngroup_by = { first = 'page' }\n");
    let csv = std::fs::read_to_string(told.out().join("measures.csv")).unwrap();
    assert!(csv.contains("\"a, b\",A,all,\"say \"\"hi\"\", you\nthere\",2026-01-05T00:00:00Z,1,"), "{csv}");
    assert!(csv.lines().next().unwrap().ends_with("avg_events_per_session\r") || csv.contains("session\r\n"));
}
