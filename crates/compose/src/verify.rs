//! Verification: what is proved of a published image, by whose keys, and what is wrong with it.
//!
//! Everything is read from where the image is, and nothing is believed before it is compared: bytes with their
//! digests, signatures with the keys of the policy, and what was signed with the image and with its inputs.

mod attached;
mod composition;
pub(crate) mod contents;
mod inputs;
mod packages;
mod platforms;
mod records;
pub(crate) mod report;
mod sboms;
mod signed;
mod vex;

use std::collections::{BTreeMap, BTreeSet};

use temper_attest::provenance::BuildRecord;
use temper_attest::{PublicKey, Statement, predicate};
use temper_oci::document::is_image_document;
use temper_oci::{Descriptor, Digest, ImageDocument, LayerIndex, ScanLimits, Violation, validate_layers};

use crate::archive::Archive;
use crate::error::{ComposeError, External};
use crate::image::{Image, ImageSource};
use crate::inputs::Inputs;
use crate::verify::attached::Found;
use crate::verify::contents::Contents;
use crate::verify::report::{counted, sentence};

pub use report::{Failed, NotChecked, Report};
pub use signed::{composition_record, provenance, read_provenance};

/// Whose word counts, and what must be said.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The keys that are trusted; what one of them signed is signed.
    pub keys: Vec<PublicKey>,
    /// The types of statements that every manifest must carry.
    pub required: Vec<&'static str>,
}

impl Policy {
    /// Wants everything that Temper attaches to an image, signed by any of these keys.
    pub fn complete(keys: Vec<PublicKey>) -> Self {
        let required = vec![
            predicate::SLSA_PROVENANCE,
            predicate::SPDX,
            predicate::CYCLONEDX,
            predicate::OPENVEX,
            predicate::COMPOSITION,
        ];
        Self { keys, required }
    }
}

/// What images are verified with.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// Whose word counts.
    pub policy: &'a Policy,
    /// Where bases and artifacts are found.
    pub inputs: &'a dyn Inputs,
    /// Signed archives, to compare packages with; without them they are not.
    pub archive: Option<&'a dyn Archive>,
}

/// An image to be verified.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The image, which can tell what is attached to it.
    pub image: &'a dyn ImageSource,
    /// The repository, without registry, that it must have been built for; anything goes where none is known.
    pub repository: Option<&'a str>,
    /// The tag that it was asked for by, where it was one.
    pub tag: Option<&'a str>,
}

/// A manifest or index with the name that the report calls it by.
struct Target {
    at: String,
    descriptor: Descriptor,
    is_index: bool,
}

impl Target {
    /// Says whether statements of a type belong here: an index is composed of nothing but manifests.
    fn carries(&self, predicate_type: &str) -> bool {
        predicate_type != predicate::COMPOSITION || !self.is_index
    }
}

/// An image that was read, with all that was found of it.
struct Verified<'a> {
    image: Image,
    targets: Vec<Target>,
    /// What is attached to each target.
    found: Vec<Found>,
    indexes: BTreeMap<Digest, LayerIndex>,
    verifier: &'a Verifier<'a>,
}

impl Verifier<'_> {
    /// Verifies an image.
    ///
    /// # Errors
    ///
    /// Only where the image cannot be found at all; whatever is wrong with it is in the report.
    pub fn verify(&self, subject: &Subject<'_>) -> Result<Report, ComposeError> {
        let image = subject.image;
        let root = image.root()?;
        let place = image.attachments().ok_or_else(|| External {
            message: format!("no signatures can be read where `{}` is", image.reference()),
            hint: None,
            source: None,
        })?;
        let mut report = Report::new(image.reference(), root.digest());
        let contents = Contents::new(image, &root);
        let (violations, indexes) = validate_layers(&contents, &root.descriptor(), &ScanLimits::default());
        let is_intact = violations.is_empty();
        tell_violations(&violations, &mut report);
        let targets = targets(&root, &mut report);
        let found: Vec<Found> =
            targets.iter().map(|target| attached::check(place, target, self.policy, &mut report)).collect();
        tell_signatures(&targets, &found, &mut report);
        let image = match Image::load_below(image, root) {
            Ok(image) => image,
            Err(error) => {
                if is_intact {
                    report.fail(targets[0].at.clone(), sentence(&error));
                }
                return Ok(report);
            }
        };
        if is_intact {
            let (platforms, layers) = (image.platforms.len(), indexes.len());
            report.prove(format!(
                "index, manifests and configs of {}, and {} have their digests, sizes and diff ids",
                counted(platforms, "platform", "platforms"),
                counted(layers, "layer", "layers")
            ));
        }
        let verified = Verified { image, targets, found, indexes, verifier: self };
        verified.compare(subject, &mut report);
        Ok(report)
    }
}

