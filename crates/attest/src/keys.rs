//! Keys: what signs, and what checks a signature.
//!
//! Everything is ECDSA over P-256 with SHA-256, signatures in DER: the one kind that every release of cosign, every
//! policy engine and every hardware module takes.

mod encrypted;
mod file;
mod pem;

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use temper_oci::Digest;

pub use encrypted::KeyDerivation;
pub use file::FileKey;

/// Longest text of a key in bytes; a P-256 key needs less than one tenth of it.
pub const KEY_BYTES_MAX: usize = 16 << 10;
/// What encloses a public key.
const PUBLIC_LABEL: &str = "PUBLIC KEY";

/// Something that signs: a key in a file, a hardware module, a key service.
pub trait Signer: Send + Sync {
    /// The public key as `SubjectPublicKeyInfo` in DER, see [RFC 5280, section 4.1](https://www.rfc-editor.org/rfc/rfc5280#section-4.1).
    fn public_key_spki(&self) -> &[u8];

    /// Signs the SHA-256 digest of `message` with ECDSA over P-256; the signature is DER.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Names the key: the SHA-256 digest of [`Self::public_key_spki`].
    fn key_id(&self) -> Digest {
        Digest::of(self.public_key_spki())
    }
}

/// Fills a buffer with unpredictable bytes: the operating system's source in the command, a fixed one in tests.
pub type RandomSource<'a> = dyn FnMut(&mut [u8]) -> Result<(), RandomError> + 'a;

/// The source of randomness gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of random bytes failed")]
pub struct RandomError;

/// A signer could not sign.
#[derive(Debug, thiserror::Error)]
#[error("key `{key}` cannot sign")]
pub struct SignError {
    /// Which key, see [`Signer::key_id`].
    pub key: Digest,
    /// What the module, service or library said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Why a text is not a key that Temper uses.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Longer than [`KEY_BYTES_MAX`].
    #[error("key has {size_bytes} bytes, more than {KEY_BYTES_MAX}")]
    Length {
        /// Its length.
        size_bytes: usize,
    },
    /// Not PEM.
    #[error("key is not PEM: no `-----BEGIN` line, its end, and Base64 between them")]
    Pem,
    /// PEM of something else.
    #[error("key is a PEM `{found}`, expected `{expected}`")]
    Label {
        /// What its first line says.
        found: String,
        /// What can be read here.
        expected: &'static str,
    },
    /// Not ECDSA over P-256.
    #[error("key is not an ECDSA key over P-256")]
    Kind,
    /// The encrypted form has other fields or algorithms.
    #[error("encrypted key has an unknown form: {0}")]
    Form(&'static str),
    /// The derivation would take unreasonable time and memory, or too little.
    #[error(
        "encrypted key wants scrypt with N={n}, r={r}, p={p}; accepted are N=32768, 65536 and 131072 with r=8, p=1"
    )]
    Derivation {
        /// Cost.
        n: u64,
        /// Block size.
        r: u32,
        /// Parallelism.
        p: u32,
    },
    /// Another passphrase, or changed bytes.
    #[error("key cannot be decrypted: the passphrase is wrong or the file was changed")]
    Passphrase,
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl KeyError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Label { found, .. } if found == "PRIVATE KEY" || found == "EC PRIVATE KEY" => {
                Some("encrypt it with `cosign import-key-pair`".to_owned())
            }
            Self::Label { found, .. } if found == PUBLIC_LABEL => {
                Some("this is the public half; name the private key's file".to_owned())
            }
            Self::Kind => Some("make a key with `cosign generate-key-pair`".to_owned()),
            Self::Derivation { .. } => Some("encrypt the key again with cosign's own settings".to_owned()),
            _ => None,
        }
    }
}

/// The signature is not this key's over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature is not made by key `{key}` over these bytes")]
pub struct SignatureError {
    /// The key that was tried.
    pub key: Digest,
}

/// A public key over P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads `SubjectPublicKeyInfo` in DER.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_der(der).map_err(|_| KeyError::Kind)?;
        Ok(Self { spki: spki(&key), key })
    }

    /// Reads an uncompressed point of the curve, as hardware modules give it: `04`, then x and y.
    ///
    /// See [SEC 1, section 2.3.4](https://www.secg.org/sec1-v2.pdf).
    pub fn from_point(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_sec1_bytes(bytes).map_err(|_| KeyError::Kind)?;
        Ok(Self { spki: spki(&key), key })
    }

    /// Reads a PEM `PUBLIC KEY`, as `cosign.pub` is.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode(text)?;
        if label != PUBLIC_LABEL {
            return Err(KeyError::Label { found: label, expected: PUBLIC_LABEL });
        }
        Self::from_spki(&der)
    }

    /// The key of a signer, to check what it made.
    pub fn of(signer: &dyn Signer) -> Result<Self, KeyError> {
        Self::from_spki(signer.public_key_spki())
    }

    /// Writes the key as `cosign generate-key-pair` does.
    pub fn to_pem(&self) -> String {
        pem::encode(PUBLIC_LABEL, &self.spki)
    }

    /// The key as `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Names the key as [`Signer::key_id`] does.
    pub fn id(&self) -> Digest {
        Digest::of(&self.spki)
    }

    /// Checks a DER signature over the SHA-256 digest of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        Signature::from_der(signature)
            .and_then(|signature| self.key.verify(message, &signature))
            .map_err(|_| SignatureError { key: self.id() })
    }
}

fn spki(key: &VerifyingKey) -> Vec<u8> {
    key.to_public_key_der().expect("a point of the curve has an encoding").into_vec()
}

/// Writes a signature in DER that a hardware module gives as r and s side by side; other bytes are no signature.
pub fn signature_der(scalars: &[u8]) -> Option<Vec<u8>> {
    let signature = Signature::from_slice(scalars).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}
