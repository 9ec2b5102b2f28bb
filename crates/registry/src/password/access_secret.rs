//! Access tokens: long random texts that programs use in place of a password.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// How every access token begins, so that people and scanners of secrets know one.
const PREFIX: &str = "temper_";

/// Random bytes of a token: nobody guesses one, so a plain digest is enough to keep.
const RANDOM_BYTES: usize = 32;

/// A new access token, shown once.
#[derive(Clone, Debug)]
pub struct AccessSecret(SecretString);

/// What is kept of an access token: `sha256:` and the digest in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessSecretDigest([u8; 32]);

/// A text is not the digest of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("digest of an access token is not `sha256:` and 64 digits of lower-case hexadecimal")]
pub struct ParseAccessSecretDigestError;

/// The system gives no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an access token cannot be made: the system gives no randomness")]
pub struct GenerateError;

impl AccessSecret {
    /// Makes a new one.
    pub fn generate() -> Result<Self, GenerateError> {
        let mut random = [0; RANDOM_BYTES];
        SystemRandom::new().fill(&mut random).map_err(|_| GenerateError)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)).into()))
    }

    /// Returns the token itself, to show it once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns what is kept of it.
    pub fn digest(&self) -> AccessSecretDigest {
        AccessSecretDigest(Sha256::digest(self.expose()).into())
    }
}

impl AccessSecretDigest {
    /// Returns the digest of a text that looks like an access token.
    pub fn of(secret: &SecretString) -> Option<Self> {
        let secret = secret.expose_secret();
        secret.starts_with(PREFIX).then(|| Self(Sha256::digest(secret).into()))
    }
}

impl fmt::Display for AccessSecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AccessSecretDigest {
    type Err = ParseAccessSecretDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.strip_prefix("sha256:").ok_or(ParseAccessSecretDigestError)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hex.len() != 64 || !hex.bytes().all(is_digit) {
            return Err(ParseAccessSecretDigestError);
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| ParseAccessSecretDigestError)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| ParseAccessSecretDigestError)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_digest() {
        let (token, other) =
            (AccessSecret::generate().expect("makes"), AccessSecret::generate().expect("makes"));
        assert!(
            token.expose().starts_with(PREFIX)
                && token.expose().len() == 50
                && token.expose() != other.expose()
        );
        assert!(!format!("{token:?}").contains(token.expose()));
        let kept: AccessSecretDigest = token.digest().to_string().parse().expect("is a digest");
        assert_eq!(AccessSecretDigest::of(&token.expose().into()), Some(kept));
        assert_eq!(AccessSecretDigest::of(&"secret".into()), None);
        for bad in
            ["", "sha256:", "sha256:ab", &kept.to_string().to_uppercase(), &token.digest().to_string()[7..]]
        {
            assert_eq!(bad.parse::<AccessSecretDigest>(), Err(ParseAccessSecretDigestError), "{bad}");
        }
    }
}
