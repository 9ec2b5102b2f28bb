//! One package stanza of an index, interpreted on demand.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Field, Places, Span};
use crate::relation::{Relation, groups};

/// A view of one stanza; copying it copies two references.
#[derive(Clone, Copy)]
pub struct PackageRecord<'a> {
    text: &'a str,
    places: &'a Places,
}

/// How a package behaves when several architectures are installed together, see
/// [policy §5.6.x](https://wiki.debian.org/Multiarch/HOWTO).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MultiArch {
    #[default]
    No,
    Same,
    Foreign,
    Allowed,
}

/// How important an archive holds a package to be ([policy §2.5]). Later is more important.
///
/// [policy §2.5]: https://www.debian.org/doc/debian-policy/ch-archive.html#priorities
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Absent or not a word of the policy.
    #[default]
    Unknown,
    Extra,
    Optional,
    Standard,
    Important,
    Required,
}

impl<'a> PackageRecord<'a> {
    pub(super) fn new(text: &'a str, places: &'a Places) -> Self {
        Self { text, places }
    }

    fn field(&self, field: Field) -> &'a str {
        self.slice(self.places.fields[field as usize])
    }

    fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    fn is_yes(&self, field: Field) -> bool {
        self.field(field).eq_ignore_ascii_case("yes")
    }

    /// The stanza's text with the newline of its last line, if it has one.
    pub fn stanza(&self) -> &'a str {
        self.slice(self.places.stanza)
    }

    /// Where the stanza begins in the index, in bytes.
    pub fn offset(&self) -> usize {
        self.places.stanza.start as usize
    }

    pub fn name(&self) -> &'a str {
        self.field(Field::Package)
    }

    /// The version as written; compared with [`compare_versions`](crate::compare_versions).
    pub fn version(&self) -> &'a str {
        self.field(Field::Version)
    }

    /// A Debian architecture or `all`.
    pub fn architecture(&self) -> &'a str {
        self.field(Field::Architecture)
    }

    pub fn multi_arch(&self) -> MultiArch {
        match self.field(Field::MultiArch) {
            "same" => MultiArch::Same,
            "foreign" => MultiArch::Foreign,
            "allowed" => MultiArch::Allowed,
            _ => MultiArch::No,
        }
    }

    pub fn essential(&self) -> bool {
        self.is_yes(Field::Essential)
    }

    /// Whether removal is refused as for essential packages, though nothing may rely on the package.
    pub fn protected(&self) -> bool {
        self.is_yes(Field::Protected) || self.is_yes(Field::Important)
    }

    pub fn priority(&self) -> Priority {
        match self.field(Field::Priority) {
            "required" => Priority::Required,
            "important" => Priority::Important,
            "standard" => Priority::Standard,
            "optional" => Priority::Optional,
            "extra" => Priority::Extra,
            _ => Priority::Unknown,
        }
    }

    pub fn section(&self) -> &'a str {
        self.field(Field::Section)
    }

    /// The field `Depends`, empty when absent; read with [`crate::groups`], as the next ones.
    pub fn depends(&self) -> &'a str {
        self.field(Field::Depends)
    }

    pub fn pre_depends(&self) -> &'a str {
        self.field(Field::PreDepends)
    }

    pub fn conflicts(&self) -> &'a str {
        self.field(Field::Conflicts)
    }

    pub fn breaks(&self) -> &'a str {
        self.field(Field::Breaks)
    }

    pub fn replaces(&self) -> &'a str {
        self.field(Field::Replaces)
    }

    /// The field `Provides`, empty when absent.
    pub fn provides(&self) -> &'a str {
        self.field(Field::Provides)
    }

    pub fn recommends(&self) -> &'a str {
        self.field(Field::Recommends)
    }

    pub fn suggests(&self) -> &'a str {
        self.field(Field::Suggests)
    }

    pub fn enhances(&self) -> &'a str {
        self.field(Field::Enhances)
    }

    /// The provided names, each with its version if it has one. What cannot be read provides nothing.
    pub fn provided(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        groups(self.provides()).filter_map(|group| {
            let relation = Relation::parse(group.as_str()).ok()?;
            Some((relation.name, relation.constraint.map(|constraint| constraint.version)))
        })
    }

    /// Name and version of the source package, which are the package's own where the stanza does not say otherwise.
    pub fn source(&self) -> (&'a str, &'a str) {
        match self.field(Field::Source).split_once('(') {
            Some((name, version)) => (name.trim_end(), version.trim_end_matches(')').trim()),
            None if self.field(Field::Source).is_empty() => (self.name(), self.version()),
            None => (self.field(Field::Source), self.version()),
        }
    }

    /// Path of the package file below the archive's root; absent in a database.
    pub fn filename(&self) -> Option<&'a str> {
        Some(self.field(Field::Filename)).filter(|value| !value.is_empty())
    }

    /// Size of the package file.
    pub fn size_bytes(&self) -> Option<u64> {
        self.field(Field::Size).parse().ok()
    }

    /// SHA-256 of the package file, in hexadecimal.
    pub fn sha256(&self) -> Option<&'a str> {
        Some(self.field(Field::Sha256)).filter(|value| !value.is_empty())
    }

    /// What the package needs on disk, as its builder estimated.
    pub fn installed_size_kib(&self) -> Option<u64> {
        self.field(Field::InstalledSize).parse().ok()
    }

    /// The first line of the description.
    pub fn description(&self) -> &'a str {
        self.field(Field::Description).trim_start().lines().next().unwrap_or_default()
    }

    /// The words of the database's field `Status`, empty in an index and in `status.d`.
    pub fn status(&self) -> &'a str {
        self.field(Field::Status)
    }
}

impl fmt::Debug for PackageRecord<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}={}", self.name(), self.architecture(), self.version())
    }
}
