//! Base and artifacts of an image as statements name them: repositories, digests, and what is attached to them.

use std::collections::BTreeMap;

use temper_attest::carrier::{Attached, Attachment};
use temper_attest::inventory::Artifact;
use temper_attest::{Limits, Purl, VexDocument, predicate};
use temper_oci::{Descriptor, Digest, Platform, Reference};

use crate::composer::Request;
use crate::error::ComposeError;
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

/// Lists the artifacts of a platform, each with the SBOM that is attached to it.
pub(super) fn artifacts(
    request: &Request<'_>,
    images: &[Image],
    platform: &Platform,
    context: &BuildContext<'_>,
) -> Result<Vec<Artifact>, ComposeError> {
    let sources = request.artifacts.iter().map(|source| &**source);
    let wanted = request.recipe.artifacts.iter().zip(images).zip(sources);
    let artifact = |((wanted, image), source): ((&WantedArtifact, &Image), &dyn ImageSource)| {
        let Some(found) = image.find(platform) else { return Ok(None) };
        let digest = found.manifest.digest();
        let sbom = attached(source, &found.descriptor())?.and_then(|attached| sbom(&attached));
        Ok(Some(Artifact { repository: repository(image, &wanted.reference, context), digest, sbom }))
    };
    wanted.filter_map(|one| artifact(one).transpose()).collect()
}

/// Reads the base's VEX documents that one of the trusted keys signed.
pub(super) fn base_vex(
    source: Option<&dyn ImageSource>,
    base: Option<&Image>,
    platform: &Platform,
    context: &BuildContext<'_>,
) -> Result<Vec<VexDocument>, ComposeError> {
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

fn attached(source: &dyn ImageSource, target: &Descriptor) -> Result<Option<Attached>, ComposeError> {
    let Some(place) = source.attachments() else { return Ok(None) };
    Ok(Some(place.attached(target)?))
}

/// Returns the referrer that has an SBOM, else the manifest that has several attestations with one among them.
fn sbom(attached: &Attached) -> Option<Digest> {
    let has_sbom = |kind: &str| kind == predicate::SPDX || kind.starts_with(predicate::CYCLONEDX);
    let kind = |annotations: &BTreeMap<String, String>| {
        let names = ["dev.sigstore.bundle.predicateType", "predicateType"];
        names.iter().find_map(|name| annotations.get(*name)).is_some_and(|kind| has_sbom(kind))
    };
    let mut referrers = attached.referrers.iter().map(Attachment::manifest);
    if let Some(manifest) = referrers.find(|manifest| kind(&manifest.annotations)) {
        return Some(manifest.digest());
    }
    let legacy = attached.attestations.as_ref()?.manifest();
    legacy.layers.iter().any(|layer| kind(&layer.annotations)).then(|| legacy.digest())
}

fn without_tag(reference: &str) -> String {
    let reference = reference.split('@').next().unwrap_or(reference);
    let name = reference.rfind('/').map_or(0, |slash| slash + 1);
    let end = reference[name..].find(':').map_or(reference.len(), |colon| name + colon);
    reference[..end].to_owned()
}
