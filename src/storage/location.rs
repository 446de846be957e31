//! What a URL says: a service, a bucket and a key.

use super::error::StorageError;

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Amazon S3, and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage and Data Lake.
    Azure,
    /// A web server, of one file.
    Http,
}

impl Service {
    /// Its name, as people call it.
    pub fn name(self) -> &'static str {
        match self {
            Service::S3 => "S3",
            Service::Gcs => "Google Cloud Storage",
            Service::Azure => "Azure",
            Service::Http => "the web server",
        }
    }
}

/// A place in a store: an object, or what the keys of some begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The kind of store.
    pub service: Service,
    /// The bucket or container; of a web server, the whole URL.
    pub bucket: String,
    /// The storage account, where the URL names it (Azure).
    pub account: Option<String>,
    /// The URL of the bucket, as it was given: `s3://bucket`; of a web server without what comes after the path.
    pub root: String,
    /// The key, without a slash at its beginning; of a web server none.
    pub key: String,
}

/// Whether a path is a URL: a scheme, then `://`.
pub fn is_url(path: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|sign| sign.is_ascii_alphanumeric() || "+-.".contains(sign))
    };
    path.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

impl Location {
    /// Reads a URL.
    ///
    /// # Errors
    /// A scheme that is none of the known ones, or a URL without a bucket.
    pub fn parse(url: &str) -> Result<Self, StorageError> {
        let bad = |reason: String| StorageError::BadUrl { url: url.to_string(), reason };
        let Some((scheme, rest)) = url.split_once("://") else { return Err(bad("it has no scheme".to_string())) };
        let service = match scheme.to_ascii_lowercase().as_str() {
            "s3" => Service::S3,
            "gs" => Service::Gcs,
            "az" | "abfs" | "abfss" => Service::Azure,
            "http" | "https" => Service::Http,
            "s3a" | "s3n" => return Err(bad(format!("write it as s3://{rest}"))),
            "gcs" => return Err(bad(format!("write it as gs://{rest}"))),
            "azure" | "wasb" | "wasbs" | "adl" => {
                return Err(bad(
                    "write it as az://container/path or abfss://container@account.dfs.core.windows.net/path"
                        .to_string(),
                ))
            }
            "file" => return Err(bad(format!("write it as a plain path: {rest}"))),
            _ => return Err(bad("the schemes are s3, gs, az, abfss, http and https".to_string())),
        };
        if service == Service::Http {
            return Ok(Location {
                service,
                bucket: url.to_string(),
                account: None,
                // What comes after the path may be a signature, which nobody has to see.
                root: url.split(['?', '#']).next().unwrap_or(url).to_string(),
                key: String::new(),
            });
        }
        let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (bucket, account) = match (service, host.split_once('@')) {
            (Service::Azure, Some((container, host))) => {
                let account = host.split('.').next().unwrap_or_default();
                if host.contains('.') && !host.ends_with(".core.windows.net") {
                    return Err(bad(format!(
                        "its host is not of core.windows.net; write az://{container}/…, and set `storage.endpoint` and \
                         AZURE_STORAGE_ACCOUNT_NAME"
                    )));
                }
                (container, Some(account.to_string()).filter(|account| !account.is_empty()))
            }
            _ => (host, None),
        };
        if bucket.is_empty() || bucket.contains(['*', '?', '[']) {
            return Err(bad(format!("its bucket has to be named: {scheme}://bucket/path")));
        }
        if key.starts_with('/') {
            return Err(bad("its key begins with a slash, and keys with empty names are not read".to_string()));
        }
        let root = format!("{}://{host}", scheme.to_ascii_lowercase());
        Ok(Location { service, bucket: bucket.to_string(), account, root, key: key.to_string() })
    }

    /// The URL of a key in the same bucket.
    pub fn url_of(&self, key: &str) -> String {
        match key {
            "" => self.root.clone(),
            key => format!("{}/{key}", self.root),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_paths_have_none() {
        for url in ["s3://b", "abfss://c@a.dfs.core.windows.net/x", "https://x/y", "x+y://z"] {
            assert!(is_url(url), "{url}");
        }
        for path in ["data/events", "/a://b", "a b://c", "://x", "C:\\x", "1a://b"] {
            assert!(!is_url(path), "{path}");
        }
    }

    #[test]
    fn a_url_is_a_service_a_bucket_and_a_key() {
        let of = |url: &str| {
            let Location { service, bucket, account, root, key } = Location::parse(url).expect("a location");
            (service, bucket, account, root, key)
        };
        let text = |text: &str| text.to_string();
        assert_eq!(of("s3://b/a/x=1/*.parquet").4, "a/x=1/*.parquet");
        assert_eq!(of("s3://b"), (Service::S3, text("b"), None, text("s3://b"), text("")));
        assert_eq!(of("GS://b/a"), (Service::Gcs, text("b"), None, text("gs://b"), text("a")));
        assert_eq!(of("az://c/p"), (Service::Azure, text("c"), None, text("az://c"), text("p")));
        let lake = of("abfss://c@acc.dfs.core.windows.net/p/q");
        assert_eq!((lake.1, lake.2, lake.4), (text("c"), Some(text("acc")), text("p/q")));
        assert_eq!(of("https://h/p?q=1").1, "https://h/p?q=1");
        for (url, hint) in [
            ("s3a://b/x", "s3://b/x"),
            ("s3:///x", "has to be named"),
            ("s3://b//x", "begins with a slash"),
            ("abfss://c@a.dfs.core.usgovcloudapi.net/x", "not of core.windows.net"),
            ("s3://*/x", "has to be named"),
            ("ftp://x/y", "the schemes are"),
            ("file:///x", "plain path: /x"),
            ("wasbs://c@a/x", "abfss://"),
        ] {
            let error = Location::parse(url).expect_err("no location").to_string();
            assert!(error.contains(hint), "{url}: {error}");
        }
    }
}
