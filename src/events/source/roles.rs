//! Which column plays which role, and whether its type can (SPEC 1).

use super::columns::{ColumnRef, Columns};
use super::fits::fits;
use super::kind::Kind;
use crate::events::error::InputError;
use crate::job::holds::Holds;
use crate::job::source::Key;
use crate::job::timeouts::Timeouts;
use crate::job::{Aliases, Definition, Input, Job, TimeUnit};

/// The columns of a run by role.
#[derive(Clone, Debug)]
pub struct Roles {
    /// User columns in order of preference.
    pub users: Vec<ColumnRef>,
    /// How users are written.
    pub user_type: KeyType,
    /// The time.
    pub time: ColumnRef,
    /// The event type, where there is one.
    pub event: Option<ColumnRef>,
    /// What sessions are grouped by besides the user.
    pub value: Option<Value>,
    /// Orders events of one user at one time.
    pub sequence: Option<ColumnRef>,
    /// Unique ids of events.
    pub dedup: Option<ColumnRef>,
    /// What timeouts differ by.
    pub timeout: Option<TimeoutRole>,
}

/// The column that timeouts differ by.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeoutRole {
    /// The column.
    pub column: ColumnRef,
    /// The timeouts.
    pub timeouts: Timeouts,
}

/// What sessions are grouped by besides the user.
#[derive(Clone, Debug)]
pub struct Value {
    /// The column.
    pub column: ColumnRef,
    /// How its values are written.
    pub key_type: KeyType,
    /// Whether it is the session id column, whose values are *valid* or not.
    pub is_session_id: bool,
    /// Whether its values are ids, of sessions or of users: floating ones are the whole numbers that they are.
    pub is_id: bool,
}

/// How the values of a key are written to the tables; in memory they are text or 64-bit numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Text.
    Text,
    /// Integers.
    Int,
    /// Floating values, in memory as integers of the same order.
    Float,
    /// Truth values, in memory as 0 and 1.
    Boolean,
    /// Dates, in memory as days since 1970-01-01.
    Date,
    /// Instants, in memory as microseconds since the epoch.
    Timestamp,
}

impl KeyType {
    /// The type in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            KeyType::Text => "text",
            KeyType::Int => "int64",
            KeyType::Float => "double",
            KeyType::Boolean => "boolean",
            KeyType::Date => "date",
            KeyType::Timestamp => "timestamp",
        }
    }
}

impl Roles {
    /// Finds the columns of a job.
    ///
    /// # Errors
    /// A column that is missing, or whose type its role cannot take.
    pub fn resolve(job: &Job, columns: &Columns<'_>) -> Result<Self, InputError> {
        let input = &job.input;
        let way_out = "; name the user column in `input.user` (--user; --user-column of `dwell inspect`)";
        let (users, user_type) = Self::users(&input.user, input.user_as_text, columns, way_out)?;
        Ok(Roles {
            user_type,
            users,
            time: time(input, columns)?,
            event: event(job, columns)?,
            value: value(&job.definition, input, columns)?,
            sequence: sequence(input, columns)?,
            dedup: dedup(input, columns)?,
            timeout: timeout(&job.definition, columns)?,
        })
    }

    /// Finds columns of users, in order of preference, and the type that users are of.
    ///
    /// # Errors
    /// As [`Roles::resolve`].
    pub fn users(
        names: &[String],
        as_text: bool,
        columns: &Columns<'_>,
        way_out: &str,
    ) -> Result<(Vec<ColumnRef>, KeyType), InputError> {
        let users: Vec<ColumnRef> =
            names.iter().map(|name| columns.require_user(name, as_text, way_out)).collect::<Result<_, _>>()?;
        let mut user_type = if as_text { KeyType::Text } else { KeyType::Int };
        for user in &users {
            accept(user, "input.user", "a user is text, an integer or a UUID", Kind::is_id)?;
            if user_type == KeyType::Int {
                user_type = whole_type(user, columns)?;
            }
        }
        Ok((users, user_type))
    }

