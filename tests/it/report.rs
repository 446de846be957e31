//! `dwell report`: the page has the figures of the tables, opens without anything else, and is the same for the same
//! tables.

use crate::charts::{numbers_of, read_all, run_story, texts_of, Happened};
use crate::support::{write_batch, Ran, Sandbox};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const EVENTS: [Happened<'static>; 5] = [
    Happened("ann", "10:00", "view", &[("page", "A")]),
    Happened("ann", "10:05", "click", &[("page", "B")]),
    Happened("bob", "2026-01-06 11:00", "view", &[("page", "B")]),
    Happened("bob", "2026-01-06 11:10", "view", &[("page", "C")]),
    Happened("cyd", "2026-01-08 11:00", "view", &[("page", "A")]),
];

/// The page of a sandbox's job.
fn page(sandbox: &Sandbox) -> String {
    sandbox.dwell(&["report", "job.toml"]).expect_code(0);
    std::fs::read_to_string(sandbox.path().join("report.html")).unwrap()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// What is between tags.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for sign in html.chars() {
        match sign {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(sign),
            _ => {}
        }
    }
    unescaped(&text)
}

/// The parts of a text from each `open` to the next `close`.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0))
}

/// The figures of a page: by title of the picture and name of the row, the exact values of its cells.
fn figures(page: &str) -> BTreeMap<(String, String), Vec<String>> {
    let mut figures = BTreeMap::new();
    for figure in between(page, "<figure id=", "</figure>") {
        let title = text_of(between(figure, "<h3>", "</h3>").next().unwrap());
        let subtitle = text_of(between(figure, "<p>", "</p>").next().unwrap_or_default());
        for row in between(figure, "<tbody>", "</tbody>").flat_map(|body| between(body, "<tr>", "</tr>")) {
            let name = text_of(between(row, "<th scope=\"row\">", "</th>").next().unwrap());
            let cells = between(row, "data-value=\"", "\"").map(str::to_owned).collect();
            figures.insert((format!("{title}/{subtitle}"), name), cells);
        }
    }
    figures
}

fn numbers(cells: &[String]) -> Vec<Option<f64>> {
    cells.iter().map(|cell| cell.parse().ok()).collect()
}

