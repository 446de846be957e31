//! What went wrong with a request: something that passes, or something to be told in words that help.

use std::error::Error as _;

use object_store::client::{HttpError, HttpErrorKind};
use object_store::Error;

use super::error::StorageError;
use super::location::Service;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The names that begin with some text.
    List,
    /// Size and ETag of one object.
    Head,
    /// An object, or a part of it.
    Read,
    /// An object that is written.
    Write,
    /// An object that is removed.
    Remove,
}

/// A request, as far as an error tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub url: &'a str,
    pub service: Service,
    pub bucket: &'a str,
    /// The endpoint, where the job or the environment sets one.
    pub endpoint: Option<&'a str>,
    pub region: &'a str,
    pub request: Request,
}

/// What went wrong.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// Something that may be over in a moment.
    Passing {
        said: String,
        /// Whether nothing answered at all.
        is_silent: bool,
    },
    /// Something that stays.
    Lasting(StorageError),
}

/// Reads an error.
pub fn trouble(error: &Error, asked: &Asked<'_>) -> Trouble {
    let text = whole_text(error);
    let lasting = |error: StorageError| Trouble::Lasting(error);
    let url = asked.url.to_string();
    if is_of_metadata(&text) {
        return lasting(StorageError::NoCredentials { url, hint: where_looked(asked.service).to_string() });
    }
    if text.contains("credential_process")
        || text.contains("Unable to open")
        || text.contains("Unable to decode service")
    {
        return lasting(StorageError::NoCredentials { url, hint: one_line(&text) });
    }
    if text.contains("scheme is not allowed") {
        return lasting(StorageError::PlainHttp { url });
    }
    if text.contains("Received redirect without LOCATION") {
        return lasting(wrong_region(asked, &text));
    }
    if text.contains("Received non-partial response") || text.contains("Range request not supported") {
        let said =
            "the server sends whole files only, and no parts of them (range requests); download it, and give the \
                    local path"
                .to_string();
        return lasting(StorageError::Odd { url, said });
    }
    if matches!(error, Error::Precondition { .. }) || text.contains("Requested Bounded(") {
        return lasting(StorageError::Changed { url });
    }
    if let Some(status) = status_of(&text) {
        return of_status(status, &text, asked);
    }
    if text.contains("Server returned error response") {
        return Trouble::Passing { said: said(None, &text), is_silent: false };
    }
    if text.contains("certificate") {
        let check = "the endpoint, and the certificates that this machine trusts";
        return lasting(StorageError::Unreachable { url, said: one_line(&text), tried: String::new(), check });
    }
    match http_kind(error) {
        Some(kind) => Trouble::Passing { said: way_it_failed(&text), is_silent: is_silent(kind) },
        None => lasting(StorageError::Odd { url, said: one_line(&text) }),
    }
}

fn of_status(status: u16, text: &str, asked: &Asked<'_>) -> Trouble {
    let url = asked.url.to_string();
    let code = tag(text, "Code").unwrap_or_default();
    let said = said(Some(status), text);
    let lasting = Trouble::Lasting;
    let names_bucket = ["NoSuchBucket", "ContainerNotFound", "bucket does not exist", "InvalidBucketName"];
    match status {
        // 409: somebody else writes the same key at this moment.
        501 if asked.request == Request::Write => lasting(StorageError::NoConditions { url }),
        408 | 409 | 429 | 500.. => Trouble::Passing { said, is_silent: false },
        301 | 307 | 308 => lasting(wrong_region(asked, text)),
        400 if ["AuthorizationHeaderMalformed", "IllegalLocationConstraintException"].contains(&code.as_str()) => {
            lasting(wrong_region(asked, text))
        }
        400 | 401 | 403 if code.contains("TimeTooSkewed") || code == "RequestExpired" => {
            lasting(StorageError::Clock { url, said })
        }
        400 | 401 | 403 => lasting(StorageError::Denied { url, said, hint: what_it_takes(asked, &code, text) }),
        404 if names_bucket.iter().any(|name| text.contains(name)) || asked.request == Request::List => {
            let at = asked.endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
            let more = match (asked.service, asked.endpoint) {
                (_, Some(_)) => ", and `storage.endpoint`",
                (Service::Azure, None) => ", and the storage account",
                _ => "",
            };
            lasting(StorageError::NoBucket { url, bucket: asked.bucket.to_string(), at, more })
        }
        404 | 410 if asked.service == Service::Http && asked.request == Request::Head => {
            lasting(StorageError::Nothing { url })
        }
        404 | 410 => lasting(StorageError::Vanished { url }),
        412 | 416 => lasting(StorageError::Changed { url }),
        _ => lasting(StorageError::Odd { url, said }),
    }
}

