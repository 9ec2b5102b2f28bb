//! Digests: the names of content.
//!
//! Follows the [OCI image specification, descriptor, "Digests"](https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests).

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// The digest of some bytes, written `algorithm:hex`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// A SHA-256 digest, the one that Temper writes.
    Sha256([u8; 32]),
    /// A SHA-512 digest, accepted wherever a reference or manifest uses one.
    Sha512([u8; 64]),
}

impl Digest {
    /// Returns the SHA-256 digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self::Sha256(Sha256::digest(bytes.as_ref()).into())
    }

    /// Returns the algorithm's registered name, `sha256` or `sha512`.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// Returns the encoded part: lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        let bytes: &[u8] = match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        };
        bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
            text
        })
    }

    /// Returns the first twelve hexadecimal digits, enough for people to tell digests apart.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }

    /// Returns a hasher of this digest's algorithm, to check bytes against it.
    pub fn hasher(&self) -> DigestHasher {
        match self {
            Self::Sha256(_) => DigestHasher::sha256(),
            Self::Sha512(_) => DigestHasher::sha512(),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a digest that Temper reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// The text has no `algorithm:` part.
    #[error("digest `{0}` is not of the form `algorithm:hex`")]
    Form(String),
    /// The algorithm is neither of the registered ones.
    #[error("digest algorithm `{0}` is neither `sha256` nor `sha512`")]
    Algorithm(String),
    /// The encoded part has another length, or characters that are not lower-case hexadecimal digits.
    #[error("digest `{0}` does not hold the lower-case hexadecimal digits of its algorithm")]
    Encoded(String),
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, hex) = text.split_once(':').ok_or_else(|| ParseDigestError::Form(text.to_owned()))?;
        let encoded = || ParseDigestError::Encoded(text.to_owned());
        match algorithm {
            "sha256" => decode_hex(hex).map(Self::Sha256).ok_or_else(encoded),
            "sha512" => decode_hex(hex).map(Self::Sha512).ok_or_else(encoded),
            _ => Err(ParseDigestError::Algorithm(algorithm.to_owned())),
        }
    }
}

fn decode_hex<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits = hex.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes a digest of what is written to it.
#[derive(Clone)]
pub struct DigestHasher(Hasher);

#[derive(Clone)]
enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl DigestHasher {
    /// Starts a SHA-256 digest.
    pub fn sha256() -> Self {
        Self(Hasher::Sha256(Sha256::new()))
    }

    /// Starts a SHA-512 digest.
    pub fn sha512() -> Self {
        Self(Hasher::Sha512(Sha512::new()))
    }

    /// Adds `bytes` to what is digested.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Returns the digest of everything added.
    pub fn finish(self) -> Digest {
        match self.0 {
            Hasher::Sha256(hasher) => Digest::Sha256(hasher.finalize().into()),
            Hasher::Sha512(hasher) => Digest::Sha512(hasher.finalize().into()),
        }
    }
}

impl fmt::Debug for DigestHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Hasher::Sha256(_) => "DigestHasher(sha256)",
            Hasher::Sha512(_) => "DigestHasher(sha512)",
        })
    }
}

impl io::Write for DigestHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_bad_text_is_told_apart() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(empty.parse::<Digest>().expect("parses"), Digest::of(b""));
        assert!(matches!("e3b0".parse::<Digest>(), Err(ParseDigestError::Form(_))));
        assert!(matches!("md5:00".parse::<Digest>(), Err(ParseDigestError::Algorithm(_))));
        assert!(matches!(
            empty.to_uppercase().replace("SHA", "sha").parse::<Digest>(),
            Err(ParseDigestError::Encoded(_))
        ));
        assert!(matches!(empty[..70].parse::<Digest>(), Err(ParseDigestError::Encoded(_))));
    }

    #[test]
    fn sha512_has_its_own_form() {
        let digest = {
            let mut hasher = DigestHasher::sha512();
            hasher.update(b"abc");
            hasher.finish()
        };
        assert!(digest.to_string().starts_with("sha512:ddaf35a193617aba"));
        assert_eq!(digest.to_string().parse::<Digest>().expect("parses"), digest);
    }
}
