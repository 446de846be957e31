//! What SPEC sections 2 to 5 say, in plain loops.
//!
//! Nothing here is shared with the program: a rule read wrongly in one place would have to be read wrongly
//! in the same way in the other for a test to miss it. Obvious comes before fast.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Durations and times are microseconds everywhere in the reference.
pub const MILLI: i64 = 1_000;
pub const SECOND: i64 = 1_000 * MILLI;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// 2000-01-01 and 2100-01-01, the default `min_time` and `max_time` and the range of an id that is a time.
pub const YEAR_2000: i64 = 946_684_800 * SECOND;
pub const YEAR_2100: i64 = 4_102_444_800 * SECOND;

/// The column that is the session id, also when it is the `session.property`.
pub const SESSION_ID: &str = "session_id";
/// The columns of `Event::platform` and `Event::keep`.
pub const PLATFORM: &str = "surface";
pub const KEEP: &str = "keep";

/// A user, session id or property value as the tables hold it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    Int(i64),
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Int(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{text}"),
        }
    }
}

/// A session id as the event table holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Int(i64),
    Float(f64),
    Text(String),
}

/// One row of the event table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// One value per user column; the first that is neither null nor empty wins.
    pub users: Vec<Option<Value>>,
    pub time: Option<i64>,
    pub event: Option<String>,
    pub session_id: Option<Cell>,
    /// The value of a property column that is not the session id.
    pub property: Option<Value>,
    pub sequence: Option<i64>,
    pub dedup: Option<String>,
    /// What `where = "keep > 0"` looks at.
    pub keep: Option<i64>,
    /// What timeouts differ by.
    pub platform: Option<String>,
}

/// The whole input, whatever files it lies in.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub events: Vec<Event>,
    /// True when one of the user columns, or one of the mapping's, is text: then users are text (section 1, mixed types become
    /// text).
    pub user_is_text: bool,
    /// The mapping of `[input.aliases]`.
    pub aliases: Option<Vec<Alias>>,
}

/// A row of a mapping of users (section 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub from: Option<Value>,
    pub to: Option<Value>,
    /// Null, or no such column: earlier than all.
    pub since: Option<i64>,
}

impl Table {
    /// Section 12: the user of the row with the latest `since` that is not later, else of that with the earliest.
    fn who(&self, user: &Value, time: i64) -> Value {
        let Some(aliases) = &self.aliases else { return user.clone() };
        let as_text = |value: &Value| match value {
            Value::Int(number) if self.user_is_text => Value::Text(number.to_string()),
            other => other.clone(),
        };
        let mut own: Vec<&Alias> =
            aliases.iter().filter(|alias| alias.from.as_ref().map(as_text).as_ref() == Some(user)).collect();
        // No time comes before all times.
        own.sort_by_key(|alias| alias.since);
        let now = own.iter().rev().find(|alias| alias.since.is_none_or(|since| since <= time)).or(own.first());
        // Null or empty: the user stays.
        let to = now.and_then(|alias| alias.to.as_ref()).map(as_text).filter(|to| *to != Value::Text(String::new()));
        to.unwrap_or_else(|| user.clone())
    }
}

/// Section 1, `[input.derive]`: a column of one's own in the place of the one that a role has else, an expression over the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    User,
    Time,
    Event,
    SessionId,
    Property,
    Sequence,
    Dedup,
    Keep,
    Platform,
}

impl Own {
    pub const ALL: [Own; 9] = [
        Own::User,
        Own::Time,
        Own::Event,
        Own::SessionId,
        Own::Property,
        Own::Sequence,
        Own::Dedup,
        Own::Keep,
        Own::Platform,
    ];

    /// The row for a job that has this column in its role: as if its file had it.
    pub fn of(self, event: &Event) -> Event {
        let mut event = event.clone();
        let word = |text: Option<String>, word: &str, other: Option<&str>| match text {
            Some(text) if text == word => other.map(str::to_owned),
            text => text,
        };
        match self {
            // The first user column; `ABS` of a number, and one name in the place of another.
            Own::User => {
                event.users[0] = event.users[0].take().map(|user| match user {
                    Value::Int(number) => Value::Int(number.abs()),
                    Value::Text(name) if name == "bob" => Value::Text("ann".to_owned()),
                    name => name,
                });
            }
            Own::Time => event.time = event.time.map(|time| time - 2 * HOUR),
            Own::Event => event.event = word(word(event.event.take(), "Zoom", Some("view")), "hidden", None),
            // Spaces are trimmed, and what is below zero is null.
            Own::SessionId => {
                event.session_id = event.session_id.take().and_then(|id| match id {
                    Cell::Text(text) => Some(Cell::Text(text.trim_matches(' ').to_owned())),
                    Cell::Int(number) if number < 0 => None,
                    other => Some(other),
                });
            }
            Own::Property => {
                event.property = event.property.take().map(|value| match value {
                    Value::Int(number) => Value::Int(number * 3 - 1),
                    Value::Text(text) if text == "a" => Value::Text("b".to_owned()),
                    text => text,
                });
            }
            Own::Sequence => event.sequence = event.sequence.map(|number| number * 10),
            Own::Dedup => event.dedup = event.dedup.map(|id| id.replace("m1", "m2")),
            Own::Keep => event.keep = event.keep.map(|number| 2 - number),
            // Null is no value, and yet the expression has one for it.
            Own::Platform => {
                let known = event.platform.take().unwrap_or_else(|| "web".to_owned());
                event.platform = word(Some(known), "android", Some("ios"));
            }
        }
        event
    }
}

