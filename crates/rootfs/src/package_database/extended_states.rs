//! apt's note of what nobody asked for by name, so that `apt-get autoremove` tells the truth.

use std::collections::BTreeSet;

use temper_deb::control::stanzas;

use crate::installed::PackageName;
use crate::package_database::PackageDatabase;
use crate::package_index::PackageIndex;
use crate::tree::Tree;

pub(super) const PATH: &str = "var/lib/apt/extended_states";

/// Returns the new text if it differs: stanzas of packages that went away are left out, those of another version stay
/// unless the package was now asked for, and packages that are new and automatic get one.
pub(super) fn text(tree: &Tree, database: &PackageDatabase<'_>) -> Option<String> {
    let before = String::from_utf8_lossy(tree.read(PATH).unwrap_or_default()).into_owned();
    let is_automatic = |name: &str| database.automatic.contains(name);
    let unpacked = || database.packages.iter().map(|package| package.index);
    let stays = |name: &PackageName| {
        let is_unpacked = unpacked().any(|package| name.is_place_of(package.name(), package.architecture()));
        let is_removed = || {
            let mut removals = database.removals.iter();
            removals.any(|removal| removal.is_place_of(&name.name, &name.architecture))
        };
        if is_unpacked { is_automatic(&name.name) } else { !is_removed() }
    };
    let name_of = |text: &str| {
        let stanza = stanzas(text).next().and_then(Result::ok);
        let field =
            |name| stanza.as_ref().and_then(|stanza| stanza.find(name)).unwrap_or_default().to_owned();
        PackageName { name: field("Package"), architecture: field("Architecture") }
    };
    let texts = before.split("\n\n").map(|text| text.trim_matches('\n')).filter(|text| !text.is_empty());
    let mut after = String::new();
    for text in texts.filter(|text| stays(&name_of(text))) {
        after.extend([text, "\n\n"]);
    }
    let is_new = |package: &&PackageIndex| {
        let (name, architecture) = (package.name(), package.architecture());
        database.installed.find(name, architecture).is_none() && is_automatic(name)
    };
    let new: BTreeSet<&str> = unpacked().filter(is_new).map(PackageIndex::name).collect();
    for name in new {
        let architecture = database.architecture;
        after.extend(["Package: ", name, "\nArchitecture: ", architecture, "\nAuto-Installed: 1\n\n"]);
    }
    (after != before).then_some(after)
}
