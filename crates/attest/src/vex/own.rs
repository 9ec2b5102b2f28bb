//! Statements of one's own: a document by whoever builds an image, about that image and its packages.

use crate::Inventory;
use crate::inventory::Package;
use crate::purl::Purl;
use crate::vex::{Component, VexDocument, VexStatement, products};

/// What of a document is about an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// The statements, with the image as their product.
    pub statements: Vec<VexStatement>,
    /// Packages that the image does not have, as the document names them, by vulnerability.
    pub unknown: Vec<(String, String)>,
}

/// Reads a document about an image that has no digest yet when the document is written.
///
/// A product or part of one that is a Debian package means that package of the image; any other product means the
/// image itself. What is said about packages that the image does not have is left out.
pub fn own(document: &VexDocument, inventory: &Inventory) -> Own {
    let mut own = Own { statements: Vec::new(), unknown: Vec::new() };
    for statement in &document.statements {
        let mut packages = Vec::new();
        // A statement without products is about whatever the document is attached to.
        let mut is_whole = statement.products.is_empty();
        for product in &statement.products {
            let parts = match products::purl(&product.component) {
                Some(purl) if purl.kind == "deb" => std::slice::from_ref(&product.component),
                _ => product.subcomponents.as_slice(),
            };
            is_whole |= parts.is_empty();
            for part in parts {
                let found = find(part, inventory);
                if found.is_empty() {
                    own.unknown.push((statement.vulnerability.name.clone(), shown(part)));
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

fn shown(component: &Component) -> String {
    component.id.clone().or_else(|| component.identifiers.get("purl").cloned()).unwrap_or_default()
}