/// A duration, or the word `"none"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Of(i64),
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapEqual {
    Split,
    Join,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclosed {
    Keep,
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedStart {
    Split,
    Continue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthFrom {
    SessionId,
    FirstEvent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtMidnight {
    Join,
    Split,
}

/// `timeout = { by = "platform", ios = "5m", default = "30m" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub listed: Vec<(String, i64)>,
    pub default: i64,
}

impl Timeouts {
    /// Null, empty and unlisted values take `default`.
    fn after(&self, value: &Option<String>) -> i64 {
        let listed = self.listed.iter().find(|(name, _)| Some(name) == value.as_ref());
        listed.map_or(self.default, |(_, timeout)| *timeout)
    }
}

/// What a session id that is a time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdUnit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl IdUnit {
    pub fn key(self) -> &'static str {
        match self {
            IdUnit::Seconds => "s",
            IdUnit::Millis => "ms",
            IdUnit::Micros => "us",
            IdUnit::Nanos => "ns",
        }
    }

    /// The first instant of a year, given in microseconds, as an id.
    pub fn id_of_year(self, year: i64) -> i64 {
        let seconds = year / SECOND;
        match self {
            IdUnit::Seconds => seconds,
            IdUnit::Millis => seconds * 1_000,
            IdUnit::Micros => seconds * 1_000_000,
            IdUnit::Nanos => seconds * 1_000_000_000,
        }
    }

    /// The microseconds of an id that is a time.
    pub fn time_of(self, id: i64) -> Option<i64> {
        if id < self.id_of_year(YEAR_2000) || id >= self.id_of_year(YEAR_2100) {
            return None;
        }
        Some(match self {
            IdUnit::Seconds => id * SECOND,
            IdUnit::Millis => id * MILLI,
            IdUnit::Micros => id,
            // A finer id is floored.
            IdUnit::Nanos => id / 1_000,
        })
    }
}

/// Every key of sections 2 and 3. `None` and empty lists are keys that are not set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// `where = "keep > N"`.
    pub keep_above: Option<i64>,
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
    pub sequence: bool,
    pub dedup: bool,
    pub dedup_within: Option<i64>,
    pub inactive: Vec<String>,

    pub property: Option<String>,
    pub start_event: Vec<String>,
    pub end_event: Vec<String>,
    pub timeout: Option<i64>,
    /// Timeouts by a column, in place of one timeout.
    pub timeouts: Option<Timeouts>,
    pub max_gap: Option<Limit>,
    pub gap_equal: Option<GapEqual>,
    pub unclosed: Option<Unclosed>,
    pub repeated_start: Option<RepeatedStart>,
    pub max_length: Option<Limit>,
    pub length_from: Option<LengthFrom>,
    pub id_unit: Option<IdUnit>,
    pub at_midnight: Option<AtMidnight>,
    /// [`PLATFORM`], [`KEEP`], or a property column.
    pub new_on_change: Vec<String>,

    pub timezone: Option<String>,
    pub since: Option<Date>,
    pub until: Option<Date>,
    /// The flags `--from` and `--to`: the window of one run.
    pub from: Option<Date>,
    pub to: Option<Date>,
}

impl Definition {
    /// Section 3: default when none of property, start, end, timeout, `new_on_change`, `at_midnight` is set (`"join"` and no
    /// columns are as if not written).
    pub fn is_default(&self) -> bool {
        self.property.is_none() && self.says_nothing_but_property()
    }

    fn says_nothing_but_property(&self) -> bool {
        let by_type = !self.start_event.is_empty() || !self.end_event.is_empty();
        !by_type && !self.has_timeout() && !self.splits_at_midnight() && self.new_on_change.is_empty()
    }

    pub fn has_timeout(&self) -> bool {
        self.timeout.is_some() || self.timeouts.is_some()
    }

    pub fn splits_at_midnight(&self) -> bool {
        self.at_midnight == Some(AtMidnight::Split)
    }

    fn is_start(&self, event: &Option<String>) -> bool {
        event.as_ref().is_some_and(|name| self.start_event.contains(name))
    }

    fn is_end(&self, event: &Option<String>) -> bool {
        event.as_ref().is_some_and(|name| self.end_event.contains(name))
    }

    fn is_inactive(&self, event: &Option<String>) -> bool {
        event.as_ref().is_some_and(|name| self.inactive.contains(name))
    }

    /// Section 2, step 5: starting events, others, ending events; by type alone.
    pub fn rank(&self, event: &Option<String>) -> u8 {
        if self.is_start(event) {
            0
        } else if self.is_end(event) {
            2
        } else {
            1
        }
    }

    /// Section 3: `max_gap`, `"7d"` unless set, `None` for never.
    fn max_gap(&self) -> Option<i64> {
        match self.max_gap {
            None => Some(7 * DAY),
            Some(Limit::Of(gap)) => Some(gap),
            Some(Limit::Never) => None,
        }
    }

    /// Section 3, custom: does a silence this long after an event cut? The timeout decides, that of the event's value where
    /// timeouts differ by a column, else `max_gap`.
    fn silence_cuts(&self, before: &Kept, silence: i64) -> bool {
        let by_column = self.timeouts.as_ref().map(|timeouts| timeouts.after(&before.platform));
        let Some(bound) = by_column.or(self.timeout).or(self.max_gap()) else {
            return false;
        };
        match self.gap_equal.unwrap_or(GapEqual::Split) {
            GapEqual::Split => silence >= bound,
            GapEqual::Join => silence > bound,
        }
    }

    /// Section 3: longer than `max_length` (default a day, exactly a day is kept). A value that is older is not compared with.
    fn too_long(&self, length: i64) -> bool {
        match self.max_length.unwrap_or(Limit::Of(DAY)) {
            Limit::Of(most) => length > most,
            Limit::Never => false,
        }
    }

    /// What an event has in the columns of `new_on_change`, one after the other.
    fn watched(&self, event: &Event) -> Vec<Option<Value>> {
        let of = |column: &String| match column.as_str() {
            PLATFORM => event.platform.clone().map(Value::Text),
            KEEP => event.keep.map(Value::Int),
            _ => event.property.clone(),
        };
        self.new_on_change.iter().map(of).collect()
    }

    /// Section 3: what session ids count, milliseconds unless set.
    pub fn unit_of_ids(&self) -> IdUnit {
        self.id_unit.unwrap_or(IdUnit::Millis)
    }

    /// Section 2, step 2: `min_time` <= time < `max_time`.
    fn time_in_range(&self, time: i64) -> bool {
        time >= self.min_time.unwrap_or(YEAR_2000) && time < self.max_time.unwrap_or(YEAR_2100)
    }

    /// Section 3: `since` .. `until` inclusive, and the run's own window.
    pub fn date_in_bounds(&self, date: Date) -> bool {
        [self.since, self.from].into_iter().flatten().all(|first| date >= first)
            && [self.until, self.to].into_iter().flatten().all(|last| date <= last)
    }
}

/// A row of the sessions table (section 4).
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub date: Date,
    pub user_id: Value,
    pub session_id: Value,
    /// Only with `session.property`.
    pub property: Option<Value>,
    pub start_time: i64,
    pub end_time: i64,
    pub length_ms: i64,
    pub event_count: i64,
    pub first_event: Option<String>,
    pub last_event: Option<String>,
    pub end_reason: String,
}

