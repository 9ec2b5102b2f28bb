//! Hashes that `openssl x509 -hash` gave for certificates made for this purpose, and the links and bundles of trees.

use super::subject_hash::subject_hash;
use super::*;
use crate::effects::testing::{Fixture, check, put};
use proptest::prelude::*;
use temper_testkit::pem::{OTHER, SAME, SAME_CAPITALS};

/// Names as DER with their hash, by what is special in them.
const NAMES: &[(&str, u32, &str)] = &[
    (
        "blanks and capitals in printable strings",
        0x02cd_e4fa,
        "3041310b30090603550406130258583121301f060355040a131854656d70657220202054455354202041\
             7574686f72697479310f300d06035504031306526f6f742041",
    ),
    (
        "characters beyond ASCII",
        0x2025_4b34,
        "303e310b300906035504061302585831173015060355040a0c0e5ac3bc7269636820c3846d7465723116\
             301406035504030c0de6a0b920e8af81e4b9a6204341",
    ),
    (
        "Latin-1 in a T61 string",
        0x0886_0d48,
        "3037310b300906035504061302585831143012060355040a140b5afc7269636820476d62483112301006\
             0355040314094f6c642020526f6f74",
    ),
    (
        "a BMP string",
        0xac27_f5f1,
        "3043310b300906035504061302585831153013060355040a1e0c005a00fc0072006900630068311d301b\
             06035504031e140057006900640065002000200052004f004f0054",
    ),
    (
        "several attributes in one relative name",
        0x081c_4c5c,
        "303c310b3009060355040613025858312d300c06035504030c054d756c7469300d060355040a0c065465\
             6d706572300e060355040b0c07556e6974202042",
    ),
    (
        "an IA5 string",
        0x026e_3adb,
        "3031310d300b060355040313044d61696c3120301e06092a864886f70d0109011611526f6f7440457861\
             6d706c652e54455354",
    ),
    (
        "a name longer than 127 bytes",
        0x356d_32c9,
        "3081d831473045060355040a0c3e412076657279206c6f6e67206e616d65206f6620616e206f7267616e\
             697a6174696f6e2074686174206e656564732061206c6f74206f6620726f6f6d20313146304406035504\
             0b0c3d416e6f746865722076657279206c6f6e67206e616d65206f66206120756e69742074686174206e\
             65656473206173206d75636820726f6f6d20322058593145304306035504030c3c59657420616e6f7468\
             65722076657279206c6f6e67206e616d65206f66206120726f6f742074686174206e6565647320726f6f\
             6d2061732077656c6c",
    ),
    ("a plain name", 0x0f1c_4625, "3020310f300d060355040a0c0654656d706572310d300b06035504030c0453616d65"),
    (
        "the same in other case",
        0x0f1c_4625,
        "3020310f300d060355040a0c0654454d504552310d300b06035504030c0473616d65",
    ),
];

const HASH_SAME: &str = "0f1c4625";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal");
    digits.chunks(2).map(byte).collect()
}

#[test]
fn hashes_equal_those_of_openssl() {
    for (what, hash, name) in NAMES {
        let found = subject_hash(&bytes(name));
        assert_eq!(found, Some(*hash), "{what}: {found:08x?}");
    }
    for broken in [&[0x30, 2, 0x31][..], &[0x31, 0], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 2, 0x30, 0]] {
        assert_eq!(subject_hash(broken), None);
    }
}

fn content(path: &str, certificate: &str) -> String {
    format!("{path} = {certificate}")
}

#[test]
fn the_package_brings_configuration_bundle_and_links() {
    let (first, second) = (
        content("usr/share/ca-certificates/m/B (1),2 x.crt", SAME),
        content("usr/share/ca-certificates/m/A.crt", OTHER),
    );
    let files = ["usr/sbin/update-ca-certificates", first.as_str(), second.as_str()];
    let local = content("usr/local/share/ca-certificates/own.crt", SAME_CAPITALS.trim_end());
    let fixture = Fixture::default().package("ca-certificates", "", &files).with(&[&local]);
    let effect = ca_certificates(&fixture.context());
    let [
        Change::File { path, content, .. },
        Change::File { path: bundle_path, content: bundle, mode, .. },
        ..,
    ] = effect.changes.as_slice()
    else {
        panic!("configuration and bundle come first");
    };
    assert_eq!((path.as_str(), bundle_path.as_str(), *mode), (CONFIGURATION, BUNDLE, 0o644));
    assert_eq!(String::from_utf8_lossy(content), format!("{HEADER}m/A.crt\nm/B (1),2 x.crt\n"));
    assert_eq!(String::from_utf8_lossy(bundle), format!("{OTHER}{SAME}{SAME_CAPITALS}"));
    let links = Effect { changes: effect.changes[2..].to_vec(), ..Effect::default() };
    check(
        &links,
        &[
            "etc/ssl/certs/A.pem -> /usr/share/ca-certificates/m/A.crt",
            "etc/ssl/certs/B_=1=_2_x.pem -> /usr/share/ca-certificates/m/B (1),2 x.crt",
            "etc/ssl/certs/own.pem -> /usr/local/share/ca-certificates/own.crt",
            "etc/ssl/certs/02cde4fa.0 -> A.pem",
            "etc/ssl/certs/0f1c4625.0 -> B_=1=_2_x.pem",
            "etc/ssl/certs/0f1c4625.1 -> own.pem",
        ],
    );
    let mut done = fixture;
    crate::effects::testing::apply(&mut done.tree, &effect.changes);
    check(&ca_certificates(&done.context()), &[]);
}

