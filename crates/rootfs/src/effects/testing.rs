//! Trees, packages and contexts for the tests of effects, from a few lines each.

use std::fmt::Write as _;

use super::{Change, Effect, EffectContext, EffectPackage};
use crate::draft::Draft;
use crate::merge::merge_changes;
use crate::tree::{Source, Tree};

/// A tree of small files, links and directories.
#[derive(Default)]
pub(crate) struct Fixture {
    /// The base.
    pub(crate) base: Tree,
    /// The base with everything added.
    pub(crate) tree: Tree,
    /// Added packages.
    pub(crate) packages: Vec<EffectPackage>,
}

/// Puts paths into a tree: `path = content`, `path -> target`, or `path/`.
pub(crate) fn put(tree: &mut Tree, lines: &[&str]) {
    let change = |line: &&str| {
        if let Some((path, content)) = line.split_once(" = ") {
            return file(path, content);
        }
        match line.split_once(" -> ") {
            Some((path, target)) => Change::Symlink { path: path.to_owned(), target: target.to_owned() },
            None if line.ends_with('/') => {
                let path = line.trim_end_matches('/').to_owned();
                Change::Directory { path, mode: 0o755, uid: 0, gid: 0 }
            }
            None => file(line, line),
        }
    };
    let changes: Vec<Change> = lines.iter().map(change).collect();
    apply(tree, &changes);
}

/// Makes changes on a tree.
pub(crate) fn apply(tree: &mut Tree, changes: &[Change]) {
    let changes = changes.iter().map(|change| ("test", change));
    assert_eq!(merge_changes(tree, Draft::default(), changes, 0).problems, []);
}

/// A file, 0644 root:root.
pub(crate) fn file(path: &str, content: &str) -> Change {
    Change::File { path: path.to_owned(), content: content.as_bytes().to_vec(), mode: 0o644, uid: 0, gid: 0 }
}

impl Fixture {
    /// Starts with a base.
    pub(crate) fn base(lines: &[&str]) -> Self {
        let mut fixture = Self::default();
        put(&mut fixture.base, lines);
        fixture.tree = fixture.base.clone();
        fixture
    }

    /// Adds paths that belong to no package.
    pub(crate) fn with(mut self, lines: &[&str]) -> Self {
        put(&mut self.tree, lines);
        self
    }

    /// Adds a package with its paths and its `postinst`.
    pub(crate) fn package(mut self, name: &str, postinst: &str, lines: &[&str]) -> Self {
        put(&mut self.tree, lines);
        let path = |line: &&str| {
            line.split(" = ").next().and_then(|line| line.split(" -> ").next()).map(str::to_owned)
        };
        self.packages.push(EffectPackage {
            name: name.to_owned(),
            architecture: "amd64".to_owned(),
            version: "1".to_owned(),
            previous_version: None,
            scripts: vec![("postinst".to_owned(), postinst.to_owned())],
            paths: lines.iter().filter_map(path).map(|path| path.trim_end_matches('/').to_owned()).collect(),
        });
        self
    }

    /// Returns what effects see; the tree has dpkg, and the time is the end of day 1.
    pub(crate) fn context(&self) -> EffectContext<'_> {
        EffectContext {
            tree: &self.tree,
            base: &self.base,
            packages: &self.packages,
            has_dpkg: true,
            architecture: "amd64",
            time: 86_400,
        }
    }
}

/// Lists an effect as text: `path = content (mode uid:gid)`, `path -> target`, `! warning`, `? not reproduced`.
pub(crate) fn listing(effect: &Effect) -> String {
    let mut text = String::new();
    for change in &effect.changes {
        let path = change.path();
        let line = match change {
            Change::File { content, mode, uid, gid, .. } => {
                let content = String::from_utf8_lossy(content).escape_debug().to_string();
                format!("{path} = {content} ({mode:o} {uid}:{gid})")
            }
            Change::Copy { source, mode, uid, gid, .. } => {
                let content = match source {
                    Source::Inline(content) => String::from_utf8_lossy(content).escape_debug().to_string(),
                    other => format!("{other:?}"),
                };
                format!("{path} = {content} ({mode:o} {uid}:{gid})")
            }
            Change::Symlink { target, .. } => format!("{path} -> {target}"),
            Change::Directory { mode, uid, gid, .. } => format!("{path}/ ({mode:o} {uid}:{gid})"),
            Change::Metadata { mode, uid, gid, .. } => {
                let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
                let mode = mode.map_or("-".to_owned(), |mode| format!("{mode:o}"));
                format!("{path} ({mode} {}:{})", number(*uid), number(*gid))
            }
            Change::Remove { .. } => format!("{path} removed"),
        };
        writeln!(text, "{line}").expect("text takes all");
    }
    let accounts = &effect.accounts;
    for group in &accounts.groups {
        writeln!(text, "group {} {} {}", group.name, group.gid, group.password).expect("text takes all");
    }
    for user in &accounts.users {
        let super::UserAddition { name, uid, gid, gecos, home, shell, password, .. } = user;
        writeln!(text, "user {name}:{uid}:{gid}:{gecos}:{home}:{shell} {password}").expect("text takes all");
    }
    for (user, group) in &accounts.members {
        writeln!(text, "member {user} {group}").expect("text takes all");
    }
    for warning in &effect.warnings {
        writeln!(text, "! {warning}").expect("text takes all");
    }
    for item in &effect.not_reproduced {
        writeln!(text, "? {} {}: {}", item.package, item.line, item.reason).expect("text takes all");
    }
    text
}

/// Compares an effect with its listing.
#[track_caller]
pub(crate) fn check(effect: &Effect, expected: &[&str]) {
    let found = listing(effect);
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{found}");
}
