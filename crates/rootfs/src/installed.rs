//! The packages of a base and what they own, read from the base's own database.
//!
//! Lists come from `info/<package>.list`; where a base keeps only checksums, the files that they name are all that
//! is known, and the directories above those count as owned.

use std::collections::{BTreeMap, BTreeSet};

use temper_deb::control::Stanza;
use temper_deb::index::PackageRecord;
use temper_deb::status::{StatusDatabase, StatusError, StatusForm};
use temper_deb::{Relation, groups};
use temper_oci::{EntryKind, normalize_path};

use crate::draft::parents;
use crate::merge::Diversions;
use crate::tree::Tree;

/// Folder of the package database.
pub(crate) const DATABASE: &str = "var/lib/dpkg";

/// The packages of a base.
#[derive(Debug, Default)]
pub struct Installed {
    /// The database as it stands.
    pub database: StatusDatabase,
    packages: BTreeMap<String, InstalledPackage>,
    owners: BTreeMap<String, BTreeSet<String>>,
}

/// One package of a base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// The field `Replaces`.
    pub replaces: String,
    /// What it owns, as the tree has it: links of parents followed, diversions applied.
    pub paths: BTreeSet<String>,
    /// Whether links and directories are known too, not only files.
    pub has_list: bool,
    /// MD5 of the conffiles as it brought them, by path as the tree has it.
    pub conffiles: BTreeMap<String, String>,
}

impl Installed {
    /// Reads the database of a tree.
    pub fn read(tree: &Tree) -> Result<Self, StatusError> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let status = tree.read(&format!("{DATABASE}/status")).map(text);
        let folder = format!("{DATABASE}/status.d");
        let files = tree.children(&folder).filter_map(|node| {
            let name = node.entry.path.rsplit('/').next()?.to_owned();
            Some((name, text(tree.read(&node.entry.path)?)))
        });
        let database = StatusDatabase::parse(status, files.collect())?;
        let diversions = Diversions::read(tree);
        let packages: BTreeMap<String, InstalledPackage> = database
            .installed()
            .map(|record| (record.name().to_owned(), read_package(tree, &database, &diversions, &record)))
            .collect();
        let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, package) in &packages {
            for path in &package.paths {
                owners.entry(path.clone()).or_default().insert(name.clone());
            }
        }
        Ok(Self { database, packages, owners })
    }

    /// Returns a package by its name.
    pub fn find(&self, name: &str) -> Option<&InstalledPackage> {
        self.packages.get(name)
    }

    /// Lists the names of the packages that own a path.
    pub fn owners(&self, path: &str) -> impl Iterator<Item = &str> {
        self.owners.get(path).into_iter().flatten().map(String::as_str)
    }
}

/// Whether a field `Replaces` lets its package take over the files of another one.
pub(crate) fn replaces(field: &str, name: &str, version: &str) -> bool {
    let is_meant = |relation: Relation<'_>| relation.name == name && relation.accepts(version);
    groups(field).flat_map(|group| group.alternatives()).flatten().any(is_meant)
}

fn read_package(
    tree: &Tree,
    database: &StatusDatabase,
    diversions: &Diversions,
    record: &PackageRecord<'_>,
) -> InstalledPackage {
    let (name, architecture) = (record.name(), record.architecture());
    let place = |path: &str| {
        let path = normalize_path(path).filter(|path| !path.is_empty())?;
        tree.resolve_parent(diversions.place(&path, name)).ok()
    };
    let conffiles = read_conffiles(record).filter_map(|(path, md5)| Some((place(path)?, md5.to_owned())));
    let mut package = InstalledPackage {
        version: record.version().to_owned(),
        architecture: architecture.to_owned(),
        replaces: record.replaces().to_owned(),
        paths: BTreeSet::new(),
        has_list: false,
        conffiles: conffiles.collect(),
    };
    let info = format!("{DATABASE}/info");
    let stems = [format!("{info}/{name}:{architecture}"), format!("{info}/{name}")];
    let find = |stems: &[String], ending: &str| {
        let bytes = stems.iter().find_map(|stem| tree.read(&format!("{stem}{ending}")))?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    if let Some(list) = find(&stems, ".list") {
        package.has_list = true;
        package.paths = listed(&list)
            .filter_map(|(path, is_directory)| {
                let path = place(path)?;
                if is_directory { tree.resolve(&path).ok() } else { Some(path) }
            })
            .collect();
        return package;
    }
    let single = match database.form_of(name) {
        Some((StatusForm::Directory, file)) => format!("{DATABASE}/status.d/{file}"),
        _ => format!("{DATABASE}/status.d/{name}"),
    };
    let sums = find(&stems, ".md5sums").or_else(|| find(&[single], ".md5sums")).unwrap_or_default();
    let files: BTreeSet<String> = sums.lines().filter_map(|line| place(line.split_once("  ")?.1)).collect();
    package.paths = files.iter().flat_map(|path| parents(path)).map(str::to_owned).collect();
    package.paths.extend(files);
    package.paths.extend(package.conffiles.keys().cloned());
    package.paths.extend(links_to(tree, &package.paths));
    package
}

/// Lists the paths of a list, and whether another one is below: a merged `/usr` makes links of such directories, which
/// belong to the package that merged it.
fn listed(list: &str) -> impl Iterator<Item = (&str, bool)> {
    let directories: BTreeSet<&str> =
        list.lines().filter_map(|line| Some(line.rsplit_once('/')?.0)).collect();
    list.lines().map(move |line| (line, directories.contains(line)))
}

/// Lists the links that lead to one of these files: without the file they lead nowhere.
fn links_to(tree: &Tree, files: &BTreeSet<String>) -> Vec<String> {
    if files.is_empty() {
        return Vec::new();
    }
    let is_link = |path: &str| match tree.resolve(path) {
        Ok(target) => {
            let is_file =
                tree.get(&target).is_some_and(|node| matches!(node.entry.kind, EntryKind::File { .. }));
            is_file && files.contains(&target)
        }
        Err(_) => false,
    };
    let links = tree.nodes().filter(|node| matches!(node.entry.kind, EntryKind::Symlink { .. }));
    links.map(|node| &node.entry.path).filter(|path| is_link(path)).cloned().collect()
}

/// Reads the field `Conffiles`: path and MD5 on each line, then perhaps a word such as `obsolete`.
fn read_conffiles<'a>(record: &PackageRecord<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines: Vec<&'a str> =
        Stanza::parse(record.stanza()).map(|stanza| stanza.lines("Conffiles").collect()).unwrap_or_default();
    lines.into_iter().filter_map(|line| {
        let line = line.strip_suffix(" remove-on-upgrade").unwrap_or(line);
        let line = line.strip_suffix(" obsolete").unwrap_or(line);
        line.rsplit_once(' ')
    })
}
