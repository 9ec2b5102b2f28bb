//! Legacy tags: signatures and envelopes as layers of an image that is found by its tag.
//!
//! Follows cosign's [signature specification](https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
//! A tag holds whatever any key ever said; what is there stays, in its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use temper_oci::{Descriptor, Digest, Manifest, media_type};

use crate::carrier::{Attachment, Publication};
use crate::{Envelope, FormatError, Limits, PublicKey, SimpleSigning, dsse, simple_signing};

/// Where a layer keeps its signature; empty where the layer is an envelope.
pub(super) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const PREDICATE_TYPE: &str = "predicateType";

/// The tag of a manifest's signatures.
pub fn signature_tag(digest: Digest) -> String {
    format!("{}-{}.sig", digest.algorithm(), digest.hex())
}

/// The tag of a manifest's attestations.
pub fn attestation_tag(digest: Digest) -> String {
    format!("{}-{}.att", digest.algorithm(), digest.hex())
}

/// The signature of a layer of simple signing.
pub(super) fn signature(layer: &Descriptor) -> Result<Vec<u8>, FormatError> {
    let digits = layer.annotations.get(SIGNATURE).map_or("", String::as_str);
    let decoded = STANDARD.decode(digits).ok().filter(|bytes| !bytes.is_empty());
    decoded.ok_or(FormatError::Base64 { document: "simple signing layer", field: SIGNATURE })
}

/// Says whether a tag has a signature of a manifest by a key, under whichever name the key knew it.
pub(super) fn is_signed(tag: Option<&Attachment>, target: Digest, key: &PublicKey, limits: &Limits) -> bool {
    tag.into_iter().flat_map(Attachment::layers).any(|(layer, content)| {
        signature(layer).is_ok_and(|bytes| key.verify(content, &bytes).is_ok())
            && SimpleSigning::parse(content, limits).is_ok_and(|payload| payload.digest == target)
    })
}

/// The layer of a signature over a payload.
pub(super) fn signature_layer(
    publication: &mut Publication,
    payload: Vec<u8>,
    signature: &[u8],
) -> Descriptor {
    let mut layer = publication.add_blob(simple_signing::MEDIA_TYPE, payload);
    layer.annotations.insert(SIGNATURE.to_owned(), STANDARD.encode(signature));
    layer
}

/// The layer of an envelope.
pub(super) fn attestation_layer(
    publication: &mut Publication,
    envelope: &Envelope,
    predicate_type: &str,
) -> Descriptor {
    let mut layer = publication.add_blob(dsse::MEDIA_TYPE, envelope.to_bytes());
    layer.annotations.insert(SIGNATURE.to_owned(), String::new());
    layer.annotations.insert(PREDICATE_TYPE.to_owned(), predicate_type.to_owned());
    layer
}

/// Puts layers behind those that a tag has. Without new layers nothing is put.
pub(super) fn append(
    publication: &mut Publication,
    tag: String,
    existing: Option<&Attachment>,
    added: Vec<Descriptor>,
) {
    if added.is_empty() {
        return;
    }
    let before = existing.map(|attachment| (**attachment.manifest()).clone());
    let mut layers = before.as_ref().map_or_else(Vec::new, |manifest| manifest.layers.clone());
    layers.extend(added);
    let config = publication.add_blob(media_type::OCI_CONFIG, config(&layers));
    let manifest = match before {
        Some(manifest) => Manifest { config, layers, ..manifest },
        None => Manifest::image(config, layers),
    };
    publication.add_manifest(Some(tag), &manifest);
}

/// The config that cosign's library writes: an image of no platform and of no time.
pub(super) fn config(layers: &[Descriptor]) -> Vec<u8> {
    let never = "0001-01-01T00:00:00Z";
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| layer.digest).collect();
    let history: Vec<_> = layers.iter().map(|_| json!({"created": never})).collect();
    let config = json!({
        "architecture": "",
        "created": never,
        "history": history,
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "config": {},
    });
    config.to_string().into_bytes()
}
