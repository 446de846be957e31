//! Sections 5 and 6 in plain loops, over the sessions of the reference.

use crate::reference::{self, ActivityRow, Calendar, Definition, Detail, Kept, SessionRow, Table, Value, HOUR};
use jiff::civil::Date;
use jiff::ToSpan;
use std::collections::{BTreeMap, BTreeSet};

/// A session with its events.
pub struct Session<'a> {
    pub row: &'a SessionRow,
    pub events: &'a [Kept],
    pub definition: &'a Definition,
}

type Passes = fn(&Session<'_>) -> bool;
/// Whether an event is of a kind.
pub type Holds = fn(&Kept) -> bool;
/// The groups of a session: no value is none of them.
type Group = fn(&Session<'_>) -> BTreeSet<String>;

#[derive(Clone)]
pub struct Series {
    pub passes: Passes,
    pub group: Option<Group>,
    /// The name of the group of no value.
    pub none: &'static str,
    /// The number of events counted.
    pub events: Option<fn(&Session<'_>) -> i64>,
    pub sum: fn(&Session<'_>) -> f64,
}

pub fn all_sessions() -> Series {
    Series {
        passes: |_| true,
        group: None,
        none: "(none)",
        events: None,
        sum: |session| session.row.length_ms as f64 / 1000.0,
    }
}

/// What a formula may ask of each series: sessions, events, users, sum.
pub type Asked = [f64; 4];

pub type Formula = fn(&[Asked]) -> Option<f64>;

pub struct Chart {
    pub name: &'static str,
    pub interval: &'static str,
    pub segments: &'static [&'static str],
    pub series: Vec<Series>,
    pub top: usize,
    /// Which of the series that have groups says how large these are.
    pub ranked: usize,
    /// Several formulas in place of one.
    pub formulas: Vec<Formula>,
    pub bins: Vec<i64>,
    pub formula: Option<Formula>,
    /// Which events the steps of its funnel are, and within how many microseconds.
    pub funnel: Option<(Vec<Holds>, i64)>,
    /// What time is spent on.
    pub time_on: Option<TimeOn>,
}

/// Which events are views, the value of each, the milliseconds that one takes at most, and how many values are kept.
#[derive(Clone, Copy)]
pub struct TimeOn {
    pub is_view: fn(&Kept) -> bool,
    pub value: fn(&Kept) -> Option<String>,
    pub cap_ms: i64,
    pub top: usize,
}

impl TimeOn {
    /// The views of a session: the value of each, and how long it takes; of the last one nobody knows.
    fn views(&self, session: &Session<'_>) -> Vec<(Option<String>, Option<i64>)> {
        let mut views: Vec<&Kept> = session.events.iter().filter(|event| (self.is_view)(event)).collect();
        views.sort_by(|a, b| {
            let key = |event| (moment(session, event), (self.value)(event));
            key(a).cmp(&key(b))
        });
        let next = |place: usize| views.get(place + 1).map(|event| event.time);
        let took = |place: usize| next(place).map(|next| (next - views[place].time).div_euclid(1000).min(self.cap_ms));
        (0..views.len()).map(|place| ((self.value)(views[place]), took(place))).collect()
    }
}

/// A segment: its name as reported, its tables, and whose users it keeps.
pub struct Segment {
    pub name: String,
    pub reported: String,
    pub detail: Detail,
    pub users: Option<BTreeSet<Value>>,
    /// Whether only new users of an interval count, or only others; `None` for all.
    pub new: Option<bool>,
}

impl Segment {
    fn has(&self, user: &Value) -> bool {
        self.users.as_ref().is_none_or(|users| users.contains(user))
    }
}

pub fn segments(table: &Table, definition: &Definition) -> Vec<Segment> {
    let of = |name: &str, reported: String, passes: &dyn Fn(&reference::Event) -> bool| Segment {
        name: name.to_owned(),
        reported,
        detail: reference::detail(table, definition, passes),
        users: None,
        new: None,
    };
    let mut segments = vec![
        of("all", "all".to_owned(), &|_| true),
        of("kept", "kept".to_owned(), &|event| event.keep.is_some_and(|keep| keep > 1)),
    ];
    let orders: BTreeSet<Option<Value>> = table.events.iter().map(order_of).collect();
    for order in orders {
        let name = order.as_ref().map_or("(none)".to_owned(), Value::to_string);
        segments.push(of("order", format!("order={name}"), &|event| order_of(event) == order));
    }
    let both = |event: &reference::Event| {
        let platform = event.platform.clone().filter(|platform| !platform.is_empty());
        [order_of(event).map(|order| order.to_string()), platform]
    };
    for values in table.events.iter().map(both).collect::<BTreeSet<_>>() {
        let names = values.each_ref().map(|value| serde_json::to_string(value.as_deref().unwrap_or("(none)")).unwrap());
        let is_it = |event: &reference::Event| event.keep.is_some_and(|keep| keep > 0) && both(event) == values;
        segments.push(of("both", format!("both=[{}]", names.join(",")), &is_it));
    }
    let performed = |name: &str, holds: fn(&Kept) -> bool, bounds: std::ops::RangeInclusive<usize>| {
        let mut segment = of(name, name.to_owned(), &|_| true);
        let calendar = Calendar::new(definition.timezone.as_deref());
        let counted = |user: &Value| {
            let own = segment.detail.events.iter().filter(|event| event.user == *user && holds(event));
            own.filter(|event| definition.date_in_bounds(calendar.date(event.time))).count()
        };
        let users = segment.detail.activity.iter().map(|row| row.user_id.clone());
        segment.users = Some(users.filter(|user| bounds.contains(&counted(user))).collect());
        segment
    };
    let views = |event: &Kept| event.event.as_deref() == Some("view");
    segments.push(performed("viewers", views, 2..=usize::MAX));
    let kept_views = |event: &Kept| event.event.as_deref() == Some("view") && event.keep.is_some_and(|keep| keep > 0);
    segments.push(performed("quiet", kept_views, 0..=1));
    segments.push(Segment { new: Some(true), ..of("new", "new".to_owned(), &|_| true) });
    let kept = |event: &reference::Event| event.keep.is_some_and(|keep| keep > 1);
    segments.push(Segment { new: Some(false), ..of("back", "back".to_owned(), &kept) });
    segments
}

/// A segment's value of an event; an empty text is none.
fn order_of(event: &reference::Event) -> Option<Value> {
    event.property.clone().filter(|order| *order != Value::Text(String::new()))
}

/// What orders events; those of which it is equal have no order.
pub fn moment<'a>(session: &Session<'_>, event: &'a Kept) -> impl Ord + use<'a> {
    (event.time, event.sequence, session.definition.rank(&event.event), event.event.as_deref())
}

/// The first or last value that is there; of several that nothing orders, the smallest or largest.
pub fn outermost<T: Ord + Clone>(
    session: &Session<'_>,
    last: bool,
    holds: impl Fn(&Kept) -> bool,
    value: impl Fn(&Kept) -> Option<T>,
) -> Option<T> {
    let moment =
        |event: &Kept| (event.time, event.sequence, session.definition.rank(&event.event), event.event.clone());
    let valued: Vec<&Kept> = session.events.iter().filter(|event| holds(event) && value(event).is_some()).collect();
    let moments = valued.iter().map(|event| moment(event));
    let outer = if last { moments.max() } else { moments.min() }?;
    let values = valued.iter().filter(|event| moment(event) == outer).filter_map(|event| value(event));
    if last {
        values.max()
    } else {
        values.min()
    }
}

struct Intervals<'a> {
    interval: &'a str,
    calendar: Calendar,
    first: Option<Date>,
}

impl Intervals<'_> {
    fn start(&self, date: Date, hour: i64) -> i64 {
        let first = match self.interval {
            "week" => date.checked_sub((date.weekday().to_monday_zero_offset() as i64).days()).unwrap(),
            "month" => date.first_of_month(),
            "total" => self.first.unwrap(),
            _ => date,
        };
        let hours = if self.interval == "hour" { hour } else { 0 };
        self.calendar.first_instant(first) + hours * HOUR
    }

    fn of_session(&self, row: &SessionRow) -> i64 {
        self.start(row.date, (row.start_time - self.calendar.first_instant(row.date)).div_euclid(HOUR))
    }

    /// All intervals in which one of these dates lies.
    fn of_dates(&self, first: Date, last: Date) -> BTreeSet<i64> {
        let mut starts = BTreeSet::new();
        let mut date = first;
        while date <= last {
            let next = self.calendar.first_instant(date.tomorrow().unwrap());
            let mut hour = 0;
            while hour == 0 || self.calendar.first_instant(date) + hour * HOUR < next {
                starts.insert(self.start(date, hour));
                hour += 1;
            }
            date = date.tomorrow().unwrap();
        }
        starts
    }

    /// Whether a user is new in an interval: not active, in any event, before it.
    fn is_new(&self, user: &Value, of_all: &[ActivityRow], interval: i64) -> bool {
        let own = of_all.iter().filter(|row| row.user_id == *user);
        let first = own.map(|row| (row.date, i64::from(row.hours.trailing_zeros()))).min();
        first.is_none_or(|(date, hour)| self.start(date, hour) >= interval)
    }

    /// The users who are active in an interval.
    fn active<'r>(&self, activity: &[&'r ActivityRow], interval: i64) -> BTreeSet<&'r Value> {
        let is_in = |row: &&&ActivityRow| match self.interval {
            "hour" => (0..32).any(|hour| row.hours >> hour & 1 == 1 && self.start(row.date, hour) == interval),
            _ => self.start(row.date, 0) == interval,
        };
        activity.iter().filter(is_in).map(|row| &row.user_id).collect()
    }
}

