//! The columns of a table, as its log has them.

use serde_json::Value;

use crate::events::source::kind::Kind;
use crate::job::TimeUnit;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// The columns of a schema in JSON.
///
/// # Errors
/// Why it is none.
pub fn columns_of(schema: &str) -> Result<Vec<TableColumn>, String> {
    let schema: Value = serde_json::from_str(schema).map_err(|error| format!("its schema: {error}"))?;
    fields_of(&schema)?.iter().map(column_of).collect()
}

fn fields_of(schema: &Value) -> Result<&Vec<Value>, String> {
    schema["fields"].as_array().ok_or_else(|| "its schema has no fields".to_string())
}

fn column_of(field: &Value) -> Result<TableColumn, String> {
    let name = field["name"].as_str().ok_or("a field of its schema has no name")?.to_string();
    let kind = kind_of(&field["type"])?;
    Ok(TableColumn { name, kind })
}

fn kind_of(of_type: &Value) -> Result<Kind, String> {
    if let Some(name) = of_type.as_str() {
        return Ok(kind_of_name(name));
    }
    Ok(match of_type["type"].as_str() {
        Some("struct") => {
            let columns = fields_of(of_type)?.iter().map(column_of).collect::<Result<Vec<_>, _>>()?;
            Kind::Struct(columns.into_iter().map(|column| (column.name, column.kind)).collect())
        }
        Some("map") => match kind_of(&of_type["keyType"])? {
            Kind::Text | Kind::Binary | Kind::Int => Kind::Map(Box::new(kind_of(&of_type["valueType"])?)),
            _ => Kind::Other("map".to_string()),
        },
        Some(other) => Kind::Other(other.to_string()),
        None => return Err(format!("its schema has the type {of_type}")),
    })
}

fn kind_of_name(name: &str) -> Kind {
    let decimals = || name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?.1.trim().parse().ok();
    match name {
        "string" => Kind::Text,
        "long" | "integer" | "short" | "byte" => Kind::Int,
        "float" | "double" => Kind::Float,
        "boolean" => Kind::Boolean,
        "binary" => Kind::Binary,
        "date" => Kind::Date,
        "timestamp" | "timestamp_ntz" => Kind::Timestamp(TimeUnit::Micros),
        "void" => Kind::Null,
        other => decimals().map_or_else(|| Kind::Other(other.to_string()), Kind::Decimal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_columns_with_kinds() {
        let schema = r#"{"type":"struct","fields":[
            {"name":"a","type":"long","nullable":true,"metadata":{}},
            {"name":"b","type":"decimal(10, 2)","nullable":true,"metadata":{}},
            {"name":"c","type":{"type":"struct","fields":[{"name":"d","type":"date","nullable":true,"metadata":{}}]}},
            {"name":"e","type":{"type":"map","keyType":"string","valueType":"double","valueContainsNull":true}},
            {"name":"f","type":{"type":"array","elementType":"string","containsNull":true}}]}"#;
        let kinds: Vec<Kind> = columns_of(schema).expect("a schema").into_iter().map(|column| column.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Int,
                Kind::Decimal(2),
                Kind::Struct(vec![("d".to_string(), Kind::Date)]),
                Kind::Map(Box::new(Kind::Float)),
                Kind::Other("array".to_string()),
            ]
        );
        assert!(columns_of("{}").is_err() && columns_of("{").is_err());
    }
}