impl Verified<'_> {
    /// Compares what was signed with the image and with its inputs.
    fn compare(&self, subject: &Subject<'_>, report: &mut Report) {
        self.compare_index(report);
        let provenances = records::read_all(&self.targets, &self.found, report);
        records::check_name(&provenances, subject, &self.targets, report);
        let records: Vec<&BuildRecord> = provenances.iter().map(|one| &one.record).collect();
        for record in &records {
            records::check(self, record, report);
            inputs::check(record, self.verifier, report);
        }
        for target in &self.targets {
            let digest = target.descriptor.digest;
            let Some(image) = self.image.platforms.iter().find(|image| image.manifest.digest() == digest)
            else {
                continue;
            };
            for record in &records {
                platforms::check(self, image, target, record, report);
            }
            sboms::check(self, image, target, report);
            vex::check(self, image, target, &records, report);
            composition::check(self, image, target, &records, report);
        }
        if !records.is_empty() {
            report.skip(
                "whether these layers come out of these inputs",
                "only building again shows it: `temper reproduce`",
            );
        }
    }

    /// What is said of a platform and the index must be found at both.
    fn compare_index(&self, report: &mut Report) {
        let index = self.targets.iter().zip(&self.found).find(|(target, _)| target.is_index);
        let Some((index, found)) = index else { return };
        for (target, own) in self.targets.iter().zip(&self.found) {
            for statement in &own.statements {
                if statement.is_about(index.descriptor.digest) && !found.statements.contains(statement) {
                    let name = attached::name(&statement.predicate_type);
                    let message = format!("that of `{}` is not attached to the index", target.at);
                    report.fail(format!("{}, {name}", index.at), message);
                }
            }
        }
    }

    /// The statements about a target of a type.
    fn statements(&self, target: &Target, predicate_type: &str) -> Vec<&Statement> {
        let position = self.targets.iter().position(|other| other.at == target.at);
        let found = position.map_or(&[][..], |position| &self.found[position].statements);
        found.iter().filter(|statement| statement.predicate_type == predicate_type).collect()
    }
}

fn tell_violations(violations: &[Violation], report: &mut Report) {
    for violation in violations {
        report.fail(violation.at.clone(), sentence(&violation.problem));
    }
}

fn tell_signatures(targets: &[Target], found: &[Found], report: &mut Report) {
    let keys: BTreeSet<Digest> = found.iter().flat_map(|found| found.signed_by.iter().copied()).collect();
    for key in keys {
        let signed = targets.iter().zip(found).filter(|(_, found)| found.signed_by.contains(&key));
        let names: Vec<&str> = signed.map(|(target, _)| target.at.as_str()).collect();
        report.prove(format!("signed by key `{key}`: {}", names.join(", ")));
    }
    for (target, found) in targets.iter().zip(found) {
        let kinds: BTreeSet<&str> =
            found.statements.iter().map(|statement| attached::name(&statement.predicate_type)).collect();
        if !kinds.is_empty() {
            let kinds: Vec<&str> = kinds.into_iter().collect();
            report.prove(format!("{}: signed and about it: {}", target.at, kinds.join(", ")));
        }
    }
}

/// Lists what must be signed: the index and the manifest of every platform.
fn targets(root: &ImageDocument, report: &mut Report) -> Vec<Target> {
    let descriptor = root.descriptor();
    let ImageDocument::Index(index) = root else {
        return vec![Target { at: "manifest".to_owned(), descriptor, is_index: false }];
    };
    let mut targets = vec![Target { at: "index".to_owned(), descriptor, is_index: true }];
    for entry in index.manifests.iter().filter(|entry| is_image_document(&entry.media_type)) {
        match entry.platform().filter(|platform| !platform.is_unknown()) {
            Some(platform) => {
                targets.push(Target { at: platform.to_string(), descriptor: entry.clone(), is_index: false });
            }
            None => report.skip(
                format!("index, manifest `{}`", entry.digest),
                "it is for no platform: an attestation of another tool",
            ),
        }
    }
    targets
}
