//! What verification proves of an image that nobody touched, and what it does not look at.

use serde_json::json;
use temper_attest::carrier::{Attached, Target, attach, attestation_tag, fallback_tag, signature_tag};
use temper_attest::provenance::{Input, Role};
use temper_attest::{Limits, predicate};
use temper_compose::verify::{Policy, Report, Subject, Verifier};
use temper_compose::{External, ImageSource, Inputs};
use temper_oci::{Descriptor, Manifest};

use crate::base;
use crate::published::{Published, TAG};
use crate::repository::MemoryRepository;
use crate::signing::key;
use crate::workshop::Workshop;

fn words(report: &Report) -> String {
    let proved = report.proved.iter().map(|line| format!("+ {line}\n"));
    let failed = report.failed.iter().map(|failed| format!("- {}: {}\n", failed.at, failed.message));
    let skipped = report.not_checked.iter().map(|line| format!("? {}: {}\n", line.what, line.why));
    let text: String = proved.chain(failed).chain(skipped).collect();
    // Digests are for the other tests.
    let is_hex = |character: char| character.is_ascii_hexdigit();
    text.split("sha256:").map(|part| part.trim_start_matches(is_hex)).collect::<Vec<_>>().join("#")
}

#[test]
fn everything_that_can_be_proved_is_proved() {
    for lists_referrers in [true, false] {
        let published = Published::new(lists_referrers);
        let report = published.verify(&published.repository).expect("can be read");
        assert!(report.is_verified(), "{}", words(&report));
        insta::assert_snapshot!("verified", words(&report));
    }
}

struct Nothing;

impl Inputs for Nothing {
    fn image(&self, _: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        Ok(None)
    }
}

#[test]
fn what_cannot_be_reached_is_told_and_fails_nothing() {
    let published = Published::new(true);
    let policy = Policy::complete(vec![key(2).public_key(), key(1).public_key()]);
    let verifier = Verifier { policy: &policy, inputs: &Nothing, archive: None };
    let image = published.repository.image(TAG);
    let report =
        verifier.verify(&Subject { image: &image, repository: None, tag: None }).expect("can be read");
    assert!(report.is_verified(), "{}", words(&report));
    insta::assert_snapshot!("out_of_reach", words(&report));
}

/// Verifies what the tag of a repository names, under a name.
fn verify_as(published: &Published, repository: &str, tag: Option<&str>) -> Report {
    let policy = Policy::complete(vec![key(1).public_key()]);
    let inputs = published.inputs();
    let verifier = Verifier { policy: &policy, inputs: &inputs, archive: None };
    let image = published.repository.image(TAG);
    let subject = Subject { image: &image, repository: Some(repository), tag };
    verifier.verify(&subject).expect("can be read")
}

/// The place and the message of the only failure.
fn failure(report: &Report) -> (&str, &str) {
    assert_eq!(report.failed.len(), 1, "{}", words(report));
    (&report.failed[0].at, &report.failed[0].message)
}

#[test]
fn a_platform_is_verified_by_its_digest_and_not_under_a_tag() {
    let published = Published::new(true);
    let amd64 = &published.outcome.amd64().manifest.descriptor;
    published.repository.set_tag(TAG, amd64.clone());
    let report = verify_as(&published, "acme/app", None);
    assert!(report.is_verified(), "{}", words(&report));
    assert_eq!(report.digest, amd64.digest);
    assert!(words(&report).contains("+ manifest: its lowest layer is the base's"), "{}", words(&report));
    let report = verify_as(&published, "acme/app", Some(TAG));
    let message = "it names the manifest of one platform, not the index that the provenance is about";
    assert_eq!(failure(&report), ("tag `1_test`", message));
}

