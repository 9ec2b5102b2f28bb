//! CycloneDX 1.6 as JSON.

use serde_json::{Map, Value, json};
use temper_oci::Digest;

use crate::inventory::{Artifact, File, Inventory, OperatingSystem, Package};
use crate::sbom::version_parts;

/// The reference of the operating system's component.
const OPERATING_SYSTEM: &str = "os";

pub(super) fn document(inventory: &Inventory) -> Value {
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", inventory.document_uuid("cyclonedx-1.6")),
        "version": 1,
        "metadata": {
            "timestamp": inventory.created,
            "tools": {
                "components": [{
                    "type": "application",
                    "name": inventory.tool.name,
                    "version": inventory.tool.version,
                }],
            },
            "authors": [{"name": inventory.supplier}],
            "component": image(inventory),
            "supplier": {"name": inventory.supplier},
        },
        "components": components(inventory),
        "dependencies": dependencies(inventory),
    })
}

fn image(inventory: &Inventory) -> Value {
    let image = &inventory.image;
    let purl = image.purl().to_string();
    json!({
        "bom-ref": purl,
        "type": "container",
        "supplier": {"name": inventory.supplier},
        "name": image.repository,
        "version": image.digest,
        "hashes": hashes(&[image.digest]),
        "purl": purl,
        "properties": [property("aquasecurity:trivy:RepoDigest", &format!("{}@{}", image.repository, image.digest))],
    })
}

fn components(inventory: &Inventory) -> Vec<Value> {
    let system = inventory.operating_system.as_ref();
    let mut components: Vec<Value> = system.into_iter().map(operating_system).collect();
    components.extend(inventory.sorted_packages().into_iter().map(|item| package(item, system)));
    components.extend(inventory.sorted_artifacts().into_iter().map(|item| artifact(item, inventory)));
    components.extend(inventory.sorted_files().into_iter().map(file));
    components
}

fn operating_system(system: &OperatingSystem) -> Value {
    json!({
        "bom-ref": OPERATING_SYSTEM,
        "type": "operating-system",
        "name": system.id,
        "version": system.version_id,
        "description": system.pretty_name,
        "properties": [
            property("aquasecurity:trivy:Class", "os-pkgs"),
            property("aquasecurity:trivy:Type", &system.id),
        ],
    })
}

fn package(package: &Package, system: Option<&OperatingSystem>) -> Value {
    let purl = package.purl(system).to_string();
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    set("bom-ref", purl.clone().into());
    set("type", "library".into());
    if let Some(supplier) = &package.supplier {
        let contact = supplier.email.as_ref().map(|email| json!([{"email": email}]));
        set("supplier", with("contact", contact, json!({"name": supplier.name})));
    }
    set("name", package.name.clone().into());
    set("version", package.version.clone().into());
    if !package.checksums.is_empty() {
        set("hashes", hashes(&package.checksums));
    }
    if let Some(licence) = &package.licence {
        set("licenses", json!([{"expression": licence.expression()}]));
    }
    set("purl", purl.into());
    if let Some(homepage) = &package.homepage {
        set("externalReferences", json!([{"type": "website", "url": homepage}]));
    }
    set("properties", properties(package, system).into());
    if !package.files.is_empty() {
        set("evidence", json!({"occurrences": occurrences(&package.files)}));
    }
    fields.into()
}

/// The source package in the words of Trivy and of Syft; other scanners read the package URL.
fn properties(package: &Package, system: Option<&OperatingSystem>) -> Vec<Value> {
    let source = package.source();
    let (epoch, version, revision) = version_parts(&source.version);
    let kind = system.map_or("debian", |system| system.id.as_str());
    [
        ("aquasecurity:trivy:PkgID", format!("{}@{}", package.name, package.version)),
        ("aquasecurity:trivy:PkgType", kind.to_owned()),
        ("aquasecurity:trivy:SrcEpoch", epoch.to_owned()),
        ("aquasecurity:trivy:SrcName", source.name.clone()),
        ("aquasecurity:trivy:SrcRelease", revision.to_owned()),
        ("aquasecurity:trivy:SrcVersion", version.to_owned()),
        ("syft:metadata:architecture", package.architecture.clone()),
        ("syft:metadata:source", source.name),
        ("syft:metadata:sourceVersion", source.version.clone()),
        ("syft:package:type", "deb".to_owned()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| property(name, &value))
    .collect()
}

fn artifact(artifact: &Artifact, inventory: &Inventory) -> Value {
    let purl = artifact.purl().to_string();
    let component = json!({
        "bom-ref": purl,
        "type": "container",
        "supplier": {"name": inventory.supplier},
        "name": artifact.repository,
        "version": artifact.digest,
        "hashes": hashes(&[artifact.digest]),
        "purl": purl,
    });
    let link =
        |sbom: Digest| json!([{"type": "bom", "url": format!("oci://{}@{sbom}", artifact.repository)}]);
    with("externalReferences", artifact.sbom.map(link), component)
}

fn file(file: &File) -> Value {
    json!({
        "bom-ref": file_reference(file),
        "type": "file",
        "name": file.path,
        "version": file.digest,
        "hashes": hashes(&[file.digest]),
    })
}

/// Scanners find the packages by following the dependencies of the operating system.
fn dependencies(inventory: &Inventory) -> Vec<Value> {
    let packages = inventory.sorted_packages();
    let system = inventory.operating_system.as_ref();
    let reference = |package: &Package| package.purl(system).to_string();
    let all: Vec<String> = packages.iter().map(|package| reference(package)).collect();
    let mut direct: Vec<String> = match system {
        Some(_) => vec![OPERATING_SYSTEM.to_owned()],
        None => all.clone(),
    };
    let artifacts = inventory.sorted_artifacts().into_iter().map(|artifact| artifact.purl().to_string());
    let leaves: Vec<String> =
        artifacts.chain(inventory.sorted_files().into_iter().map(file_reference)).collect();
    direct.extend(leaves.iter().cloned());

    let mut dependencies = vec![dependency(&inventory.image.purl().to_string(), &direct)];
    dependencies.extend(system.map(|_| dependency(OPERATING_SYSTEM, &all)));
    for package in &packages {
        let needed = package.dependencies(&packages);
        let needed: Vec<String> = needed.into_iter().map(reference).collect();
        dependencies.push(dependency(&reference(package), &needed));
    }
    dependencies.extend(leaves.iter().map(|leaf| dependency(leaf, &[])));
    dependencies
}

fn dependency(from: &str, to: &[String]) -> Value {
    json!({"ref": from, "dependsOn": to})
}

fn occurrences(paths: &[String]) -> Vec<Value> {
    let mut paths: Vec<&String> = paths.iter().collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().map(|path| json!({"location": path})).collect()
}

fn file_reference(file: &File) -> String {
    format!("file:{}", file.path)
}

fn hashes(digests: &[Digest]) -> Value {
    let mut digests = digests.to_vec();
    digests.sort();
    let algorithm = |digest: &Digest| match digest {
        Digest::Sha256(_) => "SHA-256",
        Digest::Sha512(_) => "SHA-512",
    };
    digests.iter().map(|digest| json!({"alg": algorithm(digest), "content": digest.hex()})).collect()
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn with(name: &str, value: Option<Value>, mut object: Value) -> Value {
    if let Some(value) = value {
        object[name] = value;
    }
    object
}
