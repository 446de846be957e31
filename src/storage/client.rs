//! Requests to one bucket, and waiting for them.

use std::future::Future;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use super::error::StorageError;
use super::location::{Location, Service};
use super::options::StorageOptions;
use super::pauses::pause;
use super::trouble::{trouble, Asked, Request, Trouble};
use crate::cancel;

/// As long nothing may answer.
const SILENCE: Duration = Duration::from_secs(30);
/// How long an attempt takes at most, beside a second for so many bytes.
const ATTEMPT: Duration = Duration::from_secs(60);
const BYTES_A_SECOND: u64 = 1 << 18;
/// A listing may take as long as so many bytes: a day.
const WHOLE_LISTING: u64 = BYTES_A_SECOND * 86_400;
/// Signals are looked for so often.
const LOOK: Duration = Duration::from_millis(100);

/// Where a bucket is.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The bucket.
    pub location: Location,
    /// The region that is asked (S3).
    pub region: String,
    /// The endpoint, where it is no usual one.
    pub endpoint: Option<String>,
}

/// An object as a listing tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// What tells it from other objects of the key, where the store has it.
    pub etag: Option<String>,
    /// When it was written.
    pub modified: SystemTime,
}

impl From<ObjectMeta> for Listed {
    fn from(meta: ObjectMeta) -> Self {
        let ObjectMeta { location, last_modified, size, e_tag, .. } = meta;
        Listed { key: location.to_string(), bytes: size, etag: e_tag, modified: last_modified.into() }
    }
}

/// What is directly below a prefix.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// The prefixes below it, without a slash at their end.
    pub folders: Vec<String>,
    /// The objects.
    pub objects: Vec<Listed>,
}

/// Makes requests to a bucket. Each is tried again as long as what went wrong may pass.
#[derive(Debug)]
pub struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    reach: Reach,
    concurrency: usize,
    retry_timeout: Duration,
    /// One for each request that may be under way.
    permits: Semaphore,
    /// What is kept of its objects.
    pub(super) kept: Kept,
}

/// Bytes that are kept.
#[derive(Debug, Default)]
pub(super) struct Kept(AtomicU64);

