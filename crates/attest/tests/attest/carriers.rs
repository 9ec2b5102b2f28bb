//! Carriers in a registry that is a map: complete, merged, written once, read back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use temper_attest::carrier::{
    Attached, Attachment, Carrier, Claim, Target, attach, attestation_tag, fallback_tag, signature_tag,
};
use temper_attest::{FormatError, Limits, SignError, Signer, Statement, bundle, predicate};
use temper_oci::{Descriptor, Digest, Document, Index, Manifest, media_type};

use crate::fixtures::{digest, key};
use crate::registry::{CREATED, Registry, publish, statements, target};

#[test]
fn both_carriers_are_complete_and_read_back() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let attached = registry.attached(digest("index"));
    let verification = attached.verify(digest("index"), &key(1).public_key(), &Limits::default());
    for carrier in [Carrier::LegacyTag, Carrier::Referrer] {
        assert!(verification.is_signed(carrier), "{carrier:?}");
        let said: Vec<&Statement> = verification
            .proofs
            .iter()
            .filter(|proof| proof.carrier == carrier)
            .filter_map(|proof| match &proof.claim {
                Claim::Statement(statement) => Some(statement),
                Claim::Signature => None,
            })
            .collect();
        assert_eq!(said, statements().iter().collect::<Vec<_>>(), "{carrier:?}");
    }
    assert!(verification.refusals.is_empty());
    assert_eq!(verification.statements(predicate::SPDX).len(), 2);
    assert_eq!(verification.statements(predicate::OPENVEX).len(), 0);
}

#[test]
fn what_is_attached_is_listed_whoever_signed_it() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let listed = registry.attached(digest("index")).list(digest("index"), &Limits::default());
    let kinds: Vec<_> =
        listed.iter().map(|listed| (listed.carrier, listed.predicate_type.as_str())).collect();
    let (referrer, legacy) = (Carrier::Referrer, Carrier::LegacyTag);
    let (provenance, spdx) = (predicate::SLSA_PROVENANCE, predicate::SPDX);
    assert_eq!(
        kinds[..4],
        [(referrer, predicate::COSIGN_SIGN), (referrer, provenance), (referrer, spdx), (referrer, spdx)]
    );
    assert_eq!(kinds[4..], [(legacy, provenance), (legacy, spdx), (legacy, spdx)]);
    assert!(listed.iter().all(|listed| listed.envelope.verify(&key(1).public_key()).is_ok()));
    for listed in &listed {
        let statement = listed.envelope.statement(&Limits::default()).unwrap();
        assert_eq!(
            (&statement.predicate_type, &statement.subject),
            (&listed.predicate_type, &listed.subject)
        );
    }
    assert!(listed.iter().all(|listed| listed.envelope.verify(&key(2).public_key()).is_err()));
    assert!(listed.iter().all(|listed| registry.manifests.contains_key(&listed.manifest.to_string())));
    assert!(registry.attached(digest("index")).list(digest("other"), &Limits::default()).is_empty());
}

#[test]
fn manifests_have_the_shapes_that_cosign_reads() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements()[..1], &key(1));
    let show = |name: &str| {
        let value: serde_json::Value = serde_json::from_slice(&registry.manifests[name]).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    insta::assert_snapshot!("signature_tag", show(&signature_tag(digest("index"))));
    insta::assert_snapshot!("attestation_tag", show(&attestation_tag(digest("index"))));
    let fallback = show(&fallback_tag(digest("index")));
    insta::assert_snapshot!("fallback_tag", fallback);
    let index: Index = serde_json::from_str(&fallback).unwrap();
    insta::assert_snapshot!("referrer", show(&index.manifests[1].digest.to_string()));
    let config = registry.attachment(&attestation_tag(digest("index"))).unwrap().manifest().config.digest;
    insta::assert_snapshot!("legacy_config", String::from_utf8(registry.blobs[&config].clone()).unwrap());
}

