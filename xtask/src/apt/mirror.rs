//! Where this machine gets Debian packages from: read from its own apt configuration, never written down here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::invocation::Invocation;

const SOURCES: &str = "/etc/apt/sources.list";
const SOURCES_PARTS: &str = "/etc/apt/sources.list.d";

/// Settings of the machine that decide whether it can read its mirror at all.
const TAKEN_OVER: &[&str] = &["Acquire::Check-", "Acquire::http::", "Acquire::https::"];

/// The addresses and the settings to reach them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub(crate) archive: String,
    pub(crate) security: String,
    /// Lines of apt.conf(5).
    pub(crate) settings: String,
}

impl Mirror {
    pub(crate) fn of_this_machine() -> Result<Self> {
        let uris: Vec<String> =
            source_files()?.iter().map(|file| uris(file)).collect::<Result<Vec<_>>>()?.concat();
        let (archive, security) = choose(&uris).context("no Debian mirror in the machine's apt sources")?;
        let dump = Invocation::new("apt-config").arg("dump").env("LC_ALL", "C").output()?;
        let taken_over = |line: &&str| TAKEN_OVER.iter().any(|prefix| line.starts_with(prefix));
        let settings = dump.split_inclusive('\n').filter(taken_over).collect();
        Ok(Self { archive, security, settings })
    }
}

fn source_files() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if Path::new(SOURCES_PARTS).is_dir() {
        for entry in fs::read_dir(SOURCES_PARTS)? {
            files.push(entry?.path());
        }
    }
    files.retain(|file| {
        file.extension().is_some_and(|extension| extension == "sources" || extension == "list")
    });
    files.sort();
    let main = PathBuf::from(SOURCES);
    if main.exists() {
        files.insert(0, main);
    }
    Ok(files)
}

/// The addresses of one file, in its order: sources.list(5), the one-line form and the deb822 form.
fn uris(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(text.lines().flat_map(line_uris).collect())
}

fn line_uris(line: &str) -> Vec<String> {
    let words = line.strip_prefix("URIs:").or_else(|| line.strip_prefix("deb "));
    let words = words.unwrap_or_default().split_whitespace();
    words.filter(|word| word.contains("://")).map(|word| word.trim_end_matches('/').to_owned()).collect()
}

/// The archive is the first address that ends in `/debian`, its security archive stands beside it.
fn choose(uris: &[String]) -> Option<(String, String)> {
    let archive = uris.iter().find(|uri| uri.ends_with("/debian"))?.clone();
    let security = uris.iter().find(|uri| uri.ends_with("/debian-security") || uri.ends_with("/security"));
    let security = security.cloned().unwrap_or_else(|| format!("{archive}-security"));
    Some((archive, security))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_sources_are_read() {
        assert_eq!(line_uris("URIs: http://mirror.example/debian/"), ["http://mirror.example/debian"]);
        assert_eq!(
            line_uris("deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie main"),
            ["http://mirror.example/debian"]
        );
        assert_eq!(line_uris("# deb http://mirror.example/debian trixie main"), Vec::<String>::new());
    }

    #[test]
    fn the_security_archive_stands_beside_the_archive() {
        let uris = |list: &[&str]| list.iter().map(|&uri| uri.to_owned()).collect::<Vec<_>>();
        let named = choose(&uris(&["http://a/nodejs", "http://a/debian", "http://b/debian-security"]));
        assert_eq!(named, Some(("http://a/debian".to_owned(), "http://b/debian-security".to_owned())));
        let derived = choose(&uris(&["http://a/debian"]));
        assert_eq!(derived, Some(("http://a/debian".to_owned(), "http://a/debian-security".to_owned())));
        assert_eq!(choose(&uris(&["http://a/nodejs"])), None);
    }
}
