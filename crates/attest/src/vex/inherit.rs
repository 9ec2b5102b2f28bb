//! What of a base's VEX is still true of an image made from it.
//!
//! A statement is about packages of the base. Where the image has the same package in the same version, the
//! statement is inherited with the image as its product; where the package was replaced or removed, it is dropped
//! with a note. A statement about the base as a whole is inherited if it warns; one that reassures is dropped as
//! soon as the image differs from the base, because what was added, or how it is started, may be what the
//! vulnerability needs. Reassurance without a reason is repeated by nobody.

use jiff::Timestamp;
use serde_json::Map;
use temper_oci::Digest;

use crate::Inventory;
use crate::inventory::Package;
use crate::vex::products::{self, Fate};
use crate::vex::{CONTEXT, Defect, Product, VexDocument, VexStatement};

/// The base that the documents are about.
#[derive(Clone, Debug)]
pub struct Base {
    /// Digests of its index and of the platform's manifest.
    pub digests: Vec<Digest>,
    /// Digests of its manifests for other platforms: what is said about these is left out without a word.
    pub others: Vec<Digest>,
    /// Repositories that it is known under, mirrors and their sources: the last part of each names it as a product.
    pub repositories: Vec<String>,
    /// Its packages.
    pub packages: Vec<Package>,
    /// Whether the image has its entrypoint, command, user, working folder and environment.
    pub runs_alike: bool,
}

/// What an image inherits.
#[derive(Clone, Debug, PartialEq)]
pub struct Inherited {
    /// The image's document; without statements where nothing is known, which is worth saying too.
    pub document: VexDocument,
    /// What was left out, by vulnerability.
    pub dropped: Vec<Dropped>,
}

/// A statement, or a part of one, that was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dropped {
    /// The vulnerability.
    pub vulnerability: String,
    /// Why.
    pub reason: DropReason,
}

/// Why a statement is not inherited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum DropReason {
    /// None of its products is the base.
    #[error("it is not about the base")]
    OtherProduct,
    /// It reassures about the whole base, which is not the whole image.
    #[error("it is about the base as a whole, and the image differs from it")]
    Whole,
    /// The package has another version now.
    #[error("package `{name}` was replaced: `{before}` by `{after}`")]
    Replaced {
        /// The package.
        name: String,
        /// Its version in the base.
        before: String,
        /// Its version in the image.
        after: String,
    },
    /// The package is gone.
    #[error("package `{name}` is not in the image")]
    Removed {
        /// The package.
        name: String,
    },
    /// The base never had it, or has it in another version.
    #[error("`{component}` is no package of the base")]
    Unknown {
        /// As it stands in the statement.
        component: String,
    },
    /// It reassures without a reason.
    #[error("it is not valid: {0}")]
    Unfounded(Defect),
}

/// Makes the document of an image from its base's documents and statements of one's own, whose products are the
/// image already.
pub fn inherit(
    documents: &[VexDocument],
    base: &Base,
    inventory: &Inventory,
    own: &[VexStatement],
) -> Inherited {
    let mut statements = own.to_vec();
    let mut dropped = Vec::new();
    for document in documents {
        for statement in &document.statements {
            let unfounded = statement.defects().into_iter().filter(Defect::is_unfounded);
            let mut reasons: Vec<DropReason> = unfounded.map(DropReason::Unfounded).collect();
            let products = match reasons.as_slice() {
                [] => products(statement, base, inventory, &mut reasons),
                _ => Vec::new(),
            };
            if !products.is_empty() {
                statements.push(inherited(statement, document, products));
            }
            let vulnerability = &statement.vulnerability.name;
            dropped.extend(
                reasons.into_iter().map(|reason| Dropped { vulnerability: vulnerability.clone(), reason }),
            );
        }
    }
    sort(&mut statements);
    dropped.sort();
    dropped.dedup();
    Inherited { document: document(statements, inventory), dropped }
}

/// Two documents about one image that say other things are two documents: the address and the time are those of what
/// is said.
fn document(statements: Vec<VexStatement>, inventory: &Inventory) -> VexDocument {
    let tool = &inventory.tool;
    let text = serde_json::to_string(&statements).expect("a statement has string keys only");
    let said = Digest::of(text).hex();
    VexDocument {
        context: CONTEXT.to_owned(),
        id: format!("urn:uuid:{}", inventory.document_uuid(&format!("openvex-0.2/{said}"))),
        author: inventory.supplier.clone(),
        timestamp: newest(&statements).unwrap_or_else(|| inventory.created.clone()),
        version: 1.into(),
        tooling: Some(format!("{}/{}", tool.name, tool.version)),
        statements,
        other: Map::new(),
    }
}

/// When the last of the statements was made, as it tells itself; texts that are no times do not count.
fn newest(statements: &[VexStatement]) -> Option<String> {
    let times = statements.iter().filter_map(|statement| {
        let text = statement.timestamp.as_ref()?;
        Some((text.parse::<Timestamp>().ok()?, text))
    });
    times.max().map(|(_, text)| text.clone())
}

/// The statement with the image as its product, its time, and who said it first.
fn inherited(statement: &VexStatement, document: &VexDocument, products: Vec<Product>) -> VexStatement {
    let source = format!("Inherited from `{}` by {}.", document.id, document.author);
    let notes = match &statement.status_notes {
        Some(notes) => format!("{notes} {source}"),
        None => source,
    };
    VexStatement {
        timestamp: Some(statement.timestamp.clone().unwrap_or_else(|| document.timestamp.clone())),
        products,
        status_notes: Some(notes),
        ..statement.clone()
    }
}

fn products(
    statement: &VexStatement,
    base: &Base,
    inventory: &Inventory,
    reasons: &mut Vec<DropReason>,
) -> Vec<Product> {
    let mut kept: Vec<&Package> = Vec::new();
    let mut is_about_base = false;
    let mut is_about_another = false;
    let mut is_whole_kept = false;
    for product in &statement.products {
        let parts = match products::fate(&product.component, base) {
            Fate::Other => continue,
            Fate::OtherPlatform => {
                is_about_another = true;
                continue;
            }
            Fate::Package => std::slice::from_ref(&product.component),
            Fate::Base => product.subcomponents.as_slice(),
        };
        is_about_base = true;
        if parts.is_empty() {
            if statement.status.is_reassuring() && products::differs(base, inventory) {
                reasons.push(DropReason::Whole);
            } else {
                is_whole_kept = true;
            }
        }
        for part in parts {
            products::keep(part, base, inventory, &mut kept, reasons);
        }
    }
    if !is_about_base && !is_about_another {
        reasons.push(DropReason::OtherProduct);
    }
    products::image(inventory, kept, is_whole_kept)
}

/// By vulnerability, each said once.
fn sort(statements: &mut Vec<VexStatement>) {
    statements.sort_by_cached_key(|statement| {
        let text = serde_json::to_string(statement).expect("a statement has string keys only");
        (statement.vulnerability.name.clone(), text)
    });
    statements.dedup();
}
