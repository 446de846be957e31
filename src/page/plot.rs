//! A picture over time: lines, bars, or bars of several parts.

use std::fmt::Write;

use maud::{html, Markup};

use super::axis::Label;
use super::colours::Colour;
use super::number::Unit;
use super::scale::Scale;
use super::table::of_data;

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line each; where a value is missing, it is interrupted.
    Lines,
    /// Bars of the only one.
    Bars,
    /// Bars of all of them, one upon the other.
    Stacked,
}

/// A picture over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// How its values are drawn.
    pub form: Form,
    /// What they count.
    pub unit: Unit,
    /// What is drawn; of one that is stacked, the lowest first.
    pub lines: Vec<PlotLine>,
    /// The labels of its intervals.
    pub labels: Vec<Label>,
    /// How many intervals it has.
    pub intervals: usize,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct PlotLine {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Its value in each interval.
    pub values: Vec<Option<f64>>,
    /// All of its values together, where that is a figure.
    pub total: Option<f64>,
}

/// The height of the plot in pixels, and how far below it the labels are.
const HEIGHT: f64 = 200.0;
const ABOVE: f64 = 8.0;
/// The height of the whole picture.
pub const WHOLE_HEIGHT: f64 = HEIGHT + ABOVE + 28.0;
/// The width of an interval and the height of the plot, in the picture's own units.
const BAND: usize = 10;
const TALL: f64 = 1000.0;

impl Plot {
    /// What of it is in the picture; it fills the width of its place.
    pub fn markup(&self) -> Markup {
        let scale = self.scale();
        let y = |value: f64| ABOVE + HEIGHT * (1.0 - scale.place(value));
        let across = |place: usize| (place as f64 + 0.5) / self.intervals.max(1) as f64 * 100.0;
        html! {
            @for mark in &scale.marks {
                line class=(if *mark == 0.0 { "zero" } else { "grid" }) x1="0" x2="100%" y1=(px(y(*mark))) y2=(px(y(*mark))) {}
                text.mark x="-8" y=(px(y(*mark) + 4.0)) { (self.unit.mark(*mark)) }
            }
            svg x="0" y=(px(ABOVE)) width="100%" height=(px(HEIGHT))
                viewBox={ "0 0 " (self.intervals.max(1) * BAND) " 1000" } preserveAspectRatio="none" {
                (self.shapes(&scale))
            }
            @for label in &self.labels {
                text class=(classes(label.is_narrow, across(label.place))) x={ (px(across(label.place))) "%" }
                    y=(px(ABOVE + HEIGHT + 20.0)) { (label.text) }
            }
        }
    }

    /// Which line is which, where there are several: the topmost first.
    pub fn legend(&self) -> Markup {
        let mut lines: Vec<&PlotLine> = self.lines.iter().collect();
        if self.form == Form::Stacked {
            lines.reverse();
        }
        html! { @if lines.len() > 1 { ul.legend { @for line in lines {
            li class=(line.colour.class()) {
                svg width="26" height="12" aria-hidden="true" {
                    @match self.form {
                        Form::Lines => line.l x1="1" x2="25" y1="6" y2="6" {},
                        _ => rect.f x="6" y="0" width="12" height="12" {},
                    }
                }
                " " (of_data(&line.name))
                @if line.total.is_some() { " " b data-value=(Unit::exact(line.total)) { (self.unit.text(line.total)) } }
            }
        } } } }
    }

    fn scale(&self) -> Scale {
        let values = |place: usize| self.lines.iter().filter_map(move |line| line.values.get(place).copied().flatten());
        match self.form {
            Form::Stacked => Scale::of((0..self.intervals).map(|place| values(place).sum()), self.unit),
            _ => Scale::of((0..self.intervals).flat_map(values), self.unit),
        }
    }

