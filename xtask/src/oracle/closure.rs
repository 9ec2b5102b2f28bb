//! What makes a set a hard one: or-groups and virtual packages among the relations of what was chosen.

use std::collections::{BTreeMap, BTreeSet};

use crate::apt::Choice;

/// How the choice of a set had to be made.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traits {
    /// A chosen package depends on one of several.
    pub(crate) or_group: bool,
    /// A chosen package depends on, or the set asks for, a name that only other packages provide.
    pub(crate) virtual_package: bool,
}

/// The relations of an archive's packages.
pub(crate) struct Archive {
    depends: BTreeMap<String, String>,
}

impl Archive {
    /// Reads control records; of several versions of a package the first counts.
    pub(crate) fn parse(records: &str) -> Self {
        let mut depends = BTreeMap::new();
        for record in records.split("\n\n") {
            let Some(name) = field(record, "Package") else { continue };
            let relations = ["Pre-Depends", "Depends"].map(|key| field(record, key).unwrap_or_default());
            depends.entry(name.to_owned()).or_insert_with(|| relations.join(", "));
        }
        Self { depends }
    }

    /// The traits of a set's choice.
    pub(crate) fn traits(&self, set: &[String], choices: &[Choice]) -> Traits {
        let mut names: BTreeSet<&str> =
            set.iter().map(|package| package.split(['=', '/']).next().unwrap_or_default()).collect();
        let mut traits = Traits::default();
        for choice in choices {
            let Some(relations) = self.depends.get(&choice.name) else { continue };
            traits.or_group |= relations.contains('|');
            names.extend(relations.split([',', '|']).map(relation_name).filter(|name| !name.is_empty()));
        }
        traits.virtual_package = names.iter().any(|name| !self.depends.contains_key(*name));
        traits
    }
}

fn field<'a>(record: &'a str, key: &str) -> Option<&'a str> {
    record.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}

/// `libc6:any (>= 2.41)` names `libc6`.
fn relation_name(relation: &str) -> &str {
    relation.trim().split([' ', ':', '(']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apt::Action;

    fn check(set: &str, chosen: &str, or_group: bool, virtual_package: bool) {
        let archive = Archive::parse(
            "Package: plain\nDepends: libc6 (>= 2.41)\n\nPackage: libc6\n\n\
             Package: choosy\nDepends: libc6 | plain\n\nPackage: mail\nPre-Depends: mail-transport-agent\n",
        );
        let choice = Choice {
            name: chosen.to_owned(),
            version: "1".to_owned(),
            architecture: "amd64".to_owned(),
            action: Action::Install,
        };
        let traits = archive.traits(&[set.to_owned()], &[choice]);
        assert_eq!((traits.or_group, traits.virtual_package), (or_group, virtual_package), "{set} {chosen}");
    }

    #[test]
    fn hard_sets_are_told_from_plain_ones() {
        check("plain", "plain", false, false);
        check("choosy", "choosy", true, false);
        check("mail", "mail", false, true);
        check("awk", "plain", false, true);
    }
}
