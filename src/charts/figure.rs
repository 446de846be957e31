//! What is behind a figure: the sessions that a row of measures or of a histogram counts (SPEC 6).

use std::collections::BTreeSet;

use super::chart_set::failed;
use super::error::ChartError;
use super::interval::{IntervalKey, Intervals};
use super::lanes::{ChartGroups, Groups};
use super::measure::InRange;
use super::rows::FileRows;
use super::series::{SeriesOf, Taken};
use super::tables::DatedFile;
use crate::error::Error;
use crate::job::added::AddedColumns;
use crate::job::dates::{date_at, day_of_text, first_instant, instant_text};
use crate::job::instants::instant_of;
use crate::job::segment::ALL;
use crate::job::{CsvFormulas, JobError};
use crate::sessionize::time::Day;
use crate::stats::nearest::nearest;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::SESSIONS;
use crate::tables::write::csv_file::no_formula;

/// A figure of a chart as it is asked for: each value as the tables have it as CSV. What is left out is all of it, but for the
/// segment, which is that of all events.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The series; may be left out where there is one.
    pub series: Option<String>,
    /// The segment.
    pub segment: Option<String>,
    /// The start of the interval.
    pub interval: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// The start of the bin; `none` for the row below all bins.
    pub bin: Option<String>,
    /// The number of a funnel's step.
    pub step: Option<String>,
}

/// The sessions that a figure counts.
#[derive(Debug)]
pub struct Behind<'a> {
    series: SeriesOf<'a>,
    /// The segment, as measures name it.
    segment: String,
    interval: Option<IntervalKey>,
    group: Option<u32>,
    bin: Option<Bin>,
    /// Whether bins are of numbers of events.
    bins_of_events: bool,
}

/// A bin: values from its start on, below its end; a bound that is missing is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bin {
    start: Option<i64>,
    end: Option<i64>,
}

impl Bin {
    fn holds(self, value: i64) -> bool {
        self.start.is_none_or(|start| start <= value) && self.end.is_none_or(|end| value < end)
    }
}

impl<'a> Behind<'a> {
    /// The sessions of a figure of a chart.
    ///
    /// # Errors
    /// A value that the chart does not have.
    pub fn new(
        chart: &'a InRange<'a>,
        added: &'a AddedColumns,
        groups: &'a ChartGroups,
        asked: &Asked,
        formulas: CsvFormulas,
    ) -> Result<Self, JobError> {
        let place = match &asked.step {
            None => series_of(chart, asked.series.as_deref())?,
            Some(step) => chart.chart().series.len() + step_of(chart, step)?,
        };
        let (segment, name) = segment_of(chart, asked.segment.as_deref(), formulas)?;
        let of_segment = chart.series_of(segment, added, groups).into_iter().nth(place);
        // Both places are of this chart.
        let unknown = || JobError::Empty { key: "--series" };
        let (series, ask) = of_segment.ok_or_else(unknown)?;
        let interval = asked.interval.as_deref().map(|text| interval_of(chart.intervals(), text)).transpose()?;
        let group = match &asked.group {
            None => None,
            Some(_) if series.series.group_by.is_empty() => {
                let why = "for a series without `group_by`: its group is none";
                return Err(JobError::NoEffect { key: "--group", why, way_out: "" });
            }
            Some(group) => Some(group_of(series.groups, group, formulas)?),
        };
        let bin = asked.bin.as_deref().map(|text| bin_of(ask.bounds, text)).transpose()?;
        Ok(Behind { series, segment: name, interval, group, bin, bins_of_events: ask.bins_of_events })
    }

