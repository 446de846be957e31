//! Which rows of a file are deleted.

use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::BooleanArray;
use bytes::Bytes;
use flate2::Crc;
use parquet::arrow::arrow_reader::RowSelection;
use roaring::RoaringTreemap;

use super::actions::DeletionVector;
use super::error::DeltaError;
use super::root::{Place, Root};
use super::z85::z85_bytes;
use crate::events::error::InputError;
use crate::events::normalise::texts::uuid_text;

/// Where it is written which rows of a file are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletions {
    vector: DeletionVector,
    /// The file that it is in; `None` where the log itself has it.
    place: Option<Place>,
}

/// The deleted rows of a file, by their numbers from its first.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted(RoaringTreemap);

impl Deletions {
    /// As a table's log names them.
    ///
    /// # Errors
    /// Their file is not there, or they are in none of the places that there are.
    pub fn of(root: &Root, vector: &DeletionVector) -> Result<Self, InputError> {
        let place = match vector.storage_type.as_str() {
            "i" => None,
            "p" => Some(root.named(&vector.path_or_inline_dv)?),
            "u" => {
                let path = path_of(&vector.path_or_inline_dv).map_err(|reason| bad(&root.path(), &reason))?;
                Some(root.named(&path)?)
            }
            other => return Err(bad(&root.path(), &format!("one is stored as {other:?}"))),
        };
        Ok(Deletions { vector: vector.clone(), place })
    }

    /// What tells them from others of the table.
    pub fn id(&self) -> String {
        self.vector.id()
    }

    /// Reads which rows are deleted, of a file that has this many.
    ///
    /// # Errors
    /// They cannot be read, or are not of this file.
    pub fn read(&self, file: &Path, rows: u64) -> Result<Deleted, InputError> {
        let bad = |reason: String| bad(file, &reason);
        let bytes = match &self.place {
            None => z85_bytes(&self.vector.path_or_inline_dv).map(Bytes::from).map_err(bad)?,
            Some(place) => self.bytes_at(place)?,
        };
        let size = usize::try_from(self.vector.size_in_bytes).unwrap_or(usize::MAX);
        // Text in place of bytes comes in fours.
        let bytes = bytes.get(..size).ok_or_else(|| bad(format!("of {size} bytes, {} are there", bytes.len())))?;
        let deleted = parse(bytes).map_err(bad)?;
        let count = deleted.0.len();
        if count != self.vector.cardinality {
            return Err(bad(format!("the log says {} rows, and {count} are there", self.vector.cardinality)));
        }
        match deleted.0.max() {
            Some(last) if last >= rows => Err(bad(format!("row {last} of {rows} would be deleted"))),
            _ => Ok(deleted),
        }
    }

    /// Reads them from a file, where their size stands before them and a checksum after them.
    fn bytes_at(&self, place: &Place) -> Result<Bytes, InputError> {
        const SIZE: u64 = 4;
        let size = self.vector.size_in_bytes;
        let bytes = place.read(Some((self.vector.offset.unwrap_or(0), size.saturating_add(2 * SIZE))))?;
        let damaged = |reason: &str| bad(&place.path, reason);
        let number = |at: u64| {
            let at = usize::try_from(at).ok()?;
            bytes.get(at..at + 4)?.try_into().map(u32::from_be_bytes).ok()
        };
        if number(0).map(u64::from) != Some(size) {
            return Err(damaged("their size is not the one of the log"));
        }
        let Some(sum) = number(SIZE + size) else { return Err(damaged("the file ends in the midst of them")) };
        let inner = bytes.slice(SIZE as usize..(SIZE + size) as usize);
        let mut crc = Crc::new();
        crc.update(&inner);
        if sum != crc.sum() {
            return Err(damaged("their sum is wrong"));
        }
        Ok(inner)
    }
}

/// Reads bitmaps in the portable format of roaring bitmaps, several by their upper 32 bits.
fn parse(bytes: &[u8]) -> Result<Deleted, String> {
    const MAGIC: [u8; 4] = 1_681_511_377_u32.to_le_bytes();
    let bitmaps = bytes.strip_prefix(&MAGIC).ok_or("they are in a format that is not known")?;
    RoaringTreemap::deserialize_from(bitmaps).map(Deleted).map_err(|error| error.to_string())
}

fn bad(file: &Path, reason: &str) -> InputError {
    let (file, reason) = (PathBuf::from(file), reason.to_string());
    DeltaError::BadDeletions { file, reason }.into()
}

/// The path of a file that is named by a UUID in twenty characters, behind the name of a folder where there is one.
fn path_of(named: &str) -> Result<String, String> {
    const CHARACTERS: usize = 20;
    let start = named.len().checked_sub(CHARACTERS).filter(|start| named.is_char_boundary(*start));
    let (folder, id) = named.split_at(start.ok_or_else(|| format!("{named:?} names no file"))?);
    let id: [u8; 16] = z85_bytes(id)?.try_into().map_err(|_| format!("{named:?} names no file"))?;
    let name = format!("deletion_vector_{}.bin", uuid_text(id));
    Ok(if folder.is_empty() { name } else { format!("{folder}/{name}") })
}

impl Deleted {
    /// How many rows among some are deleted.
    pub fn count(&self, rows: Range<u64>) -> u64 {
        self.0.range_cardinality(rows)
    }

    /// Which of some rows are not deleted; `None` where all are there.
    pub fn kept(&self, rows: Range<u64>) -> Option<BooleanArray> {
        if self.count(rows.clone()) == 0 {
            return None;
        }
        let mut kept = vec![true; usize::try_from(rows.end - rows.start).ok()?];
        let mut deleted = self.0.iter();
        deleted.advance_to(rows.start);
        for row in deleted.take_while(|row| *row < rows.end) {
            kept[(row - rows.start) as usize] = false;
        }
        Some(BooleanArray::from(kept))
    }

    /// The rows among some that are not deleted, as a reader of them takes it; `None` where all are there.
    pub fn selection(&self, rows: Range<u64>) -> Option<RowSelection> {
        self.kept(rows).map(|kept| RowSelection::from_filters(&[kept]))
    }
}
