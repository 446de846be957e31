//! What can be wrong with a store, or with an object in it.

/// A problem with a store. Each message names the object, and says what to check.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// A URL that names nothing which could be read.
    #[error("{url:?} cannot be read: {reason}")]
    BadUrl {
        /// The URL.
        url: String,
        /// Why not, with what to write.
        reason: String,
    },
    /// The keys or the environment do not say how to reach a store.
    #[error("{url:?} cannot be reached: {reason}")]
    Settings {
        /// The URL.
        url: String,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// No credentials were found.
    #[error("no credentials for {url:?} were found: {hint}")]
    NoCredentials {
        /// The URL.
        url: String,
        /// Where they are looked for.
        hint: String,
    },
    /// A request over http, which the job does not allow.
    #[error(
        "{url:?} would be read over http, where everybody on the way can read it and its signature: set \
         `storage.allow_http = true` if that is meant, or write https"
    )]
    PlainHttp {
        /// The URL.
        url: String,
    },
    /// There is no such bucket.
    #[error("{url:?}: there is no bucket {bucket:?}{at}; check the name{more}")]
    NoBucket {
        /// The URL.
        url: String,
        /// The bucket.
        bucket: String,
        /// At which endpoint, where the job says.
        at: String,
        /// What else to check.
        more: &'static str,
    },
    /// There is nothing at a URL.
    #[error("there is nothing at {url:?}; check `input.path`: keys are case-sensitive, and begin after the bucket")]
    Nothing {
        /// The URL.
        url: String,
    },
    /// The bucket is in another region.
    #[error("{url:?}: the bucket is in another region than {region:?}{found}; set `storage.region`, or AWS_REGION")]
    WrongRegion {
        /// The URL.
        url: String,
        /// The region that was asked.
        region: String,
        /// Where the bucket is, where the service says.
        found: String,
    },
    /// The service refuses a request.
    #[error("{url:?} is refused ({said}): {hint}")]
    Denied {
        /// The URL.
        url: String,
        /// What the service said.
        said: String,
        /// Which permission it takes.
        hint: String,
    },
    /// This machine's clock is wrong.
    #[error("{url:?} is refused ({said}): the clock of this machine is off; set it, and run again")]
    Clock {
        /// The URL.
        url: String,
        /// What the service said.
        said: String,
    },
    /// Nothing answers, or only by errors that pass.
    #[error("{url:?} cannot be read: {said}{tried}; check {check}, and run again")]
    Unreachable {
        /// The URL.
        url: String,
        /// What happened last.
        said: String,
        /// How long it was tried.
        tried: String,
        /// What to check.
        check: &'static str,
    },
    /// An object that is another one now.
    #[error(
        "{url:?} changed while it was read: it is no longer the object that was listed; run again when nothing writes to \
         the input any more"
    )]
    Changed {
        /// The URL.
        url: String,
    },
    /// An object that is gone.
    #[error(
        "{url:?} vanished while it was read: it was there when the input was listed; run again when nothing deletes from \
         the input any more"
    )]
    Vanished {
        /// The URL.
        url: String,
    },
    /// A service that does not write on a condition.
    #[error(
        "{url:?} cannot be written safely: the service does not know conditional writes (If-None-Match and If-Match), so that two \
         runs could mix their tables; write to a local folder, and sync it with the bucket"
    )]
    NoConditions {
        /// The URL.
        url: String,
    },
    /// An answer that makes no sense.
    #[error("{url:?} cannot be read: {said}")]
    Odd {
        /// The URL.
        url: String,
        /// What was said.
        said: String,
    },
    /// A signal asked the run to stop.
    #[error("interrupted; the tables are as they were")]
    Interrupted,
    /// There is no runtime for requests.
    #[error("requests to stores cannot be made: {reason}")]
    NoRuntime {
        /// Why.
        reason: String,
    },
}

impl StorageError {
    /// Whether the job is wrong, rather than the store or the way there.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            StorageError::BadUrl { .. }
                | StorageError::Settings { .. }
                | StorageError::NoCredentials { .. }
                | StorageError::PlainHttp { .. }
                | StorageError::NoBucket { .. }
                | StorageError::Nothing { .. }
                | StorageError::WrongRegion { .. }
                | StorageError::NoConditions { .. }
        )
    }
}
