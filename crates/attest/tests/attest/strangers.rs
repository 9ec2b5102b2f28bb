//! Images to which strangers have attached something: a copy takes what known keys have signed.

use temper_attest::carrier::{Attached, Attachment};
use temper_attest::{Limits, PublicKey};
use temper_oci::{Descriptor, Document, Manifest};

use crate::fixtures::{digest, key};
use crate::registry::{Registry, publish, statements};

fn vouched(attached: &Attached, seeds: &[u8]) -> temper_attest::carrier::Vouched {
    let keys: Vec<PublicKey> = seeds.iter().map(|seed| key(*seed).public_key()).collect();
    attached.vouched_by(digest("index"), &keys.iter().collect::<Vec<_>>(), &Limits::default())
}

fn counts(attached: &Attached, seed: u8) -> (usize, usize) {
    let found = attached.verify(digest("index"), &key(seed).public_key(), &Limits::default());
    (found.proofs.len(), found.refusals.len())
}

#[test]
fn what_known_keys_have_signed_is_taken_and_nothing_else() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let alone = registry.attached(digest("index"));
    publish(&mut registry, &statements(), &key(2));
    let both = registry.attached(digest("index"));

    let of_first = vouched(&both, &[1]);
    assert_eq!(counts(&of_first.attached, 1), (8, 0));
    // One payload under two signatures, three envelopes, four referrers.
    assert_eq!(of_first.left_out.len(), 8);
    for tag in [&of_first.attached.signatures, &of_first.attached.attestations] {
        let manifest = tag.as_ref().expect("is there").manifest();
        assert!(manifest.layers.iter().chain([&manifest.config]).all(|blob| {
            tag.as_ref()
                .and_then(|tag| tag.content(&blob.digest))
                .is_some_and(|content| Descriptor::of(&blob.media_type, content).digest == blob.digest)
        }));
    }

    let of_both = vouched(&both, &[1, 2]);
    assert_eq!((of_both.left_out.len(), &of_both.attached.signatures), (0, &both.signatures));
    let again = vouched(&alone, &[1]);
    assert_eq!((&again.attached.attestations, again.left_out.len()), (&alone.attestations, 0));
    let of_nobody = vouched(&both, &[3]);
    let Attached { signatures, attestations, referrers, fallback } = &of_nobody.attached;
    assert!(signatures.is_none() && attestations.is_none() && referrers.is_empty() && fallback.is_none());
}

#[test]
fn what_is_signed_about_something_else_is_left_out() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let attached = registry.attached(digest("index"));
    let keys = [key(1).public_key()];
    let other = attached.vouched_by(digest("other"), &[&keys[0]], &Limits::default());
    assert!(other.attached.signatures.is_none() && other.attached.referrers.is_empty());
}

#[test]
fn a_layer_whose_content_is_missing_is_left_out() {
    let mut registry = Registry::default();
    publish(&mut registry, &statements(), &key(1));
    let mut attached = registry.attached(digest("index"));
    let manifest = attached.attestations.as_ref().expect("is there").manifest().bytes().clone();
    let manifest = Document::<Manifest>::parse(manifest).unwrap();
    attached.attestations = Some(Attachment::new(manifest, [], &Limits::default()).unwrap());
    let found = vouched(&attached, &[1]);
    assert!(found.attached.attestations.is_none() && found.attached.signatures.is_some());
    assert_eq!(found.left_out.len(), 3);
}