/// A row of the activity table (section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    pub date: Date,
    pub user_id: Value,
    pub events: i64,
    pub hours: i64,
}

/// A row of `measures.parquet` (sections 4 and 5).
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureRow {
    pub chart: String,
    pub series: String,
    pub segment: String,
    pub group: Option<String>,
    pub interval_start: i64,
    pub total_sessions: i64,
    pub active_users: i64,
    pub time_spent_ms: i64,
    pub time_spent_per_user_ms: Option<f64>,
    pub avg_length_ms: Option<f64>,
    pub avg_per_user: Option<f64>,
    pub length_p50_ms: Option<i64>,
    pub length_p75_ms: Option<i64>,
    pub length_p90_ms: Option<i64>,
    pub length_p95_ms: Option<i64>,
    pub length_p99_ms: Option<i64>,
    pub length_max_ms: Option<i64>,
    pub zero_length_sessions: i64,
    pub total_events: Option<i64>,
    pub avg_events_per_session: Option<f64>,
}

/// A row of `histogram.parquet` (section 4).
#[derive(Clone, Debug, PartialEq)]
pub struct BinRow {
    pub chart: String,
    pub series: String,
    pub segment: String,
    pub group: Option<String>,
    pub interval_start: i64,
    pub bin_start: Option<i64>,
    pub bin_end: Option<i64>,
    pub unit: String,
    pub sessions: i64,
    pub share: Option<f64>,
}

/// The counts of `run.json` (section 4). A reason nothing was counted under is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: i64,
    pub filtered: i64,
    pub rejected: BTreeMap<String, i64>,
    /// Only with a mapping of users.
    pub aliased: Option<i64>,
    pub duplicates: i64,
    pub inactive: i64,
    pub outside_window: i64,
    pub in_session: i64,
    pub out_of_session: BTreeMap<String, i64>,
    pub sessions: i64,
    pub excluded: BTreeMap<String, i64>,
    pub zero_length_sessions: i64,
    pub clock_skew_sessions: i64,
    pub users: i64,
}

/// All that one run is compared by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub sessions: Vec<SessionRow>,
    pub activity: Vec<ActivityRow>,
    pub measures: Vec<MeasureRow>,
    pub histogram: Vec<BinRow>,
    pub counts: Counts,
}

/// Dates and their first instants in one time zone.
pub struct Calendar {
    zone: TimeZone,
    first_instants: RefCell<HashMap<Date, i64>>,
}

impl Calendar {
    pub fn new(timezone: Option<&str>) -> Calendar {
        let zone = match timezone {
            None | Some("UTC") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).unwrap(),
        };
        Calendar { zone, first_instants: RefCell::default() }
    }

    pub fn date(&self, time: i64) -> Date {
        self.zone.to_datetime(Timestamp::from_microsecond(time).unwrap()).date()
    }

    /// The first instant whose local date this is, found by trying every minute around it: whatever a zone
    /// does to its clocks, there is no rule here to get wrong.
    pub fn first_instant(&self, date: Date) -> i64 {
        if let Some(known) = self.first_instants.borrow().get(&date) {
            return *known;
        }
        let midnight_utc = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap().as_microsecond();
        let mut instant = midnight_utc - 16 * HOUR;
        while self.date(instant) != date {
            instant += MINUTE;
            assert!(instant < midnight_utc + 16 * HOUR, "{date} does not exist in this zone");
        }
        self.first_instants.borrow_mut().insert(date, instant);
        instant
    }
}

/// An event that was neither filtered nor rejected.
#[derive(Clone, Debug)]
pub struct Kept {
    pub user: Value,
    pub time: i64,
    pub event: Option<String>,
    pub sequence: Option<i64>,
    /// The valid session id (default definition) or the usable property value; else none.
    value: Option<Value>,
    pub dedup: Option<String>,
    /// What charts look at.
    pub keep: Option<i64>,
    pub property: Option<Value>,
    pub platform: Option<String>,
    /// What `new_on_change` looks at.
    watched: Vec<Option<Value>>,
}

/// A session before it has a number and a place in the table.
struct Draft {
    user: Value,
    value: Option<Value>,
    /// Its events, by their places.
    members: Vec<usize>,
    /// Which session of its group it is.
    place: usize,
    start: i64,
    end: i64,
    length: i64,
    event_count: i64,
    first_event: Option<String>,
    last_event: Option<String>,
    end_reason: &'static str,
    clock_skew: bool,
}

/// What became of an event: in a session, or out of session for a reason.
type Fate = Result<(), &'static str>;

/// The tables with the events of each session.
pub struct Detail {
    pub sessions: Vec<(SessionRow, Vec<Kept>)>,
    pub activity: Vec<ActivityRow>,
    /// The events that are left after section 2.
    pub events: Vec<Kept>,
    /// The events table.
    pub listed: Vec<EventRow>,
    counts: Counts,
}

/// A row of the events table.
#[derive(Clone, Debug)]
pub struct EventRow {
    pub date: Date,
    pub event: Kept,
    /// The session, its date, and the event's place in it; or why it is in none of the table.
    pub session: Result<(Value, Date, usize), &'static str>,
}

/// Runs a definition over a table.
pub fn run(table: &Table, definition: &Definition) -> Outcome {
    let Detail { sessions, activity, mut counts, .. } = detail(table, definition, &|_| true);
    let sessions: Vec<SessionRow> = sessions.into_iter().map(|(row, _)| row).collect();
    counts.users = activity.iter().map(|row| &row.user_id).collect::<BTreeSet<_>>().len() as i64;
    let calendar = Calendar::new(definition.timezone.as_deref());
    let measures = measures(&sessions, &activity, &calendar);
    let histogram = histogram(&sessions, &calendar);
    Outcome { sessions, activity, measures, histogram, counts }
}

