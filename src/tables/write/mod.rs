//! Writing table files: Parquet whose bytes follow from the rows ([`parquet_file`]), in [`parts`] where memory does not hold
//! them, confirmed by the disk ([`syncer`]); or into a pipe ([`arrow_stream`]).

pub mod arrow_stream;
pub mod csv_file;
pub mod files;
pub mod parquet_file;
pub mod parts;
pub mod syncer;
