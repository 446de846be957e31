//! Events that nothing can part, as one row: of most events only a sum has to be kept.
//!
//! A partial session is some events of one user, in one group and on one date, that the rule leaves together whatever other events
//! there are, and that are in the same segments. How the events of a session fall into partial sessions shows in no table: partial sessions of
//! one session are joined further by the rule itself, which looks at their first and last instants.

use crate::sessionize::time::calendar::Hour;
use crate::sessionize::time::{Span, Timestamp};

/// What partial sessions are beside their first event, which is in the other columns of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSessions {
    /// Microseconds from the first event to the last.
    pub lengths: Vec<i64>,
    /// The code of the last event's type.
    pub last_events: Vec<u32>,
    /// How many events.
    pub counts: Vec<u32>,
    /// In which hours of their date, as bits; 0 for a single event, whose time says it.
    pub hours: Vec<u32>,
}

/// One partial session while it is open: a line of the cache, as which of them is needed next nobody knows.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct OpenSession {
    /// The first instant.
    pub start: Timestamp,
    /// The last one.
    pub end: Timestamp,
    /// From when on other events may join it.
    pub from: Timestamp,
    /// Before when they may.
    pub until: Timestamp,
    /// The number or the code that its events are grouped by; 0 for none.
    pub value: i64,
    /// The code of the user.
    pub user: u32,
    /// The code of the facts that its events have in common.
    pub fact: u32,
    /// The code of the first event's type.
    pub first_event: u32,
    /// That of the last one's.
    pub last_event: u32,
    /// In which hours of their date its events are, as bits.
    pub hours: u32,
    /// How many events; 0 for no partial session.
    pub count: u16,
    /// Whether its events have something to be grouped by.
    pub has_value: bool,
    /// Whether only a silence bounds it.
    pub by_silence: bool,
}

impl OpenSession {
    /// None that anything may join.
    pub const NONE: OpenSession = OpenSession {
        start: Timestamp::MIN,
        end: Timestamp::MIN,
        from: Timestamp::MAX,
        until: Timestamp::MIN,
        value: 0,
        user: 0,
        fact: 0,
        first_event: 0,
        last_event: 0,
        hours: 0,
        count: 0,
        has_value: false,
        by_silence: false,
    };

    /// Whether it is one.
    pub fn is_some(&self) -> bool {
        self.count > 0
    }

    /// Takes an event of its user, its group and its facts, if it may.
    #[inline]
    pub fn takes(&mut self, time: Timestamp, event: u32, hour: &Hour, silence: Span) -> bool {
        if self.end >= time || time >= self.until || self.is_full() {
            return self.takes_earlier(time, event, hour, silence);
        }
        // As nearly all do: it goes on with what its user did last.
        (self.end, self.last_event) = (time, event);
        self.count += 1;
        self.hours |= hour.bit;
        if self.by_silence {
            self.until = time.plus(silence).min(hour.stretch.1);
        }
        true
    }

    /// Takes an event that does not come after it, if it may.
    #[inline(never)]
    fn takes_earlier(&mut self, time: Timestamp, event: u32, hour: &Hour, silence: Span) -> bool {
        if time < self.from || time >= self.until || time > self.end || self.is_full() {
            return false;
        }
        if time < self.start {
            (self.start, self.first_event) = (time, event);
            if self.by_silence {
                self.from = after(time.minus(silence)).max(hour.stretch.0);
            }
        } else if time == self.end && event != self.last_event || time == self.start && event != self.first_event {
            // Which of two types comes first is known when all types are.
            return false;
        }
        self.count += 1;
        self.hours |= hour.bit;
        true
    }

    /// Whether another event is more than it counts.
    fn is_full(&self) -> bool {
        self.count == u16::MAX
    }
}

/// The first instant after one.
pub fn after(time: Timestamp) -> Timestamp {
    time.plus(Span::from_micros(1))
}
