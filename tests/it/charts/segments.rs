//! Segments made in one pass are what runs of their own make.

use super::read_all;
use crate::support::{dated_files, read_run, Sandbox};
use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, filter_record_batch, kernels::cmp::eq};
use std::path::Path;

const CHARTS: &str = r#"
[[chart]]
name = "x"
contains = [{ event = "page_view", where = "page LIKE '/p%'" }]
first = { property = "utm_source", op = "is_set" }
count = { event = "purchase", property = "revenue" }
"#;

/// One run over the sample.
fn run(sections: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events");
    sandbox.job(&sections.replace("SAMPLE", sample.to_str().unwrap()));
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    sandbox
}

fn job(session: &str, condition: &str, segments: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!("where = \"{condition}\"\n") };
    format!(
        "[input]\npath = 'SAMPLE'\ndedup = '$insert_id'\n{condition}[session]\n{session}\n\
         [output]\npath = 'out'\ntimezone = 'America/New_York'\n{segments}{CHARTS}"
    )
}

/// A whole table.
fn table(folder: &Path, name: &str) -> Vec<(String, RecordBatch)> {
    let (table, key) = if name == "sessions" { ("sessions", "session_date") } else { ("activity", "activity_date") };
    let files = dated_files(&folder.join(table), key);
    files.into_iter().map(|(date, path)| (date.to_string(), read_all(&path))).collect()
}

fn same(name: &str, own: &[(String, RecordBatch)], alone: &[(String, RecordBatch)]) {
    assert_eq!(own.len(), alone.len(), "dates of {name}");
    for ((date, own), (other, alone)) in own.iter().zip(alone) {
        assert_eq!(date, other, "dates of {name}");
        assert_eq!(own.num_rows(), alone.num_rows(), "rows of {name} on {date}");
        for (place, field) in alone.schema().fields().iter().enumerate() {
            let column = own.column_by_name(field.name()).unwrap();
            assert_eq!(column, alone.column(place), "{} of {name} on {date}", field.name());
        }
    }
}

/// What `run.json` says of a segment, of a run of its own, and of all events.
fn same_counts(own: &serde_json::Value, alone: &serde_json::Value, all: &serde_json::Value) {
    for (key, count) in
        own.as_object().unwrap().iter().filter(|(key, _)| !["events", "left_out"].contains(&key.as_str()))
    {
        assert_eq!(*count, alone[key], "{key}");
    }
    let number = |of: &serde_json::Value| of.as_u64().unwrap();
    let sum = |of: &serde_json::Value| of.as_object().unwrap().values().map(number).sum::<u64>();
    let left = number(&alone["filtered"]) + sum(&alone["rejected"]);
    assert_eq!(number(&own["events"]), number(&alone["rows"]) - left);
    let events = |of: &serde_json::Value| {
        let parts = ["duplicates", "inactive", "outside_window", "in_session"].iter().map(|key| number(&of[*key]));
        parts.sum::<u64>() + sum(&of["out_of_session"])
    };
    assert_eq!(number(&own["events"]), events(own));
    // Of all events of the run, each is one of the segment's or left out.
    assert_eq!(number(&own["events"]) + sum(&own["left_out"]), events(all));
}

#[test]
fn segments_in_one_pass_equal_runs_of_their_own_row_for_row() {
    for session in ["", "timeout = '5m'\nstart_event = 'session_start'", "property = 'platform'"] {
        let conditions = [
            ("web", "platform = 'web'"),
            ("europe", "country IN ('FR', 'DE') AND event_type <> 'scroll'"),
            // Of a user all events or none; and of some users all, of others some.
            ("old", "user_id < 'u0001700'"),
            ("mixed", "user_id < 'u0001000' OR user_id < 'u0002000' AND event_type <> 'scroll'"),
        ];
        let segment = |(name, condition)| format!("[[segment]]\nname = '{name}'\nwhere = \"{condition}\"\n");
        let segments: String = conditions.map(segment).concat();
        let together = run(&job(session, "", &segments));
        for (name, condition) in conditions {
            let alone = run(&job(session, condition, ""));
            for kind in ["sessions", "activity"] {
                let own = table(&together.out().join("segments").join(name), kind);
                same(&format!("{name} {kind}"), &own, &table(&alone.out(), kind));
            }
            let of_all = read_run(&together.out());
            same_counts(&of_all["segments"][name], &read_run(&alone.out()), &of_all);
        }
        // And the sessions of all events do not know of segments.
        let without = run(&job(session, "", ""));
        for kind in ["sessions", "activity"] {
            same(kind, &table(&together.out(), kind), &table(&without.out(), kind));
        }
    }
}

