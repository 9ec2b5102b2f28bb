//! Passwords and access tokens, of which only hashes are kept.

mod access_secret;
mod check;

use std::fmt;
use std::str::FromStr;

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret as _, SecretString};

pub use access_secret::{AccessSecret, AccessSecretDigest, GenerateError, ParseAccessSecretDigestError};
pub use check::{PasswordLimits, Passwords};

/// Memory that the check of one password may take, in KiB.
const MEMORY_KIB_MAX: u32 = 256 << 10;

/// Rounds over that memory.
const ROUNDS_MAX: u32 = 16;

/// Lanes of the check.
const LANES_MAX: u32 = 16;

/// The argon2id hash of a password with its salt and costs,
/// `$argon2id$v=19$m=19456,t=2,p=1$…`, [RFC 9106](https://www.rfc-editor.org/rfc/rfc9106).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    text: String,
    parsed: phc::PasswordHash,
}

/// Why a text is not the hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePasswordHashError {
    /// It has another form, or is of another function.
    #[error("password hash is not of the form `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`")]
    Form,
    /// Checking it would take too much.
    #[error("password hash costs more than m={MEMORY_KIB_MAX}, t={ROUNDS_MAX}, p={LANES_MAX}")]
    Cost,
}

impl ParsePasswordHashError {
    /// Returns where hashes come from.
    pub fn hint(&self) -> Option<String> {
        Some("`temper account hash` makes one".to_owned())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl FromStr for PasswordHash {
    type Err = ParsePasswordHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = phc::PasswordHash::new(text).map_err(|_| ParsePasswordHashError::Form)?;
        if parsed.algorithm.as_str() != "argon2id" || parsed.salt.is_none() || parsed.hash.is_none() {
            return Err(ParsePasswordHashError::Form);
        }
        let params = argon2::Params::try_from(&parsed).map_err(|_| ParsePasswordHashError::Form)?;
        if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > ROUNDS_MAX || params.p_cost() > LANES_MAX {
            return Err(ParsePasswordHashError::Cost);
        }
        Ok(Self { text: text.to_owned(), parsed })
    }
}

impl PasswordHash {
    /// Hashes a password with a new salt; takes tens of milliseconds.
    pub fn of(password: &SecretString) -> Self {
        let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
        let hash: phc::PasswordHash = hash.expect("default costs are valid, and passwords are short");
        Self { text: hash.to_string(), parsed: hash }
    }

    /// Returns the hash as it is written in an accounts file; who has it can try passwords.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Says whether this is the password; takes as long as the costs say.
    fn is_of(&self, password: &SecretString) -> bool {
        Argon2::default().verify_password(password.expose_secret().as_bytes(), &self.parsed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_argon2id_and_of_bounded_cost() {
        let hash = PasswordHash::of(&"secret".into());
        let again: PasswordHash = hash.as_str().parse().expect("is a hash");
        assert!(again.is_of(&"secret".into()) && !again.is_of(&"other".into()));
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert!(!format!("{hash:?}").contains("m="));
        let with = |costs: &str| hash.as_str().replace("m=19456,t=2,p=1", costs).parse::<PasswordHash>();
        for (text, expected) in [
            ("", ParsePasswordHashError::Form),
            ("secret", ParsePasswordHashError::Form),
            ("$argon2id$v=19$m=8,t=1,p=1", ParsePasswordHashError::Form),
            (&hash.as_str().replace("argon2id", "argon2i"), ParsePasswordHashError::Form),
            ("$2b$12$abcdefghijklmnopqrstuuJ9Q8Zz1aFZ9Q8Zz1aFZ9Q8Zz1aFZ9Qa", ParsePasswordHashError::Form),
        ] {
            assert_eq!(text.parse::<PasswordHash>(), Err(expected), "{text}");
        }
        for costs in ["m=1048576,t=2,p=1", "m=19456,t=200,p=1", "m=19456,t=2,p=100"] {
            assert_eq!(with(costs), Err(ParsePasswordHashError::Cost), "{costs}");
        }
    }
}
