//! Release files: the signed description of a suite, with the digests of its indexes.
//!
//! Follows Debian's [repository format, "Release" files](https://wiki.debian.org/DebianRepository/Format). The text
//! must come out of signature verification; nothing here knows about signatures. Only SHA-256 is read: older
//! digests do not protect, newer ones never stand alone.

mod date;

use std::collections::BTreeMap;

use crate::control::{ControlError, Stanza};

pub use date::parse_date;

/// Most files that a release may list; Debian's largest suites have about 3,000.
pub const RELEASE_FILES_MAX: usize = 200_000;

/// What a suite says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the format")]
pub struct Release {
    /// Who made it, `Debian`.
    pub origin: Option<String>,
    /// Label, `Debian-Security`.
    pub label: Option<String>,
    /// Suite, `stable-security`.
    pub suite: Option<String>,
    /// Codename, `trixie-security`.
    pub codename: Option<String>,
    /// Version of the distribution, `13.1`.
    pub version: Option<String>,
    /// When it was made, in seconds since the epoch.
    pub date: i64,
    /// After this it must not be trusted as current, in seconds since the epoch.
    pub valid_until: Option<i64>,
    /// Architectures, `all` included where it is listed.
    pub architectures: Vec<String>,
    /// Components, `main`.
    pub components: Vec<String>,
    /// Index files by path below the suite's folder.
    pub files: BTreeMap<String, ReleaseFile>,
    /// Index files can be fetched by digest, so that an update in between does no harm.
    pub acquire_by_hash: bool,
    /// Packages are chosen only on demand (pin priority 1).
    pub not_automatic: bool,
    /// Packages chosen once are upgraded (pin priority 100).
    pub but_automatic_upgrades: bool,
    /// Packages of architecture `all` stand in the index of `all` only.
    pub has_separate_all: bool,
}

/// An index file that a release lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// Why a text is no release file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    #[error("release is no control data")]
    Control(#[from] ControlError),
    #[error("field `{field}` of the release has `{value}`, which is no date")]
    Date { field: &'static str, value: String },
    #[error("field `SHA256` of the release has line `{line}`, which is not `digest size path`")]
    File { line: String },
    #[error("release lists `{path}` twice with different digests")]
    Duplicate { path: String },
    #[error("release lists more than {RELEASE_FILES_MAX} files")]
    Files,
}

impl Release {
    /// Reads the verified text of a release file.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let stanza = Stanza::parse(text)?;
        let own = |name| stanza.find(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let words = |name| {
            let value = stanza.find(name).unwrap_or_default();
            value.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let is_yes = |name| stanza.find(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        let date = |field, value: &str| {
            parse_date(value).ok_or_else(|| ReleaseError::Date { field, value: value.to_owned() })
        };
        let architectures = words("Architectures");
        let has_separate_all = architectures.iter().any(|name| name == "all")
            && !words("No-Support-for-Architecture-all").iter().any(|index| index == "Packages");
        Ok(Self {
            origin: own("Origin"),
            label: own("Label"),
            suite: own("Suite"),
            codename: own("Codename"),
            version: own("Version"),
            date: date("Date", stanza.get("Date")?)?,
            valid_until: own("Valid-Until").map(|value| date("Valid-Until", &value)).transpose()?,
            architectures,
            components: words("Components"),
            files: parse_files(stanza.get("SHA256")?)?,
            acquire_by_hash: is_yes("Acquire-By-Hash"),
            not_automatic: is_yes("NotAutomatic"),
            but_automatic_upgrades: is_yes("ButAutomaticUpgrades"),
            has_separate_all,
        })
    }
}

fn parse_files(list: &str) -> Result<BTreeMap<String, ReleaseFile>, ReleaseError> {
    let mut files = BTreeMap::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if files.len() == RELEASE_FILES_MAX {
            return Err(ReleaseError::Files);
        }
        let (path, file) = parse_file(line).ok_or_else(|| ReleaseError::File { line: line.to_owned() })?;
        if files.insert(path.to_owned(), file).is_some_and(|earlier| earlier != file) {
            return Err(ReleaseError::Duplicate { path: path.to_owned() });
        }
    }
    Ok(files)
}

/// Reads `digest size path`. The path becomes part of an address, so it must stay below the suite's folder.
fn parse_file(line: &str) -> Option<(&str, ReleaseFile)> {
    let mut words = line.split_ascii_whitespace();
    let (digest, size, path) = (words.next()?, words.next()?, words.next()?);
    let stays_below = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let is_number = size.bytes().all(|byte| byte.is_ascii_digit());
    if words.next().is_some() || !stays_below || !is_number {
        return None;
    }
    Some((path, ReleaseFile { size: size.parse().ok()?, sha256: parse_sha256(digest)? }))
}

/// Reads the 64 hexadecimal digits of a SHA-256 digest.
fn parse_sha256(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
