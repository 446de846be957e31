//! The tables: what they look like, how they are written, and how a run's files replace the ones before.

pub mod added;
pub mod changes;
pub mod csv_file;
pub mod error;
pub mod files;
pub mod folder;
pub mod journal;
pub mod ledger;
pub mod lock;
pub mod made_with;
pub mod measures;
pub mod parquet_file;
pub mod parts;
pub mod place;
pub mod runs;
pub mod sessions;
pub mod syncer;
