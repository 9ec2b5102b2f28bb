//! File commands of maintainer scripts with known arguments: `chown chgrp chmod mkdir rmdir rm mv touch ln cp install
//! ucf`.
//!
//! They are done in the order in which the scripts call them, on a tree of metadata. What is not plain enough (options
//! beyond the common ones, copies of directories, hard links) is left out and reported, and so is a command on a path
//! that is missing. `ucf SOURCE TARGET` copies the source where the target is missing
//! ([ucf(1)](https://manpages.debian.org/ucf.1)). Paths that other effects own are passed over, and everything below
//! `/tmp`, `/dev`, `/proc` and `/sys`.

mod arguments;

use temper_oci::{EntryKind, normalize_path};

use self::arguments::{Arguments, apply_mode};
use super::scripts::{Argument, Scripts};
use super::users::directory::Directory;
use super::{Change, Effect, EffectContext};
use crate::merge::Merge;
use crate::tree::{Node, Tree};

const NAMES: &[&str] =
    &["chgrp", "chmod", "chown", "cp", "install", "ln", "mkdir", "mv", "rm", "rmdir", "touch", "ucf"];

/// Paths, and all below them, that other effects own.
const OWNED: &[&str] = &[
    "dev",
    "etc/alternatives",
    "etc/ca-certificates.conf",
    "etc/group",
    "etc/gshadow",
    "etc/ld.so.cache",
    "etc/passwd",
    "etc/shadow",
    "etc/shells",
    "proc",
    "sys",
    "tmp",
    "usr/local/share/ca-certificates",
    "var/lib/dpkg",
    "var/lib/shells.state",
    "var/lib/systemd/deb-systemd-helper-enabled",
    "var/lib/ucf",
    "var/tmp",
];

/// Does the file commands; `accounts` knows the users and groups that packages add.
pub fn commands(ctx: &EffectContext<'_>, scripts: &Scripts, accounts: &Directory) -> Effect {
    let mut worker =
        Worker { tree: ctx.tree.clone(), accounts, time: ctx.time, umask: 0, changes: Vec::new() };
    let mut effect = Effect::default();
    for call in scripts.of(NAMES) {
        worker.umask = call.umask;
        let done = call.arguments().and_then(|arguments| worker.command(call.name(), &arguments));
        if let Err(reason) = done
            && !worker.removes_nothing(call.name(), &call.words)
        {
            effect.not_reproduced.push(call.not_reproduced(reason));
        }
    }
    effect.changes = worker.changes;
    effect
}

struct Worker<'a> {
    tree: Tree,
    accounts: &'a Directory,
    time: i64,
    /// Of the current call.
    umask: u32,
    changes: Vec<Change>,
}

type Done = Result<(), String>;

