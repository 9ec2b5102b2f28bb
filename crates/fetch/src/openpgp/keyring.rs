//! Keyrings: named sets of certificates whose signatures are trusted.

use std::sync::Arc;

use sequoia_openpgp::cert::{Cert, CertParser};
use sequoia_openpgp::parse::Parse;
use temper_oci::Digest;

use super::SequoiaError;

/// Name of the keyring of Debian's archive, which ships with Temper.
pub const DEBIAN_ARCHIVE: &str = "debian-archive";

/// Debian's archive and security keys and the release managers' keys of bookworm and trixie, public parts only,
/// as the package `debian-archive-keyring` has them.
const DEBIAN_ARCHIVE_KEYS: &[u8] = include_bytes!("../../keyrings/debian-archive.asc");

/// Most certificates of a keyring.
const CERTIFICATES_MAX: usize = 256;

/// Some certificates under a name; cheap to clone.
#[derive(Clone, Debug)]
pub struct Keyring {
    name: Arc<str>,
    digest: Digest,
    certs: Arc<[Cert]>,
}

/// Why bytes are no keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// A certificate cannot be read.
    #[error("keyring `{keyring}` is damaged")]
    Damaged {
        /// Name of the keyring.
        keyring: String,
        /// What is wrong.
        #[source]
        source: SequoiaError,
    },
    /// There is nothing in it.
    #[error("keyring `{keyring}` has no certificate")]
    Empty {
        /// Name of the keyring.
        keyring: String,
    },
    /// There is too much in it.
    #[error("keyring `{keyring}` has more than {CERTIFICATES_MAX} certificates")]
    TooLarge {
        /// Name of the keyring.
        keyring: String,
    },
    /// Nobody configured it.
    #[error("keyring `{keyring}` is not known")]
    Unknown {
        /// Name of the keyring.
        keyring: String,
        /// Names of those that are, sorted.
        known: Vec<String>,
    },
}

impl KeyringError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Damaged { .. } | Self::Empty { .. } | Self::TooLarge { .. } => Some(
                "give the public keys as `gpg --export` writes them, with or without `--armor`".to_owned(),
            ),
            Self::Unknown { known, .. } => {
                Some(format!("configure it under `keyrings`, or use one of `{}`", known.join("`, `")))
            }
        }
    }
}

impl Keyring {
    /// Reads public keys, binary or in armor.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, KeyringError> {
        let keyring = || name.to_owned();
        let damaged = |error: sequoia_openpgp::anyhow::Error| KeyringError::Damaged {
            keyring: keyring(),
            source: SequoiaError(error.to_string()),
        };
        let parser = CertParser::from_bytes(bytes).map_err(damaged)?;
        let mut certs = Vec::new();
        for cert in parser {
            if certs.len() == CERTIFICATES_MAX {
                return Err(KeyringError::TooLarge { keyring: keyring() });
            }
            certs.push(cert.map_err(damaged)?);
        }
        if certs.is_empty() {
            return Err(KeyringError::Empty { keyring: keyring() });
        }
        Ok(Self { name: name.into(), digest: Digest::of(bytes), certs: certs.into() })
    }

    /// The keyring of Debian's archive, [`DEBIAN_ARCHIVE`].
    pub fn debian_archive() -> Self {
        Self::parse(DEBIAN_ARCHIVE, DEBIAN_ARCHIVE_KEYS)
            .expect("the embedded keys are a keyring; a test reads them")
    }

    /// The name, for messages and configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of the bytes that it was read from.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn certs(&self) -> &[Cert] {
        &self.certs
    }
}