#[test]
fn attaching_twice_adds_nothing_and_another_statement_adds_itself() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements()[..2], &key(1));
    let before = registry.manifests.clone();
    assert!(publish(&mut registry, &statements()[..2], &key(1)).is_empty());
    assert!(publish(&mut registry, &[], &key(1)).is_empty());
    assert_eq!(registry.manifests, before);

    let publication = publish(&mut registry, &statements(), &key(1));
    let tags: Vec<_> = publication.manifests.iter().map(|put| put.tag.clone()).collect();
    assert_eq!(tags, [None, Some(attestation_tag(digest("index")))]);
    assert_eq!(registry.attachment(&attestation_tag(digest("index"))).unwrap().manifest().layers.len(), 3);
    assert_eq!(registry.attached(digest("index")).referrers.len(), 4);
}

#[test]
fn a_carrier_that_lost_something_is_completed_with_the_same_envelopes() {
    let mut complete = Registry::default();
    publish(&mut complete, &statements(), &key(1));
    for lost in
        [signature_tag(digest("index")), attestation_tag(digest("index")), fallback_tag(digest("index"))]
    {
        let mut registry = complete.clone();
        registry.manifests.remove(&lost);
        assert!(!publish(&mut registry, &statements(), &Random::of(1)).is_empty());
        let attached = registry.attached(digest("index"));
        let verification = attached.verify(digest("index"), &key(1).public_key(), &Limits::default());
        assert_eq!(verification.proofs.len(), 8, "{lost}");
        // The signature's statement is only in referrers; all others are found again in the other carrier.
        if lost == attestation_tag(digest("index")) {
            assert!(registry.manifests == complete.manifests, "{lost}");
        }
    }
}

/// What a carrier says by a key, each statement in the form that it is compared in.
fn said(attached: &Attached, seed: u8, carrier: Carrier) -> BTreeSet<Vec<u8>> {
    let verification = attached.verify(digest("index"), &key(seed).public_key(), &Limits::default());
    let proofs = verification.proofs.into_iter().filter(|proof| proof.carrier == carrier);
    let statements = proofs.filter_map(|proof| match proof.claim {
        Claim::Statement(statement) => Some(statement.to_bytes()),
        Claim::Signature => None,
    });
    statements.collect()
}

#[test]
fn what_the_key_said_in_one_carrier_alone_is_copied_to_the_other() {
    let mut complete = Registry::default();
    publish(&mut complete, &statements()[..1], &key(1));
    let mut other = Registry::default();
    publish(&mut other, &statements()[1..2], &key(1));
    publish(&mut other, &statements()[2..], &key(2));
    let blobs: BTreeMap<_, _> = complete.blobs.clone().into_iter().chain(other.blobs.clone()).collect();
    let (complete, other) = (complete.attached(digest("index")), other.attached(digest("index")));
    // The tags of one builder took the place of the other's; or another tool wrote one carrier alone.
    for (attestations, referrers) in [
        (complete.attestations.clone(), [complete.referrers.clone(), other.referrers.clone()].concat()),
        (other.attestations.clone(), complete.referrers.clone()),
        (complete.attestations.clone(), Vec::new()),
        (None, other.referrers.clone()),
    ] {
        let attached =
            Attached { signatures: complete.signatures.clone(), attestations, referrers, fallback: None };
        let [legacy, referrers] = [Carrier::LegacyTag, Carrier::Referrer].map(|of| said(&attached, 1, of));
        assert_ne!(legacy, referrers);
        let mut registry = Registry { blobs: blobs.clone(), ..Registry::default() };
        registry.take(&attached);
        let publication =
            attach(&target(), &[], CREATED, &attached, &Random::of(1), &Limits::default()).unwrap();
        registry.put(&publication);
        let healed = registry.attached(digest("index"));
        let all: BTreeSet<_> = legacy.union(&referrers).cloned().collect();
        for carrier in [Carrier::LegacyTag, Carrier::Referrer] {
            assert_eq!(said(&healed, 1, carrier), all, "{carrier:?}");
            assert_eq!(said(&healed, 2, carrier), said(&attached, 2, carrier), "others' words stay");
        }
        assert!(attach(&target(), &[], CREATED, &healed, &key(1), &Limits::default()).unwrap().is_empty());
    }
}

/// A key whose signatures differ each time, as those of hardware modules do.
struct Random(temper_attest::FileKey);

impl Random {
    fn of(seed: u8) -> Self {
        Self(key(seed))
    }
}

