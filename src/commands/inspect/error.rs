//! What `dwell inspect` can be asked in vain.

/// Why there is nothing to show. In every case the command line is wrong, or asks for what is not there.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// No row is of the user.
    #[error(
        "user {user:?} has no row{}: {searched} for it in `{columns}`. Users are compared exactly, so check how it is \
         spelled, and `input.user` (--user-column)",
        if *filtered { " that passes `input.where`" } else { "" }
    )]
    NoUser {
        /// The user.
        user: String,
        /// The user columns.
        columns: String,
        /// What was searched.
        searched: String,
        /// Whether there is a condition.
        filtered: bool,
    },
    /// No session has the id.
    #[error(
        "no session of {owner} has the id {session}: {searched}. Ids are those of the sessions table; under a custom \
         definition they are the start in epoch milliseconds, and move with the definition"
    )]
    NoSession {
        /// The id.
        session: String,
        /// Whose sessions were looked at.
        owner: String,
        /// What was searched.
        searched: String,
    },
    /// No event is of the session.
    #[error("no event is of a session {session}: {searched}. {hint}")]
    NoHolder {
        /// The id.
        session: String,
        /// What was searched.
        searched: String,
        /// What else to try.
        hint: &'static str,
    },
    /// Too many users have a session of that id.
    #[error("{users} users have a session {session}, for instance {examples}: name the one you mean with --user")]
    ManyHolders {
        /// The id.
        session: String,
        /// How many.
        users: usize,
        /// Some of them.
        examples: String,
    },
    /// A number is needed.
    #[error("{flag} {value:?} is no number, and {what} of this input are integers")]
    NotANumber {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: String,
        /// What is a number here.
        what: &'static str,
    },
}
