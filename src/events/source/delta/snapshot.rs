//! A version of a table: the newest checkpoint up to it, and the commits after that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::actions::{lines_of, Add, DeletionVector, Line, Metadata, Protocol};
use super::checkpoint::actions_of;
use super::error::DeltaError;
use super::root::{Root, LOG};
use crate::events::error::InputError;

/// A table at a version.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version.
    pub version: u64,
    /// What it takes to read it.
    pub protocol: Protocol,
    /// Its columns and settings.
    pub metadata: Metadata,
    /// Its files, in order of their paths.
    pub files: Vec<Add>,
}

/// The names of a log's files that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LogFiles {
    /// The file of each version.
    commits: BTreeMap<u64, String>,
    /// The files of each checkpoint, by version; those that are whole.
    checkpoints: BTreeMap<u64, Vec<String>>,
}

/// What is known of a table while its log is read.
#[derive(Debug, Default)]
struct Replay {
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    /// The files, by path and by what is deleted of them.
    files: BTreeMap<(String, Option<String>), Add>,
}

impl Snapshot {
    /// Reads the log of a table up to a version, or to the latest one.
    ///
    /// # Errors
    /// It has no version, or not this one, or not all that it takes to know it; a file of it that cannot be read.
    pub fn read(root: &Root, wanted: Option<u64>) -> Result<Self, InputError> {
        let names = root.log()?;
        let log = LogFiles::of(&names);
        let latest = log.latest().ok_or_else(|| DeltaError::NoVersion { table: root.path() })?;
        if let Some(version) = wanted.filter(|version| *version > latest) {
            return Err(DeltaError::Later { table: root.path(), version, latest }.into());
        }
        let latest = wanted.unwrap_or(latest);
        let newest = log.checkpoints.range(..=latest).next_back();
        let first = newest.map_or(0, |(version, _)| version + 1);
        let mut replay = Replay::default();
        for name in newest.into_iter().flat_map(|(_, files)| files) {
            replay.checkpoint(root, name)?;
        }
        for version in first..=latest {
            let gap = || match wanted {
                Some(wanted) => DeltaError::Gone { table: root.path(), version: wanted, needed: version },
                None => DeltaError::Gap { table: root.path(), version, latest },
            };
            let name = log.commits.get(&version).ok_or_else(gap)?;
            let lines = lines_of(&root.read_log(name)?).map_err(|reason| bad_log(root, name, reason))?;
            replay.commit(lines);
        }
        let incomplete = |what: &str| {
            let reason = format!("up to version {latest}, it has no {what}");
            DeltaError::BadLog { file: root.path().join(LOG), reason }
        };
        Ok(Snapshot {
            version: latest,
            protocol: replay.protocol.ok_or_else(|| incomplete("`protocol`"))?,
            metadata: replay.metadata.ok_or_else(|| incomplete("`metaData`"))?,
            files: replay.files.into_values().collect(),
        })
    }
}

impl LogFiles {
    /// The latest version that there is.
    fn latest(&self) -> Option<u64> {
        let commit = self.commits.last_key_value().map(|(version, _)| *version);
        commit.max(self.checkpoints.last_key_value().map(|(version, _)| *version))
    }

    fn of(names: &[String]) -> Self {
        let mut found = LogFiles::default();
        // The parts of checkpoints by version and by how many there are.
        let mut parts: BTreeMap<(u64, u64), Vec<String>> = BTreeMap::new();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        for name in sorted {
            let Some((version, rest)) = version_and_rest(name) else { continue };
            match rest.split('.').collect::<Vec<_>>()[..] {
                ["json"] => {
                    found.commits.insert(version, name.clone());
                }
                ["checkpoint", "parquet"] => {
                    found.checkpoints.insert(version, vec![name.clone()]);
                }
                ["checkpoint", _, count, "parquet"] => {
                    if let Ok(count) = count.parse() {
                        parts.entry((version, count)).or_default().push(name.clone());
                    }
                }
                // The second version of checkpoints, by a UUID.
                ["checkpoint", _, "json" | "parquet"] => {
                    found.checkpoints.entry(version).or_insert_with(|| vec![name.clone()]);
                }
                _ => {}
            }
        }
        for ((version, count), files) in parts {
            if files.len() as u64 == count {
                found.checkpoints.entry(version).or_insert(files);
            }
        }
        found
    }
}

