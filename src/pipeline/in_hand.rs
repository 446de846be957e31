//! The events of a row group, or of a piece of one, that a thread has in hand until they are laid out.

use jiff::tz::TimeZone;

use crate::events::normalise::RowCounts;
use crate::job::dates::calendar;
use crate::sessionize::layout::columns::EventBatch;
use crate::sessionize::preaggregate::{Joining, Worth};
use crate::sessionize::rule::Rule;
use crate::sessionize::time::calendar::Calendar;

/// How events may be joined as they come: by a rule, on the dates of a time zone, about so many at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct JoinBy<'a> {
    pub(super) rule: Rule,
    pub(super) zone: &'a TimeZone,
    pub(super) events: usize,
}

/// The events that are laid out together.
#[derive(Debug)]
pub(super) enum InHand<'a> {
    /// As they came: none may be joined, or most are by themselves.
    AsTheyCame(Vec<EventBatch>),
    /// Both, until it shows whether joining is of use.
    Both(JoinBy<'a>, Box<Joining>, Vec<EventBatch>),
    /// Joined, and no other way.
    Joined(JoinBy<'a>, Box<Joining>),
}

impl Default for InHand<'_> {
    fn default() -> Self {
        InHand::AsTheyCame(Vec::new())
    }
}

impl<'a> InHand<'a> {
    /// None yet.
    pub(super) fn new(join_by: Option<JoinBy<'a>>) -> Self {
        match join_by {
            None => InHand::AsTheyCame(Vec::new()),
            Some(by) => InHand::Both(by, Box::new(Joining::new(by.rule, by.events)), Vec::new()),
        }
    }

    /// Takes the events of another batch, which are between the earliest and the latest time of `rows`. They come back
    /// where they are needed no more.
    pub(super) fn add(&mut self, events: EventBatch, rows: &RowCounts) -> Option<EventBatch> {
        let (first, last) = rows.earliest.zip(rows.latest)?;
        let worth = match self {
            InHand::AsTheyCame(_) => Worth::Hopeless,
            InHand::Both(by, joining, _) | InHand::Joined(by, joining) => {
                // Whoever joins has made sure that there is one.
                joining.add(&events, &calendar(by.zone, first, last).unwrap_or_else(Calendar::single));
                joining.worth()
            }
        };
        let (in_hand, done) = match std::mem::take(self) {
            InHand::Both(by, joining, _) if worth == Worth::Less => (InHand::Joined(by, joining), Some(events)),
            InHand::Both(by, joining, mut all) if worth == Worth::More => {
                all.push(events);
                (InHand::Both(by, joining, all), None)
            }
            InHand::Both(_, _, mut all) | InHand::AsTheyCame(mut all) => {
                all.push(events);
                (InHand::AsTheyCame(all), None)
            }
            joined @ InHand::Joined(..) => (joined, Some(events)),
        };
        *self = in_hand;
        done
    }

    /// Whether some are joined, or may be.
    pub(super) fn joins(&self) -> bool {
        !matches!(self, InHand::AsTheyCame(_))
    }

    /// Takes them out of hand. What was of use for these events, or was not, is taken to be so for the next ones.
    pub(super) fn take(&mut self) -> Vec<EventBatch> {
        match std::mem::take(self) {
            InHand::AsTheyCame(all) | InHand::Both(_, _, all) => all,
            InHand::Joined(by, joining) => {
                *self = InHand::new(Some(by));
                vec![joining.finish()]
            }
        }
    }
}
