//! When weeks and years of charts begin: `output.week_start`, `output.year_start`.

use super::error::JobError;
use super::values::choice;

/// The weekdays, as a job names them, from Monday on.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The months, as a job names them, from January on.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// When weeks and years begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Starts {
    /// The weekday that weeks begin with, from 0 for Monday.
    pub week: u8,
    /// The month that years begin with, and quarters with it and every third after it, from 0 for January.
    pub year: u8,
}

impl Starts {
    /// From the keys of a job.
    ///
    /// # Errors
    /// No weekday, or no month.
    pub fn parse(week: Option<&str>, year: Option<&str>) -> Result<Self, JobError> {
        Ok(Starts {
            week: place_of("output.week_start", week, &WEEKDAYS)?,
            year: place_of("output.year_start", year, &MONTHS)?,
        })
    }
}

/// The place of a name; without one, the first.
fn place_of(key: &'static str, given: Option<&str>, names: &[&'static str]) -> Result<u8, JobError> {
    let words: Vec<(&'static str, u8)> = names.iter().copied().zip(0..).collect();
    given.map_or(Ok(0), |given| choice(key, given, &words))
}
