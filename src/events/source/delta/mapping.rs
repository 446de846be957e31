//! Column mapping: files have columns under other names than the table, or by numbers.

use std::sync::Arc;

use parquet::arrow::ARROW_SCHEMA_META_KEY;
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use serde_json::Value;

/// How columns are found in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By names of their own.
    Name,
    /// By numbers.
    Id,
}

/// The names of a table's columns, beside those in its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    by: By,
    columns: Vec<Named>,
}

/// A column, or a field of one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: String,
    in_files: String,
    id: Option<i64>,
    inside: Inside,
}

/// What is inside of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    /// Nothing that has a name.
    Value,
    Struct(Vec<Named>),
    List(Box<Inside>),
    Map(Box<Inside>, Box<Inside>),
}

impl Mapping {
    /// That of a schema in JSON.
    ///
    /// # Errors
    /// A column that has no name in files.
    pub fn of(by: By, schema: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(schema).map_err(|error| format!("its schema: {error}"))?;
        Ok(Mapping { by, columns: fields_of(&schema)? })
    }

    /// What a column of the table is called in files.
    pub fn in_files(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.in_files.as_str())
    }

    /// What tells it from others, as far as some columns go.
    pub fn text(&self, is_meant: impl Fn(&str) -> bool) -> String {
        let columns: Vec<&Named> = self.columns.iter().filter(|column| is_meant(&column.name)).collect();
        format!("{:?} {columns:?}", self.by)
    }

    /// Whether the columns of a file can be found.
    pub fn finds(&self, metadata: &ParquetMetaData) -> bool {
        let has_id = |field: &TypePtr| field.get_basic_info().has_id();
        self.by == By::Name || root_of(metadata).get_fields().iter().any(has_id)
    }

    /// A footer in which columns have the names of the table. Those that the table does not have get names that nobody asks
    /// for.
    ///
    /// # Errors
    /// A schema that Parquet does not allow.
    pub fn named(&self, metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
        let file = metadata.file_metadata();
        let root = root_of(&metadata);
        let schema = group(root, root.name(), self.fields(root, &self.columns)?)?;
        // What a writer noted of its own types is by other names.
        let noted = file.key_value_metadata().cloned().unwrap_or_default();
        let noted = noted.into_iter().filter(|noted| noted.key != ARROW_SCHEMA_META_KEY).collect();
        let named = FileMetaData::new(
            file.version(),
            file.num_rows(),
            file.created_by().map(str::to_string),
            Some(noted),
            Arc::new(SchemaDescriptor::new(schema)),
            file.column_orders().cloned(),
        );
        let row_groups = metadata.row_groups().to_vec();
        Ok(ParquetMetaDataBuilder::new(named).set_row_groups(row_groups).build())
    }

    fn fields(&self, of: &Type, columns: &[Named]) -> Result<Vec<TypePtr>, ParquetError> {
        let field = |field: &TypePtr| {
            let info = field.get_basic_info();
            let is_it = |column: &&Named| match self.by {
                By::Name => column.in_files == info.name(),
                By::Id => info.has_id() && column.id == Some(i64::from(info.id())),
            };
            match columns.iter().find(is_it) {
                Some(column) => self.renamed(field, &column.name, &column.inside),
                None => self.renamed(field, &format!("\0{}", info.name()), &Inside::Value),
            }
        };
        of.get_fields().iter().map(field).collect()
    }

    fn renamed(&self, of: &TypePtr, name: &str, inside: &Inside) -> Result<TypePtr, ParquetError> {
        if of.is_primitive() {
            return primitive(of, name);
        }
        let fields = match inside {
            Inside::Value => of.get_fields().to_vec(),
            Inside::Struct(columns) => self.fields(of, columns)?,
            Inside::List(item) => self.entries(of, &[item])?,
            Inside::Map(key, value) => self.entries(of, &[key, value])?,
        };
        group(of, name, fields)
    }

    /// The repeated group of a list or a map, whose own names stay.
    fn entries(&self, of: &TypePtr, insides: &[&Inside]) -> Result<Vec<TypePtr>, ParquetError> {
        let entry = |entry: &TypePtr| {
            if entry.is_primitive() || entry.get_fields().len() != insides.len() {
                return Ok(Arc::clone(entry));
            }
            let parts = entry.get_fields().iter().zip(insides);
            let fields =
                parts.map(|(part, inside)| self.renamed(part, part.name(), inside)).collect::<Result<_, _>>()?;
            group(entry, entry.name(), fields)
        };
        of.get_fields().iter().map(entry).collect()
    }
}

fn root_of(metadata: &ParquetMetaData) -> &Type {
    metadata.file_metadata().schema_descr().root_schema()
}

fn fields_of(schema: &Value) -> Result<Vec<Named>, String> {
    schema["fields"].as_array().ok_or("its schema has no fields")?.iter().map(named_of).collect()
}

fn named_of(field: &Value) -> Result<Named, String> {
    let name = field["name"].as_str().ok_or("a field of its schema has no name")?.to_string();
    let metadata = &field["metadata"];
    let in_files = metadata["delta.columnMapping.physicalName"].as_str();
    let in_files =
        in_files.ok_or_else(|| format!("its schema does not say what the column {name:?} is called in files"))?;
    let id = metadata["delta.columnMapping.id"].as_i64();
    Ok(Named { in_files: in_files.to_string(), id, inside: inside_of(&field["type"])?, name })
}

fn inside_of(of_type: &Value) -> Result<Inside, String> {
    let inside = |key: &str| inside_of(&of_type[key]).map(Box::new);
    Ok(match of_type["type"].as_str() {
        Some("struct") => Inside::Struct(fields_of(of_type)?),
        Some("array") => Inside::List(inside("elementType")?),
        Some("map") => Inside::Map(inside("keyType")?, inside("valueType")?),
        _ => Inside::Value,
    })
}

fn group(of: &Type, name: &str, fields: Vec<TypePtr>) -> Result<TypePtr, ParquetError> {
    let info = of.get_basic_info();
    let mut group = Type::group_type_builder(name)
        .with_fields(fields)
        .with_logical_type(info.logical_type_ref().cloned())
        .with_converted_type(info.converted_type())
        .with_id(info.has_id().then(|| info.id()));
    if info.has_repetition() {
        group = group.with_repetition(info.repetition());
    }
    Ok(Arc::new(group.build()?))
}

fn primitive(of: &TypePtr, name: &str) -> Result<TypePtr, ParquetError> {
    let Type::PrimitiveType { basic_info, physical_type, type_length, scale, precision } = of.as_ref() else {
        return Ok(Arc::clone(of));
    };
    let column = Type::primitive_type_builder(name, *physical_type)
        .with_repetition(basic_info.repetition())
        .with_logical_type(basic_info.logical_type_ref().cloned())
        .with_converted_type(basic_info.converted_type())
        .with_length(*type_length)
        .with_precision(*precision)
        .with_scale(*scale)
        .with_id(basic_info.has_id().then(|| basic_info.id()));
    Ok(Arc::new(column.build()?))
}
