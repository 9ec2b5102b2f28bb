//! Key files in cosign's form, and what the keys sign.

use proptest::prelude::*;
use secrecy::SecretString;
use temper_attest::keys::{KEY_BYTES_MAX, KeyDerivation, RandomError, signature_der};
use temper_attest::{FileKey, KeyError, PublicKey, Signer};

use crate::fixtures::{counting, key};

/// Written by `cosign generate-key-pair` 2.5 with the passphrase `correct-horse`; it signs nothing but this test.
const COSIGN_KEY: &str = "\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJFYm4xM3FWU0VBUXdNeWtWYXYvd3VlRXQxTzBoWVJL
ZkExK29GOHhVbDdjPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJZYVc5SGRoWFBUQzUvSjU4VUpFTmIvVEQwWjM3TkROLyJ9LCJj
aXBoZXJ0ZXh0IjoiNEtDRUFpWUo3VnRPL0ZQd0E4UGZ3TDZYT1R6b0czNUM3MitB
dURsSzdZRkFpNFFqSjFEMmk1WWh6bU1sUkhtcC9abjFPR3NYbzRwQ2tEMFBidXA1
ZzgvSTBxSXlidVBaejZBQmdBTU5UV2xuU3lwOTB6WlFLMVk2VllCTndXSjBYNytz
aWN0aytKMlk2SG1yc290dUloSEVGbUlUZWpMMWhvQXJKNFVtenVmY0lqampKWEM4
UlUyKzB4L1duelhhdUdabFdsSHdxMjZlWGc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
";
const COSIGN_PUB: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELRQzu+2vK1Aurw4XeqwcdM7/b7Q2
wPMT9u6scOZ2ti0vzH/K1aYK+NcWlXlo13tXTP1tooFTyqQ5QxLl1ozAEw==
-----END PUBLIC KEY-----
";
/// Made by `cosign sign-blob` with that key over `hello temper`.
const COSIGN_SIGNATURE: &str =
    "MEYCIQCpwhgAFduyq/CmKoc5iWKAT4W+qLyqy00fj8tVBsCx6QIhAMUBbCrJX3ggjwoNxwukp/6NXtlf1DQFe77+ziMb15IO";

fn passphrase(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn cosigns_own_key_file_opens_under_both_labels() {
    for text in [COSIGN_KEY.to_owned(), COSIGN_KEY.replace("SIGSTORE", "COSIGN")] {
        let key = FileKey::from_encrypted_pem(&text, &passphrase("correct-horse")).unwrap();
        assert_eq!(key.public_key().to_pem(), COSIGN_PUB);
        assert_eq!(key.key_id(), key.public_key().id());
    }
}

#[test]
fn cosigns_signature_verifies_and_only_over_its_bytes() {
    use base64::Engine as _;
    let key = PublicKey::from_pem(COSIGN_PUB).unwrap();
    let signature = base64::engine::general_purpose::STANDARD.decode(COSIGN_SIGNATURE).unwrap();
    assert_eq!(key.verify(b"hello temper", &signature), Ok(()));
    assert_eq!(key.verify(b"hello tamper", &signature).unwrap_err().key, key.id());
    for index in 0..signature.len() {
        let mut changed = signature.clone();
        changed[index] ^= 1;
        assert!(key.verify(b"hello temper", &changed).is_err(), "byte {index}");
    }
}

#[test]
fn a_written_key_file_opens_again_with_its_passphrase_only() {
    let key = key(1);
    let text = key.to_encrypted_pem(&passphrase("käse"), KeyDerivation::Light, &mut counting(7)).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), "{text}");
    let again = FileKey::from_encrypted_pem(&text, &passphrase("käse")).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(again.sign(b"x").unwrap(), key.sign(b"x").unwrap());
    let error = FileKey::from_encrypted_pem(&text, &passphrase("kase")).unwrap_err();
    assert_eq!(error, KeyError::Passphrase);
}

#[test]
fn secrets_do_not_print() {
    let key = key(3);
    assert_eq!(format!("{key:?}"), format!("FileKey {{ id: {}, .. }}", key.key_id()));
}

