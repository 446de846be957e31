//! The kernel: events in, sessions and activity out. Plain Rust over slices; it knows no file, log or clock, and but for
//! [`merge`], which sorts on whichever threads it is called, no threads.
//!
//! The session rule itself is in [`cut`]. Around it, one file a step: [`joining`] makes [`burst`]s of events that it
//! cannot part, [`open`] until the next one of their user, [`scatter`] lays events out by user hash as [`block`]s,
//! [`intern`] turns ids into codes, [`rows`] groups a partition's events by user, [`dedup`] drops repeats, [`order`] puts
//! each user's events in order, [`aggregate`] sums sessions and activity up, [`identify`] gives custom sessions their ids;
//! [`partition`] runs the steps after scattering, whose rows are [`dated`] and wait [`compact`], and [`merge`] puts the
//! partitions' rows in the order of the tables.

pub mod added;
pub mod aggregate;
pub mod block;
pub mod burst;
pub mod calendar;
pub mod columns;
pub mod compact;
pub mod counts;
pub mod cut;
pub mod dated;
pub mod dates;
pub mod dedup;
pub mod event_types;
pub mod facts;
pub mod hash;
pub mod identify;
pub mod intern;
pub mod joining;
pub mod keyring;
pub mod merge;
pub mod open;
pub mod order;
pub mod packed;
pub mod partition;
mod prefix;
pub mod records;
pub mod rows;
pub mod scatter;
pub mod segments;
pub mod session_id;
pub mod time;
pub mod visit;
pub mod wire;
