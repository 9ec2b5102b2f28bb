//! Comparison of a published image with the one that was built again: index, manifests, configs, layers.

use serde_json::Value;
use temper_oci::{Descriptor, Digest, ImageConfig, ImageDocument, LayerIndex, Platform};

use crate::composer::Composer;
use crate::error::ComposeError;
use crate::image::{Image, ImageSource, PlatformImage};
use crate::layers::Layers;
use crate::publish::{BuiltImage, BuiltManifest};
use crate::reproduce::differences::{Difference, both, first_field, first_path};

/// The two images.
pub(super) struct Comparison<'a> {
    pub(super) composer: &'a Composer<'a>,
    pub(super) image: &'a dyn ImageSource,
    pub(super) published: &'a Image,
    pub(super) rebuilt: &'a BuiltImage,
}

impl Comparison<'_> {
    /// Lists what differs: nothing where the digests are equal, else the first place of each document and layer.
    pub(super) fn differences(&self) -> Result<Vec<Difference>, ComposeError> {
        let mut differences = Vec::new();
        if self.published.digest() == self.rebuilt_digest() {
            return Ok(differences);
        }
        for platform in &self.published.platforms {
            match self.find(&platform.platform) {
                Some(rebuilt) if rebuilt.descriptor.digest == platform.manifest.digest() => {}
                Some(rebuilt) => self.platform(platform, rebuilt, &mut differences)?,
                None => differences.push(missing(&platform.platform, "published", "built")),
            }
        }
        for rebuilt in self.rebuilt.manifests.iter().filter(|_| self.is_index()) {
            if self.published.find(&rebuilt.platform).is_none() {
                differences.push(missing(&rebuilt.platform, "built", "published"));
            }
        }
        // What an index says beside its manifests is looked at where these are equal.
        if differences.is_empty() && self.is_index() {
            let at = "index";
            differences.extend(json(at, self.published.root.bytes(), &self.rebuilt.index_bytes));
        }
        Ok(differences)
    }

    /// Says whether all platforms have the same configs, and with them the same contents of layers.
    pub(super) fn has_equal_contents(&self) -> bool {
        let is_equal = |platform: &PlatformImage| {
            self.find(&platform.platform)
                .is_some_and(|rebuilt| rebuilt.config.digest == platform.manifest.config.digest)
        };
        (!self.is_index() || self.published.platforms.len() == self.rebuilt.manifests.len())
            && self.published.platforms.iter().all(is_equal)
    }

    /// Returns the digest of what was built in the place of what was asked for: the index, or one platform's manifest.
    pub(super) fn rebuilt_digest(&self) -> Digest {
        let platform = self.published.platforms.first().filter(|_| !self.is_index());
        let manifest = platform.and_then(|image| self.find(&image.platform));
        manifest.map_or_else(|| self.rebuilt.digest(), |manifest| manifest.descriptor.digest)
    }

    fn is_index(&self) -> bool {
        matches!(self.published.root, ImageDocument::Index(_))
    }

    fn find(&self, platform: &Platform) -> Option<&BuiltManifest> {
        self.rebuilt.manifests.iter().find(|manifest| manifest.platform == *platform)
    }

    fn platform(
        &self,
        published: &PlatformImage,
        rebuilt: &BuiltManifest,
        differences: &mut Vec<Difference>,
    ) -> Result<(), ComposeError> {
        let at = published.platform.to_string();
        let before = differences.len();
        let config = self.read_config(rebuilt)?;
        let layers = (published.manifest.layers.len(), rebuilt.layers.len());
        if layers.0 != layers.1 {
            let message = both(&layers.0.to_string(), &layers.1.to_string());
            differences.push(Difference { at: format!("{at}, manifest: number of layers"), message });
        }
        for (position, layer) in published.manifest.layers.iter().enumerate() {
            let (Some(own), Some(diff_id), Some(own_diff_id)) = (
                rebuilt.layers.get(position),
                published.config.diff_ids().get(position),
                config.diff_ids().get(position),
            ) else {
                break;
            };
            if layer.digest == own.digest {
                continue;
            }
            let at = format!("{at}, layer {position}");
            if diff_id == own_diff_id {
                let message = both(&layer.digest.to_string(), &own.digest.to_string());
                differences.push(Difference { at: format!("{at}: compression"), message });
                continue;
            }
            let one = self.index(layer, diff_id)?;
            let other = self.index(own, own_diff_id)?;
            let found = first_path(&one, &other);
            let (path, message) = found.unwrap_or_else(|| {
                ("archive".to_owned(), both(&diff_id.to_string(), &own_diff_id.to_string()))
            });
            differences.push(Difference { at: format!("{at}, {path}"), message });
        }
        if differences.len() == before {
            let config_at = format!("{at}, config");
            differences.extend(json(&config_at, &published.config.to_bytes(), &config.to_bytes()));
        }
        if differences.len() == before {
            let manifest_at = format!("{at}, manifest");
            differences.extend(json(&manifest_at, published.manifest.bytes(), &rebuilt.bytes));
        }
        Ok(())
    }

    fn read_config(&self, rebuilt: &BuiltManifest) -> Result<ImageConfig, ComposeError> {
        let read = self.composer.store.read(&rebuilt.config.digest, rebuilt.config.size);
        let bytes = read.map_err(ComposeError::store("read the config that was built"))?;
        ImageConfig::parse(&bytes).map_err(|error| ComposeError::Image {
            reference: rebuilt.platform.to_string(),
            reason: error.to_string(),
        })
    }

    fn index(
        &self,
        layer: &Descriptor,
        diff_id: &Digest,
    ) -> Result<std::sync::Arc<LayerIndex>, ComposeError> {
        let Composer { store, cache, log, .. } = *self.composer;
        Layers { store, cache, log }.index(self.image, layer, diff_id)
    }
}

fn missing(platform: &Platform, there: &str, elsewhere: &str) -> Difference {
    let message = format!("it is {there} and not {elsewhere}");
    Difference { at: format!("index, `{platform}`"), message }
}

/// Finds the first field in which two documents differ.
fn json(at: &str, published: &[u8], rebuilt: &[u8]) -> Option<Difference> {
    if published == rebuilt {
        return None;
    }
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let (field, message) = first_field(&read(published), &read(rebuilt)).unwrap_or_else(|| {
        ("form".to_owned(), "the fields are equal, and written in another way".to_owned())
    });
    Some(Difference { at: format!("{at}: {field}"), message })
}
