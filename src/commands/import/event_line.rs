//! One line as the row that it is, or why it is none.

use std::collections::HashMap;

use super::shape::Shape;
use super::times::Times;
use crate::events::normalise::json::{at_path, scalar, NoObject};
use crate::sessionize::time::Span;

/// Why a line is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It is no UTF-8.
    NoUtf8,
    /// It is no JSON.
    NoJson,
    /// It has more than 128 values inside each other.
    TooDeep,
    /// It is JSON, and no object.
    NoObject,
    /// It has no time, or null.
    NoTime,
    /// Its time cannot be read.
    UnreadableTime,
}

impl Reason {
    /// The word in the summary.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::NoUtf8 => "no_utf8",
            Reason::NoJson => "no_json",
            Reason::TooDeep => "too_deep",
            Reason::NoObject => "no_object",
            Reason::NoTime => "no_time",
            Reason::UnreadableTime => "unreadable_time",
        }
    }
}

impl From<NoObject> for Reason {
    fn from(why: NoObject) -> Self {
        match why {
            NoObject::NoJson => Reason::NoJson,
            NoObject::TooDeep => Reason::TooDeep,
            NoObject::Other => Reason::NoObject,
        }
    }
}

/// How lines are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which columns they have.
    pub shape: Shape,
    /// The column of the time, or a path in one.
    pub time: String,
    /// Reads the time.
    pub times: Times,
}

/// The columns that there are, by name; lines tend to have the same ones in the same order.
#[derive(Clone, Debug, Default)]
pub struct ColumnIndex {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// The columns of the lines before, in their order; `None` for those that nobody wants.
    usual: Vec<(String, Option<usize>)>,
    /// Whether a column that is not known becomes one.
    is_open: bool,
}

impl ColumnIndex {
    /// None yet: each that comes is added.
    pub fn open() -> Self {
        ColumnIndex { is_open: true, ..ColumnIndex::default() }
    }

    /// These, and no others.
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        let places = names.iter().cloned().enumerate().map(|(place, name)| (name, place)).collect();
        ColumnIndex { names, places, ..ColumnIndex::default() }
    }

    /// The names, by place.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of a column that is so far along in its line.
    fn place(&mut self, along: usize, name: &str) -> Option<usize> {
        if let Some((_, place)) = self.usual.get(along).filter(|(usual, _)| usual == name) {
            return *place;
        }
        let known = self.places.get(name).copied();
        let place = match known {
            None if self.is_open => {
                self.names.push(name.to_string());
                self.places.insert(name.to_string(), self.names.len() - 1);
                Some(self.names.len() - 1)
            }
            known => known,
        };
        let here = (name.to_string(), place);
        if along < self.usual.len() {
            self.usual[along] = here;
        } else {
            self.usual.push(here);
        }
        place
    }
}

/// A line that is an event.
#[derive(Debug)]
pub struct EventLine<'j> {
    /// The microseconds since the epoch.
    pub time: i64,
    /// The day of the time in UTC, counted from 1970-01-01.
    pub day: i64,
    /// The value of each column, as it is spelled; those at the end may be missing.
    pub values: Vec<Option<&'j str>>,
}

impl Reading {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no event; columns may have been added to the index.
    pub fn read<'j>(&mut self, line: &'j [u8], index: &mut ColumnIndex) -> Result<EventLine<'j>, Reason> {
        let line = std::str::from_utf8(line).map_err(|_| Reason::NoUtf8)?;
        let mut values: Vec<Option<&'j str>> = vec![None; index.names.len()];
        let (mut along, mut time) = (0, None);
        let wanted = self.time.as_str();
        self.shape.each_column(line, |name, value| {
            // Of keys that are one column, null says nothing.
            let says = value != "null";
            if name == wanted {
                time = if says { Some(value) } else { time.or(Some(value)) };
            } else if let Some(path) = wanted.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) {
                time = at_path(value, path).or(time);
            }
            if let Some(place) = index.place(along, name) {
                if place >= values.len() {
                    values.resize(place + 1, None);
                }
                values[place] = if says { Some(value) } else { values[place].or(Some(value)) };
            }
            along += 1;
        })?;
        let time = time.ok_or(Reason::NoTime)?;
        let time = match scalar(time) {
            Some(text) if !text.is_empty() => {
                self.times.read(&text, time.starts_with('"')).ok_or(Reason::UnreadableTime)?
            }
            None if time.starts_with(['{', '[']) => return Err(Reason::UnreadableTime),
            _ => return Err(Reason::NoTime),
        };
        Ok(EventLine { time, day: time.div_euclid(Span::DAY.micros()), values })
    }
}
