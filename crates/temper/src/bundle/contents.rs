//! What a bundle has beside images: public keys, and package files, each as an artifact.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Error, anyhow};
use temper_attest::keys::KEY_BYTES_MAX;
use temper_attest::{PublicKey, Statement, predicate};
use temper_oci::{Descriptor, Digest, Document, Manifest, media_type};
use temper_store::blobs::Blobs;
use temper_store::layout::{Layout, ref_name};

use crate::keys::KnownKey;

/// The type of the artifact with public keys, and its name.
const KEYS: &str = "application/vnd.temper.keys.v1";
const KEYS_NAME: &str = "temper-keys";
/// The type of the artifact with package files, and its name.
const PACKAGES: &str = "application/vnd.temper.packages.v1";
const PACKAGES_NAME: &str = "temper-packages";
const PEM: &str = "application/x-pem-file";
const PACKAGE: &str = "application/vnd.debian.binary-package";
const TITLE: &str = "org.opencontainers.image.title";
/// Most keys of a bundle.
const KEYS_MAX: usize = 100;

/// Adds public keys to those that a bundle has.
pub(crate) fn add_keys(layout: &Layout, keys: &[&KnownKey]) -> Result<(), Error> {
    let there = keys_of(layout)?;
    let mut all: BTreeMap<Digest, PublicKey> = there.into_iter().map(|key| (key.id(), key)).collect();
    all.extend(keys.iter().map(|known| (known.key.id(), known.key.clone())));
    let mut layers = Vec::new();
    for (id, key) in all {
        let text = key.to_pem();
        layout.blobs().put(text.as_bytes())?;
        let mut layer = Descriptor::of(PEM, text.as_bytes());
        layer.annotations.insert(TITLE.to_owned(), format!("{}.pub", id.short()));
        layers.push(layer);
    }
    put(layout, KEYS_NAME, KEYS, layers)
}

/// Reads the public keys of a bundle. That they are there says nothing about whose they are.
pub(crate) fn keys_of(layout: &Layout) -> Result<Vec<PublicKey>, Error> {
    let layers = layers_of(layout, KEYS_NAME)?;
    if layers.len() > KEYS_MAX {
        return Err(anyhow!("the bundle has more than {KEYS_MAX} keys"));
    }
    let read = |layer: &Descriptor| {
        let bytes = layout.blobs().read(&layer.digest, KEY_BYTES_MAX as u64)?;
        Ok(PublicKey::from_pem(&String::from_utf8_lossy(&bytes))?)
    };
    layers.iter().map(read).collect()
}

/// Adds the package files that provenance names, as far as `store` has them; returns how many are new and missing.
pub(crate) fn add_packages(
    layout: &Layout,
    statements: &[Statement],
    store: &Blobs,
) -> Result<(usize, usize), Error> {
    let mut layers = layers_of(layout, PACKAGES_NAME)?;
    let known: BTreeSet<Digest> = layers.iter().map(|layer| layer.digest).collect();
    let (mut added, mut missing) = (0, 0);
    for (name, digest) in packages(statements) {
        if known.contains(&digest) {
            continue;
        }
        let Some(size) = store.contains(&digest) else {
            missing += 1;
            continue;
        };
        if layout.blobs().contains(&digest) != Some(size) {
            let mut writer = layout.blobs().create()?;
            std::io::copy(&mut store.open_blob(&digest)?, &mut writer)?;
            writer.commit(Some(digest))?;
        }
        let mut layer = Descriptor::new(PACKAGE, digest, size);
        layer.annotations.insert(TITLE.to_owned(), name);
        layers.push(layer);
        added += 1;
    }
    if added > 0 {
        layers.sort_by_key(|layer| layer.digest);
        put(layout, PACKAGES_NAME, PACKAGES, layers)?;
    }
    Ok((added, missing))
}

/// Puts the package files of a bundle that provenance names into a store, each checked against its digest; returns how
/// many there are.
pub(crate) fn take_packages(
    layout: &Layout,
    statements: &[Statement],
    store: &Blobs,
) -> Result<usize, Error> {
    let wanted: BTreeSet<Digest> = packages(statements).into_iter().map(|(_, digest)| digest).collect();
    let mut layers = layers_of(layout, PACKAGES_NAME)?;
    layers.retain(|layer| wanted.contains(&layer.digest));
    for layer in &layers {
        if store.contains(&layer.digest) != Some(layer.size) {
            let mut writer = store.create()?;
            std::io::copy(&mut layout.blobs().open_blob(&layer.digest)?, &mut writer)?;
            writer.commit(Some(layer.digest))?;
        }
    }
    Ok(layers.len())
}

/// The package files that provenance names, by their digests.
fn packages(statements: &[Statement]) -> Vec<(String, Digest)> {
    let provenance = statements.iter().filter(|one| one.predicate_type == predicate::SLSA_PROVENANCE);
    let inputs = provenance.flat_map(|one| {
        let inputs = one.predicate.pointer("/buildDefinition/resolvedDependencies");
        inputs.and_then(serde_json::Value::as_array).into_iter().flatten()
    });
    let mut found = BTreeMap::new();
    for input in inputs {
        let (uri, hex) = (input["uri"].as_str(), input["digest"]["sha256"].as_str());
        let digest = hex.and_then(|hex| format!("sha256:{hex}").parse::<Digest>().ok());
        if let (Some(uri), Some(digest)) = (uri.filter(|uri| uri.starts_with("pkg:deb/")), digest) {
            found.insert(digest, uri.to_owned());
        }
    }
    found.into_iter().map(|(digest, uri)| (uri, digest)).collect()
}

/// The layers of an artifact of a bundle; none where it is not there.
fn layers_of(layout: &Layout, name: &str) -> Result<Vec<Descriptor>, Error> {
    let entries = layout.index()?.manifests;
    let Some(entry) = entries.into_iter().find(|entry| ref_name(entry) == Some(name)) else {
        return Ok(Vec::new());
    };
    let bytes = layout.blobs().read(&entry.digest, temper_oci::document::DOCUMENT_BYTES_MAX as u64)?;
    let manifest = Document::<Manifest>::parse(bytes)?;
    Ok(manifest.layers.clone())
}

fn put(layout: &Layout, name: &str, artifact_type: &str, layers: Vec<Descriptor>) -> Result<(), Error> {
    let empty = b"{}";
    layout.blobs().put(empty)?;
    let mut manifest = Manifest::image(Descriptor::of(media_type::OCI_EMPTY, empty), layers);
    manifest.artifact_type = Some(artifact_type.to_owned());
    let bytes = manifest.to_bytes();
    layout.blobs().put(&bytes)?;
    let mut descriptor = Descriptor::of(manifest.media_type(), &bytes);
    descriptor.artifact_type = Some(artifact_type.to_owned());
    Ok(layout.set(name, descriptor)?)
}
