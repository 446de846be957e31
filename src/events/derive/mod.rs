//! Columns of one's own (SPEC 1): expressions over the columns of one row.
//!
//! [`resolve`] looks them up, orders them, and adds them to the schemas of files, so that whatever is named after it is found
//! among the columns of a file; [`columns`] is what is known of them; [`value`] types one over the files of a schema, and
//! [`compute`] adds them to the batches that are read: once for each text of a dictionary where they are made of one column.

pub mod columns;
pub mod compute;
pub mod resolve;
pub mod value;
