//! Values inside values: fields of structs, keys of maps and of JSON text, all by one spelling (SPEC 1).

use std::collections::BTreeMap;

use polars::prelude::*;

use super::columns::{split_field, ColumnRef, Source};
use super::condition::ColumnUse;
use super::convert::uuid_text;
use super::footer::{FileSchema, Footer};
use super::kind::Kind;
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
                Some(path) => inside(col(name.as_str()), kind, path).unwrap_or_else(|| null_of(&column.kind)),
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
        // Made here: polars warns of text that is cast to a date, on stderr.
        (Some(value), Kind::Date) => match day_of_text(value) {
            Some(day) => lit(day.epoch_days()).cast(DataType::Date),
            None => null_of(kind),
        },
        (Some(value), _) => lit(value.to_string()),
    }
}

fn inside(outer: Expr, kind: &Kind, path: &str) -> Option<Expr> {
    match kind {
        Kind::Struct(fields) => {
            let (field, rest) = split_field(fields, path)?;
            let (_, kind) = fields.iter().find(|(name, _)| name == field)?;
            let value = outer.struct_().field_by_name(field);
            match rest {
                None => Some(value),
                Some(rest) => inside(value, kind, rest),
            }
        }
        Kind::Map(_) => {
            let key = path.to_string();
            let value_type = |field: &Field| match field.dtype() {
                DataType::List(entry) => match entry.as_ref() {
                    DataType::Struct(fields) => fields.get(1).map(|value| value.dtype().clone()),
                    _ => None,
                },
                _ => None,
            };
            Some(outer.map(
                move |entries| value_of_key(&entries, &key),
                move |_, field| Ok(Field::new(field.name().clone(), value_type(field).unwrap_or(DataType::Null))),
            ))
        }
        Kind::Text | Kind::Binary => {
            let path = path.to_string();
            Some(outer.cast(DataType::String).map(
                move |texts| json_scalars(&texts, &path),
                |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
            ))
        }
        _ => None,
    }
}

/// The value of `key` in each map; maps arrive as lists of entries.
fn value_of_key(entries: &Column, key: &str) -> PolarsResult<Column> {
    let name = entries.name().clone();
    let series = entries.as_materialized_series().rechunk();
    let lists = series.list()?;
    let inner = lists.get_inner();
    let fields = inner.struct_()?.fields_as_series();
    let [keys, values] = fields.as_slice() else {
        polars_bail!(ComputeError: "the map column `{name}` has entries of {} fields instead of 2", fields.len())
    };
    let keys = keys.cast(&DataType::String)?;
    let keys = keys.str()?;
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

/// The scalar at a path of each JSON text, as text; null where there is none or the text is no JSON.
fn json_scalars(texts: &Column, path: &str) -> PolarsResult<Column> {
    let values: StringChunked = texts
        .str()?
        .iter()
        .map(|text| {
            let json: serde_json::Value = serde_json::from_str(text?).ok()?;
            scalar_text(json_at(&json, path)?)
        })
        .collect();
    Ok(values.with_name(texts.name().clone()).into_column())
}

/// The value at a path: the exact key where there is one, else key by key.
fn json_at<'j>(json: &'j serde_json::Value, path: &str) -> Option<&'j serde_json::Value> {
    let object = json.as_object()?;
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| json_at(object.get(&path[..dot])?, &path[dot + 1..]))
}

fn scalar_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_paths_take_the_exact_key_first_and_give_scalars_only() {
        let json = serde_json::json!({"a": {"b": 1.5, "c.d": true, "n": null}, "a.b": "exact", "list": [1]});
        let at = |path| json_at(&json, path).and_then(scalar_text);
        assert_eq!(at("a.b").as_deref(), Some("exact"));
        assert_eq!(at("a.c.d").as_deref(), Some("true"));
        assert_eq!((at("a"), at("list"), at("a.n"), at("x.y")), (None, None, None, None));
    }
}