#[test]
fn a_source_without_bytes_makes_no_key() {
    let mut empty = |_: &mut [u8]| Err(RandomError);
    assert_eq!(FileKey::generate(&mut empty).unwrap_err(), KeyError::Random(RandomError));
    let mut zeros = |bytes: &mut [u8]| {
        bytes.fill(0);
        Ok(())
    };
    assert_eq!(FileKey::generate(&mut zeros).unwrap_err(), KeyError::Random(RandomError));
}

fn sealed(json: &str) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(json);
    format!(
        "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n{body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
    )
}

#[test]
fn bad_key_files_say_what_is_wrong() {
    let fields = |kdf: &str, n: u64, r: u32, cipher: &str, nonce: &str| {
        sealed(&format!(
            r#"{{"kdf":{{"name":"{kdf}","params":{{"N":{n},"r":{r},"p":1}},"salt":"AA=="}},"cipher":{{"name":"{cipher}","nonce":"{nonce}"}},"ciphertext":"AA=="}}"#
        ))
    };
    for (text, message) in [
        (String::new(), "key is not PEM: no `-----BEGIN` line, its end, and Base64 between them"),
        ("x".repeat(KEY_BYTES_MAX + 1), "key has 16385 bytes, more than 16384"),
        (
            COSIGN_KEY.replace("eyJ", "e!J"),
            "key is not PEM: no `-----BEGIN` line, its end, and Base64 between them",
        ),
        (COSIGN_PUB.to_owned(), "key is a PEM `PUBLIC KEY`, expected `ENCRYPTED SIGSTORE PRIVATE KEY`"),
        (sealed("{}"), "encrypted key has an unknown form: no JSON with its fields"),
        (
            fields("pbkdf2", 65536, 8, "nacl/secretbox", ""),
            "encrypted key has an unknown form: the key derivation is not scrypt",
        ),
        (
            fields("scrypt", 65536, 8, "aes", ""),
            "encrypted key has an unknown form: the cipher is not `nacl/secretbox`",
        ),
        (
            fields("scrypt", 65536, 8, "nacl/secretbox", "AA=="),
            "encrypted key has an unknown form: the nonce has not 24 bytes",
        ),
        (
            fields("scrypt", 1 << 40, 8, "nacl/secretbox", ""),
            "encrypted key wants scrypt with N=1099511627776, r=8, p=1; accepted are N=32768, 65536 and 131072 with r=8, p=1",
        ),
        (
            fields("scrypt", 2, 8, "nacl/secretbox", ""),
            "encrypted key wants scrypt with N=2, r=8, p=1; accepted are N=32768, 65536 and 131072 with r=8, p=1",
        ),
    ] {
        let error = FileKey::from_encrypted_pem(&text, &passphrase("x")).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn what_hardware_modules_give_becomes_a_key_and_a_signature() {
    let signer = key(1);
    let point = &signer.public_key_spki()[26..];
    let public = PublicKey::from_point(point).unwrap();
    assert_eq!(public, signer.public_key());
    assert_eq!(PublicKey::from_point(&point[1..]).unwrap_err(), KeyError::Kind);
    let der = signer.sign(b"message").unwrap();
    let scalars = p256::ecdsa::Signature::from_der(&der).unwrap().to_bytes();
    assert_eq!(signature_der(&scalars).unwrap(), der);
    assert_eq!(signature_der(&scalars[1..]), None);
    assert_eq!(signature_der(&[0; 64]), None);
}

#[test]
fn public_keys_of_another_kind_are_refused() {
    // An Ed25519 key, see RFC 8410, section 10.1.
    let ed25519 = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    assert_eq!(PublicKey::from_pem(ed25519).unwrap_err(), KeyError::Kind);
    let error = PublicKey::from_pem(COSIGN_KEY).unwrap_err();
    assert!(matches!(error, KeyError::Label { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_a_key_or_an_error(text in "(-----BEGIN [A-Z ]{0,12}-----)?[A-Za-z0-9+/=\n]{0,80}(-----END [A-Z ]{0,12}-----)?") {
        let _ = PublicKey::from_pem(&text);
    }

    #[test]
    fn any_bytes_are_a_public_key_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = PublicKey::from_spki(&bytes);
    }
}
