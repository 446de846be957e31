//! Profiles of the AWS tools: `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use object_store::aws::AwsCredential;
use object_store::CredentialProvider;
use serde::Deserialize;

/// What a profile has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The region.
    pub region: Option<String>,
    /// The URL of the service.
    pub endpoint: Option<String>,
    /// Where its credentials are from.
    pub credentials: Credentials,
}

/// Where the credentials of a profile are from.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// It has none.
    #[default]
    None,
    /// They are in the file.
    Keys {
        /// The key's id.
        id: String,
        /// Its secret.
        secret: String,
        /// The token of temporary ones.
        token: Option<String>,
    },
    /// A program prints them.
    Process(String),
    /// A role is taken by a token in a file.
    WebIdentity {
        /// The role.
        role: String,
        /// The token's file.
        token_file: String,
    },
    /// In a way that is not read here, by the name of its key.
    Other(&'static str),
}

/// A secret is none of what is printed.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Keys { .. } => "Keys",
            Credentials::Process(_) => "Process",
            Credentials::WebIdentity { .. } => "WebIdentity",
            Credentials::Other(key) => key,
        })
    }
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the profile that the environment chooses; `None` where there is none of its name.
///
/// # Errors
/// A profile that is asked for by name and is not there.
pub fn read() -> Result<Option<Profile>, String> {
    let asked = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].iter().find_map(|name| std::env::var(name).ok());
    let name = asked.clone().unwrap_or_else(|| "default".to_string());
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let path = |variable: &str, file: &str| {
        std::env::var_os(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".aws").join(file)))
    };
    let text = |path: Option<PathBuf>| path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let config = text(path("AWS_CONFIG_FILE", "config"));
    let credentials = text(path("AWS_SHARED_CREDENTIALS_FILE", "credentials"));
    match profile(&name, &config, &credentials) {
        None if asked.is_some() => Err(format!(
            "there is no profile {name:?} (AWS_PROFILE) in ~/.aws/config or ~/.aws/credentials; check its name"
        )),
        found => Ok(found),
    }
}

/// A profile of both files: what the second one has goes first.
fn profile(name: &str, config: &str, credentials: &str) -> Option<Profile> {
    let (config, credentials) = (sections(config), sections(credentials));
    let in_config = config.get(&format!("profile {name}")).or_else(|| config.get(name).filter(|_| name == "default"));
    let in_credentials = credentials.get(name);
    if in_config.is_none() && in_credentials.is_none() {
        return None;
    }
    let of = |section: Option<&BTreeMap<String, String>>, key: &str| section.and_then(|keys| keys.get(key)).cloned();
    let key = |key: &str| of(in_credentials, key).or_else(|| of(in_config, key));
    let credentials = match (key("aws_access_key_id"), key("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Credentials::Keys { id, secret, token: key("aws_session_token") },
        _ => match (key("credential_process"), key("role_arn"), key("web_identity_token_file")) {
            (Some(command), ..) => Credentials::Process(command),
            (None, Some(role), Some(token_file)) => Credentials::WebIdentity { role, token_file },
            (None, Some(_), None) => Credentials::Other("role_arn"),
            _ if key("sso_session").is_some() => Credentials::Other("sso_session"),
            _ if key("sso_start_url").is_some() => Credentials::Other("sso_start_url"),
            _ => Credentials::None,
        },
    };
    Some(Profile { region: key("region"), endpoint: key("endpoint_url"), credentials })
}

/// The sections of a file and their keys. Indented lines belong to the key above them.
fn sections(text: &str) -> Sections {
    let mut all = Sections::new();
    let mut section = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = name.0.split_whitespace().collect::<Vec<_>>().join(" ").replace(['"', '\''], "");
            all.entry(section.clone()).or_default();
            continue;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        if let Some((key, value)) = trimmed.split_once('=') {
            let value = value.split(" #").next().unwrap_or(value).trim();
            all.entry(section.clone()).or_default().insert(key.trim().to_lowercase(), value.to_string());
        }
    }
    all
}

/// Credentials that a program prints, asked for again before they expire.
pub struct ProcessCredentials {
    command: String,
    known: Mutex<Option<(Arc<AwsCredential>, Option<Timestamp>)>>,
}

impl fmt::Debug for ProcessCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessCredentials")
    }
}

/// What such a program prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

impl ProcessCredentials {
    /// Of this command.
    pub fn new(command: String) -> Self {
        ProcessCredentials { command, known: Mutex::new(None) }
    }

