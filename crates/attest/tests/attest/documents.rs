//! Statements, envelopes, payloads and bundles: written, read, verified, and refused.

use proptest::prelude::*;
use serde_json::json;
use temper_attest::{
    Bundle, Envelope, FormatError, Limits, Signer, SimpleSigning, Statement, Subject, dsse, predicate,
};

use crate::fixtures::{digest, key};

fn statement() -> Statement {
    let subject = Subject::new("registry.example.com/acme/nginx", digest("image"));
    Statement::new(vec![subject], predicate::OPENVEX, json!({"b": 1, "a": []}))
}

#[test]
fn a_statement_is_written_in_the_order_of_its_specification() {
    insta::assert_snapshot!(String::from_utf8(statement().to_bytes()).unwrap(), @r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"registry.example.com/acme/nginx","digest":{"sha256":"6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"}}],"predicateType":"https://openvex.dev/ns","predicate":{"b":1,"a":[]}}"#);
}

#[test]
fn what_is_signed_is_the_pre_authentication_encoding() {
    assert_eq!(
        dsse::pae("http://example.com/HelloWorld", b"hello world"),
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(dsse::pae("", "ä".as_bytes()), "DSSEv1 0  2 ä".as_bytes());
}

#[test]
fn an_envelope_round_trips_and_verifies_with_its_key_only() {
    let limits = Limits::default();
    let envelope = Envelope::sign(&statement(), &key(1)).unwrap();
    let read = Envelope::parse(&envelope.to_bytes(), &limits).unwrap();
    assert_eq!(read, envelope);
    assert_eq!(read.verified_statement(&key(1).public_key(), &limits).unwrap(), statement());
    let other = key(2).public_key();
    let error = read.verify(&other).unwrap_err();
    assert_eq!(error.to_string(), format!("signature is not made by key `{}` over these bytes", other.id()));
    assert_eq!(Envelope::sign(&statement(), &key(1)).unwrap(), envelope);
}

#[test]
fn either_of_two_signatures_is_enough_and_a_changed_payload_none() {
    let mut envelope = Envelope::sign(&statement(), &key(1)).unwrap();
    envelope.signatures.extend(Envelope::sign(&statement(), &key(2)).unwrap().signatures);
    for seed in [1, 2] {
        envelope.verify(&key(seed).public_key()).unwrap();
    }
    envelope.payload[10] ^= 1;
    assert!(matches!(envelope.verify(&key(1).public_key()), Err(FormatError::Signature(_))));
    envelope.signatures.clear();
    assert!(matches!(envelope.verify(&key(1).public_key()), Err(FormatError::Unsigned)));
}

#[test]
fn the_payload_type_is_signed_too() {
    let mut envelope = Envelope::sign(&statement(), &key(1)).unwrap();
    envelope.payload_type = "application/json".to_owned();
    assert!(envelope.verify(&key(1).public_key()).is_err());
    let error = envelope.statement(&Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "payload has the type `application/json`, expected `application/vnd.in-toto+json`"
    );
}

#[test]
fn envelopes_in_the_other_alphabet_and_with_key_ids_are_read() {
    let text = r#"{"payload":"-_8=","payloadType":"t","signatures":[{"keyid":"k","sig":"+/8="},{"keyid":"","sig":""}]}"#;
    let envelope = Envelope::parse(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(envelope.payload, [0xfb, 0xff]);
    let ids: Vec<_> = envelope.signatures.iter().map(|signature| signature.key_id.as_deref()).collect();
    assert_eq!(ids, [Some("k"), None]);
}

#[test]
fn a_statement_speaks_of_its_subjects() {
    let statement = statement();
    statement.check_subject(digest("image")).unwrap();
    let error = statement.check_subject(digest("other")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("statement is about `{}`, not about `{}`", digest("image"), digest("other"))
    );
}

#[test]
fn a_payload_has_cosigns_bytes() {
    let payload =
        SimpleSigning { docker_reference: "127.0.0.1:5000/acme/nginx".to_owned(), digest: digest("image") };
    insta::assert_snapshot!(String::from_utf8(payload.to_bytes()).unwrap(), @r#"{"critical":{"identity":{"docker-reference":"127.0.0.1:5000/acme/nginx"},"image":{"docker-manifest-digest":"sha256:6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"},"type":"cosign container image signature"},"optional":null}"#);
    let limits = Limits::default();
    assert_eq!(SimpleSigning::parse(&payload.to_bytes(), &limits).unwrap(), payload);
    payload.check_subject(digest("image")).unwrap();
    assert!(matches!(payload.check_subject(digest("other")), Err(FormatError::Subject { .. })));
    let text = String::from_utf8(payload.to_bytes()).unwrap();
    SimpleSigning::parse(text.replace("null", r#"{"git":"1"}"#).as_bytes(), &limits).unwrap();
    let other = text.replace("cosign container", "atomic container");
    assert!(matches!(SimpleSigning::parse(other.as_bytes(), &limits), Err(FormatError::Type { .. })));
}

#[test]
fn a_bundle_round_trips_and_holds_one_signature_without_key_id() {
    let limits = Limits::default();
    let envelope = Envelope::sign(&statement(), &key(1)).unwrap();
    let bundle = Bundle::new(envelope.clone(), key(1).key_id()).unwrap();
    let read = Bundle::parse(&bundle.to_bytes(), &limits).unwrap();
    assert_eq!(read, bundle);
    assert_eq!(read.verified_statement(&key(1).public_key(), &limits).unwrap(), statement());
    let older =
        String::from_utf8(bundle.to_bytes()).unwrap().replace("bundle.v0.3+json", "bundle+json;version=0.3");
    assert_eq!(Bundle::parse(older.as_bytes(), &limits).unwrap(), bundle);

    let mut two = envelope.clone();
    two.signatures.push(two.signatures[0].clone());
    assert!(matches!(Bundle::new(two, key(1).key_id()), Err(FormatError::Signatures(2))));
    let mut named = envelope;
    named.signatures[0].key_id = Some("k".to_owned());
    assert!(matches!(Bundle::new(named, key(1).key_id()), Err(FormatError::KeyId(_))));
}

#[test]
fn every_bound_is_named() {
    let tight = Limits {
        envelope_bytes_max: 10,
        statement_bytes_max: 10,
        simple_signing_bytes_max: 10,
        ..Limits::default()
    };
    let long = [b' '; 11];
    for (document, error) in [
        ("envelope", Envelope::parse(&long, &tight).unwrap_err()),
        ("bundle", Bundle::parse(&long, &tight).unwrap_err()),
        ("statement", Statement::parse(&long, &tight).unwrap_err()),
        ("simple signing payload", SimpleSigning::parse(&long, &tight).unwrap_err()),
    ] {
        assert_eq!(error.to_string(), format!("{document} has 11 bytes, more than 10"));
    }
    let none = Limits { subjects_max: 0, signatures_max: 0, ..Limits::default() };
    let error = Statement::parse(&statement().to_bytes(), &none).unwrap_err();
    assert_eq!(error.to_string(), "statement has 1 subjects, more than 0");
    let envelope = Envelope::sign(&statement(), &key(1)).unwrap();
    let error = Envelope::parse(&envelope.to_bytes(), &none).unwrap_err();
    assert_eq!(error.to_string(), "envelope has 1 signatures, more than 0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn damaged_documents_are_errors_or_do_not_verify(index in 0usize..4096, byte in any::<u8>()) {
        let limits = Limits::default();
        let bundle = Bundle::new(Envelope::sign(&statement(), &key(1)).unwrap(), key(1).key_id()).unwrap();
        let mut bytes = bundle.to_bytes();
        let index = index % bytes.len();
        bytes[index] = byte;
        if let Ok(read) = Bundle::parse(&bytes, &limits)
            && let Ok(said) = read.verified_statement(&key(1).public_key(), &limits)
        {
            prop_assert_eq!(said, statement());
        }
        let mut bytes = statement().to_bytes();
        let index = index % bytes.len();
        bytes[index] = byte;
        let _ = Statement::parse(&bytes, &limits);
    }

    #[test]
    fn any_payload_round_trips(payload in prop::collection::vec(any::<u8>(), 0..200), payload_type in ".{0,20}") {
        let limits = Limits::default();
        let bytes = key(1).sign(&dsse::pae(&payload_type, &payload)).unwrap();
        let envelope = Envelope { payload_type, payload, signatures: vec![dsse::Signature { key_id: None, bytes }] };
        let read = Envelope::parse(&envelope.to_bytes(), &limits).unwrap();
        prop_assert_eq!(&read, &envelope);
        prop_assert!(read.verify(&key(1).public_key()).is_ok());
    }
}
