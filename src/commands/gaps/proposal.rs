//! A timeout to begin with, by the gaps.

use super::answer::Answer;
use super::histogram::bounds_ms;
use super::valley::Valley;
use crate::job::duration::duration_text;
use crate::sessionize::time::Span;
use crate::summary::grouped;

const MINUTE: i64 = 60_000_000;
/// The usual choice for the web.
const USUAL: Span = Span::from_micros(30 * MINUTE);

/// A timeout, and why this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The timeout.
    pub timeout: Span,
    /// The reasons, a line each.
    pub reasons: Vec<String>,
}

impl Answer {
    /// A timeout to begin with: half an hour, unless the gaps have a valley elsewhere.
    pub fn proposal(&self) -> Proposal {
        let valleys = self.valleys();
        let (timeout, reason) = match valleys.iter().find(|valley| holds(valley, USUAL)) {
            Some(valley) => (USUAL, format!("gaps between events are rare {}", stretch(valley))),
            None => match self.rarest(&valleys) {
                Some((timeout, valley)) => (timeout, format!("gaps between events are rare {}", stretch(valley))),
                None => {
                    (USUAL, "the gaps speak for no timeout: 30m is usual for the web, 5m for mobile apps".to_string())
                }
            },
        };
        let rows = self.timeout_rows();
        let beside = [timeout.micros() / 3, timeout.micros(), timeout.micros() * 3];
        let nearest = beside.map(|goal| {
            let far = |place: &usize| (self.timeouts[*place].micros() - goal).abs();
            (0..self.timeouts.len()).min_by_key(far)
        });
        let mut made: Vec<String> = nearest
            .into_iter()
            .flatten()
            .map(|place| format!("{} makes {} sessions", rows[place].timeout, grouped(rows[place].sessions)))
            .collect();
        made.dedup();
        Proposal { timeout, reasons: vec![reason, made.join(", ")] }
    }

    /// The timeout that was tried in a valley which has the fewest gaps near it.
    fn rarest<'v>(&self, valleys: &'v [Valley]) -> Option<(Span, &'v Valley)> {
        let tried = self.timeouts.iter().zip(&self.tally.candidates);
        tried
            .filter_map(|(timeout, counts)| {
                let valley = valleys.iter().find(|valley| holds(valley, *timeout))?;
                Some((counts.near, *timeout, valley))
            })
            .min_by_key(|(near, timeout, _)| (*near, timeout.micros()))
            .map(|(_, timeout, valley)| (timeout, valley))
    }
}

fn bounds(valley: &Valley) -> (Span, Option<Span>) {
    let micros = |millis: i64| Span::from_micros(millis.saturating_mul(1_000));
    (micros(bounds_ms(valley.first).0), bounds_ms(valley.last).1.map(micros))
}

fn holds(valley: &Valley, timeout: Span) -> bool {
    let (from, to) = bounds(valley);
    from <= timeout && to.is_none_or(|to| timeout <= to)
}

fn stretch(valley: &Valley) -> String {
    match bounds(valley) {
        (from, Some(to)) => format!("from {} to {}", duration_text(from), duration_text(to)),
        (from, None) => format!("from {} on", duration_text(from)),
    }
}
