//! Debian's short names of licences in SPDX's words.

/// Names that follow no rule, see [DEP-5, "License specification"](https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-specification).
const NAMES: &[(&str, &str)] = &[
    ("apache-2", "Apache-2.0"),
    ("artistic", "Artistic-1.0-Perl"),
    ("cc0", "CC0-1.0"),
    ("expat", "MIT"),
    ("perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("python-2", "Python-2.0"),
    ("w3c-software", "W3C"),
    ("zlib/libpng", "Zlib"),
];

/// Families whose versions end in `-only` or `-or-later`, with their names in copyright files, longest first.
const GNU: &[(&str, &str, &str)] = &[
    ("gfdl-niv", "GFDL", "-no-invariants"),
    ("agpl", "AGPL", ""),
    ("gfdl", "GFDL", ""),
    ("lgpl", "LGPL", ""),
    ("gpl", "GPL", ""),
];

/// Exceptions by the word that a copyright file has before `exception`.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("bison", "Bison-exception-2.2"),
    ("classpath", "Classpath-exception-2.0"),
    ("font", "Font-exception-2.0"),
    ("gcc-runtime-library", "GCC-exception-3.1"),
    ("libtool", "Libtool-exception"),
    ("linux-syscall-note", "Linux-syscall-note"),
    ("llvm", "LLVM-exception"),
];

/// A licence by its name.
pub(super) enum Name {
    /// An expression of identifiers that SPDX lists.
    Listed(String),
    /// A name that SPDX does not list.
    Unknown(String),
}

/// Reads one name; a word that cannot be a name gives nothing.
pub(super) fn licence(name: &str) -> Option<Name> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._/~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_name) || name.ends_with(['.', '-']) {
        return None;
    }
    let listed = special(name).or_else(|| gnu(name)).or_else(|| listed(name));
    Some(listed.map_or_else(|| Name::Unknown(name.to_owned()), Name::Listed))
}

/// Reads a name with an exception, as `GPL-2+ with Autoconf exception`.
pub(super) fn with_exception(name: &str, exception: &str) -> Option<Name> {
    let known = EXCEPTIONS.iter().find(|(word, _)| word.eq_ignore_ascii_case(exception)).map(|(_, id)| *id);
    let id = known.or_else(|| spdx::exception_id(exception).map(|id| id.name));
    match (licence(name)?, id) {
        (Name::Listed(licence), Some(id)) if !licence.contains(' ') => {
            Some(Name::Listed(format!("{licence} WITH {id}")))
        }
        _ => licence(exception).map(|_| Name::Unknown(format!("{name} with {exception} exception"))),
    }
}

/// The reference of a name that SPDX does not list.
pub(super) fn reference(name: &str) -> String {
    let mut id = "LicenseRef-".to_owned();
    for character in name.chars() {
        match character {
            '+' => id.push_str("-or-later"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => id.push(character),
            _ => id.push('-'),
        }
    }
    id
}

fn special(name: &str) -> Option<String> {
    NAMES.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, id)| (*id).to_owned())
}

/// `GPL-2+`, `GPLv2+`, `GPL-2.0-or-later` and `LGPL-2.1` alike.
fn gnu(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let (family, suffix, rest) = GNU.iter().find_map(|(prefix, family, suffix)| {
        let rest = lower.strip_prefix(prefix)?;
        Some((family, suffix, rest.strip_prefix('-').or_else(|| rest.strip_prefix('v'))?))
    })?;
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let (version, is_later) = match rest.strip_suffix('+').or_else(|| rest.strip_suffix("-or-later")) {
        Some(version) => (version, true),
        None => (rest.strip_suffix("-only").unwrap_or(rest), false),
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let ending = if is_later { "or-later" } else { "only" };
    spdx::license_id(&format!("{family}-{version}{suffix}-{ending}")).map(|id| id.name.to_owned())
}

/// SPDX's own names in any case, and with the `.0` that Debian leaves out.
fn listed(name: &str) -> Option<String> {
    let full = format!("{name}.0");
    let is_same = |id: &str| id.eq_ignore_ascii_case(name) || id.eq_ignore_ascii_case(&full);
    let found = spdx::identifiers::LICENSES.iter().find(|licence| is_same(licence.name))?;
    (found.name != "NOASSERTION").then(|| found.name.to_owned())
}
