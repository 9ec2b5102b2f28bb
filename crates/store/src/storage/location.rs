//! Where an object store is: `s3://bucket/prefix?endpoint=…&region=…`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{ClientOptions, RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{Objects, Storage, StorageError};

/// How long a store may send nothing; also how long it may take for one part of an upload.
const READ_SILENCE_MAX: Duration = Duration::from_mins(2);

/// How long each step of a probe may take, and how long it is tried again.
const PROBE_TIME_MAX: Duration = Duration::from_secs(10);

/// A bucket, a prefix in it, and who serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectLocation {
    bucket: String,
    /// May be empty.
    prefix: String,
    endpoint: Option<String>,
    region: Option<String>,
}

/// Why a text is no location.
#[derive(Debug, thiserror::Error)]
pub enum ObjectLocationError {
    /// The text is no URL.
    #[error("storage `{text}` is no URL")]
    Url {
        /// The text.
        text: String,
        /// Why.
        source: url::ParseError,
    },
    /// The URL has another scheme.
    #[error("storage `{0}` does not begin with `s3://`")]
    Scheme(String),
    /// The URL has no bucket.
    #[error("storage `{0}` names no bucket")]
    Bucket(String),
    /// The URL holds a user or a password, which would show in logs.
    #[error("storage URL holds credentials")]
    Credentials,
    /// The query has a key that is not known.
    #[error("storage URL has the unknown parameter `{0}`")]
    Parameter(String),
}

impl ObjectLocationError {
    /// Returns what to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Credentials => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the configuration key `storage-credentials`"
                    .to_owned()
            }
            _ => "write `s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION`; prefix and parameters may be left out"
                .to_owned(),
        }
    }
}

impl FromStr for ObjectLocation {
    type Err = ObjectLocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url =
            Url::parse(text).map_err(|source| ObjectLocationError::Url { text: text.to_owned(), source })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ObjectLocationError::Credentials);
        }
        if url.scheme() != "s3" {
            return Err(ObjectLocationError::Scheme(text.to_owned()));
        }
        let bucket = url.host_str().filter(|host| !host.is_empty());
        let bucket = bucket.ok_or_else(|| ObjectLocationError::Bucket(text.to_owned()))?.to_owned();
        let prefix = url.path().trim_matches('/').to_owned();
        let (mut endpoint, mut region) = (None, None);
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "endpoint" => endpoint = Some(value.into_owned()),
                "region" => region = Some(value.into_owned()),
                other => return Err(ObjectLocationError::Parameter(other.to_owned())),
            }
        }
        Ok(Self { bucket, prefix, endpoint, region })
    }
}

impl fmt::Display for ObjectLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)?;
        // The same bucket of another store is another place.
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, "?endpoint={endpoint}"))
    }
}

impl ObjectLocation {
    /// Connects to the store; nothing is asked of it yet.
    ///
    /// `settings` are variables as the command line of AWS knows them (`AWS_ACCESS_KEY_ID`, `AWS_REGION`,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` …); names that are not known are passed over. What the location says wins.
    pub fn connect(
        &self,
        settings: impl IntoIterator<Item = (String, SecretString)>,
    ) -> Result<Storage, StorageError> {
        self.over(self.client(patient(), settings)).map(Storage::Objects)
    }

    /// Does once what the registry does all the time, with an object of this name below the prefix; what fails is
    /// not tried for long.
    pub async fn probe(
        &self,
        settings: impl IntoIterator<Item = (String, SecretString)>,
        name: &str,
    ) -> Result<(), StorageError> {
        let once_more =
            RetryConfig { max_retries: 1, retry_timeout: PROBE_TIME_MAX, ..RetryConfig::default() };
        self.over(self.client(impatient(), settings).with_retry(once_more))?.probe(name).await
    }

    fn over(&self, client: AmazonS3Builder) -> Result<Objects, StorageError> {
        let store = client.build().map_err(|source| StorageError::Object {
            action: "connect to",
            key: self.to_string(),
            store: "an object store".to_owned(),
            source: Box::new(source),
        })?;
        Ok(Objects::new(Arc::new(store), &self.prefix))
    }

