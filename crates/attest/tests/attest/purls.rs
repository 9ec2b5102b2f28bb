//! Package URLs: canonical text, and what is read of foreign ones.

use proptest::prelude::*;
use temper_attest::Purl;

#[test]
fn the_text_is_canonical() {
    let debian = |name: &str, version: &str| Purl::new("deb", "debian", name, version);
    for (purl, text) in [
        (debian("curl", "7.88.1-10+deb12u8"), "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u8"),
        (debian("libssl3", "3.0.15-1~deb12u1"), "pkg:deb/debian/libssl3@3.0.15-1~deb12u1"),
        (
            debian("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1"),
            "pkg:deb/debian/zlib1g@1:1.3.dfsg%2Breally1.3.1-1%2Bb1",
        ),
        (debian("libstdc++6", "14.2.0-19"), "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19"),
        (
            debian("a", "1")
                .with("upstream", "gcc-14@14.2.0-19+x")
                .with("distro", "debian-13")
                .with("arch", ""),
            "pkg:deb/debian/a@1?distro=debian-13&upstream=gcc-14%4014.2.0-19%2Bx",
        ),
        (
            Purl::new("oci", "", "nginx", "sha256:ab").with("repository_url", "localhost:5000/acme/nginx"),
            "pkg:oci/nginx@sha256:ab?repository_url=localhost:5000/acme/nginx",
        ),
        (Purl::new("generic", "a b/c", "ä", ""), "pkg:generic/a%20b/c/%C3%A4"),
    ] {
        assert_eq!(purl.to_string(), text);
        assert_eq!(text.parse::<Purl>().unwrap(), purl, "{text}");
    }
}

#[test]
fn other_forms_of_the_same_are_read() {
    let expected =
        Purl::new("deb", "debian", "curl", "1+1").with("arch", "amd64").with("distro", "debian-13");
    for text in [
        "pkg:deb/debian/curl@1%2b1?distro=debian-13&arch=amd64",
        "pkg://DEB/debian//curl@1+1?ARCH=amd64&distro=debian-13&empty=#sub/path",
    ] {
        assert_eq!(text.parse::<Purl>().unwrap(), expected, "{text}");
    }
    for bad in [
        "",
        "deb/debian/curl",
        "pkg:deb",
        "pkg:deb/",
        "pkg:d b/x",
        "pkg:deb/%f",
        "pkg:deb/%ff",
        "pkg:deb/a?b",
    ] {
        let error = bad.parse::<Purl>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{bad}` is not a package URL")), "{error}");
    }
    assert!(format!("pkg:deb/{}", "a".repeat(5000)).parse::<Purl>().is_err());
}

proptest! {
    #[test]
    fn any_part_round_trips(
        namespace in "[^/]{0,8}",
        name in "[^/]{1,8}",
        version in ".{0,8}",
        value in ".{0,8}",
    ) {
        let purl = Purl::new("deb", &namespace, &name, &version).with("distro", &value);
        prop_assert_eq!(purl.to_string().parse::<Purl>().unwrap(), purl);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(pkg:)?[a-z%@/?#&=0-9]{0,40}") {
        if let Ok(purl) = text.parse::<Purl>() {
            prop_assert_eq!(purl.to_string().parse::<Purl>().unwrap(), purl);
        }
    }
}
