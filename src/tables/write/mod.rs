//! Writing table files: Parquet whose bytes follow from the rows ([`parquet_file`]), in [`parts`] where memory does not hold
//! them, confirmed by the disk ([`syncer`]); or into a pipe: whole tables ([`arrow_stream`]), or parts of them ([`part_stream`]).

pub mod arrow_stream;
pub mod csv_file;
pub mod files;
pub mod parquet_file;
pub mod part_stream;
pub mod parts;
pub mod syncer;
