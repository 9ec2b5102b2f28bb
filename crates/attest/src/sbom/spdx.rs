//! SPDX 2.3 as JSON.
//!
//! Added files are packages with the purpose `FILE`, because SPDX's own files need a SHA-1 each.

use serde_json::{Map, Value, json};
use temper_oci::Digest;

use crate::inventory::{Artifact, File, Inventory, OperatingSystem, Package, Supplier};
use crate::purl::Purl;

const NOTHING: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-ContainerImage";

pub(super) fn document(inventory: &Inventory) -> Value {
    let Inventory { image, tool, .. } = inventory;
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": format!("{}@{}", image.repository, image.digest),
        "documentNamespace": format!("urn:uuid:{}", inventory.document_uuid("spdx-2.3")),
        "creationInfo": {
            "created": inventory.created,
            "creators": [
                format!("Organization: {}", inventory.supplier),
                format!("Tool: {}-{}", tool.name, tool.version),
            ],
            "licenseListVersion": list_version(),
        },
        "packages": packages(inventory),
        "relationships": relationships(inventory),
    });
    let references = licences(inventory);
    if !references.is_empty() {
        document["hasExtractedLicensingInfos"] = references.into();
    }
    document
}

/// SPDX wants two numbers.
fn list_version() -> String {
    ::spdx::license_version().splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

fn packages(inventory: &Inventory) -> Vec<Value> {
    let system = inventory.operating_system.as_ref();
    let mut packages = vec![image(inventory)];
    packages.extend(system.map(operating_system));
    packages.extend(inventory.sorted_packages().into_iter().map(|item| package(item, system)));
    packages.extend(inventory.sorted_artifacts().into_iter().map(|item| artifact(item, inventory)));
    packages.extend(inventory.sorted_files().into_iter().map(|item| file(item, inventory)));
    packages
}

/// What every package has; `NOASSERTION` where nothing is known.
fn base(id: &str, name: &str, version: &str, supplier: &str, purpose: &str) -> Map<String, Value> {
    let fields = json!({
        "SPDXID": id,
        "name": name,
        "versionInfo": version,
        "supplier": supplier,
        "downloadLocation": NOTHING,
        "filesAnalyzed": false,
        "licenseConcluded": NOTHING,
        "licenseDeclared": NOTHING,
        "copyrightText": NOTHING,
        "primaryPackagePurpose": purpose,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn image(inventory: &Inventory) -> Value {
    let image = &inventory.image;
    let supplier = format!("Organization: {}", inventory.supplier);
    let version = image.digest.to_string();
    let mut fields = base(IMAGE, &image.repository, &version, &supplier, "CONTAINER");
    fields.insert("checksums".to_owned(), checksums(&[image.digest]));
    fields.insert("externalRefs".to_owned(), json!([purl_reference(&image.purl())]));
    fields.into()
}

fn operating_system(system: &OperatingSystem) -> Value {
    let name = if system.name.is_empty() { &system.id } else { &system.name };
    let version = if system.version_id.is_empty() { NOTHING } else { &system.version_id };
    let supplier = format!("Organization: {name}");
    let id = operating_system_id(system);
    let mut fields = base(&id, &system.id, version, &supplier, "OPERATING_SYSTEM");
    if !system.pretty_name.is_empty() {
        fields.insert("description".to_owned(), system.pretty_name.clone().into());
    }
    fields.into()
}

fn package(package: &Package, system: Option<&OperatingSystem>) -> Value {
    let supplier = supplier(package.supplier.as_ref());
    let mut fields = base(&package_id(package), &package.name, &package.version, &supplier, "LIBRARY");
    let source = package.source();
    // Trivy reads the source package from exactly these words.
    let built_from = format!("built package from: {} {}", source.name, source.version);
    fields.insert("sourceInfo".to_owned(), built_from.into());
    if let Some(homepage) = &package.homepage {
        fields.insert("homepage".to_owned(), homepage.clone().into());
    }
    if let Some(licence) = &package.licence {
        fields.insert("licenseDeclared".to_owned(), licence.expression().into());
    }
    if !package.checksums.is_empty() {
        fields.insert("checksums".to_owned(), checksums(&package.checksums));
    }
    fields.insert("externalRefs".to_owned(), json!([purl_reference(&package.purl(system))]));
    fields.into()
}

fn artifact(artifact: &Artifact, inventory: &Inventory) -> Value {
    let version = artifact.digest.to_string();
    let supplier = format!("Organization: {}", inventory.supplier);
    let mut fields = base(&artifact_id(artifact), &artifact.repository, &version, &supplier, "CONTAINER");
    fields.insert("checksums".to_owned(), checksums(&[artifact.digest]));
    let mut references = vec![purl_reference(&artifact.purl())];
    if let Some(sbom) = artifact.sbom {
        references.push(json!({
            "referenceCategory": "OTHER",
            "referenceType": "sbom",
            "referenceLocator": format!("oci://{}@{sbom}", artifact.repository),
        }));
    }
    fields.insert("externalRefs".to_owned(), references.into());
    fields.into()
}

fn file(file: &File, inventory: &Inventory) -> Value {
    let supplier = format!("Organization: {}", inventory.supplier);
    let mut fields = base(&file_id(file), &file.path, &file.digest.to_string(), &supplier, "FILE");
    fields.insert("checksums".to_owned(), checksums(&[file.digest]));
    fields.into()
}

fn relationships(inventory: &Inventory) -> Vec<Value> {
    let packages = inventory.sorted_packages();
    let mut all = vec![relationship(DOCUMENT, "DESCRIBES", IMAGE)];
    let holder = inventory.operating_system.as_ref().map(operating_system_id);
    all.extend(holder.iter().map(|id| relationship(IMAGE, "CONTAINS", id)));
    for package in &packages {
        let id = package_id(package);
        all.extend(holder.iter().map(|holder| relationship(holder, "CONTAINS", &id)));
        all.push(relationship(IMAGE, "CONTAINS", &id));
        let needed = package.dependencies(&packages);
        all.extend(needed.into_iter().map(|needed| relationship(&id, "DEPENDS_ON", &package_id(needed))));
    }
    let artifacts = inventory.sorted_artifacts().into_iter().map(artifact_id);
    let files = inventory.sorted_files().into_iter().map(file_id);
    all.extend(artifacts.chain(files).map(|id| relationship(IMAGE, "CONTAINS", &id)));
    all
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}

fn licences(inventory: &Inventory) -> Vec<Value> {
    let licence = |(id, name): (&str, &str)| {
        json!({
            "licenseId": id,
            "name": name,
            "extractedText": format!(
                "`{name}`, a name from the copyright files of the packages that declare it; its text is in `/usr/share/doc/<package>/copyright`."
            ),
        })
    };
    inventory.licence_references().into_iter().map(licence).collect()
}

fn supplier(supplier: Option<&Supplier>) -> String {
    match supplier {
        None => NOTHING.to_owned(),
        Some(Supplier { name, email: None }) => format!("Organization: {name}"),
        Some(Supplier { name, email: Some(email) }) => format!("Organization: {name} ({email})"),
    }
}

fn checksums(digests: &[Digest]) -> Value {
    let mut digests = digests.to_vec();
    digests.sort();
    let checksum = |digest: &Digest| json!({"algorithm": digest.algorithm().to_uppercase(), "checksumValue": digest.hex()});
    digests.iter().map(checksum).collect()
}

fn purl_reference(purl: &Purl) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl.to_string(),
    })
}

fn operating_system_id(system: &OperatingSystem) -> String {
    format!("SPDXRef-OperatingSystem-{}", escape(&system.id))
}

fn package_id(package: &Package) -> String {
    format!("SPDXRef-Package-deb-{}-{}", escape(&package.name), escape(&package.architecture))
}

fn artifact_id(artifact: &Artifact) -> String {
    format!("SPDXRef-Artifact-{}", artifact.digest.hex())
}

/// A path may have any characters, so its digest stands for it.
fn file_id(file: &File) -> String {
    format!("SPDXRef-File-{}", Digest::of(&file.path).hex())
}

/// Identifiers have letters, digits, `.` and `-`; names of packages have `+` too, but no upper-case letters.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => escaped.push(character),
            _ => escaped.extend(['.', 'X'].into_iter().chain(format!("{:X}", u32::from(character)).chars())),
        }
    }
    escaped
}
