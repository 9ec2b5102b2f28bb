//! A registry that is a map, and what the tests publish to it.

use std::collections::BTreeMap;

use serde_json::json;
use temper_attest::carrier::{
    Attached, Attachment, Publication, Target, attach, attestation_tag, fallback_tag, signature_tag,
};
use temper_attest::{Limits, Signer, Statement, bundle, predicate};
use temper_oci::{Descriptor, Digest, Document, Index, Manifest, media_type};

use crate::fixtures::digest;

pub(crate) const CREATED: &str = "2026-01-01T00:00:00Z";

/// What a registry without referrers API keeps.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    pub(crate) blobs: BTreeMap<Digest, Vec<u8>>,
    pub(crate) manifests: BTreeMap<String, Vec<u8>>,
}

impl Registry {
    pub(crate) fn put(&mut self, publication: &Publication) {
        for blob in &publication.blobs {
            assert_eq!(Descriptor::of(&blob.descriptor.media_type, &blob.bytes), blob.descriptor);
            self.blobs.insert(blob.descriptor.digest, blob.bytes.clone());
        }
        for put in publication.manifests.iter().chain(&publication.fallback) {
            assert_eq!(Descriptor::of(&put.descriptor.media_type, &put.bytes), put.descriptor);
            for name in put.tag.clone().into_iter().chain([put.descriptor.digest.to_string()]) {
                self.manifests.insert(name, put.bytes.clone());
            }
        }
        for put in &publication.manifests {
            let manifest = Document::<Manifest>::parse(put.bytes.clone()).unwrap();
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                assert_eq!(self.blobs[&blob.digest].len() as u64, blob.size);
            }
        }
    }

    /// Keeps the manifests of what is attached elsewhere, but no list of referrers.
    pub(crate) fn take(&mut self, attached: &Attached) {
        let tagged = [
            (signature_tag(digest("index")), &attached.signatures),
            (attestation_tag(digest("index")), &attached.attestations),
        ];
        let tagged = tagged.into_iter().filter_map(|(tag, attachment)| Some((tag, attachment.as_ref()?)));
        let referrers = attached.referrers.iter().map(|one| (one.manifest().digest().to_string(), one));
        let manifests = tagged.chain(referrers).map(|(name, one)| (name, one.manifest().bytes().to_vec()));
        self.manifests.extend(manifests);
    }

    pub(crate) fn attachment(&self, name: &str) -> Option<Attachment> {
        let manifest = Document::<Manifest>::parse(self.manifests.get(name)?.clone()).unwrap();
        let contents: Vec<_> =
            Attachment::wanted(&manifest).iter().map(|digest| self.blobs[digest].clone()).collect();
        Some(Attachment::new(manifest, contents, &Limits::default()).unwrap())
    }

    pub(crate) fn attached(&self, digest: Digest) -> Attached {
        let fallback = self
            .manifests
            .get(&fallback_tag(digest))
            .map(|bytes| Document::<Index>::parse(bytes.clone()).unwrap());
        let is_bundle = |entry: &&Descriptor| entry.artifact_type.as_deref() == Some(bundle::MEDIA_TYPE);
        let listed = fallback.iter().flat_map(|index| index.manifests.iter().filter(is_bundle));
        Attached {
            signatures: self.attachment(&signature_tag(digest)),
            attestations: self.attachment(&attestation_tag(digest)),
            referrers: listed.map(|entry| self.attachment(&entry.digest.to_string()).unwrap()).collect(),
            fallback: fallback.clone(),
        }
    }
}

pub(crate) fn target() -> Target {
    Target {
        repository: "registry.example.com/acme/nginx".to_owned(),
        descriptor: Descriptor::new(media_type::OCI_INDEX, digest("index"), 491),
    }
}

pub(crate) fn statements() -> Vec<Statement> {
    [(predicate::SLSA_PROVENANCE, "p"), (predicate::SPDX, "amd64"), (predicate::SPDX, "arm64")]
        .map(|(kind, text)| Statement::new(vec![target().subject()], kind, json!({"text": text})))
        .into()
}

pub(crate) fn publish(registry: &mut Registry, statements: &[Statement], signer: &dyn Signer) -> Publication {
    let attached = registry.attached(target().descriptor.digest);
    let publication = attach(&target(), statements, CREATED, &attached, signer, &Limits::default()).unwrap();
    registry.put(&publication);
    publication
}
