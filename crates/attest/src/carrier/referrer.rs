//! Referrers: one manifest per bundle, whose subject is what it speaks of.
//!
//! Follows the [OCI image specification, "Guidelines for Artifact Usage"](https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage)
//! and cosign's [bundle specification](https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md).

use temper_oci::{Descriptor, Manifest, media_type};

use crate::Bundle;
use crate::bundle;
use crate::carrier::Publication;

const CONTENT: &str = "dev.sigstore.bundle.content";
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
const CREATED: &str = "org.opencontainers.image.created";
/// What scanners filter by.
const IN_TOTO_PREDICATE_TYPE: &str = "in-toto.io/predicate-type";

/// Adds the manifest of a bundle; the descriptor is the one that lists of referrers show.
pub(super) fn add(
    publication: &mut Publication,
    target: &Descriptor,
    bundle: &Bundle,
    predicate_type: &str,
    created: &str,
) -> Descriptor {
    let config = publication.add_blob(media_type::OCI_EMPTY, b"{}".to_vec());
    let layer = publication.add_blob(bundle::MEDIA_TYPE, bundle.to_bytes());
    let mut manifest = Manifest::image(config, vec![layer]);
    manifest.artifact_type = Some(bundle::MEDIA_TYPE.to_owned());
    manifest.subject = Some(Descriptor::new(&target.media_type, target.digest, target.size));
    for (name, value) in [
        (CONTENT, "dsse-envelope"),
        (PREDICATE_TYPE, predicate_type),
        (CREATED, created),
        (IN_TOTO_PREDICATE_TYPE, predicate_type),
    ] {
        manifest.annotations.insert(name.to_owned(), value.to_owned());
    }
    let descriptor = publication.add_manifest(None, &manifest);
    listed(descriptor, &manifest)
}

/// Describes a referrer as the [distribution specification, "Listing Referrers"](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers)
/// wants: the manifest's artifact type and annotations are repeated.
pub(super) fn listed(descriptor: Descriptor, manifest: &Manifest) -> Descriptor {
    let config_type = &manifest.config.media_type;
    let artifact_type = manifest.artifact_type.clone().unwrap_or_else(|| config_type.clone());
    Descriptor { artifact_type: Some(artifact_type), annotations: manifest.annotations.clone(), ..descriptor }
}
