//! The composition record of one platform, read from its composed tree.

use std::collections::BTreeMap;

use temper_oci::{Digest, EntryKind};
use temper_rootfs::tree::{Node, Origin, Source};

use crate::choice::ChosenPackage;
use crate::composition::Composition;
use crate::composition_record::{AccountOrigin, CompositionRecord, OriginPaths, PathOrigin};

/// Returns the record of a composition; `artifacts` are the platform's manifests by the document's references.
pub(super) fn composition_record(
    composition: &Composition,
    artifacts: &BTreeMap<&str, Digest>,
) -> CompositionRecord {
    let mut groups: BTreeMap<PathOrigin, OriginPaths> = BTreeMap::new();
    let origins = Origins::new(composition, artifacts);
    for node in composition.tree.nodes() {
        let origin = origins.of(node);
        let group = groups.entry(origin.clone()).or_insert_with(|| OriginPaths {
            origin,
            files: BTreeMap::new(),
            others: Vec::new(),
        });
        let path = format!("/{}", node.entry.path);
        match &node.entry.kind {
            EntryKind::File { digest, .. } => drop(group.files.insert(path, digest.hex())),
            _ => group.others.push(path),
        }
    }
    let mut origins: Vec<OriginPaths> = groups.into_values().collect();
    for group in &mut origins {
        group.others.sort();
    }
    CompositionRecord {
        platform: composition.platform.clone(),
        origins,
        environment: composition.environment.clone(),
        users: accounts(composition, "etc/passwd", "user"),
        groups: accounts(composition, "etc/group", "group"),
        user: composition.user.clone(),
        work_dir: composition.work_dir.clone(),
        entrypoint: composition.commands.entrypoint.clone(),
        cmd: composition.commands.cmd.clone(),
    }
}

/// What origins are told with.
struct Origins<'a> {
    composition: &'a Composition,
    artifacts: &'a BTreeMap<&'a str, Digest>,
    /// The packages that were added, by name.
    chosen: BTreeMap<&'a str, &'a ChosenPackage>,
}

impl<'a> Origins<'a> {
    fn new(composition: &'a Composition, artifacts: &'a BTreeMap<&'a str, Digest>) -> Self {
        let chosen = composition.choice.install.iter().map(|package| (package.name.as_str(), package));
        Self { composition, artifacts, chosen: chosen.collect() }
    }

    fn of(&self, node: &Node) -> PathOrigin {
        match &node.origin {
            Origin::Base => PathOrigin::Base {
                layer: match &node.source {
                    Source::Layer { blob, .. } => Some(*blob),
                    _ => None,
                },
                package: self.base_package(&node.entry.path),
            },
            Origin::Package(name) => {
                let chosen = self.chosen.get(name.as_str());
                PathOrigin::Package {
                    package: chosen.map_or_else(|| name.clone(), |one| format!("{name} {}", one.version)),
                    digest: chosen.map(|package| package.file.digest),
                }
            }
            Origin::Artifact(reference) => PathOrigin::Artifact {
                reference: reference.clone(),
                digest: self.artifacts.get(reference.as_str()).copied(),
            },
            Origin::Document => PathOrigin::Document,
            Origin::Generated(effect) => PathOrigin::Effect { name: effect.clone() },
        }
    }

    /// Returns the package of the base that owns a path; directories belong to many.
    fn base_package(&self, path: &str) -> Option<String> {
        let mut owners = self.composition.installed.owners(path);
        let (first, second) = (owners.next(), owners.next());
        first.filter(|_| second.is_none()).map(|owner| format!("{} {}", owner.name.name, owner.version))
    }
}

/// Reads names and numbers of a file of accounts, and who added them.
fn accounts(composition: &Composition, path: &str, kind: &str) -> Vec<AccountOrigin> {
    let text = composition.tree.read(path).map(String::from_utf8_lossy).unwrap_or_default();
    let account = |line: &str| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        let added = composition.accounts.iter().find(|added| added.kind == kind && added.name == name);
        let origin = added.map_or("base", |added| &added.origin);
        Some(AccountOrigin { name: name.to_owned(), id, origin: origin.to_owned() })
    };
    text.lines().filter_map(account).collect()
}
