//! Changes of text, word by word.

use crate::random::Random;

/// Words that are somewhere at an end of what is possible.
const ODD: [&str; 34] = [
    "",
    "0",
    "-1",
    "1e308",
    "1e-400",
    "0x7f",
    "NaN",
    "inf",
    "-0.0",
    "127",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999999",
    "é",
    "日本",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "'",
    "''",
    "\"",
    "\\",
    "\n",
    "%",
    "_",
    "NULL",
    "TRUE",
    "(",
    ")",
    "[",
    "]",
    "-",
];

/// One of some inputs with a few changes; words come from all of them.
pub fn changed(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut words = words(random.of(seeds).as_slice());
    for _ in 0..1 + random.below(6) {
        let at = random.below(words.len());
        match random.below(9) {
            0 if !words.is_empty() => drop(words.remove(at)),
            1 if !words.is_empty() => words[at] = random.of(&ODD).to_string(),
            2 => words.insert(at, random.of(&ODD).to_string()),
            3 if !words.is_empty() => {
                let other = random.of(seeds);
                words[at] = random.of(&self::words(other)).clone();
            }
            4 => {
                let other = self::words(random.of(seeds).as_slice());
                let from = random.below(other.len());
                let piece = other[from..(from + 1 + random.below(12)).min(other.len())].to_vec();
                words.splice(at..at, piece);
            }
            5 if !words.is_empty() => {
                let other = random.below(words.len());
                words.swap(at, other);
            }
            6 if !words.is_empty() => {
                // Many times over, once in a while: brackets in brackets, chains of operators.
                let piece = words[at..(at + 1 + random.below(4)).min(words.len())].to_vec();
                let times = if random.below(20) == 0 { 1 + random.below(3_000) } else { 1 + random.below(3) };
                let many: Vec<String> = piece.iter().cloned().cycle().take(piece.len() * times).collect();
                words.splice(at..at, many);
            }
            7 if !words.is_empty() => {
                let mut letters: Vec<char> = words[at].chars().collect();
                let place = random.below(letters.len());
                if random.below(2) == 0 && !letters.is_empty() {
                    letters.remove(place);
                } else {
                    letters.insert(place, char::from(32 + random.below(95) as u8));
                }
                words[at] = letters.into_iter().collect();
            }
            _ => words.truncate(at + words.len() / 2),
        }
    }
    words.concat().into_bytes()
}

/// Runs of letters and digits, of spaces, and all other characters by themselves.
fn words(text: &[u8]) -> Vec<String> {
    let kind = |letter: char| match letter {
        '_' => 1,
        letter if letter.is_alphanumeric() => 1,
        letter if letter.is_whitespace() => 2,
        _ => 0,
    };
    let mut words: Vec<String> = Vec::new();
    let mut last = 0;
    for letter in String::from_utf8_lossy(text).chars() {
        match words.last_mut() {
            Some(word) if kind(letter) != 0 && kind(letter) == last => word.push(letter),
            _ => words.push(letter.to_string()),
        }
        last = kind(letter);
    }
    words
}
