//! What records say, and that no text makes the parser panic.

use proptest::prelude::*;

use super::*;

const TEXT: &str = "\
Package: libc6
Source: glibc (2.41-12)
Version: 2.41-12+b1
Installed-Size: 13364
Maintainer: Nobody
Architecture: amd64
Replaces: libc6-amd64
Depends: libgcc-s1,
 libcrypt1 (>= 1:4.4)
Provides: libc6-2.41, glibc-abi (= 2.41), (broken
Description: GNU C Library
 more
Multi-Arch: same
Section: libs
Priority: optional
Filename: pool/main/g/glibc/libc6_2.41.deb
Size: 2846904
SHA256: 00ff


# a comment
package: base-files
version: 13
Architecture: all
Essential: yes
Important: yes
Priority: required
Description:
 none";

#[test]
fn reads_fields_of_all_stanzas() {
    let index = PackageIndex::parse(TEXT.to_owned()).unwrap();
    assert_eq!(index.len(), 2);
    let libc = index.find(0).unwrap();
    assert_eq!((libc.name(), libc.version(), libc.architecture()), ("libc6", "2.41-12+b1", "amd64"));
    assert_eq!(libc.source(), ("glibc", "2.41-12"));
    assert_eq!(libc.multi_arch(), MultiArch::Same);
    assert_eq!(libc.depends(), "libgcc-s1,\n libcrypt1 (>= 1:4.4)");
    assert_eq!(libc.provided().collect::<Vec<_>>(), [("libc6-2.41", None), ("glibc-abi", Some("2.41"))]);
    assert_eq!((libc.size_bytes(), libc.installed_size_kib()), (Some(2_846_904), Some(13_364)));
    assert_eq!((libc.filename(), libc.sha256()), (Some("pool/main/g/glibc/libc6_2.41.deb"), Some("00ff")));
    assert_eq!(libc.description(), "GNU C Library");
    assert!(libc.stanza().starts_with("Package: libc6\n") && libc.stanza().ends_with("SHA256: 00ff\n"));
    let base = index.find(1).unwrap();
    assert_eq!((base.name(), base.source()), ("base-files", ("base-files", "13")));
    assert!(base.essential() && base.protected());
    assert!(base.priority() > libc.priority());
    assert_eq!((base.filename(), base.size_bytes(), base.multi_arch()), (None, None, MultiArch::No));
    assert_eq!(&TEXT[base.offset()..], base.stanza());
}

#[test]
fn the_first_of_two_equal_fields_counts() {
    let index = PackageIndex::parse("Package: a\nPackage: b\n c\nVersion: 1\nArchitecture: all\n".to_owned())
        .unwrap();
    assert_eq!(index.find(0).unwrap().name(), "a");
}

#[test]
fn an_empty_index_has_no_records() {
    for text in ["", "\n\n", "# nothing\n"] {
        assert!(PackageIndex::parse(text.to_owned()).unwrap().is_empty());
    }
}

#[test]
fn names_the_line_that_is_wrong() {
    for (text, message) in [
        (" x\n", "line 1 of the index is no field"),
        ("Package: a\nword\n", "line 2 of the index is no field"),
        (
            "Package: a\nVersion: 1\n\n",
            "the stanza that ends before line 3 of the index has no field `Architecture`",
        ),
        (
            "Version: 1\nArchitecture: all",
            "the stanza that ends before line 2 of the index has no field `Package`",
        ),
    ] {
        assert_eq!(PackageIndex::parse(text.to_owned()).unwrap_err().to_string(), message);
    }
}

proptest! {
    #[test]
    fn foreign_text_never_panics(text in "((Package|Version|Architecture|Size|x)?:?[ -~é]{0,6}\n){0,12}") {
        if let Ok(index) = PackageIndex::parse(text) {
            for record in index.records() {
                let _ = (record.source(), record.provided().count(), record.description(), record.stanza());
            }
        }
    }
}
