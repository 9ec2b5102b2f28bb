//! Base and artifacts of an image as statements name them: repositories, digests, and what is attached to them.

use std::collections::BTreeSet;

use temper_attest::carrier::{Attached, Attachment, Claim, Proof};
use temper_attest::inventory::Artifact;
use temper_attest::{Limits, PublicKey, Purl, VexDocument, predicate};
use temper_oci::{Descriptor, Digest, Document, Manifest, Platform, Reference};

use crate::composer::Request;
use crate::error::External;
use crate::image::{Image, ImageSource, PlatformImage};
use crate::recipe::WantedArtifact;
use crate::statements::BuildContext;

/// What stands before the folder of a layout: a place on one machine, which tells others nothing.
const LAYOUT: &str = "oci:";

/// Returns the repository of an image as others find it; `fallback` for one that was read from a folder.
pub(super) fn repository(image: &Image, fallback: &str, context: &BuildContext<'_>) -> String {
    match location(image, context) {
        Some(location) => without_tag(&location),
        None => without_tag(fallback),
    }
}

/// Returns the reference that an image was read by, unless it is a folder of this machine. One without a registry is
/// in that of the result.
pub(super) fn location(image: &Image, context: &BuildContext<'_>) -> Option<String> {
    let shown = &image.reference;
    if shown.starts_with(LAYOUT) {
        return None;
    }
    match context.repository.split_once('/') {
        Some((registry, _))
            if Reference::names_registry(&context.repository) && !Reference::names_registry(shown) =>
        {
            Some(format!("{registry}/{shown}"))
        }
        _ => Some(shown.clone()),
    }
}

/// Returns the package URL of an image.
pub(super) fn purl(repository: &str, digest: Digest) -> String {
    let name = repository.rsplit('/').next().unwrap_or(repository).to_ascii_lowercase();
    Purl::new("oci", "", &name, &digest.to_string()).with("repository_url", repository).to_string()
}

/// Lists the artifacts of a platform, each with the SBOM that one of the trusted keys signed about it.
pub(super) fn artifacts(
    request: &Request<'_>,
    images: &[Image],
    platform: &Platform,
    context: &BuildContext<'_>,
    unread: &mut Vec<External>,
) -> Vec<Artifact> {
    let sources = request.artifacts.iter().map(|source| &**source);
    let wanted = request.recipe.artifacts.iter().zip(images).zip(sources);
    let artifact = |((wanted, image), source): ((&WantedArtifact, &Image), &dyn ImageSource)| {
        let found = image.find(platform)?;
        let digest = found.manifest.digest();
        let attached = attached(source, &found.descriptor()).unwrap_or_else(|error| {
            unread.push(error);
            None
        });
        let sbom = attached.and_then(|attached| sbom(&attached, digest, &context.trusted_keys));
        Some(Artifact { repository: repository(image, &wanted.reference, context), digest, sbom })
    };
    wanted.filter_map(artifact).collect()
}

/// Reads the base's VEX documents that one of the trusted keys signed.
///
/// # Errors
///
/// Fails where something that is attached to the base cannot be read: the rest may say the opposite of what is missing.
pub(super) fn base_vex(
    source: Option<&dyn ImageSource>,
    base: Option<&Image>,
    platform: &Platform,
    context: &BuildContext<'_>,
) -> Result<Vec<VexDocument>, External> {
    let (Some(source), Some(base)) = (source, base) else { return Ok(Vec::new()) };
    let limits = Limits::default();
    let mut documents: Vec<VexDocument> = Vec::new();
    for target in targets(base, platform) {
        let Some(attached) = attached(source, &target)? else { continue };
        for key in &context.trusted_keys {
            let verified = attached.verify(target.digest, key, &limits);
            for statement in verified.statements(predicate::OPENVEX) {
                // A document that cannot be read says nothing that could be inherited.
                let Ok(document) = VexDocument::from_predicate(&statement.predicate, &limits) else {
                    continue;
                };
                if !documents.contains(&document) {
                    documents.push(document);
                }
            }
        }
    }
    Ok(documents)
}

/// Returns the manifest of a platform and what is above it.
fn targets(image: &Image, platform: &Platform) -> Vec<Descriptor> {
    let mut targets: Vec<Descriptor> =
        image.find(platform).map(PlatformImage::descriptor).into_iter().collect();
    if targets.iter().all(|target| target.digest != image.digest()) {
        targets.push(image.root.descriptor());
    }
    targets
}

fn attached(source: &dyn ImageSource, target: &Descriptor) -> Result<Option<Attached>, External> {
    source.attachments().map(|place| place.attached(target)).transpose()
}

/// Returns the manifest with an SBOM of the target that one of the keys signed: a referrer, else the one with several
/// attestations.
fn sbom(attached: &Attached, target: Digest, keys: &[PublicKey]) -> Option<Digest> {
    let is_sbom = |proof: &&Proof| match &proof.claim {
        Claim::Statement(statement) => {
            let kind = &*statement.predicate_type;
            kind == predicate::SPDX || kind.starts_with(predicate::CYCLONEDX)
        }
        Claim::Signature => false,
    };
    let mut manifests = attached.referrers.iter().chain(&attached.attestations).map(Attachment::manifest);
    let mut signed: BTreeSet<Digest> = BTreeSet::new();
    for key in keys {
        let verified = attached.verify(target, key, &Limits::default());
        signed.extend(verified.proofs.iter().filter(is_sbom).map(|proof| proof.blob));
    }
    let has_sbom =
        |manifest: &&Document<Manifest>| manifest.layers.iter().any(|layer| signed.contains(&layer.digest));
    manifests.find(has_sbom).map(Document::digest)
}

fn without_tag(reference: &str) -> String {
    let reference = reference.split('@').next().unwrap_or(reference);
    let name = reference.rfind('/').map_or(0, |slash| slash + 1);
    let end = reference[name..].find(':').map_or(reference.len(), |colon| name + colon);
    reference[..end].to_owned()
}
