//! Tampering as a table: each row changes one file in one place, and verification says which.

mod change;
mod lies;

use serde_json::Value;
use temper_attest::carrier::{attestation_tag, signature_tag};
use temper_attest::predicate;

use crate::published::Published;

use change::{Change, File, apply};
use lies::{
    HEX, PROVENANCE, base, listed_twice, no_document, of_an_absent_package, of_another_image, other_artifact,
    other_base, other_file, other_image, other_package, own_as_base, without_a_reason,
};

use Change::{Flip, Forged, Lied, NotAtIndex, OtherKey, Remove, Retag, Signed, SwapTags, Unsigned, Untag};
use File::{Attestation, Bundle, Config, Layer, Signature};

const SPDX: &str = predicate::SPDX;
const CYCLONEDX: &str = predicate::CYCLONEDX;
const RECORD: &str = predicate::COMPOSITION;
const VEX: &str = predicate::OPENVEX;
const SETTINGS: &str = "/buildDefinition/internalParameters/platforms/linux~1amd64";

/// What is changed, and words of the place and of the message that must be told.
fn table() -> Vec<(Change, &'static str, &'static str)> {
    let text = |text: &str| Value::from(text);
    let digest = || Value::from(format!("sha256:{HEX}"));
    let below =
        |rest: &'static str| -> &'static str { Box::leak(format!("{SETTINGS}{rest}").into_boxed_str()) };
    vec![
        // Bytes that are not those of their digest.
        (Flip(Layer(0)), "index, linux/amd64, layer 0", "is damaged"),
        (Flip(Layer(1)), "index, linux/amd64, layer 1", "is damaged"),
        (Flip(Layer(4)), "index, linux/amd64, layer 4", "is damaged"),
        (Flip(Config), "index, linux/amd64, config", "is damaged"),
        (Flip(File::Manifest), "index, linux/amd64", "is damaged"),
        (Flip(File::Index), "", "is damaged"),
        (Flip(Signature), "linux/amd64, signatures and attestations", "is damaged"),
        (Flip(Attestation(SPDX)), "linux/amd64, signatures and attestations", "is damaged"),
        (Flip(Bundle(PROVENANCE)), "linux/amd64, signatures and attestations", "is damaged"),
        // Something is missing.
        (Remove(Layer(2)), "index, linux/amd64, layer 2", "is missing"),
        (Remove(Config), "index, linux/amd64, config", "is missing"),
        (Remove(File::Manifest), "index, linux/amd64", "is missing"),
        (Remove(Signature), "linux/amd64, tag `sha256-", "has no valid signature, which the referrers have"),
        (Remove(Attestation(CYCLONEDX)), "linux/amd64, tag `sha256-", "has no valid CycloneDX SBOM"),
        (Remove(Bundle(RECORD)), "linux/amd64, referrers", "have no valid composition record"),
        (Untag(signature_tag), "linux/amd64, tag `sha256-", "has no valid signature"),
        (Untag(attestation_tag), "linux/amd64, tag `sha256-", "has no valid provenance"),
        // Changes without a key, everything above rewritten.
        (Unsigned(Config, "/config/User", text("0")), "linux/amd64, signature", "nothing is signed"),
        (Unsigned(Config, "/config/Env/0", text("PATH=/tmp")), "index, signature", "nothing is signed"),
        (Unsigned(Config, "/rootfs/diff_ids/0", digest()), "index, linux/amd64, layer 0", "diff id is"),
        (
            Unsigned(Config, "/architecture", text("arm64")),
            "index, linux/amd64, config",
            "platform is `linux/arm64`",
        ),
        (Unsigned(File::Manifest, "/layers/1/digest", digest()), "index, linux/amd64, layer 1", "is missing"),
        (Unsigned(File::Manifest, "/layers/1/size", 1.into()), "index, linux/amd64, layer 1", "size is"),
        (
            Unsigned(File::Manifest, "/annotations", serde_json::json!({"a": "b"})),
            "linux/amd64, signature",
            "nothing is signed",
        ),
        (
            Unsigned(File::Index, "/annotations", serde_json::json!({})),
            "index: annotations.`org.opencontainers.image.base.digest`",
            "it is nothing",
        ),
        (
            Unsigned(File::Index, "/manifests/0/platform/architecture", text("riscv64")),
            "index, linux/riscv64, config",
            "platform is `linux/amd64`",
        ),
        (Unsigned(File::Index, "/manifests/1", Value::Null), "index, signature", "nothing is signed"),
        // Signed documents that were changed afterwards.
        (
            Forged(Attestation(SPDX), "/packages/0/name", text("other")),
            "linux/amd64, tag `sha256-",
            "has no valid SPDX SBOM",
        ),
        (
            Forged(Bundle(SPDX), "/packages/0/name", text("other")),
            "linux/amd64, referrers",
            "have no valid SPDX SBOM",
        ),
        (
            Forged(Bundle(PROVENANCE), "/runDetails/builder/id", text("other")),
            "linux/amd64, referrers",
            "have no valid provenance",
        ),
        (
            Forged(Attestation(RECORD), "/environment/0/value", text("/tmp")),
            "linux/amd64, tag `sha256-",
            "has no valid composition record",
        ),
        (
            Forged(Attestation(predicate::OPENVEX), "/author", text("other")),
            "linux/amd64, tag `sha256-",
            "has no valid OpenVEX statement",
        ),
        // Things in the wrong place.
        (SwapTags(attestation_tag), "linux/amd64, legacy tags, blob `sha256:", "statement is about"),
        (SwapTags(signature_tag), "linux/arm64, legacy tags, blob `sha256:", "is about"),
        (Retag(base), "index, signature", "nothing is signed"),
        (
            Retag(other_image),
            "tag `1_test`, provenance: externalParameters.target.tags",
            "the build of this one gave `2_test`",
        ),
        (OtherKey, "index, signature", "it has no signature by the key `sha256:"),
        // A builder that holds the key, and lies.
        (
            Signed(PROVENANCE, "/buildDefinition/externalParameters/document", Some(text("name: other\n"))),
            "index, provenance",
            "does not have the digest that is listed for it",
        ),
        (
            Signed(PROVENANCE, "/buildDefinition/externalParameters/more", Some(text("x"))),
            "index, provenance",
            "cannot be read",
        ),
        (
            Signed(PROVENANCE, "/buildDefinition/internalParameters/baseName", Some(text("x"))),
            "index: annotations.`org.opencontainers.image.base.name`",
            "the provenance says `x`",
        ),
        (
            Signed(PROVENANCE, "/buildDefinition/resolvedDependencies/1/digest/sha256", Some(text(HEX))),
            "base.digest`",
            "the provenance says `sha256:0000",
        ),
        (
            Signed(PROVENANCE, below("/layerKeys/0"), None),
            "linux/amd64, manifest: layers",
            "2 layers are below those that were added, the base has 1",
        ),
        (
            Signed(PROVENANCE, below("/install/0/version"), Some(text("9"))),
            "linux/amd64, package database",
            "base and provenance say 9",
        ),
        (
            Signed(PROVENANCE, below("/install/0"), None),
            "linux/amd64, package database",
            "is neither the base's nor in the provenance",
        ),
        (
            Signed(PROVENANCE, below("/install/0/digest"), Some(digest())),
            "linux/amd64, provenance: internalParameters.platforms.install",
            "the archive lists `libjq1 1.7-1` with the digest",
        ),
        (
            Signed(
                PROVENANCE,
                below("/remove"),
                Some(serde_json::json!([{"name": "base-files", "version": "13", "architecture": "amd64"}])),
            ),
            "linux/amd64, package database",
            "`base-files 13` is neither the base's nor in the provenance",
        ),
        (
            Signed(PROVENANCE, SETTINGS, None),
            "linux/amd64, provenance: internalParameters.platforms",
            "it does not name the platform",
        ),
        (
            Signed(SPDX, "/packages/2/versionInfo", Some(text("9"))),
            "linux/amd64, SPDX SBOM: packages[2].versionInfo",
            "it is `9`, the package URL says",
        ),
        (Signed(SPDX, "/packages/2", None), "linux/amd64, SPDX SBOM: packages", "of the image is missing"),
        (
            Signed(CYCLONEDX, "/components/1/purl", Some(text("pkg:deb/debian/evil@1?arch=all"))),
            "linux/amd64, CycloneDX SBOM: components",
            "the image does not have `evil 1`",
        ),
        (
            Signed(RECORD, "/environment/0/value", Some(text("/tmp"))),
            "linux/amd64, composition record: environment",
            "the config says",
        ),
        (
            Signed(RECORD, "/platform", Some(text("linux/arm64"))),
            "linux/amd64, composition record: platform",
            "it is `linux/arm64`",
        ),
        (
            Signed(RECORD, "/user/value", Some(text("0"))),
            "linux/amd64, composition record: user",
            "it is `0`",
        ),
        (
            Signed(RECORD, "/users/0/id", Some(7.into())),
            "linux/amd64, composition record: users[0]",
            "it is `root 7`",
        ),
        (
            Signed(RECORD, "/groups/0", None),
            "linux/amd64, composition record: groups[0]",
            "`/etc/group` says `root 0`",
        ),
        (Lied(RECORD, other_package), "linux/amd64, composition record: origins", "is not in the provenance"),
        (
            Lied(RECORD, other_artifact),
            "linux/amd64, composition record: origins",
            "is not in the provenance",
        ),
        (
            Lied(RECORD, own_as_base),
            "linux/amd64, composition record: `/srv/own`",
            "is of another origin than the record says",
        ),
        (
            Lied(RECORD, listed_twice),
            "linux/amd64, composition record: `/usr/bin/app`",
            "it has several origins",
        ),
        (
            Lied(VEX, of_another_image),
            "linux/amd64, OpenVEX statement: statements[0].products[0]",
            "`pkg:oci/other` is not this image",
        ),
        (
            Lied(VEX, of_an_absent_package),
            "linux/amd64, OpenVEX statement: statements[0].products[0].subcomponents[0]",
            "the image does not have `pkg:deb/debian/evil@1`",
        ),
        (
            Lied(VEX, without_a_reason),
            "linux/amd64, OpenVEX statement: statements[0].justification",
            "status `not_affected` needs",
        ),
        (Lied(VEX, no_document), "linux/amd64, OpenVEX statement", "VEX document cannot be parsed"),
        (Lied(SPDX, other_file), "linux/amd64, SPDX SBOM: packages[", "has another digest"),
        (Lied(CYCLONEDX, other_file), "linux/amd64, CycloneDX SBOM: components[", "has another digest"),
        (Lied(PROVENANCE, other_base), "linux/amd64, manifest: layers[0]", "is not the base's"),
        (NotAtIndex(SPDX), "index, SPDX SBOM", "that of `linux/arm64` is not attached to the index"),
        (
            Signed(RECORD, "/origins/0/others", Some(serde_json::json!(["/nowhere"]))),
            "linux/amd64, composition record: `/bin`",
            "the image has it, the record does not",
        ),
    ]
}

#[test]
fn every_change_is_found_where_it_is() {
    let published = Published::new(true);
    let before = published.verify(&published.repository).expect("can be read");
    assert!(before.is_verified(), "{:#?}", before.failed);
    let table = table();
    assert!(table.len() >= 30);
    let mut wrong = Vec::new();
    for (change, at, message) in table {
        let repository = apply(&published, &change);
        match published.verify(&repository) {
            // Without its root there is no image that a report could be about.
            Err(error) if at.is_empty() && error.contains(message) => {}
            Err(error) => wrong.push(format!("{change:?}: {error}")),
            Ok(report) => {
                let is_told = |failed: &temper_compose::verify::Failed| {
                    failed.at.contains(at) && failed.message.contains(message)
                };
                if !report.failed.iter().any(is_told) {
                    wrong.push(format!("{change:?}\n  wanted {at}: {message}\n  told {:#?}", report.failed));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
