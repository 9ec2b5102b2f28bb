//! Signatures that count, and those that do not.

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use temper_testkit::archive::{DATE, TestKey};

use super::*;

const TEXT: &str = "Origin: Debian\n- dashed\nSuite: trixie  \n";

fn at(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.cast_unsigned())
}

fn keyring(key: &TestKey) -> Keyring {
    Keyring::parse("test", &key.keyring()).unwrap()
}

#[test]
fn good_signatures_give_the_signed_text_alone() {
    let key = TestKey::generate();
    let signed = key.sign_clear(TEXT, DATE);
    let surrounded = [b"Origin: Mallory\n", &signed[..], b"\nSuite: evil\n"].concat();
    for bytes in [signed, surrounded] {
        let verified = verify_inrelease(&bytes, &keyring(&key), at(DATE + 60)).unwrap();
        assert_eq!(verified.text.trim_end(), "Origin: Debian\n- dashed\nSuite: trixie");
        assert_eq!(verified.signers, [key.fingerprint()]);
    }
    let signature = key.sign_detached(TEXT, DATE);
    let verified = verify_detached(TEXT.as_bytes(), &signature, &keyring(&key), at(DATE + 60)).unwrap();
    assert_eq!(verified, Verified { text: TEXT.to_owned(), signers: vec![key.fingerprint()] });
}

#[test]
fn one_known_signer_of_several_suffices() {
    let (old, new) = (TestKey::generate(), TestKey::generate());
    let signed = old.sign_clear_with(&[&new], TEXT, DATE);
    for known in [&old, &new] {
        let verified = verify_inrelease(&signed, &keyring(known), at(DATE)).unwrap();
        assert_eq!(verified.signers, [known.fingerprint()]);
    }
    let both = Keyring::parse("both", &[old.keyring(), new.keyring()].concat()).unwrap();
    let mut expected = [old.fingerprint(), new.fingerprint()];
    expected.sort();
    assert_eq!(verify_inrelease(&signed, &both, at(DATE)).unwrap().signers, expected);
}

#[test]
fn what_is_not_signed_now_by_a_known_key_is_refused() {
    let key = TestKey::generate();
    let signed = key.sign_clear(TEXT, DATE);
    let check = |bytes: &[u8], ring: &Keyring, time: i64, expected: &str| {
        let error = verify_inrelease(bytes, ring, at(time)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} should contain {expected}");
        assert!(error.hint().is_some());
    };
    let ring = keyring(&key);
    let changed = String::from_utf8(signed.clone()).unwrap().replace("trixie", "sid");
    check(changed.as_bytes(), &ring, DATE, "no signature of keyring `test` is good");
    check(&signed, &keyring(&TestKey::generate()), DATE, "issing key");
    check(&signed, &ring, DATE - 86_400, "no signature of keyring `test` is good");
    check(b"", &ring, DATE, "file has no OpenPGP signature");
    check(TEXT.as_bytes(), &ring, DATE, "file has no OpenPGP signature");
    check(&signed[..signed.len() / 2], &ring, DATE, "");
}

#[test]
fn a_key_that_expired_since_does_not_count() {
    let key = TestKey::valid_for_days(600);
    let (signed, ring) = (key.sign_clear(TEXT, DATE), keyring(&key));
    verify_inrelease(&signed, &ring, at(DATE)).unwrap();
    let error = verify_inrelease(&signed, &ring, at(DATE + 100 * 86_400)).unwrap_err();
    assert!(error.to_string().starts_with("no signature of keyring `test` is good: "), "{error}");
    let error =
        verify_detached(TEXT.as_bytes(), &key.sign_detached(TEXT, DATE), &ring, at(DATE + 100 * 86_400));
    assert!(matches!(error, Err(VerifyError::Signature { .. })));
}

#[test]
fn the_keyring_of_debian_is_there() {
    let ring = Keyring::debian_archive();
    let mut names: Vec<_> =
        ring.certs().iter().flat_map(Cert::userids).map(|id| id.userid().to_string()).collect();
    names.sort();
    let releases = ["(12/bookworm)", "(13/trixie)"];
    for role in [
        "Debian Archive Automatic Signing Key",
        "Debian Security Archive Automatic Signing Key",
        "Debian Stable Release Key",
    ] {
        for release in releases {
            assert!(
                names.iter().any(|name| name.starts_with(&format!("{role} {release}"))),
                "{role} {release}"
            );
        }
    }
    assert_eq!(names.len(), 6);
}

#[test]
fn bytes_that_are_no_keyring_are_refused() {
    let message = |bytes: &[u8]| Keyring::parse("mine", bytes).unwrap_err().to_string();
    assert_eq!(message(b""), "keyring `mine` has no certificate");
    assert!(message(b"no key").starts_with("keyring `mine` "));
}

/// Made once: without optimization keys take their time.
static SIGNED: LazyLock<(Keyring, Vec<u8>, Verified)> = LazyLock::new(|| {
    let key = TestKey::generate();
    let (signed, ring) = (key.sign_clear(TEXT, DATE), keyring(&key));
    let whole = verify_inrelease(&signed, &ring, at(DATE)).unwrap();
    (ring, signed, whole)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_messages_give_the_text_or_an_error(at_byte in any::<prop::sample::Index>(), value in any::<u8>()) {
        let (ring, signed, whole) = &*SIGNED;
        let mut signed = signed.clone();
        let index = at_byte.index(signed.len());
        signed[index] = value;
        if let Ok(verified) = verify_inrelease(&signed, ring, at(DATE)) {
            // White space at the end of a line is not signed.
            let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(lines(&verified.text), lines(&whole.text));
        }
    }

    #[test]
    fn foreign_bytes_are_never_trusted(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (ring, ..) = &*SIGNED;
        prop_assert!(verify_inrelease(&bytes, ring, at(DATE)).is_err());
        prop_assert!(verify_detached(&bytes, &bytes, ring, at(DATE)).is_err());
        let _ = Keyring::parse("foreign", &bytes);
    }
}
