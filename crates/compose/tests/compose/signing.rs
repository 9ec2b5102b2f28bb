//! Who signs in the tests, and what is told of their builds.

use temper_attest::FileKey;
use temper_attest::provenance::{Builder, Target};
use temper_compose::BuildContext;

/// The repository that images go to.
pub(crate) const REPOSITORY: &str = "registry.example/acme/app";

/// A key that is always the same for a seed.
pub(crate) fn key(seed: u8) -> FileKey {
    let mut next = seed;
    let mut counting = |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(1);
        }
        Ok(())
    };
    FileKey::generate(&mut counting).expect("counting does not fail")
}

/// A build that began at a second of a minute.
pub(crate) fn context_at(second: u32) -> BuildContext<'static> {
    BuildContext {
        repository: REPOSITORY.to_owned(),
        document: "name: test # as submitted\n".to_owned(),
        target: Target {
            destination: "acme/app".to_owned(),
            tag_definition_id: None,
            tags: vec!["1_test".to_owned()],
        },
        builder: Builder { id: "urn:temper:builder:test".to_owned(), versions: [].into() },
        temper_version: "0.0.0".to_owned(),
        invocation: format!("urn:temper:build:{second}"),
        started_on: format!("2026-01-01T00:00:{second:02}Z"),
        finished_on: format!("2026-01-01T00:01:{second:02}Z"),
        trusted_keys: vec![key(1).public_key()],
        vex: &[],
    }
}

/// The only build of a test.
pub(crate) fn context() -> BuildContext<'static> {
    context_at(0)
}