    /// The series.
    pub fn series(&self) -> &SeriesOf<'a> {
        &self.series
    }

    /// The segment, as measures name it.
    pub fn segment(&self) -> &str {
        &self.segment
    }

    /// The group's name; `None` for all of them.
    pub fn group(&self) -> Option<String> {
        self.group.map(|code| self.series.groups.name(code).into_owned())
    }

    /// The first instant of the interval, as text; `None` for all of them.
    pub fn interval(&self) -> Option<String> {
        let intervals = self.series.intervals;
        self.interval.map(|key| instant_text(intervals.start(key), intervals.zone))
    }

    /// The start of the bin, `none` below all of them; `None` for all values.
    pub fn bin(&self) -> Option<String> {
        self.bin.map(|bin| bin.start.map_or_else(|| BELOW.to_string(), |start| start.to_string()))
    }

    /// The files that have its sessions, in order of date.
    pub fn files(&self) -> Vec<DatedFile> {
        let mut files = self.series.segment.tables.files.dated(SESSIONS);
        files.retain(|(day, _)| self.series.segment.window.holds(*day));
        files
    }

    /// The columns that tell which rows are of it.
    ///
    /// # Errors
    /// Nobody added one of them.
    pub fn columns(&self) -> Result<BTreeSet<String>, TableError> {
        self.series.columns()
    }

    /// The rows of a file that it counts, in order.
    ///
    /// # Errors
    /// A column that is not there; a value that a property cannot be compared with.
    pub fn rows(&self, day: Day, file: &mut FileRows) -> Result<Vec<u32>, Error> {
        let taken = self.series.take(day, file).map_err(|error| failed(self.series.blame(error)))?;
        let in_segment = self.in_segment(file).map_err(failed)?;
        let Taken { part, rows } = taken;
        let values = match self.bins_of_events {
            true => part.events.as_deref(),
            false => Some(&*part.lengths),
        };
        let counts = |place: usize, row: u32| {
            let hour = part.hours.as_ref().map_or(0, |hours| i64::from(hours[place]));
            self.interval.is_none_or(|key| key.number() == part.interval + hour)
                && self.group.is_none_or(|group| part.groups.as_ref().is_some_and(|groups| groups[place] == group))
                && self.bin.is_none_or(|bin| values.is_some_and(|values| bin.holds(values[place])))
                && in_segment.as_ref().is_none_or(|is_in| is_in[row as usize])
        };
        let taken =
            (0..part.lengths.len()).map(|place| (place, rows.as_ref().map_or(place as u32, |rows| rows[place])));
        let mut rows: Vec<u32> = taken.filter(|(place, row)| counts(*place, *row)).map(|(_, row)| row).collect();
        // A row may be in several groups.
        rows.dedup();
        Ok(rows)
    }

    /// Of a segment `by` columns, whether each row is of the values that are asked for; `None` where there are none.
    fn in_segment(&self, file: &mut FileRows) -> Result<Option<Vec<bool>>, ChartError> {
        let tables = self.series.segment.tables;
        let Some(values) = tables.lanes(file)? else { return Ok(None) };
        let is_it = |value: Option<&str>| tables.lane_name(value) == self.segment;
        let of_distinct: Vec<bool> = values.distinct().map(|value| is_it(Some(value))).collect();
        let without = is_it(None);
        Ok(Some(values.places.iter().map(|at| of_distinct.get(*at as usize).copied().unwrap_or(without)).collect()))
    }

    /// The segments that rows of a file are of, as measures name them.
    ///
    /// # Errors
    /// The file has no such column.
    pub fn segments_in(&self, file: &mut FileRows) -> Result<BTreeSet<String>, TableError> {
        let tables = self.series.segment.tables;
        let Some(values) = tables.lanes(file)? else { return Ok(BTreeSet::from([self.segment.clone()])) };
        let mut places = values.places.clone();
        places.sort_unstable();
        places.dedup();
        Ok(places.into_iter().map(|place| tables.lane_name(values.at(place))).collect())
    }
}

/// The start of what is below all bins.
const BELOW: &str = "none";
/// As many names stand in a message.
const MOST_NAMES: usize = 12;

/// Whether a name is meant: as it is, or as CSV has it.
fn is_meant(asked: &str, name: &str, formulas: CsvFormulas) -> bool {
    match formulas {
        CsvFormulas::Quote => no_formula(name) == asked,
        CsvFormulas::Keep => name == asked,
    }
}

/// What to ask for instead.
pub fn hint<'n>(asked: &str, what: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    if let Some(near) = nearest(asked, names.clone()) {
        return format!("did you mean \"{near}\"?");
    }
    let listed: Vec<&str> = names.clone().take(MOST_NAMES).collect();
    let more = names.count() - listed.len();
    let others = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{what} {}{others}", listed.join(", "))
}

