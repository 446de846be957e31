//! Text for people in lines of one width, without what a terminal would obey.

use textwrap::{Options, WordSplitter};

/// A text of the data without control characters, which could move a cursor or colour what follows: they are spelled
/// out.
pub fn harmless(text: &str) -> String {
    text.chars()
        .flat_map(|sign| match sign.is_control() {
            true => sign.escape_default().collect::<Vec<char>>(),
            false => vec![sign],
        })
        .collect()
}

/// A text of at most so many letters: a longer one is cut, and says so.
pub fn shortened(text: &str, most: usize) -> String {
    match text.chars().nth(most) {
        None => text.to_string(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Words in lines of at most so many letters, but for words that are longer; what the first line begins with, and what
/// the others do, counts.
pub fn wrapped(text: &str, width: usize, first: &str, others: &str) -> Vec<String> {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(others)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    if text.is_empty() {
        return vec![first.trim_end().to_string()];
    }
    textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_data_cannot_move_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2Jb\né"), "a\\u{1b}[2Jb\\né");
    }

    #[test]
    fn what_is_too_long_is_cut_or_wrapped() {
        assert_eq!((shortened("états", 5), shortened("étatsé", 5)), ("états".to_string(), "état…".to_string()));
        assert_eq!(wrapped("one two three", 7, "", ""), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 9, "- ", "  "), ["- one two", "  three"]);
        assert_eq!(wrapped("a well-known-word", 8, "", " "), ["a", " well-known-word"]);
        assert_eq!(wrapped("", 8, "> ", ""), [">"]);
    }
}
