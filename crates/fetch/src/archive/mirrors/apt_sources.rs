//! Addresses in apt's configuration, see [sources.list(5)](https://manpages.debian.org/sources.list.5).

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use temper_deb::control::{Stanza, stanzas};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Most files that are read.
const FILES_MAX: usize = 256;

/// Returns the addresses of binary packages: `sources.list`, then the files of `sources.list.d` by name.
pub(super) fn uris(folder: &Path) -> Vec<String> {
    let mut uris = Vec::new();
    for path in files(folder) {
        let Some(text) = read(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => uris.extend(of_stanzas(&text)),
            _ => uris.extend(text.lines().filter_map(of_line)),
        }
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

/// The address of a line `deb [options] address suite component…`.
fn of_line(line: &str) -> Option<String> {
    let line = line.split('#').next().unwrap_or_default();
    let rest = line.trim_start().strip_prefix("deb")?;
    let rest = rest.starts_with([' ', '\t']).then(|| rest.trim_start())?;
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    rest.split_ascii_whitespace().next().map(str::to_owned)
}

/// The addresses of the enabled stanzas with type `deb`, up to the first damaged one.
fn of_stanzas(text: &str) -> Vec<String> {
    let is_used = |stanza: &Stanza<'_>| {
        let is_enabled = !stanza.find("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
        is_enabled
            && stanza.find("Types").unwrap_or_default().split_ascii_whitespace().any(|kind| kind == "deb")
    };
    let used = stanzas(text).map_while(Result::ok).filter(is_used);
    used.flat_map(|stanza| {
        let words = stanza.find("URIs").unwrap_or_default().split_ascii_whitespace();
        words.map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in "(deb|Types: deb\nURIs:)?[ -~\\[\\]#\n\té]{0,60}") {
            let _ = (of_stanzas(&text), text.lines().filter_map(of_line).count());
        }
    }
}
