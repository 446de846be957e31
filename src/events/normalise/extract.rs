//! Values inside values: fields of structs, keys of maps and of JSON text, all by one spelling (SPEC 1).

use std::borrow::Cow;
use std::collections::BTreeMap;

use polars::prelude::*;

use super::json::scalar_at;
use super::texts::{text_of, uuid_text};
use super::unread::Unread;
use crate::events::predicate::ColumnUse;
use crate::events::source::columns::{split_field, split_key, ColumnRef, Source};
use crate::events::source::delta::partition::micros_of;
use crate::events::source::footer::{FileSchema, Footer};
use crate::events::source::kind::{key_and_value, Kind};
use crate::job::dates::day_of_text;

/// A column of a job as an expression over the columns of one file.
pub fn expr_of(column: &ColumnRef, schema: &FileSchema, hive: &[(String, Option<String>)]) -> Expr {
    match &column.source {
        Source::Hive => {
            let value = hive.iter().find(|(key, _)| *key == column.spelled).and_then(|(_, value)| value.as_deref());
            hive_literal(value, &column.kind)
        }
        Source::File { column: name, path } => {
            let Some(kind) = schema.kind(name) else { return null_of(&column.kind) };
            match path {
                // A column of nothing but nulls has no type of its own to compare with.
                None if *kind == Kind::Null => null_of(&column.kind),
                None => col(name.as_str()),
                Some(path) => inside(col(name.as_str()), kind, path, column).unwrap_or_else(|| null_of(&column.kind)),
            }
        }
    }
}

/// The columns that conditions use and that are no whole columns of a file, by their names in the conditions.
/// Whole columns stay as they are: their statistics can rule row groups out.
pub fn made_of<'u>(uses: impl Iterator<Item = (&'u String, &'u ColumnUse)>, footer: &Footer) -> BTreeMap<String, Expr> {
    let made = uses.filter(|(_, used)| !used.column.is_plain() || is_missing(&used.column, &footer.schema));
    made.map(|(name, used)| {
        let value = expr_of(&used.column, &footer.schema, &footer.file.hive);
        let value = match used.column.kind {
            _ if used.as_number => value.cast(DataType::Float64),
            Kind::Uuid => uuid_as_text(value),
            _ => value,
        };
        (name.clone(), value.alias(name.as_str()))
    })
    .collect()
}

fn is_missing(column: &ColumnRef, schema: &FileSchema) -> bool {
    column.file_column().is_some_and(|name| schema.kind(name).is_none_or(|kind| *kind == Kind::Null))
}

