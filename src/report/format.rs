//! How an answer is printed.

use csv::{Terminator, Writer, WriterBuilder};

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for people
    #[default]
    Table,
    /// One JSON object
    Json,
    /// CSV with a header
    Csv,
}

/// Writes an answer as CSV (RFC 4180) to memory, which cannot fail.
pub fn csv_writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new())
}

/// What has been written.
pub fn csv_text(csv: Writer<Vec<u8>>) -> String {
    String::from_utf8(csv.into_inner().unwrap_or_default()).unwrap_or_default()
}
