//! What a table was made with besides its definition: the columns that charts added, the segment that it is of, and whether
//! its sessions are numbered by user. Tables say so in their metadata, so that what they lack is known before anything reads them.

use std::fs::File;
use std::path::Path;

use parquet::file::metadata::ParquetMetaDataReader;

use crate::job::added::{AddedColumn, AS};
use crate::job::{AddedColumns, Job, Segment};
use crate::tables::error::TableError;

const ADDED: &str = "dwell.added";
const SEGMENT: &str = "dwell.segment";
const HISTORY: &str = "dwell.history";

/// What a table was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeWith {
    /// Its added columns, `name = what it holds` on a line each.
    pub added: String,
    /// Its segment; nothing for all events.
    pub segment: String,
    /// Whether its sessions are numbered by user.
    pub history: bool,
}

impl MadeWith {
    /// For a table with these columns, of a segment or of all events.
    pub fn new(added: &AddedColumns, segment: Option<&Segment>) -> Self {
        let segment = segment.map(Segment::canonical).unwrap_or_default();
        MadeWith { added: added.text(), segment, history: false }
    }

    /// For the events table of a job, with the columns that it names.
    pub fn of_events(job: &Job) -> Self {
        MadeWith { added: job.output.listed.clone(), ..MadeWith::default() }
    }

    /// The same of a sessions table whose sessions are numbered by user, or not.
    pub fn with_history(self, history: bool) -> Self {
        MadeWith { history, ..self }
    }

    /// As metadata of a table; nothing for a table that has nothing of this.
    pub fn metadata(&self) -> Vec<(&'static str, String)> {
        let history = if self.history { "true" } else { "" };
        let all = [(HISTORY, history), (ADDED, &self.added), (SEGMENT, &self.segment)];
        all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, text.to_string())).collect()
    }

    /// Of what [`MadeWith::metadata`] gives, key and value after one another.
    pub fn of_text(text: &str) -> Self {
        let key = |key: &str| format!(" {key} ");
        let numbered = text.strip_prefix(&format!("{}true", key(HISTORY)));
        let (text, history) = (numbered.unwrap_or(text), numbered.is_some());
        let (added, segment) = match text.rsplit_once(&key(SEGMENT)) {
            Some((added, segment)) => (added, segment),
            None => (text, ""),
        };
        let added = added.strip_prefix(&key(ADDED)).unwrap_or_default();
        MadeWith { added: added.to_string(), segment: segment.to_string(), history }
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
        Ok(MadeWith {
            added: value(ADDED).unwrap_or_default(),
            segment: value(SEGMENT).unwrap_or_default(),
            history: value(HISTORY).is_some(),
        })
    }

    /// The name of the column that holds something.
    pub fn name_of(&self, contents: &str) -> Option<&str> {
        let held = format!(" = {contents}\n");
        self.added.match_indices(&held).find_map(|(at, _)| {
            let name = self.added[..at].rsplit('\n').next()?;
            (!name.contains(" = ")).then_some(name)
        })
    }

    /// What it lacks to be written anew with these columns, without reading events; `None` where it lacks nothing.
    pub fn lacks_for(&self, columns: &AddedColumns, segment: Option<&Segment>) -> Option<String> {
        let of_segment = self.lacks(&MadeWith { added: String::new(), ..MadeWith::new(columns, segment) });
        of_segment.or_else(|| {
            let of_events = columns.columns().iter().filter(|column| column.contents.holds().is_some());
            let lacking: Vec<String> =
                of_events.filter(|column| self.name_of(&column.held()).is_none()).map(in_words).collect();
            (!lacking.is_empty()).then(|| lacking.join(", "))
        })
    }

    /// What of `needed` it lacks, in words; `None` where it lacks nothing.
    pub fn lacks(&self, needed: &MadeWith) -> Option<String> {
        if self.segment != needed.segment {
            return Some(match self.segment.as_str() {
                "" => format!("the segment {}", needed.segment),
                other => format!("the segment {} (it is the one {other})", needed.segment),
            });
        }
        // Who does not know the types of values takes any.
        let is_it = |known: &str, column: &str| {
            known == column || !column.contains(AS) && known.split(AS).next() == Some(column)
        };
        let history = (needed.history && !self.history).then(|| "the history of users (`output.history`)".to_string());
        let missing: Vec<String> = needed
            .added
            .lines()
            .filter(|column| !self.added.lines().any(|known| is_it(known, column)))
            .map(|column| column.replace(AS, " as "))
            .chain(history)
            .collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}

fn in_words(column: &AddedColumn) -> String {
    column.held().replace(AS, " as ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(made_with: &MadeWith) -> String {
        made_with.metadata().into_iter().map(|(key, value)| format!(" {key} {value}")).collect()
    }

    #[test]
    fn what_a_table_was_made_with_is_read_back_from_text() {
        let of = |added: &str, segment: &str| MadeWith {
            added: added.to_string(),
            segment: segment.to_string(),
            history: false,
        };
        for made_with in
            [of("", ""), of("a = count of any event\n", ""), of("", "by x"), of("a = x\nb = y\n", "where p\n> 1")]
        {
            for made_with in [made_with.clone(), made_with.with_history(true)] {
                assert_eq!(MadeWith::of_text(&text(&made_with)), made_with);
            }
        }
    }

    #[test]
    fn columns_are_found_by_what_they_hold() {
        let added =
            "a = first p of any event\nb = count of \"x\" where p = 'a = count of any event'\nc = when x\n= 5\n";
        let made_with = MadeWith { added: added.to_string(), ..MadeWith::default() };
        assert_eq!(made_with.name_of("first p of any event"), Some("a"));
        assert_eq!(made_with.name_of("count of any event"), None);
        assert_eq!(made_with.name_of("count of \"x\" where p = 'a = count of any event'"), Some("b"));
        assert_eq!(made_with.name_of("when x\n= 5"), Some("c"));
    }
}