impl Kept {
    /// Counts some more, unless they would be too many.
    pub(super) fn take(&self, bytes: u64, most: u64) -> bool {
        let more = |kept: u64| Some(kept + bytes).filter(|kept| *kept <= most);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Counts some that are no longer kept.
    pub(super) fn give_back(&self, bytes: u64) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Client {
    /// Of this store.
    ///
    /// # Errors
    /// The system has no threads for requests.
    pub fn new(store: Arc<dyn ObjectStore>, reach: Reach, options: &StorageOptions) -> Result<Self, StorageError> {
        runtime()?;
        let StorageOptions { concurrency, retry_timeout, .. } = *options;
        Ok(Client {
            store,
            reach,
            concurrency,
            retry_timeout,
            permits: Semaphore::new(concurrency),
            kept: Kept::default(),
        })
    }

    /// How many requests may be under way at once.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The URL of a key.
    pub fn url_of(&self, key: &str) -> String {
        self.reach.location.url_of(key)
    }

    /// The kind of store.
    pub fn service(&self) -> Service {
        self.reach.location.service
    }

    /// All objects whose keys begin with the names of `prefix`, in ascending order of keys. Where a page of many fails, the
    /// listing goes on behind the last key that came.
    ///
    /// # Errors
    /// The bucket cannot be listed.
    pub fn list(&self, prefix: &str) -> Result<Vec<Listed>, StorageError> {
        let path = self.path(prefix)?;
        let path = Some(&path).filter(|path| !path.as_ref().is_empty());
        let listed = Mutex::new(Vec::new());
        let count = || listed.lock().unwrap_or_else(PoisonError::into_inner).len();
        let go_on = || async {
            let before = count();
            match self.list_on(path, &listed).await {
                Ok(()) => Ok(true),
                // Something came: it is tried again as if for the first time.
                Err(_) if count() > before => Ok(false),
                Err(error) => Err(error),
            }
        };
        // Each page has its own time.
        while !wait(self.tried(prefix, Request::List, WHOLE_LISTING, go_on))? {}
        let mut listed = listed.into_inner().unwrap_or_else(PoisonError::into_inner);
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    /// Adds what is listed behind the last key that is known; all of it anew, where the store keeps no order.
    async fn list_on(&self, path: Option<&Path>, listed: &Mutex<Vec<Listed>>) -> object_store::Result<()> {
        let last = {
            let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
            if !listed.is_sorted_by(|a, b| a.key < b.key) {
                listed.clear();
            }
            listed.last().map(|last| last.key.clone())
        };
        let mut found = match last {
            None => self.store.list(path),
            Some(last) => self.store.list_with_offset(path, &Path::parse(last)?),
        };
        let late = |_| {
            let source = "Server returned error response: a page of the listing does not come".into();
            object_store::Error::Generic { store: "dwell", source }
        };
        while let Some(meta) = tokio::time::timeout(ATTEMPT, found.try_next()).await.map_err(late)?? {
            listed.lock().unwrap_or_else(PoisonError::into_inner).push(Listed::from(meta));
        }
        Ok(())
    }

    /// What is directly below a prefix.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn level(&self, prefix: &str) -> Result<Level, StorageError> {
        let path = self.path(prefix)?;
        let path = Some(&path).filter(|path| !path.as_ref().is_empty());
        let found =
            wait(self.tried(prefix, Request::List, 0, || async { self.store.list_with_delimiter(path).await }))?;
        let mut folders: Vec<String> = found.common_prefixes.iter().map(Path::to_string).collect();
        let mut objects: Vec<Listed> = found.objects.into_iter().map(Listed::from).collect();
        folders.sort();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Level { folders, objects })
    }

    /// Whether the keys of some objects begin with the names of `prefix`.
    ///
    /// # Errors
    /// As [`Client::list`].
    pub fn has_any(&self, prefix: &str) -> Result<bool, StorageError> {
        let path = self.path(prefix)?;
        let first =
            wait(self.tried(prefix, Request::List, 0, || async { self.store.list(Some(&path)).try_next().await }))?;
        Ok(first.is_some())
    }

    /// Size and ETag of an object; `None` where there is none of this key.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn head(&self, key: &str) -> Result<Option<Listed>, StorageError> {
        let path = self.path(key)?;
        let found = wait(self.tried(key, Request::Head, 0, || async {
            match self.store.head(&path).await {
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                other => other.map(Some),
            }
        }))?;
        Ok(found.map(Listed::from))
    }

