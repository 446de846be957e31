//! Dwell turns Parquet event tables into user sessions.
//!
//! Data flows one way, and the modules are the stages, in order: [`job`] says what to do, [`events`]
//! reads Parquet into plain columns, [`sessionize`] is the kernel that makes sessions of them,
//! [`pipeline`] feeds it on all threads, [`tables`] writes what it made, [`charts`] measures the tables,
//! [`report`] says what happened.

pub mod events;
pub mod job;
mod nearest;
pub mod sessionize;
