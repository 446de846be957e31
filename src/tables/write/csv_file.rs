//! Tables as CSV (RFC 4180), for people and spreadsheets: times as ISO-8601 in the zone of the output, nulls as nothing.

use std::borrow::Cow;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use jiff::tz::TimeZone;

use super::parquet_file::Size;
use crate::job::dates::instant_text;
use crate::job::{CsvFormulas, Output};
use crate::sessionize::time::Timestamp;
use crate::tables::error::TableError;

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub struct CsvStyle<'a> {
    /// The zone of times.
    pub zone: &'a TimeZone,
    /// What becomes of text that a spreadsheet would run.
    pub formulas: CsvFormulas,
}

impl Output {
    /// How the values of its charts are written as CSV.
    pub fn csv_style(&self) -> CsvStyle<'_> {
        CsvStyle { zone: &self.zone, formulas: self.formulas }
    }
}

/// A CSV file that is being written.
#[derive(Debug)]
pub struct CsvFile<'a> {
    path: &'a Path,
    style: CsvStyle<'a>,
    writer: csv::Writer<BufWriter<File>>,
}

impl<'a> CsvFile<'a> {
    /// Creates a file with these columns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(
        path: &'a Path,
        header: impl Iterator<Item = &'static str>,
        style: CsvStyle<'a>,
    ) -> Result<Self, TableError> {
        let file = File::create(path).map_err(|error| TableError::write(path, &error))?;
        let mut builder = csv::WriterBuilder::new();
        let mut writer = builder.terminator(csv::Terminator::CRLF).from_writer(BufWriter::new(file));
        writer.write_record(header).map_err(|error| TableError::write(path, &error))?;
        Ok(CsvFile { path, style, writer })
    }

    /// Writes rows, as columns.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, columns: &[ArrayRef]) -> Result<(), TableError> {
        let rows = columns.first().map_or(0, |values| values.len());
        let style = self.style;
        (0..rows).try_for_each(|row| {
            let cells = columns.iter().map(|values| style.cell(values, row));
            self.writer.write_record(cells).map_err(|error| TableError::write(self.path, &error))
        })
    }

    /// Has the disk confirm the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(self) -> Result<Size, TableError> {
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(self.path, error);
        let buffered = self.writer.into_inner().map_err(|error| failed(error.error()))?;
        let file = buffered.into_inner().map_err(|error| failed(error.error()))?;
        file.sync_all().map_err(|error| failed(&error))?;
        let bytes = file.metadata().map_err(|error| failed(&error))?.len();
        Ok(Size { files: 1, rows: 0, bytes })
    }
}

impl CsvStyle<'_> {
    fn cell(&self, values: &ArrayRef, row: usize) -> String {
        if values.is_null(row) {
            return String::new();
        }
        match values.data_type() {
            DataType::Int64 => values.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Float64 => values.as_primitive::<Float64Type>().value(row).to_string(),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
                instant_text(Timestamp::from_micros(micros), self.zone)
            }
            _ => {
                let text = values.as_string::<i32>().value(row);
                match self.formulas {
                    CsvFormulas::Quote => no_formula(text).into_owned(),
                    CsvFormulas::Keep => text.to_string(),
                }
            }
        }
    }
}

/// A text that no spreadsheet runs as a formula: one that begins as formulas do has `'` in front. So has one that is such a
/// text behind `'`, so that no two texts become one; a number is none.
pub fn no_formula(text: &str) -> Cow<'_, str> {
    match begins_a_formula(text.trim_start_matches('\'')) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

fn begins_a_formula(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r' | b'\n') => true,
        Some(b'+' | b'-') => !is_number(&text[1..]),
        // The wide forms of the same signs.
        _ => text.starts_with(['\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']),
    }
}

/// Whether a text without its sign is a number in digits.
fn is_number(text: &str) -> bool {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    [whole, fraction, exponent].into_iter().all(are_digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_that_a_spreadsheet_would_run_has_a_quote_in_front() {
        for text in
            ["=1+1", "+1+1", "-1+1", "-", "@SUM(A1)", "\t=1", "\r=1", "-2e", "-1.", "\u{ff1d}1", "+cmd|' /C'!A0"]
        {
            assert_eq!(no_formula(text), format!("'{text}"));
        }
        for text in ["", "a=1", "-5", "+1.5", "-1.5e-3", "'", "'a", "1-1", " =1", "(none)", "\\(none)"] {
            assert_eq!(no_formula(text), text);
        }
        assert_eq!(no_formula("'=1"), "''=1");
    }

    proptest! {
        #[test]
        fn no_two_texts_become_one(a in "['=+a1-]{0,4}", b in "['=+a1-]{0,4}") {
            prop_assert_eq!(a == b, no_formula(&a) == no_formula(&b));
        }
    }
}
