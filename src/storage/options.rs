//! How stores are reached: the keys of `[storage]`, validated.

use std::time::Duration;

/// Requests that are under way at once, where the job does not say.
const CONCURRENCY: usize = 16;
/// How long a request is tried again, where the job does not say.
const RETRY_TIMEOUT: Duration = Duration::from_secs(180);

/// How stores are reached. What is not set is taken from where the tools of each cloud look for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageOptions {
    /// The URL of the service, for others than those of the clouds.
    pub endpoint: Option<String>,
    /// The region of the bucket (S3).
    pub region: Option<String>,
    /// Whether the bucket is in the path of a request's URL (`true`), or in its host.
    pub path_style: Option<bool>,
    /// Whether requests may go over http, where everybody on the way can read them.
    pub allow_http: Option<bool>,
    /// Whether requests are not signed, as for public buckets.
    pub skip_signature: Option<bool>,
    /// Whether the one who asks pays (S3).
    pub request_payer: Option<bool>,
    /// Requests that are under way at once.
    pub concurrency: usize,
    /// How long a request is tried again that fails in passing.
    pub retry_timeout: Duration,
}

impl Default for StorageOptions {
    fn default() -> Self {
        StorageOptions {
            endpoint: None,
            region: None,
            path_style: None,
            allow_http: None,
            skip_signature: None,
            request_payer: None,
            concurrency: CONCURRENCY,
            retry_timeout: RETRY_TIMEOUT,
        }
    }
}
