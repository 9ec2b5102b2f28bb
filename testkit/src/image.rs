//! Fake layers and images in a few lines.
//!
//! ```
//! use std::collections::BTreeMap;
//! use temper_oci::{Compression, Platform};
//! use temper_testkit::image::{Image, Layer};
//!
//! let mut blobs = BTreeMap::new();
//! let layer = Layer::new().directory("usr").file("usr/hello", 0o755, "#!/bin/sh\n");
//! let manifest = Image::new(&Platform::linux("amd64"))
//!     .layer(&layer, Compression::Gzip)
//!     .config(|config| config.set_user("65532"))
//!     .build(&mut |digest, bytes| drop(blobs.insert(digest, bytes)));
//! assert!(blobs.contains_key(&manifest.digest));
//! ```

use temper_oci::media_type;
use temper_oci::{Compression, Descriptor, Digest, HistoryEntry, ImageConfig, Index, Manifest, Platform};

pub use self::layer::{Layer, pax_record};

mod layer;

/// Where the bytes of an image go.
pub type Sink<'a> = &'a mut dyn FnMut(Digest, Vec<u8>);

/// One image for one platform.
#[derive(Clone, Debug)]
pub struct Image {
    config: ImageConfig,
    layers: Vec<(Vec<u8>, Compression)>,
    annotations: Vec<(String, String)>,
    is_docker: bool,
}

impl Image {
    /// Starts an image without layers, made at the epoch.
    pub fn new(platform: &Platform) -> Self {
        let mut config = ImageConfig::new(platform);
        config.set_created("1970-01-01T00:00:00Z");
        Self { config, layers: Vec::new(), annotations: Vec::new(), is_docker: false }
    }

    /// Puts a layer on top, with its history entry.
    #[must_use]
    pub fn layer(self, layer: &Layer, compression: Compression) -> Self {
        self.layer_tar(&layer.to_tar(), compression)
    }

    /// Puts an archive on top as a layer, with its history entry.
    #[must_use]
    pub fn layer_tar(mut self, tar: &[u8], compression: Compression) -> Self {
        let diff_ids = [self.config.diff_ids(), &[Digest::of(tar)]].concat();
        let created_by = Some(format!("layer {}", diff_ids.len()));
        let entry = HistoryEntry { created_by, ..HistoryEntry::default() };
        let history = [self.config.history(), &[entry]].concat();
        self.config.set_diff_ids(diff_ids);
        self.config.set_history(history);
        self.layers.push((tar.to_vec(), compression));
        self
    }

    /// Changes the config.
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(&mut ImageConfig)) -> Self {
        change(&mut self.config);
        self
    }

    /// Adds an annotation of the manifest.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Uses Docker's media types instead of the OCI ones.
    #[must_use]
    pub fn docker(mut self) -> Self {
        self.is_docker = true;
        self
    }

    /// Writes layers, config and manifest; returns the manifest's descriptor with its platform.
    pub fn build(&self, sink: Sink<'_>) -> Descriptor {
        let mut put = |media_type: &str, bytes: Vec<u8>| {
            let descriptor = Descriptor::of(media_type, &bytes);
            sink(descriptor.digest, bytes);
            descriptor
        };
        let layer_type = |compression| match (self.is_docker, compression) {
            (false, compression) => media_type::layer(compression),
            (true, Compression::None) => media_type::DOCKER_LAYER,
            (true, Compression::Gzip) => media_type::DOCKER_LAYER_GZIP,
            (true, Compression::Zstd) => media_type::DOCKER_LAYER_ZSTD,
        };
        let layers = self.layers.iter();
        let layers =
            layers.map(|(tar, compression)| put(layer_type(*compression), compress(tar, *compression)));
        let layers = layers.collect();
        let config_type = if self.is_docker { media_type::DOCKER_CONFIG } else { media_type::OCI_CONFIG };
        let mut manifest = Manifest::image(put(config_type, self.config.to_bytes()), layers);
        manifest.annotations.extend(self.annotations.iter().cloned());
        if self.is_docker {
            manifest.media_type = Some(media_type::DOCKER_MANIFEST.to_owned());
        }
        put(manifest.media_type(), manifest.to_bytes()).with_platform(&self.config.platform())
    }
}

/// Writes images and an index over them; returns the index's descriptor.
pub fn build_index(images: &[Image], sink: Sink<'_>) -> Descriptor {
    let manifests = images.iter().map(|image| image.build(sink)).collect();
    let index = Index::of(manifests).to_bytes();
    let descriptor = Descriptor::of(media_type::OCI_INDEX, &index);
    sink(descriptor.digest, index);
    descriptor
}

/// Compresses an archive as a layer blob.
pub fn compress(tar: &[u8], compression: Compression) -> Vec<u8> {
    let form = match compression {
        Compression::None => crate::Compression::None,
        Compression::Gzip => crate::Compression::Gzip,
        Compression::Zstd => crate::Compression::Zstd,
    };
    form.compress(tar)
}
