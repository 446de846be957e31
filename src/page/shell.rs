//! The page around what it shows: one file without any reference to another.

use base64::prelude::{Engine, BASE64_STANDARD};
use maud::{html, Markup, PreEscaped, DOCTYPE};
use sha2::{Digest, Sha256};

/// The style sheet.
pub const STYLE: &str = include_str!("style.css");
/// The script that shows the figures under the pointer; a page without it lacks nothing else.
pub const SCRIPT: &str = include_str!("tip.js");

/// A page.
pub fn page(title: &str, body: &Markup) -> String {
    // The page may run its own script and nothing else, and load nothing at all.
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let policy = format!("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "dwell " (env!("CARGO_PKG_VERSION")) };
                title { (title) }
                // Nothing is asked of a server, not even for an icon.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variables of a block of the style sheet.
    fn variables(block: &str) -> Vec<(String, [f64; 3])> {
        let colour = |text: &str| -> Option<[f64; 3]> {
            let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
            let part = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16).ok().map(f64::from);
            Some([part(0)?, part(2)?, part(4)?])
        };
        let pairs = block.split(';').filter_map(|pair| pair.trim().strip_prefix("--")?.split_once(':'));
        pairs.filter_map(|(name, value)| Some((name.to_string(), colour(value.trim_end_matches('}'))?))).collect()
    }

    /// The contrast of two colours, by WCAG 2.
    fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
        let linear = |part: f64| match part / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        };
        let light = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn colours_can_be_told_apart_by_light_and_by_dark() {
        let blocks: Vec<&str> =
            STYLE.split(":root{").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        assert_eq!(blocks.len(), 2);
        for block in blocks {
            let known = variables(block);
            let of = |name: &str| known.iter().find(|(known, _)| known == name).expect(name).1;
            let texts = [
                ("ink", "bg"),
                ("soft", "bg"),
                ("ink", "card"),
                ("soft", "card"),
                ("ink", "warnbg"),
                ("good", "bg"),
                ("bad", "bg"),
                ("warn", "bg"),
                ("t1", "h1"),
                ("t2", "h2"),
                ("t3", "h3"),
                ("t4", "h4"),
                ("t5", "h5"),
            ];
            for (text, ground) in texts {
                let found = contrast(of(text), of(ground));
                assert!(found >= 4.5, "--{text} on --{ground}: {found:.2}");
            }
            for colour in ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "sg", "zero"] {
                let found = contrast(of(colour), of("bg"));
                assert!(found >= 3.0, "--{colour}: {found:.2}");
            }
        }
        assert!((contrast([0.0; 3], [255.0; 3]) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn the_script_is_small() {
        assert!(SCRIPT.len() < 5 * 1024);
        assert!(!SCRIPT.contains("</"));
    }
}
