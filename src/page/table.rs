//! The table of a picture: its figures as text, each with the exact one in `data-value`.

use maud::{html, Markup, PreEscaped};

use super::number::Unit;
use crate::summary::counted;
use crate::summary::lines::{harmless, shortened};

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The names of its columns; the first one is that of the rows' names.
    pub head: Vec<String>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Which rows are shown where there is no room for all.
    pub keep: Keep,
    /// Where all rows are, in the words of a sentence.
    pub all_in: &'static str,
}

/// Which rows are shown where there is no room for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// The first ones: they are in order of size.
    #[default]
    First,
    /// The last ones: they are in order of time.
    Last,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its figures.
    pub cells: Vec<Cell>,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// It, or `None` where it is over nothing.
    pub value: Option<f64>,
    /// What it counts.
    pub unit: Unit,
}

impl Cell {
    /// A figure.
    pub fn new(value: Option<f64>, unit: Unit) -> Self {
        Cell { value, unit }
    }

    /// A number of things.
    pub fn count(value: u64) -> Self {
        Cell { value: Some(value as f64), unit: Unit::Count }
    }

    fn markup(self) -> Markup {
        html! { td data-value=(Unit::exact(self.value)) { (self.unit.text(self.value)) } }
    }
}

/// A text of the data has at most so many letters on a page.
pub const LETTERS: usize = 80;

/// A text of the data as a page has it: without control characters, not too long, and apart from the text around it
/// whatever direction it is written in.
pub fn of_data(text: &str) -> Markup {
    html! { bdi { (shown(text)) } }
}

/// The same as plain text.
pub fn shown(text: &str) -> String {
    shortened(&harmless(text), LETTERS)
}

impl Table {
    /// The table in about so many bytes, and the place of the first row that is shown.
    pub fn markup(&self, bytes: usize) -> (Markup, usize) {
        let mut shown = Vec::new();
        let mut left = bytes;
        let rows: Box<dyn Iterator<Item = &Row>> = match self.keep {
            Keep::First => Box::new(self.rows.iter()),
            Keep::Last => Box::new(self.rows.iter().rev()),
        };
        for row in rows {
            let text = row.markup().into_string();
            if text.len() > left && !shown.is_empty() {
                break;
            }
            left = left.saturating_sub(text.len());
            shown.push(text);
        }
        let missing = self.rows.len() - shown.len();
        if self.keep == Keep::Last {
            shown.reverse();
        }
        let first = if self.keep == Keep::Last { missing } else { 0 };
        let markup = html! {
            div.scroll { table {
                thead { tr { @for (place, name) in self.head.iter().enumerate() {
                    th scope="col" class=[(place == 0).then_some("name")] { (of_data(name)) }
                } } }
                tbody { @for row in &shown { (PreEscaped(row)) } }
            } }
            @if missing > 0 {
                p.note { "… and " (counted(missing as u64, "row")) " more" @if !self.all_in.is_empty() { ", in " (self.all_in) } }
            }
        };
        (markup, first)
    }
}

impl Row {
    fn markup(&self) -> Markup {
        html! { tr { th scope="row" { (of_data(&self.name)) } @for cell in &self.cells { (cell.markup()) } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted() {
        let row = |number: u64| Row { name: format!("<{number}>"), cells: vec![Cell::count(number)] };
        let rows: Vec<Row> = (0..100).map(row).collect();
        let table = Table { head: vec!["x".to_string()], rows, keep: Keep::Last, all_in: "measures.csv" };
        let (markup, first) = table.markup(usize::MAX);
        assert_eq!((markup.into_string().matches("data-value").count(), first), (100, 0));
        let (markup, first) = table.markup(700);
        let text = markup.into_string();
        let rows = text.matches("data-value").count();
        assert!(rows > 0 && rows < 20 && first + rows == 100, "{text}");
        assert!(text.contains("&lt;99&gt;") && text.contains("rows more, in measures.csv"), "{text}");
    }
}
