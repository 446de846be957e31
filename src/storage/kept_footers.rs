//! Ends of objects, kept in a file from one run to the next: an object that is the same has the same footer, which need not
//! be fetched again. Whatever is wrong with the file, footers are fetched: it saves requests, and nothing depends on it.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::object::Object;

/// How the file begins.
const MAGIC: &[u8] = b"dwell footers 1\n";
/// Bytes of the hash at its end.
const HASH: usize = 32;
/// More bytes are not kept: to read them would take as long as to fetch what is new.
const MOST: usize = 256 << 20;

/// The footers that are known, by the URLs of their objects.
#[derive(Debug, Default)]
pub struct KeptFooters(HashMap<String, Kept>);

#[derive(Debug)]
struct Kept {
    etag: String,
    bytes: u64,
    end: Bytes,
}

impl KeptFooters {
    /// Those of a file; none where there is no such file, or where it is damaged.
    pub fn read(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|bytes| Self::parse(&bytes)).unwrap_or_default()
    }

    fn parse(file: &[u8]) -> Option<Self> {
        let (told, hash) = file.split_at_checked(file.len().checked_sub(HASH)?)?;
        if Sha256::digest(told).as_slice() != hash {
            return None;
        }
        let mut rest = told.strip_prefix(MAGIC)?;
        let mut known = HashMap::new();
        while !rest.is_empty() {
            let url = String::from_utf8(part(&mut rest)?.to_vec()).ok()?;
            let etag = String::from_utf8(part(&mut rest)?.to_vec()).ok()?;
            let bytes = u64::from_le_bytes(part(&mut rest)?.try_into().ok()?);
            let end = lz4_flex::decompress_size_prepended(part(&mut rest)?).ok()?.into();
            known.insert(url, Kept { etag, bytes, end });
        }
        Some(KeptFooters(known))
    }

    /// Has an object know its end, where that is kept.
    pub fn tell(&self, object: &Object) {
        let kept = self.0.get(object.url());
        let same = kept.filter(|kept| Some(&kept.etag) == object.etag.as_ref() && kept.bytes == object.bytes);
        if let Some(kept) = same {
            object.know_end(kept.end.clone());
        }
    }

    /// A file of the ends of some objects, each of so many bytes; `None` where none has an ETag to be known by, or where they
    /// are too many.
    pub fn file_of<'o>(objects: impl Iterator<Item = (&'o Object, u64)>) -> Option<Vec<u8>> {
        let mut file = MAGIC.to_vec();
        for (object, length) in objects {
            let (Some(etag), Some(end)) = (&object.etag, object.end(length)) else { continue };
            push(&mut file, object.url().as_bytes());
            push(&mut file, etag.as_bytes());
            push(&mut file, &object.bytes.to_le_bytes());
            push(&mut file, &lz4_flex::compress_prepend_size(&end));
            if file.len() > MOST {
                return None;
            }
        }
        if file.len() == MAGIC.len() {
            return None;
        }
        let hash = Sha256::digest(&file);
        file.extend_from_slice(hash.as_slice());
        Some(file)
    }
}

fn push(file: &mut Vec<u8>, part: &[u8]) {
    file.extend_from_slice(&(part.len() as u64).to_le_bytes());
    file.extend_from_slice(part);
}

fn part<'f>(rest: &mut &'f [u8]) -> Option<&'f [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_damaged_is_none() {
        let mut file = MAGIC.to_vec();
        push(&mut file, b"s3://b/k");
        push(&mut file, b"\"e\"");
        push(&mut file, &7_u64.to_le_bytes());
        push(&mut file, &lz4_flex::compress_prepend_size(b"the end"));
        let hash = Sha256::digest(&file);
        file.extend_from_slice(hash.as_slice());
        let known = KeptFooters::parse(&file).expect("whole");
        let kept = &known.0["s3://b/k"];
        assert_eq!((kept.etag.as_str(), kept.bytes, kept.end.as_ref()), ("\"e\"", 7, b"the end".as_slice()));
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 1;
            assert!(KeptFooters::parse(&damaged).is_none() && KeptFooters::parse(&file[..place]).is_none());
        }
    }
}
