//! Fields, dates and file lists of releases, and what is refused.

use proptest::prelude::*;

use super::*;

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn text() -> String {
    format!(
        "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nVersion: 13\nCodename: trixie-security\n\
         Date: Sat, 06 Sep 2025 09:36:42 UTC\nValid-Until: Sat, 13 Sep 2025 09:36:42 UTC\n\
         Acquire-By-Hash: yes\nNo-Support-for-Architecture-all: Packages\n\
         Architectures: all amd64 arm64\nComponents: main contrib\n\
         MD5Sum:\n d41d8cd98f00b204e9800998ecf8427e 0 main/binary-amd64/Packages\n\
         SHA256:\n {SHA} 0 main/binary-amd64/Packages\n {SHA}     12 main/binary-amd64/Packages.xz\n"
    )
}

#[test]
fn facts_of_a_release_are_read() {
    let release = Release::parse(&text()).unwrap();
    assert_eq!(release.origin.as_deref(), Some("Debian"));
    assert_eq!(release.suite.as_deref(), Some("stable-security"));
    assert_eq!(release.codename.as_deref(), Some("trixie-security"));
    assert_eq!(release.date, 1_757_151_402);
    assert_eq!(release.valid_until, Some(1_757_151_402 + 7 * 86_400));
    assert_eq!(release.architectures, ["all", "amd64", "arm64"]);
    assert_eq!(release.components, ["main", "contrib"]);
    assert_eq!(release.files.len(), 2);
    assert_eq!(release.files["main/binary-amd64/Packages.xz"].size, 12);
    assert_eq!(release.files["main/binary-amd64/Packages.xz"].sha256[..2], [0xe3, 0xb0]);
    assert!(release.acquire_by_hash);
    assert!(!release.not_automatic && !release.but_automatic_upgrades && !release.has_separate_all);
}

#[test]
fn backports_and_foreign_archives_differ() {
    let text = text()
        .replace("Acquire-By-Hash: yes\n", "NotAutomatic: yes\nButAutomaticUpgrades: yes\n")
        .replace("No-Support-for-Architecture-all: Packages\n", "")
        .replace("Valid-Until: Sat, 13 Sep 2025 09:36:42 UTC\n", "");
    let release = Release::parse(&text).unwrap();
    assert!(release.not_automatic && release.but_automatic_upgrades && release.has_separate_all);
    assert!(!release.acquire_by_hash);
    assert_eq!(release.valid_until, None);
}

#[test]
fn what_is_wrong_is_named() {
    let check = |from: &str, to: &str, expected: &str| {
        let error = Release::parse(&text().replace(from, to)).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        assert_eq!(format!("{error}{cause}"), expected);
    };
    check("Date: Sat, 06 Sep 2025 09:36:42 UTC\n", "", "release is no control data: field `Date` is missing");
    check(
        "Date: Sat, 06 Sep 2025 09:36:42 UTC\n",
        "Date: 2025-09-06\n",
        "field `Date` of the release has `2025-09-06`, which is no date",
    );
    check(
        "Until: Sat, 13 Sep",
        "Until: Sat, 31 Sep",
        "field `Valid-Until` of the release has `Sat, 31 Sep 2025 09:36:42 UTC`, which is no date",
    );
    check("SHA256:", "SHA1:", "release is no control data: field `SHA256` is missing");
    let line = format!("{SHA} 0 main/../../x");
    check(
        &format!("{SHA} 0 main/binary-amd64/Packages\n"),
        &format!("{line}\n"),
        &format!("field `SHA256` of the release has line `{line}`, which is not `digest size path`"),
    );
    check(
        "12 main/binary-amd64/Packages.xz",
        "12 main/binary-amd64/Packages",
        "release lists `main/binary-amd64/Packages` twice with different digests",
    );
}

#[test]
fn dates_follow_the_calendar() {
    for (text, expected) in [
        ("Thu, 01 Jan 1970 00:00:00 UTC", Some(0)),
        ("Tue, 29 Feb 2000 23:59:60 GMT", Some(951_868_800)),
        ("Mon,  1 Mar 2100 00:00:00 +0000", Some(4_107_542_400)),
        ("Mon, 23 Nov 2026 08:00:00 UTC", Some(1_795_420_800)),
        ("Fri, 31 Dec 9999 23:59:59 Z", Some(253_402_300_799)),
        ("Mon, 29 Feb 2100 00:00:00 UTC", None),
        ("Thu, 01 Jan 1970 00:00:00 CET", None),
        ("Thu, 01 Jan 1970 24:00:00 UTC", None),
        ("Thu, 01 Jan 1970 00:00 UTC", None),
        ("Thu, +1 Jan 1970 00:00:00 UTC", None),
        ("", None),
    ] {
        assert_eq!(parse_date(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn foreign_text_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Release::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn damaged_releases_never_panic(at in 0..text().len(), with in "[ -~\n]{0,4}", cut in 0usize..8) {
        let mut text = text();
        text.replace_range(at..(at + cut).min(text.len()), &with);
        let _ = Release::parse(&text);
    }

    #[test]
    fn dates_never_panic(text in "[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3} [A-Z]{1,3}") {
        let _ = parse_date(&text);
    }
}
