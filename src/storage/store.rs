//! Stores: a bucket, how it is reached, and with whose credentials.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use super::aws_profile::{self, Credentials, ProcessCredentials};
use super::azure_account::Account;
use super::client::{Client, Reach};
use super::error::StorageError;
use super::location::{Location, Service};
use super::options::StorageOptions;
use super::trouble::where_looked;

/// The region that is asked where none is named.
const DEFAULT_REGION: &str = "us-east-1";

/// The stores of a run: one for each bucket.
#[derive(Debug)]
pub struct Stores<'o> {
    options: &'o StorageOptions,
    known: HashMap<(Service, String), Arc<Client>>,
}

impl<'o> Stores<'o> {
    /// None yet.
    pub fn new(options: &'o StorageOptions) -> Self {
        Stores { options, known: HashMap::new() }
    }

    /// That of a location.
    ///
    /// # Errors
    /// What the job and the environment say does not suffice to reach it.
    pub fn of(&mut self, location: &Location) -> Result<Arc<Client>, StorageError> {
        let key = (location.service, format!("{} {}", location.root, location.bucket));
        if let Some(client) = self.known.get(&key) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(connect(location, self.options)?);
        self.known.insert(key, Arc::clone(&client));
        Ok(client)
    }
}

fn connect(location: &Location, options: &StorageOptions) -> Result<Client, StorageError> {
    if let Some(endpoint) = options.endpoint.as_ref().filter(|_| location.service != Service::Http) {
        let is_http = endpoint.starts_with("http://");
        if !is_http && !endpoint.starts_with("https://") {
            let reason = format!("`storage.endpoint` = {endpoint:?} is no URL; write it like https://{endpoint}");
            return Err(StorageError::Settings { url: location.root.clone(), reason });
        }
        if is_http && options.allow_http != Some(true) {
            return Err(StorageError::PlainHttp { url: endpoint.clone() });
        }
    }
    let (store, region, endpoint) = match location.service {
        Service::S3 => s3(location, options)?,
        Service::Gcs => gcs(location, options)?,
        Service::Azure => azure(location, options)?,
        Service::Http => http(location, options)?,
    };
    let reach = Reach { location: Location { key: String::new(), ..location.clone() }, region, endpoint };
    Client::new(store, reach, options)
}

type Built = (Arc<dyn ObjectStore>, String, Option<String>);

/// How long to wait for a connection, and no limit to how long an answer takes: that is asked of each by its size.
fn client_options(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http)
        .with_connect_timeout(Duration::from_secs(10))
        .with_timeout_disabled()
}

/// Nothing is tried again below this room: it has the one loop that does.
fn no_retries() -> RetryConfig {
    RetryConfig { max_retries: 0, ..RetryConfig::default() }
}

fn unusable(location: &Location) -> impl Fn(object_store::Error) -> StorageError + '_ {
    |error| StorageError::Settings { url: location.root.clone(), reason: error.to_string() }
}

