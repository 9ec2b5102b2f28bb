//! dpkg's database of installed packages: `status`, and the form with one file per package in `status.d`.
//!
//! Ordinary images have `/var/lib/dpkg/status`; images without dpkg often have `/var/lib/dpkg/status.d/<package>`, which
//! holds the package's control file as it is. An image may have both; what is installed is their union.

mod stanza;

use std::collections::BTreeSet;

use crate::index::{Field, IndexError, PackageIndex, PackageRecord};

pub use stanza::status_stanza;

/// The installed packages of a file-system tree.
#[derive(Debug, Default)]
pub struct StatusDatabase {
    status: PackageIndex,
    has_status: bool,
    directory: PackageIndex,
    /// For each record of `directory`, the name of its file.
    file_names: Vec<String>,
}

/// Which form of the database a package stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusForm {
    /// The file `status`.
    File,
    /// A file in `status.d`.
    Directory,
}

/// Why a database cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    #[error("dpkg's database `status` cannot be read")]
    File(#[source] IndexError),
    #[error("`status.d/{name}` of dpkg's database cannot be read")]
    Directory {
        name: String,
        #[source]
        source: IndexError,
    },
    #[error("`status.d/{name}` of dpkg's database holds {count} packages instead of one")]
    Count { name: String, count: usize },
}

impl StatusDatabase {
    /// Reads the text of `status`, if there is one, and name and text of the files in `status.d`.
    ///
    /// Checksum lists (`*.md5sums`) among the files are passed over. A package that stands in both forms counts once,
    /// as `status` has it.
    pub fn parse(status: Option<String>, mut directory: Vec<(String, String)>) -> Result<Self, StatusError> {
        let has_status = status.is_some();
        let status = PackageIndex::parse_with(status.unwrap_or_default(), &[Field::Package])
            .map_err(StatusError::File)?;
        let known: BTreeSet<_> = status
            .records()
            .filter(is_installed)
            .map(|record| (record.name(), record.architecture()))
            .collect();
        directory.sort();
        let (mut text, mut file_names) = (String::new(), Vec::new());
        for (name, stanza) in directory {
            if name.ends_with(".md5sums") {
                continue;
            }
            let one = PackageIndex::parse_with(stanza, &[Field::Package, Field::Version])
                .map_err(|source| StatusError::Directory { name: name.clone(), source })?;
            let record = match (one.find(0), one.len()) {
                (Some(record), 1) => record,
                (_, count) => return Err(StatusError::Count { name, count }),
            };
            if !known.contains(&(record.name(), record.architecture())) {
                text.push_str(record.stanza().trim_end());
                text.push_str("\n\n");
                file_names.push(name);
            }
        }
        let directory = PackageIndex::parse_with(text, &[]).map_err(StatusError::File)?;
        Ok(Self { status, has_status, directory, file_names })
    }

    /// Whether the tree has the file `status`, even an empty one.
    pub fn has_status(&self) -> bool {
        self.has_status
    }

    /// Whether the tree has packages in `status.d` alone.
    pub fn has_directory(&self) -> bool {
        !self.directory.is_empty()
    }

    /// The stanzas of `status`, those of removed packages too.
    pub fn status(&self) -> &PackageIndex {
        &self.status
    }

    /// The packages that only `status.d` has.
    pub fn directory(&self) -> &PackageIndex {
        &self.directory
    }

