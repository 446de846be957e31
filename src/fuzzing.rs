//! Whatever comes from outside, as bytes: a function for each kind, for the targets in `tests/fuzz`.
//!
//! A target takes any bytes. It must not panic, whatever they are, nor take long or much memory; what it asserts besides is
//! written where it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray, StructArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{WriterProperties, WriterVersion};

use crate::commands::gaps::gaps;
use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::dates::{calendar, dates_over, instant_text, instants_of, parse_day, parse_instant};
use crate::job::dates::{day_text, parse_zone};
use crate::job::duration::{duration_text, parse_duration, parse_limit};
use crate::job::file::InputKeys;
use crate::job::formula::Formula;
use crate::job::instants::instant_of;
use crate::job::options::Resources;
use crate::job::values::Names;
use crate::job::{Job, JobFile};
use crate::pipeline::question::Question;
use crate::sessionize::layout::block::Block;
use crate::sessionize::time::Timestamp;
use crate::summary::history;
use crate::tables::folder::journal::Journal;
use crate::tables::history::ledger::Ledger;

/// What is done with the bytes of a kind.
pub type Target = fn(&[u8]);

/// All kinds, by name.
pub const TARGETS: [(&str, Target); 13] = [
    ("job_file", job_file),
    ("condition", condition),
    ("formula", formula),
    ("duration", duration),
    ("date", date),
    ("zone", zone),
    ("footer", footer),
    ("pages", pages),
    ("block", block),
    ("ledger", ledger),
    ("journal", journal),
    ("history", run_history),
    ("delta_log", delta_log),
];

/// A job file: read and validated as a run, a question and `dwell charts` do.
pub fn job_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let keys = match JobFile::parse(text, Path::new("dwell.toml")) {
        Ok(keys) => keys,
        Err(error) => return drop(error.to_string()),
    };
    let said = [
        Job::new(keys.clone()).map(drop).map_err(|error| error.to_string()),
        Job::for_question(keys.clone()).map(drop).map_err(|error| error.to_string()),
        ChartsJob::new(keys).map(drop).map_err(|error| error.to_string()),
    ];
    let messages = said.into_iter().filter_map(Result::err);
    messages.for_each(|message| assert!(!message.trim().is_empty(), "an error says what is wrong"));
}

/// A condition, and a derived column, over a sound file with columns of many types: computed, or a mistake of whoever wrote it.
pub fn condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let of = |condition: &str| InputKeys { r#where: Some(condition.to_string()), ..input(&sample().path) };
    let derive = Some([("own".to_string(), text.to_string())].into());
    for keys in [of(text), InputKeys { derive, ..of("own IS NOT NULL") }] {
        if let Err(error) = ask(keys) {
            assert_eq!(error.exit_code(), 2, "{error}");
        }
    }
}

/// A formula over three series, one of which is empty.
pub fn formula(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let series = ["A", "B", "Ä"].map(str::to_string);
    match Formula::parse(text, &series) {
        Ok(formula) => {
            let value = formula.value(&|_, series| (series < 2).then_some(series as f64));
            assert!(value.is_none_or(f64::is_finite), "{value:?}");
            assert!(formula.functions().iter().all(|(_, of)| *of < series.len()));
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.position), "{error:?}"),
    }
}

/// A duration: what is read of it is written and read again as the same.
pub fn duration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    drop(parse_limit("session.max_gap", text).map_err(|error| error.to_string()));
    match parse_duration("session.timeout", text) {
        Ok(span) => {
            assert!(span.micros() > 0);
            assert_eq!(parse_duration("session.timeout", &duration_text(span)).ok(), Some(span));
        }
        Err(error) => drop(error.to_string()),
    }
}

/// A date or an instant: what is read of it is written and read again as the same.
pub fn date(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(day) = parse_day("output.since", text) {
        assert_eq!(parse_day("output.since", &day_text(day)).ok(), Some(day));
    }
    if let Ok(instant) = parse_instant("input.min_time", text) {
        assert_eq!(instant_of(text), Some(instant));
        let again = instant_text(instant, &jiff::tz::TimeZone::UTC);
        assert!(is_far(instant) || instant_of(&again) == Some(instant), "{again}");
    }
}

/// Whether an instant is near the ends of the calendar, where not all of a date's instants can be expressed, or beyond them.
fn is_far(instant: Timestamp) -> bool {
    const YEAR: u64 = 31_556_952_000_000;
    instant.micros().unsigned_abs() > 7_900 * YEAR
}

