//! References: where an image is, in which repository, under which tag or digest.
//!
//! Repository names and tags follow the [OCI distribution specification, "Pulling manifests"].
//! A text without a registry is completed as Docker's clients do, see [`Reference::parse_in`].
//!
//! [OCI distribution specification, "Pulling manifests"]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Digest, ParseDigestError};

/// The registry that Docker's clients mean where a text names none.
pub const DOCKER_REGISTRY: &str = "docker.io";
/// The namespace of that registry's one-word repositories.
const DOCKER_LIBRARY: &str = "library";
/// Longest repository name in bytes, as registries and clients agree.
pub const REPOSITORY_BYTES_MAX: usize = 255;
/// Longest tag in bytes.
pub const TAG_BYTES_MAX: usize = 128;
/// Longest registry host with port in bytes: a DNS name, a colon, five digits.
const REGISTRY_BYTES_MAX: usize = 259;

/// `registry/repository:tag@digest`, the registry always given, tag and digest where the text has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseReferenceError {
    /// There is no text.
    #[error("reference is empty")]
    Empty,
    /// The part before the first slash is no host.
    #[error("registry `{0}` is neither a host name nor an address, with an optional port")]
    Registry(String),
    /// The repository name breaks the rules.
    #[error("repository `{0}` is not made of lower-case words joined by `.`, `_`, `__`, `-` and `/`")]
    Repository(String),
    /// The repository name is too long.
    #[error("repository `{0}` is longer than 255 characters")]
    RepositoryLength(String),
    /// The tag breaks the rules.
    #[error(
        "tag `{0}` is not made of at most 128 letters, digits, `_`, `.` and `-`, the first neither `.` nor `-`"
    )]
    Tag(String),
    /// The digest cannot be read.
    #[error("reference `{reference}` has a bad digest")]
    Digest {
        /// The whole text.
        reference: String,
        /// Why.
        #[source]
        source: ParseDigestError,
    },
}

impl ParseReferenceError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Repository(name) if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Some(format!("write it in lower case: `{}`", name.to_ascii_lowercase()))
            }
            Self::Registry(text) if text.contains("//") => Some("leave out `https://`".to_owned()),
            _ => None,
        }
    }
}

impl Reference {
    /// Makes a reference of checked parts without tag and digest.
    pub fn new(registry: &str, repository: &str) -> Result<Self, ParseReferenceError> {
        check_registry(registry)?;
        check_repository(repository)?;
        let (registry, repository) = (registry.to_owned(), repository.to_owned());
        Ok(Self { registry, repository, tag: None, digest: None })
    }

    /// Parses a text whose missing registry is `default_registry`.
    ///
    /// As in Docker's clients, the part before the first slash is a registry if it has a `.`, a `:` or an upper-case
    /// letter, or is `localhost`. `index.docker.io` means `docker.io`, where a one-word repository is in `library/`.
    pub fn parse_in(text: &str, default_registry: &str) -> Result<Self, ParseReferenceError> {
        if text.is_empty() {
            return Err(ParseReferenceError::Empty);
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(ParseReferenceError::Registry(format!("{scheme}://")));
        }
        let (registry, rest) = match text.split_once('/') {
            Some((first, rest)) if Self::names_registry(text) => (first, rest),
            _ => (default_registry, text),
        };
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(text, digest)?)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        let registry = if registry == "index.docker.io" { DOCKER_REGISTRY } else { registry };
        let is_library = registry == DOCKER_REGISTRY && !repository.contains('/');
        let reference = if is_library {
            check_repository(repository)?;
            Self::new(registry, &format!("{DOCKER_LIBRARY}/{repository}"))?
        } else {
            Self::new(registry, repository)?
        };
        let reference = match tag {
            Some(tag) => reference.with_tag(tag)?,
            None => reference,
        };
        Ok(Self { digest, ..reference })
    }

    /// Says whether a text names a registry itself, by the rule of [`Reference::parse_in`].
    pub fn names_registry(text: &str) -> bool {
        text.split_once('/').is_some_and(|(first, _)| is_registry(first))
    }

    /// Returns the registry: a host with an optional port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository's name in its registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag, if the reference has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest, if the reference has one; it counts before the tag.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Returns what stands in a manifest's address: the digest, else the tag, else `latest`.
    pub fn identifier(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// Returns the reference with this tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ParseReferenceError> {
        check_tag(tag)?;
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// Returns the reference with this digest; a tag stays beside it.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// Returns the repository alone, without tag and digest.
    #[must_use]
    pub fn without_identifier(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }
}

/// Checks a tag against the distribution specification.
pub fn check_tag(tag: &str) -> Result<(), ParseReferenceError> {
    let is_first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_good = tag.len() <= TAG_BYTES_MAX
        && tag.bytes().next().is_some_and(is_first)
        && tag.bytes().all(|byte| is_first(byte) || matches!(byte, b'.' | b'-'));
    if is_good { Ok(()) } else { Err(ParseReferenceError::Tag(tag.to_owned())) }
}

/// Says whether a tag is made from a digest, as cosign and the [referrers tag schema] make them: no image is meant by
/// it, but what is attached to the image of that digest.
///
/// [referrers tag schema]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
pub fn is_attachment_tag(tag: &str) -> bool {
    let name = tag.strip_suffix(".sig").or_else(|| tag.strip_suffix(".att")).unwrap_or(tag);
    name.replacen('-', ":", 1).parse::<Digest>().is_ok()
}

/// Checks a repository name against the distribution specification.
pub fn check_repository(name: &str) -> Result<(), ParseReferenceError> {
    if name.len() > REPOSITORY_BYTES_MAX {
        return Err(ParseReferenceError::RepositoryLength(name.to_owned()));
    }
    if name.split('/').all(is_component) {
        Ok(())
    } else {
        Err(ParseReferenceError::Repository(name.to_owned()))
    }
}

/// Words of lower-case letters and digits, joined by one dot, one or two underscores, or any number of hyphens.
fn is_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let has_ends = bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
    let is_separator =
        |part: &[u8]| matches!(part, b"." | b"_" | b"__") || part.iter().all(|byte| *byte == b'-');
    has_ends && bytes.split(|byte| is_word(*byte)).all(is_separator)
}

fn is_registry(first: &str) -> bool {
    first == "localhost" || first.bytes().any(|byte| matches!(byte, b'.' | b':') || byte.is_ascii_uppercase())
}

fn check_registry(registry: &str) -> Result<(), ParseReferenceError> {
    let refuse = || ParseReferenceError::Registry(registry.to_owned());
    let (host, port) = match registry.rsplit_once(':') {
        // The colons of `[::1]` are not before a port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_host = is_address || host.split('.').all(is_label);
    let is_good = registry.len() <= REGISTRY_BYTES_MAX && is_host && port.is_none_or(is_port);
    if is_good { Ok(()) } else { Err(refuse()) }
}

fn parse_digest(reference: &str, digest: &str) -> Result<Digest, ParseReferenceError> {
    digest.parse().map_err(|source| ParseReferenceError::Digest { reference: reference.to_owned(), source })
}

impl FromStr for Reference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_in(text, DOCKER_REGISTRY)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