    /// Finds the columns of a mapping of users: names take the role of users, and who they are that of a property.
    ///
    /// # Errors
    /// As [`Roles::resolve`].
    pub fn of_aliases(aliases: &Aliases, as_text: bool, columns: &Columns<'_>) -> Result<Self, InputError> {
        let name = |key: &'static str, name: &str| -> Result<(ColumnRef, KeyType), InputError> {
            let column = columns.require_id(key, name)?;
            accept(&column, key, "a user is text, an integer or a UUID", Kind::is_id)?;
            let key_type = if as_text { KeyType::Text } else { whole_type(&column, columns)? };
            Ok((column, key_type))
        };
        let (from, from_type) = name("input.aliases.from", &aliases.from)?;
        let (to, to_type) = name("input.aliases.to", &aliases.to)?;
        let user_type = if [from_type, to_type].contains(&KeyType::Text) { KeyType::Text } else { KeyType::Int };
        let time = match &aliases.since {
            Some(since) => {
                let key = "input.aliases.since";
                time_of(columns.require(key, since, "")?, key, aliases.since_unit)?
            }
            None => ColumnRef::nowhere(),
        };
        let value = Some(Value { column: to, key_type: user_type, is_session_id: false, is_id: true });
        let (event, sequence, dedup, timeout) = Default::default();
        Ok(Roles { user_type, users: vec![from], time, event, value, sequence, dedup, timeout })
    }

    /// The same, where users are text whatever their columns hold.
    pub fn as_text(self) -> Self {
        let value = self.value.map(|value| Value { key_type: KeyType::Text, ..value });
        Roles { user_type: KeyType::Text, value, ..self }
    }

    /// Role and column of each, with its type, for the definition's fingerprint.
    pub fn canonical(&self, input: &Input) -> Vec<(&'static str, String)> {
        let column = |column: &ColumnRef| format!("{} ({})", column.spelled, column.kind.name());
        let key = |key: &ColumnRef, is_text: bool| {
            let as_text = if is_text && key.kind.is_whole() { " as text" } else { "" };
            format!("{} ({}{as_text})", key.spelled, key.kind.name())
        };
        // Of columns of several types, it goes without saying.
        let users_are_text = self.user_type == KeyType::Text && self.users.iter().all(|user| user.kind.is_whole());
        let users: Vec<String> = self.users.iter().map(|user| key(user, users_are_text)).collect();
        let mut roles = vec![("input.user", users.join(", ")), ("input.time", column(&self.time))];
        roles.extend(input.time_unit.map(|unit| ("input.time_unit", unit.name().to_string())));
        roles.extend(self.event.as_ref().map(|event| ("input.event", column(event))));
        roles.extend(self.value.as_ref().map(|value| {
            let role = if value.is_session_id { "input.session_id" } else { "property column" };
            (role, key(&value.column, value.key_type == KeyType::Text))
        }));
        roles.extend(self.sequence.as_ref().map(|sequence| ("input.sequence", column(sequence))));
        roles.extend(self.dedup.as_ref().map(|dedup| ("input.dedup", column(dedup))));
        roles.extend(self.timeout.as_ref().map(|timeout| ("timeout column", column(&timeout.column))));
        roles
    }

    /// The columns of a mapping of users, with their types, for the definition's fingerprint.
    pub fn canonical_of_aliases(&self, aliases: &Aliases) -> Vec<(&'static str, String)> {
        let column = |column: &ColumnRef| format!("{} ({})", column.spelled, column.kind.name());
        let mut keys: Vec<(&'static str, String)> = Vec::new();
        keys.extend(self.users.first().map(|from| ("input.aliases.from", column(from))));
        keys.extend(self.value.as_ref().map(|to| ("input.aliases.to", column(&to.column))));
        keys.extend(aliases.since.as_ref().map(|_| ("input.aliases.since", column(&self.time))));
        keys.extend(aliases.since_unit.map(|unit| ("input.aliases.since_unit", unit.name().to_string())));
        keys
    }

    /// Whether the numbers of a column are read as text, by its role.
    pub fn has_as_text(&self, role: &str, column: &ColumnRef) -> bool {
        let key_type = match role {
            "user" => Some(self.user_type),
            "session id" | "property" => self.value.as_ref().map(|value| value.key_type),
            _ => None,
        };
        column.kind.is_whole() && key_type == Some(KeyType::Text)
    }

    /// What the job means by its columns, as far as that is the same of files and of a stream of their rows by another engine, which
    /// has whole numbers and text in types of its own: each role with its columns and what they hold.
    pub fn meaning(&self) -> Vec<(&'static str, String)> {
        let holds = |role: &str, column: &ColumnRef| match &column.kind {
            kind if kind.is_whole() && self.has_as_text(role, column) => Kind::Text.name(),
            kind if kind.is_whole() => Kind::Int.name(),
            Kind::Uuid => Kind::Text.name(),
            kind => kind.name(),
        };
        self.all()
            .into_iter()
            .map(|(role, column)| (role, format!("{} ({})", column.spelled, holds(role, column))))
            .collect()
    }

    /// All columns that are read, each once, with what for.
    pub fn all(&self) -> Vec<(&'static str, &ColumnRef)> {
        let mut all: Vec<(&'static str, &ColumnRef)> = self.users.iter().map(|user| ("user", user)).collect();
        all.push(("time", &self.time));
        all.extend(self.event.as_ref().map(|column| ("event type", column)));
        all.extend(
            self.value
                .as_ref()
                .map(|value| (if value.is_session_id { "session id" } else { "property" }, &value.column)),
        );
        all.extend(self.sequence.as_ref().map(|column| ("sequence", column)));
        all.extend(self.dedup.as_ref().map(|column| ("unique id", column)));
        all.extend(self.timeout.as_ref().map(|timeout| ("timeout column", &timeout.column)));
        all
    }
}

fn accept(
    column: &ColumnRef,
    key: &'static str,
    accepted: &str,
    holds: impl Fn(&Kind) -> bool,
) -> Result<(), InputError> {
    // A column of nulls is of every type: its rows are rejected or out of session, and counted so.
    if holds(&column.kind) || column.kind == Kind::Null {
        return Ok(());
    }
    Err(InputError::WrongType {
        column: column.spelled.clone(),
        key,
        found: column.kind.in_words(),
        accepted: accepted.to_string(),
    })
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Binary) || kind.is_text_or_number()
}

