//! A bar a row, its name above it: groups in order of size, or bins in order of length.

use maud::{html, Markup};

use super::colours::Colour;
use super::number::Unit;
use super::plot::px;
use crate::summary::lines::{harmless, shortened};

/// Bars in rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// What the figures count.
    pub unit: Unit,
    /// The rows.
    pub bars: Vec<RankedBar>,
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedBar {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Its figure.
    pub value: Option<f64>,
    /// What stands behind the figure.
    pub note: String,
}

const ROW: f64 = 38.0;
/// As many letters of a name have room on a narrow page, beside its figure.
const LETTERS: usize = 34;

impl Ranked {
    /// The height of the picture in pixels.
    pub fn height(&self) -> f64 {
        self.bars.len() as f64 * ROW
    }

    /// What is in the picture; it fills the width of its place.
    pub fn markup(&self) -> Markup {
        let size = |bar: &RankedBar| bar.value.unwrap_or(0.0).abs();
        let most = self.bars.iter().map(size).fold(0.0, f64::max);
        let share = |bar: &RankedBar| if most > 0.0 { size(bar) / most * 100.0 } else { 0.0 };
        html! { @for (place, bar) in self.bars.iter().enumerate() {
            text.row x="0" y=(px(place as f64 * ROW + 14.0)) { (shortened(&harmless(&bar.name), LETTERS)) }
            text.figure x="100%" y=(px(place as f64 * ROW + 14.0)) {
                (self.unit.text(bar.value)) @if !bar.note.is_empty() { tspan.soft { "  " (bar.note) } }
            }
            rect.track x="0" y=(px(place as f64 * ROW + 20.0)) width="100%" height="10" {}
            rect class={ "f " (bar.colour.class()) } x="0" y=(px(place as f64 * ROW + 20.0)) width={ (px(share(bar))) "%" } height="10" {}
        } }
    }
}
