//! What verification proves of an image that nobody touched, and what it does not look at.

use temper_attest::provenance::Input;
use temper_compose::verify::{Policy, Report, Subject, Verifier};
use temper_compose::{External, ImageSource, Inputs};

use crate::published::{Published, TAG};
use crate::signing::key;

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
    let report = verifier.verify(&Subject { image: &image, tag: None }).expect("can be read");
    assert!(report.is_verified(), "{}", words(&report));
    insta::assert_snapshot!("out_of_reach", words(&report));
}

#[test]
fn a_platform_by_its_digest_is_verified_alone() {
    let published = Published::new(true);
    let amd64 = &published.outcome.amd64().manifest.descriptor;
    published.repository.set_tag(TAG, amd64.clone());
    let report = published.verify(&published.repository).expect("can be read");
    assert!(report.is_verified(), "{}", words(&report));
    assert_eq!(report.digest, amd64.digest);
    assert!(words(&report).contains("+ manifest: its lowest layer is the base's"), "{}", words(&report));
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
