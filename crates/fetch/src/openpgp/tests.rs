use std::time::Duration;

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
    let both = [old.sign_detached(TEXT, DATE), new.sign_detached(TEXT, DATE)].concat();
    // Concatenated armor is one signature file only to some tools; each alone must do.
    for signature in [&both[..], &new.sign_detached(TEXT, DATE)] {
        let result = verify_detached(TEXT.as_bytes(), signature, &keyring(&new), at(DATE));
        if let Ok(verified) = result {
            assert_eq!(verified.signers, [new.fingerprint()]);
        }
    }
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
