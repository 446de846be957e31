//! All visits at once: their events in the order in which they arrive.

use std::cmp::Reverse;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

use crate::catalog::EventType;
use crate::demand::Demand;
use crate::oddities::{spoil, Repeats};
use crate::random::Random;
use crate::visit::{time_offline, Event, Manners, Visit, OUT_OF_SESSION};
use crate::world::{Habits, Micros, Platform, World, DAY, HOUR, SECOND};

/// How often new visits are let in.
const TICK: Micros = 10 * SECOND;

/// How fast the number of events returns to what is due. Much faster would swing: a new visit's
/// events are only counted while it goes on.
const CATCH_UP_WITHIN: Micros = 2 * HOUR;

/// Events made at a time.
const BATCH: usize = 16_384;

/// What a day's bot does: one event in 170 seconds.
const EVENTS_OF_BOT: f64 = (DAY / (170 * SECOND)) as f64;

/// The events of a world, from its first midnight to its last. Only those visits are in memory that
/// have begun and not ended, so that the length of the stream does not matter.
pub struct Stream {
    world: World,
    habits: Habits,
    manners: Manners,
    demand: Demand,
    random: Random,
    start: Micros,
    /// The visits that go on; an ended one leaves its place to the next.
    visits: Vec<Visit>,
    free_places: Vec<usize>,
    /// When each of them uploads next.
    uploads: BinaryHeap<Reverse<(Micros, usize)>>,
    next_tick: Micros,
    /// Events that new visits may still bring in this tick. Negative after a large visit.
    credit: f64,
    repeats: Repeats,
    last_insert_id: u64,
    made: u64,
    limit: u64,
}

impl Stream {
    /// A stream of exactly `events` over `days` from the midnight `start`.
    pub fn new(world: World, habits: Habits, seed: u64, events: u64, start: Micros, days: u32) -> Self {
        let mut stream = Self {
            world,
            habits,
            manners: Manners::new(habits),
            demand: Demand::new(events, start, days),
            random: Random::new(seed),
            start,
            visits: Vec::new(),
            free_places: Vec::new(),
            uploads: BinaryHeap::new(),
            next_tick: start,
            credit: 0.0,
            repeats: Repeats::default(),
            last_insert_id: 0,
            made: 0,
            limit: events,
        };
        // Rounded to the nearest, so that a small world has none rather than nothing else.
        let bots = events as f64 * habits.bots / (EVENTS_OF_BOT * f64::from(days));
        for number in 0..bots.round() as u32 {
            let bot = stream.world.bot(number);
            let begins = start + stream.random.between(0, HOUR);
            let visit = Visit::of_bot(bot, begins);
            stream.welcome(visit, begins);
        }
        stream
    }

    /// Adds the next events that arrive before `midnight`. None are left when it adds none.
    pub fn fill(&mut self, midnight: Micros, events: &mut Vec<Event>) {
        while events.len() < BATCH && self.made < self.limit {
            let next_upload = self.uploads.peek().map(|Reverse((at, _))| *at);
            match next_upload {
                Some(at) if at < self.next_tick => {
                    if at >= midnight {
                        return;
                    }
                    self.upload(events);
                }
                _ => {
                    if self.next_tick >= midnight {
                        return;
                    }
                    self.let_in();
                    self.send_again(events);
                }
            }
        }
    }

    /// Adds what is missing after the last day, a handful in a small world: the server renews
    /// accounts in the last second.
    pub fn top_up(&mut self, midnight: Micros, events: &mut Vec<Event>) {
        while self.made < self.limit {
            let time = midnight - 1 - self.random.between(0, SECOND);
            self.made += 1;
            self.last_insert_id += 1;
            events.push(Event {
                user: Some(self.world.someone(&mut self.random).user),
                device: None,
                session_id: OUT_OF_SESSION,
                event_type: EventType::ServerRenewal,
                time,
                client_time: time,
                insert_id: self.last_insert_id,
                country: None,
                platform: Platform::Server,
                library: "http/2",
                page: None,
                utm_source: None,
                order: 0,
                detail: 0,
            });
        }
    }

    /// The world whose events these are.
    pub fn world(&self) -> &World {
        &self.world
    }

    fn upload(&mut self, events: &mut Vec<Event>) {
        let Some(mut entry) = self.uploads.peek_mut() else {
            return;
        };
        let Reverse((now, place)) = *entry;
        let first = events.len();
        let next = self.visits[place].upload(now, &self.manners, &mut self.random, events);
        match next {
            Some(next) => {
                *entry = Reverse((next, place));
                drop(entry);
            }
            None => {
                PeekMut::pop(entry);
                self.free_places.push(place);
            }
        }
        let upload = &mut events[first..];
        for event in upload.iter_mut() {
            self.last_insert_id += 1;
            event.insert_id = self.last_insert_id;
        }
        spoil(upload, &self.habits, &mut self.random);
        self.repeats.lose(upload, now, &self.habits, &mut self.random);
        self.count(first, events);
    }

    fn send_again(&mut self, events: &mut Vec<Event>) {
        let first = events.len();
        self.repeats.send(self.next_tick, events);
        self.count(first, events);
    }

    /// Counts the events from `first` on, and takes back those that are too many.
    fn count(&mut self, first: usize, events: &mut Vec<Event>) {
        let wanted = (self.limit - self.made).min((events.len() - first) as u64);
        events.truncate(first + wanted as usize);
        self.made += wanted;
    }

    /// Starts the visits of one tick.
    fn let_in(&mut self) {
        let now = self.next_tick;
        self.next_tick += TICK;
        let due = self.demand.due(now);
        let due_in_tick = self.demand.due(now + TICK) - due;
        let behind = due - self.made as f64;
        self.credit += due_in_tick + behind * TICK as f64 / CATCH_UP_WITHIN as f64;
        while self.credit > 0.0 {
            let begins = self.random.between(now, now + TICK);
            let visitor = self.world.someone(&mut self.random);
            let mut visit = Visit::new(visitor, begins, &self.manners, &mut self.random);
            self.credit -= f64::from(visit.size());
            let first_upload = visit.first_upload();
            if visit.may_be_offline() && self.random.chance(self.habits.offline) {
                let time = time_offline(&mut self.random);
                // Nobody was there before the world began.
                if begins - time >= self.start {
                    visit.was_offline_for(time);
                }
            }
            self.welcome(visit, first_upload);
        }
    }

    fn welcome(&mut self, visit: Visit, first_upload: Micros) {
        let place = match self.free_places.pop() {
            Some(place) => {
                self.visits[place] = visit;
                place
            }
            None => {
                self.visits.push(visit);
                self.visits.len() - 1
            }
        };
        self.uploads.push(Reverse((first_upload, place)));
    }
}
