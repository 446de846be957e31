//! What is in the files of a copy, known without reading them again as long as they are the same files.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::state::FileMark;

/// Where it stands in the copy.
const INDEX: &str = "_dwell/copy.json";

/// The files of a copy that are known.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    files: BTreeMap<String, Known>,
}

/// A file as it was when it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    same: Sameness,
    file: FileMark,
}

/// What changes when another file comes in a file's place, or when it is written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sameness {
    number: u64,
    changed: (i64, i64),
}

impl Index {
    /// That of a copy; empty where there is none that can be read.
    pub fn read(folder: &Path) -> Self {
        let files = fs::read(folder.join(INDEX)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Index { folder: folder.to_path_buf(), files: files.unwrap_or_default() }
    }

    /// What is in a file; `None` where there is no such file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn mark(&mut self, file: &str) -> io::Result<Option<FileMark>> {
        let path = self.folder.join(file);
        let metadata = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let same = Sameness::of(&metadata);
        if let Some(known) = self.files.get(file).filter(|known| known.same == same) {
            return Ok(Some(known.file.clone()));
        }
        let mark = mark_of(&path)?;
        self.files.insert(file.to_string(), Known { same, file: mark.clone() });
        Ok(Some(mark))
    }

    /// Keeps what is known of these files for the next time. Should that fail, they are read again.
    pub fn keep<'f>(&mut self, files: impl Iterator<Item = &'f str>) {
        let kept = files.filter_map(|file| Some((file.to_string(), self.files.get(file)?.clone())));
        self.files = kept.collect();
        let _ = fs::write(self.folder.join(INDEX), serde_json::to_vec(&self.files).unwrap_or_default());
    }
}

impl Sameness {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Sameness { number: metadata.ino(), changed: (metadata.ctime(), metadata.ctime_nsec()) }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.unwrap_or_default();
        Sameness { number: metadata.len(), changed: (modified.as_secs() as i64, i64::from(modified.subsec_nanos())) }
    }
}

/// What some bytes are.
pub fn mark_of_bytes(bytes: &[u8]) -> FileMark {
    FileMark { bytes: bytes.len() as u64, sha256: digits(&Sha256::digest(bytes)) }
}

fn mark_of(path: &Path) -> io::Result<FileMark> {
    const ROOM: usize = 1 << 18;
    let mut file = File::open(path)?;
    let (mut hash, mut bytes, mut room) = (Sha256::new(), 0, vec![0; ROOM]);
    loop {
        let read = file.read(&mut room)?;
        if read == 0 {
            return Ok(FileMark { bytes, sha256: digits(&hash.finalize()) });
        }
        hash.update(&room[..read]);
        bytes += read as u64;
    }
}

fn digits(hash: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(hash.len() * 2);
    for byte in hash {
        // Writing to text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("_dwell")).expect("made");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        write("a", "one");
        let mut index = Index::read(folder.path());
        let first = index.mark("a").expect("read").expect("there");
        assert_eq!(first, mark_of_bytes(b"one"));
        index.keep(["a"].into_iter());
        // Another file of the same size in its place.
        write("b", "two");
        fs::rename(folder.path().join("b"), folder.path().join("a")).expect("renamed");
        let mut index = Index::read(folder.path());
        assert_eq!(index.mark("a").expect("read"), Some(mark_of_bytes(b"two")));
        assert_eq!(index.mark("none").expect("read"), None);
    }
}
