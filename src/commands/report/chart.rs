//! The pictures of a job's charts, each in the form that suits it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::fold;
use super::measures::{Bin, ChartLine, FunnelSteps, MeasuredRow, TimeOnValue};
use super::overview::{described, histogram};
use crate::job::chart::{Chart, Interval};
use crate::job::formula::{self, Formula};
use crate::job::series::Series;
use crate::page::axis::{labels, Grain};
use crate::page::colours::{Colour, Colours};
use crate::page::number::Unit;
use crate::page::picture::{Drawing, Picture};
use crate::page::plot::{Form, Plot, PlotLine};
use crate::page::ranked::{Ranked, RankedBar};
use crate::page::table::{Cell, Keep, Row, Table};
use crate::summary::counted;
use crate::summary::text::length_text;

/// As many lines a picture has.
const MOST_LINES: usize = 8;
/// As many bars in rows.
const MOST_BARS: usize = 20;
/// As many histograms a chart has.
const MOST_HISTOGRAMS: usize = 6;
const ALL_IN: &str = "measures.csv";

/// What is drawn of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Sessions,
    Events,
    Formula(Unit),
}

impl What {
    fn of(chart: &Chart, lines: &[&ChartLine]) -> Self {
        match &chart.formula {
            Some(Formula::Number { unit, .. }) => What::Formula(match unit {
                formula::Unit::Percent => Unit::Percent,
                formula::Unit::Money => Unit::Money,
                formula::Unit::Plain => Unit::Plain,
            }),
            _ if lines.iter().any(|line| line.rows.iter().any(|row| row.events.is_some())) => What::Events,
            _ => What::Sessions,
        }
    }

    fn unit(self) -> Unit {
        match self {
            What::Formula(unit) => unit,
            What::Sessions | What::Events => Unit::Count,
        }
    }

    fn value(self, row: &MeasuredRow) -> Option<f64> {
        match self {
            What::Formula(_) => row.formula,
            // Of several series, some may count sessions.
            What::Events | What::Sessions => row.events.or(row.sessions).map(|count| count as f64),
        }
    }

    fn adds_up(self) -> bool {
        !matches!(self, What::Formula(_))
    }

    fn word(self) -> &'static str {
        match self {
            What::Sessions => "Sessions",
            What::Events => "Events counted in sessions",
            What::Formula(_) => "The chart's formula",
        }
    }
}

/// A line of a chart with its name.
struct Named<'a> {
    name: String,
    /// Whether it is no value of its own: none, or all others.
    is_grey: bool,
    line: &'a ChartLine,
    /// What it is ranked by.
    size: f64,
}

/// The pictures of a chart.
pub fn pictures(
    chart: &Chart,
    all: &[ChartLine],
    zone: &TimeZone,
    points: usize,
    colours: &mut Colours,
) -> Vec<Picture> {
    let own: Vec<&ChartLine> = all.iter().filter(|line| line.key.chart == chart.name).collect();
    let mut pictures = Vec::new();
    for (place, part) in chart.by_formula().iter().enumerate() {
        pictures.extend(match chart.formulas.is_empty() {
            true => pictures_of(part, &own, zone, points, colours),
            false => {
                let of_formula: Vec<ChartLine> = own.iter().map(|line| line.of_formula(place)).collect();
                pictures_of(part, &of_formula.iter().collect::<Vec<_>>(), zone, points, colours)
            }
        });
    }
    pictures
}

/// As many funnels of a chart there are.
const MOST_FUNNELS: usize = 6;

/// The funnels of a chart: a bar for each step.
pub fn funnels(chart: &Chart, all: &[FunnelSteps]) -> Vec<Picture> {
    let own = all.iter().filter(|funnel| funnel.key.chart == chart.name);
    own.take(MOST_FUNNELS).map(|funnel| funnel_picture(chart, funnel)).collect()
}