fn is_true(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str()))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn s3(location: &Location, options: &StorageOptions) -> Result<Built, StorageError> {
    let settings = |reason: String| StorageError::Settings { url: location.root.clone(), reason };
    let has_keys = variable("AWS_ACCESS_KEY_ID").is_some();
    let has_role = variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() && variable("AWS_ROLE_ARN").is_some();
    let profile = aws_profile::read();
    let profile = if has_keys { profile.unwrap_or_default() } else { profile.map_err(settings)? };
    let profile = profile.unwrap_or_default();
    let region = options.region.clone().or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    let region = region.or_else(|| profile.region.clone()).unwrap_or_else(|| DEFAULT_REGION.to_string());
    let endpoint = options.endpoint.clone().or_else(|| variable("AWS_ENDPOINT_URL_S3"));
    let endpoint = endpoint.or_else(|| variable("AWS_ENDPOINT_URL")).or_else(|| profile.endpoint.clone());
    let allow_http = options.allow_http.unwrap_or_else(|| is_true("AWS_ALLOW_HTTP"));
    let skip_signature = options.skip_signature.unwrap_or_else(|| is_true("AWS_SKIP_SIGNATURE"));
    if endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")) && !allow_http {
        return Err(StorageError::PlainHttp { url: endpoint.unwrap_or_default() });
    }
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&location.bucket)
        .with_region(&region)
        .with_client_options(client_options(allow_http))
        .with_retry(no_retries())
        .with_skip_signature(skip_signature);
    // Buckets with periods in their names have no certificate of their own.
    let path_style = options.path_style.unwrap_or(endpoint.is_some() || location.bucket.contains('.'));
    builder = builder.with_virtual_hosted_style_request(!path_style);
    if let Some(endpoint) = &endpoint {
        let of_bucket = match (path_style, endpoint.split_once("://")) {
            (false, Some((scheme, host))) => format!("{scheme}://{}.{host}", location.bucket),
            _ => endpoint.clone(),
        };
        builder = builder.with_endpoint(of_bucket);
    }
    if let Some(pays) = options.request_payer {
        builder = builder.with_config(AmazonS3ConfigKey::RequestPayer, pays.to_string());
    }
    let in_container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let in_container = in_container.iter().any(|name| variable(name).is_some());
    if !has_keys && !has_role && !skip_signature {
        builder = match profile.credentials {
            Credentials::Keys { id, secret, token } => {
                let builder = builder.with_access_key_id(id).with_secret_access_key(secret);
                match token {
                    Some(token) => builder.with_token(token),
                    None => builder,
                }
            }
            Credentials::Process(command) => builder.with_credentials(Arc::new(ProcessCredentials::new(command))),
            Credentials::WebIdentity { role, token_file } => builder
                .with_config(AmazonS3ConfigKey::RoleArn, role)
                .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, token_file),
            Credentials::Other(key) => {
                return Err(settings(format!(
                    "the AWS profile has `{key}`, which is not read here; have the AWS CLI get its credentials: in the \
                     profile, set credential_process = aws configure export-credentials --profile NAME"
                )))
            }
            Credentials::None if in_container || !is_true("AWS_EC2_METADATA_DISABLED") => builder,
            Credentials::None => {
                let hint = where_looked(Service::S3).to_string();
                return Err(StorageError::NoCredentials { url: location.root.clone(), hint });
            }
        };
    }
    let store = builder.build().map_err(unusable(location))?;
    Ok((Arc::new(store), region, endpoint))
}

fn gcs(location: &Location, options: &StorageOptions) -> Result<Built, StorageError> {
    let allow_http = options.allow_http.unwrap_or(false);
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&location.bucket)
        .with_client_options(client_options(allow_http))
        .with_retry(no_retries());
    if let Some(skip) = options.skip_signature {
        builder = builder.with_skip_signature(skip);
    }
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    let hint = |error: object_store::Error| StorageError::NoCredentials {
        url: location.root.clone(),
        hint: format!("{error}; {}", where_looked(Service::Gcs)),
    };
    let store = builder.build().map_err(hint)?;
    Ok((Arc::new(store), String::new(), options.endpoint.clone()))
}

fn azure(location: &Location, options: &StorageOptions) -> Result<Built, StorageError> {
    let allow_http = options.allow_http.unwrap_or(false);
    let told = variable("AZURE_STORAGE_CONNECTION_STRING").map(|text| Account::parse(&text)).unwrap_or_default();
    let endpoint = options.endpoint.clone().or(told.endpoint);
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(&location.bucket)
        .with_client_options(client_options(allow_http))
        .with_retry(no_retries());
    let account = location.account.clone().or_else(|| variable("AZURE_STORAGE_ACCOUNT_NAME"));
    let account = account.or_else(|| variable("AZURE_STORAGE_ACCOUNT")).or(told.name);
    let Some(account) = account else {
        let reason = "the storage account is not named: set AZURE_STORAGE_ACCOUNT_NAME, or write \
                      abfss://container@account.dfs.core.windows.net/path"
            .to_string();
        return Err(StorageError::Settings { url: location.root.clone(), reason });
    };
    builder = builder.with_account(account);
    if let Some(key) = told.key {
        builder = builder.with_access_key(key);
    }
    if let Some(sas) = told.sas {
        builder = builder.with_config(AzureConfigKey::SasKey, sas);
    }
    if let Some(skip) = options.skip_signature {
        builder = builder.with_skip_signature(skip);
    }
    if let Some(endpoint) = &endpoint {
        if endpoint.starts_with("http://") && !allow_http {
            return Err(StorageError::PlainHttp { url: endpoint.clone() });
        }
        builder = builder.with_endpoint(endpoint.clone());
    }
    let store = builder.build().map_err(unusable(location))?;
    Ok((Arc::new(store), String::new(), endpoint))
}

fn http(location: &Location, options: &StorageOptions) -> Result<Built, StorageError> {
    let allow_http = options.allow_http.unwrap_or(false);
    if location.root.starts_with("http://") && !allow_http {
        return Err(StorageError::PlainHttp { url: location.root.clone() });
    }
    let builder = HttpBuilder::new().with_url(&location.bucket).with_retry(no_retries());
    let store = builder.with_client_options(client_options(allow_http)).build().map_err(unusable(location))?;
    Ok((Arc::new(store), String::new(), None))
}
