//! How many events are due at any time: evenings are busy, nights and weekends are not.

use crate::world::{Micros, DAY, HOUR};

/// Weight of each hour of a day in UTC, for people from California to Japan.
const HOURS: [f64; 24] = [
    3.4, 2.8, 2.3, 1.9, 1.7, 1.8, 2.3, 3.1, 3.9, 4.4, 4.6, 4.8, 4.9, 4.9, 5.0, 5.2, 5.5, 5.9, 6.3, 6.5, 6.2, 5.4, 4.6,
    3.9,
];

/// Weight of each day, from Monday. Friday to Sunday people are outside.
const WEEKDAYS: [f64; 7] = [1.05, 1.04, 1.02, 1.0, 0.93, 0.82, 0.9];

/// The running total of events that should have happened.
pub struct Demand {
    start: Micros,
    /// The total at the start of each hour, and at the end of the last.
    totals: Vec<f64>,
}

impl Demand {
    /// Spreads `events` over `days` from the midnight `start`.
    pub fn new(events: u64, start: Micros, days: u32) -> Self {
        let weights: Vec<f64> = (0..i64::from(days))
            .map(|day| weekday(start + day * DAY))
            .flat_map(|weekday| HOURS.map(|hour| hour * WEEKDAYS[weekday]))
            .collect();
        let scale = events as f64 / weights.iter().sum::<f64>();
        let mut totals = vec![0.0];
        let mut total = 0.0;
        for weight in weights {
            total += weight * scale;
            totals.push(total);
        }
        Self { start, totals }
    }

    /// How many events are due before `time`.
    pub fn due(&self, time: Micros) -> f64 {
        let hour = (time - self.start).div_euclid(HOUR).max(0) as usize;
        let part = (time - self.start).rem_euclid(HOUR) as f64 / HOUR as f64;
        match self.totals.get(hour..hour + 2) {
            Some(&[low, high]) => low + (high - low) * part,
            _ => self.totals.last().copied().unwrap_or(0.0),
        }
    }
}

/// 0 is Monday. The first of January 1970 was a Thursday.
fn weekday(midnight: Micros) -> usize {
    (midnight.div_euclid(DAY) + 3).rem_euclid(7) as usize
}
