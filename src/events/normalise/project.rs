//! Raw columns of a file to columns by role.
//!
//! Where every role is a whole column of a type that is taken as it is, the columns go on as they were
//! decoded. Where there is a value inside of another one, polars makes the columns, batch by batch.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{new_null_array, Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::{cast as arrow_cast, filter_record_batch};
use arrow::datatypes::DataType as ArrowType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::convert::{id_texts, integers, texts, unique_ids, values};
use super::error::ProjectError;
use super::uuids::uuids_as_codes;
use crate::events::bridge;
use crate::events::bridge::one_line;
use crate::events::derive::compute::{Derivation, SeenTexts};
use crate::events::error::InputError;
use crate::events::facts::fact_columns::FactProjection;
use crate::events::predicate::filter::Filter;
use crate::events::predicate::known::Seen;
use crate::events::source::columns::{ColumnRef, Source};
use crate::events::source::footer::{FileSchema, Footer};
use crate::events::source::kind::Kind;
use crate::events::source::roles::{KeyType, Roles};
use crate::sessionize::layout::columns::Coded;

/// A batch of rows as columns by role, of as few types as there are meanings; a column of which a file has
/// nothing is of type null.
#[derive(Clone, Debug)]
pub struct RoleColumns {
    /// How many rows there are.
    pub rows: usize,
    /// How many more there were that do not pass the condition.
    pub filtered: usize,
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
    /// Text, that timeouts differ by.
    pub timeout: Option<ArrayRef>,
    /// What charts and segments ask.
    pub facts: Option<Coded>,
    /// What the definition watches.
    pub watched: Option<Coded>,
}

impl RoleColumns {
    /// Of rows of which nothing but times is read.
    fn of_times(rows: usize, time: ArrayRef) -> Self {
        let (users, event, value, sequence, dedup, timeout, facts, watched) = Default::default();
        RoleColumns { rows, filtered: 0, time, users, event, value, sequence, dedup, timeout, facts, watched }
    }
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
    /// Those among them that are of use beyond the filter.
    beyond_filter: Vec<String>,
    /// Those of text that may as well come as codes of a dictionary.
    coded: Vec<String>,
    how: How,
    beside: Beside,
    /// Derived columns that the filter looks at.
    derived_before: Derivation,
    /// Those of use beyond it.
    derived_beyond: Derivation,
}

/// What a projection has besides columns by role.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Which rows pass; `None` where all do.
    pub filter: Option<Filter>,
    /// What charts and segments ask.
    pub facts: Option<FactProjection>,
    /// What the definition watches.
    pub watched: Option<FactProjection>,
}

impl Beside {
    fn facts(&self) -> impl Iterator<Item = &FactProjection> {
        self.facts.iter().chain(&self.watched)
    }
}

/// How columns by role are made.
#[derive(Clone, Debug)]
enum How {
    /// They are columns of the file.
    Direct,
    /// polars makes them, each under the name of its role.
    Polars { columns: Vec<String>, by_role: Vec<Expr> },
}

/// What is known of the batches before: of their dictionaries, and of combinations of values.
#[derive(Debug, Default)]
pub struct SeenBefore {
    filter: Seen,
    facts: Seen,
    watched: Seen,
    derived_before: SeenTexts,
    derived_beyond: SeenTexts,
    keeps_codes: bool,
}

impl SeenBefore {
    /// Nothing yet; what is text by role may come as codes of a dictionary where `keeps_codes`.
    pub fn nothing(keeps_codes: bool) -> Self {
        SeenBefore { keeps_codes, ..SeenBefore::default() }
    }
}

impl Projection {
    /// For files like this one. `by_role` says how polars makes columns by role, and is asked only where it has to.
    ///
    /// # Errors
    /// A derived column that does not fit the types of the files.
    pub fn new(
        roles: &Arc<Roles>,
        pass: Pass,
        footer: &Footer,
        beside: Beside,
        by_role: impl FnOnce() -> Vec<Expr>,
    ) -> Result<Self, InputError> {
        let schema = &*footer.schema;
        let in_file = |mut columns: Vec<String>| {
            columns.retain(|name| schema.kind(name).is_some());
            columns.sort_unstable();
            columns.dedup();
            columns
        };
        let of_roles = match pass {
            Pass::Events => roles.all().into_iter().map(|(_, column)| column).collect(),
            Pass::Times => vec![&roles.time],
        };
        let of_roles: Vec<String> =
            of_roles.iter().filter_map(|column| column.file_column()).map(str::to_string).collect();
        let of_facts = beside.facts().flat_map(|facts| facts.columns().iter().cloned());
        let named = in_file(of_roles.iter().cloned().chain(of_facts).collect());
        let of_filter = in_file(beside.filter.as_ref().map(Filter::columns).unwrap_or_default());
        let derived_before = Derivation::new(&of_filter, footer)?;
        let derived_beyond = Derivation::new(&named, footer)?;
        let beyond_filter = in_file(named.iter().chain(derived_beyond.columns()).cloned().collect());
        let all = in_file(of_filter.into_iter().chain(named).collect());
        let columns = in_file(schema.derived.in_files(&all));
        let how = match is_direct(roles, pass, schema) {
            true => How::Direct,
            false => How::Polars { columns: in_file(of_roles), by_role: by_role() },
        };
        let projection = Projection {
            roles: Arc::clone(roles),
            pass,
            columns,
            beyond_filter,
            coded: Vec::new(),
            how,
            beside,
            derived_before,
            derived_beyond,
        };
        let coded = projection.columns_as_codes(schema);
        Ok(Projection {
            derived_before: projection.derived_before.with_codes(&coded),
            derived_beyond: projection.derived_beyond.with_codes(&coded),
            coded,
            ..projection
        })
    }

