//! What a table may need of its readers.

use std::path::Path;

use super::actions::{Metadata, Protocol};
use super::error::DeltaError;
use super::mapping::By;

/// The feature of column mapping.
const MAPPING_FEATURE: &str = "columnMapping";

/// The features of readers that are known here, by their names in the protocol.
const KNOWN: [&str; 7] = [
    MAPPING_FEATURE,
    "deletionVectors",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

/// The setting that says how columns are found in files.
const MAPPING: &str = "delta.columnMapping.mode";

/// Makes sure that nothing a table needs of its readers is unknown here, and says how columns are found in files; `None` where
/// they have the names of the table.
///
/// # Errors
/// What is unknown, by its name.
pub fn check(table: &Path, protocol: &Protocol, metadata: &Metadata) -> Result<Option<By>, DeltaError> {
    let unsupported = |features: String, way_out: String| {
        Err(DeltaError::Unsupported { table: table.to_path_buf(), features, way_out })
    };
    let drop = |feature: &str| format!("drop it (ALTER TABLE … DROP FEATURE {feature})");
    match (protocol.min_reader_version, &protocol.reader_features) {
        (1 | 2, _) => {}
        (3, features) => {
            let unknown = features.iter().flatten().map(String::as_str).filter(|name| !KNOWN.contains(name));
            let unknown: Vec<&str> = unknown.collect();
            if let Some(first) = unknown.first() {
                let s = if unknown.len() == 1 { "" } else { "s" };
                return unsupported(format!("the reader feature{s} {}", unknown.join(", ")), drop(first));
            }
        }
        (version, _) => {
            let way_out = "write it for readers of version 3 or less".to_string();
            return unsupported(format!("version {version} of the protocol for readers"), way_out);
        }
    }
    let is_named = |features: &Vec<String>| features.iter().any(|name| name == MAPPING_FEATURE);
    if !(protocol.min_reader_version == 2 || protocol.reader_features.as_ref().is_some_and(is_named)) {
        return Ok(None);
    }
    match metadata.configuration.get(MAPPING).and_then(Option::as_deref) {
        None | Some("none") => Ok(None),
        Some("name") => Ok(Some(By::Name)),
        Some("id") => Ok(Some(By::Id)),
        Some(mode) => unsupported(format!("column mapping by {mode:?} ({MAPPING})"), drop(MAPPING_FEATURE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: u64, features: Option<&[&str]>, mapping: Option<&str>) -> Result<Option<By>, String> {
        let features = features.map(|names| names.iter().map(|name| name.to_string()).collect());
        let protocol = Protocol { min_reader_version: version, reader_features: features };
        let setting = mapping.map(|mode| (MAPPING.to_string(), Some(mode.to_string())));
        let configuration = setting.into_iter().collect();
        let metadata = Metadata { schema_string: String::new(), partition_columns: Vec::new(), configuration };
        check(Path::new("t"), &protocol, &metadata).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_unknown_is_named() {
        for version in [1, 2, 3] {
            assert_eq!(checked(version, None, Some("none")), Ok(None));
        }
        assert_eq!(checked(3, Some(&["timestampNtz", "v2Checkpoint"]), None), Ok(None));
        assert_eq!(checked(2, None, Some("name")), Ok(Some(By::Name)));
        assert_eq!(checked(3, Some(&["columnMapping"]), Some("id")), Ok(Some(By::Id)));
        // Where the protocol does not ask for it, it is no more than a setting.
        assert_eq!((checked(1, None, Some("id")), checked(3, Some(&[]), Some("id"))), (Ok(None), Ok(None)));
        assert!(checked(2, None, Some("hash")).expect_err("unknown").contains("\"hash\""));
        let error = checked(3, Some(&["v2Checkpoint", "catalogManaged", "new"]), None).expect_err("unknown");
        assert!(
            error.contains("features catalogManaged, new,") && error.contains("DROP FEATURE catalogManaged"),
            "{error}"
        );
        assert!(checked(4, None, None).expect_err("unknown").contains("version 4"));
    }
}
