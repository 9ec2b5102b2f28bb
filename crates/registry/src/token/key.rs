//! The key that tokens are signed with: Ed25519, made at the first start and kept by the operator's data.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret as _, SecretSlice};

/// A signing key.
pub struct TokenKey {
    pkcs8: SecretSlice<u8>,
    public: Vec<u8>,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenKeyError {
    /// The system gives no randomness.
    #[error("a key for tokens cannot be made")]
    Generate,
    /// The bytes are of another form.
    #[error("is not an Ed25519 key in the form PKCS #8")]
    Form,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").finish_non_exhaustive()
    }
}

impl TokenKey {
    /// Makes a new key.
    pub fn generate() -> Result<Self, TokenKeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| TokenKeyError::Generate)?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| TokenKeyError::Generate)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// Takes a key that was kept.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, TokenKeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| TokenKeyError::Form)?;
        Ok(Self { pkcs8: bytes.to_vec().into(), public: pair.public_key().as_ref().to_vec() })
    }

    /// Returns the key as it is kept, [RFC 5958](https://www.rfc-editor.org/rfc/rfc5958); a secret.
    pub fn pkcs8(&self) -> &[u8] {
        self.pkcs8.expose_secret()
    }

    pub(super) fn encoding(&self) -> EncodingKey {
        EncodingKey::from_ed_der(self.pkcs8())
    }

    pub(super) fn decoding(&self) -> DecodingKey {
        DecodingKey::from_ed_der(&self.public)
    }
}
