//! How many requests it takes: the footer of an object by one, each range by one, and none twice.

use super::dwell;
use super::server::{Asked, Server};
use crate::support::{table_hashes, Sandbox};
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// Writes a file of events of so many row groups, with columns of noise among those that are needed.
fn write(sandbox: &Sandbox, name: &str, groups: usize, first: i64) {
    const ROWS: usize = 40_000;
    let path = sandbox.path().join("data").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut random = 1_u64;
    let mut noise = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 1) as i64
    };
    let mut writer: Option<ArrowWriter<File>> = None;
    for group in 0..groups {
        let rows = 0..ROWS as i64;
        let times =
            rows.clone().map(|row| 1_770_000_000_000_000 + first + (group as i64 * ROWS as i64 + row) * 1_000_000);
        let mut column = || -> ArrayRef { Arc::new((0..ROWS).map(|_| Some(noise())).collect::<Int64Array>()) };
        let columns: [(&str, ArrayRef); 9] = [
            ("user_id", Arc::new(StringArray::from_iter_values(rows.clone().map(|row| format!("user {}", row % 97))))),
            ("noise_a", column()),
            ("noise_b", column()),
            ("noise_c", column()),
            ("noise_d", column()),
            ("noise_e", column()),
            ("event_type", Arc::new(StringArray::from_iter_values(rows.map(|row| format!("type {}", row % 7))))),
            ("noise_f", column()),
            ("event_time", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS)).build();
        let writer = writer.get_or_insert_with(|| {
            ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
}

fn run(sandbox: &Sandbox, server: &Server, more: &str, flags: &[&str]) -> Vec<Asked> {
    sandbox.job(&format!("[input]\npath = 's3://bucket'\n{more}[session]\ntimeout = '30m'\n{}", server.keys()));
    dwell(sandbox, &[&["run", "job.toml", "--quiet", "--output", "out"], flags].concat(), &[]).expect_code(0);
    server.asked()
}

fn range(asked: &Asked) -> Range<u64> {
    let (first, last) = asked.range.as_ref().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    first.parse().unwrap()..last.parse::<u64>().unwrap() + 1
}

/// Fails where a byte of an object was asked for twice; the end that comes with the footer, and is not kept where it ends in
/// the middle of a row group, may be.
fn assert_nothing_twice(asked: &[Asked]) {
    const END: u64 = 1 << 16;
    let reads: Vec<(&str, Range<u64>)> =
        asked.iter().filter(|asked| asked.range.is_some()).map(|asked| (asked.key.as_str(), range(asked))).collect();
    for (place, (key, range)) in reads.iter().enumerate() {
        for (other_key, other) in reads[..place].iter().filter(|(_, other)| other.end - other.start != END) {
            let overlap = range.start < other.end && other.start < range.end;
            assert!(key != other_key || !overlap, "{key}: {other:?} and {range:?}");
        }
        let again = reads[..place].iter().any(|(other_key, other)| key == other_key && range == other);
        assert!(!again, "{key}: {range:?} twice");
    }
}

#[test]
fn each_footer_is_one_request_and_each_range_one_and_nothing_is_read_twice() {
    let sandbox = Sandbox::new();
    for file in 0..4 {
        write(&sandbox, &format!("part-{file}.parquet"), 3, file * 120_000_000_000);
    }
    let server = Server::over(&sandbox.path().join("data"));
    let asked = run(&sandbox, &server, "", &[]);
    assert_nothing_twice(&asked);
    let reads = asked.iter().filter(|asked| asked.range.is_some()).count();
    // Between users and event types lie five columns of noise: more than is read to save a request. The last row group's
    // end came with the footer.
    assert!(reads <= 4 + 4 * 3 * 2, "{reads} reads");
    assert!(asked.iter().all(|asked| asked.method == "GET"), "nothing is asked for but lists and ranges");
    let listings = asked.iter().filter(|asked| asked.is_listing()).count();
    assert!(listings <= 2, "two pages");
    dwell(&sandbox, &["run", "--input", "data", "--timeout", "30m", "--quiet", "--output", "local"], &[])
        .expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&sandbox.path().join("local")));
}

#[test]
fn small_objects_are_one_request() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("data")).unwrap();
    let layout_rows = 200;
    let ids = || Int64Array::from_iter_values(0..layout_rows);
    for name in ["a.parquet", "b.parquet"] {
        let times = (0..layout_rows).map(|row| 1_770_000_000_000_000 + row);
        let columns: [(&str, ArrayRef); 2] = [
            ("user_id", Arc::new(ids())),
            ("event_time", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        crate::support::write_batch(&sandbox.path().join("data").join(name), 50, &batch);
    }
    let server = Server::over(&sandbox.path().join("data"));
    let asked = run(&sandbox, &server, "", &[]);
    assert_eq!(asked.iter().filter(|asked| asked.range.is_some()).count(), 2, "{asked:#?}");
}

#[test]
fn an_incremental_night_reads_what_is_new_once() {
    let sandbox = Sandbox::new();
    for file in 0..4 {
        write(&sandbox, &format!("part-{file}.parquet"), 2, file * 100_000_000_000);
    }
    let server = Server::over(&sandbox.path().join("data"));
    run(&sandbox, &server, "", &["--incremental"]);
    let nothing_new = run(&sandbox, &server, "", &["--incremental"]);
    let others: BTreeSet<&str> =
        nothing_new.iter().filter(|asked| !asked.is_listing()).map(|asked| asked.key.as_str()).collect();
    assert!(others.is_empty(), "a night without news only lists: {others:?}");
    write(&sandbox, "part-9.parquet", 2, 900_000_000_000);
    let news = run(&sandbox, &server, "", &["--incremental"]);
    assert_nothing_twice(&news);
    let of_others = news.iter().filter(|asked| asked.range.is_some() && asked.key != "part-9.parquet").count();
    // The last date that was there is made anew, for which three row groups are read, in two ranges each.
    assert!(of_others <= 6, "{of_others} reads of what is as it was");
    dwell(&sandbox, &["run", "--input", "data", "--timeout", "30m", "--quiet", "--output", "local"], &[])
        .expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&sandbox.path().join("local")));
}

#[test]
fn as_many_requests_are_under_way_as_the_job_allows() {
    let sandbox = Sandbox::new();
    for file in 0..8 {
        write(&sandbox, &format!("part-{file}.parquet"), 2, file * 100_000_000_000);
    }
    let under_way = Arc::new(std::sync::Mutex::new((0_usize, 0_usize)));
    let count = Arc::clone(&under_way);
    let server = Server::with_faults(&sandbox.path().join("data"), move |_, _| {
        {
            let mut count = count.lock().unwrap();
            count.0 += 1;
            count.1 = count.1.max(count.0);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        count.lock().unwrap().0 -= 1;
        None
    });
    let keys = |requests: usize| format!("storage = {{ concurrency = {requests} }}\n");
    run(&sandbox, &server, &keys(3), &[]);
    assert_eq!(under_way.lock().unwrap().1, 3);
    under_way.lock().unwrap().1 = 0;
    std::fs::remove_dir_all(sandbox.out()).unwrap();
    run(&sandbox, &server, &keys(16), &[]);
    let most = under_way.lock().unwrap().1;
    assert!((4..=16).contains(&most), "{most}");
}