/// The place of a series.
fn series_of(chart: &InRange<'_>, asked: Option<&str>) -> Result<usize, JobError> {
    let names: Vec<&str> = chart.chart().series.iter().map(|series| series.name.as_str()).collect();
    let Some(asked) = asked else {
        return match names.len() {
            1 => Ok(0),
            _ => {
                Err(JobError::Needs { key: "--series", hint: format!("the chart has {}: name one", names.join(", ")) })
            }
        };
    };
    let found = names.iter().position(|name| name.eq_ignore_ascii_case(asked));
    found.ok_or_else(|| {
        let hint = match asked {
            "formula" => format!("a formula counts no sessions, its series do: ask for {}", names.join(" or ")),
            _ => format!("the series are {}", names.join(", ")),
        };
        JobError::Choice { key: "--series", value: asked.to_string(), hint }
    })
}

/// The place of a funnel's step.
fn step_of(chart: &InRange<'_>, asked: &str) -> Result<usize, JobError> {
    const KEY: &str = "--step";
    let Some(funnel) = chart.chart().funnel() else {
        return Err(JobError::NoEffect { key: KEY, why: "for a chart that is no funnel", way_out: "" });
    };
    let number: Option<usize> = asked.parse().ok();
    number.and_then(|number| number.checked_sub(1)).filter(|place| *place < funnel.names.len()).ok_or_else(|| {
        let hint = format!("the steps are 1 to {}: {}", funnel.names.len(), funnel.names.join(", "));
        JobError::Choice { key: KEY, value: asked.to_string(), hint }
    })
}

/// The place of a segment among those of the chart, and what measures name it.
fn segment_of(chart: &InRange<'_>, asked: Option<&str>, formulas: CsvFormulas) -> Result<(usize, String), JobError> {
    let names: Vec<&str> = chart.segments().collect();
    for (place, name) in names.iter().enumerate() {
        let meant = asked.unwrap_or(ALL);
        let by = chart.columns_of_segment(place);
        if by.is_empty() && is_meant(meant, name, formulas) {
            return Ok((place, name.to_string()));
        }
        if !by.is_empty() && is_value_of(meant, name) {
            return Ok((place, unquoted(meant, formulas)));
        }
        if meant == *name {
            let example = match by.len() {
                1 => format!("\"{name}=VALUE\""),
                several => format!("'{name}=[{}]'", vec!["\"VALUE\""; several].join(",")),
            };
            let hint = format!("it is one for each value of {}: name one, as in {example}", by.join(" and "));
            return Err(JobError::Choice { key: "--segment", value: meant.to_string(), hint });
        }
    }
    match asked {
        None => {
            Err(JobError::Needs { key: "--segment", hint: format!("the chart is of {}: name one", names.join(", ")) })
        }
        Some(asked) => {
            let hint = hint(asked, "the chart is of", names.iter().copied());
            Err(JobError::Choice { key: "--segment", value: asked.to_string(), hint })
        }
    }
}

/// Whether it is one of the segments by a value: `country=FR` of `country`.
fn is_value_of(asked: &str, name: &str) -> bool {
    let asked = asked.trim_start_matches('\'');
    asked.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
}

/// A text as it was before CSV quoted it.
fn unquoted(asked: &str, formulas: CsvFormulas) -> String {
    let inner = asked.strip_prefix('\'').filter(|inner| is_meant(asked, inner, formulas));
    inner.unwrap_or(asked).to_string()
}

/// The code of a group.
fn group_of(groups: &Groups, asked: &str, formulas: CsvFormulas) -> Result<u32, JobError> {
    let found = groups.names().find(|(_, name)| is_meant(asked, name, formulas));
    found.map(|(code, _)| code).ok_or_else(|| {
        let names: Vec<String> = groups.names().map(|(_, name)| name.into_owned()).collect();
        let hint = hint(asked, "the groups are", names.iter().map(String::as_str));
        JobError::Choice { key: "--group", value: asked.to_string(), hint }
    })
}