/// Runs a definition over the rows of a table that pass one more condition.
pub fn detail(table: &Table, definition: &Definition, passes: &dyn Fn(&Event) -> bool) -> Detail {
    let calendar = Calendar::new(definition.timezone.as_deref());
    let mut counts = Counts { rows: table.events.len() as i64, ..Counts::default() };

    let latest = latest_time(table, definition);
    let passing =
        Table { events: table.events.iter().filter(|event| passes(event)).cloned().collect(), ..table.clone() };
    let mut events = filter_and_reject(&passing, definition, &mut counts);
    order(&mut events, definition);
    let events = deduplicate(events, definition, &mut counts);
    let mut events = drop_inactive(events, definition, &mut counts);
    put_values_in_order(&mut events, definition);

    let (drafts, fates) = if definition.is_default() {
        default_sessions(&events, definition)
    } else {
        custom_sessions(&events, definition, &calendar, latest)
    };
    count_events(&events, &fates, definition, &calendar, &mut counts);
    let found: Vec<(i64, i64, Vec<usize>)> =
        drafts.iter().map(|draft| (draft.start, draft.length, draft.members.clone())).collect();
    let sessions = sessions_table(drafts, definition, &calendar, &mut counts);
    let listed = events_table(&events, &fates, &found, &sessions, definition, &calendar);
    let of = |members: Vec<usize>| members.into_iter().map(|index| events[index].clone()).collect();
    let sessions = sessions.into_iter().map(|(row, members)| (row, of(members))).collect();
    let activity = activity_table(&events, definition, &calendar);
    Detail { sessions, activity, events, listed, counts }
}

/// Section 4, `end_reason`: the latest time is over all rows whose time is in range, filtered ones too. Rows
/// without a user have a time as well.
fn latest_time(table: &Table, definition: &Definition) -> i64 {
    let mut latest = i64::MIN;
    for time in table.events.iter().filter_map(|event| event.time) {
        if definition.time_in_range(time) {
            latest = latest.max(time);
        }
    }
    latest
}

/// Section 2, steps 1 and 2. A row with several faults counts under the first.
fn filter_and_reject(table: &Table, definition: &Definition, counts: &mut Counts) -> Vec<Kept> {
    let mut kept = Vec::new();
    for event in &table.events {
        if let Some(bound) = definition.keep_above {
            // Null is not true.
            let is_true = event.keep.is_some_and(|keep| keep > bound);
            if !is_true {
                counts.filtered += 1;
                continue;
            }
        }
        let Some(mut user) = user_of(event, table.user_is_text) else {
            count(&mut counts.rejected, "no_user");
            continue;
        };
        let Some(time) = event.time else {
            count(&mut counts.rejected, "no_time");
            continue;
        };
        if !definition.time_in_range(time) {
            count(&mut counts.rejected, "time_out_of_range");
            continue;
        }
        let now = table.who(&user, time);
        let read = std::mem::replace(&mut user, now);
        if table.aliases.is_some() {
            *counts.aliased.get_or_insert(0) += i64::from(read != user);
        }
        kept.push(Kept {
            user,
            time,
            event: event.event.clone(),
            sequence: if definition.sequence { event.sequence } else { None },
            value: group_value(event, definition),
            dedup: event.dedup.clone().filter(|id| !id.is_empty()),
            keep: event.keep,
            property: event.property.clone(),
            platform: event.platform.clone(),
            watched: definition.watched(event),
        });
    }
    kept
}

fn count(counts: &mut BTreeMap<String, i64>, reason: &str) {
    *counts.entry(reason.to_owned()).or_default() += 1;
}

/// Section 1: the first user column that is neither null nor empty wins; mixed types become text.
fn user_of(event: &Event, as_text: bool) -> Option<Value> {
    for user in event.users.iter().flatten() {
        match user {
            Value::Text(text) if text.is_empty() => continue,
            Value::Int(number) if as_text => return Some(Value::Text(number.to_string())),
            other => return Some(other.clone()),
        }
    }
    None
}

/// Section 3: what groups an event besides its user, if it has a usable one.
fn group_value(event: &Event, definition: &Definition) -> Option<Value> {
    match definition.property.as_deref() {
        Some(SESSION_ID) => valid_id(event.session_id.as_ref()),
        Some(_) => event.property.clone().filter(|value| *value != Value::Text(String::new())),
        None if definition.is_default() => valid_id(event.session_id.as_ref()),
        None => None,
    }
}

/// Section 3: valid unless null, `-1` (number or text), `""` or `none`. Section 1: a float has to be whole.
fn valid_id(id: Option<&Cell>) -> Option<Value> {
    match id? {
        Cell::Int(-1) => None,
        Cell::Int(number) => Some(Value::Int(*number)),
        Cell::Float(number) if number.fract() != 0.0 || !number.is_finite() => None,
        Cell::Float(number) => valid_id(Some(&Cell::Int(*number as i64))),
        Cell::Text(text) if ["-1", "", "none"].contains(&text.as_str()) => None,
        Cell::Text(text) => Some(Value::Text(text.clone())),
    }
}

/// Section 3: the time an id is, in microseconds: an integer or ASCII digits, a count of the unit in 2000 .. 2100.
pub fn time_of_id(id: &Value, unit: IdUnit) -> Option<i64> {
    let number = match id {
        Value::Int(number) => *number,
        Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
        Value::Text(_) => return None,
    };
    unit.time_of(number)
}

/// Section 2, step 5. `Option` orders null before everything, and text is ordered by bytes. The value at the
/// end only decides which of two otherwise equal events with one unique id is the first.
fn order(events: &mut [Kept], definition: &Definition) {
    let looks_at_values = definition.timeouts.is_some() || !definition.new_on_change.is_empty();
    events.sort_by_key(|event| {
        (
            event.user.clone(),
            event.time,
            event.sequence,
            definition.rank(&event.event),
            event.event.clone(),
            // Where rules look at values: nulls first.
            event.dedup.clone().filter(|_| definition.dedup && looks_at_values),
            event.value.clone(),
            // What charts look at of them decides, too: otherwise the order of files would.
            event.keep,
            event.property.clone(),
        )
    });
}