fn wrong_region(asked: &Asked<'_>, text: &str) -> StorageError {
    let found = tag(text, "Region").map(|region| format!(": in {region}")).unwrap_or_default();
    StorageError::WrongRegion { url: asked.url.to_string(), region: asked.region.to_string(), found }
}

/// What a service wants before it carries a request out.
fn what_it_takes(asked: &Asked<'_>, code: &str, text: &str) -> String {
    let wrong = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidAuthenticationInfo", "AuthenticationFailed"];
    if wrong.contains(&code) {
        return "the credentials are not those of this service; check the key, its secret and `storage.endpoint`"
            .to_string();
    }
    if ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"].contains(&code) {
        return "the credentials have expired, or are not whole; get new ones, and run again".to_string();
    }
    if text.contains("AssumeRole") || text.contains("https://sts.") {
        return "the role cannot be taken; check AWS_ROLE_ARN, the token file, and whom the role trusts".to_string();
    }
    let bucket = asked.bucket;
    let (doing, s3, gcs) = match asked.request {
        Request::List => ("listing", "s3:ListBucket", "storage.objects.list"),
        Request::Head | Request::Read => ("reading", "s3:GetObject", "storage.objects.get"),
        Request::Write => ("writing", "s3:PutObject", "storage.objects.create and storage.objects.delete"),
        Request::Remove => ("deleting", "s3:DeleteObject", "storage.objects.delete"),
    };
    let changes = matches!(asked.request, Request::Write | Request::Remove);
    match asked.service {
        Service::S3 if asked.request == Request::List => format!(
            "listing takes the permission {s3} on arn:aws:s3:::{bucket}; if the bucket has it, check that the region and the \
             credentials are the right ones"
        ),
        Service::S3 => {
            let key = if changes { "kms:GenerateDataKey" } else { "kms:Decrypt" };
            format!(
                "{doing} takes the permission {s3} on arn:aws:s3:::{bucket}/* (and {key} where objects are encrypted by a \
                 key of KMS)"
            )
        }
        Service::Gcs => {
            let role = if changes { "Storage Object User" } else { "Storage Object Viewer" };
            format!("{doing} takes the permission {gcs} on the bucket {bucket} (role {role})")
        }
        Service::Azure => {
            let role = if changes { "Storage Blob Data Contributor" } else { "Storage Blob Data Reader" };
            format!("{doing} takes the role {role} on the container {bucket}, or a key or SAS of the account")
        }
        Service::Http => "the server wants credentials, or the link has expired; ask for a new one".to_string(),
    }
}

/// Where credentials are looked for, and how to do without.
pub fn where_looked(service: Service) -> &'static str {
    match service {
        Service::S3 => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for a profile of ~/.aws, or run where a role is \
             given to the machine or container; a public bucket is read with `storage.skip_signature = true`"
        }
        Service::Gcs => {
            "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`, or run where a service \
             account is given to the machine; a public bucket is read with `storage.skip_signature = true`"
        }
        Service::Azure => {
            "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY (or a SAS, a client secret, a federated token, or \
             AZURE_USE_AZURE_CLI=true), or run where an identity is given to the machine; a public container is read with \
             `storage.skip_signature = true`"
        }
        Service::Http => "the server wants some",
    }
}

/// Whether it was the service that gives credentials to machines which did not answer.
fn is_of_metadata(text: &str) -> bool {
    const PLACES: [&str; 5] =
        ["169.254.169.254", "169.254.170.2", "metadata.google.internal", "computeMetadata", "/metadata/identity"];
    PLACES.iter().any(|place| text.contains(place))
}

fn is_silent(kind: HttpErrorKind) -> bool {
    matches!(kind, HttpErrorKind::Connect | HttpErrorKind::Timeout | HttpErrorKind::Request)
}

fn http_kind(error: &Error) -> Option<HttpErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            return Some(http.kind());
        }
        source = error.source();
    }
    None
}

