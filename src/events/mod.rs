//! Parquet to plain columns.
//!
//! [`find`] says which files the input is ([`walk`] and [`glob`] what is in folders, [`hive`] which columns folders are),
//! [`footer`] what they hold, [`columns`] and [`roles`] which
//! column is what, [`condition`], [`filter`] and [`prune`] which rows leave; [`plan`] puts these together without
//! reading a row. [`read`] streams the rows, text as codes as far as [`coded_rows`] finds it so, and [`normalise`] makes
//! events of them, with the conversions of [`convert`]. [`survey`] says when the events of a file happened.

pub mod annotated;
pub mod bounds;
pub mod bridge;
pub mod coded;
pub mod coded_rows;
pub mod columns;
pub mod condition;
pub mod convert;
pub mod decoded;
pub mod dictionaries;
pub mod dictionary;
pub mod error;
pub mod extract;
pub mod extras;
pub mod fact_columns;
pub mod facts;
pub mod far_times;
pub mod filter;
pub mod find;
pub mod fits;
pub mod footer;
pub mod glob;
pub mod hive;
pub mod json;
pub mod kind;
pub mod lookup;
pub mod metadata;
pub mod normalise;
pub mod owned;
pub mod page_file;
pub mod plan;
pub mod project;
pub mod prune;
pub mod read;
pub mod recognise;
pub mod roles;
pub mod settle;
pub mod survey;
pub mod thrift;
pub mod tuples;
pub mod unread;
pub mod uuids;
pub mod walk;
