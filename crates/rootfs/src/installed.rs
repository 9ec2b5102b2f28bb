//! The packages of a base and what they own, read from the base's own database.
//!
//! Lists come from `info/<package>.list`; where a base keeps only checksums, the files that they name are all that
//! is known, and the directories above those count as owned.

use std::cell::{LazyCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

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
    /// By name and architecture.
    packages: Vec<Arc<InstalledPackage>>,
    owners: HashMap<String, Vec<Arc<InstalledPackage>>>,
}

/// What tells one package of a base from another: two architectures of a name may stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageName {
    /// Its name.
    pub name: String,
    /// Its architecture, `all` for one that has none.
    pub architecture: String,
}

impl PackageName {
    /// Whether a package of this name and architecture stands in the same place, as another version would.
    ///
    /// One for all architectures replaces that of any. A stanza without an architecture counts as such.
    pub fn is_place_of(&self, name: &str, architecture: &str) -> bool {
        let is_any = |architecture: &str| matches!(architecture, "" | "all");
        self.name == name
            && (self.architecture == architecture || is_any(&self.architecture) || is_any(architecture))
    }
}

impl fmt::Display for PackageName {
    /// Writes it as dpkg does: `libc6:i386`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.architecture)
    }
}

/// One package of a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Its name and architecture.
    pub name: PackageName,
    /// Its version.
    pub version: String,
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
        let database = read_database(tree)?;
        let diversions = Diversions::read(tree);
        let base = Base {
            tree,
            database: &database,
            diversions: &diversions,
            links: LazyCell::new(|| links(tree)),
            followed: RefCell::default(),
        };
        let mut packages: Vec<Arc<InstalledPackage>> =
            database.installed().map(|record| Arc::new(base.package(&record))).collect();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        let paths = packages.iter().map(|package| package.paths.len()).sum();
        let mut owners: HashMap<String, Vec<Arc<InstalledPackage>>> = HashMap::with_capacity(paths);
        for package in &packages {
            for path in &package.paths {
                owners.entry(path.clone()).or_default().push(Arc::clone(package));
            }
        }
        Ok(Self { database, packages, owners })
    }

    /// Returns the package that stands where one of this name and architecture would.
    pub fn find(&self, name: &str, architecture: &str) -> Option<&InstalledPackage> {
        let start = self.packages.partition_point(|package| *package.name.name < *name);
        let of_name = self.packages[start..].iter().take_while(|package| package.name.name == name);
        let is_place = |package: &&Arc<InstalledPackage>| package.name.is_place_of(name, architecture);
        let is_same = |package: &&Arc<InstalledPackage>| package.name.architecture == architecture;
        of_name.clone().find(is_same).or_else(|| of_name.clone().find(is_place)).map(|package| &**package)
    }

    /// Lists the packages that own a path.
    pub fn owners(&self, path: &str) -> impl Iterator<Item = &InstalledPackage> {
        self.owners.get(path).into_iter().flatten().map(|package| &**package)
    }
}

/// Reads the names, versions and fields of the packages of a tree, without what they own.
pub fn read_database(tree: &Tree) -> Result<StatusDatabase, StatusError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = tree.read(&format!("{DATABASE}/status")).map(text);
    let folder = format!("{DATABASE}/status.d");
    let files = tree.children(&folder).filter_map(|node| {
        let name = node.entry.path.rsplit('/').next()?.to_owned();
        Some((name, text(tree.read(&node.entry.path)?)))
    });
    StatusDatabase::parse(status, files.collect())
}

/// Whether a field `Replaces` lets its package take over the files of another one.
pub(crate) fn replaces(field: &str, name: &str, version: &str) -> bool {
    let is_meant = |relation: Relation<'_>| relation.name == name && relation.accepts(version);
    groups(field).flat_map(|group| group.alternatives()).flatten().any(is_meant)
}

/// What the entries of the database are read with.
struct Base<'a, L: FnOnce() -> Links> {
    tree: &'a Tree,
    database: &'a StatusDatabase,
    diversions: &'a Diversions,
    /// The links that lead to each file; only packages without a list need them.
    links: LazyCell<Links, L>,
    /// Where directories lead, as far as it was asked: lists name each of them many times.
    followed: RefCell<HashMap<String, Option<String>>>,
}

