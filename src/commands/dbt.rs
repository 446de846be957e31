//! `dwell dbt`: the tables of a folder as a sources file of dbt, with their columns.
//!
//! ```yaml
//! version: 2
//! sources:
//!   - name: "dwell"
//!     tables:
//!       - name: "sessions"
//!         columns:
//!           - name: "user_id"
//! ```
//!
//! Text stands in double quotes as JSON has it, which is YAML as well.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, Field};

use super::at_place::{with_tables, Access};
use crate::error::Error;
use crate::job::place::Place;
use crate::tables::error::TableError;
use crate::tables::folder::{absolute, OutputFolder};
use crate::tables::read::schema_of;
use crate::tables::schema::described::TableKind;
use crate::tables::schema::sessions::{TableName, ACTIVITY, EVENTS, SESSIONS};
use crate::tables::users::{self, USERS};
use crate::tables::write::files::files_below;

/// How things are called in dbt.
#[derive(Clone, Debug)]
pub struct Naming {
    /// The source.
    pub source: String,
    /// The schema of a warehouse that has the tables; `None` where dbt-duckdb reads the files.
    pub schema: Option<String>,
}

/// A table to describe.
struct Table {
    name: String,
    kind: TableKind,
    /// The segment that it is of; `None` for all events.
    segment: Option<String>,
    /// Its folder or its only file, within the output folder.
    path: PathBuf,
    /// One of its files.
    file: PathBuf,
    /// The key of its date folders.
    date_key: Option<&'static str>,
}

/// The sources file of a folder's tables.
///
/// # Errors
/// It is not dwell's, has no tables, or a table cannot be read.
pub fn sources(place: &Place, naming: &Naming) -> Result<String, Error> {
    let text = with_tables(place, Access::Read, || sources_of(&place.folder, naming))?;
    Ok(match &place.store {
        Some(store) => text.replace(&absolute(&place.folder).display().to_string(), &store.url),
        None => text,
    })
}

fn sources_of(folder: &Path, naming: &Naming) -> Result<String, Error> {
    if !OutputFolder::look(folder)?.before().is_something() {
        return Err(TableError::NoTables { path: folder.to_path_buf() }.into());
    }
    let folder = absolute(folder);
    let mut text = format!(
        "version: 2\nsources:\n  - name: {}\n    description: \"User sessions, made by dwell\"\n",
        quoted(&naming.source)
    );
    if let Some(schema) = &naming.schema {
        text += &format!("    schema: {}\n", quoted(schema));
    }
    text += "    tables:\n";
    for table in tables(&folder)? {
        text += &entry(&folder, &table, naming)?;
    }
    Ok(text)
}

/// The tables that are there: of all events, of segments in order of their names, and of charts.
fn tables(folder: &Path) -> Result<Vec<Table>, Error> {
    let mut tables = of_segment(folder, None)?;
    let mut segments = names_in(&folder.join("segments"))?;
    segments.sort();
    for segment in segments {
        tables.extend(of_segment(folder, Some(&segment))?);
    }
    if let Some(file) = files_below(folder, Path::new(USERS))?.into_iter().find(|file| users::owns(file)) {
        let (name, path) = (USERS.to_string(), PathBuf::from(USERS));
        let file = folder.join(file);
        tables.push(Table { name, kind: TableKind::Users, segment: None, path, file, date_key: None });
    }
    let of_charts = [
        ("measures", TableKind::Measures),
        ("histogram", TableKind::Histogram),
        ("funnel", TableKind::Funnel),
        ("time_on", TableKind::TimeOn),
    ];
    for (name, kind) in of_charts {
        let path = PathBuf::from(format!("{name}.parquet"));
        let file = folder.join(&path);
        if file.exists() {
            tables.push(Table { name: name.to_string(), kind, segment: None, path, file, date_key: None });
        }
    }
    Ok(told_apart(tables))
}

