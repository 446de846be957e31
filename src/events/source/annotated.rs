//! A file's schema as its values are read.
//!
//! Parquet marks text in more ways than one: as a string, as JSON, as the name of an enumeration. The reader checks only
//! strings to be UTF-8, and makes dictionaries of bytes of all others, whatever type it was asked for. So all text is
//! marked as strings before anything is read.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

/// A footer in whose schema all text is strings.
///
/// # Errors
/// A schema that Parquet does not allow.
pub fn text_as_strings(metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
    let file = metadata.file_metadata();
    if !file.schema_descr().columns().iter().any(|leaf| is_other_text(leaf.self_type())) {
        return Ok(metadata);
    }
    let schema = with_strings(&file.schema_descr().root_schema_ptr())?;
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_string),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(schema)),
        file.column_orders().cloned(),
    );
    let row_groups = metadata.row_groups().to_vec();
    Ok(ParquetMetaDataBuilder::new(file).set_row_groups(row_groups).build())
}

/// Whether a column is text that is not marked as strings.
fn is_other_text(leaf: &Type) -> bool {
    let info = leaf.get_basic_info();
    leaf.get_physical_type() == Physical::BYTE_ARRAY
        && match info.logical_type_ref() {
            Some(logical) => {
                matches!(logical, LogicalType::Json | LogicalType::Enum)
                    || *logical == LogicalType::String && info.converted_type() != ConvertedType::UTF8
            }
            None => matches!(info.converted_type(), ConvertedType::JSON | ConvertedType::ENUM),
        }
}

fn with_strings(schema: &TypePtr) -> Result<TypePtr, ParquetError> {
    let info = schema.get_basic_info();
    let id = info.has_id().then(|| info.id());
    if schema.is_primitive() {
        if !is_other_text(schema) {
            return Ok(Arc::clone(schema));
        }
        let text = Type::primitive_type_builder(schema.name(), Physical::BYTE_ARRAY)
            .with_repetition(info.repetition())
            .with_logical_type(Some(LogicalType::String))
            .with_converted_type(ConvertedType::UTF8)
            .with_id(id);
        return Ok(Arc::new(text.build()?));
    }
    let fields = schema.get_fields().iter().map(with_strings).collect::<Result<_, _>>()?;
    let mut group = Type::group_type_builder(schema.name())
        .with_fields(fields)
        .with_logical_type(info.logical_type_ref().cloned())
        .with_converted_type(info.converted_type())
        .with_id(id);
    if info.has_repetition() {
        group = group.with_repetition(info.repetition());
    }
    Ok(Arc::new(group.build()?))
}