impl Worker<'_> {
    fn command(&mut self, name: &str, arguments: &[&str]) -> Done {
        match name {
            "chgrp" | "chmod" | "chown" => self.change_metadata(name, arguments),
            "cp" => self.copy(arguments),
            "install" => self.install(arguments),
            "ln" => self.link(arguments),
            "mkdir" => self.make_directories(arguments),
            "mv" => self.rename(arguments),
            "rm" | "rmdir" => self.remove(name, arguments),
            "touch" => self.touch(arguments),
            _ => self.configuration_file(arguments),
        }
    }

    fn push(&mut self, change: Change) {
        if Merge::new(&mut self.tree).change(&change, "scripts", self.time) {
            self.changes.push(change);
        }
    }

    /// Returns whether what a call would remove or move is not in the tree anyway; a name that is not known when
    /// removing is a temporary one.
    fn removes_nothing(&self, name: &str, words: &[Argument]) -> bool {
        let operands =
            words.iter().skip(1).filter(|word| !word.known().is_some_and(|word| word.starts_with('-')));
        let is_missing = |path: &str| self.tree.lookup(path).is_none();
        match name {
            "rm" | "rmdir" => operands.filter_map(Argument::known).all(is_missing),
            "mv" => operands.map(Argument::known).next().flatten().is_some_and(is_missing),
            _ => false,
        }
    }

    /// Brings an absolute path into the form of the tree, its parent's links followed; `None` for owned paths.
    fn path(&self, path: &str, follows: bool) -> Result<Option<String>, String> {
        let normal = normalize_path(path).filter(|_| path.starts_with('/'));
        let normal = normal.ok_or_else(|| format!("`{path}` is no plain absolute path"))?;
        let resolved = if follows { self.tree.resolve(&normal) } else { self.tree.resolve_parent(&normal) };
        let resolved = resolved.map_err(|error| error.to_string())?;
        let below = |top: &&str| {
            resolved.strip_prefix(*top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_owned = resolved.is_empty() || OWNED.iter().any(below);
        Ok((!is_owned).then_some(resolved))
    }

    fn make_directories(&mut self, arguments: &[&str]) -> Done {
        let arguments = Arguments::parse(arguments, &["-m", "--mode"], &["-p", "--parents", "-v"])?;
        let mode = mode_value(&arguments, 0o777 & !self.umask)?;
        for path in &arguments.operands {
            self.make_directory(path, mode, (0, 0))?;
        }
        Ok(())
    }

    fn make_directory(&mut self, path: &str, mode: u32, (uid, gid): (u64, u64)) -> Done {
        if let Some(path) = self.path(path, true)?
            && self.tree.get(&path).is_none()
        {
            self.push(Change::Directory { path, mode, uid, gid });
        }
        Ok(())
    }

    fn change_metadata(&mut self, name: &str, arguments: &[&str]) -> Done {
        let known = ["-R", "--recursive", "-f", "--quiet", "--silent", "-v", "-c", "-h", "--no-dereference"];
        // A symbolic mode may look like an option.
        let arguments: Vec<&str> = arguments.iter().copied().filter(|argument| *argument != "--").collect();
        let Arguments { flags, operands, .. } = Arguments::parse(&arguments, &[], &known)?;
        let is_recursive = flags.iter().any(|flag| matches!(*flag, "-R" | "R" | "--recursive"));
        let [value, paths @ ..] = operands.as_slice() else { return Err("a path is missing".to_owned()) };
        let (uid, gid) = match name {
            "chown" => self.owner(value)?,
            "chgrp" => (None, Some(self.group(value)?)),
            _ => (None, None),
        };
        for path in paths {
            let Some(path) = self.path(path, true)? else { continue };
            if self.tree.get(&path).is_none() {
                let is_fleeting = ["run/", "var/log/"].iter().any(|top| path.starts_with(top));
                if is_fleeting {
                    continue;
                }
                return Err(format!("`/{path}` is missing"));
            }
            let below = self.tree.descendants(&path).filter(|_| is_recursive);
            let below: Vec<String> = below.map(|node| node.entry.path.clone()).collect();
            for path in std::iter::once(path).chain(below) {
                let mode = if name == "chmod" { self.new_mode(&path, value)? } else { None };
                if mode.is_some() || uid.is_some() || gid.is_some() {
                    self.push(Change::Metadata { path, mode, uid, gid });
                }
            }
        }
        Ok(())
    }

    /// Returns the mode that `chmod` gives; links have none.
    fn new_mode(&self, path: &str, text: &str) -> Result<Option<u32>, String> {
        let Some(node) = self.tree.get(path) else { return Ok(None) };
        let is_directory = match node.entry.kind {
            EntryKind::Symlink { .. } => return Ok(None),
            EntryKind::Directory => true,
            _ => false,
        };
        let mode = apply_mode(text, node.entry.mode, is_directory);
        mode.map(Some).ok_or_else(|| format!("mode `{text}` is not reproduced"))
    }

    fn owner(&self, value: &str) -> Result<(Option<u64>, Option<u64>), String> {
        let (user, group) = match value.split_once([':', '.']) {
            Some((user, group)) => (user, Some(group)),
            None => (value, None),
        };
        let no_account = || format!("`{user}` is no account");
        let uid = if user.is_empty() { None } else { Some(self.accounts.uid(user).ok_or_else(no_account)?) };
        let gid = match group {
            Some("") => self.accounts.users.get(user).map(|(_, gid)| u64::from(*gid)),
            Some(group) => Some(self.group(group)?),
            None => None,
        };
        Ok((uid.map(u64::from), gid))
    }

    fn group(&self, name: &str) -> Result<u64, String> {
        self.accounts.gid(name).map(u64::from).ok_or_else(|| format!("group `{name}` is no account"))
    }

    fn touch(&mut self, arguments: &[&str]) -> Done {
        for path in Arguments::parse(arguments, &[], &[])?.operands {
            if let Some(path) = self.path(path, true)?
                && self.tree.get(&path).is_none()
            {
                let mode = 0o666 & !self.umask;
                self.push(Change::File { path, content: Vec::new(), mode, uid: 0, gid: 0 });
            }
        }
        Ok(())
    }

    fn link(&mut self, arguments: &[&str]) -> Done {
        let known = ["-s", "--symbolic", "-f", "--force", "-n", "--no-dereference", "-T", "-v"];
        let arguments = Arguments::parse(arguments, &[], &known)?;
        let [target, link] = arguments.operands.as_slice() else {
            return Err("a target and a link are needed".to_owned());
        };
        if !arguments.has(&["s", "symbolic"]) {
            return Err("a hard link is not reproduced".to_owned());
        }
        let is_plain = arguments.has(&["n", "no-dereference", "T"]);
        let link = self.inside(target, link, is_plain)?;
        let Some(path) = self.path(&link, false)? else { return Ok(()) };
        match self.tree.get(&path).map(|node| &node.entry.kind) {
            Some(EntryKind::Symlink { target: found }) if found == target => Ok(()),
            Some(EntryKind::Directory) => Err(format!("`/{path}` is a directory")),
            Some(_) if !arguments.has(&["f", "force"]) => Ok(()),
            _ => {
                self.push(Change::Symlink { path, target: (*target).to_owned() });
                Ok(())
            }
        }
    }

    /// Returns where a copy or link goes: into the target if that is a directory.
    fn inside(&self, source: &str, target: &str, is_plain: bool) -> Result<String, String> {
        let at = self.path(target, true)?;
        let is_directory =
            at.is_some_and(|at| self.tree.get(&at).is_some_and(|n| n.entry.kind == EntryKind::Directory));
        if !is_directory || is_plain {
            return Ok(target.to_owned());
        }
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        Ok(format!("{}/{name}", target.trim_end_matches('/')))
    }

    fn copy(&mut self, arguments: &[&str]) -> Done {
        let known = ["-p", "-a", "-f", "-n", "-Z", "-v", "-d", "--preserve", "--archive", "--no-clobber"];
        let arguments = Arguments::parse(arguments, &["--preserve", "--no-preserve"], &known)?;
        let [source, target] = arguments.operands.as_slice() else {
            return Err("a source and a target are needed".to_owned());
        };
        let target = self.inside(source, target, false)?;
        let source = self.source(source)?;
        let Some(path) = self.path(&target, true)? else { return Ok(()) };
        let is_there = self.tree.get(&path).is_some();
        if is_there && arguments.has(&["n", "no-clobber"]) {
            return Ok(());
        }
        let keeps = arguments.has(&["p", "a", "preserve", "archive"]);
        let entry = &source.entry;
        let (mode, uid, gid) =
            if keeps { (entry.mode, entry.uid, entry.gid) } else { (entry.mode & 0o777 & !self.umask, 0, 0) };
        self.push_copy(&source, path, (mode, uid, gid));
        Ok(())
    }

    fn source(&self, path: &str) -> Result<Node, String> {
        let missing = || format!("`{path}` is no file of the tree");
        let found = normalize_path(path).and_then(|path| self.tree.lookup(&path)).ok_or_else(missing)?;
        let is_file = matches!(found.entry.kind, EntryKind::File { .. });
        if is_file { Ok(found.clone()) } else { Err(missing()) }
    }

    fn push_copy(&mut self, node: &Node, path: String, (mode, uid, gid): (u32, u64, u64)) {
        let (kind, source) = (node.entry.kind.clone(), node.source.clone());
        self.push(Change::Copy { path, kind, source, mode, uid, gid });
    }

    fn install(&mut self, arguments: &[&str]) -> Done {
        let valued = ["-m", "--mode", "-o", "--owner", "-g", "--group"];
        let known = ["-d", "--directory", "-D", "-p", "-v", "-C"];
        let arguments = Arguments::parse(arguments, &valued, &known)?;
        let mode = mode_value(&arguments, 0o755)?;
        let uid = match arguments.value(&["-o", "--owner"]) {
            Some(user) => self.owner(user)?.0.unwrap_or(0),
            None => 0,
        };
        let gid = arguments.value(&["-g", "--group"]).map_or(Ok(0), |group| self.group(group))?;
        if arguments.has(&["d", "directory"]) {
            for operand in &arguments.operands {
                self.make_directory(operand, mode, (uid, gid))?;
                if let Some(path) = self.path(operand, true)? {
                    let (uid, gid) = (Some(uid), Some(gid));
                    self.push(Change::Metadata { path, mode: Some(mode), uid, gid });
                }
            }
            return Ok(());
        }
        let [source, target] = arguments.operands.as_slice() else {
            return Err("a source and a target are needed".to_owned());
        };
        let target = self.inside(source, target, false)?;
        let source = self.source(source)?;
        if let Some(path) = self.path(&target, true)? {
            self.push_copy(&source, path, (mode, uid, gid));
        }
        Ok(())
    }

    fn configuration_file(&mut self, arguments: &[&str]) -> Done {
        let valued = ["--debug", "-d", "--sum-file", "--src-dir", "--state-dir"];
        let known = ["--three-way", "--debconf-ok", "-v", "--verbose", "-s", "-n"];
        let arguments = Arguments::parse(arguments, &valued, &known)?;
        let [source, target] = arguments.operands.as_slice() else {
            return Err("a source and a target are needed".to_owned());
        };
        let Some(path) = self.path(target, true)? else { return Ok(()) };
        if self.tree.get(&path).is_none() {
            let source = self.source(source)?;
            self.push_copy(&source, path, (source.entry.mode, source.entry.uid, source.entry.gid));
        }
        Ok(())
    }

    fn rename(&mut self, arguments: &[&str]) -> Done {
        let arguments = Arguments::parse(arguments, &[], &["-f", "-T", "-v", "-Z", "--force"])?;
        let [from, to] = arguments.operands.as_slice() else {
            return Err("a source and a target are needed".to_owned());
        };
        let to = self.inside(from, to, arguments.has(&["T"]))?;
        let (Some(from), Some(to)) = (self.path(from, false)?, self.path(&to, false)?) else { return Ok(()) };
        let Some(node) = self.tree.get(&from).cloned() else { return Ok(()) };
        let entry = &node.entry;
        match &entry.kind {
            EntryKind::File { .. } => self.push_copy(&node, to, (entry.mode, entry.uid, entry.gid)),
            EntryKind::Symlink { target } => self.push(Change::Symlink { path: to, target: target.clone() }),
            kind => return Err(format!("a {} is not moved", kind.word())),
        }
        self.push(Change::Remove { path: from });
        Ok(())
    }

    fn remove(&mut self, name: &str, arguments: &[&str]) -> Done {
        let known =
            ["-f", "-r", "-R", "-rf", "-v", "--force", "--recursive", "--ignore-fail-on-non-empty", "-p"];
        for operand in Arguments::parse(arguments, &[], &known)?.operands {
            let Some(path) = self.path(operand, false)? else { continue };
            let is_empty = self.tree.children(&path).next().is_none();
            match self.tree.get(&path).map(|node| &node.entry.kind) {
                None => {}
                Some(EntryKind::Directory) if !is_empty && name == "rmdir" => {}
                Some(EntryKind::Directory) if !is_empty => {
                    return Err(format!("`/{path}` is a filled directory"));
                }
                Some(_) => self.push(Change::Remove { path }),
            }
        }
        Ok(())
    }
}

fn mode_value(arguments: &Arguments<'_>, default: u32) -> Result<u32, String> {
    let Some(text) = arguments.value(&["-m", "--mode"]) else { return Ok(default) };
    apply_mode(text, default, false).ok_or_else(|| format!("mode `{text}` is not reproduced"))
}

#[cfg(test)]
mod tests;
