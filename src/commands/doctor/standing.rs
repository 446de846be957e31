//! Whether an event is in a session, and if not, why not: the reasons of a run, with those of missing session ids
//! told apart.

use super::id_kind::IdKind;
use crate::sessionize::rule::OutOfSession;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In a session.
    InSession,
    /// Its session id is null, or no whole number.
    NullId,
    /// Its session id is -1.
    MinusOne,
    /// Its session id is empty.
    EmptyId,
    /// Its session id is `none`.
    NoneId,
    /// It is too far from its session id's time, or from its session's other events.
    Stale,
    /// Its property has no value.
    NoProperty,
    /// No starting event opened a session before it.
    NoStart,
    /// No ending event closed its session.
    Unclosed,
}

/// Events by where they stand.
pub type Standings = [u64; Standing::ALL.len()];

impl Standing {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Standing; 9] = [
        Standing::InSession,
        Standing::NullId,
        Standing::MinusOne,
        Standing::EmptyId,
        Standing::NoneId,
        Standing::Stale,
        Standing::NoProperty,
        Standing::NoStart,
        Standing::Unclosed,
    ];

    /// Of an event that is in no session, with the kind of its session id.
    pub fn out(reason: OutOfSession, id: IdKind) -> Self {
        match (reason, id) {
            (OutOfSession::NoSessionId | OutOfSession::NoProperty, IdKind::MinusOne) => Standing::MinusOne,
            (OutOfSession::NoSessionId | OutOfSession::NoProperty, IdKind::Empty) => Standing::EmptyId,
            (OutOfSession::NoSessionId | OutOfSession::NoProperty, IdKind::Word) => Standing::NoneId,
            (OutOfSession::NoSessionId | OutOfSession::NoProperty, IdKind::Null) => Standing::NullId,
            (OutOfSession::NoSessionId, IdKind::Valid) => Standing::NullId,
            (OutOfSession::NoProperty, IdKind::Valid) => Standing::NoProperty,
            (OutOfSession::StaleId, _) => Standing::Stale,
            (OutOfSession::NoStart, _) => Standing::NoStart,
            (OutOfSession::Unclosed, _) => Standing::Unclosed,
        }
    }

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Standing::InSession => "in_session",
            Standing::NullId => "null_id",
            Standing::MinusOne => "minus_one",
            Standing::EmptyId => "empty_id",
            Standing::NoneId => "none_id",
            Standing::Stale => "stale_id",
            Standing::NoProperty => "no_property",
            Standing::NoStart => "no_start",
            Standing::Unclosed => "unclosed",
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Standing::InSession => "in a session",
            Standing::NullId => "session id is null, or no whole number",
            Standing::MinusOne => "session id is -1",
            Standing::EmptyId => "session id is empty",
            Standing::NoneId => "session id is the word none",
            Standing::Stale => "session id is stale: too far from the event",
            Standing::NoProperty => "session.property has no value",
            Standing::NoStart => "no session.start_event opened a session before it",
            Standing::Unclosed => "no session.end_event closed its session",
        }
    }

    /// Whether a session id is missing.
    pub fn is_missing_id(self) -> bool {
        matches!(self, Standing::NullId | Standing::MinusOne | Standing::EmptyId | Standing::NoneId)
    }
}

/// Adds standings to others.
pub fn add(to: &mut Standings, more: &Standings) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to += more);
}

/// All events.
pub fn total(of: &Standings) -> u64 {
    of.iter().sum()
}

/// All events in no session.
pub fn outside(of: &Standings) -> u64 {
    total(of) - of[Standing::InSession as usize]
}

/// All events without a valid session id.
pub fn without_id(of: &Standings) -> u64 {
    Standing::ALL.iter().filter(|standing| standing.is_missing_id()).map(|standing| of[*standing as usize]).sum()
}
