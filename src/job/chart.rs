//! The keys of `[[chart]]`, validated (SPEC 6).

use super::bins::{buckets, length_bins, DEFAULT_BINS_MS};
use super::chart_keys::ChartKeys;
use super::dates::parse_window;
use super::error::JobError;
use super::formula::{Formula, FormulaError};
use super::funnel::{refuse_beside, Funnel};
use super::holds::Holds;
use super::preset;
use super::segment::{needs, not_empty, Segments, ALL};
use super::series::{Count, GroupKey, Series, DEFAULT_TOP};
use super::starts::Starts;
use super::time_on::TimeOn;
use super::values::{choice, Names};
use crate::sessionize::time::dates::Window;
use crate::stats::nearest::nearest;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// What its rows are about.
    pub interval: Interval,
    /// When weeks, quarters and years begin.
    pub starts: Starts,
    /// The names of its segments, in order.
    pub segments: Vec<String>,
    /// Its dates.
    pub window: Window,
    /// Its series; at least one.
    pub series: Vec<Series>,
    /// The bounds of the bins of lengths, in milliseconds.
    pub bins: Vec<i64>,
    /// The bounds of the bins of numbers of events.
    pub buckets: Vec<i64>,
    /// How many groups are kept.
    pub top: usize,
    /// The place of the series whose groups are ranked; `None` for the first that is grouped by their property.
    pub ranked: Option<usize>,
    /// A number over the series, or one histogram in place of all.
    pub formula: Option<Formula>,
    /// Several numbers over the series in place of one; empty where there is one or none.
    pub formulas: Vec<Formula>,
    /// The names that its columns were given.
    pub named: Vec<(Holds, String)>,
}

/// What a row of a chart is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    /// An hour since a date's first instant.
    Hour,
    /// A date.
    Day,
    /// Seven dates from a Monday, or another weekday.
    Week,
    /// A month.
    Month,
    /// Three months.
    Quarter,
    /// A year.
    Year,
    /// All dates.
    Total,
}

impl Interval {
    const ALL: [Interval; 7] = [
        Interval::Hour,
        Interval::Day,
        Interval::Week,
        Interval::Month,
        Interval::Quarter,
        Interval::Year,
        Interval::Total,
    ];

    /// The word in a job.
    pub fn name(self) -> &'static str {
        match self {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Quarter => "quarter",
            Interval::Year => "year",
            Interval::Total => "total",
        }
    }

    fn parse(text: &str) -> Result<Self, JobError> {
        choice("chart.interval", text, &Interval::ALL.map(|interval| (interval.name(), interval)))
    }
}

/// The columns of several formulas; there are no more.
pub const FORMULA_COLUMNS: [&str; 10] = [
    "formula_1",
    "formula_2",
    "formula_3",
    "formula_4",
    "formula_5",
    "formula_6",
    "formula_7",
    "formula_8",
    "formula_9",
    "formula_10",
];

/// The bounds of buckets where a chart names none.
const DEFAULT_BUCKETS: [i64; 5] = [0, 1, 2, 5, 10];
impl Chart {
    /// The chart of a job that has none: all sessions, day by day.
    pub fn of_all_sessions() -> Self {
        Chart {
            name: "sessions".to_string(),
            interval: Interval::Day,
            starts: Starts::default(),
            segments: vec![ALL.to_string()],
            window: Window::default(),
            series: vec![Series::of_all_sessions()],
            bins: DEFAULT_BINS_MS.to_vec(),
            buckets: DEFAULT_BUCKETS.to_vec(),
            top: DEFAULT_TOP,
            ranked: None,
            formula: None,
            formulas: Vec::new(),
            named: Vec::new(),
        }
    }

