//! Alternatives: `/etc/alternatives`, the links to it, and the database of `update-alternatives`.
//!
//! Every `update-alternatives --install` whose arguments are known joins the link group that the base has, as
//! [update-alternatives(1)](https://manpages.debian.org/update-alternatives.1) does:
//!
//! - In automatic mode `/etc/alternatives/NAME` leads to the best choice and the link leads there, both absolute;
//!   in manual mode the current choice stays.
//! - A slave has its links only if the current choice has that slave and its file exists; else they go away.
//! - A choice whose file is missing is skipped with a warning; one that the tree no longer has is dropped, and a link
//!   group without choices goes away.
//! - Nothing but a symbolic link is ever replaced by a link.
//! - The database is written only where the tree has dpkg.
//!
//! Not reproduced: `--set`, `--auto`, `--remove-all`; `--remove` is ignored, since what a package no longer ships is
//! dropped with its file.

pub mod database;

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::EntryKind;

use self::database::{Alternative, Choice};
use super::scripts::{Call, Scripts};
use super::{Change, Effect, EffectContext};
use crate::tree::Tree;

pub(super) const DATABASE: &str = "var/lib/dpkg/alternatives";
const LINKS: &str = "etc/alternatives";

/// Recomputes the alternatives.
pub fn alternatives(ctx: &EffectContext<'_>, scripts: &Scripts) -> Effect {
    let mut effect = Effect::default();
    let mut groups = read_database(ctx.tree);
    let mut touched = drop_missing_choices(ctx.tree, &mut groups);
    for call in scripts.of(&["update-alternatives"]) {
        let arguments: Vec<&str> = call.words.iter().skip(1).filter_map(|word| word.known()).collect();
        if arguments.iter().any(|argument| {
            ["--remove", "--display", "--query", "--list", "--get-selections"].contains(argument)
        }) {
            continue;
        }
        // Nothing to do for a group that nobody has: the command fails, and scripts go on.
        let is_for_none = |name: &&str| !groups.contains_key(*name);
        if matches!(arguments.as_slice(), [.., "--auto" | "--remove-all", name] if is_for_none(name)) {
            continue;
        }
        match Installation::of(call) {
            Ok(installation) => {
                let name = installation.name.clone();
                match install(ctx.tree, &mut groups, installation) {
                    Ok(()) => drop(touched.insert(name)),
                    Err(warning) => effect.warnings.push(warning),
                }
            }
            Err(reason) => effect.not_reproduced.push(call.not_reproduced(reason)),
        }
    }
    for name in touched {
        let mut writer = Writer { ctx, name: &name, effect: &mut effect };
        match groups.get(&name) {
            Some(alternative) if !alternative.choices.is_empty() => writer.write(alternative),
            Some(alternative) => writer.remove(alternative),
            None => {}
        }
    }
    effect
}

/// The arguments of one `update-alternatives --install`.
struct Installation {
    name: String,
    link: String,
    slave_links: BTreeMap<String, String>,
    choice: Choice,
}

impl Installation {
    fn of(call: &Call) -> Result<Self, String> {
        let arguments = call.arguments()?;
        let options = ["--quiet", "--verbose", "--force", "--skip-auto"];
        let mut arguments = arguments.into_iter().filter(|argument| !options.contains(argument));
        if arguments.next() != Some("--install") {
            return Err("only `--install` is reproduced".to_owned());
        }
        let mut next = || arguments.next().map(str::to_owned).ok_or("an argument is missing");
        let (link, name, path, priority) = (next()?, next()?, next()?, next()?);
        let priority = priority.parse().map_err(|_| format!("priority `{priority}` is not a number"))?;
        if !is_name(&name) || !link.starts_with('/') || !path.starts_with('/') {
            return Err("a link, a name and a path are needed".to_owned());
        }
        let choice = Choice { path, priority, slaves: BTreeMap::new() };
        let mut installation = Self { name, link, slave_links: BTreeMap::new(), choice };
        while let Some(option) = arguments.next() {
            let mut next = || arguments.next().map(str::to_owned).ok_or("an argument is missing");
            if option != "--slave" {
                return Err(format!("option `{option}` is not reproduced"));
            }
            let (link, name, path) = (next()?, next()?, next()?);
            if !is_name(&name) || !link.starts_with('/') || !path.starts_with('/') {
                return Err("a slave needs a link, a name and a path".to_owned());
            }
            installation.slave_links.insert(name.clone(), link);
            installation.choice.slaves.insert(name, path);
        }
        Ok(installation)
    }
}

/// Names become file names, so that they hold no slash; line breaks would tear the database.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', ' ', '\n', '\t'])
}

fn read_database(tree: &Tree) -> BTreeMap<String, Alternative> {
    let read = |path: &str| {
        let text = std::str::from_utf8(tree.read(path)?).ok()?;
        Some((path[DATABASE.len() + 1..].to_owned(), Alternative::parse(text)?))
    };
    tree.children(DATABASE).filter_map(|node| read(&node.entry.path)).collect()
}

