//! The inventory of one platform, read from its composed tree.

use temper_attest::inventory::{Artifact, File, Image, Inventory, OperatingSystem, Package, Tool};
use temper_deb::status::StatusDatabase;
use temper_oci::{Digest, EntryKind};
use temper_rootfs::installed::read_database;
use temper_rootfs::tree::{Node, Origin};

use crate::composer::{Composer, Planned};
use crate::composition::Composition;
use crate::distribution;
use crate::error::{ComposeError, External};
use crate::statements::packages::{Known, packages};
use crate::statements::{BuildContext, licences};
use crate::time;

/// Where the package database is: what it says is in the inventory itself.
const DATABASE: &str = "var/lib/dpkg/";

/// Returns what is in the image of a platform.
pub(super) fn inventory(
    composer: &Composer<'_>,
    planned: &Planned<'_>,
    composition: &Composition,
    manifest: Digest,
    artifacts: Vec<Artifact>,
    context: &BuildContext<'_>,
) -> Result<Inventory, ComposeError> {
    let database = read_database(&composition.tree)
        .map_err(|error| External::new("the package database of the result cannot be read", error))?;
    let licences = licences::licences(composer, planned, composition, &database)?;
    let known = Known { choice: Some(&composition.choice), licences };
    Ok(Inventory {
        image: Image {
            repository: context.repository.clone(),
            digest: manifest,
            platform: composition.platform.clone(),
        },
        created: time::format(composition.time),
        supplier: context.supplier(),
        tool: Tool { name: "temper".to_owned(), version: context.temper_version.clone() },
        operating_system: operating_system(composition),
        packages: packages(&database, &known),
        artifacts,
        files: composition.tree.nodes().filter_map(file).collect(),
    })
}

/// Returns the packages of the base, as far as VEX asks for them.
pub(super) fn base_packages(database: &StatusDatabase) -> Vec<Package> {
    packages(database, &Known::default())
}

fn operating_system(composition: &Composition) -> Option<OperatingSystem> {
    let text = distribution::os_release(&composition.tree)?;
    let value = |key: &str| distribution::value(&text, key).unwrap_or_default();
    let id = value("ID");
    (!id.is_empty()).then(|| OperatingSystem {
        id,
        version_id: value("VERSION_ID"),
        name: value("NAME"),
        pretty_name: value("PRETTY_NAME"),
    })
}

/// Returns a file that neither package nor artifact brought; the base's are the base's.
fn file(node: &Node) -> Option<File> {
    let is_added = matches!(node.origin, Origin::Document | Origin::Generated(_));
    match node.entry.kind {
        EntryKind::File { digest, .. } if is_added && !node.entry.path.starts_with(DATABASE) => {
            Some(File { path: format!("/{}", node.entry.path), digest })
        }
        _ => None,
    }
}
