//! Which timeouts are tried, and under which definition.

use crate::job::{Custom, Definition, Kind};
use crate::sessionize::time::Span;

/// The timeouts that people choose from.
const USUAL_MINUTES: [i64; 11] = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120];
const MINUTE: i64 = 60_000_000;

/// The usual timeouts, the job's own and some more, each once and in ascending order.
pub fn candidates(own: Option<Span>, more: &[Span]) -> Vec<Span> {
    let usual = USUAL_MINUTES.map(|minutes| Span::from_micros(minutes * MINUTE));
    let mut all: Vec<Span> = usual.into_iter().chain(own).chain(more.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The definition with a timeout in place of its own, or of `max_gap`; which timeout it is, is another matter: those by a
/// column stay, as what they make of the events is counted, too. The
/// default definition, under which none has an effect, becomes a timeout over all events of a user.
pub fn under_timeouts(definition: &Definition) -> Definition {
    let custom = match &definition.kind {
        Kind::Custom(custom) => Custom { has_timeout: true, ..custom.clone() },
        Kind::Default { .. } => Custom {
            property: None,
            start_events: Vec::new(),
            end_events: Vec::new(),
            has_timeout: true,
            timeouts: None,
            silence: None,
            equal_cuts: true,
            drop_unclosed: false,
            starts_continue: false,
            at_midnight: false,
            new_on_change: Vec::new(),
        },
    };
    Definition { kind: Kind::Custom(custom), max_length: definition.max_length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_timeout_is_tried_once_and_in_order() {
        let minutes = |minutes| Span::from_micros(minutes * MINUTE);
        let all = candidates(Some(minutes(25)), &[minutes(3), minutes(30), minutes(3)]);
        let expected = [1, 2, 3, 5, 10, 15, 20, 25, 30, 45, 60, 90, 120].map(minutes);
        assert_eq!(all, expected);
    }
}
