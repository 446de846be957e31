//! Colours of a page: a name has the same one wherever it stands, and what is no name of its own is grey.

use std::collections::{BTreeMap, BTreeSet};

/// The class of a colour: `k0` and so on, or `kg`, which is grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Colour(Option<usize>);

/// As many colours can be told apart.
pub const COLOURS: usize = 8;

impl Colour {
    /// Of what is no name of its own: no value, all others.
    pub const GREY: Colour = Colour(None);
    /// Of what a page is about.
    pub const FIRST: Colour = Colour(Some(0));

    /// The class that the style sheet knows it by.
    pub fn class(self) -> String {
        self.0.map_or_else(|| "kg".to_string(), |number| format!("k{number}"))
    }
}

/// The colours that the names of a page have.
#[derive(Debug, Default)]
pub struct Colours(BTreeMap<String, usize>);

impl Colours {
    /// Of a page that is about what has this name, which has the first colour.
    pub fn about(name: &str) -> Self {
        Colours(BTreeMap::from([(name.to_string(), 0)]))
    }

    /// The colours of the lines of one picture, by their names; those without a name of their own are grey. Two lines have
    /// different ones as long as there are enough.
    pub fn of(&mut self, names: &[Option<&str>]) -> Vec<Colour> {
        let known: BTreeSet<usize> = names.iter().flatten().filter_map(|name| self.0.get(*name).copied()).collect();
        let mut taken = known;
        let mut seen = BTreeSet::new();
        let mut colours = Vec::new();
        for name in names {
            let Some(name) = name else {
                colours.push(Colour::GREY);
                continue;
            };
            let mine = self.0.get(*name).copied().filter(|colour| seen.insert(*colour));
            let number = mine.unwrap_or_else(|| self.free(&taken));
            taken.insert(number);
            seen.insert(number);
            self.0.entry((*name).to_string()).or_insert(number);
            colours.push(Colour(Some(number)));
        }
        colours
    }

    /// A colour that a picture does not have yet, one of no other name if there is one. The first is what the page is about.
    fn free(&self, taken: &BTreeSet<usize>) -> usize {
        let used: BTreeSet<usize> = self.0.values().copied().collect();
        let all = || (1..COLOURS).chain([0]);
        let unused = all().find(|colour| !used.contains(colour) && !taken.contains(colour) && *colour != 0);
        unused.or_else(|| all().find(|colour| !taken.contains(colour))).unwrap_or(taken.len() % COLOURS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_colour_and_one_picture_has_no_colour_twice() {
        let mut colours = Colours::default();
        let first = colours.of(&[Some("a"), Some("b"), None]);
        assert_eq!(first[2], Colour::GREY);
        assert_ne!(first[0], first[1]);
        assert_eq!(colours.of(&[Some("b"), Some("a")]), [first[1], first[0]]);
        let names: Vec<String> = (0..COLOURS).map(|number| number.to_string()).collect();
        let many = colours.of(&names.iter().map(|name| Some(name.as_str())).collect::<Vec<_>>());
        assert_eq!(many.iter().collect::<BTreeSet<_>>().len(), COLOURS);
        assert_eq!(colours.of(&[Some("a")]), [first[0]]);
    }
}
