//! Addresses in apt's configuration, see [sources.list(5)](https://manpages.debian.org/sources.list.5).

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use temper_deb::sources::{AptSource, deb822, lines};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Most files that are read.
const FILES_MAX: usize = 256;

/// Returns the addresses of binary packages: `sources.list`, then the files of `sources.list.d` by name.
pub(super) fn uris(folder: &Path) -> Vec<String> {
    let mut uris = Vec::new();
    for path in files(folder) {
        let Some(text) = read(&path) else { continue };
        let is_deb822 = path.extension().is_some_and(|extension| extension == "sources");
        let sources: Vec<AptSource<'_>> =
            if is_deb822 { deb822(&text).collect() } else { lines(&text).collect() };
        uris.extend(sources.iter().flat_map(|source| &source.uris).map(|uri| (*uri).to_owned()));
    }
    uris
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().flatten();
    let is_read = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "list" || kind == "sources");
    let mut parts: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_read).take(FILES_MAX).collect();
    parts.sort();
    parts.insert(0, folder.join("sources.list"));
    parts
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}
