//! The keys of `[storage]`, and of `[input.storage]` over them.

use std::time::Duration;

use super::duration::parse_duration;
use super::error::JobError;
use super::file::StorageKeys;
use crate::storage::options::StorageOptions;

/// Requests at once, at most: more than any service wants of one reader.
const MOST: i64 = 256;

/// How the stores of the input are reached.
///
/// # Errors
/// An empty name, no requests or too many, a duration that is none.
pub fn options(of_all: StorageKeys, of_input: Option<StorageKeys>) -> Result<StorageOptions, JobError> {
    let keys = of_all.merge(of_input.unwrap_or_default());
    for (key, value) in [("storage.endpoint", &keys.endpoint), ("storage.region", &keys.region)] {
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            return Err(JobError::Empty { key });
        }
    }
    let defaults = StorageOptions::default();
    let concurrency = match keys.concurrency {
        None => defaults.concurrency,
        Some(requests @ 1..=MOST) => requests as usize,
        Some(other) => {
            let hint = format!("it is how many requests are under way at once, from 1 to {MOST}");
            return Err(JobError::Choice { key: "storage.concurrency", value: other.to_string(), hint });
        }
    };
    let retry_timeout = match &keys.retry_timeout {
        None => defaults.retry_timeout,
        Some(text) => {
            let span = parse_duration("storage.retry_timeout", &text.0)?;
            Duration::from_micros(span.micros().unsigned_abs())
        }
    };
    Ok(StorageOptions {
        endpoint: keys.endpoint,
        region: keys.region,
        path_style: keys.path_style,
        allow_http: keys.allow_http,
        skip_signature: keys.skip_signature,
        request_payer: keys.request_payer,
        concurrency,
        retry_timeout,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::values::Scalar;

    #[test]
    fn keys_of_the_input_go_over_those_of_all() {
        let all = StorageKeys {
            region: Some("a".to_string()),
            allow_http: Some(true),
            retry_timeout: Some(Scalar("10s".to_string())),
            ..StorageKeys::default()
        };
        let input = StorageKeys { region: Some("b".to_string()), concurrency: Some(4), ..StorageKeys::default() };
        let options = options(all, Some(input)).expect("options");
        assert_eq!((options.region.as_deref(), options.allow_http), (Some("b"), Some(true)));
        assert_eq!((options.concurrency, options.retry_timeout), (4, Duration::from_secs(10)));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        let refused = |keys: StorageKeys| options(keys, None).expect_err("refused").to_string();
        let keys = StorageKeys { concurrency: Some(0), ..StorageKeys::default() };
        assert!(refused(keys).contains("`storage.concurrency`"));
        let keys = StorageKeys { endpoint: Some(" ".to_string()), ..StorageKeys::default() };
        assert!(refused(keys).contains("`storage.endpoint`"));
        let keys = StorageKeys { retry_timeout: Some(Scalar("soon".to_string())), ..StorageKeys::default() };
        assert!(refused(keys).contains("`storage.retry_timeout`"));
    }
}