    fn current(&self) -> Result<Arc<AwsCredential>, String> {
        /// Credentials that end sooner are no longer used.
        const LEAST: Duration = Duration::from_secs(300);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((credential, until)) = known.as_ref() {
            let soon = Timestamp::now() + LEAST;
            if until.is_none_or(|until| until > soon) {
                return Ok(Arc::clone(credential));
            }
        }
        let (credential, until) = self.asked()?;
        let credential = Arc::new(credential);
        *known = Some((Arc::clone(&credential), until));
        Ok(credential)
    }

    fn asked(&self) -> Result<(AwsCredential, Option<Timestamp>), String> {
        let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
        let output = shell.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(&self.command).output();
        let output = output.map_err(|error| format!("it cannot be started: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("it ends with {}: {}", output.status, said.trim()));
        }
        let printed: Printed = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("what it prints is not what the AWS tools expect: {error}"))?;
        if printed.version != 1 {
            return Err(format!("it prints version {}, and 1 is known", printed.version));
        }
        let until = printed.expiration.map(|text| text.parse::<Timestamp>().map_err(|error| error.to_string()));
        let credential = AwsCredential {
            key_id: printed.access_key_id,
            secret_key: printed.secret_access_key,
            token: printed.session_token,
        };
        Ok((credential, until.transpose()?))
    }
}

impl CredentialProvider for ProcessCredentials {
    type Credential = AwsCredential;

    fn get_credential<'a, 'async_trait>(
        &'a self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let failed =
                |reason: String| object_store::Error::Generic { store: "credential_process", source: reason.into() };
            self.current().map_err(failed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
# a comment\n[default]\nregion = eu-west-3\n\n[profile etl]\nregion=us-west-2 # inline\ncredential_process = /opt/creds --x = y\n\
[profile nested]\ns3 =\n    addressing_style = path\nrole_arn = arn:x\n[profile web]\nrole_arn = arn:y\n\
web_identity_token_file = /t\n[ profile 'quoted name' ]\naws_access_key_id = Q\naws_secret_access_key = R\n\
[profile sso]\nsso_session = company\n";
    const CREDENTIALS: &str =
        "[default]\naws_access_key_id = A\naws_secret_access_key = B=/+\naws_session_token = T\n[other]\n";

    fn of(name: &str) -> Option<Profile> {
        profile(name, CONFIG, CREDENTIALS)
    }

    #[test]
    fn profiles_are_of_both_files() {
        let keys = |id: &str, secret: &str, token: Option<&str>| Credentials::Keys {
            id: id.to_string(),
            secret: secret.to_string(),
            token: token.map(str::to_string),
        };
        let default = of("default").expect("there");
        assert!(default.credentials == keys("A", "B=/+", Some("T")));
        assert_eq!(default.region.as_deref(), Some("eu-west-3"));
        let etl = of("etl").expect("there");
        assert!(etl.credentials == Credentials::Process("/opt/creds --x = y".to_string()));
        assert_eq!(etl.region.as_deref(), Some("us-west-2"));
        assert!(of("quoted name").expect("there").credentials == keys("Q", "R", None));
        let web = Credentials::WebIdentity { role: "arn:y".to_string(), token_file: "/t".to_string() };
        assert!(of("web").expect("there").credentials == web);
        assert!(of("nested").expect("there").credentials == Credentials::Other("role_arn"));
        assert!(of("sso").expect("there").credentials == Credentials::Other("sso_session"));
        assert!(of("other").expect("there").credentials == Credentials::None);
        assert_eq!(of("nowhere"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_asked_again_before_its_credentials_expire() {
        let folder = tempfile::tempdir().expect("a folder");
        let count = folder.path().join("count");
        let json = |until: &str| {
            format!(
                r#"{{"Version":1,"AccessKeyId":"K","SecretAccessKey":"S","SessionToken":"T","Expiration":"{until}"}}"#
            )
        };
        let asked = |until: &str, times: usize| {
            let _ = std::fs::remove_file(&count);
            let command = format!("echo x >> {}; echo '{}'", count.display(), json(until));
            let credentials = ProcessCredentials::new(command);
            for _ in 0..times {
                let credential = credentials.current().expect("credentials");
                assert_eq!((credential.key_id.as_str(), credential.token.as_deref()), ("K", Some("T")));
            }
            std::fs::read_to_string(&count).expect("a file").lines().count()
        };
        assert_eq!((asked("2999-01-01T00:00:00Z", 3), asked("2001-01-01T00:00:00Z", 3)), (1, 3));
        let failed = |command: &str| ProcessCredentials::new(command.to_string()).current().expect_err("fails");
        assert!(failed("echo no >&2; exit 3").contains("no"));
        assert!(failed("echo '{}'").contains("what it prints"));
    }
}
