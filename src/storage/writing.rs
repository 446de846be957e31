//! Whole objects: read, written on a condition so that of two who write one wins, and removed.

use bytes::Bytes;
use object_store::{Error, GetOptions, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};
use serde::{Deserialize, Serialize};

use super::client::{wait, Client};
use super::error::StorageError;
use super::pauses::pause;
use super::trouble::Request;

/// Writers of one key that may get into each other's way, one after the other.
const MOST_CONFLICTS: u32 = 8;

/// What tells an object from others of the same key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its ETag (S3, Azure).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its generation (Google Cloud Storage).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
}

/// What has to be at a key for an object to be written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over<'v> {
    /// Whatever there is.
    Anything,
    /// Nothing.
    Nothing,
    /// The object of this version.
    Version(&'v Version),
}

/// What comes of writing an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there, in this version.
    There(Version),
    /// Something else is at its key than has to be.
    Lost,
}

impl Client {
    /// Writes an object, if at its key is what has to be there. A request that was carried out but answered by an error is
    /// made again, and finds its own object: that is no loss.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, key: &str, bytes: &Bytes, over: Over<'_>) -> Result<Written, StorageError> {
        let path = self.path(key)?;
        let mode = || match over {
            Over::Anything => PutMode::Overwrite,
            Over::Nothing => PutMode::Create,
            Over::Version(Version { etag, generation }) => {
                PutMode::Update(UpdateVersion { e_tag: etag.clone(), version: generation.clone() })
            }
        };
        let options = || PutOptions { mode: mode(), ..PutOptions::default() };
        let mut attempts = 0;
        loop {
            let put = wait(self.tried(key, Request::Write, bytes.len() as u64, || async {
                match self.store.put_opts(&path, PutPayload::from_bytes(bytes.clone()), options()).await {
                    Ok(put) => Ok(Some(Version { etag: put.e_tag, generation: put.version })),
                    Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(None),
                    Err(error) => Err(error),
                }
            }))?;
            if let Some(version) = put {
                return Ok(Written::There(version));
            }
            let there = self.read(key, bytes.len() as u64)?;
            let is_as_it_was = match (over, &there) {
                (Over::Anything, _) | (Over::Nothing, None) => true,
                (Over::Version(before), Some((_, version))) => before == version,
                _ => false,
            };
            match there {
                Some((there, version)) if there == *bytes => return Ok(Written::There(version)),
                // Somebody else wrote at the same moment, and has lost, too.
                _ if is_as_it_was && attempts < MOST_CONFLICTS => attempts += 1,
                _ => return Ok(Written::Lost),
            }
            wait(async {
                tokio::time::sleep(pause(attempts)).await;
                Ok(())
            })?;
        }
    }

    /// An object of about so many bytes with its version; `None` where there is none of this key.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, key: &str, bytes: u64) -> Result<Option<(Bytes, Version)>, StorageError> {
        let path = self.path(key)?;
        wait(self.tried(key, Request::Read, bytes, || async {
            let answer = match self.store.get_opts(&path, GetOptions::default()).await {
                Err(Error::NotFound { .. }) => return Ok(None),
                answer => answer?,
            };
            let (size, version) = (
                answer.meta.size,
                Version { etag: answer.meta.e_tag.clone(), generation: answer.meta.version.clone() },
            );
            let bytes = answer.bytes().await?;
            if bytes.len() as u64 != size {
                let source = format!("Server returned error response: of {size} bytes, {} came", bytes.len()).into();
                return Err(Error::Generic { store: "dwell", source });
            }
            Ok(Some((bytes, version)))
        }))
    }

    /// Removes an object; one that is not there is removed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, key: &str) -> Result<(), StorageError> {
        let path = self.path(key)?;
        wait(self.tried(key, Request::Remove, 0, || async {
            match self.store.delete(&path).await {
                Err(Error::NotFound { .. }) => Ok(()),
                other => other,
            }
        }))
    }
}
