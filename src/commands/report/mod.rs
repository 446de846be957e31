//! `dwell report`: a page to look at, made from the tables of a run without reading events.
//!
//! [`days`] sums the tables of sessions and activity up by date, [`measures`] reads the files of the charts, [`record`] what
//! runs say of themselves. The page has them in the order in which they are asked for: the [`headline`], the pictures of
//! the [`overview`], those of each [`chart`], the [`fate`] of every row, what doctor finds, and [`about`] the
//! tables. The same tables and records give the same bytes.

pub mod about;
pub mod chart;
pub mod days;
pub mod fate;
pub mod fold;
pub mod headline;
pub mod measures;
pub mod overview;
pub mod record;

use jiff::tz::TimeZone;
use maud::{html, Markup};

use super::at_place::{with_tables, Access};
use super::at_rest::at_rest;
use super::charts::tables_of;
use super::doctor::show::html::findings;
use super::doctor::Diagnosis;
use super::run::compatibility::charts_mark;
use crate::error::Error;
use crate::job::chart::Chart;
use crate::job::charts_job::ChartsJob;
use crate::job::fingerprint::Canonical;
use crate::job::options::available_threads;
use crate::job::segment::ALL;
use crate::page::colours::Colours;
use crate::page::picture::Picture;
use crate::page::shell;
use crate::page::standalone;
use crate::pipeline;
use crate::summary::{counted, grouped};
use crate::tables::error::TableError;
use days::Days;
use measures::{ChartLine, FunnelSteps, TimeOnValue};
use record::Records;

/// What is asked of a report besides its job.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The title of the page.
    pub title: Option<String>,
    /// Whether the job itself has charts.
    pub has_charts: bool,
    /// What doctor found, where it was asked for.
    pub diagnosis: Option<Diagnosis>,
}

/// A page, and a picture of it as a file of its own.
#[derive(Clone, Debug)]
pub struct Report {
    /// The page.
    pub page: String,
    /// The picture; `None` where there is no session.
    pub picture: Option<String>,
    /// How many sessions it is of, on how many dates.
    pub extent: String,
}

/// The figures of all tables take about so many bytes of a page, and the points of all pictures so many.
const TABLES: usize = 480_000;
const POINTS: usize = 320_000;
/// A point of a picture takes about so many bytes.
const POINT: usize = 8;
/// A page has so many charts: the others are in the files.
const MOST_CHARTS: usize = 120;

/// Everything that a folder says.
struct Folder {
    definition: Canonical,
    zone: TimeZone,
    days: Days,
    lines: Vec<ChartLine>,
    funnels: Vec<FunnelSteps>,
    times: Vec<TimeOnValue>,
    /// Why the charts of the tables are not shown.
    without_charts: Option<&'static str>,
    records: Records,
}

/// Makes the page of a job's tables.
///
/// # Errors
/// A folder without tables, tables or charts that are not those of the job, a file that cannot be read.
pub fn report(job: &ChartsJob, options: &Options) -> Result<Report, Error> {
    let folder = with_tables(&job.place, Access::Read, || at_rest(&job.place.folder, || read(job, options)))?;
    let drawn = if folder.without_charts.is_some() || is_default(&job.charts) { &[][..] } else { &job.charts[..] };
    let hidden = drawn.len().saturating_sub(MOST_CHARTS);
    let drawn = &drawn[..drawn.len() - hidden];
    let points = points(drawn, &folder.lines);
    let mut colours = Colours::about(ALL);
    let pictures = |chart: &Chart| {
        let of_measures = chart::pictures(chart, &folder.lines, &folder.zone, points, &mut colours);
        let funnels = chart::funnels(chart, &folder.funnels).into_iter();
        funnels.chain(chart::times(chart, &folder.times)).chain(of_measures).collect()
    };
    let charts: Vec<Vec<Picture>> = drawn.iter().map(pictures).collect();
    let by_date = overview::by_date(&folder.days, points);
    let lengths = overview::lengths(&folder.days);
    let zone = folder.definition.get("output.timezone").unwrap_or("UTC");
    let hours = overview::hours(&folder.days, zone);
    let pictures = by_date.len() + charts.iter().map(Vec::len).sum::<usize>() + 2;
    let mut pages = Numbered { number: 0, bytes: TABLES / pictures };
    let title = options.title.clone().unwrap_or_else(|| "Sessions".to_string());
    let body = html! {
        header {
            h1 { (crate::page::table::of_data(&title)) }
            (headline::headline(&folder.days, &folder.records))
        }
        @if folder.days.sessions() > 0 { section {
            h2 { "All sessions" }
            (pages.all(&by_date[..1]))
            div.pair { (pages.all(&by_date[1..])) }
            (pages.all(hours.as_slice()))
            (pages.all(lengths.as_slice()))
        } }
        (charts_section(&charts, hidden, folder.without_charts, &mut pages))
        (fate::fate(&folder.records))
        @if let Some(diagnosis) = &options.diagnosis { (findings(diagnosis)) }
        (about::definition(&folder.definition))
        (about::run(&folder.records))
        footer { "Made by dwell report from the tables of a run. Dates are of " (zone) "." }
    };
    let extent = format!(
        "{} on {}",
        counted(folder.days.sessions(), "session"),
        counted(folder.days.dates.iter().filter(|(_, of)| of.sessions > 0).count() as u64, "date")
    );
    let picture = match (by_date.first(), &lengths) {
        (Some(by_date), Some(lengths)) => Some(picture(&title, &folder.days, by_date, lengths)),
        _ => None,
    };
    Ok(Report { page: shell::page(&title, &body), picture, extent })
}

