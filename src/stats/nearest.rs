//! The name a user probably meant.

/// The name among `known` that is nearest to `given`, if any is near: at most a third of it differs, or
/// one begins with the other.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    let best = known.into_iter().map(|name| (distance(&lower, &name.to_lowercase()), name)).min()?;
    (best.0 <= given.chars().count().div_ceil(3)).then_some(best.1)
}

fn distance(a: &str, b: &str) -> usize {
    if !a.is_empty() && a.len() >= 3 && (b.starts_with(a) || a.starts_with(b) && b.len() >= 3) {
        return 1;
    }
    strsim::damerau_levenshtein(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_and_nothing_far_away() {
        let known = ["timeout", "property", "max_length"];
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("max", known), Some("max_length"));
        assert_eq!(nearest("zebra", known), None);
        assert_eq!(nearest("Property", known), Some("property"));
    }
}