/// Section 2, step 3: compared with the event before it that has the same id, itself dropped or not.
fn deduplicate(events: Vec<Kept>, definition: &Definition, counts: &mut Counts) -> Vec<Kept> {
    if !definition.dedup {
        return events;
    }
    let within = definition.dedup_within.unwrap_or(7 * DAY);
    let mut last_seen: HashMap<(Value, String), i64> = HashMap::new();
    let mut kept: Vec<Kept> = Vec::new();
    let place = |event: &Kept| (event.time, event.sequence, event.event.clone());
    for event in events {
        let Some(id) = event.dedup.clone() else {
            kept.push(event);
            continue;
        };
        let before = last_seen.insert((event.user.clone(), id), event.time);
        if before.is_some_and(|before| event.time - before <= within) {
            counts.duplicates += 1;
            // Of repeats that nothing tells apart, one takes of each column the smallest of their values.
            let is_same = |other: &&mut Kept| {
                other.user == event.user && other.dedup == event.dedup && place(other) == place(&event)
            };
            if let Some(stays) = kept.iter_mut().rev().take_while(|other| other.time == event.time).find(is_same) {
                stays.keep = stays.keep.min(event.keep);
                stays.property = stays.property.clone().min(event.property);
                stays.platform = stays.platform.clone().min(event.platform);
                stays.watched.iter_mut().zip(event.watched).for_each(|(value, other)| *value = value.take().min(other));
            }
        } else {
            kept.push(event);
        }
    }
    kept
}

/// Section 2, step 4.
fn drop_inactive(events: Vec<Kept>, definition: &Definition, counts: &mut Counts) -> Vec<Kept> {
    let (inactive, active): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| definition.is_inactive(&event.event));
    counts.inactive = inactive.len() as i64;
    active
}

/// Section 2, step 5: among events of a group that are equal in all that orders them, values ascend on their own.
fn put_values_in_order(events: &mut [Kept], definition: &Definition) {
    let id = |event: &Kept| event.dedup.clone().filter(|_| definition.dedup);
    let place = |event: &Kept| (event.time, event.sequence, event.event.clone(), id(event));
    let groups: Vec<Vec<usize>> = groups(events).into_values().collect();
    for members in groups {
        let ties = members.chunk_by(|a, b| place(&events[*a]) == place(&events[*b]));
        for ties in ties.map(<[usize]>::to_vec).collect::<Vec<_>>() {
            let mut values: Vec<_> = ties.iter().map(|index| events[*index].platform.clone()).collect();
            values.sort();
            for (index, value) in ties.iter().zip(values) {
                events[*index].platform = value;
            }
            for column in 0..definition.new_on_change.len() {
                let mut values: Vec<_> = ties.iter().map(|index| events[*index].watched[column].clone()).collect();
                values.sort();
                for (index, value) in ties.iter().zip(values) {
                    events[*index].watched[column] = value;
                }
            }
        }
    }
}

/// The places of each group's events, in order.
fn groups(events: &[Kept]) -> BTreeMap<(Value, Option<Value>), Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        groups.entry((event.user.clone(), event.value.clone())).or_default().push(index);
    }
    groups
}

/// Section 3, default definition.
fn default_sessions(events: &[Kept], definition: &Definition) -> (Vec<Draft>, Vec<Fate>) {
    let mut drafts = Vec::new();
    let mut fates: Vec<Fate> = vec![Ok(()); events.len()];
    for ((_, id), members) in groups(events) {
        let Some(id) = id else {
            for index in members {
                fates[index] = Err("no_session_id");
            }
            continue;
        };
        let from_id = definition.length_from.unwrap_or(LengthFrom::SessionId) == LengthFrom::SessionId;
        let id_time = if from_id { time_of_id(&id, definition.unit_of_ids()) } else { None };

        let mut fresh = Vec::new();
        let mut broken = false;
        for index in members {
            let time = events[index].time;
            let stale = match id_time {
                // More than a day before its id, or max_gap or more after it.
                Some(id_time) => time < id_time - DAY || definition.max_gap().is_some_and(|gap| time - id_time >= gap),
                // From the first gap of max_gap or more onwards.
                None => {
                    if let (Some(previous), Some(gap)) = (fresh.last(), definition.max_gap()) {
                        let previous: &Kept = &events[*previous];
                        broken = broken || time - previous.time >= gap;
                    }
                    broken
                }
            };
            if stale {
                fates[index] = Err("stale_id");
            } else {
                fresh.push(index);
            }
        }
        if fresh.is_empty() {
            continue;
        }
        let mut draft = draft(events, &fresh, 0, "session_id");
        if let Some(id_time) = id_time {
            // The session starts at its id; an id later than every event is clock skew, and the session
            // starts and ends at its last event.
            draft.clock_skew = id_time > draft.end;
            draft.start = id_time.min(draft.end);
            draft.length = draft.end - draft.start;
        }
        drafts.push(draft);
    }
    (drafts, fates)
}

/// A session of these events that starts at the first and ends at the last.
fn draft(events: &[Kept], members: &[usize], place: usize, end_reason: &'static str) -> Draft {
    let first = &events[members[0]];
    let last = &events[members[members.len() - 1]];
    Draft {
        user: first.user.clone(),
        value: first.value.clone(),
        members: members.to_vec(),
        place,
        start: first.time,
        end: last.time,
        length: last.time - first.time,
        event_count: members.len() as i64,
        first_event: first.event.clone(),
        last_event: last.event.clone(),
        end_reason,
        clock_skew: false,
    }
}

/// Section 3, custom definition.
fn custom_sessions(
    events: &[Kept],
    definition: &Definition,
    calendar: &Calendar,
    latest: i64,
) -> (Vec<Draft>, Vec<Fate>) {
    let mut drafts = Vec::new();
    let mut fates: Vec<Fate> = vec![Ok(()); events.len()];
    for ((_, value), members) in groups(events) {
        if definition.property.is_some() && value.is_none() {
            for index in members {
                fates[index] = Err("no_property");
            }
            continue;
        }
        let segments = segments(events, &members, definition, calendar);
        for (place, (segment, _)) in segments.iter().enumerate() {
            let first = &events[segment[0]];
            let last = &events[segment[segment.len() - 1]];
            // A segment that fails both counts under the first.
            let fault = if !definition.start_event.is_empty() && !definition.is_start(&first.event) {
                Some("no_start")
            } else if definition.unclosed == Some(Unclosed::Drop) && !definition.is_end(&last.event) {
                Some("unclosed")
            } else {
                None
            };
            if let Some(fault) = fault {
                for index in segment {
                    fates[*index] = Err(fault);
                }
                continue;
            }
            let next = segments.get(place + 1).map(|(next, changes)| (events[next[0]].time, *changes));
            let reason = end_reason(definition, calendar, last, next, latest);
            drafts.push(draft(events, segment, place, reason));
        }
    }
    (drafts, fates)
}