    /// Validates charts; without any there is the default one.
    ///
    /// # Errors
    /// The first mistake, with the chart's name.
    pub fn all_of(keys: Vec<ChartKeys>, segments: &Segments, starts: Starts) -> Result<Vec<Chart>, JobError> {
        if keys.is_empty() {
            // Days begin whatever weeks do.
            return Ok(vec![Chart::of_all_sessions()]);
        }
        let mut charts: Vec<Chart> = Vec::new();
        for (place, keys) in keys.into_iter().enumerate() {
            let place = match &keys.name {
                Some(name) => format!("[[chart]] \"{name}\""),
                None => format!("[[chart]] number {}", place + 1),
            };
            let chart = Chart::new(keys, segments, starts).map_err(|error| error.within(&place))?;
            if charts.iter().any(|other| other.name == chart.name) {
                let taken = JobError::Taken { key: "chart.name", name: chart.name, by: "another chart".to_string() };
                return Err(taken.within(&place));
            }
            charts.push(chart);
        }
        Ok(charts)
    }

    fn new(mut keys: ChartKeys, segments: &Segments, starts: Starts) -> Result<Chart, JobError> {
        let name = keys.name.take().ok_or_else(|| needs("chart.name", "give every chart a name"))?;
        let name = not_empty("chart.name", name)?;
        let window = parse_window(
            ("chart.from", keys.from.as_ref().map(|date| date.0.as_str())),
            ("chart.to", keys.to.as_ref().map(|date| date.0.as_str())),
        )?;
        let interval = keys.interval.as_deref().map_or(Ok(Interval::Day), Interval::parse)?;
        let chosen = chosen_segments(keys.segments.take(), segments)?;
        let (bin_keys, bucket_keys) = (keys.bins.take(), keys.buckets.take());
        let (formula_text, formula_texts) = (keys.formula.take(), keys.formulas.take());
        if formula_text.is_some() && formula_texts.is_some() {
            let hint = "put all of them into `formulas`";
            return Err(JobError::NotBoth { key: "chart.formula", other: "chart.formulas", hint });
        }
        let mut named = Vec::new();
        let has_formula = formula_text.is_some() || formula_texts.is_some();
        let funnel = match keys.funnel.take() {
            Some(of_funnel) => {
                refuse_beside(&keys, "chart.funnel", has_formula)?;
                Some(Funnel::new(of_funnel, &mut named)?)
            }
            None => None,
        };
        let time_on = match keys.time_on.take() {
            Some(of_time) => {
                refuse_beside(&keys, "chart.time_on", has_formula)?;
                Some(TimeOn::new(of_time, DEFAULT_TOP)?)
            }
            None => None,
        };
        if funnel.is_some() && time_on.is_some() {
            let hint = "each is a chart of its own: make two of them";
            return Err(JobError::NotBoth { key: "chart.time_on", other: "chart.funnel", hint });
        }
        let (mut series, top, preset) = match keys.preset.take() {
            Some(preset) => {
                refuse_beside_preset(&keys, has_formula)?;
                let (series, top) = preset::series(&preset, keys, &mut named)?;
                (series, top, Some(preset::FORMULA))
            }
            None => {
                refuse_without_preset(&keys)?;
                let (series, top) = Series::all_of(keys, &mut named)?;
                (series, top, None)
            }
        };
        // It has no series of its own: this one is the sessions that its filters leave.
        (series[0].funnel, series[0].time_on) = (funnel, time_on);
        let formula = match formula_text.as_deref().or(preset) {
            Some(text) => Some(read_formula(text, &series)?),
            None => None,
        };
        let formulas = formula_texts.map_or(Ok(Vec::new()), |texts| read_formulas(&texts.into_vec(), &series))?;
        let draws = |counts_events: bool| {
            let drawn = series.iter().enumerate().filter(|(place, _)| match &formula {
                None => formulas.is_empty(),
                Some(Formula::Histogram(of)) => of == place,
                Some(Formula::Number { .. }) => false,
            });
            drawn.clone().any(|(_, series)| series.counts_events() == counts_events)
        };
        let no_effect = |key, why| Err(JobError::NoEffect { key, why, way_out: "" });
        if bin_keys.is_some() && !draws(false) {
            return no_effect("chart.bins", "where no histogram is of lengths: events are counted in `buckets`");
        }
        if bucket_keys.is_some() && !draws(true) {
            return no_effect("chart.buckets", "where no histogram is of numbers of events: lengths fall in `bins`");
        }
        Ok(Chart {
            name,
            interval,
            starts,
            segments: chosen,
            window,
            bins: bin_keys.map_or_else(|| Ok(DEFAULT_BINS_MS.to_vec()), |keys| length_bins(&keys))?,
            buckets: bucket_keys.map_or_else(|| Ok(DEFAULT_BUCKETS.to_vec()), buckets)?,
            top,
            // Groups of a preset are as large as all of their sessions.
            ranked: preset.and_then(|_| series.iter().rposition(|series| !series.group_by.is_empty())),
            formula,
            formulas,
            series,
            named,
        })
    }

