//! Validation of whole images: every digest, size, diff id and layer is computed again.
//!
//! Follows the [OCI image specification](https://github.com/opencontainers/image-spec/blob/main/spec.md); what it
//! recommends and Temper promises (order of parents, one record per path) counts as well. Everything that is wrong
//! is reported, not only the first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::config::{CONFIG_BYTES_MAX, ConfigError, ImageConfig};
use crate::document::{DOCUMENT_BYTES_MAX, DocumentError, ImageDocument};
use crate::media_type::{self, Role};
use crate::{
    Compression, Descriptor, Digest, DigestHasher, Index, LayerIndex, Manifest, Platform, ScanError,
    ScanLimits,
};

mod layer;

/// Where blobs and manifests are read from.
pub trait BlobSource {
    /// Opens the bytes of this digest; nothing where they are not.
    fn open(&self, digest: &Digest) -> io::Result<Option<Box<dyn Read + Send + '_>>>;
}

impl BlobSource for BTreeMap<Digest, Vec<u8>> {
    fn open(&self, digest: &Digest) -> io::Result<Option<Box<dyn Read + Send + '_>>> {
        Ok(self.get(digest).map(|bytes| Box::new(bytes.as_slice()) as Box<dyn Read + Send>))
    }
}

/// One thing that is wrong with an image.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Violation {
    /// Where, as in `index, linux/amd64, layer 2`.
    pub at: String,
    /// What.
    #[source]
    pub problem: Problem,
}

/// What can be wrong with an image.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The blob is not there.
    #[error("`{0}` is missing")]
    Missing(Digest),
    /// The blob cannot be read.
    #[error("`{digest}` cannot be read")]
    Read {
        /// Its digest.
        digest: Digest,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bytes have another digest.
    #[error("digest is `{actual}`, not `{expected}`")]
    Digest {
        /// As described.
        expected: Digest,
        /// As computed.
        actual: Digest,
    },
    /// The blob has another length.
    #[error("size is {actual} bytes, not {expected}")]
    Size {
        /// As described.
        expected: u64,
        /// As counted; counting ends one byte after the expected length.
        actual: u64,
    },
    /// Manifest or index are malformed.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The config is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A descriptor's media type does not belong in its place.
    #[error("media type `{0}` does not belong here")]
    MediaType(String),
    /// The blob is compressed in another way than its media type says.
    #[error("media type says compression `{expected}`, the bytes are `{actual}`")]
    Compression {
        /// As the media type says.
        expected: Compression,
        /// As the bytes are.
        actual: Compression,
    },
    /// The config and the manifest have different numbers of layers.
    #[error("config has {diff_ids} diff ids, manifest has {layers} layers")]
    LayerCount {
        /// In the config.
        diff_ids: usize,
        /// In the manifest.
        layers: usize,
    },
    /// The history has another number of layers.
    #[error("history has {history} entries with a layer, manifest has {layers} layers")]
    History {
        /// In the history.
        history: usize,
        /// In the manifest.
        layers: usize,
    },
    /// The uncompressed layer has another digest.
    #[error("diff id is `{actual}`, not `{expected}`")]
    DiffId {
        /// In the config.
        expected: Digest,
        /// As computed.
        actual: Digest,
    },
    /// Index and config name different platforms.
    #[error("platform is `{actual}` in the config, `{expected}` in the index")]
    Platform {
        /// In the index.
        expected: Platform,
        /// In the config.
        actual: Platform,
    },
    /// An index names a platform twice.
    #[error("platform `{0}` stands twice in the index")]
    PlatformTwice(Platform),
    /// An annotation has no key.
    #[error("annotation key `{0}` is empty or has spaces or control characters")]
    Annotation(String),
    /// An index inside an index inside an index.
    #[error("indexes are nested more than {0} deep")]
    Depth(usize),
    /// The layer is no archive that Temper reads.
    #[error(transparent)]
    Archive(#[from] ScanError),
    /// A path has two records in one layer.
    #[error("path `{0}` stands twice in the layer")]
    PathTwice(String),
    /// A path is removed by the layer that has it.
    #[error("path `{0}` is both removed and written")]
    RemovedAndWritten(String),
    /// A directory comes after what it holds.
    #[error("directory `{0}` comes after what it holds")]
    ParentLate(String),
    /// A path lies below something that holds nothing.
    #[error("path `{path}` lies below `{parent}`, which is no directory")]
    ParentKind {
        /// The path.
        path: String,
        /// What it lies below.
        parent: String,
    },
    /// A hard link names no earlier file of its layer.
    #[error("hard link `{path}` names `{target}`, which is no earlier file of the layer")]
    HardlinkTarget {
        /// The link.
        path: String,
        /// What it names.
        target: String,
    },
}

/// How deep indexes may nest.
const DEPTH_MAX: usize = 4;

/// Checks the image or index that `root` describes with everything below it; an empty list is a valid image.
pub fn validate(blobs: &dyn BlobSource, root: &Descriptor, limits: &ScanLimits) -> Vec<Violation> {
    validator(blobs, root, limits, None).violations
}

/// Does the same, and gives the indexes of the layers that could be read, by the digests of their blobs.
pub fn validate_layers(
    blobs: &dyn BlobSource,
    root: &Descriptor,
    limits: &ScanLimits,
) -> (Vec<Violation>, BTreeMap<Digest, LayerIndex>) {
    let validator = validator(blobs, root, limits, Some(BTreeMap::new()));
    (validator.violations, validator.indexes.unwrap_or_default())
}

fn validator<'a>(
    blobs: &'a dyn BlobSource,
    root: &Descriptor,
    limits: &'a ScanLimits,
    indexes: Option<BTreeMap<Digest, LayerIndex>>,
) -> Validator<'a> {
    let mut validator = Validator { blobs, limits, violations: Vec::new(), layers: BTreeMap::new(), indexes };
    let at = if media_type::role(&root.media_type) == Role::Index { "index" } else { "manifest" };
    validator.document(at, root, 0);
    validator
}