/// The name of a zone, and after a line break an instant in it: the date of the instant has that instant.
pub fn zone(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (name, rest) = text.split_once('\n').unwrap_or((text, ""));
    let zone = match parse_zone("output.timezone", name) {
        Ok(zone) => zone,
        Err(error) => return drop(error.to_string()),
    };
    let at = instant_of(rest).or_else(|| Some(Timestamp::from_micros(rest.parse().ok()?))).unwrap_or_default();
    let Some(calendar) = calendar(&zone, at, at).filter(|_| !is_far(at)) else { return };
    let day = calendar.cursor().find(at).day;
    let dates = dates_over((at, at), &zone);
    assert!(dates.0 <= day && day <= dates.1, "{day:?} is not of {dates:?}");
    let instants = instants_of((day, day), &zone);
    assert!(instants.0 <= at && at <= instants.1, "{at:?} is not within {instants:?}");
    drop(instant_text(at, &zone));
}

/// The footer of a file, behind the pages of a sound one.
pub fn footer(bytes: &[u8]) {
    let Sample { pages, .. } = sample();
    let length = u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
    read(&[pages.as_slice(), bytes, &length, b"PAR1"].concat());
}

/// The pages of a file before the footer of a sound one, or a whole file.
pub fn pages(bytes: &[u8]) {
    let Sample { pages, footer, .. } = sample();
    if bytes.ends_with(b"PAR1") {
        return read(bytes);
    }
    let mut all = bytes.to_vec();
    all.resize(pages.len(), 0);
    let length = u32::try_from(footer.len()).unwrap_or(0).to_le_bytes();
    read(&[all.as_slice(), footer, &length, b"PAR1"].concat());
}

/// Has the events of a file read. Where that fails it is for the file, which is named, or because a column is not there.
fn read(file: &[u8]) {
    // Threads have files of their own.
    let path = scratch(&format!("{:?}.parquet", std::thread::current().id()));
    if fs::write(&path, file).is_err() {
        return;
    }
    if let Err(error) = ask(input(&path)) {
        let said = error.to_string();
        let ended = (error.exit_code(), said.contains(".parquet"));
        assert!(ended.0 == 2 || ended == (1, true), "{ended:?}: {said}");
    }
}

/// The events of a partition that did not fit into memory.
pub fn block(bytes: &[u8]) {
    let mut rest = bytes;
    let Some(block) = Block::read(&mut rest) else { return };
    let rows = block.rows(0);
    for row in rows.clone().take(1 << 16) {
        let _ = (block.time(row), block.event(row), block.sequence(row), block.unique_id(row));
        if let Some(values) = &block.values {
            block.is_valid(values, row);
        }
    }
    let users = block.users.of_partition(0);
    assert_eq!(users.map(|user| block.users.run(user).len()).sum::<usize>(), rows.len());
    let mut again = Vec::new();
    block.write(0, &mut again);
    assert!(Block::read(&mut again.as_slice()) == Some(block), "what is written is read as the same");
}

/// `_dwell/ledger.json`: what is read of it is written and read again as the same.
pub fn ledger(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(ledger) = Ledger::parse(text) {
        let again = Ledger::parse(&ledger.text());
        assert!(again.is_ok_and(|again| again == ledger), "what is written is read as the same");
    }
}

/// `_dwell/journal.json`: nothing outside of the folder is touched.
pub fn journal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(journal) = Journal::parse(text) {
        let folder = Path::new("/folder");
        for file in journal.put.iter().chain(&journal.remove) {
            let outside = file.components().any(|part| part == std::path::Component::ParentDir);
            assert!(folder.join(file).starts_with(folder) && !outside, "{file:?}");
        }
    }
}

/// The records of runs in `_dwell/runs`, one a line.
pub fn run_history(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let records: Vec<String> = text.lines().map(str::to_string).collect();
    history::table(&records);
}

/// A commit of a Delta table, of which the sound file is a part.
pub fn delta_log(bytes: &[u8]) {
    // Threads have tables of their own.
    let table = scratch(&format!("{:?}", std::thread::current().id()));
    let (log, file) = (table.join("_delta_log"), table.join("a.parquet"));
    let made = fs::create_dir_all(&log)
        .and_then(|()| if file.exists() { Ok(0) } else { fs::copy(&sample().path, &file) })
        .and_then(|_| fs::write(log.join("00000000000000000000.json"), bytes));
    if made.is_err() {
        return;
    }
    if let Err(error) = ask(input(&table)) {
        let said = error.to_string();
        let ended =
            (error.exit_code(), said.contains("a.parquet") || said.contains("_delta_log") || said.contains("Thread"));
        assert!(ended.0 == 2 || ended == (1, true), "{ended:?}: {said}");
    }
}

