//! What is attached to a manifest is read back from every kind of repository.

use serde_json::json;
use temper_attest::carrier::{Attached, Carrier, Target, attach, fallback_tag, signature_tag};
use temper_attest::{FileKey, Limits, Statement, bundle, predicate};
use temper_compose::Attachments;
use temper_oci::media_type::{OCI_EMPTY, OCI_INDEX};
use temper_oci::{Descriptor, Digest, Index, Manifest};

use crate::repository::MemoryRepository;

/// A key that is always the same for a seed.
fn key(seed: u8) -> FileKey {
    FileKey::generate(&mut |bytes| {
        bytes.fill(seed);
        Ok(())
    })
    .expect("a key can be made")
}

fn target() -> Descriptor {
    Descriptor::new(OCI_INDEX, Digest::of("an index"), 8)
}

fn statement() -> Statement {
    let target = Target { repository: "registry.example/acme/app".to_owned(), descriptor: target() };
    Statement::new(vec![target.subject()], predicate::SPDX, json!({"name": "app"}))
}

/// Signs the target and says something about it.
fn publish(repository: &MemoryRepository) {
    let target = Target { repository: "registry.example/acme/app".to_owned(), descriptor: target() };
    let attached = repository.attached(&target.descriptor).expect("nothing is there yet");
    let created = "2026-01-01T00:00:00Z";
    let publication =
        attach(&target, &[statement()], created, &attached, &key(1), &Limits::default()).expect("is signed");
    repository.put(&publication);
}

fn check_complete(attached: &Attached) {
    let verification = attached.verify(target().digest, &key(1).public_key(), &Limits::default());
    for carrier in [Carrier::LegacyTag, Carrier::Referrer] {
        assert!(verification.is_signed(carrier), "{carrier:?}");
    }
    assert_eq!(verification.proofs.len(), 4);
    assert_eq!(verification.statements(predicate::SPDX), [&statement()]);
    assert!(verification.refusals.is_empty(), "{:?}", verification.refusals);
}

#[test]
fn repositories_with_and_without_a_list_of_referrers_are_read() {
    for lists_referrers in [true, false] {
        let repository = MemoryRepository::new(lists_referrers);
        publish(&repository);
        let attached = repository.attached(&target()).expect("can be read");
        check_complete(&attached);
        assert_eq!(attached.fallback.is_none(), lists_referrers);
    }
    let nothing = MemoryRepository::new(true).attached(&target()).expect("an empty one can be read");
    assert!(nothing.signatures.is_none() && nothing.attestations.is_none() && nothing.referrers.is_empty());
}

#[test]
fn bundles_are_found_under_the_wrong_type_and_others_are_passed_over() {
    let repository = MemoryRepository::new(false);
    publish(&repository);
    let fallback = fallback_tag(target().digest);
    let attached = repository.attached(&target()).expect("can be read");
    let mut index: Index = (**attached.fallback.as_ref().expect("there is a list")).clone();
    for entry in &mut index.manifests {
        // This is how cosign's library lists them.
        entry.artifact_type = Some(OCI_EMPTY.to_owned());
        entry.annotations.clear();
    }
    let config = repository.add(OCI_EMPTY, b"{}");
    let about = |digest: Digest| {
        let mut manifest = Manifest::image(config.clone(), Vec::new());
        manifest.artifact_type = Some(bundle::MEDIA_TYPE.to_owned());
        manifest.subject = Some(Descriptor::new(OCI_INDEX, digest, 8));
        repository.add(manifest.media_type(), &manifest.to_bytes())
    };
    let gone = about(Digest::of("gone"));
    repository.remove(&gone.digest);
    let text = repository.add(temper_oci::media_type::OCI_MANIFEST, b"no manifest");
    index.manifests.extend([about(Digest::of("another index")), gone, text, config.clone()]);
    let entry = repository.add(OCI_INDEX, &index.to_bytes());
    repository.set_tag(&fallback, entry);
    check_complete(&repository.attached(&target()).expect("can be read"));
}

#[test]
fn an_index_that_cosign_copied_to_the_fallback_tag_lists_no_referrers() {
    let repository = MemoryRepository::new(false);
    let platform = repository.add(temper_oci::media_type::OCI_MANIFEST, b"{}");
    let index = repository.add(OCI_INDEX, &Index::of(vec![platform]).to_bytes());
    repository.set_tag(&fallback_tag(index.digest), index.clone());
    let attached = repository.attached(&index).expect("can be read");
    assert!(attached.referrers.is_empty());
    assert_eq!(attached.fallback.expect("is told").digest(), index.digest);
}

#[test]
fn what_a_list_names_and_nobody_has_is_left_out() {
    let repository = MemoryRepository::new(true);
    publish(&repository);
    let attached = repository.attached(&target()).expect("can be read");
    let signatures = attached.signatures.expect("is signed");
    repository.remove(&signatures.manifest().layers[0].digest);
    let attached = repository.attached(&target()).expect("can be read");
    let verification = attached.verify(target().digest, &key(1).public_key(), &Limits::default());
    assert!(!verification.is_signed(Carrier::LegacyTag) && verification.is_signed(Carrier::Referrer));
}

#[test]
fn sizes_are_bounded_before_anything_is_read() {
    let repository = MemoryRepository::new(true);
    let config = repository.add(OCI_EMPTY, b"{}");
    let kind = temper_attest::simple_signing::MEDIA_TYPE;
    let layer = |text: &str, size| Descriptor::new(kind, Digest::of(text), size);
    for (layers, expected) in [
        (vec![layer("a", 1 << 40)], "bytes of attachment"),
        ((0..7).map(|number| layer(&number.to_string(), 90 << 20)).collect(), "bytes of attachment"),
        ((0..1001).map(|number| layer(&number.to_string(), 1)).collect(), "layers of attachment"),
    ] {
        let manifest = Manifest::image(config.clone(), layers);
        let descriptor = repository.add(manifest.media_type(), &manifest.to_bytes());
        repository.set_tag(&signature_tag(target().digest), descriptor);
        let error = repository.attached(&target()).expect_err("is too much").to_string();
        assert!(error.starts_with(expected) && error.contains("more than"), "{error}");
    }
}

#[test]
fn many_referrers_of_many_layers_are_bounded_together() {
    let repository = MemoryRepository::new(true);
    let config = repository.add(OCI_EMPTY, b"{}");
    for number in 0..50 {
        let layers = (0..100).map(|_| Descriptor::new(bundle::MEDIA_TYPE, Digest::of("gone"), 0)).collect();
        let mut manifest = Manifest::image(config.clone(), layers);
        manifest.artifact_type = Some(bundle::MEDIA_TYPE.to_owned());
        manifest.subject = Some(target());
        manifest.annotations.insert("number".to_owned(), number.to_string());
        repository.add(manifest.media_type(), &manifest.to_bytes());
    }
    let error = repository.attached(&target()).expect_err("is too much").to_string();
    assert_eq!(error, "manifests and blobs that are attached are more than 2000");
}