    /// Its formulas: the one, or the several.
    pub fn all_formulas(&self) -> impl Iterator<Item = &Formula> {
        self.formula.iter().chain(&self.formulas)
    }

    /// It as charts of one formula each, which have its name with the column's; itself where it has not several.
    pub fn by_formula(&self) -> Vec<Chart> {
        if self.formulas.is_empty() {
            return vec![self.clone()];
        }
        let one = |(formula, column): (&Formula, &&str)| Chart {
            name: format!("{}, {column}", self.name),
            formula: Some(formula.clone()),
            formulas: Vec::new(),
            ..self.clone()
        };
        self.formulas.iter().zip(&FORMULA_COLUMNS).map(one).collect()
    }

    /// Its funnel, where it is one.
    pub fn funnel(&self) -> Option<&Funnel> {
        self.series.first().and_then(|series| series.funnel.as_ref())
    }

    /// What its sessions spend time on, where it is about that.
    pub fn time_on(&self) -> Option<&TimeOn> {
        self.series.first().and_then(|series| series.time_on.as_ref())
    }

    /// It, for messages.
    pub fn in_words(&self) -> String {
        format!("the chart \"{}\"", self.name)
    }

    /// Everything that its series need to know of sessions.
    pub fn holds(&self) -> Vec<&Holds> {
        self.series.iter().flat_map(Series::holds).collect()
    }
}

fn chosen_segments(names: Option<Names>, segments: &Segments) -> Result<Vec<String>, JobError> {
    let Some(names) = names else { return Ok(vec![ALL.to_string()]) };
    let names = names.into_vec();
    if names.is_empty() {
        return Err(JobError::Empty { key: "chart.segments" });
    }
    for (place, name) in names.iter().enumerate() {
        let known = || segments.all().map(|segment| segment.name.as_str()).chain([ALL]);
        if !known().any(|segment| segment == name) {
            let hint = match nearest(name, known()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the segments are {}", known().collect::<Vec<_>>().join(", ")),
            };
            return Err(JobError::Choice { key: "chart.segments", value: name.clone(), hint });
        }
        if names[..place].contains(name) {
            return Err(JobError::Repeated { key: "chart.segments", name: name.clone() });
        }
    }
    Ok(names)
}

fn refuse_beside_preset(keys: &ChartKeys, has_formula: bool) -> Result<(), JobError> {
    let set = [
        ("chart.count", keys.count.is_some()),
        ("chart.group_by", keys.group_by.is_some()),
        ("chart.series", keys.series.is_some()),
        ("chart.formula", has_formula),
    ];
    match set.iter().find(|(_, set)| *set) {
        Some((key, _)) => {
            let hint = "a preset is a formula over series of its own";
            Err(JobError::NotBoth { key, other: "chart.preset", hint })
        }
        None => Ok(()),
    }
}

