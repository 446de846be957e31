//! Events that follow each other in steps. Events that nothing tells apart may be taken in any order, as none is theirs.

use super::event_test::EventTest;
use crate::sessionize::facts::FactTable;
use crate::sessionize::rows::{Row, RowKind};

/// The shortest time, in microseconds, in which events of each step follow each other, a different one for each; `None` where
/// they do not. The events are in order.
pub fn shortest<T: RowKind>(events: &[Row<T>], steps: &[EventTest], table: &FactTable) -> Option<i64> {
    // Of each number of steps, the latest start of those that have come so far.
    let mut starts: Vec<Option<i64>> = vec![None; steps.len()];
    let mut shortest: Option<i64> = None;
    for alike in events.chunk_by(|a, b| a.order() == b.order()) {
        let time = alike[0].time().micros();
        // From the last step down: what comes of these events is not seen by them again.
        for before in (0..steps.len()).rev() {
            let start = if before == 0 { Some(time) } else { starts[before] };
            let Some(start) = start else { continue };
            for reached in before + 1..=before + extent(alike, &steps[before..], table) {
                match starts.get_mut(reached) {
                    Some(known) => *known = (*known).max(Some(start)),
                    None => shortest = Some(shortest.map_or(time - start, |shortest| shortest.min(time - start))),
                }
            }
        }
    }
    shortest
}

/// The times, in microseconds, of events that follow each other in steps, each the earliest after the one before, as far as they
/// do. The events are in order.
pub fn reached<T: RowKind>(events: &[Row<T>], steps: &[EventTest], table: &FactTable) -> Vec<i64> {
    let mut times = Vec::new();
    for alike in events.chunk_by(|a, b| a.order() == b.order()) {
        let extent = extent(alike, &steps[times.len()..], table);
        times.resize(times.len() + extent, alike[0].time().micros());
        if times.len() == steps.len() {
            break;
        }
    }
    times
}

/// How many of some steps, from the first one on, have a different event each among events that are alike.
pub fn extent<T: RowKind>(alike: &[Row<T>], steps: &[EventTest], table: &FactTable) -> usize {
    if let [event] = alike {
        return usize::from(steps.first().is_some_and(|step| step.passes(event, table)));
    }
    // The step that each event is taken for.
    let mut taken: Vec<Option<usize>> = vec![None; alike.len()];
    let fits = |step: usize, event: usize| steps[step].passes(&alike[event], table);
    for step in 0..steps.len().min(alike.len()) {
        if !find(step, &mut taken, &mut vec![false; alike.len()], &fits) {
            return step;
        }
    }
    steps.len().min(alike.len())
}

/// Finds an event for a step, where others may be given other ones for it; `tried` are those that are no help.
fn find(step: usize, taken: &mut [Option<usize>], tried: &mut [bool], fits: &impl Fn(usize, usize) -> bool) -> bool {
    for event in 0..taken.len() {
        if tried[event] || !fits(step, event) {
            continue;
        }
        tried[event] = true;
        if taken[event].is_none_or(|other| find(other, taken, tried, fits)) {
            taken[event] = Some(step);
            return true;
        }
    }
    false
}
