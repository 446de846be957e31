//! The events of a row group, or of a piece of one, that a thread has buffered until they are laid out.

use jiff::tz::TimeZone;

use crate::events::normalise::RowCounts;
use crate::job::dates::calendar;
use crate::sessionize::layout::columns::EventBatch;
use crate::sessionize::preaggregate::{PreAggregator, Reduction};
use crate::sessionize::rule::Rule;
use crate::sessionize::time::calendar::Calendar;

/// How events may be joined as they come: by a rule, on the dates of a time zone, about so many at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct PreAggregation<'a> {
    pub(super) rule: Rule,
    pub(super) zone: &'a TimeZone,
    pub(super) events: usize,
}

/// The events that are laid out together.
#[derive(Debug)]
pub(super) enum RowGroupBuffer<'a> {
    /// As they came: none may be joined, or most are by themselves.
    AsTheyCame(Vec<EventBatch>),
    /// Both, until it shows whether pre-aggregating is of use.
    Both(PreAggregation<'a>, Box<PreAggregator>, Vec<EventBatch>),
    /// Pre-aggregated, and no other way.
    PreAggregated(PreAggregation<'a>, Box<PreAggregator>),
}

impl Default for RowGroupBuffer<'_> {
    fn default() -> Self {
        RowGroupBuffer::AsTheyCame(Vec::new())
    }
}

impl<'a> RowGroupBuffer<'a> {
    /// None yet.
    pub(super) fn new(join_by: Option<PreAggregation<'a>>) -> Self {
        match join_by {
            None => RowGroupBuffer::AsTheyCame(Vec::new()),
            Some(by) => RowGroupBuffer::Both(by, Box::new(PreAggregator::new(by.rule, by.events)), Vec::new()),
        }
    }

    /// Takes the events of another batch, which are between the earliest and the latest time of `rows`. They come back
    /// where they are needed no more.
    pub(super) fn add(&mut self, events: EventBatch, rows: &RowCounts) -> Option<EventBatch> {
        let (first, last) = rows.earliest.zip(rows.latest)?;
        let worth = match self {
            RowGroupBuffer::AsTheyCame(_) => Reduction::Hopeless,
            RowGroupBuffer::Both(by, preaggregation, _) | RowGroupBuffer::PreAggregated(by, preaggregation) => {
                // Whoever joins has made sure that there is one.
                preaggregation.add(&events, &calendar(by.zone, first, last).unwrap_or_else(Calendar::single));
                preaggregation.worth()
            }
        };
        let (row_group_buffer, done) = match std::mem::take(self) {
            RowGroupBuffer::Both(by, preaggregation, _) if worth == Reduction::Less => {
                (RowGroupBuffer::PreAggregated(by, preaggregation), Some(events))
            }
            RowGroupBuffer::Both(by, preaggregation, mut all) if worth == Reduction::More => {
                all.push(events);
                (RowGroupBuffer::Both(by, preaggregation, all), None)
            }
            RowGroupBuffer::Both(_, _, mut all) | RowGroupBuffer::AsTheyCame(mut all) => {
                all.push(events);
                (RowGroupBuffer::AsTheyCame(all), None)
            }
            joined @ RowGroupBuffer::PreAggregated(..) => (joined, Some(events)),
        };
        *self = row_group_buffer;
        done
    }

    /// Whether some are joined, or may be.
    pub(super) fn joins(&self) -> bool {
        !matches!(self, RowGroupBuffer::AsTheyCame(_))
    }

    /// Takes them out of hand. What was of use for these events, or was not, is taken to be so for the next ones.
    pub(super) fn take(&mut self) -> Vec<EventBatch> {
        match std::mem::take(self) {
            RowGroupBuffer::AsTheyCame(all) | RowGroupBuffer::Both(_, _, all) => all,
            RowGroupBuffer::PreAggregated(by, preaggregation) => {
                *self = RowGroupBuffer::new(Some(by));
                vec![preaggregation.finish()]
            }
        }
    }
}
