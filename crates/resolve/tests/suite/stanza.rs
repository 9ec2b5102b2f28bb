//! Package stanzas in short form, for archives and databases made in a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// The facts of one version of a package; what is not given has the usual value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    pub(crate) version: Option<String>,
    pub(crate) architecture: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) multi_arch: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) essential: bool,
    pub(crate) protected: bool,
    pub(crate) hold: bool,
    pub(crate) depends: Vec<String>,
    pub(crate) pre_depends: Vec<String>,
    pub(crate) recommends: Vec<String>,
    pub(crate) conflicts: Vec<String>,
    pub(crate) breaks: Vec<String>,
    pub(crate) provides: Vec<String>,
}

/// One version or several, to be written as a table or as a list of tables.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Versions {
    One(Box<Facts>),
    Several(Vec<Facts>),
}

impl Versions {
    fn all(&self) -> &[Facts] {
        match self {
            Self::One(facts) => std::slice::from_ref(&**facts),
            Self::Several(all) => all,
        }
    }
}

/// The text of an index, by name as in a real archive.
pub(crate) fn index_text(packages: &BTreeMap<String, Versions>) -> String {
    let stanzas = packages
        .iter()
        .flat_map(|(name, versions)| versions.all().iter().map(move |facts| stanza(name, facts, None)));
    stanzas.collect()
}

/// The text of a database in which all packages are installed.
pub(crate) fn status_text(packages: &BTreeMap<String, Facts>) -> String {
    let status = |facts: &Facts| if facts.hold { "hold ok installed" } else { "install ok installed" };
    packages.iter().map(|(name, facts)| stanza(name, facts, Some(status(facts)))).collect()
}

fn stanza(name: &str, facts: &Facts, status: Option<&str>) -> String {
    let or = |value: &Option<String>, default: &str| value.clone().unwrap_or_else(|| default.to_owned());
    let yes = |value: bool| if value { "yes" } else { "" };
    let mut text = String::new();
    for (field, value) in [
        ("Package", name),
        ("Status", status.unwrap_or_default()),
        ("Version", &or(&facts.version, "1")),
        ("Architecture", &or(&facts.architecture, "amd64")),
        ("Source", &or(&facts.source, "")),
        ("Priority", &or(&facts.priority, "optional")),
        ("Multi-Arch", &or(&facts.multi_arch, "")),
        ("Essential", yes(facts.essential)),
        ("Protected", yes(facts.protected)),
        ("Pre-Depends", &facts.pre_depends.join(", ")),
        ("Depends", &facts.depends.join(", ")),
        ("Recommends", &facts.recommends.join(", ")),
        ("Conflicts", &facts.conflicts.join(", ")),
        ("Breaks", &facts.breaks.join(", ")),
        ("Provides", &facts.provides.join(", ")),
    ] {
        if !value.is_empty() {
            writeln!(text, "{field}: {value}").unwrap();
        }
    }
    text + "\n"
}
