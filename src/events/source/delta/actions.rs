//! What a log says, line by line.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A line of a log, or a row of a checkpoint: one action of those that matter to readers, or none of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Line {
    /// A file becomes part of the table.
    pub add: Option<Add>,
    /// A file is no longer part of the table.
    pub remove: Option<Remove>,
    /// The table's columns and settings.
    pub meta_data: Option<Metadata>,
    /// What it takes to read the table.
    pub protocol: Option<Protocol>,
    /// A file with more rows of a checkpoint.
    pub sidecar: Option<Sidecar>,
}

/// A file that becomes part of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Add {
    /// Where it is: relative to the table, or a URL; characters may be escaped by `%`.
    pub path: String,
    /// The values of the partition columns, by their names in files.
    #[serde(default)]
    pub partition_values: BTreeMap<String, Option<String>>,
    /// Which of its rows are deleted; `None` where none is.
    #[serde(default)]
    pub deletion_vector: Option<DeletionVector>,
}

/// A file that is no longer part of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remove {
    /// Where it is.
    pub path: String,
    /// Which of its rows were deleted.
    #[serde(default)]
    pub deletion_vector: Option<DeletionVector>,
}

/// Where it is written which rows of a file are deleted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletionVector {
    /// `u`: in a file of the table that is named by a UUID; `p`: in the file of a URL; `i`: here.
    pub storage_type: String,
    /// The UUID, the URL, or the rows.
    pub path_or_inline_dv: String,
    /// The first byte in the file.
    #[serde(default)]
    pub offset: Option<u64>,
    /// How many bytes there are.
    pub size_in_bytes: u64,
    /// How many rows are deleted.
    pub cardinality: u64,
}

impl DeletionVector {
    /// What tells it from all others of a table.
    pub fn id(&self) -> String {
        let at = self.offset.map(|offset| format!("@{offset}")).unwrap_or_default();
        format!("{}{}{at}", self.storage_type, self.path_or_inline_dv)
    }
}

/// The table's columns and settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The columns, as JSON.
    pub schema_string: String,
    /// The columns that files have one value of.
    #[serde(default)]
    pub partition_columns: Vec<String>,
    /// Settings.
    #[serde(default)]
    pub configuration: BTreeMap<String, Option<String>>,
}

/// What it takes to read the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// The version of the protocol.
    pub min_reader_version: u64,
    /// From version 3 on, what of it the table uses.
    #[serde(default)]
    pub reader_features: Option<Vec<String>>,
}

/// A file with more rows of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sidecar {
    /// Its name.
    pub path: String,
}

/// The actions of a file of lines of JSON.
///
/// # Errors
/// The first line that is none, with why not.
pub fn lines_of(bytes: &[u8]) -> Result<Vec<Line>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(place, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", place + 1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_actions_and_those_that_do_not_matter_are_empty() {
        let text = concat!(
            "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n\n",
            "{\"add\":{\"path\":\"a\",\"partitionValues\":{\"d\":null},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n",
            "{\"txn\":{\"appId\":\"x\",\"version\":1}}\n",
        );
        let lines = lines_of(text.as_bytes()).expect("lines");
        assert_eq!(lines.len(), 3);
        let add = lines[1].add.clone().expect("an add");
        assert_eq!((add.path.as_str(), &add.partition_values["d"]), ("a", &None));
        let error = lines_of(b"{}\n{\"add\":{}}").expect_err("no path");
        assert!(error.starts_with("line 2: "), "{error}");
    }
}
