//! `/etc/ld.so.cache`, byte for byte as `ldconfig` of the tree's own glibc would write it.
//!
//! It is computed from the final tree: libraries of the directories in `/etc/ld.so.conf` and its includes, of `/lib`
//! and `/usr/lib`, and of their `glibc-hwcaps` subdirectories
//! ([ldconfig(8)](https://manpages.debian.org/ldconfig.8)). Not reproduced: the instruction set levels that a library
//! in a hwcaps directory may declare, and `/var/cache/ldconfig/aux-cache`, which only speeds `ldconfig` up.

mod directories;
mod format;
mod libraries;

use self::libraries::Library;
use super::Change;
use crate::tree::{Origin, Tree};

const CACHE: &str = "etc/ld.so.cache";

/// What `ldconfig` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdSoCache {
    /// Links from sonames to libraries that came onto the base without them.
    pub links: Vec<Change>,
    /// The cache.
    pub content: Vec<u8>,
}

/// Returns links and cache for a tree, or `None` for a tree that has no cache and needs none.
///
/// A tree without a cache and without `libc-bin` needs one only if its configuration names directories beyond the
/// default ones. `architecture` is Debian's name of the platform, `libc_bin_version` the version of that package.
pub fn ld_so_cache(tree: &Tree, architecture: &str, libc_bin_version: Option<&str>) -> Option<LdSoCache> {
    let before = tree.read(CACHE);
    let is_needed = tree.get(CACHE).is_some()
        || libc_bin_version.is_some()
        || directories::configured(tree).iter().any(|name| !is_default(name) && tree.lookup(name).is_some());
    if !is_needed {
        return None;
    }
    let libraries = libraries_of(tree, architecture);
    let generator = generator(before.and_then(format::generator), libc_bin_version);
    let links = libraries.iter().filter_map(|library| link(tree, library)).collect();
    Some(LdSoCache { links, content: format::write(libraries, generator.as_deref()) })
}

/// Returns the soname link of a library that lacks it; a base that was made without one stays so.
fn link(tree: &Tree, library: &Library) -> Option<Change> {
    let target = library.link_to.clone()?;
    let path = tree.resolve_parent(&library.path).ok()?;
    let file = tree.get(&format!("{}/{target}", path.rsplit_once('/')?.0))?;
    (file.origin != Origin::Base).then_some(Change::Symlink { path, target })
}

fn libraries_of(tree: &Tree, architecture: &str) -> Vec<Library> {
    let directories = directories::directories(tree);
    directories.iter().flat_map(|directory| libraries::libraries(tree, architecture, directory)).collect()
}

/// Returns whether a directory is searched without any cache, or is one that every Debian configuration names.
fn is_default(name: &str) -> bool {
    let local = name.strip_prefix("/usr/local").or_else(|| name.strip_prefix("/usr")).unwrap_or(name);
    local == "/lib"
        || local
            .strip_prefix("/lib/")
            .is_some_and(|rest| rest.ends_with("-linux-gnu") || rest.contains("-linux-gnueabi"))
}

/// Names the program that writes the cache: as the base's cache does, with the version of `libc-bin`.
fn generator(before: Option<&str>, libc_bin_version: Option<&str>) -> Option<String> {
    let Some(version) = libc_bin_version else { return before.map(str::to_owned) };
    let upstream = version.split('-').next().unwrap_or(version);
    let vendor = before.and_then(|before| before.strip_prefix("ldconfig (")?.split_once(" GLIBC "));
    let vendor = vendor.map_or("Debian", |(vendor, _)| vendor);
    Some(format!("ldconfig ({vendor} GLIBC {version}) stable release version {upstream}"))
}

#[cfg(test)]
mod tests;
