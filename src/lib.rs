//! Dwell turns Parquet event tables into user sessions.
//!
//! A job says where events are, what a session is and where tables go. The same job as `dwell run job.toml`, from a
//! program:
//!
//! ```
//! use std::path::Path;
//!
//! use dwell::job::options::Options;
//! use dwell::job::{Job, JobFile};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let output = folder.path().join("out");
//! let keys = format!(
//!     "[input]
//!      path = 'data/events'
//!      where = \"platform <> 'bot'\"
//!      [session]
//!      timeout = '30m'
//!      [output]
//!      path = {output:?}"
//! );
//! let job = Job::new(JobFile::parse(&keys, Path::new("job.toml"))?)?;
//! assert!(job.definition.sentence().starts_with("A session is "));
//!
//! let summary = dwell::run(&job, &Options::default())?;
//! assert!(summary.starts_with("Sessions       21,731 on 15 dates"), "{summary}");
//! assert!(output.join("sessions/session_date=2026-01-01/part-0.parquet").exists());
//! # Ok(())
//! # }
//! ```
//!
//! Data flows one way, and the folders are the stages, in order: [`job`] says what to do, [`events`] reads Parquet into
//! plain columns, [`sessionize`] is the kernel that makes sessions of them, [`tables`] writes what it made, [`pipeline`]
//! runs these on all threads within the memory allowed, [`charts`] measures the tables, [`summary`] says what happened, [`page`] draws
//! it, [`schedulers`] are told.
//! [`commands`] puts them together: [`commands::run`] is the batch job, the others answer questions with the same stages.
//!
//! The session rule is in [`sessionize::rule`], the walk over a user's events in [`sessionize::user`]; rows are rejected in
//! [`events::normalise`]; a run that was killed while it committed is completed by [`tables::folder::journal`]. How it is
//! built, and where to look for what, is on the page [`guide::architecture`]; what is computed, on
//! [`guide::specification`]: "SPEC 3" in a comment is section 3 of it.

// The documentation is for who works on it, too, and made with private items.
#![allow(rustdoc::private_intra_doc_links)]

mod cancel;
mod charts;
pub mod cli;
mod commands;
pub mod error;
mod events;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
pub mod guide;
pub mod heap;
pub mod job;
#[doc(hidden)]
pub mod kernel;
mod page;
mod pipeline;
mod profile;
mod schedulers;
mod sessionize;
mod stats;
mod storage;
mod summary;
mod tables;

pub use commands::run::run;
