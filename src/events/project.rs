//! Raw columns of a file to columns by role.
//!
//! Where every role is a whole column of a type that is taken as it is, the columns go on as they were
//! decoded. Where there is a condition, or a value inside of another one, polars makes the columns, batch by
//! batch.

use std::sync::Arc;

use arrow::array::{new_null_array, Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::DataType as ArrowType;
use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::bridge;
use super::columns::{ColumnRef, Source};
use super::convert::{integers, texts, unique_ids, values};
use super::error::InputError;
use super::facts::Facts;
use super::footer::{FileSchema, Footer};
use super::kind::Kind;
use super::roles::{KeyType, Roles};
use crate::sessionize::columns::Coded;

/// A batch of rows as columns by role, of as few types as there are meanings; a column of which a file has
/// nothing is of type null.
#[derive(Clone, Debug)]
pub struct RoleColumns {
    /// How many rows there are.
    pub rows: usize,
    /// Timestamps of any unit, 64-bit integers, or text.
    pub time: ArrayRef,
    /// 64-bit integers or text, in order of preference.
    pub users: Vec<ArrayRef>,
    /// Text.
    pub event: Option<ArrayRef>,
    /// 64-bit integers or text.
    pub value: Option<ArrayRef>,
    /// 64-bit integers.
    pub sequence: Option<ArrayRef>,
    /// Text or bytes.
    pub dedup: Option<ArrayRef>,
    /// What charts and segments ask.
    pub facts: Option<Coded>,
}

/// Which rows and columns to take from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// The rows that pass the condition, all roles.
    Events,
    /// All rows, and nothing but times.
    Times,
}

/// How the rows of files of one schema become columns by role.
#[derive(Clone, Debug)]
pub struct Projection {
    roles: Arc<Roles>,
    pass: Pass,
    /// The columns of the file that it needs.
    columns: Vec<String>,
    /// Those of text that may as well come as codes of a dictionary.
    coded: Vec<String>,
    how: How,
    facts: Option<FactProjection>,
}

/// How the facts of files of one schema are computed.
#[derive(Clone, Debug)]
pub struct FactProjection {
    facts: Arc<Facts>,
    /// The columns of the file that it needs.
    columns: Vec<String>,
    made: Vec<Expr>,
    exprs: Vec<Expr>,
}

impl FactProjection {
    /// For files like this one.
    ///
    /// # Errors
    /// A condition that polars cannot compute over these files.
    pub fn new(facts: &Arc<Facts>, footer: &Footer) -> Result<Self, InputError> {
        Ok(FactProjection {
            facts: Arc::clone(facts),
            columns: facts.file_columns(&footer.schema),
            made: facts.made(footer).into_values().collect(),
            exprs: facts.exprs(footer)?,
        })
    }

    /// The facts of some rows.
    fn apply(&self, rows: DataFrame) -> Result<Coded, ProjectError> {
        if self.facts.are_none() {
            return Ok(Facts::none(rows.height()));
        }
        // Beside a column of the file: what comes of a folder's name alone would be a single row.
        let of_file = rows.get_column_names().first().map(|name| col(name.as_str()));
        let mut rows = rows.lazy();
        if !self.made.is_empty() {
            rows = rows.with_columns(self.made.clone());
        }
        let exprs: Vec<Expr> = self.exprs.iter().cloned().chain(of_file).collect();
        let facts = rows.clone().select(exprs).collect().map_err(|error| self.blame(&rows, &error))?;
        Ok(self.facts.coded(&facts)?)
    }

    /// Which of the facts cannot be computed of these rows: the first that cannot by itself.
    fn blame(&self, rows: &LazyFrame, error: &PolarsError) -> ProjectError {
        let alone = |expr: &Expr| rows.clone().select([expr.clone()]).collect().err();
        let failing = self.exprs.iter().enumerate().find_map(|(place, expr)| Some((place, alone(expr)?)));
        let (place, reason) = failing.map_or((None, one_line(error)), |(place, error)| (Some(place), one_line(&error)));
        match place.and_then(|place| self.facts.condition(place)) {
            Some((condition, of)) => {
                ProjectError::Facts { of: of.to_string(), condition: condition.text().to_string(), reason }
            }
            None => ProjectError::Input(InputError::Unreadable { reason }),
        }
    }
}

