//! dpkg's note of which package waits for which trigger, see [deb-triggers(5)].
//!
//! [deb-triggers(5)]: https://manpages.debian.org/deb-triggers.5

use std::collections::BTreeMap;

use crate::installed::DATABASE;
use crate::merge::Merge;
use crate::package_database::{Gone, info_name, put};
use crate::package_index::PackageIndex;

/// The file of triggers that are paths: a path and a package on each line.
const PATHS: &str = "File";

/// Rewrites the files of triggers that changed packages have or had.
pub(super) fn write(merge: &mut Merge<'_>, gone: &Gone, packages: &[&PackageIndex], time: i64) {
    let folder = format!("{DATABASE}/triggers");
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let place = merge.tree().resolve(&folder).unwrap_or_default();
    for node in merge.tree().children(&place) {
        let name = node.entry.path.rsplit('/').next().unwrap_or_default();
        let text = merge.tree().read(&node.entry.path).map(String::from_utf8_lossy);
        if let Some(text) = text.filter(|_| !matches!(name, "Unincorp" | "Lock")) {
            files.insert(name.to_owned(), text.lines().map(str::to_owned).collect());
        }
    }
    let before = files.clone();
    for lines in files.values_mut() {
        lines.retain(|line| !gone.has_qualified(package_of(line)));
    }
    for package in packages {
        for (file, line) in interests(package) {
            files.entry(file).or_default().push(line);
        }
    }
    for (name, lines) in files.iter().filter(|(name, lines)| before.get(*name) != Some(lines)) {
        let path = format!("{folder}/{name}");
        if lines.is_empty() {
            merge.remove(&path);
        } else {
            put(merge, &path, (lines.join("\n") + "\n").as_bytes(), 0o644, time);
        }
    }
}

/// The package of a line, without its option.
fn package_of(line: &str) -> &str {
    let package = line.rsplit(' ').next().unwrap_or(line);
    package.split('/').next().unwrap_or(package)
}

/// Lists the file and the line of each trigger that a package waits for.
fn interests(package: &PackageIndex) -> Vec<(String, String)> {
    let Some(file) = package.control_files.get("triggers") else { return Vec::new() };
    let text = String::from_utf8_lossy(&file.content).into_owned();
    let name = info_name(package);
    let interest = |line: &str| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let option = match words.next()? {
            "interest" | "interest-await" => "",
            "interest-noawait" => "/noawait",
            _ => return None,
        };
        let trigger = words.next()?;
        let is_path = trigger.starts_with('/');
        // The name becomes a file's; one that is no name is nobody's trigger.
        if !is_path && (trigger.contains('/') || trigger.starts_with('.')) {
            return None;
        }
        Some(if is_path {
            (PATHS.to_owned(), format!("{trigger} {name}{option}"))
        } else {
            (trigger.to_owned(), format!("{name}{option}"))
        })
    };
    text.lines().filter_map(interest).collect()
}
