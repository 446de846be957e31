//! Nightly runs (SPEC 8): windows and incremental runs that are exact, and a folder that survives anything.

pub mod fixture;
mod history;
mod incremental;
mod kill;
mod limits;
mod schedule;
mod windows;