fn is_integer(kind: &Kind) -> bool {
    matches!(kind, Kind::Int | Kind::UInt64 | Kind::Decimal(0))
}

/// Integers, where a column has nothing but whole numbers that fit; else text.
fn whole_type(column: &ColumnRef, columns: &Columns<'_>) -> Result<KeyType, InputError> {
    Ok(if fits(column, columns.footers())? { KeyType::Int } else { KeyType::Text })
}

fn time(input: &Input, columns: &Columns<'_>) -> Result<ColumnRef, InputError> {
    let key = "input.time";
    let column = match &input.time {
        Some(name) => columns.require(key, name, "")?,
        None if columns.has("client_event_time")? => columns.require(key, "client_event_time", "")?,
        None => columns.require(key, "event_time", "; name the time column in `input.time` (--time)")?,
    };
    time_of(column, key, input.time_unit)
}

/// A column of times, whose integers count a unit.
fn time_of(column: ColumnRef, key: &'static str, unit: Option<TimeUnit>) -> Result<ColumnRef, InputError> {
    accept(&column, key, "a time is a timestamp, ISO-8601 text, or an integer with `input.time_unit`", |kind| {
        matches!(kind, Kind::Timestamp(_)) || is_text(kind) || is_integer(kind)
    })?;
    let (name, found) = (column.spelled.clone(), column.kind.in_words());
    match (&column.kind, unit) {
        (Kind::Int | Kind::UInt64 | Kind::Decimal(_), None) => Err(InputError::NoTimeUnit { column: name, found }),
        (Kind::Timestamp(_) | Kind::Text | Kind::Binary, Some(_)) => {
            Err(InputError::NeedlessTimeUnit { column: name, found })
        }
        _ => Ok(column),
    }
}

