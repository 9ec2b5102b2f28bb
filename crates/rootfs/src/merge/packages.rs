//! Unpacking packages onto a base, with what an upgrade or removal takes away: what `dpkg` would leave on disk.
//!
//! Follows [dpkg(1)](https://manpages.debian.org/dpkg.1) and the policy's chapter on
//! [maintainer scripts and unpacking](https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html); the
//! result does not depend on the order in which packages are given. Scripts have their part elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use temper_oci::{Digest, Entry, EntryKind, normalize_path};

use crate::draft::{Collision, CollisionKind, Draft, difference};
use crate::installed::{Installed, InstalledPackage, PackageName, replaces};
use crate::merge::conffile::{Decision, Situation, decide};
use crate::merge::diversions::Diversions;
use crate::merge::path_filter::PathFilter;
use crate::merge::{Merge, MergeProblem};
use crate::package_index::{PackageIndex, md5_hex};
use crate::tree::{Node, Origin, Source, Tree};

/// A package to be unpacked.
#[derive(Clone, Copy, Debug)]
pub struct PackageSource<'a> {
    /// Digest of the package file.
    pub archive: Digest,
    /// What it holds.
    pub index: &'a PackageIndex,
}

/// What unpacking gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedPackages {
    /// What the packages layer writes.
    pub draft: Draft,
    /// The paths of each unpacked package where they stand in the tree, also those that the base's filters left out.
    pub owned: BTreeMap<String, BTreeSet<String>>,
}

/// Unpacks packages onto the tree of a base, takes away what their old versions had alone, and removes packages with
/// all their files.
pub fn merge_packages(
    tree: &mut Tree,
    installed: &Installed,
    packages: &[PackageSource<'_>],
    removals: &[PackageName],
) -> MergedPackages {
    let mut packages: Vec<Unpacked<'_>> = packages.iter().map(Unpacked::new).collect();
    packages.sort_by_key(|package| package.name);
    for package in &packages {
        tree.add_facts(Arc::clone(&package.source.index.facts));
    }
    let unpacking = Unpacking {
        installed,
        by_name: packages.iter().map(|package| (package.name, package)).collect(),
        removals,
        filter: PathFilter::read(tree),
        diversions: Diversions::read(tree),
        merge: Merge::new(tree),
        owned: BTreeMap::new(),
    };
    unpacking.run()
}

struct Unpacked<'a> {
    name: &'a str,
    version: &'a str,
    replaces: &'a str,
    source: &'a PackageSource<'a>,
    /// Regular files by path in the archive, for hard links.
    files: BTreeMap<&'a str, &'a EntryKind>,
    /// Paths of conffiles in the form of `Entry::path`, with the path as the list has it.
    conffiles: BTreeMap<String, String>,
    /// Paths of conffiles that are to go on an upgrade.
    conffiles_to_remove: BTreeSet<String>,
}

impl<'a> Unpacked<'a> {
    fn new(source: &'a PackageSource<'a>) -> Self {
        let index = source.index;
        let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File { .. });
        let files = index.entries.iter().filter(is_file).map(|entry| (entry.path.as_str(), &entry.kind));
        let (leaving, staying): (Vec<_>, Vec<_>) =
            index.conffiles().into_iter().partition(|conffile| conffile.remove_on_upgrade);
        let plain = |path: &str| normalize_path(path).unwrap_or_default();
        Self {
            name: index.name(),
            version: index.version(),
            replaces: index.field("Replaces").unwrap_or_default(),
            source,
            files: files.collect(),
            conffiles: staying.into_iter().map(|conffile| (plain(&conffile.path), conffile.path)).collect(),
            conffiles_to_remove: leaving.into_iter().map(|conffile| plain(&conffile.path)).collect(),
        }
    }

    /// The installed package that this one replaces.
    fn old<'i>(&self, installed: &'i Installed) -> Option<&'i InstalledPackage> {
        installed.find(self.name, self.source.index.architecture())
    }

    fn is_place_of(&self, installed: &InstalledPackage) -> bool {
        installed.name.is_place_of(self.name, self.source.index.architecture())
    }

    fn origin(&self) -> Origin {
        Origin::Package(self.name.to_owned())
    }
}

