//! An SPDX document as a table.

use std::fmt::Write as _;

use serde_json::Value;

use crate::printing::cell;

/// Renders the packages of a document, whoever wrote it.
pub(super) fn text(image: &str, document: &Value) -> String {
    let word = |value: &Value| cell(value.as_str().unwrap_or("-")).into_owned();
    let packages = document["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut rows: Vec<[String; 4]> = packages
        .iter()
        .filter_map(|package| {
            let kind = kind(package)?;
            let licence = word(&package["licenseDeclared"]).replace("NOASSERTION", "-");
            Some([word(&package["name"]), word(&package["versionInfo"]), kind, licence])
        })
        .collect();
    rows.sort();
    let mut text = format!(
        "{image}\n{}, created {}, {} packages\n\n",
        word(&document["spdxVersion"]),
        word(&document["creationInfo"]["created"]),
        rows.len()
    );
    rows.insert(0, ["NAME", "VERSION", "TYPE", "LICENCE"].map(str::to_owned));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for [name, version, kind, licence] in &rows {
        let [a, b, c] = widths;
        let _ = writeln!(text, "{name:a$}  {version:b$}  {kind:c$}  {licence}");
    }
    text
}

/// The kind of a package, as its purl says it; what has none is the image itself, or a file.
fn kind(package: &Value) -> Option<String> {
    let references = package["externalRefs"].as_array()?;
    let purl = references.iter().find(|reference| reference["referenceType"] == "purl")?;
    let kind = purl["referenceLocator"].as_str()?.strip_prefix("pkg:")?.split('/').next()?;
    let is_image = package["primaryPackagePurpose"] == "CONTAINER";
    (!is_image).then(|| cell(kind).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn packages_are_a_table_sorted_by_name() {
        let package = |name: &str, version: &str, licence: &str| {
            json!({
                "name": name, "versionInfo": version, "licenseDeclared": licence,
                "externalRefs": [{"referenceType": "purl", "referenceLocator": format!("pkg:deb/debian/{name}@{version}")}],
            })
        };
        let document = json!({
            "spdxVersion": "SPDX-2.3",
            "creationInfo": {"created": "2026-01-01T00:00:00Z"},
            "packages": [
                {"name": "image", "primaryPackagePurpose": "CONTAINER",
                 "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:oci/image"}]},
                package("zlib1g", "1:1.3", "Zlib"),
                package("bash", "5.2", "NOASSERTION"),
                {"name": "file", "primaryPackagePurpose": "FILE"},
            ],
        });
        let expected = "\
registry.example/a@sha256:1
SPDX-2.3, created 2026-01-01T00:00:00Z, 2 packages

NAME    VERSION  TYPE  LICENCE
bash    5.2      deb   -
zlib1g  1:1.3    deb   Zlib
";
        assert_eq!(text("registry.example/a@sha256:1", &document), expected);
        assert!(text("a", &json!({})).contains("0 packages"));
    }

    #[test]
    fn no_document_drives_a_terminal_or_makes_rows() {
        let reference = json!({"referenceType": "purl", "referenceLocator": "pkg:de\u{1b}b/a"});
        let package = json!({
            "name": "a\u{1b}]0;title\u{7}", "versionInfo": "1\nbash  5.2  deb  -",
            "licenseDeclared": "\u{9b}2J", "externalRefs": [reference],
        });
        let document = json!({
            "spdxVersion": "SPDX\r", "creationInfo": {"created": "\u{202e}"}, "packages": [package],
        });
        let table = text("registry.example/a", &document);
        assert!(table.chars().all(|character| character == '\n' || !character.is_control()), "{table:?}");
        assert_eq!(table.lines().count(), 5, "{table}");
        assert!(table.contains("a\\u001b]0;title\\u0007"), "{table}");
    }
}
