//! A picture with its title, what it shows, and its figures beneath.

use maud::{html, Markup};

use super::heat::{self, Heat};
use super::plot::{self, px, Plot};
use super::ranked::Ranked;
use super::table::{of_data, shown, Table};

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its title.
    pub title: String,
    /// What it shows, in a few words.
    pub subtitle: String,
    /// What there is to see, for who cannot see it.
    pub description: String,
    /// How it is drawn.
    pub drawing: Drawing,
    /// Its figures.
    pub table: Table,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// How a picture is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawing {
    /// Over time.
    Plot(Plot),
    /// A bar a row.
    Ranked(Ranked),
    /// Hours and weekdays.
    Heat(Box<Heat>),
    /// Not at all: the figures say it.
    Figures,
}

impl Picture {
    /// The picture as the `number`th of a page, its figures in about so many bytes.
    pub fn markup(&self, number: usize, bytes: usize) -> Markup {
        let (figures, first) = self.table.markup(bytes);
        // Rows of the table are those of the plot, unless several intervals are drawn as one.
        let points = match &self.drawing {
            Drawing::Plot(plot) => Some(plot.intervals).filter(|intervals| *intervals == self.table.rows.len()),
            _ => None,
        };
        html! { figure id={ "p" (number) } {
            figcaption { h3 { (of_data(&self.title)) } @if !self.subtitle.is_empty() { p { (of_data(&self.subtitle)) } } }
            (self.legend())
            @if let Some((kind, height)) = self.size() {
                div class={ "plot " (kind) } data-n=[points] data-first=[points.map(|_| first)] {
                    svg role="img" width="100%" height=(px(height)) aria-labelledby={ "t" (number) " d" (number) } {
                        title id={ "t" (number) } { (shown(&self.title)) }
                        desc id={ "d" (number) } { (shown_long(&self.description)) }
                        (self.contents())
                    }
                }
            }
            @for note in &self.notes { p.note { (of_data(note)) } }
            @if self.drawing == Drawing::Figures { (figures) } @else {
                details { summary { "Figures" } (figures) }
            }
        } }
    }

    /// What of it is in its SVG.
    pub fn contents(&self) -> Markup {
        match &self.drawing {
            Drawing::Plot(plot) => plot.markup(),
            Drawing::Ranked(ranked) => ranked.markup(),
            Drawing::Heat(heat) => heat.markup(),
            Drawing::Figures => html! {},
        }
    }

    /// Its kind, and its height in pixels.
    pub fn size(&self) -> Option<(&'static str, f64)> {
        match &self.drawing {
            Drawing::Plot(_) => Some(("time", plot::WHOLE_HEIGHT)),
            Drawing::Ranked(ranked) => Some(("ranked", ranked.height())),
            Drawing::Heat(_) => Some(("heat", heat::HEIGHT)),
            Drawing::Figures => None,
        }
    }

    fn legend(&self) -> Markup {
        match &self.drawing {
            Drawing::Plot(plot) => plot.legend(),
            Drawing::Heat(heat) => heat.legend(),
            Drawing::Ranked(_) | Drawing::Figures => html! {},
        }
    }
}

fn shown_long(text: &str) -> String {
    const LETTERS: usize = 600;
    crate::summary::lines::shortened(&crate::summary::lines::harmless(text), LETTERS)
}
