//! What the columns of the tables hold, in a sentence each, for who reads them elsewhere.

/// Of a sessions table.
const SESSIONS: [(&str, &str); 13] = [
    ("session_date", "Date of the session's start in the job's time zone; the key of the date folders"),
    ("user_id", "The user whose session it is"),
    (
        "session_id",
        "Unique beside user_id: the events' own id, or under a custom definition the start in epoch milliseconds",
    ),
    ("start_time", "Start of the session, UTC"),
    ("end_time", "End of the session, UTC: the time of its last event"),
    ("length_ms", "Length of the session in milliseconds"),
    ("event_count", "Number of events in the session"),
    ("first_event", "Type of the first event"),
    ("last_event", "Type of the last event"),
    (
        "end_reason",
        "Why the session ends where it does: session_id, property, end_event, timeout, midnight, change, start_event, end_of_data",
    ),
    ("session_number", "1 for the first session of the user in this table, 2 for the next one, and so on"),
    ("previous_end_time", "End of the session numbered one less, UTC; null for the first"),
    ("since_previous_ms", "Milliseconds from that end to the start; negative where the two overlap"),
];

/// Of the table of users.
const USERS: [(&str, &str); 9] = [
    ("user_id", "A user who was active, or has a session"),
    ("first_active_date", "First date with an event, in a session or not; null where there is none"),
    ("last_active_date", "Last date with an event, in a session or not; null where there is none"),
    ("active_days", "Number of dates with an event"),
    ("events", "Number of events, in a session or not"),
    ("sessions", "Number of sessions"),
    ("time_spent_ms", "Length of all sessions together in milliseconds"),
    ("first_session_start", "Start of the first session, UTC; null where there is none"),
    ("last_session_end", "Latest end of a session, UTC; null where there is none"),
];

/// Of the events table.
const EVENTS: [(&str, &str); 8] = [
    ("event_date", "Date of the event in the job's time zone; the key of the date folders"),
    ("user_id", "The user whose event it is"),
    ("event_time", "Time of the event, UTC"),
    ("event_type", "Type of the event"),
    ("session_id", "Session that the event is in, as in the sessions table; null where it is in none"),
    ("session_date", "Date of that session"),
    ("session_position", "Place of the event in its session: 1 for the first"),
    (
        "out_of_session",
        "Why the event is in no session of the table: no_session_id, stale_id, no_property, no_start, unclosed, excluded, outside_bounds",
    ),
];

/// Of an activity table.
const ACTIVITY: [(&str, &str); 4] = [
    ("activity_date", "Date in the job's time zone; the key of the date folders"),
    ("user_id", "A user who was active on the date, in a session or not"),
    ("events", "Number of the user's events on the date"),
    ("hours", "Bit h is set where the user was active in the h-th hour of the date"),
];

/// Of the measures and histograms of charts.
const CHARTS: [(&str, &str); 37] = [
    ("chart", "Name of the chart"),
    ("series", "Series of the chart, or formula"),
    ("segment", "Segment of the job, or all"),
    ("group", "Value that the chart groups by; null where it does not group"),
    ("interval_start", "First instant of the interval, UTC"),
    ("bin_start", "Least length of the bin; null below the first bin"),
    ("bin_end", "Length from which sessions are in the next bin; null above the last bin"),
    ("unit", "Unit of the bins: ms or events"),
    ("sessions", "Number of sessions in the bin"),
    ("share", "Share of the bin among the sessions of its series, segment, group and interval"),
    ("total_sessions", "Number of sessions"),
    ("active_users", "Number of users with an event, in a session or not"),
    ("new_users", "Number of active users who had no event before the interval"),
    ("time_spent_ms", "Length of all sessions together in milliseconds"),
    ("time_spent_per_user_ms", "Time spent by active users on average, in milliseconds"),
    ("avg_length_ms", "Average length of a session in milliseconds"),
    ("avg_per_user", "Sessions by active user on average"),
    ("length_p50_ms", "Median of the lengths in milliseconds"),
    ("length_p75_ms", "75th percentile of the lengths in milliseconds"),
    ("length_p90_ms", "90th percentile of the lengths in milliseconds"),
    ("length_p95_ms", "95th percentile of the lengths in milliseconds"),
    ("length_p99_ms", "99th percentile of the lengths in milliseconds"),
    ("length_max_ms", "Length of the longest session in milliseconds"),
    ("zero_length_sessions", "Number of sessions of length zero"),
    ("total_events", "Number of events in sessions"),
    ("avg_events_per_session", "Events by session on average"),
    ("formula", "Value of the chart's formula"),
    ("formula_1", "Value of the first of the chart's formulas"),
    ("formula_2", "Value of the second of the chart's formulas"),
    ("formula_3", "Value of the third of the chart's formulas"),
    ("formula_4", "Value of the fourth of the chart's formulas"),
    ("formula_5", "Value of the fifth of the chart's formulas"),
    ("formula_6", "Value of the sixth of the chart's formulas"),
    ("formula_7", "Value of the seventh of the chart's formulas"),
    ("formula_8", "Value of the eighth of the chart's formulas"),
    ("formula_9", "Value of the ninth of the chart's formulas"),
    ("formula_10", "Value of the tenth of the chart's formulas"),
];