/// A sound file, to be read and to be damaged.
#[derive(Debug)]
pub struct Sample {
    /// Where it is.
    pub path: PathBuf,
    /// All before the footer.
    pub pages: Vec<u8>,
    /// The footer, without its length.
    pub footer: Vec<u8>,
}

/// The sound file; it is written once.
pub fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let path = scratch("sound.parquet");
        let file = written().unwrap_or_default();
        // Without room on disk, nothing is tested.
        let _ = fs::write(&path, &file);
        let length = file.get(file.len().saturating_sub(8)..).and_then(|end| end.first_chunk::<4>());
        let footer = length.map_or(0, |length| u32::from_le_bytes(*length) as usize);
        let start = file.len().saturating_sub(8 + footer);
        Sample { path, pages: file[..start].to_vec(), footer: file[start..file.len().saturating_sub(8)].to_vec() }
    })
}

/// Reads the sound file.
///
/// # Errors
/// What is said, should it not be sound.
pub fn reads_sample() -> Result<(), String> {
    ask(input(&sample().path)).map_err(|error| error.to_string())
}

const ROWS: i64 = 96;

/// Columns of many types in small row groups and pages, some of the first version and some of the second, with a dictionary
/// that overflows.
fn written() -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let rows = || 0..ROWS;
    let some = |row: &i64| row % 11 != 5;
    let day = |row: i64| 20_457 + (row / 20) as i32;
    let time = |row: i64| i64::from(day(row)) * 86_400_000_000 + row * 61_000_000;
    let users: StringArray = rows().map(|row| some(&row).then(|| format!("u{}", row % 7))).collect();
    let names: StringArray = rows().map(|row| Some(["view", "open", ""][row as usize % 3])).collect();
    let many: StringArray = rows().map(|row| Some(format!("a text of its own, {row}"))).collect();
    let ids: Int64Array = rows().map(|row| Some(if row % 9 == 0 { -1 } else { time(row - row % 8) / 1000 })).collect();
    let small: Int32Array = rows().map(|row| some(&row).then_some(row as i32 - 40)).collect();
    let large: UInt64Array = rows().map(|row| Some(u64::MAX - row as u64)).collect();
    let json: StringArray = rows().map(|row| Some(format!(r#"{{"word": "w{}", "number": {row}}}"#, row % 4))).collect();
    let fields = vec![Field::new("word", DataType::Utf8, true), Field::new("number", DataType::Int32, true)];
    let inner: Vec<ArrayRef> = vec![Arc::new(names.clone()), Arc::new(small.clone())];
    let columns: [(&str, ArrayRef); 12] = [
        ("user_id", Arc::new(users)),
        ("event_type", Arc::new(names)),
        ("event_time", Arc::new(TimestampMicrosecondArray::from_iter_values(rows().map(time)).with_timezone("UTC"))),
        ("session_id", Arc::new(ids)),
        ("many", Arc::new(many)),
        ("small", Arc::new(small)),
        ("large", Arc::new(large)),
        ("real", Arc::new(Float64Array::from_iter_values(rows().map(|row| row as f64 / 4.0)))),
        ("truth", Arc::new(rows().map(|row| some(&row).then_some(row % 2 == 0)).collect::<BooleanArray>())),
        ("day", Arc::new(Date32Array::from_iter_values(rows().map(day)))),
        ("json", Arc::new(json)),
        ("box", Arc::new(StructArray::try_new(fields.into(), inner, None)?)),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_max_row_group_row_count(Some(48))
        .set_write_batch_size(8)
        .set_data_page_row_count_limit(24)
        .set_dictionary_page_size_limit(256)
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(file)
}

/// The events of a file, over which a condition is asked.
fn input(path: &Path) -> InputKeys {
    InputKeys { path: Some(Names::One(path.display().to_string())), ..InputKeys::default() }
}

/// Has events read with their session ids, and cut by timeouts.
fn ask(input: InputKeys) -> Result<(), Error> {
    let resources = Resources { threads: Some(1), quiet: true, ..Resources::default() };
    let job = Job::for_question(JobFile { input, ..JobFile::default() })?;
    Question::open(job.clone(), &resources)?.ask()?;
    gaps(job, &resources, &[]).map(drop)
}

/// A place in a folder of this process's own.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dwell-fuzzing-{}", std::process::id()));
    let _ = fs::create_dir_all(&folder);
    folder.join(name)
}
