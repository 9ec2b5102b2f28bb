//! References.

use temper_oci::{ParseReferenceError, Reference};

#[test]
fn references_are_completed_as_docker_does() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let pinned = format!("acme/app:1@{digest}");
    let full = format!("docker.io/acme/app:1@{digest}");
    for (text, expected) in [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/acme/app", "docker.io/acme/app"),
        ("acme/app", "docker.io/acme/app"),
        (pinned.as_str(), full.as_str()),
        ("localhost/x", "localhost/x"),
        ("localhost:5000/x:Tag_1.0-x", "localhost:5000/x:Tag_1.0-x"),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b"),
        ("[::1]:5000/a/b", "[::1]:5000/a/b"),
        ("Registry/a__b.c-d--e", "Registry/a__b.c-d--e"),
        ("registry.example.com/a/b/c/d:x", "registry.example.com/a/b/c/d:x"),
    ] {
        let reference: Reference = text.parse().expect(text);
        assert_eq!(reference.to_string(), expected);
        assert_eq!(expected.parse::<Reference>().expect(expected), reference);
    }
}

#[test]
fn bad_references_say_what_is_wrong() {
    for (text, expected) in [
        ("", "reference is empty"),
        ("acme/App", "repository `acme/App` is not made of"),
        ("a//b", "repository `a//b` is not made of"),
        ("acme/a___b", "repository `acme/a___b` is not made of"),
        ("acme/a..b", "repository `acme/a..b` is not made of"),
        ("acme/-a", "repository `acme/-a` is not made of"),
        ("acme/a:", "tag `` is not made of"),
        ("acme/a:-x", "tag `-x` is not made of"),
        ("acme/a@sha256:00", "has a bad digest"),
        ("https://example.com/a", "registry `https://` is neither"),
        ("example.com:0/a", "registry `example.com:0` is neither"),
        ("example.com:99999/a", "registry `example.com:99999` is neither"),
        ("-x.com/a", "registry `-x.com` is neither"),
        ("example.com/", "repository `` is not made of"),
        (":x", "repository `` is not made of"),
    ] {
        let error = text.parse::<Reference>().expect_err(text);
        assert!(error.to_string().contains(expected), "`{error}` is not `{expected}`");
    }
    let long = format!("acme/{}", "a".repeat(255));
    assert!(matches!(long.parse::<Reference>(), Err(ParseReferenceError::RepositoryLength(_))));
    let tag = format!("acme/a:{}", "t".repeat(129));
    assert!(matches!(tag.parse::<Reference>(), Err(ParseReferenceError::Tag(_))));
    let hint = "acme/App".parse::<Reference>().expect_err("is refused").hint();
    assert_eq!(hint.as_deref(), Some("write it in lower case: `acme/app`"));
}

#[test]
fn parts_can_be_exchanged() {
    let reference = Reference::parse_in("acme/app:1", "registry.example.com").expect("parses");
    assert_eq!(reference.registry(), "registry.example.com");
    assert_eq!(reference.repository(), "acme/app");
    assert_eq!(reference.identifier(), "1");
    assert_eq!(reference.with_tag("2").expect("is a tag").to_string(), "registry.example.com/acme/app:2");
    assert!(reference.with_tag("a b").is_err());
    assert_eq!(reference.without_identifier().identifier(), "latest");
    let digest = temper_oci::Digest::of("x");
    assert_eq!(reference.with_digest(digest).identifier(), digest.to_string());
}