#[test]
fn the_page_has_the_figures_of_the_tables() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new();
    let job = std::fs::read_to_string(repository.join("data/jobs/charts.toml")).unwrap();
    let events = repository.join("data/events");
    sandbox.job(&job.replace("\"data/events\"", &format!("{events:?}")).replace("\"out/charts\"", "\"out\""));
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    let page = page(&sandbox);
    let figures = figures(&page);
    let of = |picture: &str, row: &str| {
        let key = (picture.to_owned(), row.to_owned());
        numbers(figures.get(&key).unwrap_or_else(|| panic!("{key:?} is not in {:?}", figures.keys())))
    };

    // Every row of the measures.
    let measures = read_all(&sandbox.out().join("measures.parquet"));
    let text = |name: &str| texts_of(&measures, name);
    let number = |name: &str| numbers_of(&measures, name);
    let (charts, series, groups) = (text("chart"), text("series"), text("group"));
    let starts = measures.column_by_name("interval_start").unwrap().as_primitive::<TimestampMicrosecondType>();
    let (sessions, events, users, new_users, averages, formulas) = (
        number("total_sessions"),
        number("total_events"),
        number("active_users"),
        number("new_users"),
        number("avg_length_ms"),
        number("formula"),
    );
    let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
    let local = |row: usize| {
        let start = jiff::Timestamp::from_microsecond(starts.value(row)).unwrap();
        start.to_zoned_datetime(zone.clone())
    };
    let mut seen = 0;
    for row in 0..measures.num_rows() {
        let (chart, day) = (charts[row].as_str(), local(row).strftime("%Y-%m-%d").to_string());
        match (chart, series[row].as_str()) {
            ("hours", _) => {
                let hour = local(row).strftime("%Y-%m-%d %H:%M").to_string();
                let found = of("hours/Sessions by hour", &hour);
                assert_eq!(found[..4], [sessions[row], users[row], new_users[row], averages[row]], "{hour}");
            }
            ("asked the price" | "lost from a campaign", _) => {
                assert_eq!(of(&format!("{chart}/Sessions by week"), &day)[0], sessions[row]);
            }
            ("searches" | "revenue", _) => {
                let found = of(&format!("{chart}/Events counted in sessions by week"), &day);
                assert_eq!(found[..2], [events[row], sessions[row]]);
            }
            ("campaigns", _) => {
                assert_eq!(of("campaigns/Sessions, all dates together", &groups[row]), [sessions[row]]);
            }
            ("lengths", _) => {
                assert_eq!(of("lengths/Sessions, all dates together", "Sessions"), [sessions[row]]);
                assert_eq!(of("lengths/Sessions, all dates together", "Average length"), [averages[row]]);
            }
            ("conversion", "formula") => {
                assert_eq!(of("conversion/The chart's formula by week", &day), [formulas[row]]);
            }
            ("revenue per buyer", "formula") => {
                assert_eq!(of("revenue per buyer/The chart's formula, all dates together", "Formula"), [formulas[row]]);
            }
            (_, "formula") => {
                let picture = format!("{chart}/The chart's formula, all dates together");
                assert_eq!(of(&picture, &groups[row]), [formulas[row]]);
            }
            _ => continue,
        }
        seen += 1;
    }
    assert!(seen > 80, "{seen}");

    // The tables themselves, date by date.
    let mut all = 0.0;
    for (day, file) in crate::support::dated_files(&sandbox.out().join("sessions"), "session_date") {
        let table = read_all(&file);
        let lengths: Vec<f64> = numbers_of(&table, "length_ms").into_iter().flatten().collect();
        let mut sorted = lengths.clone();
        sorted.sort_by(f64::total_cmp);
        let average = lengths.iter().sum::<f64>() / lengths.len() as f64;
        let day = day.to_string();
        assert_eq!(of("Sessions/Sessions that start on each date", &day), [Some(lengths.len() as f64)]);
        let median = sorted[(sorted.len() - 1) / 2];
        let of_lengths = of("Length of sessions/Of the sessions that start on each date", &day);
        assert_eq!(of_lengths, [Some(average), Some(median)]);
        all += lengths.len() as f64;
    }
    for (day, file) in crate::support::dated_files(&sandbox.out().join("activity"), "activity_date") {
        let users = read_all(&file).num_rows() as f64;
        let found = of("Active users/Users with an event on each date, in session or not", &day.to_string());
        assert_eq!(found, [Some(users)]);
    }
    let bins: f64 = figures
        .iter()
        .filter(|(key, _)| key.0.starts_with("How long"))
        .map(|(_, cells)| numbers(cells)[0].unwrap())
        .sum();
    assert_eq!(bins, all);

    // Every row of the run has its line, and all lines add up.
    let run = crate::support::read_run(&sandbox.out());
    let section = between(&page, "<h2>What became of every row</h2>", "</section>").next().unwrap();
    let rows = between(section, "<tbody>", "</tbody>").next().unwrap();
    let lines: Vec<f64> = between(rows, "<tr>", "</tr>")
        .map(|row| numbers(&[between(row, "data-value=\"", "\"").next().unwrap().to_owned()])[0].unwrap())
        .collect();
    assert_eq!(lines.iter().sum::<f64>(), run["rows"].as_f64().unwrap());
}

#[test]
fn the_same_tables_are_the_same_page_wherever_and_whenever() {
    let told = run_story(&EVENTS, "[[chart]]\nname = 'pages'\ngroup_by = { first = 'page' }\n");
    let first = page(&told);
    let elsewhere = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(told.path()).arg(elsewhere.path().join("a b")).status().unwrap();
    assert!(copied.success());
    let ran = Command::new(env!("CARGO_BIN_EXE_dwell"))
        .args(["report", "job.toml", "--output", "other.html", "--quiet"])
        .envs([("TZ", "Asia/Tokyo"), ("LC_ALL", "de_DE.UTF-8"), ("NO_COLOR", "1")])
        .current_dir(elsewhere.path().join("a b"))
        .output()
        .unwrap();
    assert!(ran.status.success() && ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran:?}");
    assert!(std::fs::read_to_string(elsewhere.path().join("a b/other.html")).unwrap() == first);
}

