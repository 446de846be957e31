//! Which date an instant belongs to, as a table: the kernel knows no time zones.

use super::{Day, Span, Timestamp};

/// One stretch of time within one date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where the stretch begins; it ends where the next one begins.
    pub start: Timestamp,
    /// The date it belongs to.
    pub day: Day,
    /// The first instant of that date, from which its hours are counted. It is earlier than `start`
    /// where a clock was set back over midnight, so that a date comes in two pieces.
    pub day_start: Timestamp,
    /// The first instant at which the date is over for good.
    pub day_end: Timestamp,
}

/// The dates of a time zone over a range of time. Instants before the first stretch belong to it,
/// instants after the last one to that one: build it wide enough.
#[derive(Clone, Debug)]
pub struct Calendar {
    starts: Vec<Timestamp>,
    stretches: Vec<Stretch>,
}

impl Calendar {
    /// A calendar of stretches in ascending order of their starts; at least one.
    /// `None` where there is none, or where they are out of order.
    pub fn new(stretches: Vec<Stretch>) -> Option<Self> {
        let ordered = stretches.windows(2).all(|pair| pair[0].start < pair[1].start);
        (ordered && !stretches.is_empty())
            .then(|| Calendar { starts: stretches.iter().map(|stretch| stretch.start).collect(), stretches })
    }

    /// A calendar of one endless date, 1970-01-01.
    pub fn single() -> Self {
        let stretch =
            Stretch { start: Timestamp::MIN, day: Day::default(), day_start: Timestamp::MIN, day_end: Timestamp::MAX };
        Calendar { starts: vec![stretch.start], stretches: vec![stretch] }
    }

    /// The stretch that holds `time`, by its place. Nearly all stretches are a day long: a guess is off by few.
    fn place_of(&self, time: Timestamp) -> usize {
        let days = time.since(self.starts[0]).micros().div_euclid(Span::DAY.micros());
        let mut at = usize::try_from(days).unwrap_or(0).min(self.starts.len() - 1);
        while at > 0 && self.starts[at] > time {
            at -= 1;
        }
        while self.starts.get(at + 1).is_some_and(|next| *next <= time) {
            at += 1;
        }
        at
    }

    /// The date that `time` belongs to.
    pub fn day_of(&self, time: Timestamp) -> Day {
        self.stretches[self.place_of(time)].day
    }

    /// All stretches that another one comes after, each with where that one begins.
    pub fn bounded(&self) -> impl Iterator<Item = (&Stretch, Timestamp)> {
        self.stretches.iter().zip(self.starts.iter().skip(1).copied())
    }

    /// A cursor over this calendar: quick where one lookup is near the one before.
    pub fn cursor(&self) -> Cursor<'_> {
        let mut cursor = Cursor { calendar: self, at: 0, from: Timestamp::MIN, until: Timestamp::MIN };
        cursor.go_to(0);
        cursor
    }
}

/// Looks instants up, remembering the last stretch found.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    calendar: &'a Calendar,
    at: usize,
    from: Timestamp,
    /// Where the next stretch begins.
    until: Timestamp,
}

impl<'a> Cursor<'a> {
    /// The stretch that holds `time`.
    pub fn find(&mut self, time: Timestamp) -> &'a Stretch {
        if time < self.from || time >= self.until {
            self.go_to(self.calendar.place_of(time));
        }
        &self.calendar.stretches[self.at]
    }

    /// The part of an hour of a date that holds `time`; all of it is in one stretch.
    pub fn hour(&mut self, time: Timestamp) -> Hour {
        let stretch = self.find(time);
        let number = stretch.hour(time);
        let from = stretch.hour_start(number);
        let until = if number < LAST_HOUR { from.plus(Span::from_micros(HOUR)) } else { Timestamp::MAX };
        Hour {
            bit: 1 << number,
            from: from.max(self.from),
            until: until.min(self.until),
            stretch: (self.from, self.until),
        }
    }

    fn go_to(&mut self, at: usize) {
        self.at = at;
        self.from = self.calendar.starts[at];
        self.until = self.calendar.starts.get(at + 1).copied().unwrap_or(Timestamp::MAX);
    }
}

/// What is known of an hour of a date.
#[derive(Clone, Copy, Debug)]
pub struct Hour {
    /// Which it is, as [`Stretch::hour`] counts: that bit.
    pub bit: u32,
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub until: Timestamp,
    /// Where the stretch begins that it is in, and where that ends.
    pub stretch: (Timestamp, Timestamp),
}

const HOUR: i64 = 3_600_000_000;
/// The last hour of a date that is told apart; it lasts to the end of the date. Only dates that came twice are longer,
/// where a zone crossed the date line.
pub const LAST_HOUR: u32 = 31;

impl Stretch {
    /// The hour of its date that `time` is in, counted from the date's first instant: 0 to [`LAST_HOUR`].
    pub fn hour(&self, time: Timestamp) -> u32 {
        let hour = time.since(self.day_start).micros().div_euclid(HOUR);
        u32::try_from(hour).unwrap_or(0).min(LAST_HOUR)
    }

    /// Where an hour of its date begins; that may be in a stretch of another date.
    pub fn hour_start(&self, hour: u32) -> Timestamp {
        self.day_start.plus(Span::from_micros(i64::from(hour) * HOUR))
    }

    /// How long the date lasts.
    pub fn day_length(&self) -> Span {
        self.day_end.since(self.day_start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start: i64, day: i32, day_start: i64) -> Stretch {
        let at = Timestamp::from_micros;
        Stretch { start: at(start), day: Day::from_epoch_days(day), day_start: at(day_start), day_end: at(1_000) }
    }

    #[test]
    fn finds_the_stretch_that_holds_an_instant_in_any_order() {
        let calendar = Calendar::new(vec![stretch(0, 1, 0), stretch(10, 2, 10), stretch(15, 1, 0), stretch(20, 2, 10)])
            .expect("ordered");
        let mut cursor = calendar.cursor();
        let days: Vec<i32> =
            [25, 3, 10, 16, 19, 20, 9].map(|time| cursor.find(Timestamp::from_micros(time)).day.epoch_days()).to_vec();
        assert_eq!(days, [2, 1, 2, 1, 1, 2, 1]);
    }

    #[test]
    fn refuses_stretches_out_of_order() {
        assert!(Calendar::new(vec![stretch(5, 1, 0), stretch(5, 2, 0)]).is_none());
        assert!(Calendar::new(vec![]).is_none());
    }
}