fn event(job: &Job, columns: &Columns<'_>) -> Result<Option<ColumnRef>, InputError> {
    let key = "input.event";
    let needed = needs_event(job);
    let column = match &job.input.event {
        Some(name) => columns.require(key, name, "")?,
        // The source's column takes the place of the default one, also where it is not there.
        None if job.input.preset.as_ref().is_some_and(|preset| preset.has(Key::Event)) => return Ok(None),
        None if needed || columns.has("event_type")? => {
            columns.require(key, "event_type", "; name the event type column in `input.event` (--event)")?
        }
        None => return Ok(None),
    };
    accept(&column, key, "an event type is text", is_text)?;
    Ok(Some(column))
}

/// Whether a job is about event types.
pub fn needs_event(job: &Job) -> bool {
    let charts_need = job.holds().flat_map(Holds::filters).any(|filter| !filter.events.is_empty());
    job.definition.needs_event_types() || !job.input.inactive.is_empty() || charts_need
}

fn value(definition: &Definition, input: &Input, columns: &Columns<'_>) -> Result<Option<Value>, InputError> {
    let session_id = input.session_id.as_deref().unwrap_or("session_id");
    match (definition.custom(), definition.property()) {
        (Some(_), None) => Ok(None),
        (Some(_), Some(property)) if property != session_id => {
            let column = columns.require("session.property", property, "")?;
            accept(&column, "session.property", "a property is a single value", Kind::is_scalar)?;
            let key_type = key_type(&column, columns)?;
            Ok(Some(Value { column, key_type, is_session_id: false, is_id: false }))
        }
        _ => {
            let way_out = "; name the session id column in `input.session_id` (--session-id), \
                           or define sessions by other means, for instance --timeout 30m";
            let column = columns.require("input.session_id", session_id, way_out)?;
            accept(&column, "input.session_id", "a session id is an integer, a whole-valued float or text", |kind| {
                kind.is_id() && *kind != Kind::Uuid
            })?;
            // A float id is an integer that passed through a tool without nullable integers.
            let is_null = column.kind == Kind::Null;
            let key_type = if is_null { KeyType::Int } else { whole_type(&column, columns)? };
            Ok(Some(Value { column, key_type, is_session_id: true, is_id: true }))
        }
    }
}

/// How values of a column are written.
///
/// # Errors
/// A file that has to be read to know it, and cannot be.
pub fn key_type(column: &ColumnRef, columns: &Columns<'_>) -> Result<KeyType, InputError> {
    Ok(match column.kind {
        Kind::Float => KeyType::Float,
        Kind::Boolean => KeyType::Boolean,
        Kind::Date => KeyType::Date,
        Kind::Timestamp(_) => KeyType::Timestamp,
        _ => whole_type(column, columns)?,
    })
}

fn sequence(input: &Input, columns: &Columns<'_>) -> Result<Option<ColumnRef>, InputError> {
    let Some(name) = &input.sequence else { return Ok(None) };
    let column = columns.require("input.sequence", name, "")?;
    accept(&column, "input.sequence", "a sequence is an integer", is_a_sequence)?;
    Ok(Some(column))
}

/// Whether a column of this type can put events in order.
pub fn is_a_sequence(kind: &Kind) -> bool {
    is_integer(kind) || kind.is_text_or_number()
}

fn dedup(input: &Input, columns: &Columns<'_>) -> Result<Option<ColumnRef>, InputError> {
    let Some(dedup) = &input.dedup else { return Ok(None) };
    let column = columns.require("input.dedup", &dedup.column, "")?;
    accept(&column, "input.dedup", "a unique id is a single value", Kind::is_scalar)?;
    Ok(Some(column))
}

fn timeout(definition: &Definition, columns: &Columns<'_>) -> Result<Option<TimeoutRole>, InputError> {
    let Some(timeouts) = definition.custom().and_then(|custom| custom.timeouts.clone()) else { return Ok(None) };
    let column = columns.require("session.timeout.by", &timeouts.by, "")?;
    accept(&column, "session.timeout.by", "what timeouts differ by is a single value", Kind::is_scalar)?;
    Ok(Some(TimeoutRole { column, timeouts }))
}
