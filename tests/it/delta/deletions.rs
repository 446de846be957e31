//! Deletion vectors: rows that files have and the table has not.

use super::log::{add, remove, Lake, Settings};
use crate::nightly::fixture::{day_file, folder, view, visits, TIMEOUT};
use crate::reference::Event;
use crate::support::{read_run, write_batch, Layout, Sandbox};
use flate2::Crc;
use roaring::RoaringTreemap;
use serde_json::{json, Value};

/// Rows as the log or its files have them.
fn bytes_of(rows: &[u64]) -> Vec<u8> {
    let mut bytes = 1_681_511_377_u32.to_le_bytes().to_vec();
    rows.iter().copied().collect::<RoaringTreemap>().serialize_into(&mut bytes).unwrap();
    bytes
}

fn z85(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let four = |four: &[u8]| {
        let number = (0..4).fold(0_u32, |number, place| number << 8 | u32::from(*four.get(place).unwrap_or(&0)));
        (0..5).rev().map(|power| DIGITS[(number / 85_u32.pow(power) % 85) as usize] as char).collect::<String>()
    };
    bytes.chunks(4).map(four).collect()
}

/// In the log itself.
pub fn inline(rows: &[u64]) -> Value {
    let bytes = bytes_of(rows);
    json!({
        "storageType": "i", "pathOrInlineDv": z85(&bytes), "sizeInBytes": bytes.len(), "cardinality": rows.len(),
    })
}

const ID: [u8; 16] = [0xd2, 0xc6, 0x39, 0xaa, 0x88, 0x16, 0x43, 0x1a, 0xaa, 0xf6, 0xd3, 0xfe, 0x25, 0x12, 0xff, 0x61];
const NAME: &str = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";

/// In a file, behind others.
fn in_file(sandbox: &Sandbox, folder: &str, rows: &[u64]) -> Value {
    let bytes = bytes_of(rows);
    let mut file = b"\x01what is before".to_vec();
    let offset = file.len();
    file.extend((bytes.len() as u32).to_be_bytes());
    file.extend(&bytes);
    let mut crc = Crc::new();
    crc.update(&bytes);
    file.extend(crc.sum().to_be_bytes());
    file.extend(b"and what is after");
    let path = sandbox.path().join("data").join(folder).join(NAME);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, file).unwrap();
    json!({
        "storageType": "u", "pathOrInlineDv": format!("{folder}{}", z85(&ID)), "offset": offset,
        "sizeInBytes": bytes.len(), "cardinality": rows.len(),
    })
}

pub fn with(mut file: Value, vector: &Value) -> Value {
    file["add"]["deletionVector"] = vector.clone();
    file
}

pub fn settings() -> Settings {
    Settings::ordinary().with_features(&["deletionVectors"])
}

/// Events but for those of some numbers.
pub fn without(events: &[Event], rows: &[u64]) -> Vec<Event> {
    let left = events.iter().enumerate().filter(|(row, _)| !rows.contains(&(*row as u64)));
    left.map(|(_, event)| event.clone()).collect()
}

fn plain(sandbox: &Sandbox, name: &str, events: &[Event]) {
    write_batch(&sandbox.path().join("plain").join(name), 1000, &Layout::default().batch(events));
}

#[test]
fn deleted_rows_are_no_rows_wherever_it_is_written_which() {
    let url = |vector: &Value, sandbox: &Sandbox| {
        let mut vector = vector.clone();
        vector["storageType"] = json!("p");
        vector["pathOrInlineDv"] = json!(format!("file://{}/data/{NAME}", sandbox.path().display()));
        vector
    };
    // The last ones are the latest of all.
    let deleted = [0, 3, 4, 9];
    for form in 0..4 {
        let sandbox = folder(TIMEOUT);
        let files: Vec<Value> = (1..=3).map(|day| Lake::file(&sandbox, &day_file(day), &visits(day))).collect();
        let vector = match form {
            0 => inline(&deleted),
            1 => in_file(&sandbox, "", &deleted),
            2 => in_file(&sandbox, "aB", &deleted),
            _ => url(&in_file(&sandbox, "", &deleted), &sandbox),
        };
        Lake::new(&sandbox, &settings(), &[files[0].clone(), files[1].clone(), with(files[2].clone(), &vector)]);
        plain(&sandbox, &day_file(3), &without(&visits(3), &deleted));
        sandbox.is_as_plain_files(&[]);
        assert_eq!(read_run(&sandbox.out())["rows"], 26);
    }
}