#[derive(Clone, Debug)]
enum How {
    Direct,
    Polars(Box<Computed>),
}

/// What polars does with a batch.
#[derive(Clone, Debug)]
pub struct Computed {
    /// The columns of the condition that are no whole columns of the file.
    pub made: Vec<Expr>,
    /// The condition.
    pub filter: Option<Expr>,
    /// The columns by role.
    pub by_role: Vec<Expr>,
}

/// Why a batch has no columns by role.
#[derive(Debug)]
pub enum ProjectError {
    /// The condition fails on a value.
    Condition(String),
    /// A condition of a chart or segment does.
    Facts {
        /// The chart or segment.
        of: String,
        /// The condition.
        condition: String,
        /// What polars says.
        reason: String,
    },
    /// A value that its role cannot take.
    Input(InputError),
}

impl From<InputError> for ProjectError {
    fn from(error: InputError) -> Self {
        ProjectError::Input(error)
    }
}

impl Projection {
    /// For files of one schema. Where rows are `filtered`, that needs `condition_columns`. `compute` says what polars
    /// has to do, and is asked only where it has to do something.
    ///
    /// # Errors
    /// Those of `compute`.
    pub fn new(
        roles: &Arc<Roles>,
        pass: Pass,
        schema: &FileSchema,
        filtered: bool,
        condition_columns: &[String],
        facts: Option<FactProjection>,
        compute: impl FnOnce() -> Result<Computed, InputError>,
    ) -> Result<Self, InputError> {
        let mut columns: Vec<String> = condition_columns.to_vec();
        let of_roles = match pass {
            Pass::Events => roles.all().into_iter().map(|(_, column)| column).collect(),
            Pass::Times => vec![&roles.time],
        };
        columns.extend(of_roles.iter().filter_map(|column| column.file_column()).map(str::to_string));
        columns.extend(facts.iter().flat_map(|facts| facts.columns.iter().cloned()));
        columns.retain(|name| schema.kind(name).is_some());
        columns.sort_unstable();
        columns.dedup();
        let direct = !filtered && is_direct(roles, pass, schema);
        let how = if direct { How::Direct } else { How::Polars(Box::new(compute()?)) };
        let coded = match direct && pass == Pass::Events {
            true => coded_columns(roles, schema, facts.as_ref()),
            false => Vec::new(),
        };
        Ok(Projection { roles: Arc::clone(roles), pass, columns, coded, how, facts })
    }

    /// The columns of text that are taken as codes of a dictionary as well, whatever text other columns are.
    pub fn coded_columns(&self) -> &[String] {
        &self.coded
    }