impl Signer for Random {
    fn public_key_spki(&self) -> &[u8] {
        self.0.public_key_spki()
    }

    /// The negated `s` signs the same message: ECDSA's signatures are malleable.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = p256::ecdsa::Signature::from_der(&self.0.sign(message)?).unwrap();
        let (r, s) = signature.split_scalars();
        let negated = p256::ecdsa::Signature::from_scalars(r, -*s).unwrap();
        Ok(negated.to_der().as_bytes().to_vec())
    }
}

#[test]
fn keys_with_random_signatures_add_nothing_either() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    assert!(publish(&mut registry, &statements(), &Random::of(1)).is_empty());
}

#[test]
fn a_new_key_adds_its_own_and_the_old_one_still_verifies() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    publish(&mut registry, &statements(), &key(2));
    let attached = registry.attached(digest("index"));
    for seed in [1, 2] {
        let verification = attached.verify(digest("index"), &key(seed).public_key(), &Limits::default());
        assert_eq!((verification.proofs.len(), verification.refusals.len()), (8, 8));
    }
    let stranger = attached.verify(digest("index"), &key(3).public_key(), &Limits::default());
    assert_eq!((stranger.proofs.len(), stranger.refusals.len()), (0, 16));
}

#[test]
fn what_others_attached_stays_and_wrong_lists_are_corrected() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let foreign = Descriptor::new(media_type::OCI_MANIFEST, digest("foreign"), 7);
    let tag = fallback_tag(digest("index"));
    let mut index = (*registry.attached(digest("index")).fallback.unwrap()).clone();
    let right = index.manifests.clone();
    index.manifests.insert(0, foreign.clone());
    index.manifests[1].artifact_type = Some(media_type::OCI_EMPTY.to_owned());
    index.manifests[1].annotations.clear();
    let wrong = Document::<Index>::parse(index.to_bytes()).unwrap();
    let attached = Attached { fallback: Some(wrong), ..registry.attached(digest("index")) };
    let publication =
        attach(&target(), &statements(), CREATED, &attached, &key(1), &Limits::default()).unwrap();
    assert!(publication.manifests.is_empty());
    let put = publication.fallback.unwrap();
    assert_eq!(put.tag, Some(tag));
    let merged: Index = serde_json::from_slice(&put.bytes).unwrap();
    assert_eq!(merged.manifests, [vec![foreign], right].concat());
}

#[test]
fn an_index_that_a_copy_left_under_the_fallback_tag_is_no_list() {
    let image = Index::of(vec![Descriptor::new(media_type::OCI_MANIFEST, digest("amd64"), 7)]);
    let document = Document::<Index>::parse(image.to_bytes()).unwrap();
    let descriptor = Descriptor::of(media_type::OCI_INDEX, document.bytes());
    let target = Target { descriptor, ..target() };
    let attached = Attached { fallback: Some(document), ..Attached::default() };
    let publication = attach(&target, &[], CREATED, &attached, &key(1), &Limits::default()).unwrap();
    let list: Index = serde_json::from_slice(&publication.fallback.unwrap().bytes).unwrap();
    assert_eq!(list.manifests.len(), 1);
    assert_eq!(list.manifests[0].artifact_type.as_deref(), Some(bundle::MEDIA_TYPE));
}

#[test]
fn a_list_keeps_what_others_wrote_after_it_was_read() {
    let publication =
        attach(&target(), &[], CREATED, &Attached::default(), &key(1), &Limits::default()).unwrap();
    let put = publication.fallback.clone().unwrap();
    assert_eq!(publication.fallback_over(digest("index"), None), Some(put.clone()));
    let own = Document::<Index>::parse(put.bytes).unwrap();
    assert_eq!(publication.fallback_over(digest("index"), Some(own.clone())), None);
    let foreign = Descriptor::new(media_type::OCI_MANIFEST, digest("foreign"), 7);
    let theirs = Document::<Index>::parse(Index::of(vec![foreign.clone()]).to_bytes()).unwrap();
    let both = publication.fallback_over(digest("index"), Some(theirs)).unwrap();
    let both: Index = serde_json::from_slice(&both.bytes).unwrap();
    assert_eq!(both.manifests, [vec![foreign], own.manifests.clone()].concat());
}

