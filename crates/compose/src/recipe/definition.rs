//! The recipe of a definition: an image from nothing.

use std::fmt::Write as _;

use temper_oci::normalize_path;
use temper_rootfs::accounts::{AccountRequest, GroupRequest, UserRequest};
use temper_spec::Definition;
use temper_spec::customization::{self as spec, Arguments, PackageRequest};
use temper_spec::definition::{OsRelease, PathEntry, PathType, RepositoryLine, expand_ports};

use super::{PathContent, Recipe, WantedPackage, WantedPath, compression, pairs};
use crate::archive::PackageSource;

/// Where the text of `os-release` goes; `/etc/os-release` is a link to it on Debian.
const OS_RELEASE: &str = "usr/lib/os-release";

impl From<&Definition> for Recipe {
    fn from(definition: &Definition) -> Self {
        let document = &definition.document;
        let (packages, forbidden) = packages(definition);
        let replace = |words: &Option<Vec<String>>| words.clone().map(Arguments::Replace);
        let mut paths: Vec<WantedPath> = document.os_release.iter().map(os_release).collect();
        paths.extend(document.paths.iter().enumerate().filter_map(|(index, entry)| path(index, entry)));
        Self {
            name: document.name.clone(),
            document: definition.to_yaml(),
            sources: Some(sources(definition)),
            packages,
            forbidden,
            waives_forbidden: true,
            paths,
            accounts: accounts(definition),
            environment: pairs(&document.environment),
            labels: pairs(&document.labels),
            annotations: pairs(&document.annotations),
            entrypoint: replace(&document.entrypoint),
            cmd: replace(&document.cmd),
            work_dir: document.work_dir.clone(),
            stop_signal: document.stop_signal.clone(),
            ports: document.ports.iter().filter_map(|port| expand_ports(port)).flatten().collect(),
            platforms: Some(document.platforms()),
            compression: document.compression.map(compression),
            ..Self::default()
        }
    }
}

fn packages(definition: &Definition) -> (Vec<WantedPackage>, Vec<WantedPackage>) {
    let mut added: Vec<WantedPackage> = Vec::new();
    let mut forbidden = Vec::new();
    for (index, request) in definition.document.packages().into_iter().enumerate() {
        let at = format!("contents.packages[{index}]");
        match request {
            PackageRequest::Add { name, constraint } => added.push(WantedPackage { name, constraint, at }),
            PackageRequest::Forbid { name } => forbidden.push(WantedPackage { name, constraint: None, at }),
        }
    }
    // The format lets a package stand in both lists: it is left out unless it is named, and named it is taken.
    forbidden.retain(|package| !added.iter().any(|other| other.name == package.name));
    (added, forbidden)
}

fn sources(definition: &Definition) -> Vec<PackageSource> {
    let lines = definition.document.contents.repositories.iter().filter_map(|line| line.as_debian());
    let source = |line: &RepositoryLine| PackageSource {
        uri: line.uri.clone(),
        suite: line.suite.clone(),
        components: line.components.clone(),
        keyring: line.options.get("signed-by").and_then(|keys| keys.first()).cloned().unwrap_or_default(),
    };
    lines.map(source).collect()
}

fn accounts(definition: &Definition) -> AccountRequest {
    let Some(accounts) = &definition.document.accounts else { return AccountRequest::default() };
    let users = accounts.users.iter();
    let groups = accounts.groups.iter();
    AccountRequest {
        root: accounts.root,
        runs_as: accounts.run_as.clone(),
        users: users
            .map(|user| UserRequest {
                name: user.name.clone(),
                uid: user.uid,
                gid: Some(user.gid),
                home_mode: user.mode.map_or(0o755, spec::Mode::bits),
            })
            .collect(),
        groups: groups
            .map(|group| GroupRequest {
                name: group.name.clone(),
                gid: group.gid,
                members: group.members.clone(),
            })
            .collect(),
    }
}

fn path(index: usize, entry: &PathEntry) -> Option<WantedPath> {
    let (content, default_mode) = match entry.kind {
        PathType::File | PathType::EmptyFile => {
            (PathContent::File(entry.content.clone().unwrap_or_default()), 0o644)
        }
        PathType::Directory => (PathContent::Directory, 0o755),
        PathType::Symlink => (PathContent::Symlink(entry.source.clone()?), 0o777),
        PathType::Delete => (PathContent::Absent, 0),
    };
    Some(WantedPath {
        path: normalize_path(&entry.path)?,
        content,
        mode: entry.mode.map_or(default_mode, spec::Mode::bits),
        uid: entry.uid.unwrap_or(0).into(),
        gid: entry.gid.unwrap_or(0).into(),
        platforms: entry.platforms.clone(),
        at: format!("paths[{index}]"),
    })
}

/// Writes the fields as [os-release(5)](https://www.freedesktop.org/software/systemd/man/latest/os-release.html) wants them.
fn os_release(fields: &OsRelease) -> WantedPath {
    let mut text = String::new();
    for (name, value) in [
        ("PRETTY_NAME", &fields.pretty_name),
        ("NAME", &fields.name),
        ("VERSION_ID", &fields.version_id),
        ("VERSION_CODENAME", &fields.version_codename),
        ("ID", &fields.id),
        ("ID_LIKE", &fields.id_like),
        ("HOME_URL", &fields.home_url),
        ("BUG_REPORT_URL", &fields.bug_report_url),
    ] {
        if let Some(value) = value {
            let quoted =
                value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`");
            let _ = writeln!(text, "{name}=\"{quoted}\"");
        }
    }
    WantedPath {
        path: OS_RELEASE.to_owned(),
        content: PathContent::File(text),
        mode: 0o644,
        uid: 0,
        gid: 0,
        platforms: None,
        at: "os-release".to_owned(),
    }
}