/// A column of UUIDs in their usual spelling.
pub fn uuid_as_text(uuids: Expr) -> Expr {
    uuids.map(
        |uuids| {
            let text = |bytes: Option<&[u8]>| bytes.and_then(|bytes| bytes.try_into().ok()).map(uuid_text);
            let texts: StringChunked = uuids.binary()?.iter().map(text).collect();
            Ok(texts.with_name(uuids.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
    )
}

/// The polars type for a kind, where a file has no column to take it from.
fn dtype_of(kind: &Kind) -> DataType {
    match kind {
        Kind::Int => DataType::Int64,
        Kind::UInt64 => DataType::UInt64,
        Kind::Float => DataType::Float64,
        Kind::Boolean => DataType::Boolean,
        Kind::Date => DataType::Date,
        Kind::Timestamp(_) => DataType::Datetime(TimeUnit::Microseconds, None),
        Kind::Decimal(scale) => DataType::Decimal(38, usize::from(*scale)),
        Kind::Binary | Kind::Uuid => DataType::Binary,
        _ => DataType::String,
    }
}

fn null_of(kind: &Kind) -> Expr {
    lit(NULL).cast(dtype_of(kind))
}

fn hive_literal(value: Option<&str>, kind: &Kind) -> Expr {
    match (value, kind) {
        (None, kind) => null_of(kind),
        (Some(value), Kind::Int) => value.parse::<i64>().map_or_else(|_| null_of(kind), lit),
        (Some(value), Kind::Date) => day_of_text(value)
            .map_or_else(|| null_of(kind), |day| lit(Scalar::new(DataType::Date, AnyValue::Date(day.epoch_days())))),
        (Some(value), Kind::Boolean) => value.parse::<bool>().map_or_else(|_| null_of(kind), lit),
        (Some(value), Kind::Float) => value.parse::<f64>().map_or_else(|_| null_of(kind), lit),
        (Some(value), Kind::Timestamp(_)) => {
            micros_of(value).map_or_else(|| null_of(kind), |at| lit(at).cast(dtype_of(kind)))
        }
        (Some(value), Kind::Decimal(_) | Kind::Binary) => lit(value.to_string()).cast(dtype_of(kind)),
        (Some(value), _) => lit(value.to_string()),
    }
}

/// The values of some folders of one key, which are no tables' and so hold numbers, dates or text.
pub fn folder_values<'v>(name: &str, values: impl Iterator<Item = Option<&'v str>>, kind: &Kind) -> Column {
    let name = name.into();
    match kind {
        Kind::Int => {
            let numbers: Int64Chunked = values.map(|value| value?.parse().ok()).collect_ca(name);
            numbers.into_column()
        }
        Kind::Date => {
            let days: Int32Chunked = values.map(|value| Some(day_of_text(value?)?.epoch_days())).collect_ca(name);
            days.into_date().into_column()
        }
        _ => {
            let texts: StringChunked = values.collect_ca(name);
            texts.into_column()
        }
    }
}

/// What is at a path of a value of a kind; `None` where nothing can be.
fn inside(outer: Expr, kind: &Kind, path: &str, column: &ColumnRef) -> Option<Expr> {
    match kind {
        Kind::Struct(fields) => {
            let (field, rest) = split_field(fields, path)?;
            let (_, kind) = fields.iter().find(|(name, _)| name == field)?;
            let value = outer.struct_().field_by_name(field);
            match rest {
                None => Some(value),
                Some(rest) => inside(value, kind, rest, column),
            }
        }
        Kind::Map(values) => match values.as_ref() {
            Kind::Struct(fields) => match split_key(fields, path) {
                Some((key, field)) => inside(of_key(outer, key), values, field, column),
                // Perhaps of a field that this file has not.
                None => (column.kind == Kind::Mixed).then(|| first_there(of_key(outer, path))),
            },
            _ => Some(of_key(outer, path)),
        },
        Kind::Text | Kind::Binary => {
            let (path, unread) = (path.to_string(), column.unread.clone());
            Some(outer.map(
                move |texts| json_scalars(&texts, &path, &unread),
                |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
            ))
        }
        _ => None,
    }
}

/// The value of a key in each map; maps arrive as lists of entries.
fn of_key(maps: Expr, key: &str) -> Expr {
    let key = key.to_string();
    let value_type = |field: &Field| match field.dtype() {
        DataType::List(entry) => match entry.as_ref() {
            DataType::Struct(fields) => {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                fields.get(of_entry(&names).1).map(|value| value.dtype().clone())
            }
            _ => None,
        },
        _ => None,
    };
    maps.map(
        move |entries| value_of_key(&entries, &key),
        move |_, field| Ok(Field::new(field.name().clone(), value_type(field).unwrap_or(DataType::Null))),
    )
}

/// Which of the fields of an entry has its key, and which its value; maps may call them anything.
fn of_entry(fields: &[&str]) -> (usize, usize) {
    key_and_value(fields).unwrap_or((0, 1))
}

fn value_of_key(entries: &Column, key: &str) -> PolarsResult<Column> {
    let name = entries.name().clone();
    let series = entries.as_materialized_series().rechunk();
    let lists = series.list()?;
    let inner = lists.get_inner();
    let fields = inner.struct_()?.fields_as_series();
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let (keys, values) = of_entry(&names);
    let (Some(keys), Some(values)) = (fields.get(keys), fields.get(values)) else {
        polars_bail!(ComputeError: "the map column `{name}` has entries of {} fields instead of 2", fields.len())
    };
    let keys = text_of(keys)?;
    let mut found: Vec<Option<IdxSize>> = Vec::with_capacity(lists.len());
    for list in lists.downcast_iter() {
        for (row, bounds) in list.offsets().as_slice().windows(2).enumerate() {
            let missing = list.validity().is_some_and(|valid| !valid.get_bit(row));
            let mut entries = bounds[0] as usize..bounds[1] as usize;
            let at = entries.find(|entry| !missing && keys.get(*entry) == Some(key));
            found.push(at.map(|at| at as IdxSize));
        }
    }
    let places = IdxCa::from_iter_options(name.clone(), found.into_iter());
    Ok(values.take(&places)?.with_name(name).into_column())
}

/// The first field of each struct that is not null, as text.
fn first_there(structs: Expr) -> Expr {
    structs.map(
        |structs| Ok(first_text(structs.as_materialized_series())?.into_column()),
        |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
    )
}

fn first_text(structs: &Series) -> PolarsResult<StringChunked> {
    let mut first = StringChunked::full_null(structs.name().clone(), structs.len());
    for field in structs.struct_()?.fields_as_series() {
        if first.null_count() == 0 {
            break;
        }
        let texts = match field.dtype() {
            DataType::Struct(_) => first_text(&field)?,
            DataType::List(_) | DataType::Null => continue,
            _ => text_of(&field)?,
        };
        first = first.iter().zip(texts.iter()).map(|(first, next)| first.or(next)).collect();
    }
    Ok(first.with_name(structs.name().clone()))
}

/// The scalar at a path of each JSON text, as text; null where there is none or the text is no JSON.
fn json_scalars(texts: &Column, path: &str, unread: &Unread) -> PolarsResult<Column> {
    let mut broken = 0;
    let mut scalar = |text: &str| {
        let found = scalar_at(text, path);
        broken += usize::from(found.is_err());
        found.ok().flatten().map(Cow::into_owned)
    };
    let values: StringChunked = match texts.dtype() {
        DataType::Binary => {
            let texts = texts.binary()?;
            texts.iter().map(|bytes| bytes.and_then(|bytes| scalar(&String::from_utf8_lossy(bytes)))).collect()
        }
        _ => texts.str()?.iter().map(|text| text.and_then(&mut scalar)).collect(),
    };
    unread.add(broken);
    Ok(values.with_name(texts.name().clone()).into_column())
}
