//! Names that clients give: repositories, tags, and references to manifests.
//!
//! The grammar is that of the [distribution specification, "Pulling manifests"]; what does not match never
//! reaches a file name or a table.
//!
//! [distribution specification, "Pulling manifests"]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests

use std::fmt;

use temper_oci::Digest;
use temper_oci::reference::{check_repository, check_tag};

/// The path of a repository below the registry's host, `acme/python`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Reads a name, `None` when it breaks the grammar.
    pub fn parse(text: &str) -> Option<Self> {
        check_repository(text).ok().map(|()| Self(text.to_owned()))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a request names a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManifestReference {
    /// By what it is.
    Digest(Digest),
    /// By what it is called now.
    Tag(String),
}

impl ManifestReference {
    /// Reads a digest or a tag.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse()
            .map(Self::Digest)
            .ok()
            .or_else(|| check_tag(text).ok().map(|()| Self::Tag(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::{ManifestReference, RepositoryName};

    #[test]
    fn repository_names_follow_the_grammar() {
        for good in ["a", "acme/python", "a/b/c", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1", "a1.b2/c"] {
            assert_eq!(RepositoryName::parse(good).expect(good).as_str(), good);
        }
        let long = "a".repeat(256);
        for bad in [
            "", "/", "a/", "/a", "a//b", "A", "a/B", "a..b", "a___b", "a._b", "-a", "a-", "_a", ".", "..",
            "a/../b", "a b", "a\0", "é", &long,
        ] {
            assert_eq!(RepositoryName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn tags_and_digests_are_told_apart() {
        for good in ["latest", "1.0", "_x", "A-b_c.d", "sha256-abc.sig", &"a".repeat(128)] {
            assert_eq!(ManifestReference::parse(good), Some(ManifestReference::Tag(good.to_owned())));
        }
        for bad in ["", ".a", "-a", "a/b", "a:b", "é", "sha256:abc", &"a".repeat(129)] {
            assert_eq!(ManifestReference::parse(bad), None, "{bad:?}");
        }
        let digest = temper_oci::Digest::of("");
        assert_eq!(ManifestReference::parse(&digest.to_string()), Some(ManifestReference::Digest(digest)));
    }
}