    /// The last bytes of the one file of a web server, with its size: one request for both, as servers that sign links do not
    /// answer any other.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn tail(&self, most: u64) -> Result<(Listed, Bytes), StorageError> {
        let options = || GetOptions { range: Some(GetRange::Suffix(most)), ..GetOptions::default() };
        let root = Path::default();
        wait(self.tried("", Request::Head, most, || async {
            let answer = self.store.get_opts(&root, options()).await?;
            let meta = answer.meta.clone();
            Ok((Listed::from(meta), answer.bytes().await?))
        }))
    }

    /// Ranges of an object, all at once, on the condition that it has this ETag.
    ///
    /// # Errors
    /// They cannot be read; the object is another one, or gone.
    pub fn ranges(&self, key: &str, etag: Option<&str>, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, StorageError> {
        let path = self.path(key)?;
        wait(try_join_all(ranges.iter().map(|range| self.range(key, &path, etag, range.clone()))))
    }

    async fn range(
        &self,
        key: &str,
        path: &Path,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        let length = range.end - range.start;
        let attempt = || async {
            let options = GetOptions {
                if_match: self.condition(etag),
                range: Some(GetRange::Bounded(range.clone())),
                ..GetOptions::default()
            };
            let answer = self.store.get_opts(path, options).await?;
            // Some servers take no conditions.
            if etag.zip(answer.meta.e_tag.as_deref()).is_some_and(|(wanted, there)| !is_same_etag(wanted, there)) {
                let source = "it has another ETag".into();
                return Err(object_store::Error::Precondition { path: path.to_string(), source });
            }
            let bytes = answer.bytes().await?;
            if bytes.len() as u64 == length {
                return Ok(bytes);
            }
            let source = format!("Server returned error response: of {length} bytes, {} came", bytes.len()).into();
            Err(object_store::Error::Generic { store: "dwell", source })
        };
        self.tried(key, Request::Read, length, attempt).await
    }

    /// The ETag as a condition has it. Azure lists them without the quotes that it wants there, and a weak one, which some web
    /// servers have, is no condition.
    fn condition(&self, etag: Option<&str>) -> Option<String> {
        let etag = etag.filter(|etag| !etag.starts_with("W/"))?;
        match self.service() {
            Service::Azure if !etag.starts_with('"') => Some(format!("\"{etag}\"")),
            _ => Some(etag.to_string()),
        }
    }

    /// A request, tried again with growing pauses as long as what goes wrong may pass.
    pub(super) async fn tried<T, F>(
        &self,
        key: &str,
        request: Request,
        bytes: u64,
        attempt: impl Fn() -> F,
    ) -> Result<T, StorageError>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let url = self.url_of(key);
        let asked = Asked {
            url: &url,
            service: self.service(),
            bucket: &self.reach.location.bucket,
            endpoint: self.reach.endpoint.as_deref(),
            region: &self.reach.region,
            request,
        };
        let mut first: Option<Instant> = None;
        let longest = ATTEMPT + Duration::from_secs(bytes / BYTES_A_SECOND);
        let mut attempts = 0;
        loop {
            let (begun, answer) = {
                // The room has as many as it was made with, and is never closed.
                let _permit = self.permits.acquire().await.map_err(|error| no_runtime(&error))?;
                // Waiting for room is not trying.
                let begun = *first.get_or_insert_with(Instant::now);
                (begun, tokio::time::timeout(longest, attempt()).await)
            };
            attempts += 1;
            let (said, is_silent) = match answer {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => match trouble(&error, &asked) {
                    Trouble::Lasting(error) => return Err(error),
                    Trouble::Passing { said, is_silent } => (said, is_silent),
                },
                Err(_) => (format!("no whole answer in {} seconds", longest.as_secs()), false),
            };
            let most = if is_silent { SILENCE.min(self.retry_timeout) } else { self.retry_timeout };
            let pause = pause(attempts);
            let spent = begun.elapsed();
            if spent + pause > most {
                let tried = format!(" ({attempts} attempts in {:.0} seconds)", spent.as_secs_f64());
                let check = match (is_silent, asked.endpoint) {
                    (true, Some(_)) => "the network, and `storage.endpoint`",
                    (true, None) => "the network, and the name in the URL",
                    (false, _) => {
                        "the state of the service, or allow more `storage.retry_timeout` or fewer requests at once \
                                   (`storage.concurrency`)"
                    }
                };
                return Err(StorageError::Unreachable { url, said, tried, check });
            }
            tracing::debug!(url, said, attempts, "trying again");
            tokio::time::sleep(pause).await;
        }
    }

    pub(super) fn path(&self, key: &str) -> Result<Path, StorageError> {
        let bad = |error: object_store::path::Error| StorageError::BadUrl {
            url: self.url_of(key),
            reason: format!("{error}; keys with empty names, or names that are dots, are not read"),
        };
        Path::parse(key).map_err(bad)
    }
}

pub(super) fn no_runtime(error: &dyn std::fmt::Display) -> StorageError {
    StorageError::NoRuntime { reason: error.to_string() }
}

/// Whether two ETags are the same, however they are quoted.
pub fn is_same_etag(one: &str, other: &str) -> bool {
    let plain = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_string();
    plain(one) == plain(other)
}

/// What carries requests out, beside the threads that decode.
pub(super) fn runtime() -> Result<&'static Runtime, StorageError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let make = || {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(2).thread_name("dwell-requests").enable_all();
        builder.build().map_err(|error| error.to_string())
    };
    RUNTIME.get_or_init(make).as_ref().map_err(|error| no_runtime(error))
}

/// Waits for an answer, or for a signal that ends the run.
pub(super) fn wait<T>(answer: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    runtime()?.block_on(async {
        let mut answer = pin!(answer);
        loop {
            if let Ok(answer) = tokio::time::timeout(LOOK, &mut answer).await {
                return answer;
            }
            cancel::check().map_err(|_| StorageError::Interrupted)?;
        }
    })
}