/// The version that a name begins with, and what follows.
fn version_and_rest(name: &str) -> Option<(u64, &str)> {
    const DIGITS: usize = 20;
    let (version, rest) = name.split_at_checked(DIGITS)?;
    let is_number = version.bytes().all(|byte| byte.is_ascii_digit());
    Some((version.parse().ok().filter(|_| is_number)?, rest.strip_prefix('.')?))
}

fn bad_log(root: &Root, name: &str, reason: String) -> DeltaError {
    let file: PathBuf = root.path().join(LOG).join(name);
    DeltaError::BadLog { file, reason }
}

fn id_of(path: &str, deleted: &Option<DeletionVector>) -> (String, Option<String>) {
    (path.to_string(), deleted.as_ref().map(DeletionVector::id))
}

impl Replay {
    /// Applies a file of a checkpoint, and the sidecars that it names.
    fn checkpoint(&mut self, root: &Root, name: &str) -> Result<(), InputError> {
        let bytes = root.read_log(name)?;
        let lines = if name.ends_with(".json") { lines_of(&bytes) } else { actions_of(bytes) };
        for line in lines.map_err(|reason| bad_log(root, name, reason))? {
            let Some(sidecar) = &line.sidecar else {
                self.line(line);
                continue;
            };
            // They are named without their folder.
            let name = format!("_sidecars/{}", sidecar.path);
            let lines = actions_of(root.read_log(&name)?).map_err(|reason| bad_log(root, &name, reason))?;
            lines.into_iter().for_each(|line| self.line(line));
        }
        Ok(())
    }

    /// Applies a commit: first what it removes, then what it adds.
    fn commit(&mut self, lines: Vec<Line>) {
        for remove in lines.iter().filter_map(|line| line.remove.as_ref()) {
            self.files.remove(&id_of(&remove.path, &remove.deletion_vector));
        }
        lines.into_iter().for_each(|line| self.line(line));
    }

    fn line(&mut self, line: Line) {
        if let Some(add) = line.add {
            self.files.insert(id_of(&add.path, &add.deletion_vector), add);
        }
        self.metadata = line.meta_data.or(self.metadata.take());
        self.protocol = line.protocol.or(self.protocol.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_log_are_commits_and_whole_checkpoints() {
        let version = |number: u64, rest: &str| format!("{number:020}.{rest}");
        let names = [
            version(1, "json"),
            version(2, "json"),
            version(2, "checkpoint.parquet"),
            version(2, "crc"),
            version(3, "checkpoint.0000000001.0000000002.parquet"),
            version(4, "checkpoint.0000000001.0000000002.parquet"),
            version(4, "checkpoint.0000000002.0000000002.parquet"),
            version(5, "checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json"),
            version(6, "json.tmp"),
            "_last_checkpoint".to_string(),
            "00000000000000000007.00000000000000000009.compacted.json".to_string(),
            "x".to_string(),
        ];
        let log = LogFiles::of(&names);
        assert_eq!(log.commits.keys().collect::<Vec<_>>(), [&1, &2]);
        let counts: Vec<(u64, usize)> =
            log.checkpoints.iter().map(|(version, files)| (*version, files.len())).collect();
        assert_eq!(counts, [(2, 1), (4, 2), (5, 1)]);
    }

    #[test]
    fn a_file_goes_with_what_is_deleted_of_it() {
        let mut replay = Replay::default();
        let lines = |text: &str| lines_of(text.as_bytes()).expect("lines");
        let vector = r#""deletionVector":{"storageType":"i","pathOrInlineDv":"x","sizeInBytes":1,"cardinality":1}"#;
        replay.commit(lines(r#"{"add":{"path":"a"}}"#));
        replay.commit(lines(&format!("{{\"add\":{{\"path\":\"a\",{vector}}}}}\n{{\"remove\":{{\"path\":\"a\"}}}}")));
        assert_eq!(replay.files.keys().collect::<Vec<_>>(), [&("a".to_string(), Some("ix".to_string()))]);
        replay.commit(lines(&format!("{{\"remove\":{{\"path\":\"a\",{vector}}}}}")));
        assert!(replay.files.is_empty());
    }
}
