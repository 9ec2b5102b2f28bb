//! apt's note of what nobody asked for by name, so that `apt-get autoremove` tells the truth.

use std::collections::BTreeSet;

use temper_deb::control::stanzas;

use crate::package_database::PackageDatabase;
use crate::tree::Tree;

pub(super) const PATH: &str = "var/lib/apt/extended_states";

/// Returns the new text if it differs: stanzas of packages that went away are left out, those of another version stay
/// unless the package was now asked for, and packages that are new and automatic get one.
pub(super) fn text(tree: &Tree, database: &PackageDatabase<'_>) -> Option<String> {
    let before = String::from_utf8_lossy(tree.read(PATH).unwrap_or_default()).into_owned();
    let unpacked: BTreeSet<&str> = database.packages.iter().map(|package| package.index.name()).collect();
    let is_automatic = |name: &str| database.automatic.contains(name);
    let is_removed = |name: &str| database.removals.iter().any(|removed| removed == name);
    let stays = |name: &str| if unpacked.contains(name) { is_automatic(name) } else { !is_removed(name) };
    let name_of = |text: &str| {
        let stanza = stanzas(text).next().and_then(Result::ok);
        stanza.and_then(|stanza| stanza.find("Package").map(str::to_owned)).unwrap_or_default()
    };
    let texts = before.split("\n\n").map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty());
    let mut after = String::new();
    for text in texts.filter(|text| stays(&name_of(text))) {
        after.extend([text, "\n\n"]);
    }
    let is_new = |name: &&&str| database.installed.find(name).is_none() && is_automatic(name);
    for name in unpacked.iter().filter(is_new) {
        let architecture = database.architecture;
        after.extend(["Package: ", name, "\nArchitecture: ", architecture, "\nAuto-Installed: 1\n\n"]);
    }
    (after != before).then_some(after)
}
