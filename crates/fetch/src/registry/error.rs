//! What can go wrong between us and a registry.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use temper_oci::Digest;

use crate::credentials::CredentialsError;
use crate::http::HttpError;

/// An answer that is not the one asked for.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url} was answered with {status}{}", said(.code.as_deref(), .message.as_deref()))]
pub struct Refusal {
    /// The request's method.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// The registry, as the reference names it.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// Whose login was used, if its name is known.
    pub user: Option<String>,
    /// The status.
    pub status: StatusCode,
    /// The specification's code, if the answer had one.
    pub code: Option<String>,
    /// What the registry says about it.
    pub message: Option<String>,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why a request to a registry failed. URLs are without credentials and queries.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry's name makes no URL.
    #[error("registry `{registry}` has no usable address")]
    Address {
        /// As the reference names it.
        registry: String,
    },
    /// No answer came.
    #[error("{method} {url} got no answer")]
    Send {
        /// The request's method.
        method: Method,
        /// Where to.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The registry, or its token server, refused.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The answer's body broke or is too long.
    #[error(transparent)]
    Body(#[from] HttpError),
    /// The answer lacks something, or says nonsense.
    #[error("answer of {url} has no usable {what}")]
    Answer {
        /// Where from.
        url: String,
        /// Which part.
        what: &'static str,
    },
    /// A redirect, or an upload's address, is no URL.
    #[error("{url} leads to `{location}`, which is no address")]
    Location {
        /// Where from.
        url: String,
        /// Where to.
        location: String,
    },
    /// A redirect leaves TLS.
    #[error("{from} leads to {to}, which is not protected by TLS")]
    Downgrade {
        /// Where from.
        from: String,
        /// Where to.
        to: String,
    },
    /// Redirects without end.
    #[error("{url} leads on through more than {limit} redirects")]
    Redirects {
        /// Where it began.
        url: String,
        /// How many were followed.
        limit: usize,
    },
    /// The bytes are others than those asked for.
    #[error("{url} has the digest `{actual}`, not `{expected}`")]
    Digest {
        /// Where from.
        url: String,
        /// What was asked for.
        expected: Box<Digest>,
        /// What came.
        actual: Box<Digest>,
    },
    /// The bytes are more or fewer than the descriptor says.
    #[error("{url} has {actual} bytes, not {expected}")]
    Size {
        /// Where from.
        url: String,
        /// What the descriptor says.
        expected: u64,
        /// What came; at least this many.
        actual: u64,
    },
    /// A list is longer than allowed.
    #[error("list of {url} has more than {limit} {unit}")]
    List {
        /// Where from.
        url: String,
        /// The most that is read.
        limit: u64,
        /// Of what: `entries`, `pages` or `bytes`.
        unit: &'static str,
    },
    /// A list never ends.
    #[error("list leads back to {url}, a page of it that was read before")]
    ListCircle {
        /// The page.
        url: String,
    },
    /// The token server is spoken to without TLS, the registry is not.
    #[error("token server {realm} of `{registry}` is not protected by TLS")]
    TokenServer {
        /// The registry.
        registry: String,
        /// The token server.
        realm: String,
    },
    /// Credentials are configured and cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// What is to be pushed cannot be read.
    #[error("blob `{digest}` cannot be read to push it")]
    Source {
        /// The blob.
        digest: Digest,
        /// Why.
        source: std::io::Error,
    },
}

impl RegistryError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => refusal.hint(),
            Self::Send { source, .. } if is_certificate(source) => Some(
                "name the authority of its certificate in `certificate-authorities` of the configuration".to_owned(),
            ),
            Self::Send { source, .. } if source.is_connect() => Some(
                "check name, network and proxy; a registry without TLS must be named in `insecure-registries`"
                    .to_owned(),
            ),
            Self::Body(error) => error.hint(),
            Self::Credentials(error) => error.hint(),
            Self::Digest { .. } | Self::Size { .. } => Some(
                "something between here and the registry changes bytes; try without the proxy".to_owned(),
            ),
            _ => None,
        }
    }

    /// Says whether the registry answered that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Returns the status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

impl Refusal {
    fn hint(&self) -> Option<String> {
        let (registry, repository) = (&self.registry, &self.repository);
        let login = login(registry);
        let reads = matches!(self.method, Method::GET | Method::HEAD);
        let user = self.user.as_ref();
        Some(match self.status {
            StatusCode::UNAUTHORIZED => user.map_or(login.clone(), |user| {
                format!("the login of `{user}` is not enough for `{registry}/{repository}`; {login} again")
            }),
            StatusCode::FORBIDDEN => match user {
                Some(user) => format!("ask for the right to `{repository}` for `{user}` at `{registry}`"),
                None => login,
            },
            StatusCode::NOT_FOUND if reads => {
                format!("check the name; private repositories look like missing ones: {login}")
            }
            StatusCode::NOT_FOUND if self.code.as_deref() == Some("NAME_UNKNOWN") => {
                format!("create the repository `{repository}` at `{registry}` first")
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                format!("raise the limit of `{registry}`, or of the proxy before it, on the size of requests")
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let wait =
                    self.retry_after.map_or("a while".to_owned(), |wait| format!("{} s", wait.as_secs()));
                let login = if user.is_some() || self.status != StatusCode::TOO_MANY_REQUESTS {
                    String::new()
                } else {
                    format!("; for a higher limit {login}")
                };
                format!("try again in {wait}{login}")
            }
            _ if self.is_about_a_fixed_tag() => {
                format!("tags of `{repository}` cannot move: choose another tag, or allow it at `{registry}`")
            }
            _ => return None,
        })
    }

    /// Says whether the registry keeps a tag as it is: Harbor and ECR have their own words for that.
    fn is_about_a_fixed_tag(&self) -> bool {
        let says = |word: &str| {
            let texts = [self.code.as_deref(), self.message.as_deref()];
            texts.into_iter().flatten().any(|text| text.to_ascii_lowercase().contains(word))
        };
        self.method == Method::PUT
            && self.status.is_client_error()
            && (says("immutable") || says("tag_invalid") || says("imagetagalreadyexists"))
    }
}

/// Says whether a connection failed because nobody vouches for the server.
fn is_certificate(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.to_string().contains("invalid peer certificate") {
            return true;
        }
        source = error.source();
    }
    false
}

fn login(registry: &str) -> String {
    format!("log in with `docker login {registry}` or `podman login {registry}`")
}

fn said(code: Option<&str>, message: Option<&str>) -> String {
    match (code, message) {
        (Some(code), Some(message)) => format!(": {code}, {message}"),
        (Some(text), None) | (None, Some(text)) => format!(": {text}"),
        (None, None) => String::new(),
    }
}
