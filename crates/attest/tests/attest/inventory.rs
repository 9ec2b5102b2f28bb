//! An inventory and the two SBOMs made of it.

use std::collections::BTreeSet;

use serde_json::Value;
use temper_attest::inventory::{
    Artifact, File, Image, Inventory, OperatingSystem, Package, PackageSource, Supplier, Tool,
};
use temper_attest::{Licence, Limits};
use temper_oci::Platform;

use crate::fixtures::digest;

fn package(name: &str, version: &str, source: Option<(&str, &str)>, depends: &[&str]) -> Package {
    let copyright = "Format: dep5\n\nFiles: *\nLicense: Expat and Odd\n";
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        source: source
            .map(|(name, version)| PackageSource { name: name.to_owned(), version: version.to_owned() }),
        supplier: Supplier::parse("Debian Team <team@example.org>"),
        homepage: None,
        licence: Licence::from_copyright(copyright, &Limits::default()).filter(|_| name == "curl"),
        checksums: Vec::new(),
        depends: depends.iter().map(|&name| name.to_owned()).collect(),
        files: Vec::new(),
    }
}

pub(crate) fn inventory() -> Inventory {
    let curl = Package {
        homepage: Some("https://curl.se/".to_owned()),
        checksums: vec![digest("curl.deb")],
        files: vec!["/usr/bin/curl".to_owned()],
        ..package("curl", "8.14.1-2+deb13u2", None, &["libssl3t64", "libstdc++6", "absent"])
    };
    let tzdata =
        Package { architecture: "all".to_owned(), ..package("tzdata", "2025b-4+deb13u1", None, &["libc6"]) };
    Inventory {
        image: Image {
            repository: "registry.example.com/acme/nginx".to_owned(),
            digest: digest("amd64"),
            platform: Platform::linux("amd64"),
        },
        created: "2026-01-01T00:00:00Z".to_owned(),
        supplier: "Acme".to_owned(),
        tool: Tool { name: "temper".to_owned(), version: "0.1.0".to_owned() },
        operating_system: Some(OperatingSystem {
            id: "debian".to_owned(),
            version_id: "13".to_owned(),
            name: "Debian GNU/Linux".to_owned(),
            pretty_name: "Debian GNU/Linux 13 (trixie)".to_owned(),
        }),
        packages: vec![
            tzdata,
            package("libssl3t64", "3.5.4-1~deb13u1", Some(("openssl", "3.5.4-1~deb13u1")), &["libc6"]),
            package("libstdc++6", "14.2.0-19", Some(("gcc-14", "14.2.0-19")), &["libc6"]),
            package("libc6", "2.41-12", Some(("glibc", "2.41-12")), &[]),
            package(
                "zlib1g",
                "1:1.3.dfsg+really1.3.1-1+b1",
                Some(("zlib", "1:1.3.dfsg+really1.3.1-1")),
                &["libc6"],
            ),
            curl,
        ],
        artifacts: vec![Artifact {
            repository: "registry.example.com/acme/ca".to_owned(),
            digest: digest("artifact"),
            sbom: Some(digest("artifact sbom")),
        }],
        files: vec![File { path: "/etc/app/ä b.conf".to_owned(), digest: digest("file") }],
    }
}

#[test]
fn spdx_says_everything() {
    insta::assert_snapshot!("spdx", serde_json::to_string_pretty(&inventory().to_spdx()).unwrap());
}

#[test]
fn cyclonedx_says_everything() {
    insta::assert_snapshot!("cyclonedx", serde_json::to_string_pretty(&inventory().to_cyclonedx()).unwrap());
}

#[test]
fn the_order_of_the_inventory_does_not_count() {
    let mut shuffled = inventory();
    shuffled.packages.reverse();
    shuffled.packages.iter_mut().for_each(|package| package.depends.reverse());
    assert_eq!(shuffled.to_spdx(), inventory().to_spdx());
    assert_eq!(shuffled.to_cyclonedx(), inventory().to_cyclonedx());
}

#[test]
fn another_image_or_tool_is_another_document() {
    let serial = |inventory: &Inventory| inventory.to_cyclonedx()["serialNumber"].clone();
    let mut other = inventory();
    other.image.digest = digest("arm64");
    assert_ne!(serial(&other), serial(&inventory()));
    let mut newer = inventory();
    newer.tool.version = "0.2.0".to_owned();
    assert_ne!(serial(&newer), serial(&inventory()));
    assert_ne!(inventory().to_spdx()["documentNamespace"], serial(&inventory()));
}

fn texts<'a>(items: &'a Value, field: &str) -> Vec<&'a str> {
    items.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

fn check_references(inventory: &Inventory) {
    let spdx = inventory.to_spdx();
    let ids = texts(&spdx["packages"], "SPDXID");
    let known: BTreeSet<&str> = ids.iter().copied().chain(["SPDXRef-DOCUMENT"]).collect();
    assert_eq!(known.len(), ids.len() + 1, "identifiers stand once");
    for side in ["spdxElementId", "relatedSpdxElement"] {
        assert!(texts(&spdx["relationships"], side).iter().all(|id| known.contains(id)));
    }
    let cyclonedx = inventory.to_cyclonedx();
    let mut references = texts(&cyclonedx["components"], "bom-ref");
    references.push(cyclonedx["metadata"]["component"]["bom-ref"].as_str().unwrap());
    let known: BTreeSet<&str> = references.iter().copied().collect();
    assert_eq!(known.len(), references.len(), "references stand once");
    let from = texts(&cyclonedx["dependencies"], "ref");
    assert_eq!(from.iter().copied().collect::<BTreeSet<_>>(), known);
    for dependency in cyclonedx["dependencies"].as_array().unwrap() {
        let to = dependency["dependsOn"].as_array().unwrap();
        assert!(to.iter().all(|reference| known.contains(reference.as_str().unwrap())));
    }
}

#[test]
fn references_meet_in_images_of_all_kinds() {
    check_references(&inventory());
    let mut scratch = inventory();
    scratch.operating_system = None;
    check_references(&scratch);
    assert!(
        scratch.to_cyclonedx().to_string().contains("pkg:deb/debian/curl@8.14.1-2%2Bdeb13u2?arch=amd64\"")
    );
    let mut foreign = inventory();
    foreign.packages.push(Package { architecture: "i386".to_owned(), ..foreign.packages[3].clone() });
    check_references(&foreign);
    let empty = Inventory { packages: Vec::new(), artifacts: Vec::new(), files: Vec::new(), ..inventory() };
    check_references(&empty);
}

#[test]
fn fields_of_the_database_are_read() {
    for (field, name, email) in [
        (
            "Debian Curl Team <team+curl@tracker.example>",
            "Debian Curl Team",
            Some("team+curl@tracker.example"),
        ),
        ("\"A, B\" <a@b>", "A, B", Some("a@b")),
        ("someone", "someone", None),
        ("<only@mail>", "only@mail", Some("only@mail")),
    ] {
        let expected = Supplier { name: name.to_owned(), email: email.map(str::to_owned) };
        assert_eq!(Supplier::parse(field), Some(expected), "{field}");
    }
    assert_eq!(Supplier::parse(" "), None);
    for (field, expected) in
        [("gcc-14", Some(("gcc-14", "2"))), ("zlib (1:1)", Some(("zlib", "1:1"))), ("", None)]
    {
        let expected = expected
            .map(|(name, version)| PackageSource { name: name.to_owned(), version: version.to_owned() });
        assert_eq!(PackageSource::parse(field, "2"), expected, "{field}");
    }
}
