//! Platforms: which machine an image is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An operating system, an architecture and, for some, a variant, written `linux/arm/v7`.
///
/// Values follow Go's `GOOS` and `GOARCH`, as the [OCI image index specification] wants.
/// `arm64/v8` and `arm64` are the same platform, and so are `amd64/v1` and `amd64`.
///
/// [OCI image index specification]: https://github.com/opencontainers/image-spec/blob/main/image-index.md
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub architecture: String,
    /// Variant, absent where the architecture's default is meant.
    pub variant: Option<String>,
}

impl Platform {
    /// Returns the platform with a default variant left out.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let variant = variant.filter(|variant| {
            !variant.is_empty() && !matches!((architecture, *variant), ("arm64", "v8") | ("amd64", "v1"))
        });
        Self { os: os.to_owned(), architecture: architecture.to_owned(), variant: variant.map(str::to_owned) }
    }

    /// Returns the `linux` platform of an architecture.
    pub fn linux(architecture: &str) -> Self {
        Self::new("linux", architecture, None)
    }

    /// Says whether this is the placeholder `unknown/unknown` that build attestations carry in an index.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }

    /// Returns the name that Debian gives to the architecture, if it has one.
    ///
    /// See the [list of supported architectures](https://wiki.debian.org/SupportedArchitectures).
    pub fn debian_architecture(&self) -> Option<&'static str> {
        Some(match (self.os.as_str(), self.architecture.as_str(), self.variant.as_deref()) {
            ("linux", "amd64", None) => "amd64",
            ("linux", "arm64", None) => "arm64",
            ("linux", "arm", Some("v7") | None) => "armhf",
            ("linux", "arm", Some("v5")) => "armel",
            ("linux", "386", None) => "i386",
            ("linux", "ppc64le", None) => "ppc64el",
            ("linux", "riscv64", None) => "riscv64",
            ("linux", "s390x", None) => "s390x",
            _ => return None,
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

/// A text is not of the form `os/architecture[/variant]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("platform `{0}` is not of the form `os/architecture` or `os/architecture/variant`")]
pub struct ParsePlatformError(String);

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let word = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        match parts.as_slice() {
            [os, architecture, rest @ ..] if rest.len() <= 1 && parts.iter().all(word) => {
                Ok(Self::new(os, architecture, rest.first().copied()))
            }
            _ => Err(ParsePlatformError(text.to_owned())),
        }
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn default_variants_are_left_out() {
        for (given, expected, debian) in [
            ("linux/arm64/v8", "linux/arm64", Some("arm64")),
            ("linux/amd64", "linux/amd64", Some("amd64")),
            ("linux/arm/v7", "linux/arm/v7", Some("armhf")),
            ("windows/amd64", "windows/amd64", None),
        ] {
            let platform: Platform = given.parse().expect("parses");
            assert_eq!(platform.to_string(), expected);
            assert_eq!(platform.debian_architecture(), debian, "{given}");
        }
        for bad in ["linux", "linux/", "linux/a/b/c", "linux/a b", ""] {
            assert!(bad.parse::<Platform>().is_err(), "{bad:?}");
        }
    }
}
