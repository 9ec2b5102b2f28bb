//! Looks at a registry of this process, a well-behaved one and broken ones.

mod fixture;

use std::collections::BTreeSet;

use temper_oci::Digest;

use self::fixture::{Memory, Notes, Server, Trick, look, start};
use super::{Fault, Rules, fault};
use crate::error::HubError;

fn rules(allow: &[&str], deny: &[&str]) -> Rules {
    let parse = |patterns: &[&str]| patterns.iter().map(|text| text.parse().expect("is a pattern")).collect();
    Rules { allow: parse(allow), deny: parse(deny), keys: Vec::new() }
}

/// Looks without patterns and keys, and expects an end.
fn synced(server: &Server, memory: &Memory, notes: &Notes) -> super::Report {
    look(server, memory, notes, &Rules::default()).expect("comes to its end")
}

/// Expects the repository to have exactly what the upstream has.
fn check_equal(server: &Server, memory: &Memory) {
    assert_eq!(memory.tags(), server.tags(), "tags");
    for digest in server.subjects() {
        assert_eq!(memory.referrers_of(digest), server.referrers(digest), "referrers of {digest}");
    }
}

#[test]
fn everything_comes_in_once() {
    let server = start();
    let (signed, digest) = server.push_signed("app", &["1", "1.0"]);
    server.push_plain("other", &["2"]);
    let (memory, notes) = (Memory::default(), Notes::default());
    let report = synced(&server, &memory, &notes);
    assert_eq!((report.progress.tags, report.progress.tags_moved, report.progress.images_taken), (3, 3, 2));
    assert_eq!(report.progress.bytes, report.progress.bytes_done);
    check_equal(&server, &memory);
    assert!(memory.verifies(&digest, &signed), "what is attached still verifies");

    // What is equal is not written again, nor read but for lists and heads.
    memory.forget_writes();
    server.take_requests();
    let report = synced(&server, &memory, &notes);
    assert_eq!((report.progress.tags_moved, report.progress.images_taken, report.progress.bytes), (0, 0, 0));
    assert_eq!(memory.take_writes(), [""; 0]);
    let requests = server.take_requests();
    let reads = requests.iter().filter(|line| line.starts_with("GET") && !line.contains("/referrers/"));
    assert_eq!(reads.collect::<Vec<_>>(), ["GET /v2/up/app/tags/list"]);
}

#[test]
fn only_what_is_missing_moves() {
    let server = start();
    server.push_plain("app", &["1"]);
    let (memory, notes) = (Memory::default(), Notes::default());
    synced(&server, &memory, &notes);
    memory.forget_writes();
    // A new signature of an image that is there, and an image that shares a layer with it.
    server.push_signed("app", &["1"]);
    server.push_plain("next", &["2"]);
    synced(&server, &memory, &notes);
    check_equal(&server, &memory);
    let writes = memory.take_writes();
    assert!(!writes.iter().any(|line| line.contains("layer shared")), "{writes:?}");
    assert!(!writes.iter().any(|line| line.starts_with("tag 1 ")), "{writes:?}");
}

#[test]
fn tags_come_in_by_pattern() {
    let check = |allow: &[&str], deny: &[&str], expected: &[&str]| {
        let server = start();
        server.push_plain("app", &["1", "1.0", "1-dev", "latest"]);
        let memory = Memory::default();
        look(&server, &memory, &Notes::default(), &rules(allow, deny)).expect("comes to its end");
        assert_eq!(memory.tags().into_keys().collect::<Vec<_>>(), expected, "{allow:?} {deny:?}");
    };
    check(&[], &[], &["1", "1-dev", "1.0", "latest"]);
    check(&["1*"], &[], &["1", "1-dev", "1.0"]);
    check(&["1*"], &["*-dev"], &["1", "1.0"]);
    check(&[], &["latest"], &["1", "1-dev", "1.0"]);
    check(&["9*"], &[], &[]);
}

