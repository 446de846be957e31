//! Filters that no session passes: mostly values that are spelled otherwise.

use std::collections::BTreeSet;

use super::error::ChartError;
use super::rows::FileRows;
use super::series::{Filter, SeriesOf};
use super::tables::DatedFile;
use crate::stats::nearest::nearest;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::SESSIONS;

/// A filter of a chart that no session of its segments and dates passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The chart's name.
    chart: String,
    /// The filter, in words.
    filter: String,
    /// The value that there is, and that was probably meant.
    near: Option<String>,
}

/// As many different values are looked at.
const MOST_VALUES: usize = 10_000;

impl Unmet {
    /// The filters of a series that no session passes, over the segments of its chart; none where there is no session.
    ///
    /// # Errors
    /// As [`SeriesOf::take`].
    pub fn of(series: &[SeriesOf<'_>]) -> Result<Vec<Unmet>, ChartError> {
        let Some(first) = series.first() else { return Ok(Vec::new()) };
        let mut unmet = Vec::new();
        for (place, filter) in first.filters().into_iter().enumerate().filter(|(_, filter)| is_a_choice(*filter)) {
            if is_unmet(series, place)? {
                let near = near_of(series, filter)?;
                unmet.push(Unmet { chart: first.chart.to_string(), filter: words(first, filter), near });
            }
        }
        Ok(unmet)
    }

    /// What the user should know.
    pub fn text(&self) -> String {
        let Unmet { chart, filter, near } = self;
        let hint = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "check how it is spelled".to_string(),
        };
        format!("no session passes the filter of the chart \"{chart}\", {filter}; {hint}")
    }
}

/// Whether a filter that none passes is probably a mistake: numbers of events up to a bound are an answer.
fn is_a_choice(filter: Filter<'_>) -> bool {
    !matches!(filter, Filter::Contains(contains) if contains.at_most.is_some())
}

/// Whether there are sessions, and none of them passes the filter at a place.
fn is_unmet(series: &[SeriesOf<'_>], place: usize) -> Result<bool, ChartError> {
    let mut sessions = 0;
    for series in series {
        let Some(filter) = series.filters().get(place).copied() else { continue };
        for file in files(series)? {
            let mut file = file?;
            let passes = series.passes_one(filter, &mut file)?;
            sessions += passes.len();
            if passes.contains(&true) {
                return Ok(false);
            }
        }
    }
    Ok(sessions > 0)
}

/// The files of a series' segment and dates, one after the other.
fn files(series: &SeriesOf<'_>) -> Result<impl Iterator<Item = Result<FileRows, TableError>> + use<>, TableError> {
    let columns = series.columns_of_groups()?;
    let mut files: Vec<DatedFile> = series.segment.tables.files.dated(SESSIONS);
    files.retain(|(day, _)| series.segment.window.holds(*day));
    Ok(files.into_iter().map(move |(_, path)| FileRows::read(&path, &columns)))
}

/// The value nearest to the one that a filter asks for: a whole one, or a word of it.
fn near_of(series: &[SeriesOf<'_>], filter: Filter<'_>) -> Result<Option<String>, ChartError> {
    let Filter::Value(test) = filter else { return Ok(None) };
    let Some(asked) = test.asked_text() else { return Ok(None) };
    let mut values = BTreeSet::new();
    for series in series {
        let column = series.column(&test.value)?;
        for file in files(series)? {
            let mut file = file?;
            let texts = file.texts(column)?;
            let left = MOST_VALUES.saturating_sub(values.len());
            values.extend(texts.distinct().take(left).map(str::to_string));
        }
    }
    let words = values.iter().flat_map(|value| value.split(|sign: char| !sign.is_alphanumeric()));
    let known: BTreeSet<&str> =
        values.iter().map(String::as_str).chain(words).filter(|text| !text.is_empty()).collect();
    Ok(nearest(asked, known).map(str::to_string))
}

/// A filter as a message names it.
fn words(series: &SeriesOf<'_>, filter: Filter<'_>) -> String {
    match filter {
        Filter::Length(min, max) => {
            let bound = |name: &str, bound: Option<i64>| bound.map(|millis| format!("{name} {millis} ms"));
            let bounds: Vec<String> = bound("min_length", min).into_iter().chain(bound("max_length", max)).collect();
            bounds.join(" and ")
        }
        Filter::Contains(contains) => format!("contains at least {} of: {}", contains.at_least, contains.count),
        Filter::Value(test) => test.to_string(),
        Filter::Reaches(funnel, _) => format!("funnel: the first step of {funnel}"),
        Filter::Sequence(sequence) => format!("sequence: {sequence}"),
        Filter::Sessions(_) => format!("sessions: {}", series.series.sessions.as_deref().unwrap_or_default()),
    }
}