struct Unpacking<'a, 't> {
    installed: &'a Installed,
    by_name: BTreeMap<&'a str, &'a Unpacked<'a>>,
    removals: &'a [PackageName],
    filter: PathFilter,
    diversions: Diversions,
    merge: Merge<'t>,
    owned: BTreeMap<String, BTreeSet<String>>,
}

impl Unpacking<'_, '_> {
    fn run(mut self) -> MergedPackages {
        for removal in self.removals {
            match self.installed.find(&removal.name, &removal.architecture) {
                Some(package) => self.take_away(package, &package.paths, true),
                None => self.merge.problem(MergeProblem::NotInstalled(removal.name.clone())),
            }
        }
        self.unpack();
        let by_name = self.by_name.clone();
        for (name, package) in &by_name {
            self.owned.insert((*name).to_owned(), self.places(package));
        }
        for package in by_name.values() {
            if let Some(old) = package.old(self.installed) {
                self.upgrade(package, old);
            }
        }
        MergedPackages { draft: self.merge.finish(), owned: self.owned }
    }

    /// Puts all links, then all directories, then everything else, so that links of one package lead the way for
    /// the files of another.
    fn unpack(&mut self) {
        let by_name = self.by_name.clone();
        let mut links: Vec<(&Entry, &Unpacked<'_>)> = Vec::new();
        let mut directories = Vec::new();
        let mut others = Vec::new();
        for package in by_name.values().copied() {
            for entry in package.source.index.entries.iter().filter(|entry| !self.filter.leaves_out(entry)) {
                match entry.kind {
                    EntryKind::Symlink { .. } => links.push((entry, package)),
                    EntryKind::Directory => directories.push((entry, package)),
                    _ => others.push((entry, package)),
                }
            }
        }
        // Links in the order of paths: one that leads elsewhere comes before what is below it.
        links.sort_by_key(|(entry, package)| (entry.path.as_str(), package.name));
        for (entry, package) in links.into_iter().chain(directories).chain(others) {
            self.put(entry, package);
        }
    }

    fn put(&mut self, entry: &Entry, package: &Unpacked<'_>) {
        let Some(node) = self.node(entry, package) else { return };
        let Some(path) = self.merge.place(&node.entry, &node.origin) else { return };
        let existing = self.merge.tree().get(&path).cloned();
        let node = match &existing {
            _ if node.entry.kind == EntryKind::Directory => Some(node),
            Some(existing) if existing.origin != Origin::Base => {
                self.against_package(node, &path, package, existing)
            }
            existing => self.against_base(node, &path, package, existing.as_ref()),
        };
        let Some(node) = node else { return };
        // A new version wins over nobody when it replaces its old one.
        let is_own = self.installed.owners(&path).any(|owner| package.is_place_of(owner));
        let kind = existing.filter(|_| is_own).and_then(|existing| difference(&existing.entry, &node.entry));
        let own = kind.map(|kind| Collision { path, loser: Origin::Base, winner: package.origin(), kind });
        self.merge.put(node, &|_| None);
        if let Some(own) = own {
            self.merge.draft.collisions.remove(&own);
        }
    }

    /// Makes the node of an entry, where its package's file goes after diversions.
    fn node(&mut self, entry: &Entry, package: &Unpacked<'_>) -> Option<Node> {
        let mut entry = entry.clone();
        let mut member = entry.path.clone();
        let mut linked_to = None;
        if let EntryKind::Hardlink { target } = &entry.kind {
            let Some(kind) = package.files.get(target.as_str()) else {
                let (origin, path) = (package.origin(), entry.path);
                self.merge.problem(MergeProblem::Link { origin, path, target: target.clone() });
                return None;
            };
            let place = self.diversions.place(target, package.name);
            linked_to = self.merge.tree().resolve_parent(place).ok();
            member.clone_from(target);
            entry.kind = (*kind).clone();
        }
        let place = self.diversions.place(&entry.path, package.name).to_owned();
        entry.path = place;
        let source = match entry.kind {
            EntryKind::File { .. } => Source::Package { archive: package.source.archive, member },
            _ => Source::None,
        };
        Some(Node { entry, linked_to, origin: package.origin(), source })
    }

    /// Decides between two packages of this build; the first in the order of names stays where both are alike.
    fn against_package(
        &mut self,
        node: Node,
        path: &str,
        package: &Unpacked<'_>,
        existing: &Node,
    ) -> Option<Node> {
        let Origin::Package(owner) = &existing.origin else { return Some(node) };
        let owner = self.by_name.get(owner.as_str()).copied()?;
        if owner.name == package.name || replaces(package.replaces, owner.name, owner.version) {
            return Some(node);
        }
        let kind = difference(&existing.entry, &Entry { path: path.to_owned(), ..node.entry.clone() });
        if replaces(owner.replaces, package.name, package.version) {
            self.merge.collide(path, node.origin, existing.origin.clone(), kind);
            return None;
        }
        if !matches!(kind, None | Some(CollisionKind::Metadata)) {
            self.conflict(path, package.name, owner.name);
        }
        None
    }

    /// Decides between a package and what the base has.
    fn against_base(
        &mut self,
        node: Node,
        path: &str,
        package: &Unpacked<'_>,
        existing: Option<&Node>,
    ) -> Option<Node> {
        if let (EntryKind::File { .. }, Some(listed)) =
            (&node.entry.kind, package.conffiles.get(&node.entry.path))
        {
            return self.conffile(node, path, package, existing, listed);
        }
        let Some(existing) = existing else { return Some(node) };
        let owners = self.installed.owners(path);
        for installed in owners.filter(|owner| !self.is_removed(owner) && !self.is_renewed(owner)) {
            let owner = &installed.name;
            let kind = difference(&existing.entry, &Entry { path: path.to_owned(), ..node.entry.clone() });
            if replaces(package.replaces, &owner.name, &installed.version) || kind.is_none() {
                continue;
            }
            if replaces(&installed.replaces, package.name, package.version) {
                self.merge.collide(path, node.origin, Origin::Base, kind);
            } else {
                // Of one name another architecture is meant.
                let is_other_name = owner.name != package.name;
                let owner = if is_other_name { owner.name.clone() } else { owner.to_string() };
                self.conflict(path, package.name, &owner);
            }
            return None;
        }
        Some(node)
    }

    fn conflict(&mut self, path: &str, package: &str, owner: &str) {
        let (path, package, owner) = (path.to_owned(), package.to_owned(), owner.to_owned());
        self.merge.problem(MergeProblem::Packages { path, package, owner });
    }

    fn conffile(
        &mut self,
        mut node: Node,
        path: &str,
        package: &Unpacked<'_>,
        existing: Option<&Node>,
        listed: &str,
    ) -> Option<Node> {
        let installed = package.old(self.installed);
        let existing_md5 = existing.and_then(|existing| self.md5(existing));
        let situation = Situation {
            exists: existing.is_some(),
            existing_md5: existing_md5.as_deref(),
            installed_md5: installed.and_then(|old| old.conffiles.get(path)).map(String::as_str),
            new_md5: package.source.index.conffile_md5.get(listed).map(String::as_str),
        };
        let decision = decide(situation);
        if let (Decision::Update, Some(existing)) = (decision, existing) {
            (node.entry.mode, node.entry.uid, node.entry.gid) =
                (existing.entry.mode, existing.entry.uid, existing.entry.gid);
        }
        match decision {
            Decision::Install | Decision::Update => Some(node),
            Decision::Keep => None,
            Decision::KeepBeside => {
                let (path, loser, kind) = (path.to_owned(), node.origin.clone(), CollisionKind::Kept);
                self.merge.draft.collisions.insert(Collision { path, loser, winner: Origin::Base, kind });
                node.entry.path.push_str(".dpkg-dist");
                Some(node)
            }
        }
    }

    /// Returns the MD5 of a file whose content is known.
    fn md5(&self, node: &Node) -> Option<String> {
        match &node.entry.kind {
            EntryKind::File { digest, .. } => self.merge.tree().content(digest).map(md5_hex),
            _ => None,
        }
    }

    /// Returns where the paths of a package stand, without those that another package has taken over.
    fn places(&self, package: &Unpacked<'_>) -> BTreeSet<String> {
        let place = |entry: &Entry| {
            let path = self.diversions.place(&entry.path, package.name);
            self.merge.resolve(&Entry { path: path.to_owned(), ..entry.clone() }).ok()
        };
        let is_lost = |path: &String| match self.merge.tree().get(path).map(|node| &node.origin) {
            Some(Origin::Package(winner)) => {
                let winner = self.by_name.get(winner.as_str()).filter(|winner| winner.name != package.name);
                winner.is_some_and(|winner| replaces(winner.replaces, package.name, package.version))
            }
            _ => false,
        };
        let places = package.source.index.entries.iter().filter_map(place);
        places.filter(|path| !is_lost(path)).collect()
    }

    /// Takes away what an old version had and the new one has not; conffiles stay, unless they are to go and were
    /// not changed.
    fn upgrade(&mut self, package: &Unpacked<'_>, old: &InstalledPackage) {
        let new = &self.owned[package.name];
        let is_to_go = |path: &&String| {
            let is_unchanged = || {
                let node = self.merge.tree().get(path);
                let md5 = node.and_then(|node| self.md5(node));
                md5.is_some() && md5.as_ref() == old.conffiles.get(*path)
            };
            let leaves = || package.conffiles_to_remove.contains(*path) && is_unchanged();
            !new.contains(*path) && (!old.conffiles.contains_key(*path) || leaves())
        };
        let paths: BTreeSet<String> = old.paths.iter().filter(is_to_go).cloned().collect();
        self.take_away(old, &paths, false);
    }

    /// Removes the paths that belong to this package alone: files, then directories that are left empty.
    fn take_away(&mut self, package: &InstalledPackage, paths: &BTreeSet<String>, is_purge: bool) {
        if package.paths.is_empty() {
            let name = &package.name.name;
            self.merge
                .warn(format!("the base does not say which files belong to package `{name}`: they stay"));
        }
        let conffiles = package.conffiles.keys().filter(|_| is_purge);
        let paths: BTreeSet<&String> = paths.iter().chain(conffiles).collect();
        let belongs_to_others = |path: &str| {
            let is_other = |owner: &InstalledPackage| {
                let is_unpacked = self.is_renewed(owner) && self.owned.contains_key(&owner.name.name);
                owner.name != package.name && !self.is_removed(owner) && !is_unpacked
            };
            self.installed.owners(path).any(is_other) || self.owned.values().any(|owned| owned.contains(path))
        };
        let alone: Vec<&String> = paths.into_iter().filter(|path| !belongs_to_others(path)).collect();
        let is_directory = |tree: &Tree, path: &str| {
            tree.get(path).is_some_and(|node| node.entry.kind == EntryKind::Directory)
        };
        for path in &alone {
            // What another package of this build put there stays.
            let is_old = self.merge.tree().get(path).is_some_and(|node| node.origin == Origin::Base);
            if is_old && !is_directory(self.merge.tree(), path) {
                self.merge.remove(path);
            }
        }
        for path in alone.iter().rev() {
            let is_empty = self.merge.tree().descendants(path).next().is_none();
            if is_empty && is_directory(self.merge.tree(), path) {
                self.merge.remove(path);
            }
        }
    }

    fn is_removed(&self, package: &InstalledPackage) -> bool {
        let PackageName { name, architecture } = &package.name;
        self.removals.iter().any(|removal| removal.is_place_of(name, architecture))
    }

    /// Whether this build brings another version of a package.
    fn is_renewed(&self, package: &InstalledPackage) -> bool {
        self.by_name.get(package.name.name.as_str()).is_some_and(|new| new.is_place_of(package))
    }
}
