//! Cosign's encrypted key file: a PEM block around JSON, scrypt for the passphrase, NaCl's secretbox for the key.
//!
//! The JSON is that of [go-securesystemslib's `encrypted` package](https://pkg.go.dev/github.com/secure-systems-lab/go-securesystemslib/encrypted);
//! inside the box is a PKCS#8 key in DER.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, RandomSource, pem};

/// The label that cosign writes since its version 2.
const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// The label of older key files.
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const SALT_BYTES: usize = 32;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 1;

/// How much work a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDerivation {
    /// N = 32768, 32 MiB: what the oldest key files have.
    Light,
    /// N = 65536, 64 MiB: what cosign writes.
    Standard,
    /// N = 131072, 128 MiB.
    Strong,
}

impl KeyDerivation {
    fn log_n(self) -> u8 {
        match self {
            Self::Light => 15,
            Self::Standard => 16,
            Self::Strong => 17,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: KdfParams,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct KdfParams {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Opens a key file; the result is PKCS#8 in DER.
pub(super) fn open(text: &str, passphrase: &SecretString) -> Result<SecretSlice<u8>, KeyError> {
    let (label, json) = pem::decode(text)?;
    if label != LABEL && label != OLD_LABEL {
        return Err(KeyError::Label { found: label, expected: LABEL });
    }
    let sealed: Sealed =
        serde_json::from_slice(&json).map_err(|_| KeyError::Form("no JSON with its fields"))?;
    if sealed.kdf.name != KDF {
        return Err(KeyError::Form("the key derivation is not scrypt"));
    }
    if sealed.cipher.name != CIPHER {
        return Err(KeyError::Form("the cipher is not `nacl/secretbox`"));
    }
    let derivation = derivation(&sealed.kdf.params)?;
    let nonce: [u8; NONCE_BYTES] =
        decode(&sealed.cipher.nonce)?.try_into().map_err(|_| KeyError::Form("the nonce has not 24 bytes"))?;
    let key = derive(passphrase, &decode(&sealed.kdf.salt)?, derivation);
    XSalsa20Poly1305::new(key.as_slice().into())
        .decrypt(Nonce::from_slice(&nonce), decode(&sealed.ciphertext)?.as_slice())
        .map(SecretSlice::from)
        .map_err(|_| KeyError::Passphrase)
}

/// Writes a key file as cosign does.
pub(super) fn seal(
    pkcs8: &[u8],
    passphrase: &SecretString,
    derivation: KeyDerivation,
    random: &mut RandomSource<'_>,
) -> Result<String, KeyError> {
    let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
    random(&mut salt)?;
    random(&mut nonce)?;
    let key = derive(passphrase, &salt, derivation);
    let ciphertext = XSalsa20Poly1305::new(key.as_slice().into())
        .encrypt(Nonce::from_slice(&nonce), pkcs8)
        .expect("a key is shorter than what the cipher takes");
    let sealed = Sealed {
        kdf: Kdf {
            name: KDF.to_owned(),
            params: KdfParams { n: 1 << derivation.log_n(), r: BLOCK_SIZE, p: PARALLELISM },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher { name: CIPHER.to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(ciphertext),
    };
    let json = serde_json::to_vec(&sealed).expect("texts and numbers are JSON");
    Ok(pem::encode(LABEL, &json))
}

/// The parameters of a foreign file decide time and memory, so only known ones are followed.
fn derivation(params: &KdfParams) -> Result<KeyDerivation, KeyError> {
    let KdfParams { n, r, p } = *params;
    [KeyDerivation::Light, KeyDerivation::Standard, KeyDerivation::Strong]
        .into_iter()
        .find(|derivation| (n, r, p) == (1 << derivation.log_n(), BLOCK_SIZE, PARALLELISM))
        .ok_or(KeyError::Derivation { n, r, p })
}

fn derive(passphrase: &SecretString, salt: &[u8], derivation: KeyDerivation) -> Zeroizing<[u8; KEY_BYTES]> {
    let params = scrypt::Params::new(derivation.log_n(), BLOCK_SIZE, PARALLELISM)
        .expect("the three derivations are within scrypt's bounds");
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    scrypt::scrypt(passphrase.expose_secret().as_bytes(), salt, &params, key.as_mut_slice())
        .expect("32 bytes are a length that scrypt gives");
    key
}

fn decode(digits: &str) -> Result<Vec<u8>, KeyError> {
    STANDARD.decode(digits).map_err(|_| KeyError::Form("a field is not Base64"))
}