/// Drops the choices whose file is gone; returns the names of their groups.
fn drop_missing_choices(tree: &Tree, groups: &mut BTreeMap<String, Alternative>) -> BTreeSet<String> {
    let mut touched = BTreeSet::new();
    for (name, alternative) in groups {
        let count = alternative.choices.len();
        alternative.choices.retain(|choice| tree.lookup(&choice.path).is_some());
        if alternative.choices.len() != count {
            touched.insert(name.clone());
        }
    }
    touched
}

fn install(
    tree: &Tree,
    groups: &mut BTreeMap<String, Alternative>,
    installation: Installation,
) -> Result<(), String> {
    let Installation { name, link, slave_links, choice } = installation;
    if tree.lookup(&choice.path).is_none() {
        return Err(format!(
            "alternative `{}` of `{name}` is left out, since the file is missing",
            choice.path
        ));
    }
    if let Some((master, _)) = groups.iter().find(|(_, group)| group.slaves.contains_key(&name)) {
        return Err(format!("alternative `{name}` is left out, since it is a slave of `{master}`"));
    }
    let alternative = groups.entry(name.clone()).or_default();
    let current = current_choice(tree, &name).filter(|_| !alternative.choices.is_empty());
    match current {
        None => alternative.is_manual = false,
        Some(current) if alternative.choices.iter().any(|choice| choice.path == current) => {}
        // A link that someone bent to a file of their own is kept, as a choice made by hand.
        Some(current) => alternative.is_manual = tree.lookup(&current).is_some(),
    }
    // Each call reads the sorted file and appends, which decides between equal priorities.
    alternative.normalize();
    alternative.install(&link, slave_links, choice);
    Ok(())
}

fn current_choice(tree: &Tree, name: &str) -> Option<String> {
    match &tree.get(&format!("{LINKS}/{name}"))?.entry.kind {
        EntryKind::Symlink { target } => Some(target.clone()),
        _ => None,
    }
}

struct Writer<'a> {
    ctx: &'a EffectContext<'a>,
    name: &'a str,
    effect: &'a mut Effect,
}

impl Writer<'_> {
    fn write(&mut self, alternative: &Alternative) {
        if self.ctx.has_dpkg {
            let path = format!("{DATABASE}/{}", self.name);
            let mut sorted = alternative.clone();
            sorted.normalize();
            let content = sorted.to_string().into_bytes();
            if self.ctx.tree.read(&path) != Some(content.as_slice()) {
                self.effect.changes.push(Change::File { path, content, mode: 0o644, uid: 0, gid: 0 });
            }
        }
        let current = current_choice(self.ctx.tree, self.name).filter(|_| alternative.is_manual);
        let choice = match &current {
            Some(current) => alternative.choices.iter().find(|choice| choice.path == *current),
            None => alternative.best(),
        };
        // A choice made by hand that is no choice of the group: its links are not ours.
        let Some(choice) = choice else { return };
        self.link(&alternative.link, self.name, &choice.path);
        for (name, link) in &alternative.slaves {
            match choice.slaves.get(name).filter(|file| self.ctx.tree.lookup(file).is_some()) {
                Some(file) => self.link(link, name, file),
                None => self.unlink(link, name),
            }
        }
    }

    fn remove(&mut self, alternative: &Alternative) {
        let path = format!("{DATABASE}/{}", self.name);
        self.effect.changes.push(Change::Remove { path });
        self.unlink(&alternative.link, self.name);
        for (name, link) in &alternative.slaves {
            self.unlink(link, name);
        }
    }

    /// Makes `/etc/alternatives/NAME` and the link that leads to it.
    fn link(&mut self, link: &str, name: &str, file: &str) {
        self.symlink(&format!("{LINKS}/{name}"), file);
        self.symlink(link, &format!("/{LINKS}/{name}"));
    }

    fn symlink(&mut self, path: &str, target: &str) {
        let Ok(path) = self.ctx.tree.resolve_parent(path) else {
            self.effect.warnings.push(format!(
                "alternative link `{path}` cannot be made, since its directory cannot be followed"
            ));
            return;
        };
        match self.ctx.tree.get(&path).map(|node| &node.entry.kind) {
            Some(EntryKind::Symlink { target: found }) if found == target => {}
            None | Some(EntryKind::Symlink { .. }) => {
                self.effect.changes.push(Change::Symlink { path, target: target.to_owned() });
            }
            Some(kind) => {
                let word = kind.word();
                self.effect
                    .warnings
                    .push(format!("alternative link `/{path}` is not made, since a {word} is there"));
            }
        }
    }

    fn unlink(&mut self, link: &str, name: &str) {
        let own = format!("/{LINKS}/{name}");
        for (path, any_target) in [(own.as_str(), true), (link, false)] {
            let Ok(path) = self.ctx.tree.resolve_parent(path) else { continue };
            if let Some(EntryKind::Symlink { target }) = self.ctx.tree.get(&path).map(|node| &node.entry.kind)
                && (any_target || *target == own)
            {
                self.effect.changes.push(Change::Remove { path });
            }
        }
    }
}

#[cfg(test)]
mod tests;
