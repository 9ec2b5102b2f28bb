//! Statements of one's own: a document by whoever builds an image, about that image and its packages.

use temper_oci::Digest;

use crate::Inventory;
use crate::inventory::Package;
use crate::purl::Purl;
use crate::vex::{Component, VexDocument, VexStatement, products};

/// What of a document is about an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// The statements, with the image as their product.
    pub statements: Vec<VexStatement>,
    /// Products that are not the image, and packages that it does not have, as the document names them, by
    /// vulnerability.
    pub unknown: Vec<(String, String)>,
}

/// Reads a document about an image that has no digest yet when the document is written.
///
/// The image is meant by a statement without products, and by a package URL of its repository that has no digest, or
/// one of the image's own: its manifest's, or that of its `index`. A product or part of one that is a Debian package
/// means that package of the image. What is said about anything else is left out: it may be true of that alone.
pub fn own(document: &VexDocument, inventory: &Inventory, index: Digest) -> Own {
    let mut own = Own { statements: Vec::new(), unknown: Vec::new() };
    let digests = [inventory.image.digest, index];
    for statement in &document.statements {
        let mut packages = Vec::new();
        // A statement without products is about whatever the document is attached to.
        let mut is_whole = statement.products.is_empty();
        let mut unknown = |component: &Component| {
            own.unknown.push((statement.vulnerability.name.clone(), products::shown(component)));
        };
        for product in &statement.products {
            let component = &product.component;
            let parts = if products::purl(component).is_some_and(|purl| purl.kind == "deb") {
                std::slice::from_ref(component)
            } else if products::is_image(component, &inventory.image.repository, &digests) {
                is_whole |= product.subcomponents.is_empty();
                product.subcomponents.as_slice()
            } else {
                unknown(component);
                continue;
            };
            for part in parts {
                let found = find(part, inventory);
                if found.is_empty() {
                    unknown(part);
                }
                packages.extend(found);
            }
        }
        let products = products::image(inventory, packages, is_whole);
        if !products.is_empty() {
            let timestamp = statement.timestamp.clone().unwrap_or_else(|| document.timestamp.clone());
            own.statements.push(VexStatement { timestamp: Some(timestamp), products, ..statement.clone() });
        }
    }
    own
}

/// Finds the packages that a component names, by their own name, and by version and architecture where it has them.
fn find<'a>(component: &Component, inventory: &'a Inventory) -> Vec<&'a Package> {
    let Some(purl) = products::purl(component).filter(|purl| purl.kind == "deb") else { return Vec::new() };
    let is_meant = |purl: &Purl, package: &Package| {
        let agrees = |wanted: Option<&String>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        package.name == purl.name
            && agrees(purl.version.as_ref(), &package.version)
            && agrees(purl.qualifiers.get("arch"), &package.architecture)
    };
    inventory.packages.iter().filter(|package| is_meant(&purl, package)).collect()
}