#[test]
fn tags_of_builds_stay_as_they_are() {
    let server = start();
    let digest = server.push_plain("app", &["1", "1_custom"]);
    let (memory, notes) = (Memory::default(), Notes::default());
    notes.hold("1_custom");
    let report = synced(&server, &memory, &notes);
    assert_eq!((report.progress.tags, report.progress.tags_held), (1, 1));
    assert_eq!(memory.tags().into_iter().collect::<Vec<_>>(), [("1".to_owned(), digest)]);
}

#[test]
fn what_is_gone_upstream_goes_where_the_mirror_wrote_it() {
    let server = start();
    let digest = server.push_plain("app", &["1", "2", "3", "4"]);
    let (memory, notes) = (Memory::default(), Notes::default());
    synced(&server, &memory, &notes);
    // Somebody's own tag, a tag that somebody moved, and one that a build took over since.
    memory.point("mine", digest);
    let moved = server.push_plain("elsewhere", &["5"]);
    synced(&server, &memory, &notes);
    memory.point("3", moved);
    notes.hold("4");
    for tag in ["2", "3", "4"] {
        server.delete(tag);
    }
    let report = synced(&server, &memory, &notes);
    assert_eq!(report.progress.tags_removed, 1);
    assert_eq!(memory.tags().into_keys().collect::<Vec<_>>(), ["1", "3", "4", "5", "mine"]);
    // A registry that lists nothing has more likely lost its list than its images.
    for tag in ["1", "5"] {
        server.delete(tag);
    }
    assert_eq!(synced(&server, &memory, &notes).progress.tags_removed, 0);
    assert!(memory.tags().contains_key("1"));
}

#[test]
fn only_what_a_key_signed_comes_in() {
    let server = start();
    let (key, _) = server.push_signed("app", &["1"]);
    server.push_plain("other", &["2", "2.0"]);
    let memory = Memory::default();
    let rules = Rules { keys: vec![key], ..Rules::default() };
    let report = look(&server, &memory, &Notes::default(), &rules).expect("comes to its end");
    assert!(memory.tags().contains_key("1"));
    assert!(!memory.tags().contains_key("2"));
    let refused: Vec<_> =
        report.refused.iter().map(|refused| (refused.tag.as_str(), refused.reason.as_str())).collect();
    assert_eq!(refused, [("2", "no trusted key signed it"), ("2.0", "no trusted key signed it")]);
    assert_eq!(report.progress.tags_refused, 2);
}

#[test]
fn a_registry_without_lists_of_referrers_is_mirrored_by_its_fallback_tags() {
    let server = start();
    server.play(Trick::NoReferrers);
    let (key, digest) = server.push_signed("app", &["1"]);
    let (memory, notes) = (Memory::default(), Notes::default());
    synced(&server, &memory, &notes);
    assert!(memory.verifies(&digest, &key));
    assert!(memory.tags().contains_key(&temper_attest::carrier::fallback_tag(digest)));
    assert_eq!(memory.referrers_of(digest).len(), 2);
    assert_eq!(memory.tags(), server.tags());
}

#[test]
fn a_destination_without_lists_of_referrers_gets_them_under_fallback_tags() {
    for trick in [Trick::None, Trick::NoReferrers] {
        let server = start();
        server.play(trick.clone());
        let (key, digest) = server.push_signed("app", &["1"]);
        let (memory, notes) = (Memory::without_lists(), Notes::default());
        for _ in 0..2 {
            synced(&server, &memory, &notes);
            assert!(memory.verifies(&digest, &key), "{trick:?}");
            assert!(memory.tags().contains_key(&temper_attest::carrier::fallback_tag(digest)), "{trick:?}");
        }
    }
}

#[test]
fn an_image_says_which_definition_it_is_of() {
    let server = start();
    server.push_labelled("app", &["3.13", "3.13-debian"], "image/python/debian-13/3.13");
    server.push_plain("other", &["2"]);
    let notes = Notes::default();
    synced(&server, &Memory::default(), &notes);
    let written: Vec<_> =
        notes.written_now().into_iter().map(|tag| (tag.tag, tag.tag_definition_id)).collect();
    let id = Some("python/debian-13/3.13".to_owned());
    let expected = [("2".to_owned(), None), ("3.13".to_owned(), id.clone()), ("3.13-debian".to_owned(), id)];
    assert_eq!(written, expected);
}

