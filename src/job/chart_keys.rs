//! The keys of `[[chart]]`, `[[segment]]` and `[[column]]` as typed.

use std::borrow::Cow;

use schemars::{json_schema, JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::values::{Names, Scalar};

/// The keys of a `[[segment]]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentKeys {
    /// Its name.
    pub name: Option<String>,
    /// A SQL condition over raw events.
    pub r#where: Option<String>,
    /// The column of which each value is a segment, or several.
    pub by: Option<Names>,
    /// What its users did.
    pub performed: Option<Vec<EventsKeys>>,
    /// Users by when they were first active: `new` in an interval, or `returning`.
    pub users: Option<String>,
}

/// The keys of a `[[column]]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnKeys {
    /// Its name.
    pub name: Option<String>,
    /// The property whose first value it holds.
    pub first: Option<String>,
    /// The property whose last value it holds.
    pub last: Option<String>,
    /// The number whose sum it holds.
    pub sum: Option<String>,
    /// The property whose smallest value it holds.
    pub min: Option<String>,
    /// The property whose largest value it holds.
    pub max: Option<String>,
    /// The property whose different values it counts.
    pub distinct: Option<String>,
    /// The event type that it counts; `*` for all events.
    pub count: Option<String>,
    /// Only of events of these types.
    pub event: Option<Names>,
    /// Only of events for which this SQL condition is true.
    pub r#where: Option<String>,
    /// A SQL condition over columns of the session.
    pub when: Option<String>,
}

impl ColumnKeys {
    /// The keys among those that say what it holds.
    pub fn given(&self) -> Vec<&'static str> {
        let all = [
            ("column.first", &self.first),
            ("column.last", &self.last),
            ("column.sum", &self.sum),
            ("column.min", &self.min),
            ("column.max", &self.max),
            ("column.distinct", &self.distinct),
            ("column.count", &self.count),
            ("column.when", &self.when),
        ];
        all.into_iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key).collect()
    }
}

/// The keys of a `[[chart]]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChartKeys {
    /// Its name.
    pub name: Option<String>,
    /// The interval.
    pub interval: Option<String>,
    /// The segments.
    pub segments: Option<Names>,
    /// The first date.
    pub from: Option<Scalar>,
    /// The last date.
    pub to: Option<Scalar>,
    /// What is counted.
    pub count: Option<CountKeys>,
    /// The shortest session.
    pub min_length: Option<Scalar>,
    /// Shorter than this.
    pub max_length: Option<Scalar>,
    /// Events that sessions contain.
    pub contains: Option<Vec<EventsKeys>>,
    /// What the first value of a property is.
    pub first: Option<Several<ValueKeys>>,
    /// What the last value of a property is.
    pub last: Option<Several<ValueKeys>>,
    /// A SQL condition over columns of the session.
    pub sessions: Option<String>,
    /// Events that follow each other in sessions.
    pub sequence: Option<SequenceKeys>,
    /// How sessions are grouped.
    pub group_by: Option<Several<GroupKeys>>,
    /// Bins of lengths.
    pub bins: Option<BinKeys>,
    /// Bins of numbers of events.
    pub buckets: Option<Vec<i64>>,
    /// Several series.
    pub series: Option<Vec<SeriesKeys>>,
    /// How far sessions come in steps.
    pub funnel: Option<FunnelKeys>,
    /// The time spent on each value of a property.
    pub time_on: Option<TimeOnKeys>,
    /// A formula over the series.
    pub formula: Option<String>,
    /// Several formulas over the series.
    pub formulas: Option<Names>,
    /// A ready chart.
    pub preset: Option<String>,
    /// The property of a preset.
    pub property: Option<String>,
    /// The event of a preset.
    pub event: Option<String>,
    /// Where a preset takes its property from.
    pub level: Option<String>,
    /// How many groups are kept.
    pub top: Option<i64>,
}

/// The keys of a `[[chart.series]]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesKeys {
    /// What is counted.
    pub count: Option<CountKeys>,
    /// The shortest session.
    pub min_length: Option<Scalar>,
    /// Shorter than this.
    pub max_length: Option<Scalar>,
    /// Events that sessions contain.
    pub contains: Option<Vec<EventsKeys>>,
    /// What the first value of a property is.
    pub first: Option<Several<ValueKeys>>,
    /// What the last value of a property is.
    pub last: Option<Several<ValueKeys>>,
    /// A SQL condition over columns of the session.
    pub sessions: Option<String>,
    /// Events that follow each other in sessions.
    pub sequence: Option<SequenceKeys>,
    /// How sessions are grouped.
    pub group_by: Option<Several<GroupKeys>>,
    /// How many groups are kept.
    pub top: Option<i64>,
}

/// The keys of `contains` and `performed`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsKeys {
    /// The event type.
    pub event: Option<String>,
    /// A SQL condition over raw events.
    pub r#where: Option<String>,
    /// At least so many.
    pub at_least: Option<i64>,
    /// At most so many.
    pub at_most: Option<i64>,
    /// The name of the column that holds their number.
    pub column: Option<String>,
}