#[test]
fn the_page_refers_to_nothing_outside_and_data_cannot_break_out_of_it() {
    let hostile = [
        "<script>alert(1)</script>",
        "</title></svg></style><img src=x onerror=alert(1)>",
        "\" onload=\"alert(1)",
        "' autofocus onfocus='alert(1)",
        "\u{202e}txet fo noitcerid",
        "a\u{1b}[2Jb\nc",
        "&lt;b&gt; &amp; <b>",
        "https://example.org/?a=1&b=2",
        "(other)",
    ];
    let long = "long ".repeat(2_000);
    let mut values: Vec<&str> = hostile.to_vec();
    values.push(&long);
    let names: Vec<String> = (0..values.len()).map(|number| format!("user{number}")).collect();
    let page_of = |value| [("page", value)];
    let pages: Vec<[(&str, &str); 1]> = values.iter().map(|value| page_of(*value)).collect();
    let events: Vec<Happened<'_>> =
        names.iter().zip(&pages).map(|(name, page)| Happened(name, "10:00", "view", page)).collect();
    let chart = "[[chart]]\nname = '<script>alert(2)</script>'\ninterval = 'total'\ngroup_by = { first = 'page' }\n\
                 [[chart]]\nname = 'days'\ngroup_by = { first = 'page' }\n";
    let told = run_story(&events, chart);
    let ran = told.dwell(&["report", "job.toml", "--title", "<i>title</i>"]);
    ran.expect_code(0);
    let page = std::fs::read_to_string(told.path().join("report.html")).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "its own");
    assert_eq!(page.matches("<img").count(), 0);
    assert!(page.contains("&lt;i&gt;title&lt;/i&gt;") && page.contains("&lt;script&gt;alert(2)"));
    assert!(!page.contains('\u{1b}') && page.contains("a\\u{1b}[2Jb\\nc"));
    // But for what is the page's own: its style and its script.
    let (_, rest) = page.split_once("</style>").unwrap();
    let (markup, _) = rest.split_once("<script>").unwrap();
    for tag in between(markup, "<", ">") {
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default();
        let known = [
            "!DOCTYPE",
            "html",
            "head",
            "meta",
            "title",
            "link",
            "style",
            "body",
            "main",
            "header",
            "h1",
            "h2",
            "h3",
            "p",
            "div",
            "span",
            "section",
            "ul",
            "li",
            "b",
            "bdi",
            "svg",
            "desc",
            "line",
            "text",
            "tspan",
            "path",
            "rect",
            "figure",
            "figcaption",
            "details",
            "summary",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "dl",
            "dt",
            "dd",
            "code",
            "strong",
            "footer",
            "script",
        ];
        assert!(known.contains(&name), "<{tag}>");
        assert!(!tag.contains("onload=\"") && !tag.contains(" on"), "<{tag}>");
    }
    // Texts of the data may name an address; nothing of the page leads to one.
    let attributes: String = between(markup, "<", ">").collect::<Vec<_>>().join("\n");
    for word in ["http://", "https://", " src=", "@import", "url(", "<iframe"] {
        assert!(!attributes.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(page.len() < 200_000, "{} bytes", page.len());
}

/// A year of days with a few users each, of whom each day's go by twelve names.
fn year(sandbox: &Sandbox) {
    let first = crate::support::at("2025-01-01 09:00");
    let (mut users, mut times, mut sources, mut countries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for day in 0..366i64 {
        for user in 0..(18 + day % 7 * 3) {
            users.push(format!("u{}", (user * 7 + day) % 400));
            times.push(first + day * 86_400_000_000 + user * 61_000_000 * 20);
            sources.push(format!("a source with a long name, number {}", user % 12));
            countries.push(["DE", "FR", "GB", "US"][(user % 4) as usize]);
        }
    }
    let texts = |values: Vec<String>| -> ArrayRef { Arc::new(values.into_iter().map(Some).collect::<StringArray>()) };
    let types = vec!["view".to_owned(); users.len()];
    let countries = countries.into_iter().map(str::to_owned).collect();
    let columns = [
        ("user_id", texts(users)),
        ("event_time", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) as ArrayRef),
        ("event_type", texts(types)),
        ("source", texts(sources)),
        ("country", texts(countries)),
    ];
    write_batch(&sandbox.path().join("data/events.parquet"), 5_000, &RecordBatch::try_from_iter(columns).unwrap());
}

#[test]
fn a_year_of_days_and_ten_charts_is_a_page_of_less_than_a_megabyte() {
    let sandbox = Sandbox::new();
    year(&sandbox);
    let mut job = "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n[[segment]]\nname = 'at'\nby = 'country'\n".to_owned();
    for number in 0..7 {
        job += &format!("[[chart]]\nname = 'sources {number}'\ngroup_by = {{ first = 'source' }}\n");
    }
    job += "[[chart]]\nname = 'countries'\nsegments = ['all', 'at']\n";
    job += "[[chart]]\nname = 'hours'\ninterval = 'hour'\n";
    job += "[[chart]]\nname = 'shares'\nformula = '%: SESSIONTOTALS(A) / SESSIONTOTALS(B)'\n";
    job += "[[chart.series]]\ngroup_by = { first = 'source' }\n[[chart.series]]\n";
    sandbox.job(&job);
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    let page = page(&sandbox);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    let figures = figures(&page);
    let rows = |picture: &str| figures.keys().filter(|(name, _)| name.starts_with(picture)).count();
    // The whole year of all sessions, and of each chart the latest rows that there is room for.
    assert_eq!(rows("Sessions/"), 366);
    assert!(rows("sources 0/") > 30 && rows("hours/") > 30, "{} {}", rows("sources 0/"), rows("hours/"));
    assert!(figures.contains_key(&("sources 0/Sessions by day".to_owned(), "2026-01-01".to_owned())));
    assert!(page.contains("Each bar is the mean of 7 dates.") && page.contains("5 other groups"), "folded");
}

#[test]
fn tables_without_sessions_are_a_page_too() {
    let told = run_story(&[], "");
    let page = page(&told);
    assert!(page.contains("The tables have no session.") && page.contains("The run warned: "), "{page}");
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    let told = run_story(&EVENTS, "[[chart]]\nname = 'none'\ncontains = [{ event = 'gone' }]\n");
    let ran = told.dwell(&["report", "job.toml", "--output", "-", "--picture", "p.svg"]);
    ran.expect_code(0);
    assert!(ran.stdout.starts_with("<!DOCTYPE html>") && ran.stdout.contains("<h3><bdi>none</bdi></h3>"));
    assert!(ran.stdout.contains("1 date without any session, the last of them 2026-01-07"), "a gap needs a look");
    let picture = std::fs::read_to_string(told.path().join("p.svg")).unwrap();
    assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && picture.contains("3 sessions by date"));
    assert!(!told.path().join("report.html").exists());
}

