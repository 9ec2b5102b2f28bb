//! The package database of an image, written again in the base's own form, so that scanners and, where it is there,
//! dpkg see the truth.
//!
//! A base with `status` gets its stanzas back byte for byte with ours among them, and entries in `info` if it has
//! any; a base with `status.d` alone gets files there; a base with both gets ours in `status`, and so does one with
//! neither. No package ever stands in both. A tree without dpkg gets of `info` only what scanners read.

use std::collections::{BTreeMap, BTreeSet};

use temper_deb::control::ControlError;
use temper_deb::status::{StatusForm, status_stanza};
use temper_oci::EntryKind;

use crate::installed::{DATABASE, Installed, PackageName};
use crate::merge::{Diversions, Merge, Metadata, PackageSource};
use crate::package_index::PackageIndex;

mod extended_states;
mod triggers;

/// What scanners read of `info`: owners of files, and which of them may be changed.
const READ_BY_SCANNERS: [&str; 2] = ["conffiles", "md5sums"];

/// What the database is to say.
#[derive(Clone, Copy, Debug)]
pub struct PackageDatabase<'a> {
    /// What the base says.
    pub installed: &'a Installed,
    /// Packages that were unpacked, new ones and other versions.
    pub packages: &'a [PackageSource<'a>],
    /// Their paths where they stand in the tree.
    pub owned: &'a BTreeMap<String, BTreeSet<String>>,
    /// Packages of the base that went away.
    pub removals: &'a [PackageName],
    /// Names of unpacked packages that nobody asked for by name.
    pub automatic: &'a BTreeSet<String>,
    /// Debian architecture of the platform.
    pub architecture: &'a str,
    /// Time of the files, seconds since the epoch.
    pub time: i64,
}

/// Why the database cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("database entry of package `{package}` cannot be made")]
pub struct PackageDatabaseError {
    /// The package.
    pub package: String,
    /// Why.
    #[source]
    pub source: ControlError,
}

/// Puts the changed files of the database onto a tree; nothing where no package changed.
pub fn write_package_database(
    merge: &mut Merge<'_>,
    database: &PackageDatabase<'_>,
) -> Result<(), PackageDatabaseError> {
    if database.packages.is_empty() && database.removals.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&PackageIndex> = database.packages.iter().map(|package| package.index).collect();
    packages.sort_by_key(|package| package.name());
    let mut writer = Writer {
        gone: Gone::new(&packages, database.removals),
        has_dpkg: merge.tree().lookup("usr/bin/dpkg").is_some(),
        merge,
        database,
        packages,
    };
    writer.write()
}

/// Packages whose entries of the base do not hold any more.
struct Gone(Vec<PackageName>);

impl Gone {
    fn new(packages: &[&PackageIndex], removals: &[PackageName]) -> Self {
        let renewed = packages.iter().map(|package| PackageName {
            name: package.name().to_owned(),
            architecture: package.architecture().to_owned(),
        });
        Self(renewed.chain(removals.iter().cloned()).collect())
    }

    fn has(&self, name: &str, architecture: &str) -> bool {
        self.0.iter().any(|gone| gone.is_place_of(name, architecture))
    }

    /// The same for a name as files and triggers have it, with its architecture where there may be several.
    fn has_qualified(&self, name: &str) -> bool {
        let (name, architecture) = name.split_once(':').unwrap_or((name, ""));
        self.has(name, architecture)
    }
}

struct Writer<'a, 'm, 't> {
    merge: &'m mut Merge<'t>,
    database: &'a PackageDatabase<'a>,
    /// Unpacked packages by name.
    packages: Vec<&'a PackageIndex>,
    gone: Gone,
    has_dpkg: bool,
}