fn funnel_picture(chart: &Chart, funnel: &FunnelSteps) -> Picture {
    let FunnelSteps { key, steps } = funnel;
    let share = |sessions: i64, of: Option<i64>| match of {
        Some(of) if of > 0 => Some(sessions as f64 * 100.0 / of as f64),
        _ => None,
    };
    let first = steps.first().map(|(_, sessions)| *sessions);
    let bar = |(name, sessions): &(String, i64)| RankedBar {
        name: name.clone(),
        colour: Colour::FIRST,
        value: Some(*sessions as f64),
        note: Unit::Percent.text(share(*sessions, first)),
    };
    let row = |(place, (name, sessions)): (usize, &(String, i64))| {
        let before = place.checked_sub(1).map(|before| steps[before].1);
        let cells = vec![
            Cell::new(Some(*sessions as f64), Unit::Count),
            Cell::new(share(*sessions, first), Unit::Percent),
            Cell::new(share(*sessions, before), Unit::Percent),
        ];
        Row { name: name.clone(), cells }
    };
    let table = Table {
        head: ["Step", "Sessions", "Of the first", "Of the one before"].map(str::to_string).to_vec(),
        rows: steps.iter().enumerate().map(row).collect(),
        keep: Keep::First,
        all_in: "funnel.csv",
    };
    let segment = if chart.segments.len() > 1 { format!(" · {}", key.segment) } else { String::new() };
    let group = key.group.as_deref().map(|group| format!(" · {group}")).unwrap_or_default();
    let last = steps.last().map(|(name, sessions)| {
        let of_first = Unit::Percent.text(share(*sessions, first));
        format!("{} reach the last one, {name}: {of_first}.", Unit::Count.text(Some(*sessions as f64)))
    });
    Picture {
        title: format!("{}{segment}{group}", chart.name),
        subtitle: "Sessions that reach each step, all dates together".to_string(),
        description: format!("{}. {}", counted(steps.len() as u64, "step"), last.unwrap_or_default()),
        drawing: Drawing::Ranked(Ranked { unit: Unit::Count, bars: steps.iter().map(bar).collect() }),
        table,
        notes: Vec::new(),
    }
}

/// The values that a chart's sessions spend time on, as a table: the most time first.
pub fn times(chart: &Chart, all: &[TimeOnValue]) -> Option<Picture> {
    let mut own: Vec<&TimeOnValue> = all.iter().filter(|value| value.key.chart == chart.name).collect();
    own.sort_by_key(|value| std::cmp::Reverse(value.time_ms));
    let first = own.first()?;
    let differs = own.iter().any(|value| value.key != first.key);
    let row = |of: &&TimeOnValue| {
        let label = of.key.group.as_deref().unwrap_or(&of.key.segment);
        let name = if differs { format!("{label} · {}", of.value) } else { of.value.clone() };
        let cells = vec![
            Cell::new(Some(of.time_ms as f64), Unit::Millis),
            Cell::new(Some(of.views as f64), Unit::Count),
            Cell::new(Some(of.sessions as f64), Unit::Count),
        ];
        Row { name, cells }
    };
    let table = Table {
        head: ["Value", "Time", "Views", "Sessions"].map(str::to_string).to_vec(),
        rows: own.iter().map(row).collect(),
        keep: Keep::First,
        all_in: "time_on.csv",
    };
    Some(Picture {
        title: chart.name.clone(),
        subtitle: "Time spent on each value, all dates together".to_string(),
        description: format!("{}, of which {} takes the most time.", counted(own.len() as u64, "value"), first.value),
        drawing: Drawing::Figures,
        table,
        notes: Vec::new(),
    })
}

