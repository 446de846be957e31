//! The lines of a file, plain or compressed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

use super::error::ImportError;

/// The most bytes of a line: longer than any event is.
const MOST: u64 = 64 << 20;
const BUFFER: usize = 1 << 20;

/// The lines of a file, one after the other, without the empty ones.
pub struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// The number of the last line, from 1.
    number: u64,
    /// Whether no line was found yet.
    is_first: bool,
    line: Vec<u8>,
}

/// Whether bytes begin as those of zstd do: with a frame, or with one to be skipped.
fn is_zstd(begins: &[u8]) -> bool {
    matches!(begins, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// What files that are no lines begin with, what they are, and what to do about it.
const OTHER_KINDS: [(&[u8], &str, &str); 5] = [
    (b"PK\x03\x04", "a zip archive", "unzip it first (`unzip -d FOLDER ARCHIVE.zip`), and import the folder"),
    (b"PAR1", "Parquet already", "give it to `dwell run` as it is"),
    (b"BZh", "compressed by bzip2", "`bunzip2` it first"),
    (b"\xfd7zXZ", "compressed by xz", "`unxz` it first"),
    (b"Obj\x01", "Avro", "export JSON or Parquet instead"),
];

impl Lines {
    /// Begins to read a file; how it is compressed is told by how it begins.
    ///
    /// # Errors
    /// It cannot be opened, or is something else.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { path: path.to_path_buf(), line: 0, source };
        let mut file = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
        let begins = file.fill_buf().map_err(failed)?;
        if let Some((_, what, way_out)) = OTHER_KINDS.into_iter().find(|(magic, ..)| begins.starts_with(magic)) {
            return Err(ImportError::OtherKind { path: path.to_path_buf(), what, way_out });
        }
        let reader: Box<dyn BufRead> = if begins.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
        } else if is_zstd(begins) {
            Box::new(BufReader::with_capacity(BUFFER, Decoder::with_buffer(file).map_err(failed)?))
        } else {
            Box::new(file)
        };
        Ok(Lines { path: path.to_path_buf(), reader, number: 0, is_first: true, line: Vec::new() })
    }

    /// The next line that is not empty, with its number.
    ///
    /// # Errors
    /// The file cannot be read to its end; a line without end; a file that is one JSON array.
    pub fn next_line(&mut self) -> Result<Option<(u64, &[u8])>, ImportError> {
        loop {
            self.line.clear();
            let read = self.reader.by_ref().take(MOST).read_until(b'\n', &mut self.line);
            let read =
                read.map_err(|source| ImportError::Read { path: self.path.clone(), line: self.number, source })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.line.last() == Some(&b'\n') {
                self.line.pop();
            } else if read as u64 == MOST {
                return Err(ImportError::LongLine { path: self.path.clone(), line: self.number, most: MOST });
            }
            let content = self.line.trim_ascii();
            let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start();
            if self.is_first && content.starts_with(b"[") {
                let (what, way_out) = ("one JSON array", "`jq -c '.[]' FILE` makes lines of it");
                return Err(ImportError::OtherKind { path: self.path.clone(), what, way_out });
            }
            if !content.is_empty() {
                self.is_first = false;
                return Ok(Some((self.number, &self.line)));
            }
        }
    }
}
