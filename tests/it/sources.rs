//! `input.source`: a file of the shape that each tool exports, and nothing but the source's name; what the job sets
//! itself, and what its files lack.

use crate::cells::{ints, lines, number, table, texts, times};
use crate::input_forms::nested::{int_maps, structs};
use crate::support::{at, at_ms, read_run, table_hashes, write_batch, Ran, Sandbox};
use arrow::array::{
    ArrayRef, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder, StructBuilder,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Fields};
use std::sync::Arc;

const SESSIONS: [&str; 5] = ["user_id", "session_id", "start_time", "end_time", "event_count"];

/// The export of a tool.
fn export(batch: &RecordBatch) -> Sandbox {
    let sandbox = Sandbox::new();
    write_batch(&sandbox.path().join("data/events.parquet"), 1000, batch);
    sandbox
}

impl Sandbox {
    /// A command over the export with nothing but its source, and these flags.
    fn of(&self, command: &str, source: &str, flags: &[&str]) -> Ran {
        self.dwell(&[&[command, "--input", "data", "--source", source], flags].concat())
    }

    /// A run over the export with nothing but its source, and these flags.
    fn made_of(&self, source: &str, flags: &[&str]) -> &Sandbox {
        let ran = self.of("run", source, &[&["--output", "out", "--overwrite"], flags].concat());
        ran.expect_code(0);
        assert_eq!(ran.stderr, "");
        self
    }

    fn sessions_are(&self, expected: &[&str]) -> &Sandbox {
        assert_eq!(lines(&self.out(), "sessions", &SESSIONS), expected);
        self
    }

    /// The definition of the last run has these lines.
    fn defines(&self, expected: &[(&str, &str)]) -> &Sandbox {
        let definition = read_run(&self.out())["definition"].clone();
        for (key, value) in expected {
            assert_eq!(definition[key], *value, "{key} in {definition:#}");
        }
        self
    }
}

// ---- Each of them ------------------------------------------------------------------------------------------