    fn shapes(&self, scale: &Scale) -> Markup {
        let y = |value: f64| ((1.0 - scale.place(value)) * TALL).round() as i64;
        match self.form {
            Form::Lines => html! {
                @if let [only] = self.lines.as_slice() {
                    path class={ "a " (only.colour.class()) } d=(area(&only.values, &y)) {}
                }
                @for line in &self.lines {
                    path class={ "l " (line.colour.class()) } d=(line_path(&line.values, &y)) {}
                }
            },
            Form::Bars | Form::Stacked => {
                let width = match self.intervals {
                    0..=4 => 4,
                    5..=8 => 6,
                    _ => 8,
                };
                let mut below = vec![0.0; self.intervals];
                let mut bars = |values: &[Option<f64>]| {
                    let mut path = String::new();
                    for (place, value) in values.iter().enumerate() {
                        let Some(value) = value.filter(|value| *value != 0.0) else { continue };
                        let (low, high) = (y(below[place]), y(below[place] + value));
                        below[place] += value;
                        // Writing to a String cannot fail.
                        let _ = write!(path, "M{} {low}V{high}h{width}V{low}z", place * BAND + (BAND - width) / 2);
                    }
                    path
                };
                let paths: Vec<String> = self.lines.iter().map(|line| bars(&line.values)).collect();
                html! { @for (line, path) in self.lines.iter().zip(&paths) {
                    path class={ "f " (line.colour.class()) } d=(path) {}
                } }
            }
        }
    }
}

/// A line from the middle of each interval to that of the next one, interrupted where a value is missing; a value without
/// neighbours is a point.
fn line_path(values: &[Option<f64>], y: &impl Fn(f64) -> i64) -> String {
    let mut path = String::new();
    for run in runs(values) {
        let mut before = y(run[0].1);
        let _ = write!(path, "M{} {before}", run[0].0 * BAND + BAND / 2);
        if run.len() == 1 {
            path.push_str("h0");
        }
        for (_, value) in &run[1..] {
            let here = y(*value);
            let sign = if here < before { "" } else { " " };
            let _ = write!(path, "l{BAND}{sign}{}", here - before);
            before = here;
        }
    }
    path
}

/// What is between a line and zero.
fn area(values: &[Option<f64>], y: &impl Fn(f64) -> i64) -> String {
    let mut path = String::new();
    for run in runs(values).into_iter().filter(|run| run.len() > 1) {
        let values: Vec<Option<f64>> = run.iter().map(|(_, value)| Some(*value)).collect();
        let first = run[0].0 * BAND + BAND / 2;
        let line = line_path(&values, y);
        let rest = line.trim_start_matches(|sign| sign != 'l');
        let _ = write!(path, "M{first} {}L{first} {}{rest}V{}z", y(0.0), y(run[0].1), y(0.0));
    }
    path
}

/// Values without one missing between them, each with its place.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut runs: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut is_open = false;
    for (place, value) in values.iter().enumerate() {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) if is_open => run.push((place, *value)),
            (Some(value), _) => runs.push(vec![(place, *value)]),
            (None, _) => {}
        }
        is_open = value.is_some();
    }
    runs
}

fn classes(is_narrow: bool, across: f64) -> String {
    let place = match across {
        across if across > 97.0 => "end",
        _ => "middle",
    };
    format!("label {place}{}", if is_narrow { "" } else { " wide" })
}

/// A length in pixels or percent, to a hundredth.
pub fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_a_gap() {
        let y = |value: f64| 10 - value as i64;
        assert_eq!(line_path(&[Some(1.0), Some(2.0), None, Some(4.0)], &y), "M5 9l10-1M35 6h0");
        assert_eq!(area(&[Some(1.0), Some(2.0), None, Some(4.0)], &y), "M5 10L5 9l10-1V10z");
        assert_eq!(line_path(&[None, None], &y), "");
    }

    #[test]
    fn parts_stand_on_each_other_and_the_scale_holds_their_sum() {
        let line = |values: [f64; 2]| PlotLine {
            name: String::new(),
            colour: Colour::GREY,
            values: values.map(Some).to_vec(),
            total: None,
        };
        let lines = vec![line([60.0, 0.0]), line([40.0, 50.0])];
        let plot = Plot { form: Form::Stacked, unit: Unit::Count, lines, labels: Vec::new(), intervals: 2 };
        let text = plot.markup().into_string();
        assert!(text.contains("M3 1000V400h4V1000z"), "{text}");
        assert!(text.contains("M3 400V0h4V400zM13 1000V500h4V1000z"), "{text}");
    }
}
