//! What a table was made with besides its definition: the columns that charts added, and the segment that it
//! is of. Tables say so in their metadata, so that what they lack is known before anything reads them.

use std::fs::File;
use std::path::Path;

use parquet::file::metadata::ParquetMetaDataReader;

use crate::job::{AddedColumns, Segment};
use crate::tables::error::TableError;

const ADDED: &str = "dwell.added";
const SEGMENT: &str = "dwell.segment";

/// What a table was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeWith {
    /// Its added columns, `name = what it holds` on a line each.
    pub added: String,
    /// Its segment; nothing for all events.
    pub segment: String,
}

impl MadeWith {
    /// For a table with these columns, of a segment or of all events.
    pub fn new(added: &AddedColumns, segment: Option<&Segment>) -> Self {
        MadeWith { added: added.text(), segment: segment.map(Segment::canonical).unwrap_or_default() }
    }

    /// As metadata of a table; nothing for a table that has nothing of this.
    pub fn metadata(&self) -> Vec<(&'static str, String)> {
        let all = [(ADDED, &self.added), (SEGMENT, &self.segment)];
        all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, text.clone())).collect()
    }

    /// What a file of a table says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let failed = |reason: String| TableError::Read { path: path.to_path_buf(), reason };
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let metadata =
            ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|error| failed(error.to_string()))?;
        let pairs = metadata.file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
        Ok(MadeWith { added: value(ADDED).unwrap_or_default(), segment: value(SEGMENT).unwrap_or_default() })
    }

    /// What of `needed` it lacks, in words; `None` where it lacks nothing.
    pub fn lacks(&self, needed: &MadeWith) -> Option<String> {
        if self.segment != needed.segment {
            return Some(match self.segment.as_str() {
                "" => format!("the segment {}", needed.segment),
                other => format!("the segment {} (it is the one {other})", needed.segment),
            });
        }
        let missing: Vec<&str> =
            needed.added.lines().filter(|column| !self.added.lines().any(|known| known == *column)).collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}