/// Two visits of one user, the first with an event that was sent twice.
fn amplitude() -> RecordBatch {
    let clocks = ["10:00", "10:04", "10:04", "12:00"];
    table([
        ("app", ints([1, 1, 1, 1])),
        ("amplitude_id", ints([77, 77, 77, 77])),
        ("user_id", texts([None, Some("ann"), Some("ann"), Some("ann")])),
        ("device_id", texts(["d1"; 4])),
        ("session_id", ints([at_ms("10:00"), at_ms("10:00"), at_ms("10:00"), at_ms("12:00")])),
        ("$insert_id", texts(["i1", "i2", "i2", "i3"])),
        ("event_id", ints([1, 2, 2, 3])),
        ("event_type", texts(["session_start", "view", "view", "view"])),
        ("event_time", times(["10:00:01", "10:04:01", "10:04:01", "12:00:01"])),
        ("client_event_time", times(clocks)),
        ("server_upload_time", times(["10:00:02", "10:04:02", "10:09", "12:00:02"])),
        ("platform", texts(["iOS"; 4])),
        ("library", texts(["amplitude-ios/8.0"; 4])),
        ("event_properties", texts([r#"{"page": "/"}"#; 4])),
    ])
}

fn id(clock: &str) -> String {
    at_ms(clock).to_string()
}

#[test]
fn amplitude_is_read_by_its_own_ids_in_its_own_order() {
    export(&amplitude())
        .made_of("amplitude", &[])
        .sessions_are(&[&format!("77 {} 10:00 10:04 2", id("10:00")), &format!("77 {} 12:00 12:00 1", id("12:00"))])
        .defines(&[("input.sequence", "event_id (integer)"), ("input.dedup", "$insert_id (text)")]);
}

/// GA4's columns but for its parameters: two visits of one user.
fn ga4(event_params: ArrayRef) -> RecordBatch {
    let clocks = ["10:00:00.500", "10:04", "12:00:00.250"];
    table([
        ("event_date", texts(["20260105"; 3])),
        ("event_timestamp", ints(clocks.map(at))),
        ("event_name", texts(["session_start", "page_view", "page_view"])),
        ("event_params", event_params),
        ("user_id", texts([None::<&str>; 3])),
        ("user_pseudo_id", texts(["1.2"; 3])),
        ("platform", texts(["WEB"; 3])),
        ("stream_id", texts(["99"; 3])),
    ])
}

/// The ids of GA4's two visits, in seconds.
fn ga4_ids() -> [i64; 3] {
    ["10:00", "10:00", "12:00"].map(|clock| at_ms(clock) / 1_000)
}

/// What becomes of them, by the text or number that an id is.
fn are_ga4s(sandbox: &Sandbox) {
    let [first, _, second] = ga4_ids();
    sandbox
        .made_of("ga4", &[])
        .sessions_are(&[&format!("1.2 {first} 10:00 10:04 2"), &format!("1.2 {second} 12:00 12:00:00.25 1")])
        .defines(&[("session.id_unit", "s"), ("input.time_unit", "us")]);
    assert_eq!(number(&sandbox.out(), "zero_length_sessions"), 0);
}

#[test]
fn ga4_starts_sessions_at_their_ids_in_seconds() {
    let json: Vec<String> =
        ga4_ids().iter().map(|id| format!(r#"{{"page_title": "x", "ga_session_id": {id}}}"#)).collect();
    are_ga4s(&export(&ga4(texts(json.iter().map(String::as_str)))));
    let entries = ga4_ids().map(|id| [("ga_session_number", Some(1)), ("ga_session_id", Some(id))]);
    let rows: Vec<_> = entries.iter().map(|entries| Some(&entries[..])).collect();
    are_ga4s(&export(&ga4(int_maps(&rows))));
}

/// `event_params` as BigQuery exports them: a list of keys with a value of one of several types.
fn ga4_params(ids: &[i64]) -> ArrayRef {
    let value = Fields::from(vec![
        Field::new("string_value", DataType::Utf8, true),
        Field::new("int_value", DataType::Int64, true),
        Field::new("float_value", DataType::Float64, true),
        Field::new("double_value", DataType::Float64, true),
    ]);
    let entry = Fields::from(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("value", DataType::Struct(value.clone()), true),
    ]);
    let values = StructBuilder::new(
        value,
        vec![
            Box::new(StringBuilder::new()),
            Box::new(Int64Builder::new()),
            Box::new(Float64Builder::new()),
            Box::new(Float64Builder::new()),
        ],
    );
    let entries = StructBuilder::new(entry, vec![Box::new(StringBuilder::new()), Box::new(values)]);
    let mut list = ListBuilder::new(entries);
    for id in ids {
        for (key, text, number) in [("page_title", Some("x"), None), ("ga_session_id", None, Some(*id))] {
            let entries = list.values();
            entries.field_builder::<StringBuilder>(0).unwrap().append_value(key);
            let values = entries.field_builder::<StructBuilder>(1).unwrap();
            values.field_builder::<StringBuilder>(0).unwrap().append_option(text);
            values.field_builder::<Int64Builder>(1).unwrap().append_option(number);
            values.field_builder::<Float64Builder>(2).unwrap().append_null();
            values.field_builder::<Float64Builder>(3).unwrap().append_null();
            values.append(true);
            entries.append(true);
        }
        list.append(true);
    }
    Arc::new(list.finish())
}

#[test]
fn ga4_is_read_as_bigquery_exports_it() {
    are_ga4s(&export(&ga4(ga4_params(&ga4_ids()))));
}

fn posthog() -> RecordBatch {
    let properties = |session: &str| format!(r#"{{"$session_id": "{session}", "$lib": "web", "$os": "Mac OS X"}}"#);
    let properties = ["0194-a", "0194-a", "0194-a", "0194-b"].map(properties);
    table([
        ("uuid", texts(["e1", "e2", "e2", "e3"])),
        ("event", texts(["$pageview", "click", "click", "$pageview"])),
        ("distinct_id", texts(["anon", "anon", "anon", "ann@x"])),
        ("person_id", texts(["p1"; 4])),
        ("properties", texts(properties.iter().map(String::as_str))),
        ("person_properties", texts(["{}"; 4])),
        ("timestamp", times(["10:00", "10:04", "10:04", "12:00"])),
        ("created_at", times(["10:00:01", "10:04:01", "10:04:02", "12:00:01"])),
        ("team_id", ints([1, 1, 1, 1])),
    ])
}

#[test]
fn posthog_is_read_by_its_persons_and_session_ids_that_are_no_times() {
    export(&posthog()).made_of("posthog", &[]).sessions_are(&["p1 0194-a 10:00 10:04 2", "p1 0194-b 12:00 12:00 1"]);
}

#[test]
fn mixpanel_has_no_session_ids_and_ends_sessions_by_half_an_hour() {
    let clocks = ["10:00", "10:29", "10:29", "11:00"];
    let seconds = clocks.map(|clock| at_ms(clock) / 1_000);
    let ids = ["i1", "i2", "i2", "i3"];
    let expected = [format!("ann {} 10:00 10:29 2", id("10:00")), format!("ann {} 11:00 11:00 1", id("11:00"))];
    let in_structs = structs([
        ("distinct_id", texts(["ann"; 4])),
        ("time", ints(seconds)),
        ("$insert_id", texts(ids)),
        ("mp_lib", texts(["web"; 4])),
    ]);
    let json: Vec<String> = seconds
        .iter()
        .zip(ids)
        .map(|(time, id)| format!(r#"{{"time": {time}, "distinct_id": "ann", "$insert_id": "{id}"}}"#))
        .collect();
    for properties in [in_structs, texts(json.iter().map(String::as_str))] {
        let batch = table([("event", texts(["view"; 4])), ("properties", properties)]);
        export(&batch)
            .made_of("mixpanel", &[])
            .sessions_are(&[&expected[0], &expected[1]])
            .defines(&[("session.timeout", "30m")]);
    }
}

#[test]
fn snowplow_is_read_by_the_visitor_and_the_visit_of_its_domain() {
    let batch = table([
        ("app_id", texts(["shop"; 3])),
        ("platform", texts(["web"; 3])),
        ("collector_tstamp", times(["10:00:01", "10:04:01", "12:00:01"])),
        ("dvce_created_tstamp", times(["09:00", "09:04", "11:00"])),
        ("derived_tstamp", times(["10:00", "10:04", "12:00"])),
        ("event", texts(["page_view", "page_ping", "page_view"])),
        ("event_name", texts(["page_view", "page_ping", "page_view"])),
        ("event_id", texts(["e1", "e2", "e3"])),
        ("user_id", texts([None::<&str>; 3])),
        ("domain_userid", texts(["u1"; 3])),
        ("domain_sessionidx", ints([1, 1, 2])),
        ("domain_sessionid", texts(["s1", "s1", "s2"])),
        ("v_tracker", texts(["js-3.5.0"; 3])),
    ]);
    export(&batch).made_of("snowplow", &[]).sessions_are(&["u1 s1 10:00 10:04 2", "u1 s2 12:00 12:00 1"]);
}

/// The columns that RudderStack and Segment have alike.
fn warehouse() -> [(&'static str, ArrayRef); 9] {
    [
        ("id", texts(["m1", "m2", "m3"])),
        ("anonymous_id", texts(["a1"; 3])),
        ("user_id", texts([None, Some("ann"), Some("ann")])),
        ("event", texts(["order_viewed", "order_completed", "order_viewed"])),
        ("event_text", texts(["Order Viewed", "Order Completed", "Order Viewed"])),
        ("original_timestamp", times(["09:59", "10:03", "11:59"])),
        ("sent_at", times(["09:59:01", "10:03:01", "11:59:01"])),
        ("received_at", times(["10:00:01", "10:04:01", "12:00:01"])),
        ("timestamp", times(["10:00", "10:04", "12:00"])),
    ]
}

#[test]
fn rudderstack_falls_back_on_the_anonymous_id_and_has_session_ids() {
    let [a, b, c, d, e, f, g, h, i] = warehouse();
    let ids = ["10:00", "10:00", "12:00"].map(at_ms);
    let batch = table([a, b, c, d, e, f, g, h, i, ("context_session_id", ints(ids)), ("channel", texts(["web"; 3]))]);
    export(&batch).made_of("rudderstack", &[]).sessions_are(&[
        &format!("a1 {} 10:00 10:00 1", id("10:00")),
        &format!("ann {} 10:00 10:04 1", id("10:00")),
        &format!("ann {} 12:00 12:00 1", id("12:00")),
    ]);
}

#[test]
fn segment_has_no_session_ids_and_ends_sessions_by_half_an_hour() {
    export(&table(warehouse())).made_of("segment", &[]).sessions_are(&[
        &format!("a1 {} 10:00 10:00 1", id("10:00")),
        &format!("ann {} 10:04 10:04 1", id("10:04")),
        &format!("ann {} 12:00 12:00 1", id("12:00")),
    ]);
}

// ---- What is set wins --------------------------------------------------------------------------------------

#[test]
fn a_key_that_is_set_wins_in_the_job_and_on_the_command_line() {
    let sandbox = export(&amplitude());
    sandbox.made_of("amplitude", &["--user", "library"]).sessions_are(&[
        &format!("amplitude-ios/8.0 {} 10:00 10:04 2", id("10:00")),
        &format!("amplitude-ios/8.0 {} 12:00 12:00 1", id("12:00")),
    ]);
    sandbox.job("[input]\npath = 'data'\nsource = 'snowplow'\nuser = 'device_id'\n[output]\npath = 'out'\n");
    let ran = sandbox.dwell(&["run", "job.toml", "--quiet", "--source", "amplitude", "--overwrite"]);
    ran.expect_code(0);
    sandbox.sessions_are(&[&format!("d1 {} 10:00 10:04 2", id("10:00")), &format!("d1 {} 12:00 12:00 1", id("12:00"))]);
}

#[test]
fn a_folder_is_of_its_keys_and_not_of_the_name_of_their_source() {
    let sandbox = export(&amplitude());
    let keys = "user = 'amplitude_id'\ntime = 'client_event_time'\nevent = 'event_type'\nsession_id = 'session_id'\n\
                dedup = '$insert_id'\nsequence = 'event_id'\n";
    sandbox.job(&format!("[input]\npath = 'data'\n{keys}[output]\npath = 'out'\n"));
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    let (by_keys, fingerprint) = (table_hashes(&sandbox.out()), read_run(&sandbox.out())["fingerprint"].clone());
    sandbox.of("run", "amplitude", &["--output", "out"]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), by_keys);
    assert_eq!(read_run(&sandbox.out())["fingerprint"], fingerprint);
    // The default unit of ids has always been there.
    sandbox.of("run", "amplitude", &["--output", "out", "--id-unit", "ms"]).expect_code(0);
    let refused = sandbox.of("run", "amplitude", &["--output", "out", "--id-unit", "s"]);
    refused.expect_code(2);
    assert!(refused.stderr.contains("session.id_unit: (not set) before, s now"), "{}", refused.stderr);
}

// ---- What is not there -------------------------------------------------------------------------------------

fn without(batch: &RecordBatch, columns: &[&str]) -> RecordBatch {
    let schema = batch.schema();
    let kept = schema.fields().iter().enumerate().filter(|(_, field)| !columns.contains(&field.name().as_str()));
    batch.project(&kept.map(|(place, _)| place).collect::<Vec<_>>()).unwrap()
}

#[test]
fn columns_that_nothing_needs_are_passed_over() {
    let all = [format!("77 {} 10:00 10:04 3", id("10:00")), format!("77 {} 12:00 12:00 1", id("12:00"))];
    let sandbox = export(&without(&amplitude(), &["$insert_id", "event_id", "event_type"]));
    sandbox.made_of("amplitude", &[]).sessions_are(&[&all[0], &all[1]]);
    let plan = sandbox.of("run", "amplitude", &["--output", "out", "--dry-run"]).stdout;
    for word in [
        "amplitude: input.user = \"amplitude_id\", input.time = \"client_event_time\", input.session_id",
        "passed over: input.event = \"event_type\" (no such column), input.dedup = \"$insert_id\" (no such column), \
         input.sequence = \"event_id\" (no such column)",
    ] {
        assert!(plan.contains(word), "no {word:?} in {plan}");
    }
    // A column of another kind cannot put events in order.
    let [a, b, c, d, e, f, g, h, i] = warehouse();
    let other = table([
        a,
        b,
        ("user_id", Arc::clone(&c.1)),
        d,
        e,
        f,
        g,
        h,
        ("amplitude_id", ints([1, 1, 1])),
        ("event_type", texts(["x"; 3])),
        ("session_id", ints(["10:00", "10:00", "12:00"].map(at_ms))),
        ("client_event_time", Arc::clone(&i.1)),
        ("event_id", texts(["x", "y", "z"])),
    ]);
    let plan = export(&other).of("run", "amplitude", &["--output", "out", "--dry-run"]);
    assert!(plan.expect_code(0).stdout.contains("input.sequence = \"event_id\" (it is text)"), "{}", plan.stdout);
    // Segment writes a column only where something has a value.
    let anonymous = export(&without(&table(warehouse()), &["user_id"]));
    anonymous
        .made_of("segment", &[])
        .sessions_are(&[&format!("a1 {} 10:00 10:04 2", id("10:00")), &format!("a1 {} 12:00 12:00 1", id("12:00"))]);
}

#[test]
fn columns_that_something_needs_are_errors_that_name_the_source() {
    let fails = |lacking: &[&str], flags: &[&str], words: &[&str]| {
        let ran =
            export(&without(&amplitude(), lacking)).of("run", "amplitude", &[&["--output", "out"], flags].concat());
        ran.expect_code(2);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
        }
    };
    let of_source = "`input.source` is \"amplitude\"";
    fails(&["amplitude_id"], &[], &["`amplitude_id` (input.user)", of_source, "`input.user` (--user"]);
    fails(&["client_event_time"], &[], &["`client_event_time` (input.time)", of_source, "`input.time` (--time)"]);
    fails(&["session_id"], &[], &["`session_id` (input.session_id)", of_source, "--session-id", "--timeout 30m"]);
    fails(&["event_type"], &["--inactive", "x"], &["`event_type` (input.event)", of_source, "--event"]);
    fails(&["event_type"], &["--start-event", "x"], &["`event_type` (input.event)", of_source]);
    // Under another definition nothing needs session ids.
    export(&without(&amplitude(), &["session_id"])).made_of("amplitude", &["--timeout", "30m"]);
    let sandbox = export(&without(&amplitude(), &["$insert_id"]));
    sandbox.job("[input]\npath = 'data'\nsource = 'amplitude'\ndedup_within = '1d'\n[output]\npath = 'out'\n");
    let ran = sandbox.dwell(&["run", "job.toml"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("`$insert_id` (input.dedup)"), "{}", ran.stderr);
}

#[test]
fn a_unit_of_times_that_have_one_is_passed_over() {
    let json: Vec<String> = ga4_ids().iter().map(|id| format!(r#"{{"ga_session_id": {id}}}"#)).collect();
    let batch = ga4(texts(json.iter().map(String::as_str)));
    let millis = TimestampMillisecondArray::from(["10:00", "10:04", "12:00"].map(at_ms).to_vec());
    let mut columns = batch.columns().to_vec();
    columns[1] = Arc::new(millis.with_timezone("UTC"));
    let fields: Vec<Field> = batch
        .schema()
        .fields()
        .iter()
        .zip(&columns)
        .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap();
    let sandbox = export(&batch);
    let [first, _, second] = ga4_ids();
    sandbox
        .made_of("ga4", &[])
        .sessions_are(&[&format!("1.2 {first} 10:00 10:04 2"), &format!("1.2 {second} 12:00 12:00 1")]);
    let plan = sandbox.of("run", "ga4", &["--output", "out", "--dry-run"]).stdout;
    assert!(plan.contains("input.time_unit = \"us\" (the times are timestamp)"), "{plan}");
}

#[test]
fn an_unknown_source_is_answered_with_the_nearest() {
    let ran = export(&amplitude()).of("run", "posthg", &["--output", "out"]);
    ran.expect_code(2);
    for word in ["`input.source` = \"posthg\"", "did you mean \"posthog\"?", "rudderstack"] {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
}

#[test]
fn a_job_without_a_source_is_told_which_one_knows_its_columns() {
    for (batch, source) in [(posthog(), "posthog"), (table(warehouse()), "segment")] {
        let ran = export(&batch).dwell(&["doctor", "--input", "data"]);
        ran.expect_code(2);
        assert!(ran.stderr.contains(&format!("--source {source} (`input.source`) knows them")), "{}", ran.stderr);
    }
    // Not where a column is named, and misspelled.
    let ran = export(&posthog()).dwell(&["doctor", "--input", "data", "--user", "persn_id"]);
    assert!(!ran.stderr.contains("--source") && ran.stderr.contains("person_id"), "{}", ran.stderr);
}

// ---- Every command -----------------------------------------------------------------------------------------

#[test]
fn a_source_holds_for_every_command_alike() {
    let sandbox = export(&without(&amplitude(), &["event_id"]));
    let json = |command: &str, flags: &[&str]| -> serde_json::Value {
        let ran = sandbox.of(command, "amplitude", &[&["--format", "json"], flags].concat());
        ran.expect_code(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let doctor = json("doctor", &[]);
    assert_eq!((doctor["sessions"].as_i64(), doctor["users"].as_i64()), (Some(2), Some(1)));
    let inspect = json("inspect", &["--user", "77"]);
    assert_eq!(inspect["sessions"].as_array().unwrap().len(), 2, "{inspect:#}");
    let by_id = json("inspect", &["--session", &id("10:00")]);
    assert_eq!(by_id["sessions"].as_array().unwrap().len(), 1, "{by_id:#}");
    json("gaps", &[]);
    for (name, line) in [("a.toml", ""), ("b.toml", "[session]\ntimeout = '30m'\n")] {
        let job = format!("[input]\npath = 'data'\nsource = 'amplitude'\n{line}");
        std::fs::write(sandbox.path().join(name), job).unwrap();
    }
    let compared = sandbox.dwell(&["compare", "a.toml", "b.toml", "--format", "json"]);
    let compared: serde_json::Value = serde_json::from_str(&compared.expect_code(0).stdout).unwrap();
    assert_eq!(compared["totals"]["total_sessions"]["a"], 2, "{compared:#}");
    let charts = "[input]\nsource = 'amplitude'\n[output]\npath = 'out'\n";
    sandbox.made_of("amplitude", &[]).job(charts);
    sandbox.dwell(&["charts", "job.toml"]).expect_code(0);
}