/// The sessions and the activity table of a segment, or of all events.
fn of_segment(folder: &Path, segment: Option<&str>) -> Result<Vec<Table>, Error> {
    let within = segment.map_or_else(PathBuf::new, |segment| Path::new("segments").join(segment));
    let mut tables = Vec::new();
    // Of a segment there are no events.
    for (table, kind) in [(SESSIONS, TableKind::Sessions), (ACTIVITY, TableKind::Activity), (EVENTS, TableKind::Events)]
    {
        let TableName { folder: name, date_key } = table;
        let below = folder.join(&within);
        let Some(file) = files_below(&below, Path::new(name))?.into_iter().find(|file| table.owns(file)) else {
            continue;
        };
        tables.push(Table {
            name: segment.map_or_else(|| name.to_string(), |segment| format!("{name}_{}", plain(segment))),
            kind,
            segment: segment.map(str::to_string),
            path: if table.day_of(&file).is_some() { within.join(name) } else { within.join(&file) },
            // A table without a row has no date.
            date_key: table.day_of(&file).map(|_| date_key),
            file: below.join(file),
        });
    }
    Ok(tables)
}

/// The names in a folder; none where it does not exist.
fn names_in(folder: &Path) -> Result<Vec<String>, TableError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|error| TableError::write(folder, &error))?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// A name of which SQL needs no quotes.
fn plain(name: &str) -> String {
    let letter = |letter: char| if letter.is_alphanumeric() { letter } else { '_' };
    name.to_lowercase().chars().map(letter).collect()
}

/// Names that became the same are numbered.
fn told_apart(mut tables: Vec<Table>) -> Vec<Table> {
    let mut taken = BTreeSet::new();
    for table in &mut tables {
        let name = table.name.clone();
        let mut number = 1;
        while !taken.insert(table.name.clone()) {
            number += 1;
            table.name = format!("{name}_{number}");
        }
    }
    tables
}

fn entry(folder: &Path, table: &Table, naming: &Naming) -> Result<String, Error> {
    let of = table
        .segment
        .as_ref()
        .map(|segment| {
            format!(", of the segment {}", segment.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #"))
        })
        .unwrap_or_default();
    let description = format!("{}{of}", table.kind.description());
    let mut text = format!("      - name: {}\n        description: {}\n", quoted(&table.name), quoted(&description));
    if naming.schema.is_none() {
        // dbt-duckdb reads it from there.
        let location = location(&folder.join(&table.path), table.date_key);
        text += &format!("        meta:\n          external_location: {}\n", quoted(&location));
    }
    text += "        columns:\n";
    let schema = schema_of(&table.file)?;
    let date = table.date_key.map(|key| Field::new(key, DataType::Date32, false));
    for field in date.iter().chain(schema.fields().iter().map(AsRef::as_ref)) {
        let described = table.kind.column(field.name()).unwrap_or("A column that the job adds");
        text += &format!(
            "          - name: {}\n            data_type: {}\n            description: {}\n",
            quoted(field.name()),
            sql_type(field.data_type()),
            quoted(described)
        );
    }
    Ok(text)
}

/// What reads the files in DuckDB, all of those below a folder by date, or the one file.
fn location(path: &Path, date_key: Option<&str>) -> String {
    // DuckDB takes these for wildcards, and dbt-duckdb fills in what stands in braces: a wildcard for one letter finds them.
    let path = path.to_string_lossy().replace('\'', "''").replace(['*', '[', ']', '{', '}'], "?");
    match date_key {
        Some(_) => format!("read_parquet('{path}/**/*.parquet', hive_partitioning = true)"),
        // A folder without dates.
        None if !path.ends_with(".parquet") => format!("read_parquet('{path}/*.parquet')"),
        None => format!("read_parquet('{path}')"),
    }
}

/// A column's type as DuckDB spells it.
fn sql_type(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::List(element) => return sql_type(element.data_type()) + "[]",
        DataType::Boolean => "boolean",
        DataType::Int64 => "bigint",
        DataType::UInt32 => "uinteger",
        DataType::Int32 => "integer",
        DataType::Float64 => "double",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamptz",
        _ => "varchar",
    };
    name.to_string()
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}
