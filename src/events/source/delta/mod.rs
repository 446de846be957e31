//! Delta tables as input: the files of a table's latest version, as its log tells.
//!
//! What a deletion vector does to counts is in three places: [`footer`](super::footer) takes deleted rows from the rows of each row
//! group, so that no count of the plan has them; [`read`](crate::events::decode::read) leaves them out of batches, before a filter sees
//! them; and the latest time of a row group with deleted rows is looked up in its rows, as statistics may be those of a deleted one
//! ([`ReadPlan::latest_by_footer`](super::plan::ReadPlan::latest_by_footer)).
//!
//! ```text
//! _delta_log/  ─► Root ─► Snapshot ───────────► Table ─► InputFile, each with TableFile:
//! *.json          list,   checkpoint, then      files     values of partition columns, the names of columns,
//! *.checkpoint…   read    commits replayed                and which rows are deleted
//! ```
//!
//! Only the log says which files are the table: others that lie in its folder are of versions before, or of writers that are
//! not done. What a table needs of its readers is held against a closed list ([`features`]).

pub mod actions;
pub mod checkpoint;
pub mod deleted;
pub mod error;
pub mod features;
pub mod mapping;
pub mod partition;
pub mod root;
pub mod schema;
pub mod snapshot;
pub mod table;
pub mod table_file;
pub mod z85;
