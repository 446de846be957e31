//! The kernel: events in, sessions and activity out. Plain Rust over slices; it knows no file, log or clock, and but for
//! [`table_rows::merge`], which sorts on whichever threads it is called, no threads.
//!
//! The session rule itself is in [`rule`]. Around it, a step each: [`preaggregate`] sums events that the rule cannot part,
//! [`layout`] lays events out by partition of users, [`rows`] says what is held of an event, [`partition_rows`] brings a partition's rows together by user, [`dedup`] drops repeats,
//! [`order`] puts each user's events in order, [`user`] is the walk over them, [`aggregate`] sums sessions and activity up; [`partition`] runs the steps after
//! the layout, and [`table_rows`] puts what they make in the order of the tables. [`time`] has instants, spans and dates.

pub mod aggregate;
pub mod block_rows;
pub mod counts;
pub mod dedup;
pub mod event_types;
pub mod facts;
pub mod layout;
pub mod order;
pub mod partition;
pub mod partition_rows;
pub mod preaggregate;
pub mod rows;
pub mod rule;
pub mod segments;
pub mod session_id;
pub mod table_rows;
pub mod time;
pub mod user;
pub mod visit;
pub mod watched;