#[test]
fn an_image_under_a_foreign_name_is_none_of_that_name() {
    let published = Published::new(true);
    for (repository, is_verified) in [
        ("acme/app", true),
        ("app", false),
        ("acme/postgres", false),
        ("other/acme/app", false),
        ("registry.example/acme/app", false),
    ] {
        let report = verify_as(&published, repository, Some(TAG));
        assert_eq!(report.is_verified(), is_verified, "{repository}: {}", words(&report));
        if !is_verified {
            let message = format!("the image was built for `acme/app`, not for `{repository}`");
            let at = "provenance: externalParameters.target.destination";
            assert_eq!(failure(&report), (at, message.as_str()));
        }
    }
}

#[test]
fn every_build_of_an_image_may_give_it_tags() {
    let published = Published::new(true);
    let mut statements = published.statements.clone();
    let all = statements.platforms.iter_mut().flat_map(|(_, own)| own).chain(&mut statements.index);
    for statement in all.filter(|statement| statement.predicate_type == predicate::SLSA_PROVENANCE) {
        statement.predicate["buildDefinition"]["externalParameters"]["target"]["tags"] = json!(["2_test"]);
    }
    statements.record.request.target.tags = vec!["2_test".to_owned()];
    published.publish(&statements, &published.repository, 1);
    for (tag, is_verified) in [(TAG, true), ("2_test", true), ("3_test", false)] {
        let report = verify_as(&published, "acme/app", Some(tag));
        assert_eq!(report.is_verified(), is_verified, "{tag}: {}", words(&report));
    }
}

#[test]
fn a_copy_that_lost_a_whole_carrier_is_verified_and_told() {
    let published = Published::new(false);
    let all = || {
        let platforms = published.outcome.image.manifests.iter().map(|manifest| &manifest.descriptor);
        platforms.chain([&published.outcome.image.index]).map(|target| target.digest)
    };
    let without_referrers = published.repository.fork();
    all().for_each(|digest| without_referrers.untag(&fallback_tag(digest)));
    let without_tags = published.repository.fork();
    for digest in all() {
        without_tags.untag(&signature_tag(digest));
        without_tags.untag(&attestation_tag(digest));
    }
    for (repository, missing) in [(without_referrers, "referrers"), (without_tags, "legacy tags")] {
        let report = published.verify(&repository).expect("can be read");
        assert!(report.is_verified(), "{}", words(&report));
        let told = report.not_checked.iter().filter(|line| line.what.ends_with(missing)).count();
        assert_eq!(told, 3, "{}", words(&report));
    }
}

#[test]
fn what_other_keys_said_is_counted_and_what_stands_twice_is_not() {
    let published = Published::new(true);
    published.publish(&published.statements, &published.repository, 9);
    let others = |seeds: &[u8]| {
        let report = published.verify_with(&published.repository, seeds).expect("can be read");
        assert!(report.is_verified(), "{}", words(&report));
        let told = report.not_checked.iter().filter(|line| line.why == "no given key made their signatures");
        told.map(|line| line.what.clone()).collect::<Vec<_>>()
    };
    // Provenance, three documents and the record by both carriers, and a bundle with the signature, whose payload in the
    // legacy tag is the same for all keys; the index has six documents and no record.
    let platform = |name: &str| format!("{name}, 11 attached documents");
    let expected =
        ["index, 15 attached documents".to_owned(), platform("linux/amd64"), platform("linux/arm64")];
    assert_eq!(others(&[1, 2]), expected);

    let tag = attestation_tag(published.outcome.digest());
    let bytes = published.repository.bytes(&published.repository.named(&tag).digest);
    let mut manifest: Manifest = serde_json::from_slice(&bytes).expect("is a manifest");
    manifest.layers.extend(manifest.layers.clone());
    let manifest = published.repository.add(manifest.media_type(), &manifest.to_bytes());
    published.repository.set_tag(&tag, manifest);
    assert_eq!(others(&[1, 9]), [""; 0]);
}