    fn client(
        &self,
        patience: ClientOptions,
        settings: impl IntoIterator<Item = (String, SecretString)>,
    ) -> AmazonS3Builder {
        let mut builder = AmazonS3Builder::new().with_client_options(patience);
        for (name, value) in settings {
            if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                builder = builder.with_config(key, value.expose_secret());
            }
        }
        builder = builder.with_bucket_name(&self.bucket);
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        builder
    }
}

/// A large blob takes as long as its reader does, so only silence is bounded.
fn patient() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_read_timeout(READ_SILENCE_MAX)
}

/// Somebody waits for the answer.
fn impatient() -> ClientOptions {
    ClientOptions::new().with_timeout(PROBE_TIME_MAX)
}

#[cfg(test)]
mod tests {
    use object_store::ClientConfigKey;

    use super::*;

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_told_soon() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = nobody.local_addr().expect("has an address");
        drop(nobody);
        let location: ObjectLocation =
            format!("s3://blobs/a?endpoint=http://{address}&region=eu-1").parse().expect("is a location");
        let settings = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let settings = settings.map(|(name, value)| (name.to_owned(), SecretString::from(value)));
        let error = location.probe(settings, "probe").await.expect_err("nobody is there");
        assert!(error.to_string().starts_with("cannot write `probe` in "), "{error}");
        assert!(error.hint().expect("has a hint").contains("endpoint"), "{error:?}");
    }

    #[test]
    fn locations_are_read() {
        let location =
            |bucket: &str, prefix: &str, endpoint: Option<&str>, region: Option<&str>| ObjectLocation {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                endpoint: endpoint.map(str::to_owned),
                region: region.map(str::to_owned),
            };
        for (text, expected) in [
            ("s3://blobs", location("blobs", "", None, None)),
            ("s3://blobs/a/b/", location("blobs", "a/b", None, None)),
            (
                "s3://blobs/a?endpoint=http://127.0.0.1:9000&region=eu-1",
                location("blobs", "a", Some("http://127.0.0.1:9000"), Some("eu-1")),
            ),
        ] {
            let read: ObjectLocation = text.parse().expect(text);
            assert_eq!(read, expected);
            let place: ObjectLocation = read.to_string().parse().expect(text);
            assert_eq!(
                (&place.bucket, &place.prefix, &place.endpoint),
                (&read.bucket, &read.prefix, &read.endpoint)
            );
            let settings =
                [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_PAGER", "")];
            read.connect(settings.map(|(name, value)| (name.to_owned(), value.into()))).expect("connects");
        }
        let slow: ObjectLocation = "s3://blobs".parse().expect("is a location");
        let bound = |settings: &[(&str, &str)], key| {
            let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
            slow.client(patient(), settings).get_config_value(&AmazonS3ConfigKey::Client(key))
        };
        assert_eq!(bound(&[], ClientConfigKey::Timeout), None, "a large blob is not cut off");
        assert_eq!(bound(&[], ClientConfigKey::ReadTimeout).as_deref(), Some("2m"));
        assert_eq!(bound(&[], ClientConfigKey::ConnectTimeout).as_deref(), Some("5s"));
        let quick = slow.client(impatient(), []);
        let quick = quick.get_config_value(&AmazonS3ConfigKey::Client(ClientConfigKey::Timeout));
        assert_eq!(quick.as_deref(), Some("10s"), "who starts a server does not wait for minutes");
        for (text, words) in [
            ("blobs", "is no URL"),
            ("https://blobs/a", "does not begin with `s3://`"),
            ("s3:///a", "names no bucket"),
            ("s3://key:secret@blobs", "holds credentials"),
            ("s3://blobs?region=a&acl=public", "unknown parameter `acl`"),
        ] {
            let error = text.parse::<ObjectLocation>().expect_err(text);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