#[test]
fn an_image_that_is_broken_upstream_keeps_no_other_out() {
    let server = start();
    let broken = server.push_plain("broken", &["1"]);
    server.push_plain("whole", &["2"]);
    server.play(Trick::Missing(format!("manifests/{broken}")));
    let (memory, notes) = (Memory::default(), Notes::default());
    let report = synced(&server, &memory, &notes);
    assert_eq!(memory.tags().into_keys().collect::<Vec<_>>(), ["2"]);
    assert_eq!(report.refused.len(), 1, "{report:?}");
    assert_eq!(report.refused[0].tag, "1");
    server.play(Trick::None);
    assert_eq!(synced(&server, &memory, &notes).refused, []);
    check_equal(&server, &memory);
}

/// Whatever request fails in whatever way: tags lead to whole images only, and the next look ends the work.
#[test]
fn a_look_that_fails_anywhere_is_taken_up() {
    let server = start();
    server.push_signed("app", &["1", "1.0"]);
    server.push_plain("other", &["2"]);
    let tricks: [fn(usize) -> Trick; 5] =
        [Trick::Status500, Trick::TooMany, Trick::CutOff, Trick::WrongBytes, Trick::Forbidden];
    let (mut position, mut failed) = (0, BTreeSet::new());
    loop {
        let trick = tricks[position % tricks.len()](position);
        let (memory, notes) = (Memory::default(), Notes::default());
        server.play(trick.clone());
        let first = look(&server, &memory, &notes, &Rules::default());
        let met = server.trick_was_met();
        server.play(Trick::None);
        memory.check_whole();
        if let Err(error) = first {
            failed.insert(format!("{:?}", fault(&error)));
        }
        synced(&server, &memory, &notes);
        check_equal(&server, &memory);
        if !met {
            break;
        }
        position += 1;
    }
    assert!(position > 30, "only {position} requests were met");
    assert!(failed.len() > 1, "{failed:?}");
}

#[test]
fn failures_are_told_apart() {
    let check = |trick: Trick, expected: Fault| {
        let server = start();
        server.push_plain("app", &["1"]);
        server.play(trick.clone());
        let outcome = look(&server, &Memory::default(), &Notes::default(), &Rules::default());
        let found = fault(&outcome.expect_err("fails"));
        assert_eq!(found, expected, "{trick:?}");
    };
    check(Trick::Status500(0), Fault::Passing(None));
    check(Trick::TooMany(0), Fault::Passing(Some(std::time::Duration::from_mins(10))));
    check(Trick::Forbidden(0), Fault::Upstream);
    check(Trick::Status500(3), Fault::Passing(None));
    check(Trick::CutOff(3), Fault::Passing(None));
}

#[test]
fn a_look_that_must_not_go_on_writes_no_tag() {
    let server = start();
    server.push_plain("app", &["1"]);
    let (memory, notes) = (Memory::default(), Notes::default());
    notes.stop();
    let error = look(&server, &memory, &notes, &Rules::default()).expect_err("is stopped");
    assert!(matches!(error, HubError::Conflict { .. }), "{error}");
    assert_eq!(memory.tags().len(), 0);
}

#[test]
fn names_of_attachments_are_known() {
    let digest = Digest::of("image");
    let hex = digest.hex();
    for (tag, expected) in [
        (format!("sha256-{hex}.sig"), Some(digest)),
        (format!("sha256-{hex}.att"), Some(digest)),
        (format!("sha256-{hex}.sbom"), Some(digest)),
        (format!("sha256-{hex}"), Some(digest)),
        ("sha256-short.sig".to_owned(), None),
        ("3.13".to_owned(), None),
        ("latest".to_owned(), None),
    ] {
        assert_eq!(super::subject_of(&tag), expected, "{tag}");
    }
}
