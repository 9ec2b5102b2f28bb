//! Which end point a path below `/v2/` names.
//!
//! Repository names hold slashes, so a path is read from its end, where the fixed words stand.

use crate::name::RepositoryName;

/// An end point of the [distribution specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints)
/// with what its path names, not yet checked except for the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/v2/`.
    Base,
    /// `/v2/_catalog`, which the specification leaves to registries.
    Catalog,
    /// `/v2/<name>/blobs/<digest>`.
    Blob(RepositoryName, &'a str),
    /// `/v2/<name>/blobs/uploads/`.
    Uploads(RepositoryName),
    /// `/v2/<name>/blobs/uploads/<id>`.
    Upload(RepositoryName, &'a str),
    /// `/v2/<name>/manifests/<reference>`.
    Manifest(RepositoryName, &'a str),
    /// `/v2/<name>/tags/list`.
    Tags(RepositoryName),
    /// `/v2/<name>/referrers/<digest>`.
    Referrers(RepositoryName, &'a str),
}

/// Why a path names no end point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unroutable<'a> {
    /// No end point has this form.
    Path,
    /// The form is right, the repository's name is not.
    Name(&'a str),
}

impl<'a> Route<'a> {
    /// Reads what follows `/v2/`.
    pub(crate) fn parse(path: &'a str) -> Result<Self, Unroutable<'a>> {
        if path.is_empty() {
            return Ok(Self::Base);
        }
        if path == "_catalog" {
            return Ok(Self::Catalog);
        }
        let (head, last) = path.rsplit_once('/').ok_or(Unroutable::Path)?;
        let (name, word) = head.rsplit_once('/').ok_or(Unroutable::Path)?;
        let repository = |name| RepositoryName::parse(name).ok_or(Unroutable::Name(name));
        match (word, last) {
            ("uploads", id) if name.ends_with("/blobs") => {
                let repository = repository(&name[..name.len() - "/blobs".len()])?;
                Ok(if id.is_empty() { Self::Uploads(repository) } else { Self::Upload(repository, id) })
            }
            // Without the final slash, as some clients write it.
            ("blobs", "uploads") => repository(name).map(Self::Uploads),
            (_, "") => Err(Unroutable::Path),
            ("blobs", digest) => Ok(Self::Blob(repository(name)?, digest)),
            ("manifests", reference) => Ok(Self::Manifest(repository(name)?, reference)),
            ("tags", "list") => repository(name).map(Self::Tags),
            ("referrers", digest) => Ok(Self::Referrers(repository(name)?, digest)),
            _ => Err(Unroutable::Path),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Route, Unroutable};
    use crate::name::RepositoryName;

    #[test]
    fn paths_are_read_from_their_end() {
        let name = |text| RepositoryName::parse(text).expect("is a name");
        for (path, expected) in [
            ("", Ok(Route::Base)),
            ("_catalog", Ok(Route::Catalog)),
            ("_catalog/", Err(Unroutable::Path)),
            ("a/b/blobs/sha256:1", Ok(Route::Blob(name("a/b"), "sha256:1"))),
            ("a/blobs/uploads/", Ok(Route::Uploads(name("a")))),
            ("a/blobs/uploads", Ok(Route::Uploads(name("a")))),
            ("a/blobs/uploads/7", Ok(Route::Upload(name("a"), "7"))),
            ("a/manifests/latest", Ok(Route::Manifest(name("a"), "latest"))),
            ("manifests/manifests/manifests", Ok(Route::Manifest(name("manifests"), "manifests"))),
            ("a/blobs/manifests/x", Ok(Route::Manifest(name("a/blobs"), "x"))),
            ("a/tags/list", Ok(Route::Tags(name("a")))),
            ("a/referrers/sha256:1", Ok(Route::Referrers(name("a"), "sha256:1"))),
            ("A/manifests/1", Err(Unroutable::Name("A"))),
            ("../manifests/1", Err(Unroutable::Name(".."))),
            ("/manifests/1", Err(Unroutable::Name(""))),
            ("a/manifests/", Err(Unroutable::Path)),
            ("a/tags/1", Err(Unroutable::Path)),
            ("manifests/1", Err(Unroutable::Path)),
            ("a", Err(Unroutable::Path)),
        ] {
            assert_eq!(Route::parse(path), expected, "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_answered(path in "[a-z./A-Z_-]{0,40}|(a|/|blobs|uploads|manifests|tags|list|referrers|é){0,12}") {
            if let Ok(Route::Manifest(name, reference)) = Route::parse(&path) {
                prop_assert_eq!(format!("{name}/manifests/{reference}"), path);
            }
        }
    }
}