#[test]
fn rows_are_left_out_of_pieces_of_row_groups_and_of_whole_ones() {
    const ROWS: u64 = 620_000;
    let sandbox = folder(TIMEOUT);
    let event = |row: u64| {
        let minute = row * 7 % (20 * 24 * 60);
        let time = format!("2026-01-{:02} {:02}:{:02}", 1 + minute / 1440, minute / 60 % 24, minute % 60);
        view(&format!("u{}", row % 5_000), &time)
    };
    let events: Vec<Event> = (0..ROWS).map(event).collect();
    let is_deleted = |row: u64| {
        row % 7 == 3 || (100_000..240_000).contains(&row) || (300_000..310_000).contains(&row) || row == ROWS - 1
    };
    let layout = Layout::default();
    let batch = layout.batch(&events);
    // A row group of several pieces, and some of which all rows are deleted.
    let path = sandbox.path().join("data/a.parquet");
    write_batch(&path, 300_000, &batch);
    write_batch(&sandbox.path().join("data/b.parquet"), 10_000, &batch.slice(300_000, 20_000));
    let rows: Vec<u64> = (0..ROWS).filter(|row| is_deleted(*row)).collect();
    let of_b: Vec<u64> = (0..20_000).filter(|row| is_deleted(row + 300_000)).collect();
    let files = [
        with(add(&sandbox, "a.parquet", json!({})), &in_file(&sandbox, "", &rows)),
        with(add(&sandbox, "b.parquet", json!({})), &inline(&of_b)),
    ];
    Lake::new(&sandbox, &settings(), &files);
    let left: Vec<Event> =
        events.into_iter().enumerate().filter(|(row, _)| !is_deleted(*row as u64)).map(|(_, event)| event).collect();
    write_batch(&sandbox.path().join("plain/a.parquet"), 300_000, &layout.batch(&left));
    let of_b: Vec<Event> = (300_000..320_000).filter(|row| !is_deleted(*row)).map(event).collect();
    write_batch(&sandbox.path().join("plain/b.parquet"), 10_000, &layout.batch(&of_b));
    sandbox.is_as_plain_files(&["--threads", "2"]);
    let _ = std::fs::remove_dir_all(sandbox.out());
    sandbox.ends(0, &["--threads", "2", "--where", "user_id <> 'u17'"]);
    let rows = read_run(&sandbox.out())["rows"].clone();
    assert_eq!(rows, (left.len() + of_b.len()) as i64);
}

#[test]
fn inspect_does_not_see_deleted_rows() {
    let sandbox = folder(TIMEOUT);
    let file = Lake::file(&sandbox, &day_file(1), &visits(1));
    Lake::new(&sandbox, &settings(), &[with(file, &inline(&[0, 1, 2]))]);
    plain(&sandbox, &day_file(1), &without(&visits(1), &[0, 1, 2]));
    let inspect = |input: &str| {
        let ran = sandbox.dwell(&["inspect", "job.toml", "--input", input, "--user", "ann"]);
        ran.expect_code(0);
        ran.stdout
    };
    assert_eq!(inspect("data"), inspect("plain"));
    assert!(inspect("data").contains("23:50") && !inspect("data").contains("09:04"));
}

#[test]
fn a_file_of_which_more_rows_are_deleted_is_changed() {
    let sandbox = folder(TIMEOUT);
    let files: Vec<Value> = (1..=20).map(|day| Lake::file(&sandbox, &day_file(day), &visits(day))).collect();
    let lake = Lake::new(&sandbox, &settings(), &files);
    sandbox.night(&[]);
    let mut before = remove(&day_file(10));
    let mut deleted = Vec::new();
    for row in [9, 0, 5] {
        deleted.push(row);
        deleted.sort_unstable();
        let vector = inline(&deleted);
        lake.commit(&[before.clone(), with(files[9].clone(), &vector)]);
        before["remove"]["deletionVector"] = vector;
        sandbox.night(&[]);
        assert_eq!((sandbox.told("files", "changed"), sandbox.told("files", "same")), (1, 19));
        assert_eq!(sandbox.replaced().len(), 1);
        sandbox.is_as_after_a_full_run();
    }
    plain(&sandbox, &day_file(10), &without(&visits(10), &deleted));
    sandbox.is_as_plain_files(&[]);
}

#[test]
fn vectors_that_cannot_be_are_told() {
    let told = |change: fn(&mut Value, &Sandbox), words: &[&str]| {
        let sandbox = folder(TIMEOUT);
        let file = Lake::file(&sandbox, &day_file(1), &visits(1));
        let mut vector = in_file(&sandbox, "", &[1, 2]);
        change(&mut vector, &sandbox);
        Lake::new(&sandbox, &settings(), &[with(file, &vector)]);
        let ran = sandbox.ends(1, &[]);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} in: {}", ran.stderr);
        }
    };
    told(|vector, _| vector["cardinality"] = json!(3), &["2026-01-01.parquet", "the log says 3 rows, and 2 are there"]);
    told(|vector, _| *vector = inline(&[1, 10]), &["2026-01-01.parquet", "row 10 of 10"]);
    told(|vector, _| vector["offset"] = json!(3), &[NAME, "their size"]);
    told(|vector, _| vector["storageType"] = json!("x"), &["\"x\""]);
    told(|_, sandbox| std::fs::remove_file(sandbox.path().join("data").join(NAME)).unwrap(), &[NAME, "is not there"]);
    let flip = |_: &mut Value, sandbox: &Sandbox| {
        let path = sandbox.path().join("data").join(NAME);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[40] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    told(flip, &[NAME, "their sum is wrong"]);
    let cut = |vector: &mut Value, sandbox: &Sandbox| {
        let path = sandbox.path().join("data").join(NAME);
        let bytes = std::fs::read(&path).unwrap();
        let start = vector["offset"].as_u64().unwrap_or(0) as usize;
        std::fs::write(path, &bytes[..start + 4 + vector["sizeInBytes"].as_u64().unwrap() as usize / 2]).unwrap();
    };
    told(cut, &[NAME, "ends in the midst"]);
}