/// A row of measures, and of a histogram, as text.
#[derive(Default)]
pub struct Rows {
    pub measures: Vec<String>,
    pub histogram: Vec<String>,
    pub funnel: Vec<String>,
    pub time_on: Vec<String>,
}

type Cells<'s, 'd> = BTreeMap<(String, Option<String>, i64), Vec<&'s Session<'d>>>;

pub fn rows(chart: &Chart, all: &[Segment], definition: &Definition) -> Rows {
    let chosen: Vec<&Segment> = all.iter().filter(|segment| chart.segments.contains(&segment.name.as_str())).collect();
    let detail_of_all = &all.iter().find(|segment| segment.reported == "all").unwrap().detail;
    let (of_all, active_of_all) = (&detail_of_all.sessions, &detail_of_all.activity);
    let first = chosen.iter().flat_map(|segment| &segment.detail.sessions).chain(of_all).map(|(row, _)| row.date).min();
    // Of a value that no user has, there is no segment.
    let is_there = |segment: &&&Segment| {
        let detail = &segment.detail;
        !segment.reported.contains('=') || !detail.sessions.is_empty() || !detail.activity.is_empty()
    };
    let present: Vec<&Segment> = chosen.iter().filter(is_there).copied().collect();
    let calendar = Calendar::new(definition.timezone.as_deref());
    let intervals = Intervals { interval: chart.interval, calendar, first };
    let mut rows = Rows::default();

    let sessions: Vec<(String, Vec<Session<'_>>)> = chosen
        .iter()
        .map(|segment| {
            let own = segment.detail.sessions.iter().filter(|(row, _)| segment.has(&row.user_id));
            let counts = |row: &SessionRow| {
                let is_new = || intervals.is_new(&row.user_id, active_of_all, intervals.of_session(row));
                segment.new.is_none_or(|new| is_new() == new)
            };
            let own = own.filter(|(row, _)| counts(row)).map(|(row, events)| Session { row, events, definition });
            (segment.reported.clone(), own.collect())
        })
        .collect();
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    // By their sizes in one series that has groups; those that only others have are of size none.
    for (place, series) in chart.series.iter().filter(|series| series.group.is_some()).enumerate() {
        for session in sessions.iter().flat_map(|(_, own)| own).filter(|session| (series.passes)(session)) {
            for group in (series.group.unwrap())(session) {
                *sizes.entry(group).or_default() += usize::from(place == chart.ranked);
            }
        }
    }
    let mut sizes: Vec<(String, usize)> = sizes.into_iter().collect();
    sizes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let kept: BTreeSet<String> = sizes.into_iter().take(chart.top).map(|(group, _)| group).collect();
    let groups_of = |series: &Series, session: &Session<'_>| -> BTreeSet<Option<String>> {
        let Some(group) = series.group else { return BTreeSet::from([None]) };
        let groups = group(session);
        if groups.is_empty() {
            return BTreeSet::from([Some(series.none.to_owned())]);
        }
        let name = |group: String| if kept.contains(&group) { group } else { "(other)".to_owned() };
        groups.into_iter().map(|group| Some(name(group))).collect()
    };

    let mut all_cells: Vec<Cells<'_, '_>> = Vec::new();
    for series in &chart.series {
        let mut cells: Cells<'_, '_> = BTreeMap::new();
        for (segment, own) in &sessions {
            for session in own.iter().filter(|session| (series.passes)(session)) {
                for group in groups_of(series, session) {
                    let key = (segment.clone(), group, intervals.of_session(session.row));
                    cells.entry(key).or_default().push(session);
                }
            }
        }
        all_cells.push(cells);
    }
    // All intervals from the first to the last session of all events, or of the chart where it has others.
    let between = || -> BTreeSet<i64> {
        let of_chart = || all_cells.iter().flat_map(|cells| cells.values()).flatten().map(|session| session.row);
        let own = || of_chart().chain(of_all.iter().map(|(row, _)| row));
        let (Some(first), Some(last)) = (own().map(|row| row.date).min(), own().map(|row| row.date).max()) else {
            return BTreeSet::new();
        };
        let starts = || own().map(|row| intervals.of_session(row));
        let (least, most) = (starts().min().unwrap(), starts().max().unwrap());
        let mut all = intervals.of_dates(first, last);
        all.retain(|start| (least..=most).contains(start));
        all
    };

    let mut value_sizes: BTreeMap<String, usize> = BTreeMap::new();
    if let Some(time_on) = &chart.time_on {
        let own = sessions.iter().flat_map(|(_, own)| own).filter(|session| (chart.series[0].passes)(session));
        for value in own.flat_map(|session| time_on.views(session)).filter_map(|(value, _)| value) {
            *value_sizes.entry(value).or_default() += 1;
        }
    }
    let mut by_size: Vec<(String, usize)> = value_sizes.into_iter().collect();
    by_size.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let kept_values: BTreeSet<String> =
        by_size.into_iter().take(chart.time_on.map_or(0, |time_on| time_on.top)).map(|(value, _)| value).collect();
    let kept_value = |value: Option<String>| match value {
        None => "(none)".to_owned(),
        Some(value) if kept_values.contains(&value) => value,
        Some(_) => "(other)".to_owned(),
    };

    for (place, series) in chart.series.iter().enumerate() {
        let name = char::from(b'A' + place as u8);
        let cells = &all_cells[place];
        let mut lines: BTreeSet<(String, Option<String>)> =
            cells.keys().map(|(segment, group, _)| (segment.clone(), group.clone())).collect();
        for segment in &present {
            if !lines.iter().any(|(known, _)| *known == segment.reported) {
                lines.insert((segment.reported.clone(), None));
            }
        }
        for (segment, group) in lines {
            let tables = chosen.iter().find(|known| known.reported == segment).unwrap();
            let activity: Vec<&ActivityRow> =
                tables.detail.activity.iter().filter(|row| tables.has(&row.user_id)).collect();
            for interval in between() {
                let none = Vec::new();
                let cell = cells.get(&(segment.clone(), group.clone(), interval)).unwrap_or(&none);
                let key = format!("{} {name} {segment} {group:?} {interval}", chart.name);
                let active: Vec<bool> = (intervals.active(&activity, interval).into_iter())
                    .map(|user| intervals.is_new(user, active_of_all, interval))
                    .filter(|is_new| tables.new.is_none_or(|new| new == *is_new))
                    .collect();
                let new = active.iter().filter(|is_new| **is_new).count();
                rows.measures.push(format!("{key} {}", measures(series, cell, (active.len() as i64, new))));
                if let Some((steps, within)) = &chart.funnel {
                    let key = format!("{} {segment} {group:?} {interval}", chart.name);
                    rows.funnel.extend(funnel(steps, *within, cell).into_iter().map(|row| format!("{key} {row}")));
                }
                if let Some(time_on) = &chart.time_on {
                    let of_line = || {
                        let own = cells.iter().filter(|((of, by, _), _)| (of, by) == (&segment, &group));
                        own.flat_map(|(_, sessions)| sessions)
                    };
                    let key = format!("{} {segment} {group:?} {interval}", chart.name);
                    let values: BTreeSet<String> = of_line()
                        .flat_map(|session| time_on.views(session))
                        .map(|(value, _)| kept_value(value))
                        .collect();
                    let names: Vec<Option<&String>> =
                        if values.is_empty() { vec![None] } else { values.iter().map(Some).collect() };
                    for name in names {
                        let figures = time_spent(time_on, name, &kept_value, cell);
                        rows.time_on.push(format!("{key} {name:?} {figures}"));
                    }
                }
                if chart.formula.is_none() && chart.formulas.is_empty() && (series.group.is_none() || !cell.is_empty())
                {
                    rows.histogram.extend(histogram(chart, series, cell).into_iter().map(|row| format!("{key} {row}")));
                }
            }
        }
    }

    if chart.formula.is_some() || !chart.formulas.is_empty() {
        for segment in &present {
            let segment = &segment.reported;
            let grouped = || chart.series.iter().zip(&all_cells).filter(|(series, _)| series.group.is_some());
            let groups: BTreeSet<Option<String>> = match grouped().next() {
                None => BTreeSet::from([None]),
                Some(_) => {
                    let keys = grouped().flat_map(|(_, cells)| cells.keys());
                    let met: BTreeSet<_> =
                        keys.filter(|(of, ..)| of == segment).map(|(_, group, _)| group.clone()).collect();
                    if met.is_empty() {
                        BTreeSet::from([None])
                    } else {
                        met
                    }
                }
            };
            for group in groups {
                for interval in between() {
                    let asked: Vec<Asked> = chart
                        .series
                        .iter()
                        .zip(&all_cells)
                        .map(|(series, cells)| {
                            let group = series.group.and(group.clone());
                            let none = Vec::new();
                            let cell = cells.get(&(segment.clone(), group, interval)).unwrap_or(&none);
                            let count = |session: &&Session<'_>| match series.events {
                                Some(events) => events(session),
                                None => session.row.event_count,
                            };
                            let users: BTreeSet<&Value> = cell.iter().map(|session| &session.row.user_id).collect();
                            let sum = match series.events {
                                Some(_) => cell.iter().map(|session| (series.sum)(session)).sum::<f64>(),
                                None => cell.iter().map(|session| session.row.length_ms).sum::<i64>() as f64 / 1000.0,
                            };
                            [cell.len() as f64, cell.iter().map(count).sum::<i64>() as f64, users.len() as f64, sum]
                        })
                        .collect();
                    let value = |formula: &Formula| formula(&asked).filter(|value| value.is_finite());
                    let (one, several) = (
                        chart.formula.as_ref().and_then(value),
                        [0, 1].map(|place| chart.formulas.get(place).and_then(value)),
                    );
                    rows.measures
                        .push(format!("{} formula {segment} {group:?} {interval} {one:?} {several:?}", chart.name));
                }
            }
        }
    }
    rows.measures.sort();
    rows.histogram.sort();
    rows.funnel.sort();
    rows.time_on.sort();
    rows
}