/// Section 3: whether an event of a group has a new value: of some column neither null nor empty, and other than the latest such
/// value among the events before it that are at most `max_length` older and come after the last gap that cuts.
fn changes(events: &[Kept], members: &[usize], place: usize, definition: &Definition) -> bool {
    let event = &events[members[place]];
    let is_value = |value: &&Value| **value != Value::Text(String::new());
    (0..definition.new_on_change.len()).any(|column| {
        let Some(value) = event.watched[column].as_ref().filter(is_value) else { return false };
        for before in (0..place).rev() {
            let (earlier, next) = (&events[members[before]], &events[members[before + 1]]);
            if definition.silence_cuts(earlier, next.time - earlier.time)
                || definition.too_long(event.time - earlier.time)
            {
                return false;
            }
            if let Some(known) = earlier.watched[column].as_ref().filter(is_value) {
                return known != value;
            }
        }
        false
    })
}

/// Section 3: where one group is cut, and whether it is by a new value.
fn segments(
    events: &[Kept],
    members: &[usize],
    definition: &Definition,
    calendar: &Calendar,
) -> Vec<(Vec<usize>, bool)> {
    let mut segments: Vec<(Vec<usize>, bool)> = Vec::new();
    for (place, &index) in members.iter().enumerate() {
        let event = &events[index];
        let has_new_value = changes(events, members, place, definition);
        let opens = match segments.last() {
            None => true,
            Some((segment, _)) => {
                let previous = &events[segment[segment.len() - 1]];
                // An open session is a segment that opened with a starting event; `continue` makes a starting
                // event in it an ordinary one.
                let in_open_session = definition.is_start(&events[segment[0]].event);
                let continues = definition.repeated_start == Some(RepeatedStart::Continue) && in_open_session;
                let new_date = calendar.date(event.time) != calendar.date(previous.time);
                definition.silence_cuts(previous, event.time - previous.time)
                    || has_new_value
                    || (definition.splits_at_midnight() && new_date)
                    || definition.is_end(&previous.event)
                    || (definition.is_start(&event.event) && !continues)
            }
        };
        if opens {
            segments.push((Vec::new(), has_new_value));
        }
        segments.last_mut().unwrap().0.push(index);
    }
    segments
}

/// Section 4, `end_reason`: the first that applies.
fn end_reason(
    definition: &Definition,
    calendar: &Calendar,
    last: &Kept,
    next: Option<(i64, bool)>,
    latest: i64,
) -> &'static str {
    let (next, changes) = (next.map(|(time, _)| time), next.is_some_and(|(_, changes)| changes));
    if definition.says_nothing_but_property() {
        return "property";
    }
    if definition.is_end(&last.event) {
        return "end_event";
    }
    // The silence up to the group's next event, or, where there is none, up to the latest time of the input.
    if definition.silence_cuts(last, next.unwrap_or(latest) - last.time) {
        return "timeout";
    }
    if definition.splits_at_midnight() && calendar.date(next.unwrap_or(latest)) != calendar.date(last.time) {
        return "midnight";
    }
    if changes {
        return "change";
    }
    if next.is_some() {
        "start_event"
    } else {
        "end_of_data"
    }
}

/// Section 4, `run.json`: an event outside the window counts there, whatever session it is in.
fn count_events(events: &[Kept], fates: &[Fate], definition: &Definition, calendar: &Calendar, counts: &mut Counts) {
    for (event, fate) in events.iter().zip(fates) {
        if !definition.date_in_bounds(calendar.date(event.time)) {
            counts.outside_window += 1;
            continue;
        }
        match fate {
            Ok(()) => counts.in_session += 1,
            Err(reason) => count(&mut counts.out_of_session, reason),
        }
    }
}

/// Sections 3 and 4: which sessions are in the table, and under which id.
fn sessions_table(
    drafts: Vec<Draft>,
    definition: &Definition,
    calendar: &Calendar,
    counts: &mut Counts,
) -> Vec<(SessionRow, Vec<usize>)> {
    // The sessions of one user and date.
    let mut by_user_and_date: BTreeMap<(Date, Value), Vec<Draft>> = BTreeMap::new();
    for draft in drafts {
        let date = calendar.date(draft.start);
        if !definition.date_in_bounds(date) {
            continue;
        }
        if definition.too_long(draft.length) {
            count(&mut counts.excluded, "max_length");
            continue;
        }
        counts.sessions += 1;
        counts.zero_length_sessions += i64::from(draft.length.div_euclid(MILLI) == 0);
        counts.clock_skew_sessions += i64::from(draft.clock_skew);
        by_user_and_date.entry((date, draft.user.clone())).or_default().push(draft);
    }

    let mut rows = Vec::new();
    for ((date, _), mut drafts) in by_user_and_date {
        drafts.sort_by_key(|draft| (draft.start, draft.value.clone(), draft.place));
        let mut taken = BTreeSet::new();
        for draft in drafts {
            let session_id = if definition.is_default() {
                draft.value.clone().unwrap()
            } else {
                Value::Int(free_number(draft.start, date, calendar, &mut taken))
            };
            let members = draft.members;
            let row = SessionRow {
                date,
                user_id: draft.user,
                session_id,
                property: draft.value.filter(|_| definition.property.is_some()),
                start_time: draft.start,
                end_time: draft.end,
                length_ms: draft.length.div_euclid(MILLI),
                event_count: draft.event_count,
                first_event: draft.first_event,
                last_event: draft.last_event,
                end_reason: draft.end_reason.to_owned(),
            };
            rows.push((row, members));
        }
    }
    rows.sort_by_key(|(row, _)| (row.date, row.user_id.clone(), row.session_id.clone()));
    rows
}