/// A run of some dates, whose last but one is as before and whose last is not.
#[test]
fn the_top_says_what_happened_and_what_is_not_as_usual() {
    let mut events = Vec::new();
    let names: Vec<String> = (0..60).map(|user| format!("u{user}")).collect();
    let days: Vec<String> = (1..=29).map(|day| format!("2026-01-{day:02} 12:00")).collect();
    for (place, day) in days.iter().enumerate() {
        // On the last day there are few.
        let users = if place == 28 { 5 } else { 40 + place % 7 };
        events.extend(names.iter().take(users).map(|user| Happened(user, day, "view", &[])));
    }
    let told = run_story(&events, "");
    let page = page(&told);
    let top = text_of(between(&page, "<header>", "</header>").next().unwrap());
    assert!(
        top.contains("Thursday, 29 January 2026: 5 sessions of 5 active users, fewer than usual (the 4 Thursdays before had 40 to 40)."),
        "{top}"
    );
    assert!(top.contains("2026-01-29 has 5 sessions; the 4 Thursdays before had 40 to 40."), "{top}");
    assert!(top.contains("▼ 87.5 % against a week before (40)"), "{top}");
    assert!(top.contains("No run before the last one is on record."), "{top}");
    told.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    let again = text_of(&self::page(&told));
    let sessions = crate::support::read_run(&told.out())["sessions"].as_u64().unwrap();
    assert_eq!(sessions, 1_209);
    assert!(again.contains("The last run wrote 1,209 sessions, the run before it 1,209."), "{again}");
}

