//! A key in a file, in the form that cosign reads and writes.

use std::fmt;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::keys::{KeyDerivation, KeyError, PublicKey, RandomSource, SignError, Signer, encrypted, spki};

/// Draws before a random source counts as broken: one is enough but once in 2³².
const DRAWS_MAX: usize = 16;

/// A private key over P-256, held in memory.
///
/// Its signatures are deterministic ([RFC 6979](https://www.rfc-editor.org/rfc/rfc6979)), so signing again gives the
/// same bytes.
pub struct FileKey {
    key: SigningKey,
    spki: Vec<u8>,
}

impl FileKey {
    /// Makes a new key.
    pub fn generate(random: &mut RandomSource<'_>) -> Result<Self, KeyError> {
        for _ in 0..DRAWS_MAX {
            let mut scalar = Zeroizing::new([0; 32]);
            random(scalar.as_mut_slice())?;
            if let Ok(key) = SigningKey::from_slice(scalar.as_slice()) {
                return Ok(Self::of(key));
            }
        }
        Err(KeyError::Random(crate::keys::RandomError))
    }

    /// Opens an encrypted key file, as `cosign generate-key-pair` and `cosign import-key-pair` write it.
    pub fn from_encrypted_pem(text: &str, passphrase: &SecretString) -> Result<Self, KeyError> {
        let pkcs8 = encrypted::open(text, passphrase)?;
        let key = SigningKey::from_pkcs8_der(pkcs8.expose_secret()).map_err(|_| KeyError::Kind)?;
        Ok(Self::of(key))
    }

    /// Writes the encrypted key file; cosign reads it.
    pub fn to_encrypted_pem(
        &self,
        passphrase: &SecretString,
        derivation: KeyDerivation,
        random: &mut RandomSource<'_>,
    ) -> Result<String, KeyError> {
        let pkcs8 = self.key.to_pkcs8_der().expect("a key of the curve has an encoding");
        encrypted::seal(pkcs8.as_bytes(), passphrase, derivation, random)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey { key: *self.key.verifying_key(), spki: self.spki.clone() }
    }

    fn of(key: SigningKey) -> Self {
        Self { spki: spki(key.verifying_key()), key }
    }
}

impl Signer for FileKey {
    fn public_key_spki(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature: Signature = self
            .key
            .try_sign(message)
            .map_err(|error| SignError { key: self.key_id(), source: Box::new(error) })?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey").field("id", &self.key_id()).finish_non_exhaustive()
    }
}
