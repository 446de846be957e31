//! The tables: what they look like, how they are written, and how a run's files replace the ones before.

pub mod error;
pub mod folder;
pub mod history;
pub mod numbering;
pub mod of_users;
pub mod read;
pub mod rewrite;
pub mod schema;
pub mod stored;
pub mod users;
pub mod write;
