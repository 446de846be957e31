//! Row groups to columns: [`read`] streams the rows, [`page_file`] looks at the heads of pages, and text that a file has as
//! codes of a dictionary stays so as far as it goes ([`coded_rows`], [`dictionaries`]). [`footprint`] tells what
//! reading takes, and [`lookup`] finds few rows among many.

pub mod coded;
pub mod coded_rows;
pub mod decoded;
pub mod dictionaries;
pub mod dictionary;
pub mod footprint;
pub mod lookup;
pub mod owned;
pub mod page_file;
pub mod read;
