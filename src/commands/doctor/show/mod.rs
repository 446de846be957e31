//! How a diagnosis looks: for people, as JSON, as CSV, as a page.

mod csv;
pub mod html;
mod json;
mod text;

use super::Diagnosis;
use crate::summary::format::Format;

/// A diagnosis in a format; `coloured` is for terminals.
pub fn show(diagnosis: &Diagnosis, format: Format, coloured: bool) -> String {
    match format {
        Format::Table => text::text(diagnosis, coloured),
        Format::Json => json::json(diagnosis),
        Format::Csv => csv::csv(diagnosis),
        Format::Html => html::page(diagnosis),
    }
}
