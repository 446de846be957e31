//! Dwell turns Parquet event tables into user sessions.
//!
//! Data flows one way, and the modules are the stages, in order: [`job`] says what to do, [`events`]
//! reads Parquet into plain columns, [`sessionize`] is the kernel that makes sessions of them,
//! [`pipeline`] feeds it on all threads, [`tables`] writes what it made, [`charts`] measures the tables,
//! [`report`] says what happened. [`run`] is the command that puts them together. [`doctor`], [`gaps`], [`inspect`] and
//! [`compare`] answer a [`question`] each with the same stages.

pub mod cancel;
pub mod chart_set;
pub mod charts;
pub mod charts_command;
pub mod cli;
pub mod compare;
pub mod doctor;
pub mod error;
pub mod events;
#[doc(hidden)]
pub mod fuzzing;
pub mod gaps;
pub mod guard;
pub mod guide;
pub mod history;
pub mod inspect;
pub mod job;
pub mod kept;
pub mod limits;
pub mod memory;
mod nearest;
pub mod outcome;
pub mod output;
pub mod pipeline;
pub mod profile;
pub mod question;
pub mod report;
pub mod rules;
pub mod run;
pub mod scope;
pub mod sessionize;
pub mod spill;
pub mod store;
pub mod tables;
