//! Parquet to plain columns.
pub mod columns;
pub mod error;
pub mod find;
pub mod footer;
pub mod kind;
pub mod roles;
