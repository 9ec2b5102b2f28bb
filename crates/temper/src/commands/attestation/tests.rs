//! Whose word is shown.

use serde_json::json;
use temper_attest::{Envelope, FileKey, Statement, Subject};

use super::*;

fn key(number: u8) -> FileKey {
    FileKey::generate(&mut |bytes: &mut [u8]| {
        bytes.fill(number);
        Ok(())
    })
    .expect("is a scalar")
}

fn known(number: u8) -> KnownKey {
    KnownKey { name: format!("key {number}"), key: key(number).public_key() }
}

/// An SBOM that says who has signed it.
fn listed(carrier: Carrier, signer: u8) -> Listed {
    let subject = vec![Subject::new("image", Digest::of("image"))];
    let statement = Statement::new(subject.clone(), predicate::SPDX, json!({"name": format!("of {signer}")}));
    let envelope = Envelope::sign(&statement, &key(signer)).expect("signs");
    let place = |what: &str| Digest::of(format!("{what} {carrier:?} {signer}"));
    let (manifest, blob) = (place("manifest"), place("blob"));
    Listed { carrier, manifest, blob, envelope, predicate_type: predicate::SPDX.to_owned(), subject }
}

#[test]
fn the_first_that_a_known_key_has_signed_is_shown() {
    let all = [listed(Carrier::Referrer, 9), listed(Carrier::Referrer, 1), listed(Carrier::LegacyTag, 2)];
    for (keys, expected) in [
        (&[1][..], Ok("of 1")),
        (&[2], Ok("of 2")),
        (&[2, 1], Ok("of 1")),
        (&[3], Err(false)),
        (&[], Err(true)),
    ] {
        let keys: Vec<KnownKey> = keys.iter().copied().map(known).collect();
        match (choose(&all, &keys), expected) {
            (Ok(found), Ok(expected)) => {
                let statement = found.envelope.statement(&limits()).expect("is one");
                assert_eq!(statement.predicate["name"], expected);
            }
            (Err(refusal), Err(is_without_keys)) => {
                assert_eq!(refusal.is_without_keys, is_without_keys);
                assert_eq!(refusal.first, Some(&all[0]));
            }
            (found, _) => panic!("{:?} with {} keys", found.map(|_| ()).map_err(|_| ()), keys.len()),
        }
    }
    assert!(choose(&[], &[known(1)]).is_err_and(|refusal| refusal.first.is_none()));
}

#[test]
fn what_nobody_known_has_signed_is_refused_in_words() {
    let all = [listed(Carrier::Referrer, 9)];
    for (named, keys, listed, expected) in [
        (&["a.pub"][..], &[1][..], &all[..], "the SBOM is signed by none of the given keys"),
        (&[], &[1], &all, "the SBOM is signed by no key of the data folder"),
        (&[], &[], &all, "there is no key to verify the SBOM with"),
        (&[], &[1], &[], "there is no SBOM"),
    ] {
        let keys: Vec<KnownKey> = keys.iter().copied().map(known).collect();
        let key = named.iter().map(|&name| name.to_owned()).collect();
        let options = cli::AttestedImage { image: "image".to_owned(), platform: None, key };
        let Err(refusal) = choose(listed, &keys) else { panic!("is shown") };
        let error = Error::from(refusal.explain("SBOM", &options));
        assert_eq!(error.to_string(), expected);
        let hint = crate::failure::hint(&error).expect("helps");
        assert_eq!(hint.contains("--allow-unsigned"), !listed.is_empty(), "{hint}");
    }
}

#[test]
fn a_statement_is_one_row_and_its_type_drives_no_terminal() {
    let mut foreign = listed(Carrier::Referrer, 9);
    foreign.predicate_type = "https://a.example/\u{1b}[2J".to_owned();
    let all = [listed(Carrier::Referrer, 1), listed(Carrier::LegacyTag, 1), foreign];
    let rows = rows(&all, &[known(1)]);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[1].signed_by.as_slice(), rows[1].carriers.as_slice()),
        (&["key 1".to_owned()][..], &["referrer", "legacy-tag"][..])
    );
    let list =
        List { image: "a".to_owned(), digest: Digest::of("image"), platform: None, attestations: rows };
    let text = list_text(&list);
    assert!(text.contains("https://a.example/\\u001b[2J  sha256:"), "{text}");
}