/// The times of the first events that follow each other in these steps: of equal ones, any may come first.
pub fn times_of_steps(session: &Session<'_>, steps: &[Holds], within: i64) -> Vec<i64> {
    fn furthest(session: &Session<'_>, steps: &[Holds], taken: &mut Vec<usize>, times: &mut Vec<i64>) {
        let Some(step) = steps.get(taken.len()) else { return };
        let is_after = |place: usize| {
            taken
                .last()
                .is_none_or(|last| moment(session, &session.events[*last]) <= moment(session, &session.events[place]))
        };
        let fitting: Vec<usize> = (0..session.events.len())
            .filter(|place| step(&session.events[*place]) && !taken.contains(place) && is_after(*place))
            .collect();
        for place in fitting {
            let (reached, time) = (taken.len(), session.events[place].time);
            // Of all ways to come there the earliest.
            match times.get_mut(reached) {
                Some(known) if time > *known => continue,
                Some(known) => *known = time,
                None => times.push(time),
            }
            taken.push(place);
            furthest(session, steps, taken, times);
            taken.pop();
        }
    }
    let mut times = Vec::new();
    furthest(session, steps, &mut Vec::new(), &mut times);
    let first = times.first().copied().unwrap_or_default();
    times.into_iter().take_while(|time| time - first <= within).collect()
}