/// The status of an answer.
fn status_of(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("non-2xx status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// What the service said, in short.
fn said(status: Option<u16>, text: &str) -> String {
    let code = tag(text, "Code");
    let message = tag(text, "Message").map(|message| one_line(&message));
    let words = [status.map(|status| status.to_string()), code, message.filter(|message| message.len() < 200)];
    let words: Vec<String> = words.into_iter().flatten().collect();
    if words.is_empty() {
        return "the service answers with an error".to_string();
    }
    words.join(" ")
}

/// How a request failed that had no answer: the innermost reason.
fn way_it_failed(text: &str) -> String {
    let last = text.rsplit(": ").next().unwrap_or(text);
    match one_line(last) {
        short if short.is_empty() => "no answer".to_string(),
        short => short,
    }
}

/// The text inside of an XML element.
fn tag(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner.trim().to_string()).filter(|inner| !inner.is_empty())
}

/// An error with the errors in it, each once.
fn whole_text(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        source = error.source();
    }
    text
}

fn one_line(text: &str) -> String {
    const MOST: usize = 300;
    // What comes after the path of a URL may be a signature, which nobody has to see.
    let plain = |word: &str| match (word.contains("://"), word.split_once('?')) {
        (true, Some((url, _))) => format!("{url}?…"),
        _ => word.to_string(),
    };
    let line = text.split_whitespace().map(plain).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, service: Service, request: Request) -> Trouble {
        let error = Error::Generic { store: "S3", source: text.to_string().into() };
        let asked = Asked { url: "s3://b/k", service, bucket: "b", endpoint: None, region: "us-east-1", request };
        trouble(&error, &asked)
    }

    fn lasting(text: &str, service: Service, request: Request) -> String {
        match of(text, service, request) {
            Trouble::Lasting(error) => error.to_string(),
            Trouble::Passing { said, .. } => panic!("passes: {said}"),
        }
    }

    fn xml(status: u16, code: &str, more: &str) -> String {
        format!(
            "Server returned non-2xx status code: {status} X: <Error><Code>{code}</Code><Message>Words.</Message>{more}</Error>"
        )
    }

    #[test]
    fn what_stays_is_told_with_what_to_check() {
        use Request::{Head, List, Read};
        use Service::{Azure, Gcs, Http, S3};
        for (text, service, request, told) in [
            (xml(403, "AccessDenied", ""), S3, List, "s3:ListBucket on arn:aws:s3:::b;"),
            (
                xml(403, "AccessDenied", ""),
                S3,
                Read,
                "403 AccessDenied Words.): reading takes the permission s3:GetObject",
            ),
            (xml(403, "AccessDenied", ""), Gcs, Read, "storage.objects.get"),
            (
                xml(403, "AuthorizationPermissionMismatch", ""),
                Azure,
                List,
                "listing takes the role Storage Blob Data Reader",
            ),
            (xml(403, "RequestTimeTooSkewed", ""), S3, Read, "clock of this machine is off"),
            (xml(403, "InvalidAccessKeyId", ""), S3, List, "not those of this service"),
            (xml(400, "ExpiredToken", ""), S3, Read, "have expired"),
            (xml(404, "NoSuchBucket", ""), S3, List, "there is no bucket \"b\""),
            (xml(404, "NoSuchKey", ""), S3, Read, "vanished while it was read"),
            (xml(404, "", ""), Http, Head, "there is nothing at"),
            (xml(412, "PreconditionFailed", ""), S3, Read, "changed while it was read"),
            (
                xml(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
                S3,
                List,
                "than \"us-east-1\": in eu-west-1;",
            ),
            (xml(301, "PermanentRedirect", ""), S3, List, "set `storage.region`"),
            ("GET http://169.254.169.254/latest failed".to_string(), S3, List, "AWS_PROFILE"),
            ("URL scheme is not allowed".to_string(), S3, List, "`storage.allow_http = true`"),
            ("Received non-partial response when range requested".to_string(), Http, Head, "range requests"),
            ("Range request not supported by this".to_string(), Http, Head, "range requests"),
        ] {
            let said = lasting(&text, service, request);
            assert!(said.contains(told), "{text}: {said}");
        }
    }

    #[test]
    fn throttling_and_errors_of_servers_pass() {
        for status in [408, 429, 500, 502, 503, 504] {
            let Trouble::Passing { said, is_silent } = of(&xml(status, "SlowDown", ""), Service::S3, Request::Read)
            else {
                panic!("{status} stays");
            };
            assert_eq!((said, is_silent), (format!("{status} SlowDown Words."), false));
        }
    }
}
