//! Pictures of all sessions: how many, by whom, how long, and when.

use jiff::civil::DateTime;

use super::days::{DayFigures, Days};
use super::fold;
use crate::job::bins::DEFAULT_BINS_MS;
use crate::job::dates::{date_of, day_text};
use crate::page::axis::{labels, Grain};
use crate::page::colours::Colour;
use crate::page::heat::{Heat, WEEKDAYS};
use crate::page::number::Unit;
use crate::page::picture::{Drawing, Picture};
use crate::page::plot::{Form, Plot, PlotLine};
use crate::page::ranked::{Ranked, RankedBar};
use crate::page::table::{Cell, Keep, Row, Table};
use crate::summary::counted;
use crate::summary::text::length_text;

/// A figure of a date.
type Figure = fn(&DayFigures) -> Option<f64>;

/// A figure of each date.
struct Daily {
    title: &'static str,
    subtitle: &'static str,
    unit: Unit,
    form: Form,
    lines: Vec<(&'static str, Figure)>,
}

/// Sessions, users and lengths by date.
pub fn by_date(days: &Days, points: usize) -> Vec<Picture> {
    if days.dates.is_empty() {
        return Vec::new();
    }
    let form = if days.dates.len() > 62 { Form::Lines } else { Form::Bars };
    let all = [
        Daily {
            title: "Sessions",
            subtitle: "Sessions that start on each date",
            unit: Unit::Count,
            form,
            lines: vec![("Sessions", |of| Some(of.sessions as f64))],
        },
        Daily {
            title: "Active users",
            subtitle: "Users with an event on each date, in session or not",
            unit: Unit::Count,
            form,
            lines: vec![("Active users", |of| Some(of.users as f64))],
        },
        Daily {
            title: "Length of sessions",
            subtitle: "Of the sessions that start on each date",
            unit: Unit::Millis,
            form: Form::Lines,
            lines: vec![
                ("Average length", DayFigures::average_ms),
                ("Median length", |of| of.median_ms.map(|median| median as f64)),
            ],
        },
    ];
    all.into_iter().map(|daily| picture(days, &daily, points)).collect()
}

fn picture(days: &Days, daily: &Daily, points: usize) -> Picture {
    let count = days.dates.len();
    let factor = fold::factor(count, points, Grain::Day);
    let starts: Vec<DateTime> =
        days.dates.iter().step_by(factor).map(|(day, _)| date_of(*day).at(0, 0, 0, 0)).collect();
    let values = |of: fn(&DayFigures) -> Option<f64>| days.dates.iter().map(move |(_, figures)| of(figures));
    let line = |(place, (name, of)): (usize, &(&str, Figure))| PlotLine {
        name: (*name).to_string(),
        colour: if place == 0 { Colour::FIRST } else { Colour::GREY },
        values: fold::folded(&values(*of).collect::<Vec<_>>(), factor),
        total: None,
    };
    let lines: Vec<PlotLine> = daily.lines.iter().enumerate().map(line).collect();
    let row = |(day, figures): &(crate::sessionize::time::Day, DayFigures)| Row {
        name: day_text(*day),
        cells: daily.lines.iter().map(|(_, of)| Cell::new(of(figures), daily.unit)).collect(),
    };
    let table = Table {
        head: ["Date"].into_iter().chain(daily.lines.iter().map(|(name, _)| *name)).map(str::to_string).collect(),
        rows: days.dates.iter().map(row).collect(),
        keep: Keep::Last,
        all_in: "the tables",
    };
    let first: Vec<Option<f64>> = values(daily.lines[0].1).collect();
    Picture {
        title: daily.title.to_string(),
        subtitle: daily.subtitle.to_string(),
        description: described(&first, &table, daily.unit),
        notes: fold::note(factor, Grain::Day, daily.form != Form::Lines).into_iter().collect(),
        drawing: Drawing::Plot(Plot {
            form: daily.form,
            unit: daily.unit,
            labels: labels(&starts, Grain::Day),
            intervals: starts.len(),
            lines,
        }),
        table,
    }
}

/// What a series does, in words: its least, most and last value.
pub fn described(values: &[Option<f64>], table: &Table, unit: Unit) -> String {
    let known: Vec<(usize, f64)> =
        values.iter().enumerate().filter_map(|(place, value)| Some((place, (*value)?))).collect();
    let at = |(place, value): &(usize, f64)| {
        let name = table.rows.get(*place).map(|row| row.name.as_str()).unwrap_or_default();
        format!("{} ({name})", unit.text(Some(*value)))
    };
    let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    match (least, most, known.last()) {
        (Some(least), Some(most), Some(last)) => format!(
            "{}; the least is {}, the most {}, the last {}.",
            counted(known.len() as u64, "value"),
            at(least),
            at(most),
            at(last)
        ),
        _ => "No value.".to_string(),
    }
}

/// How long sessions are.
pub fn lengths(days: &Days) -> Option<Picture> {
    let all: u64 = days.bins.iter().sum();
    if all == 0 {
        return None;
    }
    let mut bars = Vec::new();
    for (bin, sessions) in days.bins.iter().enumerate() {
        let start = length_text(DEFAULT_BINS_MS[bin]);
        let name = match DEFAULT_BINS_MS.get(bin + 1) {
            Some(end) => format!("{start} to {}", length_text(*end)),
            None if *sessions == 0 => continue,
            None => format!("{start} and more"),
        };
        bars.push((name, *sessions as i64));
    }
    let title = ("How long sessions are", "All sessions of the tables; a bin holds its start and not its end");
    Some(histogram(title, &bars, all as i64))
}

/// A histogram.
pub fn histogram((title, subtitle): (&str, &str), bins: &[(String, i64)], all: i64) -> Picture {
    let share = |sessions: i64| (all > 0).then(|| sessions as f64 * 100.0 / all as f64);
    let bar = |(name, sessions): &(String, i64)| RankedBar {
        name: name.clone(),
        colour: Colour::FIRST,
        value: Some(*sessions as f64),
        note: Unit::Percent.text(share(*sessions)),
    };
    let row = |(name, sessions): &(String, i64)| Row {
        name: name.clone(),
        cells: vec![Cell::new(Some(*sessions as f64), Unit::Count), Cell::new(share(*sessions), Unit::Percent)],
    };
    let most = bins.iter().max_by_key(|(_, sessions)| *sessions);
    let most = most
        .map(|(name, sessions)| format!("Most, {}, are in the bin {name}.", Unit::Count.text(Some(*sessions as f64))));
    Picture {
        title: title.to_string(),
        subtitle: subtitle.to_string(),
        description: format!(
            "{} in {}. {}",
            counted(all.unsigned_abs(), "session"),
            counted(bins.len() as u64, "bin"),
            most.unwrap_or_default()
        ),
        drawing: Drawing::Ranked(Ranked { unit: Unit::Count, bars: bins.iter().map(bar).collect() }),
        table: Table {
            head: ["Bin", "Sessions", "Share"].map(str::to_string).to_vec(),
            rows: bins.iter().map(row).collect(),
            keep: Keep::First,
            all_in: "",
        },
        notes: Vec::new(),
    }
}

/// When sessions start.
pub fn hours(days: &Days, zone: &str) -> Option<Picture> {
    if days.sessions() == 0 {
        return None;
    }
    let weekdays = days.weekdays();
    let mut cells = [[0.0; 24]; 7];
    for (weekday, hours) in days.hours.iter().enumerate() {
        for (hour, sessions) in hours.iter().enumerate() {
            cells[weekday][hour] = *sessions as f64 / weekdays[weekday].max(1) as f64;
        }
    }
    let row = |weekday: usize| Row {
        name: WEEKDAYS[weekday].to_string(),
        cells: cells[weekday].iter().map(|mean| Cell::new(Some(*mean), Unit::Count)).collect(),
    };
    let all = (0..7).flat_map(|weekday| (0..24).map(move |hour| (weekday, hour)));
    let most = all.max_by(|a, b| cells[a.0][a.1].total_cmp(&cells[b.0][b.1]));
    let most = most.map(|(weekday, hour)| {
        format!("Most start on {} from {hour}:00: {}.", WEEKDAYS[weekday], Unit::Count.text(Some(cells[weekday][hour])))
    });
    Some(Picture {
        title: "When sessions start".to_string(),
        subtitle: format!("Sessions in each hour of the week, the mean of all dates, in {zone}"),
        description: most.unwrap_or_default(),
        drawing: Drawing::Heat(Box::new(Heat { cells })),
        table: Table {
            head: ["Weekday".to_string()].into_iter().chain((0..24).map(|hour| format!("{hour}:00"))).collect(),
            rows: (0..7).map(row).collect(),
            keep: Keep::First,
            all_in: "",
        },
        notes: Vec::new(),
    })
}