fn time_spent(
    time_on: &TimeOn,
    name: Option<&String>,
    kept_value: &dyn Fn(Option<String>) -> String,
    cell: &[&Session<'_>],
) -> String {
    let is_it = |value: &Option<String>| Some(&kept_value(value.clone())) == name;
    let of = |session: &Session<'_>| {
        time_on.views(session).into_iter().filter(|(value, _)| is_it(value)).collect::<Vec<_>>()
    };
    let views: Vec<Vec<(Option<String>, Option<i64>)>> = cell.iter().map(|session| of(session)).collect();
    let mut took: Vec<i64> = views.iter().flatten().filter_map(|(_, took)| *took).collect();
    took.sort_unstable();
    let half = took.iter().find(|time| took.iter().filter(|other| other <= time).count() * 2 >= took.len());
    let time: i64 = took.iter().sum();
    let (all, sessions) =
        (views.iter().map(Vec::len).sum::<usize>(), views.iter().filter(|own| !own.is_empty()).count());
    format!("{all} {sessions} {time} {:?} {half:?}", ratio(time, took.len() as i64))
}

fn funnel(steps: &[Holds], within: i64, cell: &[&Session<'_>]) -> Vec<String> {
    let times: Vec<Vec<i64>> = cell.iter().map(|session| times_of_steps(session, steps, within)).collect();
    let sessions = |step: usize| times.iter().filter(|times| times.len() > step).count() as i64;
    let row = |step: usize| {
        let reaching = times.iter().filter(|times| times.len() > step && step > 0);
        let mut waits: Vec<i64> = reaching.map(|times| (times[step] - times[step - 1]).div_euclid(1000)).collect();
        waits.sort_unstable();
        // The smallest time that so many percent do not exceed.
        let enough = |wait: &&i64, percent: usize| {
            waits.iter().filter(|other| other <= wait).count() * 100 >= percent * waits.len()
        };
        let [median, p90] = [50, 90].map(|percent| waits.iter().find(|wait| enough(wait, percent)));
        let (own, first) = (sessions(step), sessions(0));
        let previous = step.checked_sub(1).and_then(|before| ratio(own, sessions(before)));
        format!("{} {own} {:?} {previous:?} {median:?} {p90:?}", step + 1, ratio(own, first))
    };
    (0..steps.len()).map(row).collect()
}

fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}