/// Section 4, `output.events`: every event that section 2 left, by its own date. `found` has the start, the length and the
/// events of each session, in the table or not.
fn events_table(
    events: &[Kept],
    fates: &[Fate],
    found: &[(i64, i64, Vec<usize>)],
    sessions: &[(SessionRow, Vec<usize>)],
    definition: &Definition,
    calendar: &Calendar,
) -> Vec<EventRow> {
    // By event, its session.
    let mut found_of: Vec<Option<usize>> = vec![None; events.len()];
    let mut session_at: Vec<Option<usize>> = vec![None; events.len()];
    for (place, (_, _, members)) in found.iter().enumerate() {
        members.iter().for_each(|index| {
            found_of[*index].get_or_insert(place);
        });
    }
    for (place, (_, members)) in sessions.iter().enumerate() {
        members.iter().for_each(|index| {
            session_at[*index].get_or_insert(place);
        });
    }
    let session_of = |index: usize| -> Result<(Value, Date), &'static str> {
        fates[index]?;
        let (start, length, _) = &found[found_of[index].unwrap()];
        if !definition.date_in_bounds(calendar.date(*start)) {
            return Err("outside_bounds");
        }
        if definition.too_long(*length) {
            return Err("excluded");
        }
        let (row, _) = &sessions[session_at[index].unwrap()];
        Ok((row.session_id.clone(), row.date))
    };
    // Of events that nothing tells apart, the columns decide which is in the first session.
    let mut takes: Vec<usize> = (0..events.len()).collect();
    for members in groups(events).into_values() {
        let place = |index: &usize| {
            let event = &events[*index];
            (event.time, event.sequence, event.event.clone(), event.dedup.clone().filter(|_| definition.dedup))
        };
        for alike in members.chunk_by(|a, b| place(a) == place(b)) {
            let mut by_columns = alike.to_vec();
            by_columns.sort_by_key(|index| (events[*index].property.clone(), events[*index].keep));
            by_columns.iter().zip(alike).for_each(|(index, taken)| takes[*index] = *taken);
        }
    }
    let mut rows: Vec<_> = (0..events.len()).map(|index| (index, session_of(takes[index]))).collect();
    rows.sort_by_key(|(index, session)| {
        let event = &events[*index];
        (
            (event.user.clone(), event.time, event.sequence, definition.rank(&event.event), event.event.clone()),
            event.dedup.clone().filter(|_| definition.dedup),
            session.as_ref().ok().map(|(id, _)| id.clone()),
            event.property.clone(),
            event.keep,
        )
    });
    let mut places: HashMap<(Value, Value, Date), usize> = HashMap::new();
    let mut listed: Vec<EventRow> = Vec::new();
    for (index, session) in rows {
        let event = events[index].clone();
        let session = session.map(|(id, date)| {
            let place = places.entry((event.user.clone(), id.clone(), date)).or_default();
            *place += 1;
            (id, date, *place)
        });
        listed.push(EventRow { date: calendar.date(event.time), event, session });
    }
    listed.retain(|row| definition.date_in_bounds(row.date));
    // Stable: those of a user stay in order.
    listed.sort_by_key(|row| row.date);
    listed
}

/// Section 4, `session_id`: the smallest free millisecond of the date at or after the start, else the largest
/// free one before.
fn free_number(start: i64, date: Date, calendar: &Calendar, taken: &mut BTreeSet<i64>) -> i64 {
    let own = start.div_euclid(MILLI);
    let end_of_date = calendar.first_instant(date.tomorrow().unwrap()).div_euclid(MILLI);
    let mut number = own;
    while number < end_of_date && taken.contains(&number) {
        number += 1;
    }
    if number >= end_of_date {
        number = own;
        while taken.contains(&number) {
            number -= 1;
        }
    }
    taken.insert(number);
    number
}

/// Section 4, activity: every event that section 2 left, by its own date.
fn activity_table(events: &[Kept], definition: &Definition, calendar: &Calendar) -> Vec<ActivityRow> {
    let mut rows: BTreeMap<(Date, Value), (i64, i64)> = BTreeMap::new();
    for event in events {
        let date = calendar.date(event.time);
        if !definition.date_in_bounds(date) {
            continue;
        }
        let hour = (event.time - calendar.first_instant(date)).div_euclid(HOUR);
        let (events, hours) = rows.entry((date, event.user.clone())).or_default();
        *events += 1;
        *hours |= 1 << hour;
    }
    rows.into_iter().map(|((date, user_id), (events, hours))| ActivityRow { date, user_id, events, hours }).collect()
}

/// Section 4: from the first date with a session to the last, those without one included.
fn intervals(sessions: &[SessionRow]) -> Vec<Date> {
    let mut dates = Vec::new();
    if let (Some(first), Some(last)) = (sessions.first(), sessions.last()) {
        let mut date = first.date;
        while date <= last.date {
            dates.push(date);
            date = date.tomorrow().unwrap();
        }
    }
    dates
}

/// Section 5, for the chart a job without charts gets (section 6).
fn measures(sessions: &[SessionRow], activity: &[ActivityRow], calendar: &Calendar) -> Vec<MeasureRow> {
    let mut rows = Vec::new();
    for date in intervals(sessions) {
        let mut lengths: Vec<i64> = Vec::new();
        for session in sessions.iter().filter(|session| session.date == date) {
            lengths.push(session.length_ms);
        }
        lengths.sort_unstable();
        let active_users = activity.iter().filter(|row| row.date == date).count() as i64;
        let total_sessions = lengths.len() as i64;
        let time_spent_ms: i64 = lengths.iter().sum();
        rows.push(MeasureRow {
            chart: "sessions".to_owned(),
            series: "A".to_owned(),
            segment: "all".to_owned(),
            group: None,
            interval_start: calendar.first_instant(date),
            total_sessions,
            active_users,
            time_spent_ms,
            time_spent_per_user_ms: ratio(time_spent_ms, active_users),
            avg_length_ms: ratio(time_spent_ms, total_sessions),
            avg_per_user: ratio(total_sessions, active_users),
            length_p50_ms: percentile(&lengths, 50),
            length_p75_ms: percentile(&lengths, 75),
            length_p90_ms: percentile(&lengths, 90),
            length_p95_ms: percentile(&lengths, 95),
            length_p99_ms: percentile(&lengths, 99),
            length_max_ms: lengths.last().copied(),
            zero_length_sessions: lengths.iter().filter(|length| **length == 0).count() as i64,
            // The chart counts sessions, not an event in them.
            total_events: None,
            avg_events_per_session: None,
        });
    }
    rows
}

/// Section 5: a ratio over nothing is null.
fn ratio(of: i64, over: i64) -> Option<f64> {
    (over != 0).then(|| of as f64 / over as f64)
}

/// Section 5: nearest rank, the value at place ceil(p * n) counted from 1.
fn percentile(sorted: &[i64], percent: usize) -> Option<i64> {
    let place = (percent * sorted.len()).div_ceil(100);
    sorted.get(place.checked_sub(1)?).copied()
}

/// Section 4, histogram: default bins, in seconds.
pub const DEFAULT_BINS: [i64; 10] = [0, 3, 10, 30, 60, 180, 600, 1800, 3600, 86400];

