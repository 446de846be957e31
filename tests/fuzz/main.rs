//! The functions of `dwell::fuzzing` over inputs that are changed at random, from a seed: what is read from outside does not
//! panic, hang or take much memory, whatever it is.
//!
//! ```text
//! cargo test --release --test fuzz
//! DWELL_FUZZ_SECONDS=3600 DWELL_FUZZ_SEED=7 cargo test --release --test fuzz -- --test-threads 2 condition
//! ```
//!
//! What the targets of cargo-fuzz, in `Cargo.toml` here, begin with is written by
//!
//! ```text
//! DWELL_FUZZ_WRITE=tests/fuzz/corpus cargo test --release --test fuzz
//! ```
//!
//! What is found is left in `target/tmp/fuzz`, and belongs into `found/` once it is mended, where it is tried each time. An input
//! that ends the whole process is the one in `target/tmp/fuzz/now`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs)]

mod bytes;
mod footers;
mod random;
mod seeds;
mod texts;

use random::Random;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// An input takes no longer.
const SECONDS: u64 = 20;
/// The process takes no more, in KiB.
const MEMORY: u64 = 1 << 20;
/// After so many different faults there is enough to do.
const ENOUGH: usize = 10;

/// What the last panic said, and where.
static LAST: Mutex<String> = Mutex::new(String::new());

fn last() -> String {
    std::mem::take(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Readers of damaged files panic and are caught: only what is not caught is told, at the end.
fn be_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|panic| {
            let said = panic.payload();
            let what = said.downcast_ref::<&str>().copied().or(said.downcast_ref::<String>().map(String::as_str));
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = format!("{place}: {}", what.unwrap_or("?"));
        }));
    });
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz")
}

