//! A picture as a file of its own: SVG that a page, a wiki or a message shows as an image.

use maud::{html, Markup};

use super::picture::Picture;
use super::plot::px;
use super::shell::STYLE;

const WIDTH: f64 = 960.0;
const EDGE: f64 = 24.0;
const TOP: f64 = 84.0;
/// The room for the marks of an axis.
const MARKS: f64 = 64.0;

/// Two pictures side by side under a title: the first takes most of the width.
pub fn svg(title: &str, subtitle: &str, left: &Picture, right: &Picture) -> String {
    let of = |picture: &Picture| picture.size().map_or(0.0, |(_, height)| height);
    let height = TOP + of(left).max(of(right)) + EDGE;
    let split = WIDTH * 0.64;
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(px(WIDTH)) height=(px(height)) viewBox={ "0 0 " (px(WIDTH)) " " (px(height)) }
            role="img" aria-labelledby="t d" {
            title id="t" { (title) }
            desc id="d" { (left.title) ": " (left.description) " " (right.title) ": " (right.description) }
            style { (STYLE) "svg text{font-family:system-ui,sans-serif}svg .h{font-size:18px;font-weight:650;fill:var(--ink)}" }
            rect width="100%" height="100%" rx="8" style="fill:var(--bg)" {}
            text.h x=(px(EDGE)) y="36" { (title) }
            text x=(px(EDGE)) y="58" { (subtitle) }
            (part(left, EDGE + MARKS, split - EDGE - MARKS))
            (part(right, split + EDGE, WIDTH - split - EDGE * 2.0))
        }
    };
    markup.into_string() + "\n"
}

fn part(picture: &Picture, x: f64, width: f64) -> Markup {
    let height = picture.size().map_or(0.0, |(_, height)| height);
    html! { svg x=(px(x)) y=(px(TOP)) width=(px(width)) height=(px(height)) overflow="visible" { (picture.contents()) } }
}