fn measures(series: &Series, cell: &[&Session<'_>], (active, new): (i64, usize)) -> String {
    let mut lengths: Vec<i64> = cell.iter().map(|session| session.row.length_ms).collect();
    lengths.sort_unstable();
    let (sessions, spent) = (cell.len() as i64, lengths.iter().sum::<i64>());
    let percentiles = [50, 75, 90, 95, 99].map(|percent| {
        // The smallest length that so many percent do not exceed.
        lengths
            .iter()
            .find(|length| lengths.iter().filter(|other| other <= length).count() * 100 >= percent * lengths.len())
    });
    let zero = lengths.iter().filter(|length| **length == 0).count();
    let events = series.events.map(|events| cell.iter().map(|session| events(session)).sum::<i64>());
    format!(
        "{sessions} {active} {new} {spent} {:?} {:?} {:?} {percentiles:?} {:?} {zero} {events:?} {:?}",
        ratio(spent, active),
        ratio(spent, sessions),
        ratio(sessions, active),
        lengths.last(),
        events.and_then(|events| ratio(events, sessions)),
    )
}

fn histogram(chart: &Chart, series: &Series, cell: &[&Session<'_>]) -> Vec<String> {
    let value = |session: &&&Session<'_>| series.events.map_or(session.row.length_ms, |events| events(session));
    let mut rows = Vec::new();
    let mut bounds: Vec<Option<i64>> = chart.bins.iter().copied().map(Some).collect();
    bounds.insert(0, None);
    bounds.push(None);
    for pair in bounds.windows(2) {
        let inside = |value: i64| pair[0].is_none_or(|start| start <= value) && pair[1].is_none_or(|end| value < end);
        let sessions = cell.iter().filter(|session| inside(value(session))).count() as i64;
        if pair[0].is_some() && pair[1].is_some() || sessions > 0 {
            let unit = if series.events.is_some() { "events" } else { "ms" };
            let share = ratio(sessions, cell.len() as i64);
            rows.push(format!("{:?} {:?} {unit} {sessions} {share:?}", pair[0], pair[1]));
        }
    }
    rows
}
