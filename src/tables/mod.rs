//! The tables: what they look like, how they are written, and how a run's files replace the ones before.

pub mod added;
pub mod error;
pub mod folder;
pub mod made_with;
pub mod measures;
pub mod parquet_file;
pub mod parts;
pub mod place;
pub mod sessions;
