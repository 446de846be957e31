//! What goes wrong between a device and the table.

use std::collections::VecDeque;

use crate::random::Random;
use crate::visit::Event;
use crate::world::{Habits, Micros, DAY, HOUR, MINUTE};

/// A telephone whose battery was empty wakes up here, until it has asked the network.
const THE_BEGINNING: Micros = 0;
/// The first of January 2150: someone sets the clock forward to win a game.
const FAR_FUTURE: Micros = 65_744 * DAY;

/// Spoils a few of the events of one upload.
pub fn spoil(upload: &mut [Event], habits: &Habits, random: &mut Random) {
    for event in upload {
        if random.chance(habits.absurd) {
            let base = random.pick(&[THE_BEGINNING, FAR_FUTURE]);
            event.time = base + random.between(0, HOUR);
            event.client_time = event.time;
        }
        if random.chance(habits.nobody) {
            event.user = None;
            event.device = None;
        }
    }
}

/// Uploads whose answer got lost, so that the device will send them again.
#[derive(Default)]
pub struct Repeats(VecDeque<(Micros, Vec<Event>)>);

/// How long a device waits before it does.
const RETRY_AFTER: Micros = 50 * MINUTE;

impl Repeats {
    /// Decides whether the answer to this upload gets lost.
    pub fn lose(&mut self, upload: &[Event], now: Micros, habits: &Habits, random: &mut Random) {
        if random.chance(habits.repeated) {
            self.0.push_back((now + RETRY_AFTER, upload.to_vec()));
        }
    }

    /// Adds what is sent again by `now`.
    pub fn send(&mut self, now: Micros, events: &mut Vec<Event>) {
        while self.0.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, upload)) = self.0.pop_front() {
                events.extend(upload);
            }
        }
    }
}
