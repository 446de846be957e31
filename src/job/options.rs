//! What the command line says of one run, besides the job.

use std::path::PathBuf;

use super::memory_limit::MemoryLimit;
use crate::error::Error;
use crate::sessionize::time::dates::Window;

/// What the command line says of this one run, and of no other.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The dates to recompute: `--from` and `--to`.
    pub window: Window,
    /// What to write; empty for everything.
    pub only: Vec<Table>,
    /// Find the dates to recompute from the files that are new, changed or gone.
    pub incremental: bool,
    /// Files may be gone.
    pub allow_removed: bool,
    /// The limits that a run keeps.
    pub limits: Limits,
    /// What the run may take of the machine.
    pub resources: Resources,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Rebuild a folder of another definition.
    pub overwrite: bool,
    /// Take the rows that kernels make elsewhere, in place of reading events.
    pub by_kernels: bool,
}

/// What a command may take of the machine, and whether it says what it does.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Threads; `None` for as many as the machine has.
    pub threads: Option<usize>,
    /// The memory to use; `None` for as much as it takes.
    pub memory_limit: Option<MemoryLimit>,
    /// Where what does not fit into memory goes; `None` for the output folder's own place, or where there is none,
    /// the system's.
    pub temp_dir: Option<PathBuf>,
    /// Print nothing but errors.
    pub quiet: bool,
}

impl Resources {
    /// How many threads to use.
    ///
    /// # Errors
    /// They do not fit into the memory limit.
    pub fn threads(&self) -> Result<usize, Error> {
        let threads = self.threads.unwrap_or_else(available_threads);
        self.memory_limit.map_or(Ok(()), |limit| limit.check_threads(threads))?;
        Ok(threads)
    }
}

/// What a run must not exceed, or it changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// The share of rows that may be rejected.
    pub max_rejected: Option<f64>,
    /// The share of events that may be in no session.
    pub max_out_of_session: Option<f64>,
    /// How many sessions there must be on the dates that are written.
    pub min_sessions: Option<u64>,
    /// The share by which the number of sessions of a date may change.
    pub max_change: Option<f64>,
    /// Whether a run that warns of something is one too many.
    pub fail_on_warning: bool,
}

/// What a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Table {
    /// The sessions table.
    Sessions,
    /// The activity table.
    Activity,
    /// The events table, where the job asks for it.
    Events,
    /// Measures and histograms.
    Charts,
}

impl Table {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Table::Sessions => "sessions",
            Table::Activity => "activity",
            Table::Events => "events",
            Table::Charts => "charts",
        }
    }
}

impl Options {
    /// What this run writes.
    pub fn tables(&self) -> Vec<Table> {
        let all = [Table::Sessions, Table::Activity, Table::Events, Table::Charts];
        all.into_iter().filter(|table| self.only.is_empty() || self.only.contains(table)).collect()
    }

    /// Whether this run writes a table.
    pub fn writes(&self, table: Table) -> bool {
        self.tables().contains(&table)
    }

    /// Whether a table has to be made, be it only to be measured.
    pub fn makes(&self, table: Table) -> bool {
        self.writes(table) || self.writes(Table::Charts) && table != Table::Events
    }
}

/// As many threads as the machine has.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