fn refuse_without_preset(keys: &ChartKeys) -> Result<(), JobError> {
    let set = [
        ("chart.property", keys.property.is_some()),
        ("chart.event", keys.event.is_some()),
        ("chart.level", keys.level.is_some()),
    ];
    match set.iter().find(|(_, set)| *set) {
        Some((key, _)) => Err(JobError::NoEffect {
            key,
            why: "without `chart.preset`",
            way_out: "; a chart of its own has `count` and `group_by`",
        }),
        None => Ok(()),
    }
}

fn read_formulas(texts: &[String], series: &[Series]) -> Result<Vec<Formula>, JobError> {
    const KEY: &str = "chart.formulas";
    if texts.is_empty() {
        return Err(JobError::Empty { key: KEY });
    }
    if texts.len() > FORMULA_COLUMNS.len() {
        let hint = format!("a chart has at most {}", FORMULA_COLUMNS.len());
        return Err(JobError::Unfit { key: KEY, value: format!("{} formulas", texts.len()), hint });
    }
    let formulas = texts.iter().map(|text| read_formula(text, series)).collect::<Result<Vec<_>, _>>()?;
    for (text, formula) in texts.iter().zip(&formulas) {
        if matches!(formula, Formula::Histogram(_)) {
            let hint = "a histogram is no number: it stands alone, in `chart.formula`".to_string();
            return Err(JobError::Unfit { key: KEY, value: format!("\"{text}\""), hint });
        }
    }
    let used: Vec<usize> = formulas.iter().flat_map(Formula::functions).map(|(_, series)| series).collect();
    match differently_grouped(&used, series) {
        // They are numbers of one row, which is of one group.
        Some(hint) => Err(JobError::Unfit { key: KEY, value: format!("{texts:?}"), hint }),
        None => Ok(formulas),
    }
}

fn read_formula(text: &str, series: &[Series]) -> Result<Formula, JobError> {
    use super::formula::Function;
    let names: Vec<String> = series.iter().map(|series| series.name.clone()).collect();
    let failed = |error: FormulaError| JobError::Formula {
        formula: text.to_string(),
        position: error.position,
        reason: error.reason,
    };
    let formula = Formula::parse(text, &names).map_err(failed)?;
    let used = match &formula {
        Formula::Histogram(series) => vec![*series],
        number => number.functions().into_iter().map(|(_, series)| series).collect(),
    };
    for (function, place) in formula.functions() {
        if function == Function::PropSum && matches!(series[place].count, Count::Events { sum: None, .. }) {
            let hint = format!("PROPSUM({}) sums a property: name it in the series' `count`", series[place].name);
            return Err(JobError::Needs { key: "chart.count.property", hint });
        }
    }
    if used.is_empty() {
        let hint = "it has to take something of a series, like SESSIONTOTALS(A)".to_string();
        return Err(JobError::Unfit { key: "chart.formula", value: format!("\"{text}\""), hint });
    }
    match differently_grouped(&used, series) {
        Some(hint) => Err(JobError::Unfit { key: "chart.formula", value: format!("\"{text}\""), hint }),
        None => Ok(formula),
    }
}

/// Why a formula over some series matches no groups: they are values of different properties.
fn differently_grouped(used: &[usize], series: &[Series]) -> Option<String> {
    let mut grouped = used.iter().map(|place| (*place, series[*place].group_keys())).filter(|(_, by)| !by.is_empty());
    let (first, by) = grouped.next()?;
    let (other, other_by) = grouped.find(|(_, other_by)| *other_by != by)?;
    let (first, other) = (&series[first].name, &series[other].name);
    let words = |by: Vec<GroupKey<'_>>| by.iter().map(GroupKey::to_string).collect::<Vec<_>>().join(" and ");
    let (by, other_by) = (words(by), words(other_by));
    Some(format!(
        "series are matched group by group, and {first} is grouped by {by}, {other} by {other_by}: group both by one \
         property, or leave `group_by` out of one of them, which then applies to every group of the other"
    ))
}
