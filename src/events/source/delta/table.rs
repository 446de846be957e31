//! The files of a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::actions::Add;
use super::deleted::Deletions;
use super::error::DeltaError;
use super::features::check;
use super::mapping::{By, Mapping};
use super::partition::partition_value;
use super::root::{Root, LOG};
use super::schema::columns_of;
use super::snapshot::Snapshot;
use super::table_file::{TableFile, TableView};
use crate::events::error::InputError;
use crate::events::source::input_file::InputFile;

/// The files of a version of a table, or of the latest one.
///
/// # Errors
/// A log that cannot be read, a version that is not in it, a table that needs more than is known here or has no files, a file that
/// is not there.
pub fn files_of(root: &Root, version: Option<u64>) -> Result<Vec<InputFile>, InputError> {
    let snapshot = Snapshot::read(root, version)?;
    let by = check(&root.path(), &snapshot.protocol, &snapshot.metadata)?;
    let view = Arc::new(view_of(root, &snapshot, by)?);
    if snapshot.files.is_empty() {
        return Err(DeltaError::Empty { table: root.path(), version: snapshot.version }.into());
    }
    tracing::info!(table = view.name, version = snapshot.version, files = snapshot.files.len(), "Delta table");
    snapshot.files.iter().map(|add| file_of(root, &view, add)).collect()
}

fn view_of(root: &Root, snapshot: &Snapshot, by: Option<By>) -> Result<TableView, InputError> {
    let bad = |reason: String| DeltaError::BadLog { file: root.path().join(LOG), reason };
    let columns = columns_of(&snapshot.metadata.schema_string).map_err(bad)?;
    let mapping = by.map(|by| Mapping::of(by, &snapshot.metadata.schema_string)).transpose().map_err(bad)?;
    let mut partitions = BTreeMap::new();
    for name in &snapshot.metadata.partition_columns {
        let column = columns.iter().find(|column| column.name == *name);
        let column =
            column.ok_or_else(|| bad(format!("its schema has no column {name:?}, which it is partitioned by")))?;
        partitions.insert(name.clone(), column.kind.clone());
    }
    let path = root.path();
    let name = path.canonicalize().unwrap_or(path).to_string_lossy().into_owned();
    Ok(TableView { name, version: snapshot.version, columns, partitions, mapping })
}

fn file_of(root: &Root, view: &Arc<TableView>, add: &Add) -> Result<InputFile, InputError> {
    let place = root.named(&add.path)?;
    let mut values = Vec::with_capacity(view.partitions.len());
    for (name, kind) in &view.partitions {
        let in_log = view.mapping.as_ref().and_then(|mapping| mapping.in_files(name)).unwrap_or(name);
        let text = add.partition_values.get(in_log).and_then(Option::as_deref);
        let bad = |()| DeltaError::BadLog {
            file: root.path().join(LOG),
            reason: format!(
                "of {:?}, the value {:?} of the column {name:?} is not {}",
                add.path,
                text,
                kind.in_words()
            ),
        };
        values.push((name.clone(), partition_value(text, kind).map_err(bad)?));
    }
    let deletions = add.deletion_vector.as_ref().map(|vector| Deletions::of(root, vector)).transpose()?;
    let table = Some(Arc::new(TableFile { table: Arc::clone(view), deletions }));
    Ok(InputFile { path: place.path, hive: values, folder_kinds: None, object: place.object, table })
}