#[test]
fn what_cannot_be_shown_is_refused_and_nothing_is_written() {
    let told = run_story(&EVENTS, "[[chart]]\nname = 'x'\n");
    let fails = |arguments: &[&str], code: i32, word: &str| {
        let ran: Ran = told.dwell(arguments);
        ran.expect_code(code);
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
        assert!(!told.path().join("report.html").exists());
    };
    fails(&["report"], 2, "--tables");
    fails(&["report", "--tables", "nowhere"], 2, "nowhere");
    fails(&["report", "--tables", "data"], 2, "not dwell's");
    let job = std::fs::read_to_string(told.path().join("job.toml")).unwrap();
    told.job(&job.replace("name = 'x'", "name = 'y'"));
    fails(&["report", "job.toml"], 2, "`dwell charts`");
    told.job(&job.replace("30m", "5m"));
    fails(&["report", "job.toml"], 2, "session.timeout");
    told.job(&job);
    fails(&["report", "job.toml", "--output", "no/such/folder.html"], 1, "no/such/folder.html");
    let journal = told.out().join("_dwell/journal.json");
    std::fs::write(&journal, "{}").unwrap();
    fails(&["report", "job.toml"], 1, "putting its files in place");
    std::fs::remove_file(&journal).unwrap();
    // Without the job, the page is without its charts and says so.
    told.dwell(&["report", "--tables", "out"]).expect_code(0);
    let page = std::fs::read_to_string(told.path().join("report.html")).unwrap();
    assert!(page.contains("The tables have charts of a job that this page was not given."));
    let left: Vec<PathBuf> = std::fs::read_dir(told.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!left.iter().any(|path| path.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[test]
fn doctor_has_its_place_on_the_page() {
    let told = run_story(&EVENTS, "");
    let ran = told.dwell(&["report", "job.toml", "--doctor"]);
    ran.expect_code(0);
    let page = std::fs::read_to_string(told.path().join("report.html")).unwrap();
    assert!(page.contains("What doctor finds in the events") && page.contains("Of 5 rows in 1 file"), "{page}");
    let printed = told.dwell(&["doctor", "job.toml", "--format", "json"]);
    let diagnosis: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    let findings = diagnosis["questions"].as_array().unwrap().iter().flat_map(|q| q["findings"].as_array().unwrap());
    let shown = findings.filter(|finding| finding["level"] != "fine");
    for title in shown.map(|finding| finding["title"].as_str().unwrap()) {
        assert!(unescaped(&page).contains(title), "{title}");
    }
}

#[test]
fn the_picture_in_the_guide_is_what_its_command_writes() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new();
    let events = repository.join("data/events");
    sandbox.dwell(&["run", "--input", events.to_str().unwrap(), "--output", "out", "--quiet"]).expect_code(0);
    let title = "Two weeks of a made-up shop";
    let arguments =
        ["report", "--tables", "out", "--output", "/dev/null", "--title", title, "--picture", "sessions.svg"];
    sandbox.dwell(&arguments).expect_code(0);
    let picture = std::fs::read_to_string(sandbox.path().join("sessions.svg")).unwrap();
    let in_guide = std::fs::read_to_string(repository.join("src/guide/sessions.svg")).unwrap();
    assert!(picture == in_guide, "write it anew by the command in src/guide/report.md");
    let readme = std::fs::read_to_string(repository.join("README.md")).unwrap();
    assert!(readme.contains("src/guide/sessions.svg") && readme.contains(title));
}