struct Validator<'a> {
    blobs: &'a dyn BlobSource,
    limits: &'a ScanLimits,
    violations: Vec<Violation>,
    /// Diff ids of the layers seen so far: platforms and images share layers.
    layers: BTreeMap<Digest, Option<Digest>>,
    /// Indexes of the layers seen so far, where they are wanted.
    indexes: Option<BTreeMap<Digest, LayerIndex>>,
}

impl Validator<'_> {
    fn report(&mut self, at: &str, problem: impl Into<Problem>) {
        self.violations.push(Violation { at: at.to_owned(), problem: problem.into() });
    }

    fn document(&mut self, at: &str, descriptor: &Descriptor, depth: usize) {
        if depth > DEPTH_MAX {
            return self.report(at, Problem::Depth(DEPTH_MAX));
        }
        self.annotations(at, &descriptor.annotations);
        let Some(bytes) = self.bytes(at, descriptor, DOCUMENT_BYTES_MAX) else { return };
        match ImageDocument::parse(bytes, Some(&descriptor.media_type)) {
            Err(error) => self.report(at, error),
            Ok(ImageDocument::Index(index)) => self.index(at, &index, depth),
            Ok(ImageDocument::Manifest(manifest)) => self.manifest(at, &manifest, descriptor.platform()),
        }
    }

    fn index(&mut self, at: &str, index: &Index, depth: usize) {
        self.annotations(at, &index.annotations);
        let mut platforms = BTreeSet::new();
        for (position, entry) in index.manifests.iter().enumerate() {
            let platform = entry.platform().filter(|platform| !platform.is_unknown());
            let name = platform.as_ref().map_or_else(|| format!("manifest {position}"), ToString::to_string);
            let at = format!("{at}, {name}");
            if let Some(platform) = platform
                && !platforms.insert(platform.clone())
            {
                self.report(&at, Problem::PlatformTwice(platform));
            }
            if matches!(media_type::role(&entry.media_type), Role::Index | Role::Manifest) {
                self.document(&at, entry, depth + 1);
            } else {
                self.report(&at, Problem::MediaType(entry.media_type.clone()));
            }
        }
    }

    fn manifest(&mut self, at: &str, manifest: &Manifest, platform: Option<Platform>) {
        self.annotations(at, &manifest.annotations);
        let config_at = format!("{at}, config");
        self.annotations(&config_at, &manifest.config.annotations);
        if !manifest.is_image() {
            // An artifact: its bytes are checked, their meaning is not ours.
            self.blob(&config_at, &manifest.config);
            for (position, layer) in manifest.layers.iter().enumerate() {
                self.blob(&format!("{at}, layer {position}"), layer);
            }
            return;
        }
        let bytes = self.bytes(&config_at, &manifest.config, CONFIG_BYTES_MAX);
        let config = bytes.and_then(|bytes| match ImageConfig::parse(&bytes) {
            Ok(config) => Some(config),
            Err(error) => {
                self.report(&config_at, error);
                None
            }
        });
        if let Some(config) = &config {
            self.config(&config_at, config, manifest, platform);
        }
        for (position, layer) in manifest.layers.iter().enumerate() {
            let expected = config.as_ref().and_then(|config| config.diff_ids().get(position));
            self.layer(&format!("{at}, layer {position}"), layer, expected);
        }
    }

    fn config(&mut self, at: &str, config: &ImageConfig, manifest: &Manifest, platform: Option<Platform>) {
        let layers = manifest.layers.len();
        let (diff_ids, actual) = (config.diff_ids().len(), config.platform());
        if diff_ids != layers {
            self.report(at, Problem::LayerCount { diff_ids, layers });
        }
        let history = config.history().iter().filter(|entry| !entry.empty_layer).count();
        if !config.history().is_empty() && history != layers {
            self.report(at, Problem::History { history, layers });
        }
        if let Some(expected) = platform
            && !expected.is_unknown()
            && expected != actual
        {
            self.report(at, Problem::Platform { expected, actual });
        }
    }

    fn layer(&mut self, at: &str, descriptor: &Descriptor, diff_id: Option<&Digest>) {
        self.annotations(at, &descriptor.annotations);
        let known = self.layers.get(&descriptor.digest).copied();
        let computed = known.unwrap_or_else(|| self.scan_layer(at, descriptor));
        self.layers.insert(descriptor.digest, computed);
        if let (Some(expected), Some(actual)) = (diff_id, computed)
            && *expected != actual
        {
            self.report(at, Problem::DiffId { expected: *expected, actual });
        }
    }

    fn annotations(&mut self, at: &str, annotations: &BTreeMap<String, String>) {
        for key in annotations.keys() {
            if key.is_empty()
                || key.chars().any(|character| character.is_whitespace() || character.is_control())
            {
                self.report(at, Problem::Annotation(key.clone()));
            }
        }
    }

    /// Reads a small blob; nothing where a violation says why.
    fn bytes(&mut self, at: &str, descriptor: &Descriptor, max: usize) -> Option<Vec<u8>> {
        if descriptor.size > max as u64 {
            self.report(at, DocumentError::Length { size_bytes: descriptor.size as usize, max });
            return None;
        }
        let mut bytes = Vec::new();
        self.read(at, descriptor, |reader| reader.read_to_end(&mut bytes).map(drop))?;
        Some(bytes)
    }

    /// Checks digest and size of a blob.
    fn blob(&mut self, at: &str, descriptor: &Descriptor) {
        self.annotations(at, &descriptor.annotations);
        self.read(at, descriptor, |_| Ok(()));
    }

    /// Passes a blob to `consume`, reads what that leaves, and checks digest and size.
    fn read(
        &mut self,
        at: &str,
        descriptor: &Descriptor,
        consume: impl FnOnce(&mut (dyn Read + Send)) -> io::Result<()>,
    ) -> Option<()> {
        let digest = descriptor.digest;
        let reader = match self.blobs.open(&digest) {
            Ok(Some(reader)) => reader,
            Ok(None) => {
                self.report(at, Problem::Missing(digest));
                return None;
            }
            Err(source) => {
                self.report(at, Problem::Read { digest, source });
                return None;
            }
        };
        let bounded = reader.take(descriptor.size.saturating_add(1));
        let mut reader = Hashing { reader: bounded, hasher: digest.hasher(), count: 0 };
        let result = consume(&mut reader).and_then(|()| io::copy(&mut reader, &mut io::sink()).map(drop));
        let (actual, count) = (reader.hasher.finish(), reader.count);
        if let Err(source) = result {
            self.report(at, Problem::Read { digest, source });
            return None;
        }
        if count != descriptor.size {
            self.report(at, Problem::Size { expected: descriptor.size, actual: count });
        } else if actual != digest {
            self.report(at, Problem::Digest { expected: digest, actual });
        }
        Some(())
    }
}

/// Digests and counts what passes.
struct Hashing<R> {
    reader: R,
    hasher: DigestHasher,
    count: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.count += read as u64;
        Ok(read)
    }
}