#[test]
fn a_bundle_without_the_package_is_kept_and_joined() {
    let base = format!("{BUNDLE} = {OTHER}");
    let (known, new) = (
        content("usr/local/share/ca-certificates/a.crt", OTHER),
        content("usr/local/share/ca-certificates/b.crt", SAME),
    );
    let fixture = Fixture::base(&[&base, "etc/ssl/certs/java/cacerts"]).with(&[&known, &new]);
    let effect = ca_certificates(&fixture.context());
    let Some(Change::File { content, .. }) = effect.changes.first() else { panic!("the bundle comes first") };
    assert_eq!(String::from_utf8_lossy(content), format!("{OTHER}{SAME}"));
    let rest = Effect { changes: effect.changes[1..].to_vec(), ..effect };
    check(
        &rest,
        &[
            "etc/ssl/certs/a.pem -> /usr/local/share/ca-certificates/a.crt",
            "etc/ssl/certs/b.pem -> /usr/local/share/ca-certificates/b.crt",
            "etc/ssl/certs/02cde4fa.0 -> a.pem",
            "etc/ssl/certs/0f1c4625.0 -> b.pem",
            "! the local certificates do not join Java's store `/etc/ssl/certs/java/cacerts`",
        ],
    );
    check(&ca_certificates(&Fixture::base(&[&base]).context()), &[]);
    check(&ca_certificates(&Fixture::default().package("curl", "", &["usr/bin/curl"]).context()), &[]);
}

#[test]
fn deselected_and_gone_certificates_lose_their_links() {
    let certificate = content("usr/share/ca-certificates/m/A.crt", SAME);
    let hash_link = format!("etc/ssl/certs/{HASH_SAME}.0 -> A.pem");
    let base = [
        "usr/sbin/update-ca-certificates",
        "etc/ca-certificates.conf = # c\n!m/A.crt\nm/Gone.crt\n",
        "etc/ssl/certs/A.pem -> /usr/share/ca-certificates/m/A.crt",
        "etc/ssl/certs/Gone.pem -> /usr/share/ca-certificates/m/Gone.crt",
        "etc/ssl/certs/mine.pem -> /srv/mine.pem",
        &hash_link,
    ];
    let new = content("usr/share/ca-certificates/m/New.crt", SAME_CAPITALS);
    let fixture = Fixture::base(&base).package("ca-certificates", "", &[&certificate, &new]);
    let bundle = format!("{BUNDLE} = {} (644 0:0)", SAME_CAPITALS.escape_debug());
    check(
        &ca_certificates(&fixture.context()),
        &[
            "usr/local/share/ca-certificates/ (755 0:0)",
            r"etc/ca-certificates.conf = # c\n!m/A.crt\n!m/Gone.crt\nm/New.crt\n (644 0:0)",
            &bundle,
            "etc/ssl/certs/A.pem removed",
            "etc/ssl/certs/Gone.pem removed",
            "etc/ssl/certs/New.pem -> /usr/share/ca-certificates/m/New.crt",
            "etc/ssl/certs/0f1c4625.0 -> New.pem",
        ],
    );
}

#[test]
fn hash_links_keep_their_numbers_and_equal_certificates_get_one() {
    let mut tree = Tree::default();
    let files = [
        content("etc/ssl/certs/a.pem", SAME),
        content("etc/ssl/certs/b.pem", SAME_CAPITALS),
        content("etc/ssl/certs/c.crt", SAME),
        content("etc/ssl/certs/d.pem", &format!("{SAME}{OTHER}")),
        content("etc/ssl/certs/e.txt", OTHER),
        format!("etc/ssl/certs/{HASH_SAME}.0 -> b.pem"),
    ];
    put(&mut tree, &files.each_ref().map(String::as_str));
    let links = directory::hash_links(&tree, DIRECTORY, &BTreeMap::new());
    let links: Vec<_> = links.iter().map(|(link, name)| format!("{link} {name}")).collect();
    assert_eq!(links, ["0f1c4625.0 b.pem", "0f1c4625.1 a.pem"]);
    assert!(directory::is_hash_link("0f1c4625.10"));
    for name in ["0f1c4625", "0f1c4625.", "0f1c462.0", "0f1c4625.r0", "ca-certs.0"] {
        assert!(!directory::is_hash_link(name), "{name}");
    }
}

proptest! {
    #[test]
    fn any_name_is_read_without_panic(name in proptest::collection::vec(any::<u8>(), 0..64)) {
        subject_hash(&name);
        let mut wrapped = vec![0x30, name.len() as u8, 0x31, name.len().saturating_sub(2) as u8];
        wrapped.extend(&name);
        subject_hash(&wrapped);
    }
}

#[test]
fn what_cannot_be_read_is_no_certificate() {
    let frame = "-----BEGIN CERTIFICATE-----\n xx\n -----END CERTIFICATE-----\n";
    for text in ["", frame, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(!super::is_certificate(text.as_bytes()), "{text:?}");
    }
}