/// Pictures with their numbers on a page, each with figures of so many bytes.
struct Numbered {
    number: usize,
    bytes: usize,
}

impl Numbered {
    fn all(&mut self, pictures: &[Picture]) -> Markup {
        let mut next = |picture: &Picture| {
            self.number += 1;
            picture.markup(self.number, self.bytes)
        };
        html! { @for picture in pictures { (next(picture)) } }
    }
}

fn charts_section(charts: &[Vec<Picture>], hidden: usize, without: Option<&str>, pages: &mut Numbered) -> Markup {
    html! { @if !charts.is_empty() || without.is_some() { section {
        h2 { "Charts" }
        @if let Some(why) = without { p.note { (why) } }
        @for pictures in charts { div class=[(pictures.len() > 1).then_some("pair")] { (pages.all(pictures)) } }
        @if hidden > 0 { p.note { (counted(hidden as u64, "more chart")) @if hidden == 1 { " is" } @else { " are" } " in measures.csv." } }
    } } }
}

/// The default chart, which the pictures of all sessions show.
fn is_default(charts: &[Chart]) -> bool {
    charts == [Chart::of_all_sessions()]
}

/// How many points the line of a picture may have.
fn points(charts: &[Chart], lines: &[ChartLine]) -> usize {
    const MOST: usize = 400;
    const LEAST: usize = 30;
    let of_chart = |chart: &Chart| lines.iter().filter(|line| line.key.chart == chart.name).take(8).count();
    let drawn = charts.iter().map(of_chart).sum::<usize>() + 4;
    (POINTS / POINT / drawn).clamp(LEAST, MOST)
}

fn picture(title: &str, days: &Days, by_date: &Picture, lengths: &Picture) -> String {
    let of = format!("{} sessions by date, and how long they are", grouped(days.sessions()));
    standalone::svg(title, &of, by_date, lengths)
}

fn read(job: &ChartsJob, options: &Options) -> Result<Folder, Error> {
    let (folder, definition, zone) = tables_of(job)?;
    let made = folder.before().made().charts;
    let is_same = made.as_ref() == Some(&charts_mark(&job.charts, &job.segments, job.formulas));
    let without_charts = match made {
        None => Some("The tables are newer than the charts: dwell charts makes these anew."),
        Some(_) if is_same => None,
        Some(_) if options.has_charts => return Err(TableError::OtherCharts { path: job.place.folder.clone() }.into()),
        Some(_) => Some("The tables have charts of a job that this page was not given."),
    };
    let pool = pipeline::pool(available_threads())?;
    let days = days::read(&job.place.folder, &zone, &pool)?;
    let place = &job.place.folder;
    let (lines, funnels, times) = match without_charts {
        None => (measures::read(place)?, measures::read_funnels(place)?, measures::read_times(place)?),
        Some(_) => (Vec::new(), Vec::new(), Vec::new()),
    };
    let records = Records::read(&job.place.folder)?;
    Ok(Folder { definition, zone, days, lines, funnels, times, without_charts, records })
}