/// Of the steps of funnels, beside what they share with measures.
const FUNNEL: [(&str, &str); 7] = [
    ("step", "Number of the step, from 1"),
    ("name", "Name of the step"),
    ("sessions", "Number of sessions that reach the step"),
    ("share_of_first", "Share among the sessions that reach the first step"),
    ("share_of_previous", "Share among the sessions that reach the step before; null for the first"),
    ("median_ms", "Median of the time from the step before, in milliseconds"),
    ("p90_ms", "90th percentile of the time from the step before, in milliseconds"),
];

/// Of times on values, beside what they share with measures.
const TIME_ON: [(&str, &str); 6] = [
    ("value", "Value of the property that time is spent on; null where there is no view"),
    ("views", "Number of views"),
    ("sessions", "Number of sessions with such a view"),
    ("time_ms", "Time from each view to the next of the session, together, in milliseconds"),
    ("avg_ms", "That time on average, of the views that another one comes after"),
    ("p50_ms", "Median of that time in milliseconds"),
];

/// A kind of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// A row for each session.
    Sessions,
    /// A row for each date and user.
    Activity,
    /// A row for each event.
    Events,
    /// A row for each user.
    Users,
    /// A row for each series, segment, group and interval.
    Measures,
    /// A row for each bin of these.
    Histogram,
    /// A row for each step of a funnel.
    Funnel,
    /// A row for each value that time is spent on.
    TimeOn,
}

impl TableKind {
    /// What a row stands for.
    pub fn description(self) -> &'static str {
        match self {
            TableKind::Sessions => "One row for each user session",
            TableKind::Activity => "One row for each user and date with an event, in a session or not",
            TableKind::Events => "One row for each event that counts, with its session",
            TableKind::Users => "One row for each user, over all dates",
            TableKind::Measures => "One row for each chart, series, segment, group and interval",
            TableKind::Funnel => "Sessions by the steps of a funnel that they reach, one row for each step",
            TableKind::TimeOn => "Time that sessions spend on the values of a property, one row for each",
            TableKind::Histogram => "Sessions by length or number of events, one row for each bin",
        }
    }

    /// What a column holds; `None` of one that the job adds.
    pub fn column(self, name: &str) -> Option<&'static str> {
        let known: &[(&str, &'static str)] = match self {
            TableKind::Sessions => &SESSIONS,
            TableKind::Activity => &ACTIVITY,
            TableKind::Events => &EVENTS,
            TableKind::Users => &USERS,
            TableKind::Measures | TableKind::Histogram => &CHARTS,
            TableKind::Funnel => &FUNNEL,
            TableKind::TimeOn => &TIME_ON,
        };
        let shares = matches!(self, TableKind::Funnel | TableKind::TimeOn);
        let shared = if shares { &CHARTS[..] } else { &[] };
        known.iter().chain(shared).find(|(column, _)| *column == name).map(|(_, description)| *description)
    }
}