/// The pictures of a chart of one formula at most.
fn pictures_of(
    chart: &Chart,
    own: &[&ChartLine],
    zone: &TimeZone,
    points: usize,
    colours: &mut Colours,
) -> Vec<Picture> {
    let what = What::of(chart, own);
    let is_number = matches!(chart.formula, Some(Formula::Number { .. }));
    let is_drawn = |line: &&&ChartLine| line.rows.iter().all(|row| row.sessions.is_none()) == is_number;
    let drawn: Vec<&ChartLine> = own.iter().filter(is_drawn).copied().collect();
    let mut lines = named(&drawn, what);
    let subtitle = subtitle(chart, what);
    let mut pictures = Vec::new();
    if !matches!(chart.formula, Some(Formula::Histogram(_))) {
        let starts = starts(&drawn);
        let is_ranked = starts.len() == 1;
        // Of bars in rows, no value is one among others; what is all others comes last.
        let is_last =
            |named: &Named<'_>| named.is_grey && !(is_ranked && named.line.key.group.as_deref() == Some("(none)"));
        lines.sort_by(|a, b| is_last(a).cmp(&is_last(b)).then(b.size.total_cmp(&a.size)));
        let draft = Draft { chart, what, subtitle: &subtitle, zone, points };
        pictures.push(match (starts.len(), lines.len()) {
            (0, _) => draft.nothing(),
            (1, 1) => draft.figures(lines[0].line),
            (1, _) => draft.ranked(&lines, colours),
            _ => draft.over_time(&lines, &starts, colours),
        });
    }
    pictures.extend(histograms(chart, own));
    pictures
}

/// Lines with their names: what differs between them.
fn named<'a>(lines: &[&'a ChartLine], what: What) -> Vec<Named<'a>> {
    let differs = |of: fn(&ChartLine) -> &str| lines.iter().any(|line| of(line) != of(lines[0]));
    let (series, segment) = (differs(|line| &line.key.series), differs(|line| &line.key.segment));
    let one = |line: &'a ChartLine| {
        let parts = [
            series.then(|| line.key.series.clone()),
            segment.then(|| line.key.segment.clone()),
            line.key.group.clone(),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let name = if parts.is_empty() { line.key.segment.clone() } else { parts.join(" · ") };
        let values: Vec<f64> = line.rows.iter().filter_map(|row| what.value(row)).collect();
        let sum: f64 = values.iter().sum();
        let size = if what.adds_up() { sum } else { sum / values.len().max(1) as f64 };
        let is_grey = matches!(line.key.group.as_deref(), Some("(other)" | "(none)"));
        Named { name, is_grey, line, size }
    };
    lines.iter().map(|line| one(line)).collect()
}

fn starts(lines: &[&ChartLine]) -> Vec<i64> {
    let mut starts: Vec<i64> = lines.iter().flat_map(|line| line.rows.iter().map(|row| row.start)).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn subtitle(chart: &Chart, what: What) -> String {
    let by = match chart.interval {
        Interval::Total => ", all dates together".to_string(),
        interval => format!(" by {}", interval.name()),
    };
    let of = match chart.segments.as_slice() {
        [only] if only == crate::job::segment::ALL => String::new(),
        segments => format!(", segment{} {}", if segments.len() == 1 { "" } else { "s" }, segments.join(", ")),
    };
    format!("{}{by}{of}", what.word())
}

/// A picture on its way.
struct Draft<'a> {
    chart: &'a Chart,
    what: What,
    subtitle: &'a str,
    zone: &'a TimeZone,
    points: usize,
}

