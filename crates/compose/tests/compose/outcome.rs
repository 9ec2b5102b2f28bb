//! What a build gave, ready to be looked at.

use std::io::{Cursor, Read};

use temper_compose::{BuiltImage, BuiltManifest, Plan, PlatformPlan};
use temper_oci::{
    Digest, EntryKind, ImageConfig, Index, LayerIndex, Manifest, Platform, Record, ScanLimits, ScanMode,
    compression, scan_tar, visit_files,
};
use temper_rootfs::tree::{Source, Tree};
use temper_testkit::tree_dump::tree_dump;

use crate::base;
use crate::image::MemoryImage;
use crate::memory::MemoryStore;

/// A built image with its plan.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) store: MemoryStore,
    pub(crate) plan: Plan,
    pub(crate) image: BuiltImage,
}

impl Outcome {
    /// Returns the index.
    pub(crate) fn index(&self) -> Index {
        serde_json::from_slice(&self.image.index_bytes).expect("the index is JSON")
    }

    /// Returns the image's digest.
    pub(crate) fn digest(&self) -> Digest {
        self.image.digest()
    }

    /// Returns the image as the base of another one.
    pub(crate) fn as_base(&self) -> MemoryImage {
        let mut blobs: Vec<Digest> = vec![self.digest()];
        for manifest in &self.image.manifests {
            blobs.extend([manifest.descriptor.digest, manifest.config.digest]);
            blobs.extend(manifest.layers.iter().map(|layer| layer.digest));
        }
        let blobs = blobs.into_iter().map(|digest| (digest, self.store.get(&digest).to_vec()));
        MemoryImage::stored(base::REFERENCE, self.image.index.clone(), blobs.collect())
    }

    /// Returns the variant of an architecture.
    pub(crate) fn on(&self, architecture: &str) -> View<'_> {
        let platform = Platform::linux(architecture);
        let manifest = self.image.manifests.iter().find(|manifest| manifest.platform == platform);
        let plan = self.plan.platforms.iter().find(|plan| plan.platform == platform);
        let (manifest, plan) =
            (manifest.expect("the platform was built"), plan.expect("the platform was planned"));
        View { store: &self.store, manifest, plan }
    }

    /// Returns the variant for amd64.
    pub(crate) fn amd64(&self) -> View<'_> {
        self.on("amd64")
    }
}

/// The variant of one platform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    store: &'a MemoryStore,
    pub(crate) manifest: &'a BuiltManifest,
    pub(crate) plan: &'a PlatformPlan,
}

impl View<'_> {
    /// Returns the manifest.
    pub(crate) fn document(&self) -> Manifest {
        serde_json::from_slice(&self.manifest.bytes).expect("the manifest is JSON")
    }

    /// Returns the config.
    pub(crate) fn config(&self) -> ImageConfig {
        ImageConfig::parse(&self.store.get(&self.manifest.config.digest)).expect("the config can be read")
    }

    /// Returns the file system: all layers stacked.
    pub(crate) fn tree(&self) -> Tree {
        let indexes: Vec<(Digest, LayerIndex)> =
            self.manifest.layers.iter().map(|layer| (layer.digest, self.scan(&layer.digest))).collect();
        Tree::stack(indexes.iter().map(|(digest, index)| (*digest, index)))
    }

    /// Returns `type mode owner` of a path, with a link's target; nothing where nothing is. Links are not followed.
    pub(crate) fn stat(&self, path: &str) -> String {
        let tree = self.tree();
        let Some(node) = tree.get(path) else { return String::new() };
        let line = tree_dump(&[Record::Entry(node.entry.clone())]);
        let line = line.trim_end().split_once("  ").expect("a line has two parts").1.to_owned();
        match node.entry.kind {
            // Size and digest are what `file` shows better.
            EntryKind::File { .. } => {
                let words: Vec<&str> = line.split(' ').collect();
                [&words[..3], &words[5..]].concat().join(" ")
            }
            _ => line,
        }
    }

    /// Returns the text of a file, links followed.
    pub(crate) fn file(&self, path: &str) -> String {
        self.find(path).unwrap_or_else(|| panic!("`{path}` is a file of the image"))
    }

    /// Returns the text of a file, links followed, if it is there.
    pub(crate) fn find(&self, path: &str) -> Option<String> {
        let tree = self.tree();
        let Source::Layer { blob, member } = tree.lookup(path)?.source.clone() else { return None };
        let mut bytes = Vec::new();
        let archive = Cursor::new(self.decode(&blob));
        visit_files(archive, &ScanLimits::default(), &|path| path == member, &mut |_, content| {
            bytes.clear();
            content.read_to_end(&mut bytes).map(drop)
        })
        .expect("the layer can be read");
        Some(String::from_utf8(bytes).expect("tests write text"))
    }

    /// Returns the names of all layers, lowest first.
    pub(crate) fn layer_names(&self) -> Vec<String> {
        self.plan.layers.iter().map(|layer| layer.name.clone()).collect()
    }

    /// Lists the paths of a new layer, with a `-` before those that go.
    pub(crate) fn layer_paths(&self, name: &str) -> Vec<String> {
        let records = self.scan(&self.layer_digest(name)).records;
        let path = |record: Record| match record {
            Record::Entry(entry) => entry.path,
            Record::Whiteout(path) => format!("-{path}"),
            Record::Opaque(path) => format!("--{path}"),
        };
        records.into_iter().map(path).collect()
    }

    /// Returns the digest of a new layer by its name in the plan.
    pub(crate) fn layer_digest(&self, name: &str) -> Digest {
        let names = self.layer_names();
        let position = names.iter().position(|own| own == name);
        let position = position.unwrap_or_else(|| panic!("`{name}` is one of {names:?}"));
        self.manifest.layers[position].digest
    }

    fn decode(&self, blob: &Digest) -> Vec<u8> {
        let bytes = self.store.get(blob);
        let (_, mut reader) = compression::decoder(Cursor::new(bytes)).expect("the layer is compressed");
        let mut archive = Vec::new();
        reader.read_to_end(&mut archive).expect("the layer can be read");
        archive
    }

    fn scan(&self, blob: &Digest) -> LayerIndex {
        let archive = self.decode(blob);
        scan_tar(archive.as_slice(), ScanMode::Layer, &ScanLimits::default())
            .expect("the layer can be read")
            .into()
    }
}