    /// The installed packages: those of `status` in its order, then those of `status.d` by file name.
    pub fn installed(&self) -> impl Iterator<Item = PackageRecord<'_>> + Clone {
        self.status.records().filter(is_installed).chain(self.directory.records())
    }

    /// The first installed package of a name.
    pub fn find(&self, name: &str) -> Option<PackageRecord<'_>> {
        self.installed().find(|record| record.name() == name)
    }

    /// The form that holds an installed package, with the file's name in `status.d` for the second one.
    pub fn form_of(&self, name: &str, architecture: &str) -> Option<(StatusForm, &str)> {
        let is_meant =
            |record: &PackageRecord<'_>| (record.name(), record.architecture()) == (name, architecture);
        if self.status.records().any(|record| is_installed(&record) && is_meant(&record)) {
            return Some((StatusForm::File, "status"));
        }
        let position = self.directory.records().position(|record| is_meant(&record))?;
        Some((StatusForm::Directory, &self.file_names[position]))
    }

    /// Writes the file `status` again: the stanzas that `keep` accepts byte for byte, and the `added` ones, by name.
    pub fn render_status(&self, keep: impl Fn(&PackageRecord<'_>) -> bool, added: &[String]) -> String {
        let mut stanzas: Vec<(&str, &str)> = self
            .status
            .records()
            .filter(keep)
            .map(|record| (record.name(), record.stanza()))
            .chain(added.iter().map(|stanza| (stanza::package_of(stanza), stanza.as_str())))
            .collect();
        stanzas.sort_by_key(|(name, _)| *name);
        let mut text = String::new();
        for (_, stanza) in stanzas {
            text.push_str(stanza);
            text.push_str(if stanza.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text
    }
}

/// Whether a stanza stands for an installed package. A stanza without a status does, as in `status.d`.
fn is_installed(record: &PackageRecord<'_>) -> bool {
    let mut words = record.status().split_ascii_whitespace();
    match words.nth(2) {
        None => record.status().is_empty() && !record.version().is_empty(),
        Some(state) => !matches!(state, "not-installed" | "config-files"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.3

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: unknown
Status: install ok not-installed

Package: held
Status: hold ok installed
Architecture: amd64
Version: 2";

    fn directory() -> Vec<(String, String)> {
        [
            ("tzdata", "Package: tzdata\nVersion: 2025b\nArchitecture: all\n"),
            ("tzdata.md5sums", "0123  usr/share/x\n"),
            ("base", "Package: base-files\nVersion: 13\nArchitecture: amd64\n\n"),
            ("zlib1g", "Package: zlib1g\nVersion: 1:1.2\nArchitecture: amd64\n"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .to_vec()
    }

    #[test]
    fn what_is_installed_is_the_union_of_both_forms() {
        let database = StatusDatabase::parse(Some(STATUS.to_owned()), directory()).unwrap();
        let found: Vec<_> = database.installed().map(|record| format!("{record:?}")).collect();
        assert_eq!(found, ["zlib1g:amd64=1:1.3", "held:amd64=2", "base-files:amd64=13", "tzdata:all=2025b"]);
        assert_eq!(database.form_of("held", "amd64"), Some((StatusForm::File, "status")));
        assert_eq!(database.form_of("base-files", "amd64"), Some((StatusForm::Directory, "base")));
        assert_eq!(database.form_of("gone", "amd64"), None);
        assert_eq!(database.form_of("tzdata", "i386"), None);
        assert!(database.has_status() && database.has_directory());
    }

    #[test]
    fn an_empty_tree_has_an_empty_database() {
        let database = StatusDatabase::parse(None, Vec::new()).unwrap();
        assert!(!database.has_status() && !database.has_directory());
        assert_eq!(database.installed().count(), 0);
        assert!(StatusDatabase::parse(Some(String::new()), Vec::new()).unwrap().has_status());
    }

    #[test]
    fn names_the_file_that_is_wrong() {
        for (text, message) in [
            ("", "`status.d/x` of dpkg's database holds 0 packages instead of one"),
            (
                "Package: a\nVersion: 1\n\nPackage: b\nVersion: 1\n",
                "`status.d/x` of dpkg's database holds 2 packages instead of one",
            ),
            ("Package: a\n", "`status.d/x` of dpkg's database cannot be read"),
        ] {
            let error = StatusDatabase::parse(None, vec![("x".to_owned(), text.to_owned())]).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn kept_stanzas_are_written_byte_for_byte_and_sorted() {
        let database = StatusDatabase::parse(Some(STATUS.to_owned()), Vec::new()).unwrap();
        let added = "Package: jq\nVersion: 1.7\n".to_owned();
        let text = database.render_status(|record| record.name() != "unknown", &[added]);
        let again = PackageIndex::parse_with(text.clone(), &[]).unwrap();
        let names: Vec<_> = again.records().map(|record| record.name()).collect();
        assert_eq!(names, ["gone", "held", "jq", "zlib1g"]);
        assert!(text.ends_with(
            "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.3\n\n"
        ));
        assert!(text.starts_with(
            "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n"
        ));
    }
}