/// The keys of `first` and `last`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValueKeys {
    /// The property.
    pub property: Option<String>,
    /// Only of events of this type.
    pub event: Option<String>,
    /// Only of events for which this SQL condition is true.
    pub r#where: Option<String>,
    /// How it is compared.
    pub op: Option<String>,
    /// What with.
    #[schemars(with = "Option<serde_json::Value>")]
    pub value: Option<toml::Value>,
    /// The name of the column that holds the value.
    pub column: Option<String>,
}

/// The keys of `sequence`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceKeys {
    /// The events, in their order.
    pub steps: Option<Vec<EventKeys>>,
    /// At most so long from the first to the last.
    pub within: Option<Scalar>,
    /// The name of the column that holds the shortest time in which they follow each other.
    pub column: Option<String>,
}

/// The keys of a step of `sequence`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventKeys {
    /// The event type.
    pub event: Option<String>,
    /// A SQL condition over raw events.
    pub r#where: Option<String>,
}

/// The keys of `funnel`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FunnelKeys {
    /// The events, in their order.
    pub steps: Option<Vec<StepKeys>>,
    /// At most so long from the first to each.
    pub within: Option<Scalar>,
    /// The name of the column that holds the times at which they are reached.
    pub column: Option<String>,
}

/// The keys of a step of `funnel`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepKeys {
    /// Its name.
    pub name: Option<String>,
    /// The event type.
    pub event: Option<String>,
    /// A SQL condition over raw events.
    pub r#where: Option<String>,
}

/// The keys of `time_on`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeOnKeys {
    /// The property on whose values time is spent.
    pub property: Option<String>,
    /// The event type of a view.
    pub event: Option<String>,
    /// A SQL condition over raw events.
    pub r#where: Option<String>,
    /// A view takes at most so long; `none` for any time.
    pub cap: Option<Scalar>,
    /// How many values are kept.
    pub top: Option<i64>,
}

/// The keys of `group_by`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupKeys {
    /// The property whose first value is the group.
    pub first: Option<String>,
    /// The property whose last value is the group.
    pub last: Option<String>,
    /// The property of whose values each is a group that the session counts in.
    pub any: Option<String>,
    /// Only of events of this type.
    pub event: Option<String>,
    /// Only of events for which this SQL condition is true.
    pub r#where: Option<String>,
    /// How many groups are kept.
    pub top: Option<i64>,
    /// The column of the session that is the group; beside `first`, `last` or `any`, the name of the column that holds the value.
    pub column: Option<String>,
}

/// The keys of `bins`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BinKeys {
    /// Where the first bin starts.
    pub min: Option<Scalar>,
    /// Where the last bin ends.
    pub max: Option<Scalar>,
    /// How wide a bin is.
    pub size: Option<Scalar>,
}

/// The keys of `count` where it counts events.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CountEventsKeys {
    /// The event type.
    pub event: Option<String>,
    /// A SQL condition over raw events.
    pub r#where: Option<String>,
    /// A number to sum.
    pub property: Option<String>,
    /// The name of the column that holds their number.
    pub column: Option<String>,
}

/// What `count` is.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum CountKeys {
    /// Events.
    Events(CountEventsKeys),
    /// A word.
    Word(String),
}

impl<'de> Deserialize<'de> for CountKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(word) => Ok(CountKeys::Word(word)),
            events => events.try_into().map(CountKeys::Events).map_err(serde::de::Error::custom),
        }
    }
}

/// One, or a list.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Several<T>(pub Vec<T>);

impl<T: JsonSchema> JsonSchema for Several<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Several{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Several<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let each = match toml::Value::deserialize(deserializer)? {
            toml::Value::Array(values) => values,
            value => vec![value],
        };
        let values = each.into_iter().map(toml::Value::try_into).collect::<Result<_, _>>();
        values.map(Several).map_err(serde::de::Error::custom)
    }
}

impl ChartKeys {
    /// A chart that has every key that holds further keys, so that these can be read off it.
    pub fn with_all_keys() -> Self {
        let series = SeriesKeys::with_all_keys();
        ChartKeys {
            count: series.count.clone(),
            contains: series.contains.clone(),
            first: series.first.clone(),
            last: series.last.clone(),
            sequence: series.sequence.clone(),
            group_by: series.group_by.clone(),
            bins: Some(BinKeys::default()),
            time_on: Some(TimeOnKeys::default()),
            funnel: Some(FunnelKeys { steps: Some(vec![StepKeys::default()]), ..FunnelKeys::default() }),
            series: Some(vec![series]),
            ..ChartKeys::default()
        }
    }
}

impl SeriesKeys {
    fn with_all_keys() -> Self {
        SeriesKeys {
            count: Some(CountKeys::Events(CountEventsKeys::default())),
            contains: Some(vec![EventsKeys::default()]),
            first: Some(Several(vec![ValueKeys::default()])),
            last: Some(Several(vec![ValueKeys::default()])),
            sequence: Some(SequenceKeys { steps: Some(vec![EventKeys::default()]), ..SequenceKeys::default() }),
            group_by: Some(Several(vec![GroupKeys::default()])),
            ..SeriesKeys::default()
        }
    }
}

impl SegmentKeys {
    /// A segment that has every key that holds further keys.
    pub fn with_all_keys() -> Self {
        SegmentKeys { performed: Some(vec![EventsKeys::default()]), ..SegmentKeys::default() }
    }
}
