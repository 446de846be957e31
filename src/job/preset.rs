//! Ready charts: bounce, entry and exit rate (SPEC 6).

use super::chart_keys::{ChartKeys, SeriesKeys};
use super::error::JobError;
use super::holds::{EventFilter, Holds};
use super::segment::{needs, not_empty, whole, AtLeast};
use super::series::{Count, GroupBy, Series, DEFAULT_TOP};
use super::values::choice;

/// What every preset is: the sessions of A among those of B, in percent.
pub const FORMULA: &str = "%: SESSIONTOTALS(A) / SESSIONTOTALS(B)";

#[derive(Clone, Copy, PartialEq)]
enum Preset {
    Bounce,
    Entry,
    Exit,
}

/// The two series of a preset, and how many groups are kept.
///
/// # Errors
/// An unknown preset, a property or event that is missing.
pub fn series(
    preset: &str,
    keys: ChartKeys,
    named: &mut Vec<(Holds, String)>,
) -> Result<(Vec<Series>, usize), JobError> {
    let presets = [("bounce_rate", Preset::Bounce), ("entry_rate", Preset::Entry), ("exit_rate", Preset::Exit)];
    let preset = choice("chart.preset", preset, &presets)?;
    let property = keys.property.map(|property| not_empty("chart.property", property)).transpose()?;
    if property.is_none() && preset != Preset::Bounce {
        return Err(needs("chart.property", "name the property that the rate is by"));
    }
    let event = keys.event.map(|event| not_empty("chart.event", event)).transpose()?;
    let by_event = match keys.level.as_deref() {
        None => false,
        Some(level) => choice("chart.level", level, &[("session", false), ("event", true)])?,
    };
    if event.is_none() && preset == Preset::Bounce {
        return Err(needs("chart.event", "name the event that a bounced session has exactly one of"));
    }
    if event.is_none() && by_event {
        return Err(needs("chart.event", "`level = \"event\"` takes the property from the events of one type"));
    }
    if property.is_none() {
        refuse_without_property(keys.top.is_some(), by_event)?;
    }
    let top = keys.top.map(|top| whole("chart.top", top, 1)).transpose()?.map_or(DEFAULT_TOP, |top| top as usize);

    // Both series are of the sessions that the chart's own filters leave.
    let filters = SeriesKeys {
        min_length: keys.min_length,
        max_length: keys.max_length,
        contains: keys.contains,
        first: keys.first,
        last: keys.last,
        sessions: keys.sessions,
        sequence: keys.sequence,
        ..SeriesKeys::default()
    };
    let all = Series::new("B".to_string(), filters, named)?;
    let of_event = EventFilter { events: event.iter().cloned().collect(), condition: None };
    let filter = if by_event { of_event.clone() } else { EventFilter::default() };
    let value = property.map(|property| match preset {
        Preset::Exit => Holds::Last(property, filter),
        _ => Holds::First(property, filter),
    });
    let group_by: Vec<GroupBy> = value.map(GroupBy::Value).into_iter().collect();
    let mut some = Series { name: "A".to_string(), group_by: group_by.clone(), ..all.clone() };
    let mut of = Series { count: Count::Sessions, ..all };
    if preset == Preset::Bounce {
        some.contains.push(AtLeast { count: Holds::Count(of_event), at_least: 1, at_most: Some(1) });
        of.group_by = group_by;
    }
    Ok((vec![some, of], top))
}

/// Refuses what is about the groups of a rate that is of all sessions together.
fn refuse_without_property(top: bool, by_event: bool) -> Result<(), JobError> {
    let set = [("chart.top", top), ("chart.level", by_event)];
    match set.iter().find(|(_, set)| *set) {
        Some((key, _)) => Err(JobError::NoEffect {
            key,
            why: "without `chart.property`",
            way_out: ", or name the property that the rate is by",
        }),
        None => Ok(()),
    }
}