#[test]
fn a_segment_by_a_column_equals_one_run_for_each_value() {
    for session in ["", "timeout = '5m'"] {
        let together = run(&job(session, "", "[[segment]]\nname = 'country'\nby = 'country'\n"));
        let mut rows = 0;
        for country in ["FR", "US", "AU"] {
            let alone = run(&job(session, &format!("country = '{country}'"), ""));
            for kind in ["sessions", "activity"] {
                let all = table(&together.out().join("segments/country"), kind);
                let of_value = |batch: &RecordBatch| {
                    let value = arrow::array::StringArray::new_scalar(country);
                    let is = eq(batch.column_by_name("country").unwrap(), &value).unwrap();
                    filter_record_batch(batch, &is).unwrap()
                };
                let own: Vec<(String, RecordBatch)> = all
                    .iter()
                    .map(|(date, batch)| (date.clone(), of_value(batch)))
                    .filter(|(_, batch)| batch.num_rows() > 0)
                    .collect();
                same(&format!("{country} {kind}"), &own, &table(&alone.out(), kind));
                let batches: Vec<&RecordBatch> = own.iter().map(|(_, batch)| batch).collect();
                rows += concat_batches(&batches[0].schema(), batches).unwrap().num_rows();
            }
        }
        assert!(rows > 5_000, "there is something to compare: {rows}");
    }
}

#[test]
fn combinations_of_values_and_of_none_equal_runs_of_their_own_and_add_up_to_all_that_pass() {
    let condition = "event_type <> 'scroll'";
    let segment = format!("[[segment]]\nname = 'at'\nby = ['country', 'platform']\nwhere = \"{condition}\"\n");
    let together = run(&job("timeout = '5m'", "", &segment));
    let of_all = read_run(&together.out());
    let own = &of_all["segments"]["at"];
    // A segment without `by` leaves out as much.
    let other = run(&job("timeout = '5m'", "", &format!("[[segment]]\nname = 'at'\nwhere = \"{condition}\"\n")));
    let alone = read_run(&other.out());
    assert_eq!(own["left_out"], alone["segments"]["at"]["left_out"]);
    assert_eq!(own["events"], alone["segments"]["at"]["events"]);
    for (country, platform) in [(Some("FR"), Some("web")), (None, Some("server")), (Some("US"), Some("android"))] {
        let is = |name: &str, value: Option<&str>| match value {
            Some(value) => format!("{name} = '{value}'"),
            None => format!("({name} IS NULL OR {name} = '')"),
        };
        let values = format!("{condition} AND {} AND {}", is("country", country), is("platform", platform));
        let alone = run(&job("timeout = '5m'", &values, ""));
        for kind in ["sessions", "activity"] {
            let of_values = |batch: &RecordBatch| {
                let mut batch = batch.clone();
                for (name, value) in [("country", country), ("platform", platform)] {
                    let column = batch.column_by_name(name).unwrap();
                    let holds = match value {
                        Some(value) => eq(column, &arrow::array::StringArray::new_scalar(value)).unwrap(),
                        None => arrow::compute::is_null(column).unwrap(),
                    };
                    batch = filter_record_batch(&batch, &holds).unwrap();
                }
                batch
            };
            let all = table(&together.out().join("segments/at"), kind);
            let own: Vec<(String, RecordBatch)> = all
                .iter()
                .map(|(date, batch)| (date.clone(), of_values(batch)))
                .filter(|(_, batch)| batch.num_rows() > 0)
                .collect();
            assert!(own.len() > 5, "there is something to compare");
            same(&format!("{values} {kind}"), &own, &table(&alone.out(), kind));
        }
    }
}

#[test]
fn a_condition_left_to_polars_holds_where_the_same_in_plain_comparisons_does() {
    let plain = "platform = 'web' AND page LIKE '/p%'";
    let with_functions = "LOWER(platform) = 'web' AND COALESCE(page, '') LIKE '/p%'";
    let segments = format!(
        "[[segment]]\nname = 'plain'\nwhere = \"{plain}\"\n[[segment]]\nname = 'functions'\nwhere = \"{with_functions}\"\n"
    );
    let together = run(&job("timeout = '5m'", "", &segments));
    let (own, other) = (run(&job("timeout = '5m'", plain, "")), run(&job("timeout = '5m'", with_functions, "")));
    for kind in ["sessions", "activity"] {
        let alone = table(&own.out(), kind);
        assert!(!alone.is_empty(), "there is something to compare");
        same(kind, &table(&other.out(), kind), &alone);
        for name in ["plain", "functions"] {
            same(&format!("{name} {kind}"), &table(&together.out().join("segments").join(name), kind), &alone);
        }
    }
}
