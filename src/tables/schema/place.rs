//! Where the tables of all events and those of each segment are within an output folder.

use std::path::{Path, PathBuf};

use super::sessions::TableName;
use crate::sessionize::time::Day;

/// The folder of all segments.
pub const SEGMENTS: &str = "segments";

/// A table of all events, or of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePlace {
    /// Which of the two tables.
    pub table: TableName,
    /// The folder that its own is in.
    within: PathBuf,
}

impl TablePlace {
    /// The table of a segment, or of all events.
    pub fn new(table: TableName, segment: Option<&str>) -> Self {
        let within = segment.map(|segment| Path::new(SEGMENTS).join(segment)).unwrap_or_default();
        TablePlace { table, within }
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.within.join(self.table.folder)
    }

    /// The file of a date.
    pub fn file_of(&self, day: Day) -> PathBuf {
        self.within.join(self.table.file_of(day))
    }

    /// A part of the file of a date, while it is in parts.
    pub fn part_of(&self, number: usize, day: Day) -> PathBuf {
        Path::new("parts").join(number.to_string()).join(self.file_of(day)).with_extension("arrow")
    }

    /// The file of a table without rows.
    pub fn empty_file(&self) -> PathBuf {
        self.within.join(self.table.empty_file())
    }

    /// Whether a file within the output folder is one of this table.
    pub fn owns(&self, file: &Path) -> bool {
        file == self.empty_file() || self.table.day_of(file).is_some_and(|day| file == self.file_of(day))
    }
}

/// The segment that a file within the output folder is of, if it is dwell's.
pub fn segment_of(file: &Path) -> Option<&str> {
    let mut parts = file.strip_prefix(SEGMENTS).ok()?.components();
    let segment = parts.next()?.as_os_str().to_str()?;
    let known = [super::sessions::SESSIONS, super::sessions::ACTIVITY];
    known.iter().any(|table| TablePlace::new(*table, Some(segment)).owns(file)).then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::schema::sessions::{ACTIVITY, SESSIONS};

    #[test]
    fn files_are_told_apart_by_their_segment() {
        let day = Day::from_epoch_days(0);
        let (all, mobile) = (TablePlace::new(SESSIONS, None), TablePlace::new(SESSIONS, Some("mobile")));
        assert_eq!(mobile.file_of(day), Path::new("segments/mobile/sessions/session_date=1970-01-01/part-0.parquet"));
        assert!(all.owns(&all.file_of(day)) && mobile.owns(&mobile.file_of(day)) && mobile.owns(&mobile.empty_file()));
        assert!(!all.owns(&mobile.file_of(day)) && !mobile.owns(&all.file_of(day)));
        assert_eq!(segment_of(&TablePlace::new(ACTIVITY, Some("a b")).file_of(day)), Some("a b"));
        assert_eq!(segment_of(Path::new("segments/mobile/notes.txt")), None);
        assert_eq!(segment_of(&all.file_of(day)), None);
    }
}