impl<L: FnOnce() -> Links> Base<'_, L> {
    fn package(&self, record: &PackageRecord<'_>) -> InstalledPackage {
        let (name, architecture) = (record.name(), record.architecture());
        let conffiles = read_conffiles(record);
        let conffiles: BTreeMap<String, String> =
            conffiles.filter_map(|(path, md5)| Some((self.place(path, name)?, md5.to_owned()))).collect();
        let info = format!("{DATABASE}/info/{name}");
        let list =
            self.text(&format!("{info}:{architecture}.list")).or_else(|| self.text(&format!("{info}.list")));
        let mut package = InstalledPackage {
            name: PackageName { name: name.to_owned(), architecture: architecture.to_owned() },
            version: record.version().to_owned(),
            replaces: record.replaces().to_owned(),
            paths: BTreeSet::new(),
            has_list: list.is_some(),
            conffiles,
        };
        match list {
            Some(list) => package.paths = self.listed(&list, name),
            None => package.paths = self.summed(name, architecture),
        }
        package
    }

    /// Returns where a path of a package stands.
    fn place(&self, path: &str, package: &str) -> Option<String> {
        let path = normalize_path(path).filter(|path| !path.is_empty())?;
        let path = self.diversions.place(&path, package);
        let Some((parent, name)) = path.rsplit_once('/') else { return Some(path.to_owned()) };
        let parent = self.follow(parent)?;
        let is_other = |kind: &EntryKind| !matches!(kind, EntryKind::Directory);
        let leads_nowhere = self.tree.get(&parent).is_some_and(|node| is_other(&node.entry.kind));
        if leads_nowhere { None } else { Some(format!("{parent}/{name}")) }
    }

    /// Returns where a path leads when every link is followed.
    fn follow(&self, path: &str) -> Option<String> {
        if let Some(known) = self.followed.borrow().get(path) {
            return known.clone();
        }
        let found = self.tree.resolve(path).ok();
        self.followed.borrow_mut().insert(path.to_owned(), found.clone());
        found
    }

    fn text(&self, path: &str) -> Option<String> {
        self.tree.read(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Returns the paths of a list. What the list has something below is a directory to the package, also where a
    /// merged `/usr` makes a link of it, which belongs to the package that merged it.
    fn listed(&self, list: &str, package: &str) -> BTreeSet<String> {
        let directories: BTreeSet<&str> =
            list.lines().filter_map(|line| Some(line.rsplit_once('/')?.0)).collect();
        let place = |line: &str| {
            let path = self.place(line, package)?;
            if directories.contains(line) { self.follow(&path) } else { Some(path) }
        };
        list.lines().filter_map(place).collect()
    }

    /// Returns the files of a checksum list with their links and the directories above them.
    fn summed(&self, package: &str, architecture: &str) -> BTreeSet<String> {
        let file = match self.database.form_of(package, architecture) {
            Some((StatusForm::Directory, file)) => file,
            _ => package,
        };
        let places = [
            format!("{DATABASE}/info/{package}:{architecture}.md5sums"),
            format!("{DATABASE}/info/{package}.md5sums"),
            format!("{DATABASE}/status.d/{file}.md5sums"),
        ];
        let sums = places.iter().find_map(|path| self.text(path)).unwrap_or_default();
        let files = sums.lines().filter_map(|line| self.place(line.split_once("  ")?.1, package));
        let mut paths: BTreeSet<String> = files.collect();
        let links = paths.iter().filter_map(|path| self.links.get(path)).flatten().cloned();
        let links: Vec<String> = links.collect();
        paths.extend(links);
        let directories: Vec<String> =
            paths.iter().flat_map(|path| parents(path)).map(str::to_owned).collect();
        paths.extend(directories);
        paths
    }
}

/// Links by the file that they lead to.
type Links = BTreeMap<String, Vec<String>>;

/// Lists the links that lead to each file: without the file they lead nowhere.
fn links(tree: &Tree) -> Links {
    let mut links = Links::new();
    for node in tree.nodes().filter(|node| matches!(node.entry.kind, EntryKind::Symlink { .. })) {
        let target = tree.lookup(&node.entry.path);
        if let Some(target) = target.filter(|target| matches!(target.entry.kind, EntryKind::File { .. })) {
            links.entry(target.entry.path.clone()).or_default().push(node.entry.path.clone());
        }
    }
    links
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
