//! Parquet to plain columns.
//!
//! [`source`] finds files, reads their footers, looks columns up and plans what is read; [`predicate`] says which rows leave,
//! and which row groups need not be read; [`decode`] streams the rows, text as codes of a dictionary as far as files have it
//! so; [`mod@derive`] adds columns that are made of others; [`normalise`] makes events of them, and rejects what cannot be one; [`facts`] is what charts and segments ask of
//! each row. [`mod@stream`] is events that come through a pipe. [`bridge`] hands arrays to polars and back, for what is left to it.

pub mod aliases;
pub mod bridge;
pub mod decode;
pub mod derive;
pub mod error;
pub mod facts;
pub mod normalise;
pub mod predicate;
pub mod source;
pub mod stream;