fn histogram(sessions: &[SessionRow], calendar: &Calendar) -> Vec<BinRow> {
    let mut rows = Vec::new();
    for date in intervals(sessions) {
        let lengths: Vec<i64> =
            sessions.iter().filter(|session| session.date == date).map(|session| session.length_ms).collect();
        let bounds = DEFAULT_BINS.map(|seconds| seconds * 1000);
        let mut bins: Vec<(Option<i64>, Option<i64>)> = vec![(None, Some(bounds[0]))];
        bins.extend(bounds.windows(2).map(|pair| (Some(pair[0]), Some(pair[1]))));
        bins.push((Some(bounds[bounds.len() - 1]), None));
        for (bin_start, bin_end) in bins {
            let inside = |length: &&i64| {
                bin_start.is_none_or(|start| **length >= start) && bin_end.is_none_or(|end| **length < end)
            };
            let count = lengths.iter().filter(inside).count() as i64;
            // The rows below and above the bins exist only where they count a session.
            if count == 0 && (bin_start.is_none() || bin_end.is_none()) {
                continue;
            }
            rows.push(BinRow {
                chart: "sessions".to_owned(),
                series: "A".to_owned(),
                segment: "all".to_owned(),
                group: None,
                interval_start: calendar.first_instant(date),
                bin_start,
                bin_end,
                unit: "ms".to_owned(),
                sessions: count,
                share: ratio(count, lengths.len() as i64),
            });
        }
    }
    rows
}

/// Hand cases for the reference itself: what it says has to be right before anything is compared with it.
mod hand_cases {
    use super::*;

    const T: i64 = 1_767_600_000 * SECOND; // 2026-01-05 08:00 UTC

    fn event(user: &str, time: i64, event: &str) -> Event {
        Event {
            users: vec![Some(Value::Text(user.to_owned()))],
            time: Some(time),
            event: Some(event.to_owned()),
            ..Event::default()
        }
    }

    fn with_id(user: &str, time: i64, id: i64) -> Event {
        Event { session_id: Some(Cell::Int(id)), ..event(user, time, "view") }
    }

    fn table(events: Vec<Event>) -> Table {
        Table { events, user_is_text: true, aliases: None }
    }

    fn timeout(timeout: i64) -> Definition {
        Definition { timeout: Some(timeout), ..Definition::default() }
    }

    fn shapes(outcome: &Outcome) -> Vec<(i64, i64, i64, &str)> {
        let shape = |row: &SessionRow| (row.start_time - T, row.end_time - T, row.event_count);
        outcome
            .sessions
            .iter()
            .map(|row| {
                let (start, end, count) = shape(row);
                (start, end, count, row.end_reason.as_str())
            })
            .collect()
    }

    #[test]
    fn a_timeout_cuts_at_its_bound() {
        let events = [0, 30 * MINUTE - 1, 60 * MINUTE - 1].map(|after| event("ann", T + after, "view"));
        let outcome = run(&table(events.to_vec()), &timeout(30 * MINUTE));
        assert_eq!(
            shapes(&outcome),
            [(0, 30 * MINUTE - 1, 2, "timeout"), (60 * MINUTE - 1, 60 * MINUTE - 1, 1, "end_of_data")]
        );
    }

    #[test]
    fn a_session_of_a_time_id_starts_at_its_id() {
        let id = T / MILLI - 5_000;
        let outcome = run(&table(vec![with_id("ann", T, id), with_id("ann", T + MINUTE, id)]), &Definition::default());
        assert_eq!(shapes(&outcome), [(-5 * SECOND, MINUTE, 2, "session_id")]);
        assert_eq!(outcome.sessions[0].length_ms, 65_000);
    }

    #[test]
    fn ids_in_one_millisecond_are_told_apart_within_their_date() {
        let last = T + 16 * HOUR - MILLI;
        let events = vec![event("ann", last, "open"), event("ann", last, "open")];
        let definition = Definition { start_event: vec!["open".to_owned()], ..Definition::default() };
        let outcome = run(&table(events), &definition);
        let ids: Vec<_> = outcome.sessions.iter().map(|row| row.session_id.clone()).collect();
        assert_eq!(ids, [Value::Int(last / MILLI - 1), Value::Int(last / MILLI)]);
    }

    #[test]
    fn the_hours_of_a_day_count_from_its_first_instant() {
        // 2026-10-25 has 25 hours in Paris; its last hour begins at 22:00 UTC.
        let last_hour = Timestamp::from_second(1_792_965_600).unwrap().as_microsecond();
        let definition = Definition { timezone: Some("Europe/Paris".to_owned()), ..timeout(MINUTE) };
        let outcome = run(&table(vec![event("ann", last_hour, "view")]), &definition);
        assert_eq!(outcome.activity[0].hours, 1 << 24);
        assert_eq!(outcome.activity[0].date, Date::constant(2026, 10, 25));
    }

    #[test]
    fn percentiles_are_nearest_rank() {
        let lengths: Vec<i64> = (1..=10).collect();
        assert_eq!(percentile(&lengths, 50), Some(5));
        assert_eq!(percentile(&lengths, 75), Some(8));
        assert_eq!(percentile(&lengths, 99), Some(10));
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn every_row_is_counted_once() {
        let nobody = Event { users: vec![None], ..event("", T, "view") };
        let timeless = Event { time: None, ..event("ann", T, "view") };
        let early = event("ann", YEAR_2000 - 1, "view");
        let push = event("ann", T, "push");
        let definition = Definition { inactive: vec!["push".to_owned()], ..Definition::default() };
        let rows = vec![nobody, timeless, early, push, event("ann", T, "view"), with_id("ann", T, 7)];
        let counts = run(&table(rows), &definition).counts;
        let reason = |name: &str| (name.to_owned(), 1);
        assert_eq!(counts.rejected, ["no_user", "no_time", "time_out_of_range"].map(reason).into());
        assert_eq!(counts.out_of_session, [reason("no_session_id")].into());
        assert_eq!((counts.rows, counts.inactive, counts.in_session, counts.users), (6, 1, 1, 1));
    }

    #[test]
    fn a_silence_up_to_the_latest_time_ends_a_session() {
        let stranger = Event { users: vec![None], ..event("", T + HOUR, "view") };
        let outcome = run(&table(vec![event("ann", T, "view"), stranger]), &timeout(HOUR));
        assert_eq!(shapes(&outcome), [(0, 0, 1, "timeout")]);
    }
}