    /// The text columns that are looked at text by text: those of a role that does so, those of conditions and facts, and those
    /// of which alone others are derived.
    fn columns_as_codes(&self, schema: &FileSchema) -> Vec<String> {
        let roles = &self.roles;
        if self.pass == Pass::Times {
            return Vec::new();
        }
        let several_users = roles.users.iter().filter(|_| roles.users.len() > 1);
        let by_row = several_users.chain([&roles.time]).chain(&roles.sequence).chain(&roles.dedup);
        let mut row_by_row: Vec<&str> = by_row.filter_map(ColumnRef::file_column).collect();
        row_by_row.extend(self.polars_columns());
        let derived = self.derived_before.names().chain(self.derived_beyond.names());
        let all = self.columns.iter().chain(derived);
        let names = all.filter(|name| schema.kind(name) == Some(&Kind::Text));
        names.filter(|name| !row_by_row.contains(&name.as_str())).cloned().collect()
    }

    fn polars_columns(&self) -> impl Iterator<Item = &str> {
        let of_roles = match &self.how {
            How::Direct => &[],
            How::Polars { columns, .. } => columns.as_slice(),
        };
        let of_filter = self.beside.filter.iter().flat_map(Filter::polars_columns);
        let of_facts = self.beside.facts().flat_map(FactProjection::polars_columns);
        let of_derived = self.derived_before.columns_by_row().chain(self.derived_beyond.columns_by_row());
        of_roles.iter().chain(of_filter).chain(of_facts).chain(of_derived).map(String::as_str)
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
        self.apply_beside(batch, &mut SeenBefore::default())
    }

    /// As [`Projection::apply`], where something is known of the batches before.
    ///
    /// # Errors
    /// As [`Projection::apply`].
    pub fn apply_beside(&self, batch: &RecordBatch, seen: &mut SeenBefore) -> Result<RoleColumns, ProjectError> {
        let all = batch.num_rows();
        let batch = &*match &self.beside.filter {
            Some(filter) => {
                let batch = self.derived_before.apply(batch, &mut seen.derived_before)?;
                Cow::Owned(self.only(&batch, &filter.passing(&batch, &mut seen.filter)?)?)
            }
            None => Cow::Borrowed(batch),
        };
        let batch = &*self.derived_beyond.apply(batch, &mut seen.derived_beyond)?;
        let mut roles = match &self.how {
            How::Direct => self.as_decoded(batch, seen.keeps_codes)?,
            How::Polars { columns, by_role } => self.computed(batch, columns, by_role)?,
        };
        roles.filtered = all - batch.num_rows();
        if let Some(facts) = &self.beside.facts {
            roles.facts = Some(facts.apply(batch, &mut seen.facts)?);
        }
        if let Some(watched) = &self.beside.watched {
            roles.watched = Some(watched.apply(batch, &mut seen.watched)?);
        }
        Ok(roles)
    }

    /// Which rows of a batch of these columns pass the condition; `None` where there is none.
    ///
    /// # Errors
    /// The condition fails on a value.
    pub fn passing(&self, batch: &RecordBatch) -> Result<Option<BooleanArray>, ProjectError> {
        let Some(filter) = &self.beside.filter else { return Ok(None) };
        let batch = self.derived_before.apply(batch, &mut SeenTexts::default())?;
        filter.passing(&batch, &mut Seen::default()).map(Some)
    }

    /// Some rows, of the columns that are of use beyond the filter.
    fn only(&self, batch: &RecordBatch, passing: &BooleanArray) -> Result<RecordBatch, InputError> {
        let unreadable = |error: ArrowError| InputError::Unreadable { reason: error.to_string() };
        let places = self.beyond_filter.iter().filter_map(|name| batch.schema_ref().index_of(name).ok());
        let batch = batch.project(&places.collect::<Vec<_>>()).map_err(unreadable)?;
        match passing.true_count() == batch.num_rows() {
            true => Ok(batch),
            false => filter_record_batch(&batch, passing).map_err(unreadable),
        }
    }

