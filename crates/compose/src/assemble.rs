//! Manifests and index of the result.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::{Compression, Descriptor, Digest, Index, Manifest, media_type};

use crate::composer::{Composer, Planned};
use crate::composition::{Composition, layer_form};
use crate::error::ComposeError;
use crate::event::{Event, Step};
use crate::layer_store::{self, LayerStore};
use crate::publish::{BuiltImage, BuiltManifest};
use crate::{config, time};

/// Annotations of a base that do not hold for what is made from it.
const OWN_ANNOTATIONS: [&str; 4] = [CREATED, "org.opencontainers.image.ref.name", BASE_NAME, BASE_DIGEST];

const CREATED: &str = "org.opencontainers.image.created";
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Writes the layers and the config of one platform, and makes its manifest.
pub(crate) fn manifest(
    composer: &Composer<'_>,
    planned: &Planned<'_>,
    composition: &Composition,
) -> Result<BuiltManifest, ComposeError> {
    let layers = LayerStore { store: composer.store, cache: composer.cache };
    let mut descriptors = base_layers(composer, &layers, composition)?;
    let mut written = Vec::new();
    for layer in &composition.layers {
        if layers.find(&layer.segments, composition.compression).is_none() {
            let wanted = layers.package_files(&layer.segments, composition.compression);
            fetch_packages(composer, composition, &wanted)?;
            composer.log.event(
                Event::new(Step::Compose, format!("write layer {}", layer.name)).on(&composition.platform),
            );
        }
        let record =
            layers.write(&layer.segments, composition.compression, &planned.archives).map_err(|source| {
                ComposeError::Write {
                    layer: layer.name.clone(),
                    platform: composition.platform.clone(),
                    source,
                }
            })?;
        descriptors.push(layer_store::descriptor(&record));
        written.push((layer.name.clone(), record));
    }
    let mut image_config = composition.config.clone();
    config::add_layers(&mut image_config, composition.time, &written);
    let config_bytes = image_config.to_bytes();
    composer.store.put(&config_bytes).map_err(ComposeError::store("keep an image config"))?;
    let config = Descriptor::of(media_type::OCI_CONFIG, &config_bytes);
    let mut manifest = Manifest::image(config.clone(), descriptors.clone());
    manifest.annotations = annotations(planned, composition);
    let bytes = manifest.to_bytes();
    composer.store.put(&bytes).map_err(ComposeError::store("keep a manifest"))?;
    let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &bytes).with_platform(&composition.platform);
    Ok(BuiltManifest {
        platform: composition.platform.clone(),
        descriptor,
        bytes: bytes.into(),
        config,
        layers: descriptors,
    })
}

/// Makes the index over the manifests of all platforms.
pub(crate) fn index(
    composer: &Composer<'_>,
    planned: &Planned<'_>,
    manifests: Vec<BuiltManifest>,
) -> Result<BuiltImage, ComposeError> {
    let mut index = Index::of(manifests.iter().map(|manifest| manifest.descriptor.clone()).collect());
    let base = planned.base.as_ref().map(crate::image::Image::digest);
    index.annotations = planned.annotations.iter().cloned().collect();
    add_base(&mut index.annotations, planned, base);
    let newest = planned.compositions.iter().map(|composition| composition.time).max().unwrap_or(0);
    index.annotations.entry(CREATED.to_owned()).or_insert_with(|| time::format(newest));
    let bytes = index.to_bytes();
    composer.store.put(&bytes).map_err(ComposeError::store("keep an index"))?;
    Ok(BuiltImage {
        index: Descriptor::of(media_type::OCI_INDEX, &bytes),
        index_bytes: bytes.into(),
        manifests,
    })
}

/// Returns the base's layers as the result names them: as they are, or written again where the document asks for gzip.
fn base_layers(
    composer: &Composer<'_>,
    layers: &LayerStore<'_>,
    composition: &Composition,
) -> Result<Vec<Descriptor>, ComposeError> {
    let Some(base) = &composition.base else { return Ok(Vec::new()) };
    let descriptors = base.manifest.layers.iter().map(|layer| {
        if composition.recompresses(layer) {
            let message = format!("write layer {} again as gzip", layer.digest.short());
            composer.log.event(Event::new(Step::Compose, message).on(&composition.platform));
            let record =
                layers.recompress(layer, Compression::Gzip).map_err(|source| ComposeError::Write {
                    layer: layer.digest.to_string(),
                    platform: composition.platform.clone(),
                    source,
                })?;
            return Ok(layer_store::descriptor(&record));
        }
        let form = layer_form(layer).unwrap_or(Compression::None);
        Ok(Descriptor { media_type: media_type::layer(form).to_owned(), ..layer.clone() })
    });
    descriptors.collect()
}

/// Segments that are not kept any more are made from the package files, which may be gone too.
pub(crate) fn fetch_packages(
    composer: &Composer<'_>,
    composition: &Composition,
    wanted: &BTreeSet<Digest>,
) -> Result<(), ComposeError> {
    let Some(snapshot) = &composition.snapshot else { return Ok(()) };
    let files = composition.choice.install.iter().map(|package| &package.file);
    let files: Vec<_> = files.filter(|file| wanted.contains(&file.digest)).cloned().collect();
    if files.is_empty() {
        return Ok(());
    }
    Ok(composer.archive.fetch(snapshot, &files, composer.log)?)
}

/// Returns the annotations of a platform's manifest: the base's that still hold, ours, and where it comes from.
fn annotations(planned: &Planned<'_>, composition: &Composition) -> BTreeMap<String, String> {
    let base = composition.base.as_ref();
    let mut annotations = base.map(|base| base.manifest.annotations.clone()).unwrap_or_default();
    annotations.retain(|name, _| !OWN_ANNOTATIONS.contains(&name.as_str()));
    annotations.extend(planned.annotations.iter().cloned());
    add_base(&mut annotations, planned, base.map(|base| base.manifest.digest()));
    annotations.entry(CREATED.to_owned()).or_insert_with(|| time::format(composition.time));
    annotations
}

fn add_base(annotations: &mut BTreeMap<String, String>, planned: &Planned<'_>, digest: Option<Digest>) {
    if let Some(digest) = digest {
        annotations.insert(BASE_DIGEST.to_owned(), digest.to_string());
        if let Some(name) = &planned.base_name {
            annotations.insert(BASE_NAME.to_owned(), name.clone());
        }
    }
}
