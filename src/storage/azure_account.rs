//! `AZURE_STORAGE_CONNECTION_STRING`, as the portal shows it.

/// What a connection string says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub name: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// A shared access signature.
    pub sas: Option<String>,
    /// The URL of the blob service, where it is no usual one.
    pub endpoint: Option<String>,
}

impl Account {
    /// Reads a connection string: parts between semicolons, each a name and a value.
    pub fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let parts = text.split(';').filter_map(|part| part.trim().split_once('='));
            parts.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_string())
        };
        Account {
            name: value("AccountName"),
            key: value("AccountKey"),
            sas: value("SharedAccessSignature"),
            endpoint: value("BlobEndpoint").map(|url| url.trim_end_matches('/').to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_has_the_account_and_how_to_reach_it() {
        let account = Account::parse(
            "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a/b+c==;EndpointSuffix=core.windows.net",
        );
        assert_eq!((account.name.as_deref(), account.key.as_deref()), (Some("acc"), Some("a/b+c==")));
        assert_eq!((account.sas, account.endpoint), (None, None));
        let with_sas =
            Account::parse("BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=x%3D");
        assert_eq!(with_sas.sas.as_deref(), Some("sv=1&sig=x%3D"));
        assert_eq!(with_sas.endpoint.as_deref(), Some("https://acc.blob.core.windows.net"));
    }
}