    fn as_decoded(&self, batch: &RecordBatch, keeps_codes: bool) -> Result<RoleColumns, InputError> {
        let rows = batch.num_rows();
        let uuids = |role: &str, uuids: &ArrayRef| match role {
            // Nobody reads these: they are as distinct in bytes.
            "dedup" => arrow_cast(uuids, &ArrowType::BinaryView),
            _ => match uuids_as_codes(uuids.as_fixed_size_binary())? {
                codes if keeps_codes => Ok(codes),
                codes => arrow_cast(&codes, &ArrowType::Utf8View),
            },
        };
        let column = |role: &str, column: &ColumnRef| {
            let values = column.file_column().and_then(|name| batch.column_by_name(name));
            let values = values.cloned().unwrap_or_else(|| nulls(rows));
            match values.data_type() {
                ArrowType::Timestamp(..)
                | ArrowType::Utf8View
                | ArrowType::Dictionary(..)
                | ArrowType::Int64
                | ArrowType::Null => Ok(values),
                ArrowType::FixedSizeBinary(_) => uuids(role, &values),
                _ => arrow_cast(&values, &ArrowType::Int64),
            }
            .map_err(|error| InputError::Unreadable { reason: format!("the column `{}`: {error}", column.spelled) })
        };
        self.by_role(rows, column)
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
            return Ok(RoleColumns::of_times(rows, time));
        }
        let users = roles.users.iter().enumerate();
        let optional = |role: &str, of: Option<&ColumnRef>| of.map(|of| column(role, of)).transpose();
        Ok(RoleColumns {
            rows,
            filtered: 0,
            time,
            users: users.map(|(place, user)| column(&user_name(place), user)).collect::<Result<_, _>>()?,
            event: optional("event", roles.event.as_ref())?,
            value: optional("value", roles.value.as_ref().map(|value| &value.column))?,
            sequence: optional("sequence", roles.sequence.as_ref())?,
            dedup: optional("dedup", roles.dedup.as_ref())?,
            timeout: optional("timeout", roles.timeout.as_ref().map(|timeout| &timeout.column))?,
            facts: None,
            watched: None,
        })
    }

    fn computed(&self, batch: &RecordBatch, columns: &[String], by_role: &[Expr]) -> Result<RoleColumns, ProjectError> {
        let unreadable = |error: PolarsError| InputError::Unreadable { reason: one_line(&error) };
        let rows = bridge::frame_of(batch, columns, &[]).map_err(unreadable)?;
        let rows = rows.lazy().with_columns(by_role).collect().map_err(unreadable)?;
        Ok(self.by_role(rows.height(), |role, column| {
            let series = rows.column(role).map_err(unreadable)?.as_materialized_series();
            if *series.dtype() == DataType::Null {
                return Ok(nulls(rows.height()));
            }
            let plain = match role {
                "time" => match series.dtype() {
                    DataType::Datetime(..) => series.clone(),
                    dtype if dtype.is_integer() || dtype.is_decimal() => integers(series, column)?.into_series(),
                    _ => texts(series, column)?.into_series(),
                },
                "value" => match &self.roles.value {
                    Some(value) => values(series, value)?,
                    None => series.clone(),
                },
                "sequence" => integers(series, column)?.into_series(),
                "event" | "timeout" => texts(series, column)?.into_series(),
                "dedup" => unique_ids(series, column)?,
                _ if self.roles.user_type == KeyType::Int => integers(series, column)?.into_series(),
                _ => id_texts(series, column)?.into_series(),
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

/// Whether a file's columns can be taken by role as they are decoded.
fn is_direct(roles: &Roles, pass: Pass, schema: &FileSchema) -> bool {
    let holds = |column: &ColumnRef, accepted: &dyn Fn(&Kind) -> bool| match &column.source {
        Source::Hive | Source::File { path: Some(_), .. } => false,
        Source::File { column: name, path: None } => {
            schema.kind(name).is_none_or(|kind| *kind == Kind::Null || accepted(kind) && same_sort(kind, &column.kind))
        }
    };
    let is_text = |kind: &Kind| matches!(kind, Kind::Text | Kind::Uuid);
    let key = |key_type: KeyType, kind: &Kind| match key_type {
        KeyType::Text => is_text(kind),
        KeyType::Int => *kind == Kind::Int,
        _ => false,
    };
    let time = holds(&roles.time, &|kind| matches!(kind, Kind::Timestamp(_) | Kind::Int | Kind::Text));
    if pass == Pass::Times {
        return time;
    }
    // Where one of several users is taken, they are of one sort.
    let user = |kind: &Kind| key(roles.user_type, kind) && (roles.users.len() == 1 || *kind != Kind::Uuid);
    time && roles.users.iter().all(|column| holds(column, &user))
        && roles.event.as_ref().is_none_or(|event| holds(event, &is_text))
        && roles.value.as_ref().is_none_or(|value| holds(&value.column, &|kind| key(value.key_type, kind)))
        && roles.sequence.as_ref().is_none_or(|sequence| holds(sequence, &|kind| *kind == Kind::Int))
        && roles.dedup.as_ref().is_none_or(|dedup| holds(dedup, &is_text))
        && roles.timeout.as_ref().is_none_or(|timeout| holds(&timeout.column, &is_text))
}

/// Whether a file's values are of the sort that the column has over all files.
fn same_sort(of_file: &Kind, of_all: &Kind) -> bool {
    of_file == of_all || matches!((of_file, of_all), (Kind::Timestamp(_), Kind::Timestamp(_)))
}
