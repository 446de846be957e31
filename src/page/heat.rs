//! A map of hours and weekdays.

use maud::{html, Markup};

use super::number::Unit;
use super::plot::px;

/// A figure for each hour of each weekday, Monday first.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// The figures.
    pub cells: [[f64; 24]; 7],
}

/// The names of weekdays, short.
pub const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// How many shades there are beside that of nothing.
pub const SHADES: usize = 5;
const CELL: f64 = 26.0;
/// The height of the picture in pixels.
pub const HEIGHT: f64 = CELL * 7.0 + 24.0;

impl Heat {
    /// What is in the picture; it fills the width of its place.
    pub fn markup(&self) -> Markup {
        html! {
            @for (day, hours) in self.cells.iter().enumerate() {
                text.mark x="-8" y=(px(day as f64 * CELL + 17.0)) { (WEEKDAYS[day]) }
                @for (hour, value) in hours.iter().enumerate() {
                    rect class={ "h" (self.shade(*value)) } x={ (px(hour as f64 / 24.0 * 100.0)) "%" } y=(px(day as f64 * CELL))
                        width="4%" height=(px(CELL - 2.0)) {}
                    @if *value > 0.0 {
                        text class={ "cell wide t" (self.shade(*value)) } x={ (px((hour as f64 + 0.48) / 24.0 * 100.0)) "%" }
                            y=(px(day as f64 * CELL + 16.0)) { (brief(*value)) }
                    }
                }
            }
            @for hour in (0..24).step_by(3) {
                text class={ "label middle" @if hour % 6 != 0 { " wide" } } x={ (px((f64::from(hour) + 0.48) / 24.0 * 100.0)) "%" }
                    y=(px(CELL * 7.0 + 16.0)) { (hour) ":00" }
            }
        }
    }

    /// What the shades mean.
    pub fn legend(&self) -> Markup {
        let most = self.most();
        let bound = |shade: usize| Unit::Count.text(Some((most * shade as f64 / SHADES as f64 * 10.0).round() / 10.0));
        html! { ul.legend { @for shade in 1..=SHADES {
            li { svg width="14" height="12" aria-hidden="true" { rect class={ "h" (shade) } width="12" height="12" {} }
                " to " (bound(shade)) }
        } } }
    }

    fn most(&self) -> f64 {
        self.cells.iter().flatten().copied().fold(0.0, f64::max)
    }

    fn shade(&self, value: f64) -> usize {
        if value <= 0.0 {
            return 0;
        }
        ((value / self.most() * SHADES as f64).ceil() as usize).clamp(1, SHADES)
    }
}

/// A figure in few letters, for which a cell has room.
fn brief(value: f64) -> String {
    match value {
        value if value >= 9_999_500.0 => format!("{:.0}M", value / 1e6),
        value if value >= 999_500.0 => format!("{:.1}M", value / 1e6),
        value if value >= 9_999.5 => format!("{:.0}k", value / 1e3),
        value if value >= 999.5 => format!("{:.1}k", value / 1e3),
        value if value >= 9.95 => format!("{value:.0}"),
        value => Unit::Count.text(Some((value * 10.0).round() / 10.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_go_by_the_share_of_the_most() {
        let mut cells = [[0.0; 24]; 7];
        (cells[0][0], cells[6][23]) = (1_234.0, 10.0);
        let heat = Heat { cells };
        assert_eq!((heat.shade(1_234.0), heat.shade(10.0), heat.shade(0.0)), (5, 1, 0));
        let text = heat.markup().into_string();
        assert!(text.contains(">1.2k<") && text.contains(">10<") && text.matches("h0").count() == 166, "{text}");
    }
}
