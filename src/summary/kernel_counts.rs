//! What became of the events of a stream, as a line of JSON. Summed over streams of different users, these counts are those
//! of `run.json` (SPEC 4).

use serde::Serialize;
use serde_json::{Map, Value};

use super::event_counts::EventCounts;
use super::warnings::Warning;
use crate::events::normalise::RowCounts;
use crate::events::source::kind::Kind;
use crate::events::source::plan::Extent;
use crate::events::source::roles::Roles;
use crate::job::fingerprint::Canonical;
use crate::job::{Input, Segment};
use crate::sessionize::counts::Counts;

/// One object for a stream.
#[derive(Clone, Debug, Serialize)]
pub struct KernelCounts {
    version: &'static str,
    fingerprint: String,
    #[serde(flatten)]
    counts: EventCounts,
    /// The rows of the table that was made.
    tables: Map<String, Value>,
    warnings: Vec<String>,
    /// The latest possible time of all rows of the stream, filtered ones too, in microseconds since the epoch.
    latest: Option<i64>,
    /// Whether the latest time of the whole input makes a difference.
    latest_matters: bool,
    /// Which columns of the stream the job means.
    columns: Columns,
}

/// The columns of a stream by role, as the job spells them: what has to be known to put users in one place.
#[derive(Clone, Debug, Serialize)]
struct Columns {
    /// In order of preference.
    user: Vec<String>,
    time: String,
    /// What an integer time counts.
    time_unit: Option<&'static str>,
    /// The first possible time, and the first that is too late, in microseconds since the epoch.
    possible_times: [i64; 2],
    /// Whether a mapping says who users are: then these columns alone do not.
    aliases: bool,
    /// Those that are derived, and by which nobody can divide the events or tell their latest time before they are.
    derived: Vec<String>,
    session_id: Option<String>,
    property: Option<String>,
    /// Those of the stream that are needed for anything.
    needed: Vec<String>,
}

impl Columns {
    fn of(roles: &Roles, input: &Input, needed: &[String]) -> Self {
        let value = |is_session_id| {
            let value = roles.value.as_ref().filter(|value| value.is_session_id == is_session_id);
            value.map(|value| value.column.spelled.clone())
        };
        Columns {
            user: roles.users.iter().map(|user| user.spelled.clone()).collect(),
            time: roles.time.spelled.clone(),
            time_unit: input.time_unit.map(|unit| unit.name()),
            possible_times: [input.times.min, input.times.max].map(|time| time.micros()),
            aliases: input.aliases.is_some(),
            derived: undivided(roles),
            session_id: value(true),
            property: value(false),
            needed: needed.to_vec(),
        }
    }
}

/// The derived columns among users, times and ids that may not fit 64 bits.
fn undivided(roles: &Roles) -> Vec<String> {
    let may_not_fit = |kind: &Kind| kind.is_whole() && *kind != Kind::Int;
    let ids = roles.value.iter().map(|value| &value.column).filter(|column| may_not_fit(&column.kind));
    let all = roles.users.iter().chain([&roles.time]).chain(ids);
    all.filter(|column| !column.derived.is_empty()).map(|column| column.spelled.clone()).collect()
}

/// What [`KernelCounts::new`] puts together.
#[derive(Clone, Copy, Debug)]
pub struct KernelOutcome<'a> {
    /// The definition.
    pub definition: &'a Canonical,
    /// How many rows came.
    pub extent: Extent,
    /// What became of the rows.
    pub rows: &'a RowCounts,
    /// What became of the events.
    pub counts: &'a Counts,
    /// What became of the events of each segment.
    pub segments: &'a [(&'a Segment, Counts)],
    /// The table that was made, and its rows; `None` where all were, in parts.
    pub table: Option<(&'a str, u64)>,
    /// What the user should know.
    pub warnings: &'a [Warning],
    /// Whether the latest time of the whole input makes a difference.
    pub latest_matters: bool,
    /// The columns by role.
    pub roles: &'a Roles,
    /// What the job says of them.
    pub input: &'a Input,
    /// The columns that are needed for anything.
    pub needed: &'a [String],
}

impl KernelCounts {
    /// What is told of a stream whose outcome this is.
    pub fn new(outcome: KernelOutcome<'_>) -> Self {
        let KernelOutcome { definition, extent, rows, counts, table, .. } = outcome;
        let rows_of = |(table, rows): (&str, u64)| (table.to_string(), serde_json::json!({ "rows": rows }));
        KernelCounts {
            version: env!("CARGO_PKG_VERSION"),
            fingerprint: definition.fingerprint(),
            counts: EventCounts::of(&extent, rows, counts, outcome.segments),
            tables: table.map(rows_of).into_iter().collect(),
            warnings: outcome.warnings.iter().map(ToString::to_string).collect(),
            latest: rows.latest.map(|latest| latest.micros()),
            latest_matters: outcome.latest_matters,
            columns: Columns::of(outcome.roles, outcome.input, outcome.needed),
        }
    }

    /// As one line.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}
