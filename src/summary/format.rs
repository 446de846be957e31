//! How an answer is printed.

use csv::{Terminator, Writer, WriterBuilder};

use crate::tables::write::csv_file::no_formula;

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
    /// A page to look at, one HTML file
    Html,
}

/// An answer as CSV (RFC 4180) in memory, whose writing cannot fail.
#[derive(Debug)]
pub struct CsvText(Writer<Vec<u8>>);

/// Writes an answer as CSV.
pub fn csv_writer() -> CsvText {
    CsvText(WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new()))
}

impl CsvText {
    /// Writes a row; no spreadsheet runs any of its texts as a formula.
    ///
    /// # Errors
    /// It has more or fewer fields than the rows before.
    pub fn write_record<T: AsRef<str>>(&mut self, fields: impl IntoIterator<Item = T>) -> csv::Result<()> {
        fields.into_iter().try_for_each(|field| self.0.write_field(no_formula(field.as_ref()).as_bytes()))?;
        self.0.write_record(None::<&[u8]>)
    }

    /// Writes a row of numbers, with their names in front of the first one.
    ///
    /// # Errors
    /// As [`CsvText::write_record`].
    pub fn serialize(&mut self, row: impl serde::Serialize) -> csv::Result<()> {
        self.0.serialize(row)
    }
}

/// What has been written.
pub fn csv_text(csv: CsvText) -> String {
    String::from_utf8(csv.0.into_inner().unwrap_or_default()).unwrap_or_default()
}
