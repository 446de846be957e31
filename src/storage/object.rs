//! An object of the input: what it is, and what of it is at hand.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::client::{Client, Listed};
use super::error::StorageError;
use super::fetched::{joined, Fetched};
use super::read_at::ReadAt;

/// Bytes that are fetched from the end of an object: most footers are shorter.
pub const TAIL: u64 = 1 << 16;

/// An object as it was when it was found. Whatever is read of it is on the condition that it still is that.
pub struct Object {
    client: Arc<Client>,
    key: String,
    url: String,
    /// Its size.
    pub bytes: u64,
    /// What tells it from other objects of its key, where the store has it.
    pub etag: Option<String>,
    /// When it was written.
    pub modified: SystemTime,
    /// Its end, from some byte on, and what else was fetched and is needed again.
    end: Mutex<Option<(u64, Bytes)>>,
    kept: Mutex<Vec<(u64, Bytes)>>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("url", &self.url).field("bytes", &self.bytes).field("etag", &self.etag).finish()
    }
}

/// Two are the same where nothing tells them apart.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, self.bytes, &self.etag) == (&other.url, other.bytes, &other.etag)
    }
}

impl Eq for Object {}

impl Object {
    /// One that was found.
    pub fn new(client: Arc<Client>, listed: Listed) -> Self {
        let Listed { key, bytes, etag, modified } = listed;
        let url = client.url_of(&key);
        Object { client, key, url, bytes, etag, modified, end: Mutex::default(), kept: Mutex::default() }
    }

    /// The one file of a web server.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of_server(client: Arc<Client>) -> Result<Self, StorageError> {
        let (listed, tail) = client.tail(TAIL)?;
        let object = Object::new(client, listed);
        object.keep_end(object.bytes - tail.len() as u64, tail);
        Ok(object)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests for it and its like may be under way at once.
    pub fn concurrency(&self) -> usize {
        self.client.concurrency()
    }

    /// So many of its last bytes, where they are at hand.
    pub fn end(&self, length: u64) -> Option<Bytes> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let length_here = usize::try_from(length).ok()?;
        Fetched::new(vec![end?]).get(self.bytes.checked_sub(length)?, length_here)
    }

    /// Takes its last bytes from whoever has kept them.
    pub fn know_end(&self, end: Bytes) {
        if let Some(start) = self.bytes.checked_sub(end.len() as u64) {
            self.keep_end(start, end);
        }
    }

    /// Keeps its end, from a byte on, in place of what was kept of it.
    fn keep_end(&self, start: u64, bytes: Bytes) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some((start, bytes));
    }

    /// Gives back what is kept of its end before a byte.
    pub fn forget_before(&self, start: u64) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let shorter = end.as_ref().and_then(|(first, bytes)| {
            let skipped = usize::try_from(start.checked_sub(*first)?).ok()?;
            // A copy: a slice would hold all of it.
            (skipped > 0 && skipped <= bytes.len()).then(|| (start, Bytes::copy_from_slice(&bytes[skipped..])))
        });
        if shorter.is_some() {
            *end = shorter;
        }
    }

    /// Fetches parts of it: what is not at hand, ranges that lie close together by one request, all at once.
    ///
    /// # Errors
    /// They cannot be read; it is another object now, or gone.
    pub fn fetch(&self, wanted: Vec<Range<u64>>) -> Result<Fetched, StorageError> {
        let mut parts = self.taken(&wanted);
        parts.extend(self.end.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let at_hand = Fetched::new(parts.clone());
        let missing = joined(wanted.into_iter().filter(|range| !at_hand.has(range)).collect());
        let fetched = self.request(&missing)?;
        // What is fetched goes first: of what overlaps, it has more.
        parts.retain(|(start, bytes)| {
            let end = start + bytes.len() as u64;
            !missing.iter().any(|range| range.start <= *start && end <= range.end)
        });
        parts.extend(missing.iter().map(|range| range.start).zip(fetched));
        Ok(Fetched::new(parts))
    }

    /// Keeps what was fetched and may be wanted once more, while what is kept of all objects is at most so many bytes.
    pub fn keep(&self, fetched: &Fetched, most: u64) {
        let end =
            self.end.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(self.bytes, |(start, _)| *start);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Its end is at hand anyway.
        for (start, bytes) in fetched.parts().iter().filter(|(start, _)| *start < end) {
            if self.client.kept.take(bytes.len() as u64, most) {
                kept.push((*start, bytes.clone()));
            }
        }
    }

    /// Takes what is kept of some ranges.
    fn taken(&self, wanted: &[Range<u64>]) -> Vec<(u64, Bytes)> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let meets = |(start, bytes): &(u64, Bytes)| {
            let end = start + bytes.len() as u64;
            wanted.iter().any(|range| range.start < end && *start < range.end)
        };
        let (taken, left): (Vec<_>, Vec<_>) = kept.drain(..).partition(meets);
        *kept = left;
        taken.iter().for_each(|(_, bytes)| self.client.kept.give_back(bytes.len() as u64));
        taken
    }

    fn request(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StorageError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let beyond = ranges.iter().find(|range| range.end > self.bytes);
        if let Some(beyond) = beyond {
            let said = format!("it is damaged: it has {} bytes, and its footer tells of {}", self.bytes, beyond.end);
            return Err(StorageError::Odd { url: self.url.clone(), said });
        }
        self.client.ranges(&self.key, self.etag.as_deref(), ranges)
    }

    /// Bytes of it, from what is at hand where they are; else its end is fetched, if they are in it.
    fn bytes_at(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let held = |end: &Option<(u64, Bytes)>| {
            end.as_ref().and_then(|end| Fetched::new(vec![end.clone()]).get(range.start, length))
        };
        if let Some(bytes) = held(&end) {
            return Ok(bytes);
        }
        if end.is_none() {
            let start = self.bytes.saturating_sub(TAIL);
            let tail = self.request(std::slice::from_ref(&(start..self.bytes)))?.pop().unwrap_or_default();
            *end = Some((start, tail));
            if let Some(bytes) = held(&end) {
                return Ok(bytes);
            }
        }
        // What is at hand of its end is not asked for again.
        match end.clone() {
            Some((start, tail)) if range.start < start && range.end >= start => {
                let before = self.request(std::slice::from_ref(&(range.start..start)))?.pop().unwrap_or_default();
                let whole = Bytes::from([before, tail].concat());
                *end = Some((range.start, whole));
                Ok(held(&end).unwrap_or_default())
            }
            _ => Ok(self.request(std::slice::from_ref(&range))?.pop().unwrap_or_default()),
        }
    }
}

impl ReadAt for Object {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes)
    }

    fn read_at(&self, start: u64, most: u64) -> io::Result<Vec<u8>> {
        let end = start.saturating_add(most).min(self.bytes);
        if end <= start {
            return Ok(Vec::new());
        }
        self.bytes_at(start..end).map(Vec::from).map_err(io::Error::other)
    }
}
