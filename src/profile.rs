//! Where the time of a run goes: seconds that threads spent on each step, summed over all threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

/// What threads spend their time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Row groups to columns: decompressed, decoded, filtered.
    Read,
    /// Columns to events: users and types as codes, impossible rows rejected.
    Normalise,
    /// Events that nothing can part, to one.
    Join,
    /// Events to partitions, and to disk where memory does not hold them.
    Scatter,
    /// The rows of a partition: users told apart, each row put in its place among its user's.
    Intern,
    /// Each user's events in order, cut into sessions, summed up.
    Cut,
    /// All users in order.
    Order,
    /// Rows of a date to a file: in order, encoded, compressed, synced.
    Write,
}

impl Step {
    const ALL: [(Step, &'static str); 8] = [
        (Step::Read, "read"),
        (Step::Normalise, "normalise"),
        (Step::Join, "join"),
        (Step::Scatter, "scatter"),
        (Step::Intern, "intern"),
        (Step::Cut, "cut"),
        (Step::Order, "order"),
        (Step::Write, "write"),
    ];
}

/// The time spent on each step so far.
#[derive(Debug, Default)]
pub struct Profile {
    nanos: [AtomicU64; Step::ALL.len()],
}

impl Profile {
    /// Does some work of a step.
    pub fn time<T>(&self, step: Step, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.add(step, began.elapsed());
        done
    }

    /// Adds time to a step.
    pub fn add(&self, step: Step, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos[step as usize].fetch_add(nanos, Ordering::Relaxed);
    }

    /// Seconds by step.
    pub fn seconds(&self) -> Map<String, Value> {
        let seconds = |step: Step| self.nanos[step as usize].load(Ordering::Relaxed) as f64 / 1e9;
        let rounded = |seconds: f64| Value::from((seconds * 1e4).round() / 1e4);
        Step::ALL.iter().map(|(step, name)| (name.to_string(), rounded(seconds(*step)))).collect()
    }
}
