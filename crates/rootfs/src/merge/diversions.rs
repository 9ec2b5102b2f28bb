//! Paths that one package has moved aside for its own file, see [dpkg-divert(1)].
//!
//! [dpkg-divert(1)]: https://manpages.debian.org/dpkg-divert.1

use std::collections::BTreeMap;

use temper_oci::normalize_path;

use crate::tree::Tree;

const DATABASE: &str = "var/lib/dpkg/diversions";

/// The diversions of a base: by path, where it goes and which package's own file stays (`:` for none's).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Diversions(BTreeMap<String, (String, String)>);

impl Diversions {
    /// Reads the database of a tree: three lines for each diversion; what cannot be read diverts nothing.
    pub(crate) fn read(tree: &Tree) -> Self {
        let text = String::from_utf8_lossy(tree.read(DATABASE).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let triples = lines.chunks_exact(3).filter_map(|triple| {
            let path = normalize_path(triple[0]).filter(|path| !path.is_empty())?;
            let to = normalize_path(triple[1]).filter(|path| !path.is_empty())?;
            Some((path, (to, triple[2].to_owned())))
        });
        Self(triples.collect())
    }

    /// Returns where a package's file goes.
    pub(crate) fn place<'a>(&'a self, path: &'a str, package: &str) -> &'a str {
        match self.0.get(path) {
            Some((to, owner)) if owner != package => to,
            _ => path,
        }
    }
}
