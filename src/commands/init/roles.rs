//! Which column each role is in, by the names that are usual.

use crate::events::error::InputError;
use crate::events::source::columns::Columns;
use crate::events::source::kind::Kind;
use crate::job::file::InputKeys;
use crate::job::values::Names;

/// Usual names of a role's column, the best first, without regard to case and underscores.
const USERS: &[&str] = &[
    "userid",
    "distinctid",
    "personid",
    "customerid",
    "accountid",
    "memberid",
    "uid",
    "user",
    "visitorid",
    "anonymousid",
    "userpseudoid",
    "clientid",
    "deviceid",
];
/// Usual names of the column of times.
pub const TIMES: &[&str] = &[
    "clienteventtime",
    "eventtime",
    "eventtimestamp",
    "timestamp",
    "eventts",
    "ts",
    "time",
    "datetime",
    "occurredat",
    "createdat",
    "eventdatetime",
    "sentat",
    "receivedat",
    "servertime",
];
const EVENTS: &[&str] = &["eventtype", "eventname", "event", "action", "activity", "name", "type"];
const SESSIONS: &[&str] = &["sessionid", "session", "sid", "visitid"];
const IDS: &[&str] = &["$insertid", "insertid", "messageid", "eventuuid"];

/// The column of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    #[default]
    Nothing,
    /// The user names it.
    Named,
    /// It has a usual name; others with such a name are there, too.
    Usual {
        /// The column.
        column: String,
        /// The others.
        others: Vec<String>,
    },
}

/// The columns of the roles; empty for a source that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The user.
    pub user: Found,
    /// The time.
    pub time: Found,
    /// Whether the time is a number.
    pub time_counts: bool,
    /// The event type.
    pub event: Found,
    /// The session id.
    pub session_id: Found,
    /// A unique id of each event.
    pub dedup: Found,
}

impl Roles {
    /// Looks for the columns that the user does not name.
    ///
    /// # Errors
    /// No column looks like a user's id, or like a time; the types of two files that cannot be one.
    pub fn find(columns: &Columns<'_>, input: &InputKeys) -> Result<Self, InputError> {
        let user = found(columns, input.user.is_some(), USERS, is_id)?;
        let time = found(columns, input.time.is_some(), TIMES, is_time)?;
        let missing = |key, default: &str, flag: &str| InputError::NoColumn {
            column: default.to_string(),
            key,
            nearest: None,
            columns: columns.names(),
            way_out: format!("; name the column that has it: {flag}"),
        };
        if user == Found::Nothing {
            return Err(missing("input.user", "user_id", "--user"));
        }
        if time == Found::Nothing {
            return Err(missing("input.time", "event_time", "--time"));
        }
        let time_column = match (&time, &input.time) {
            (Found::Usual { column, .. }, _) | (_, Some(column)) => columns.find(column)?,
            _ => None,
        };
        Ok(Roles {
            user,
            time,
            time_counts: time_column
                .is_some_and(|column| matches!(column.kind, Kind::Int | Kind::UInt64 | Kind::Decimal(0))),
            event: found(columns, input.event.is_some(), EVENTS, is_text)?,
            session_id: found(columns, input.session_id.is_some(), SESSIONS, is_id)?,
            dedup: found(columns, input.dedup.is_some(), IDS, is_id)?,
        })
    }

    /// Names the columns that were found in the keys of a job.
    pub fn name(&self, input: &mut InputKeys) {
        let column = |found: &Found| match found {
            Found::Usual { column, .. } => Some(column.clone()),
            _ => None,
        };
        input.user = column(&self.user).map(Names::One).or(input.user.take());
        input.time = column(&self.time).or(input.time.take());
        input.event = column(&self.event).or(input.event.take());
        input.session_id = column(&self.session_id).or(input.session_id.take());
        input.dedup = column(&self.dedup).or(input.dedup.take());
    }
}

fn found(columns: &Columns<'_>, is_named: bool, usual: &[&str], fits: fn(&Kind) -> bool) -> Result<Found, InputError> {
    if is_named {
        return Ok(Found::Named);
    }
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let mut all = Vec::new();
    for name in columns.names() {
        let Some(rank) = usual.iter().position(|usual| *usual == plain(&name)) else { continue };
        // Files that do not agree on it say so where a job names it.
        if columns.find(&name).ok().flatten().is_some_and(|column| fits(&column.kind)) {
            // Spelled as the default is, if there is one.
            all.push((rank, name.contains(char::is_uppercase), name));
        }
    }
    all.sort();
    let mut names = all.into_iter().map(|(.., name)| name);
    Ok(match names.next() {
        Some(column) => Found::Usual { column, others: names.collect() },
        None => Found::Nothing,
    })
}

fn is_id(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Text
            | Kind::Binary
            | Kind::Uuid
            | Kind::Int
            | Kind::UInt64
            | Kind::Mixed
            | Kind::Float
            | Kind::Decimal(0)
    )
}

fn is_time(kind: &Kind) -> bool {
    matches!(kind, Kind::Timestamp(_) | Kind::Text | Kind::Int | Kind::UInt64 | Kind::Decimal(0))
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Binary)
}