    /// The columns of the file that are needed, in ascending order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows of a batch of these columns that pass, as columns by role.
    ///
    /// # Errors
    /// The condition fails on a value, or a value is of no use for its role.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RoleColumns, ProjectError> {
        let unreadable = |error: PolarsError| InputError::Unreadable { reason: one_line(&error) };
        let (mut roles, rows) = match &self.how {
            How::Direct => (self.as_decoded(batch)?, None),
            How::Polars(computed) => {
                let rows = passing(batch, computed)?;
                (self.computed(&rows, computed)?, Some(rows))
            }
        };
        if let Some(facts) = &self.facts {
            roles.facts = Some(match rows {
                Some(rows) => facts.apply(rows)?,
                None if facts.facts.are_none() => Facts::none(roles.rows),
                None => facts.apply(bridge::to_polars(batch).map_err(unreadable)?)?,
            });
        }
        Ok(roles)
    }

    /// Which rows of a batch of these columns pass the condition; `None` where there is none.
    ///
    /// # Errors
    /// The condition fails on a value.
    pub fn passing(&self, batch: &RecordBatch) -> Result<Option<BooleanArray>, ProjectError> {
        const NAME: &str = "dwell passes";
        let How::Polars(computed) = &self.how else { return Ok(None) };
        let Some(filter) = &computed.filter else { return Ok(None) };
        let passing = || -> PolarsResult<ArrayRef> {
            let rows = bridge::to_polars(batch)?.lazy();
            let rows = if computed.made.is_empty() { rows } else { rows.with_columns(computed.made.clone()) };
            let rows = rows.with_columns([filter.clone().alias(NAME)]).collect()?;
            bridge::to_arrow(rows.column(NAME)?.as_materialized_series())
        };
        let passing = passing().map_err(|error| ProjectError::Condition(one_line(&error)))?;
        Ok(passing.as_boolean_opt().cloned())
    }

    fn as_decoded(&self, batch: &RecordBatch) -> Result<RoleColumns, InputError> {
        let rows = batch.num_rows();
        let column = |column: &ColumnRef| {
            let values = column.file_column().and_then(|name| batch.column_by_name(name));
            let values = values.cloned().unwrap_or_else(|| nulls(rows));
            match values.data_type() {
                ArrowType::Timestamp(..)
                | ArrowType::Utf8View
                | ArrowType::Dictionary(..)
                | ArrowType::Int64
                | ArrowType::Null => Ok(values),
                _ => arrow_cast(&values, &ArrowType::Int64).map_err(|error| InputError::Unreadable {
                    reason: format!("the column `{}`: {error}", column.spelled),
                }),
            }
        };
        self.by_role(rows, |_, role| column(role))
    }

    /// Columns by role; `column` makes the one of a role, by the name that it has in a frame.
    fn by_role(
        &self,
        rows: usize,
        column: impl Fn(&str, &ColumnRef) -> Result<ArrayRef, InputError>,
    ) -> Result<RoleColumns, InputError> {
        let roles = &self.roles;
        let time = column("time", &roles.time)?;
        if self.pass == Pass::Times {
            let (users, event, value, sequence, dedup, facts) = (Vec::new(), None, None, None, None, None);
            return Ok(RoleColumns { rows, time, users, event, value, sequence, dedup, facts });
        }
        let users = roles.users.iter().enumerate();
        let optional = |role: &str, of: Option<&ColumnRef>| of.map(|of| column(role, of)).transpose();
        Ok(RoleColumns {
            rows,
            time,
            users: users.map(|(place, user)| column(&user_name(place), user)).collect::<Result<_, _>>()?,
            event: optional("event", roles.event.as_ref())?,
            value: optional("value", roles.value.as_ref().map(|value| &value.column))?,
            sequence: optional("sequence", roles.sequence.as_ref())?,
            dedup: optional("dedup", roles.dedup.as_ref())?,
            facts: None,
        })
    }

    fn computed(&self, passing: &DataFrame, computed: &Computed) -> Result<RoleColumns, ProjectError> {
        let unreadable = |error: PolarsError| InputError::Unreadable { reason: one_line(&error) };
        let rows = passing.clone().lazy().with_columns(computed.by_role.clone()).collect().map_err(unreadable)?;
        Ok(self.by_role(rows.height(), |role, column| {
            let series = rows.column(role).map_err(unreadable)?.as_materialized_series();
            if *series.dtype() == DataType::Null {
                return Ok(nulls(rows.height()));
            }
            let plain = match role {
                "time" => match series.dtype() {
                    DataType::Datetime(..) => series.clone(),
                    dtype if dtype.is_integer() => integers(series, &column.spelled)?.into_series(),
                    _ => texts(series, column)?.into_series(),
                },
                "value" => match &self.roles.value {
                    Some(value) => values(series, value)?,
                    None => series.clone(),
                },
                "sequence" => integers(series, &column.spelled)?.into_series(),
                "event" => texts(series, column)?.into_series(),
                "dedup" => unique_ids(series, column)?,
                _ if self.roles.user_type == KeyType::Int => integers(series, &column.spelled)?.into_series(),
                _ => texts(series, column)?.into_series(),
            };
            bridge::to_arrow(&plain).map_err(unreadable)
        })?)
    }
}