fn target(name: &str) -> dwell::fuzzing::Target {
    dwell::fuzzing::TARGETS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// Tries what was found before, then `count` inputs made of some that are sound, or as many as a time asked for allows.
fn fuzz(name: &str, count: usize, seeds: &[Vec<u8>], change: impl Fn(&mut Random, &[Vec<u8>]) -> Vec<u8>) {
    if let Some(corpus) = std::env::var_os("DWELL_FUZZ_WRITE") {
        return write_corpus(&Path::new(&corpus).join(name), seeds);
    }
    be_quiet();
    let number = |key: &str| std::env::var(key).ok().map(|text| text.parse::<u64>().unwrap());
    let seconds = number("DWELL_FUZZ_SECONDS").map(Duration::from_secs);
    let mut random = Random::new(number("DWELL_FUZZ_SEED").unwrap_or(1));
    let mut tried = Tried::new(name);
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/found").join(name);
    for file in std::fs::read_dir(found).into_iter().flatten().flatten() {
        tried.input(&std::fs::read(file.path()).unwrap());
    }
    seeds.iter().for_each(|seed| tried.input(seed));
    let start = Instant::now();
    let mut inputs = 0;
    while tried.faults.len() < ENOUGH && seconds.map_or(inputs < count, |seconds| start.elapsed() < seconds) {
        tried.input(&change(&mut random, seeds));
        inputs += 1;
    }
    let told: Vec<String> = tried.faults.iter().map(|(what, file)| format!("{}: {what}", file.display())).collect();
    assert!(told.is_empty(), "{name}: {} faults in {inputs} inputs\n{}", told.len(), told.join("\n"));
}

fn write_corpus(folder: &Path, seeds: &[Vec<u8>]) {
    std::fs::create_dir_all(folder).unwrap();
    seeds
        .iter()
        .enumerate()
        .for_each(|(place, seed)| std::fs::write(folder.join(format!("seed-{place}")), seed).unwrap());
}

/// What was tried of a target.
struct Tried {
    name: String,
    target: dwell::fuzzing::Target,
    /// Where the input is that is being tried.
    now: File,
    watch: Watch,
    inputs: usize,
    /// By what a panic said and where, digits apart: an input.
    faults: BTreeMap<String, PathBuf>,
}

impl Tried {
    fn new(name: &str) -> Self {
        let now = folder().join("now").join(name);
        std::fs::create_dir_all(folder().join("now")).unwrap();
        Tried {
            name: name.to_string(),
            target: target(name),
            now: File::create(&now).unwrap(),
            watch: Watch::over(now),
            inputs: 0,
            faults: BTreeMap::new(),
        }
    }

    fn input(&mut self, input: &[u8]) {
        self.now.set_len(0).and_then(|()| self.now.write_all_at(input, 0)).unwrap();
        self.watch.begin();
        let target = self.target;
        last();
        if catch_unwind(|| target(input)).is_err() {
            self.fault(&last(), input);
        }
        self.watch.end();
        self.inputs += 1;
        // To ask takes longer than most inputs.
        if self.inputs.is_multiple_of(16) && peak_memory().is_some_and(|peak| peak > MEMORY) {
            self.fault("this or one of the fifteen before it takes too much memory", input);
            forget_peak();
        }
    }

    fn fault(&mut self, what: &str, input: &[u8]) {
        let kind: String = what.chars().filter(|sign| !sign.is_ascii_digit()).take(120).collect();
        if self.faults.contains_key(&kind) {
            return;
        }
        let file = folder().join(format!("{}-{}", self.name, self.faults.len()));
        std::fs::write(&file, input).unwrap();
        eprintln!("{}: {what}", file.display());
        self.faults.insert(kind, file);
    }
}

/// Ends the process where an input takes too long.
struct Watch(Arc<Mutex<Option<Instant>>>);

impl Watch {
    fn over(input: PathBuf) -> Self {
        let begun = Arc::new(Mutex::new(None));
        let watched = Arc::downgrade(&begun);
        std::thread::spawn(move || {
            while let Some(begun) = watched.upgrade() {
                let begun: Option<Instant> = *begun.lock().unwrap_or_else(PoisonError::into_inner);
                if begun.is_some_and(|begun| begun.elapsed() > Duration::from_secs(SECONDS)) {
                    eprintln!("{} takes more than {SECONDS} seconds", input.display());
                    std::process::exit(1);
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        Watch(begun)
    }

    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The most memory that the process has held, in KiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[test]
fn what_is_damaged_is_sound_before() {
    assert_eq!(dwell::fuzzing::reads_sample(), Ok(()));
}

#[test]
fn job_files() {
    fuzz("job_file", 3_000, &seeds::of("job_file"), texts::changed);
}

#[test]
fn conditions() {
    fuzz("condition", 500, &seeds::of("condition"), texts::changed);
}

#[test]
fn formulas() {
    fuzz("formula", 10_000, &seeds::of("formula"), texts::changed);
}

#[test]
fn durations() {
    fuzz("duration", 10_000, &seeds::of("duration"), texts::changed);
}

#[test]
fn dates() {
    fuzz("date", 10_000, &seeds::of("date"), texts::changed);
}

#[test]
fn zones() {
    fuzz("zone", 1_000, &seeds::of("zone"), texts::changed);
}

#[test]
fn footers_of_files() {
    fuzz("footer", 400, &[dwell::fuzzing::sample().footer.clone()], footers::changed);
}

#[test]
fn pages_of_files() {
    fuzz("pages", 400, &[dwell::fuzzing::sample().pages.clone()], bytes::changed);
}

#[test]
fn blocks() {
    fuzz("block", 10_000, &seeds::blocks(), bytes::changed);
}

#[test]
fn ledgers() {
    fuzz("ledger", 10_000, &seeds::of("ledger"), texts::changed);
}

#[test]
fn journals() {
    fuzz("journal", 10_000, &seeds::of("journal"), texts::changed);
}

#[test]
fn histories() {
    fuzz("history", 10_000, &seeds::of("history"), texts::changed);
}

#[test]
fn logs_of_delta_tables() {
    fuzz("delta_log", 1_000, &seeds::of("delta_log"), texts::changed);
}