#[test]
fn signatures_of_the_base_are_welcome() {
    for (seed, expected) in [
        (Some(1), "+ base `registry.example/acme/base@#` is signed by key `#`"),
        (Some(2), "none of the given keys made its signature"),
        (None, "it has no signature"),
    ] {
        let mut published = Published::new(true);
        let place = MemoryRepository::new(true);
        let base = published.workshop.base.as_mut().expect("there is one");
        base.attachments = Some(place.clone());
        let descriptor = Descriptor::new("application/vnd.oci.image.index.v1+json", base.digest(), 1);
        let target = Target { repository: "acme/base".to_owned(), descriptor };
        if let Some(seed) = seed {
            let (nothing, limits) = (Attached::default(), Limits::default());
            let publication = attach(&target, &[], base::CREATED, &nothing, &key(seed), &limits);
            place.put(&publication.expect("can be signed"));
        }
        let report = published.verify(&published.repository).expect("can be read");
        assert!(report.is_verified() && words(&report).contains(expected), "{seed:?} {}", words(&report));
    }
}

#[test]
fn versions_that_left_the_archive_are_told() {
    let published = Published::new(true);
    let policy = Policy::complete(vec![key(1).public_key()]);
    let (inputs, empty) = (published.inputs(), Workshop::new());
    let verifier = Verifier { policy: &policy, inputs: &inputs, archive: Some(empty.archive()) };
    let image = published.repository.image(TAG);
    let subject = Subject { image: &image, repository: None, tag: None };
    let report = verifier.verify(&subject).expect("can be read");
    let expected = "? linux/amd64: whether the archive had `libjq1 1.7-1`, `jq 1.7-1`: the archive does not list this version any more";
    assert!(report.is_verified() && words(&report).contains(expected), "{}", words(&report));
}

/// What stands at the address of the base is another image.
struct Exchanged<'a>(&'a Published);

impl Inputs for Exchanged<'_> {
    fn image(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        let artifact = self.0.workshop.find_artifact("acme/data:v1").clone();
        Ok((input.role == Role::Base).then(|| Box::new(artifact) as Box<dyn ImageSource>))
    }
}

#[test]
fn an_input_is_there_only_with_its_digest() {
    let published = Published::new(true);
    let policy = Policy::complete(vec![key(1).public_key()]);
    let verifier = Verifier { policy: &policy, inputs: &Exchanged(&published), archive: None };
    let image = published.repository.image(TAG);
    let report =
        verifier.verify(&Subject { image: &image, repository: None, tag: None }).expect("can be read");
    assert!(words(&report).contains("what is there has the digest"), "{}", words(&report));
    assert!(!words(&report).contains("is still there"), "{}", words(&report));
    assert!(!words(&report).contains("lowest layer is the base's"), "{}", words(&report));
}

#[test]
fn another_key_proves_nothing() {
    let published = Published::new(true);
    let report = published.verify_with(&published.repository, &[9]).expect("can be read");
    let unsigned = report.failed.iter().filter(|failed| failed.at.ends_with(", signature")).count();
    assert_eq!(unsigned, 3, "{}", words(&report));
    assert!(report.proved.iter().all(|line| !line.contains("signed by")), "{}", words(&report));
}

#[test]
fn keys_that_came_later_and_before_count_alike() {
    let published = Published::new(true);
    published.publish(&published.statements, &published.repository, 2);
    for seeds in [&[1][..], &[2], &[1, 2], &[9, 2]] {
        let report = published.verify_with(&published.repository, seeds).expect("can be read");
        assert!(report.is_verified(), "{seeds:?} {}", words(&report));
    }
}

#[test]
fn a_key_that_is_given_twice_says_everything_once() {
    let published = Published::new(true);
    published.repository.untag(&attestation_tag(published.outcome.digest()));
    let report = |seeds: &[u8]| published.verify_with(&published.repository, seeds).expect("can be read");
    assert!(!report(&[1]).is_verified());
    assert_eq!(report(&[1, 1]), report(&[1]));
}