impl Writer<'_, '_, '_> {
    fn write(&mut self) -> Result<(), PackageDatabaseError> {
        let base = &self.database.installed.database;
        let is_empty = !base.has_status() && !base.has_directory();
        let has_status = base.has_status() || is_empty;
        let has_info = self.has(&format!("{DATABASE}/info")) || is_empty;
        self.remove_from_directory();
        if !has_status {
            self.write_directory();
            return Ok(());
        }
        self.write_status()?;
        if has_info {
            self.remove_info();
            self.write_info();
        }
        if self.has_dpkg {
            triggers::write(self.merge, &self.gone, &self.packages, self.database.time);
        }
        if self.has("var/lib/apt")
            && let Some(text) = extended_states::text(self.merge.tree(), self.database)
        {
            self.put(extended_states::PATH, text.as_bytes(), 0o644);
        }
        Ok(())
    }

    fn has(&self, path: &str) -> bool {
        self.merge.tree().lookup(path).is_some()
    }

    fn write_status(&mut self) -> Result<(), PackageDatabaseError> {
        let stanza = |package: &&PackageIndex| {
            let conffiles = package.conffiles();
            let sums: Vec<(&str, &str)> = conffiles
                .iter()
                .filter_map(|file| Some((file.path.as_str(), package.conffile_md5.get(&file.path)?.as_str())))
                .collect();
            let failed = |source| PackageDatabaseError { package: package.name().to_owned(), source };
            status_stanza(&package.control, &sums).map_err(failed)
        };
        let added = self.packages.iter().map(stanza).collect::<Result<Vec<String>, _>>()?;
        let base = &self.database.installed.database;
        let text = base.render_status(|record| !self.gone.has(record.name(), record.architecture()), &added);
        self.put(&format!("{DATABASE}/status"), text.as_bytes(), 0o644);
        Ok(())
    }

    /// Writes one file for each package, its control file as it is, and its checksums beside it.
    fn write_directory(&mut self) {
        for package in self.packages.clone() {
            let path = format!("{DATABASE}/status.d/{}", package.name());
            let control = format!("{}\n", package.control.trim_end_matches('\n'));
            self.put(&path, control.as_bytes(), 0o644);
            if let Some(sums) = package.control_files.get("md5sums") {
                self.put(&format!("{path}.md5sums"), &sums.content, 0o644);
            }
        }
    }

    /// Removes the files of changed packages in `status.d`, under whatever names the base gave them.
    fn remove_from_directory(&mut self) {
        let base = &self.database.installed.database;
        for record in base.directory().records() {
            let (name, architecture) = (record.name(), record.architecture());
            if !self.gone.has(name, architecture) {
                continue;
            }
            if let Some((StatusForm::Directory, file)) = base.form_of(name, architecture) {
                for path in
                    [format!("{DATABASE}/status.d/{file}"), format!("{DATABASE}/status.d/{file}.md5sums")]
                {
                    self.merge.remove(&path);
                }
            }
        }
    }

    /// Removes what `info` has of changed packages.
    fn remove_info(&mut self) {
        let is_gone = |path: &str| {
            let stem = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem);
            stem.is_some_and(|stem| self.gone.has_qualified(stem))
        };
        let folder = self.merge.tree().resolve(&format!("{DATABASE}/info")).unwrap_or_default();
        let children = self.merge.tree().children(&folder).map(|node| node.entry.path.clone());
        let stale: Vec<String> = children.filter(|path| is_gone(path)).collect();
        for path in stale {
            self.merge.remove(&path);
        }
    }

    fn write_info(&mut self) {
        let format = format!("{DATABASE}/info/format");
        if !self.has(&format) {
            self.put(&format, b"1\n", 0o644);
        }
        for package in self.packages.clone() {
            let stem = format!("{DATABASE}/info/{}", info_name(package));
            self.put(&format!("{stem}.list"), self.list(package).as_bytes(), 0o644);
            for (name, file) in &package.control_files {
                if self.has_dpkg || READ_BY_SCANNERS.contains(&name.as_str()) {
                    self.put(&format!("{stem}.{name}"), &file.content, file.mode);
                }
            }
        }
    }

    /// Lists the paths of a package as it names them, without those that another package has taken over.
    fn list(&self, package: &PackageIndex) -> String {
        let diversions = Diversions::read(self.merge.tree());
        let owned = self.database.owned.get(package.name());
        let is_owned = |path: &str, is_directory: bool| {
            let (tree, path) = (self.merge.tree(), diversions.place(path, package.name()));
            let place = if is_directory { tree.resolve(path) } else { tree.resolve_parent(path) };
            owned.is_none_or(|owned| place.is_ok_and(|place| owned.contains(&place)))
        };
        let mut text = "/.\n".to_owned();
        for entry in &package.entries {
            if is_owned(&entry.path, entry.kind == EntryKind::Directory) {
                text.push('/');
                text.push_str(&entry.path);
                text.push('\n');
            }
        }
        text
    }

    /// Puts a file; one that is there keeps its owner and mode.
    fn put(&mut self, path: &str, content: &[u8], mode: u32) {
        put(self.merge, path, content, mode, self.database.time);
    }
}

/// Puts a file of the database; one that is there keeps its owner and mode.
fn put(merge: &mut Merge<'_>, path: &str, content: &[u8], mode: u32, time: i64) {
    let existing = merge.tree().lookup(path).map(|node| &node.entry);
    let metadata = existing.map_or(Metadata::of_root(mode, time), |entry| {
        let (mode, uid, gid) = (entry.mode, entry.uid, entry.gid);
        Metadata { mode, uid, gid, mtime: time }
    });
    merge.put_computed(path, content, metadata, "package database");
}

/// The name of a package in `info` and `triggers`: with its architecture where several can be installed.
fn info_name(package: &PackageIndex) -> String {
    if package.is_multi_arch_same() {
        format!("{}:{}", package.name(), package.architecture())
    } else {
        package.name().to_owned()
    }
}

#[cfg(test)]
mod tests;