/// The name of a user column in a frame of columns by role.
pub fn user_name(place: usize) -> String {
    format!("user {place}")
}

fn nulls(rows: usize) -> ArrayRef {
    new_null_array(&ArrowType::Null, rows)
}

/// The rows of a batch that pass the condition, with the columns made for it.
fn passing(batch: &RecordBatch, computed: &Computed) -> Result<DataFrame, ProjectError> {
    let unreadable = |error: PolarsError| InputError::Unreadable { reason: one_line(&error) };
    let mut rows = bridge::to_polars(batch).map_err(unreadable)?.lazy();
    if !computed.made.is_empty() {
        rows = rows.with_columns(computed.made.clone());
    }
    let Some(filter) = &computed.filter else { return Ok(rows.collect().map_err(unreadable)?) };
    rows.clone().filter(filter.clone()).collect().map_err(|error| match rows.collect() {
        // Only then is it the condition that fails.
        Ok(_) => ProjectError::Condition(one_line(&error)),
        Err(error) => unreadable(error).into(),
    })
}

/// Whether a file's columns can be taken by role as they are decoded.
fn is_direct(roles: &Roles, pass: Pass, schema: &FileSchema) -> bool {
    let holds = |column: &ColumnRef, accepted: &dyn Fn(&Kind) -> bool| match &column.source {
        Source::Hive | Source::File { path: Some(_), .. } => false,
        Source::File { column: name, path: None } => {
            schema.kind(name).is_none_or(|kind| *kind == Kind::Null || accepted(kind) && same_sort(kind, &column.kind))
        }
    };
    let key = |key_type: KeyType, kind: &Kind| match key_type {
        KeyType::Text => *kind == Kind::Text,
        KeyType::Int => *kind == Kind::Int,
        _ => false,
    };
    let time = holds(&roles.time, &|kind| matches!(kind, Kind::Timestamp(_) | Kind::Int | Kind::Text));
    if pass == Pass::Times {
        return time;
    }
    time && roles.users.iter().all(|user| holds(user, &|kind| key(roles.user_type, kind)))
        && roles.event.as_ref().is_none_or(|event| holds(event, &|kind| *kind == Kind::Text))
        && roles.value.as_ref().is_none_or(|value| holds(&value.column, &|kind| key(value.key_type, kind)))
        && roles.sequence.as_ref().is_none_or(|sequence| holds(sequence, &|kind| *kind == Kind::Int))
        && roles.dedup.as_ref().is_none_or(|dedup| holds(dedup, &|kind| *kind == Kind::Text))
}

/// The text columns of roles that look at each distinct text once, and that nothing else looks at.
fn coded_columns(roles: &Roles, schema: &FileSchema, facts: Option<&FactProjection>) -> Vec<String> {
    let only_user = roles.users.first().filter(|_| roles.users.len() == 1);
    let of_roles = [only_user, roles.event.as_ref(), roles.value.as_ref().map(|value| &value.column)];
    let elsewhere = [Some(&roles.time), roles.sequence.as_ref(), roles.dedup.as_ref()];
    let names = of_roles.into_iter().flatten().filter_map(ColumnRef::file_column);
    let alone = |name: &&str| {
        let elsewhere = elsewhere.iter().flatten().any(|column| column.file_column() == Some(*name));
        let in_facts = facts.is_some_and(|facts| facts.columns.iter().any(|column| column == name));
        schema.kind(name) == Some(&Kind::Text) && !elsewhere && !in_facts
    };
    names.filter(alone).map(str::to_string).collect()
}

/// Whether a file's values are of the sort that the column has over all files.
fn same_sort(of_file: &Kind, of_all: &Kind) -> bool {
    of_file == of_all || matches!((of_file, of_all), (Kind::Timestamp(_), Kind::Timestamp(_)))
}

/// What polars says, in one line; it appends the plan that it failed in, which says nothing to who reads the
/// message.
pub fn one_line(error: &PolarsError) -> String {
    let text = error.to_string();
    let said = text.split("\n\n").next().unwrap_or_default();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
