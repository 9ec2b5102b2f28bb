//! Package URLs: the one name of a package that every scanner knows.
//!
//! Follows the [package URL specification](https://github.com/package-url/purl-spec/blob/main/PURL-SPECIFICATION.rst)
//! in its canonical form: qualifiers are sorted, empty ones are left out, and `+` is encoded while `~` and `:` are not.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Longest package URL in bytes that is read.
pub const PURL_BYTES_MAX: usize = 4096;

/// `pkg:type/namespace/name@version?qualifiers`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purl {
    /// The kind of package: `deb`, `oci`.
    pub kind: String,
    /// Parts before the name, joined by `/`; empty where there are none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// Qualifiers by key.
    pub qualifiers: BTreeMap<String, String>,
}

/// A text is no package URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package URL of the form `pkg:type/namespace/name@version?qualifiers`")]
pub struct ParsePurlError(String);

impl Purl {
    /// Makes a package URL without qualifiers.
    pub fn new(kind: &str, namespace: &str, name: &str, version: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            version: (!version.is_empty()).then(|| version.to_owned()),
            qualifiers: BTreeMap::new(),
        }
    }

    /// Returns the package URL with a qualifier; an empty value adds none.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.qualifiers.insert(key.to_owned(), value.to_owned());
        }
        self
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for part in self.namespace.split('/').filter(|part| !part.is_empty()) {
            write!(f, "{}/", encode(part, b""))?;
        }
        write!(f, "{}", encode(&self.name, b""))?;
        if let Some(version) = &self.version {
            write!(f, "@{}", encode(version, b""))?;
        }
        for (index, (key, value)) in self.qualifiers.iter().enumerate() {
            write!(f, "{}{key}={}", if index == 0 { '?' } else { '&' }, encode(value, b"/"))?;
        }
        Ok(())
    }
}

impl FromStr for Purl {
    type Err = ParsePurlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || ParsePurlError(text.chars().take(200).collect());
        if text.len() > PURL_BYTES_MAX {
            return Err(shown());
        }
        parse(text).ok_or_else(shown)
    }
}

/// The subpath, after `#`, names a part of a package and does not count.
fn parse(text: &str) -> Option<Purl> {
    let text = text.strip_prefix("pkg:")?.trim_start_matches('/');
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let (kind, path) = path.split_once('/')?;
    // An encoded `@` cannot end a name, so the last plain one begins the version.
    let (path, version) = match path.rsplit_once('@') {
        Some((path, version)) => (path, Some(decode(version)?)),
        None => (path, None),
    };
    let parts: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).map(decode).collect::<Option<_>>()?;
    let (name, namespace) = parts.split_last()?;
    let is_kind = |kind: &str| {
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(&byte))
    };
    let mut purl = Purl {
        kind: is_kind(kind).then(|| kind.to_ascii_lowercase())?,
        namespace: namespace.join("/"),
        name: name.clone(),
        version: version.filter(|version| !version.is_empty()),
        qualifiers: BTreeMap::new(),
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=')?;
        purl = purl.with(&key.to_ascii_lowercase(), &decode(value)?);
    }
    Some(purl)
}

fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(*high)? << 4 | digit(*low)?) as u8);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}