#[test]
fn tags_of_long_digests_are_tags() {
    let long: Digest = format!("sha512:{}", "ab".repeat(64)).parse().unwrap();
    assert_eq!(fallback_tag(long), format!("sha512-{}", "ab".repeat(32)));
}

#[test]
fn statements_about_something_else_are_not_signed() {
    let subject = temper_attest::Subject::new("other", digest("other"));
    let statement = Statement::new(vec![subject], predicate::SPDX, json!({}));
    let error = attach(&target(), &[statement], CREATED, &Attached::default(), &key(1), &Limits::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("statement is about `{}`, not about `{}`", digest("other"), digest("index"))
    );
}

#[test]
fn a_statement_that_nobody_would_read_is_not_signed() {
    let statement =
        Statement::new(vec![target().subject()], predicate::SPDX, json!({"name": "x".repeat(1000)}));
    let limits = Limits { statement_bytes_max: 1000, ..Limits::default() };
    let error = attach(&target(), &[statement], CREATED, &Attached::default(), &key(1), &limits).unwrap_err();
    assert!(error.to_string().starts_with("statement has 1"), "{error}");
}

#[test]
fn a_changed_byte_in_any_blob_is_refused_where_it_stands() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let limits = Limits::default();
    let attached = registry.attached(digest("index"));
    for attachment in attached.signatures.iter().chain(&attached.attestations).chain(&attached.referrers) {
        let layer = &attachment.manifest().layers[0];
        let mut content = registry.blobs[&layer.digest].clone();
        let end = content.len() - 40;
        content[end] ^= 1;
        let mut manifest = (**attachment.manifest()).clone();
        manifest.layers = vec![Descriptor { digest: Digest::of(&content), ..layer.clone() }];
        let document = Document::<Manifest>::parse(manifest.to_bytes()).unwrap();
        let changed = Attachment::new(document, [content], &limits).unwrap();
        let alone = Attached { referrers: vec![changed], ..Attached::default() };
        let verification = alone.verify(digest("index"), &key(1).public_key(), &limits);
        assert_eq!((verification.proofs.len(), verification.refusals.len()), (0, 1));
    }
}

#[test]
fn what_cannot_be_read_is_kept_refused_and_written_past() {
    let limits = Limits::default();
    let mut registry = Registry::default();
    let garbage = b"no JSON".to_vec();
    for (tag, media_type) in [
        (attestation_tag(digest("index")), "application/vnd.dsse.envelope.v1+json"),
        (signature_tag(digest("index")), "application/vnd.dev.cosign.simplesigning.v1+json"),
    ] {
        let layer = Descriptor::of(media_type, &garbage);
        let manifest = Manifest::image(Descriptor::of(media_type::OCI_CONFIG, b"{}"), vec![layer]);
        registry.manifests.insert(tag, manifest.to_bytes());
    }
    registry.blobs.insert(Digest::of(&garbage), garbage.clone());
    publish(&mut registry, &statements(), &key(1));
    let attached = registry.attached(digest("index"));
    let verification = attached.verify(digest("index"), &key(1).public_key(), &limits);
    assert_eq!((verification.proofs.len(), verification.refusals.len()), (8, 2));
    assert!(verification.refusals.iter().all(|refusal| refusal.blob == Digest::of(&garbage)));
    assert!(publish(&mut registry, &statements(), &key(1)).is_empty());
}

#[test]
fn a_repository_with_a_new_name_is_not_signed_again() {
    let mut registry = Registry::default();
    publish(&mut registry, &[], &key(1));
    let renamed = Target { repository: "other.example.com/acme/nginx".to_owned(), ..target() };
    let attached = registry.attached(digest("index"));
    let publication = attach(&renamed, &[], CREATED, &attached, &key(1), &Limits::default()).unwrap();
    assert!(publication.is_empty());
}

#[test]
fn an_attachment_with_too_many_layers_is_refused() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let manifest = registry.attachment(&attestation_tag(digest("index"))).unwrap().manifest().clone();
    let tight = Limits { attachments_max: 2, ..Limits::default() };
    let error = Attachment::new(manifest, [], &tight).unwrap_err();
    assert!(matches!(error, FormatError::Limit { found: 3, max: 2, .. }), "{error}");
}
