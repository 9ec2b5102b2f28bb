//! Which paths of packages dpkg's configuration leaves out, as small bases do with documentation.
//!
//! Follows [dpkg(1)](https://manpages.debian.org/dpkg.1), `--path-exclude` and `--path-include`: shell patterns of
//! absolute paths in which `*` and `?` match slashes too, and of which the last that matches decides.

use temper_oci::{Entry, EntryKind};

use crate::glob::Glob;
use crate::tree::Tree;

const CONFIGURATION: &str = "etc/dpkg/dpkg.cfg";

/// The filters of a base, in the order in which dpkg reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PathFilter {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    is_include: bool,
    pattern: Glob,
    /// The pattern up to its first special character, without slashes at the end.
    prefix: String,
}

impl PathFilter {
    /// Reads the configuration of a tree: the files of `dpkg.cfg.d` by name, then `dpkg.cfg`.
    pub(super) fn read(tree: &Tree) -> Self {
        let is_read =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let folder = format!("{CONFIGURATION}.d");
        let paths = tree.children(&folder).map(|node| node.entry.path.as_str());
        let paths = paths.filter(|path| path.rsplit('/').next().is_some_and(is_read)).chain([CONFIGURATION]);
        let mut filter = Self::default();
        for text in paths.filter_map(|path| tree.read(path)) {
            filter.add(&String::from_utf8_lossy(text));
        }
        filter
    }

    fn add(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            let Some((name, value)) = line.split_once(|c: char| c == '=' || c.is_whitespace()) else {
                continue;
            };
            let is_include = match name {
                "path-include" => true,
                "path-exclude" => false,
                _ => continue,
            };
            let value = value.trim().trim_matches('"');
            let special = value.find(['*', '?', '[', '\\']).unwrap_or(value.len());
            let prefix = value[..special].trim_end_matches('/').to_owned();
            self.rules.push(Rule { is_include, pattern: Glob::parse(value), prefix });
        }
    }

    /// Whether an entry of a package is left out.
    ///
    /// A directory or link stays where an include may bring back something below it: one whose text up to its first
    /// special character begins the path. So every directory of a folder stays in which an include chooses files.
    pub(super) fn leaves_out(&self, entry: &Entry) -> bool {
        if self.rules.is_empty() {
            return false;
        }
        let path = format!("/{}", entry.path);
        let last = self.rules.iter().rev().find(|rule| rule.pattern.matches(&path));
        if last.is_none_or(|rule| rule.is_include) {
            return false;
        }
        let may_lead_on = matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink { .. });
        let leads_to = |rule: &Rule| rule.is_include && path.starts_with(&rule.prefix);
        !(may_lead_on && self.rules.iter().any(leads_to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::Metadata;

    #[test]
    fn the_last_matching_rule_decides() {
        let mut filter = PathFilter::default();
        filter.add(
            "# small\nforce-unsafe-io\npath-exclude /usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n\
             path-exclude=/usr/share/man/[a-fz]*\npath-exclude=/opt/\\*\n",
        );
        let directory = EntryKind::Directory;
        let link = EntryKind::Symlink { target: "x".to_owned() };
        let file = EntryKind::Fifo;
        for (path, kind, expected) in [
            ("usr/share/doc/jq/README", &file, true),
            ("usr/share/doc/jq/copyright", &file, false),
            ("usr/share/doc/jq/copyright", &link, false),
            ("usr/share/doc", &directory, false),
            ("usr/share/doc/jq", &directory, false),
            ("usr/share/doc/libjq1", &link, false),
            ("usr/share/man/de/man1/jq.1", &file, true),
            ("usr/share/man/man1/jq.1", &file, false),
            ("usr/share/man/zh", &directory, true),
            ("opt/a", &file, false),
            ("opt/*", &file, true),
            ("usr/bin/jq", &file, false),
        ] {
            let entry = Metadata::of_root(0o644, 0).entry(path, kind.clone());
            assert_eq!(filter.leaves_out(&entry), expected, "{path}");
        }
    }
}
