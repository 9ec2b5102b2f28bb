//! A document that is attached to an image against that image: is it about it, and about packages that it has?

use std::collections::BTreeSet;

use temper_oci::Digest;

use crate::purl::Purl;
use crate::vex::products::{purl, shown};
use crate::vex::{Component, Defect, Product, VexDocument};

/// An image as a document about it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Digests of its manifest and of the index.
    pub digests: &'a [Digest],
    /// The repository that it was built for.
    pub repository: &'a str,
    /// Name, version and architecture of its packages.
    pub packages: &'a BTreeSet<(String, String, String)>,
    /// Name and version of the source packages that these were built from.
    pub sources: &'a BTreeSet<(String, String)>,
}

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It reassures without a reason.
    #[error(transparent)]
    Defect(Defect),
    /// Its product is neither the image nor a package.
    #[error("`{0}` is not this image")]
    Product(String),
    /// It is about a package that the image does not have, or has in another version.
    #[error("the image does not have `{0}`")]
    Package(String),
}

impl VexDocument {
    /// Lists what is wrong with a document that is attached to an image, each with its field.
    ///
    /// A statement without products is about the image. What a warning lacks is not looked at: it warns all the same.
    pub fn judge(&self, image: &Judged<'_>) -> Vec<(String, Fault)> {
        let mut faults = Vec::new();
        for (position, statement) in self.statements.iter().enumerate() {
            let at = format!("statements[{position}]");
            for defect in statement.defects().into_iter().filter(Defect::is_unfounded) {
                faults.push((format!("{at}.{}", defect.field()), Fault::Defect(defect)));
            }
            for (position, product) in statement.products.iter().enumerate() {
                let at = format!("{at}.products[{position}]");
                faults.extend(image.fault_of(product).map(|fault| (at.clone(), fault)));
                for (position, part) in product.subcomponents.iter().enumerate() {
                    if !image.has(part) {
                        let at = format!("{at}.subcomponents[{position}]");
                        faults.push((at, Fault::Package(shown(part))));
                    }
                }
            }
        }
        faults
    }
}

impl Judged<'_> {
    fn fault_of(&self, product: &Product) -> Option<Fault> {
        let component = &product.component;
        let is_package = purl(component).is_some_and(|purl| purl.kind == "deb");
        let (is_there, fault): (bool, fn(String) -> Fault) = if is_package {
            (self.has(component), Fault::Package)
        } else {
            (self.is_image(component), Fault::Product)
        };
        (!is_there).then(|| fault(shown(component)))
    }

    /// A digest decides where there is one, else the last part of the repository's name.
    fn is_image(&self, component: &Component) -> bool {
        let is_own = |hex: &String| self.digests.iter().any(|digest| digest.hex() == *hex);
        if let Some(hex) = component.hashes.get("sha-256") {
            return is_own(hex);
        }
        let Some(purl) = purl(component).filter(|purl| matches!(purl.kind.as_str(), "oci" | "docker")) else {
            return false;
        };
        match purl.version.as_deref().and_then(|version| version.parse::<Digest>().ok()) {
            Some(digest) => self.digests.contains(&digest),
            None => self.repository.rsplit('/').next() == Some(purl.name.as_str()),
        }
    }

    fn has(&self, component: &Component) -> bool {
        let Some(purl) = purl(component).filter(|purl| purl.kind == "deb") else { return false };
        let agrees = |wanted: Option<&String>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        let Purl { name, version, .. } = &purl;
        let architecture = purl.qualifiers.get("arch");
        let is_meant = |(own, of, architecture_of): &(String, String, String)| {
            own == name && agrees(version.as_ref(), of) && agrees(architecture, architecture_of)
        };
        let is_source = |(own, of): &(String, String)| own == name && agrees(version.as_ref(), of);
        self.packages.iter().any(is_meant)
            || (architecture.is_none_or(|name| name == "source") && self.sources.iter().any(is_source))
    }
}