impl Draft<'_> {
    /// Whether groups add up to all of them: not where a session may be in several.
    fn adds_up(&self) -> bool {
        self.what.adds_up() && !self.chart.series.iter().any(Series::overlaps)
    }

    fn picture(&self, description: String, drawing: Drawing, table: Table, notes: Vec<String>) -> Picture {
        Picture {
            title: self.chart.name.clone(),
            subtitle: self.subtitle.to_string(),
            description,
            drawing,
            table,
            notes,
        }
    }

    fn nothing(&self) -> Picture {
        let table = Table { head: vec![self.chart.interval.name().to_string()], ..Table::default() };
        self.picture(String::new(), Drawing::Figures, table, vec!["No session passes the chart's filters.".to_string()])
    }

    /// The one row of a chart, measure by measure.
    fn figures(&self, line: &ChartLine) -> Picture {
        let row = line.rows.first().copied().unwrap_or_default();
        let count = |value: Option<i64>| Cell::new(value.map(|value| value as f64), Unit::Count);
        let length = |value: Option<i64>| Cell::new(value.map(|value| value as f64), Unit::Millis);
        let rows = match self.what {
            What::Formula(unit) => vec![("Formula", Cell::new(row.formula, unit))],
            _ => vec![
                ("Sessions", count(row.sessions)),
                ("Events counted", count(row.events)),
                ("Active users", count(row.users)),
                ("New users", count(row.new_users)),
                ("Time spent", length(row.time_ms)),
                ("Average length", Cell::new(row.average_ms, Unit::Millis)),
                ("Median length", length(row.median_ms)),
                ("90th percentile of length", length(row.p90_ms)),
                ("Sessions of length 0", count(row.zero_length)),
            ],
        };
        let shown = rows.into_iter().filter(|(name, cell)| *name != "Events counted" || cell.value.is_some());
        let table = Table {
            head: ["Measure", "Value"].map(str::to_string).to_vec(),
            rows: shown.map(|(name, cell)| Row { name: name.to_string(), cells: vec![cell] }).collect(),
            keep: Keep::First,
            all_in: ALL_IN,
        };
        self.picture(String::new(), Drawing::Figures, table, Vec::new())
    }

    /// Bars in rows, one for each line of one interval.
    fn ranked(&self, lines: &[Named<'_>], colours: &mut Colours) -> Picture {
        let unit = self.what.unit();
        let value = |named: &Named<'_>| named.line.rows.first().and_then(|row| self.what.value(row));
        let all: f64 = lines.iter().filter_map(value).sum();
        // Groups of one series add up; several series or segments need not.
        let adds_up = self.adds_up() && is_of_one(lines) && all > 0.0;
        let names = names_for_colours(&lines[..lines.len().min(MOST_LINES)]);
        let mut colours = colours.of(&names);
        colours.resize(lines.len(), Colour::GREY);
        let note = |value: Option<f64>| {
            if adds_up {
                Unit::Percent.text(value.map(|value| value * 100.0 / all))
            } else {
                String::new()
            }
        };
        let bars: Vec<RankedBar> = lines
            .iter()
            .zip(&colours)
            .take(MOST_BARS)
            .map(|(named, colour)| RankedBar {
                name: named.name.clone(),
                colour: *colour,
                value: value(named),
                note: note(value(named)),
            })
            .collect();
        let row = |named: &Named<'_>| Row { name: named.name.clone(), cells: vec![Cell::new(value(named), unit)] };
        let table = Table {
            head: vec!["Group".to_string(), self.what.word().to_string()],
            rows: lines.iter().map(row).collect(),
            keep: Keep::First,
            all_in: ALL_IN,
        };
        let first = bars.first().map(|bar| format!("The first is {}, with {}.", bar.name, unit.text(bar.value)));
        let description = format!("{}. {}", counted(lines.len() as u64, "bar"), first.unwrap_or_default());
        let hidden = lines.len().saturating_sub(MOST_BARS) as u64;
        let notes =
            (hidden > 0).then(|| format!("{} are in the figures and in {ALL_IN}.", counted(hidden, "more group")));
        self.picture(description, Drawing::Ranked(Ranked { unit, bars }), table, notes.into_iter().collect())
    }

    /// Lines or bars, interval by interval.
    fn over_time(&self, lines: &[Named<'_>], starts: &[i64], colours: &mut Colours) -> Picture {
        let grain = grain(self.chart.interval);
        let unit = self.what.unit();
        let is_stacked = lines.len() > 1 && self.adds_up() && is_of_one(lines) && lines[0].line.key.group.is_some();
        let form = match lines.len() {
            _ if is_stacked => Form::Stacked,
            1 if self.what.adds_up() && starts.len() <= 62 => Form::Bars,
            _ => Form::Lines,
        };
        let drawn = if lines.len() > MOST_LINES { MOST_LINES - 1 } else { lines.len() };
        let most = if is_stacked { self.points.min(120) } else { self.points };
        let factor = fold::factor(starts.len(), most, grain);
        let shown = &lines[..drawn];
        let mut series: Vec<Vec<Option<f64>>> = shown.iter().map(|named| self.values(named.line, starts)).collect();
        let mut names: Vec<String> = shown.iter().map(|named| named.name.clone()).collect();
        let mut of_lines = if lines.len() == 1 { vec![Colour::FIRST] } else { colours.of(&names_for_colours(shown)) };
        let mut notes = Vec::new();
        let rest = &lines[drawn..];
        if !rest.is_empty() && is_stacked {
            let mut sum: Vec<Option<f64>> = vec![None; starts.len()];
            for named in rest {
                let values = self.values(named.line, starts);
                sum.iter_mut()
                    .zip(values)
                    .filter(|(_, value)| value.is_some())
                    .for_each(|(sum, value)| *sum = Some(sum.unwrap_or(0.0) + value.unwrap_or(0.0)));
            }
            series.push(sum);
            names.push(counted(rest.len() as u64, "other group"));
            of_lines.push(Colour::GREY);
        } else if !rest.is_empty() {
            notes.push(format!("{} of smaller values are in {ALL_IN}.", counted(rest.len() as u64, "line")));
        }
        let civil = civil(starts, self.zone);
        let is_single = lines.len() == 1 && self.what.adds_up();
        let table =
            if is_single { self.measures(lines[0].line, &civil) } else { self.table(&names, &series, &civil, unit) };
        let description = described(&series[0], &table, unit);
        let totals = |values: &[Option<f64>]| self.what.adds_up().then(|| values.iter().flatten().sum());
        let line = |((name, values), colour): ((&String, &Vec<Option<f64>>), &Colour)| PlotLine {
            name: name.clone(),
            colour: *colour,
            values: fold::folded(values, factor),
            total: totals(values),
        };
        let mut plot_lines: Vec<PlotLine> = names.iter().zip(&series).zip(&of_lines).map(line).collect();
        if is_stacked {
            // The largest stands lowest; what is no group of its own lies on top.
            plot_lines
                .iter_mut()
                .for_each(|line| line.values.iter_mut().for_each(|value| *value = value.or(Some(0.0))));
        }
        notes.extend(fold::note(factor, grain, form != Form::Lines));
        let of_points: Vec<DateTime> = civil.iter().copied().step_by(factor).collect();
        let plot =
            Plot { form, unit, lines: plot_lines, labels: labels(&of_points, grain), intervals: of_points.len() };
        self.picture(description, Drawing::Plot(plot), table, notes)
    }

    /// The values of a line in all intervals of the chart.
    fn values(&self, line: &ChartLine, starts: &[i64]) -> Vec<Option<f64>> {
        let mut values = vec![None; starts.len()];
        for row in &line.rows {
            if let Ok(place) = starts.binary_search(&row.start) {
                values[place] = self.what.value(row);
            }
        }
        values
    }

    fn table(&self, names: &[String], series: &[Vec<Option<f64>>], starts: &[DateTime], unit: Unit) -> Table {
        let row = |(place, start): (usize, &DateTime)| Row {
            name: interval_name(start, self.chart.interval),
            cells: series.iter().map(|values| Cell::new(values[place], unit)).collect(),
        };
        let head = [self.chart.interval.name().to_string()].into_iter().chain(names.iter().cloned());
        let rows = starts.iter().enumerate().map(row).collect();
        Table { head: head.collect(), rows, keep: Keep::Last, all_in: ALL_IN }
    }

    /// The measures of the only line of a chart.
    fn measures(&self, line: &ChartLine, starts: &[DateTime]) -> Table {
        let count = |value: Option<i64>| Cell::new(value.map(|value| value as f64), Unit::Count);
        let row = |(start, row): (&DateTime, &MeasuredRow)| {
            let events = (self.what == What::Events).then(|| count(row.events));
            let rest = [
                count(row.sessions),
                count(row.users),
                count(row.new_users),
                Cell::new(row.average_ms, Unit::Millis),
                Cell::new(row.median_ms.map(|median| median as f64), Unit::Millis),
            ];
            Row { name: interval_name(start, self.chart.interval), cells: events.into_iter().chain(rest).collect() }
        };
        let events = (self.what == What::Events).then_some("Events");
        let head = [self.chart.interval.name()].into_iter().chain(events);
        let head = head.chain(["Sessions", "Active users", "New users", "Average length", "Median length"]);
        Table {
            head: head.map(str::to_string).collect(),
            rows: starts.iter().zip(&line.rows).map(row).collect(),
            keep: Keep::Last,
            all_in: ALL_IN,
        }
    }
}

/// The histograms of a chart: all that it asks for, or that of its only line.
fn histograms(chart: &Chart, lines: &[&ChartLine]) -> Vec<Picture> {
    let with_bins: Vec<&&ChartLine> = lines.iter().filter(|line| !line.bins.is_empty()).collect();
    let asked = matches!(chart.formula, Some(Formula::Histogram(_)));
    if !asked && with_bins.len() != 1 {
        return Vec::new();
    }
    let one = |line: &&&ChartLine| {
        let all: i64 = line.bins.iter().map(|bin| bin.sessions).sum();
        let bins: Vec<(String, i64)> = line.bins.iter().map(|bin| (bin_name(bin), bin.sessions)).collect();
        let is_events = line.bins.iter().any(|bin| bin.is_events);
        let of = if is_events { "Sessions by the events counted in them" } else { "Sessions by length" };
        let group = line.key.group.as_deref().map(|group| format!(" · {group}")).unwrap_or_default();
        let segment = if chart.segments.len() > 1 { format!(" · {}", line.key.segment) } else { String::new() };
        histogram((&format!("{}{segment}{group}", chart.name), of), &bins, all)
    };
    with_bins.iter().take(MOST_HISTOGRAMS).map(one).collect()
}

fn bin_name(bin: &Bin) -> String {
    if !bin.is_events {
        return match bin.bounds {
            (Some(start), Some(end)) => format!("{} to {}", length_text(start), length_text(end)),
            (Some(start), None) => format!("{} and more", length_text(start)),
            (None, end) => format!("below {}", length_text(end.unwrap_or_default())),
        };
    }
    match bin.bounds {
        (Some(start), Some(end)) if start + 1 == end => counted(start.unsigned_abs(), "event"),
        (Some(start), Some(end)) => format!("{start} to {} events", end - 1),
        (Some(start), None) => format!("{start} events and more"),
        (None, end) => format!("fewer than {}", counted(end.unwrap_or_default().unsigned_abs(), "event")),
    }
}

/// Whether lines are groups of one series and segment.
fn is_of_one(lines: &[Named<'_>]) -> bool {
    let key = |named: &Named<'_>| (named.line.key.series.clone(), named.line.key.segment.clone());
    lines.iter().all(|named| key(named) == key(&lines[0]))
}

fn names_for_colours<'a>(lines: &'a [Named<'_>]) -> Vec<Option<&'a str>> {
    lines.iter().map(|named| Some(named.name.as_str()).filter(|_| !named.is_grey)).collect()
}

fn grain(interval: Interval) -> Grain {
    match interval {
        Interval::Hour => Grain::Hour,
        Interval::Day => Grain::Day,
        Interval::Week => Grain::Week,
        Interval::Month => Grain::Month,
        Interval::Quarter => Grain::Quarter,
        Interval::Year | Interval::Total => Grain::Year,
    }
}

fn civil(starts: &[i64], zone: &TimeZone) -> Vec<DateTime> {
    let civil = |start: &i64| {
        jiff::Timestamp::from_microsecond(*start).unwrap_or_default().to_zoned_datetime(zone.clone()).datetime()
    };
    starts.iter().map(civil).collect()
}

/// An interval's name in a table.
fn interval_name(start: &DateTime, interval: Interval) -> String {
    match interval {
        Interval::Hour => start.strftime("%Y-%m-%d %H:%M").to_string(),
        Interval::Day | Interval::Week => start.date().to_string(),
        Interval::Month => start.strftime("%Y-%m").to_string(),
        Interval::Quarter => format!("{} Q{}", start.year(), (start.month() - 1) / 3 + 1),
        Interval::Year => start.year().to_string(),
        Interval::Total => "all dates".to_string(),
    }
}