/// The bin that starts there.
fn bin_of(bounds: &[i64], asked: &str) -> Result<Bin, JobError> {
    let (Some(first), Some(_)) = (bounds.first(), bounds.last()) else {
        let why = "for a series without a histogram";
        return Err(JobError::NoEffect { key: "--bin", why, way_out: "" });
    };
    if asked == BELOW {
        return Ok(Bin { start: None, end: Some(*first) });
    }
    let place = asked.parse().ok().and_then(|start: i64| bounds.iter().position(|bound| *bound == start));
    match place {
        Some(place) => Ok(Bin { start: Some(bounds[place]), end: bounds.get(place + 1).copied() }),
        None => {
            let starts: Vec<String> = bounds.iter().map(i64::to_string).collect();
            let hint = format!("bins start at {}; \"{BELOW}\" is what lies below", starts.join(", "));
            Err(JobError::Choice { key: "--bin", value: asked.to_string(), hint })
        }
    }
}

/// The interval that starts with an instant, or with a date.
fn interval_of(intervals: &Intervals<'_>, asked: &str) -> Result<IntervalKey, JobError> {
    // A time would be taken for its date.
    let date = Some(asked).filter(|text| !text.contains(['T', 't', ' ']));
    let of_date = date.and_then(day_of_text).map(|day| first_instant(day, intervals.zone));
    let unread = JobError::Date {
        key: "--interval",
        value: asked.to_string(),
        expected: "date or time",
        example: "2026-01-05T00:00:00+01:00",
    };
    let start = of_date.or_else(|| instant_of(asked)).ok_or(unread)?;
    let around = intervals.of(date_at(start, intervals.zone));
    let near = intervals.over(around, around);
    if let Some((key, _)) = near.iter().find(|(_, known)| *known == start) {
        return Ok(*key);
    }
    let before = near.iter().rev().find(|(_, known)| *known < start).or(near.first());
    let hint = match before {
        Some((_, known)) => {
            format!(
                "the {} that it is in starts at {}",
                intervals.interval.name(),
                instant_text(*known, intervals.zone)
            )
        }
        None => format!("it is the start of no {}", intervals.interval.name()),
    };
    Err(JobError::Choice { key: "--interval", value: asked.to_string(), hint })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::chart::Interval;
    use jiff::tz::TimeZone;

    #[test]
    fn intervals_are_named_by_their_start_or_its_date() {
        let zone = TimeZone::get("Europe/Paris").expect("known");
        let day = |text: &str| day_of_text(text).expect("a date");
        let of = |interval, text: &str| {
            let intervals = Intervals { interval, starts: Default::default(), zone: &zone, first: day("2026-01-07") };
            let start = |key| instant_text(intervals.start(key), &zone);
            interval_of(&intervals, text).map(start).map_err(|error| error.to_string())
        };
        assert_eq!(of(Interval::Day, "2026-01-05"), Ok("2026-01-05T00:00:00+01:00".to_string()));
        assert_eq!(of(Interval::Week, "2026-01-04T23:00:00Z"), Ok("2026-01-05T00:00:00+01:00".to_string()));
        assert_eq!(of(Interval::Total, "2026-01-07"), Ok("2026-01-07T00:00:00+01:00".to_string()));
        // The night in which 02:30 comes twice.
        for hour in ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"] {
            assert_eq!(of(Interval::Hour, hour), Ok(hour.to_string()));
        }
        let within = of(Interval::Week, "2026-01-07").expect_err("no Monday");
        assert!(within.contains("the week that it is in starts at 2026-01-05T00:00:00+01:00"), "{within}");
        assert!(of(Interval::Day, "soon").expect_err("no time").contains("date or time"));
    }

    #[test]
    fn bins_are_named_by_their_start_and_what_lies_outside_by_its_bound() {
        let bin = |text: &str| bin_of(&[0, 3, 10], text).map_err(|error| error.to_string());
        let of = |start, end| Ok(Bin { start, end });
        assert_eq!([bin("none"), bin("0"), bin("10")], [of(None, Some(0)), of(Some(0), Some(3)), of(Some(10), None)]);
        assert!(bin("4").expect_err("within").contains("bins start at 0, 3, 10"));
        let holds = [-1, 0, 2, 3].map(|value| Bin { start: Some(0), end: Some(3) }.holds(value));
        assert_eq!(holds, [false, true, true, false]);
    }
}
