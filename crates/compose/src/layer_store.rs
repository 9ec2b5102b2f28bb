//! Written layers: joined from segments that are kept for ever, and not computed again while their inputs stay.

use std::collections::BTreeSet;
use std::io;

use rayon::prelude::*;
use temper_oci::{Compression, Descriptor, Digest, compression, media_type};
use temper_rootfs::contents::Contents;
use temper_rootfs::layer_writer::{LayerRecord, LayerWriter};
use temper_rootfs::segment::{Segment, SegmentRecord, WRITER_VERSION};
use temper_rootfs::writer::{WriteOptions, write_segment};

use crate::blob_store::{BlobStore, Cache};

/// Kinds of cache entries; their numbers change with their form.
const SEGMENT_KIND: &str = "segment-1";
const LAYER_KIND: &str = "layer-1";
const RECOMPRESSED_KIND: &str = "recompressed-1";

/// The kinds of records of written bytes; others tell of inputs.
pub(crate) const WRITTEN_KINDS: [&str; 3] = [SEGMENT_KIND, LAYER_KIND, RECOMPRESSED_KIND];

/// Where layers are written to and found again.
#[derive(Clone, Copy)]
pub(crate) struct LayerStore<'a> {
    /// Blobs: segments and layers.
    pub store: &'a dyn BlobStore,
    /// Records of both, by key.
    pub cache: &'a dyn Cache,
}

/// Why a layer could not be written.
pub(crate) type LayerError = Box<dyn std::error::Error + Send + Sync>;

impl LayerStore<'_> {
    /// Returns the key of a layer: equal keys mean equal bytes.
    pub(crate) fn key(segments: &[Segment], compression: Compression) -> Digest {
        let keys: Vec<String> = segments.iter().map(|segment| segment.key(compression).to_string()).collect();
        Digest::of(format!("layer\n{WRITER_VERSION}\n{compression}\n{}", keys.join("\n")))
    }

    /// Returns the record of a layer that was written before and is still there.
    pub(crate) fn find(&self, segments: &[Segment], compression: Compression) -> Option<LayerRecord> {
        let record: LayerRecord = self.get(LAYER_KIND, &Self::key(segments, compression))?;
        self.has(&record.digest).then_some(record)
    }

    /// Lists the package files that writing a layer reads: those of segments that are not kept, none for a kept layer.
    pub(crate) fn package_files(&self, segments: &[Segment], compression: Compression) -> BTreeSet<Digest> {
        if self.find(segments, compression).is_some() {
            return BTreeSet::new();
        }
        let missing = segments.iter().filter(|one| self.find_segment(&one.key(compression)).is_none());
        missing.flat_map(Segment::package_files).collect()
    }

    /// Writes a layer, or finds it.
    pub(crate) fn write(
        &self,
        segments: &[Segment],
        compression: Compression,
        contents: &dyn Contents,
    ) -> Result<LayerRecord, LayerError> {
        if let Some(record) = self.find(segments, compression) {
            return Ok(record);
        }
        let records: Result<Vec<SegmentRecord>, LayerError> =
            segments.par_iter().map(|segment| self.segment(segment, compression, contents)).collect();
        let mut layer = LayerWriter::new(compression, self.store.create()?);
        for record in &records? {
            layer.append(record, self.store.open(&record.digest)?)?;
        }
        let (record, blob) = layer.finish()?;
        blob.commit(Some(&record.digest))?;
        self.put(LAYER_KIND, &Self::key(segments, compression), &record)?;
        Ok(record)
    }

    fn segment(
        &self,
        segment: &Segment,
        compression: Compression,
        contents: &dyn Contents,
    ) -> Result<SegmentRecord, LayerError> {
        let key = segment.key(compression);
        if let Some(record) = self.find_segment(&key) {
            return Ok(record);
        }
        let mut blob = self.store.create()?;
        let record = write_segment(segment, contents, &WriteOptions::new(compression), &mut blob)?;
        blob.commit(Some(&record.digest))?;
        self.put(SEGMENT_KIND, &key, &record)?;
        Ok(record)
    }

    /// Returns the record of a layer that was written again in another form, if it is still there.
    pub(crate) fn find_recompressed(&self, blob: &Digest, compression: Compression) -> Option<LayerRecord> {
        let record: LayerRecord = self.get(RECOMPRESSED_KIND, &recompressed_key(blob, compression))?;
        self.has(&record.digest).then_some(record)
    }

    /// Writes a base's layer again in another form; its diff id stays.
    pub(crate) fn recompress(
        &self,
        layer: &Descriptor,
        compression: Compression,
    ) -> Result<LayerRecord, LayerError> {
        if let Some(record) = self.find_recompressed(&layer.digest, compression) {
            return Ok(record);
        }
        let (_, archive) = compression::decoder(self.store.open(&layer.digest)?)?;
        let (record, blob) =
            temper_rootfs::layer_writer::recompress(archive, compression, self.store.create()?)?;
        blob.commit(Some(&record.digest))?;
        self.put(RECOMPRESSED_KIND, &recompressed_key(&layer.digest, compression), &record)?;
        Ok(record)
    }

    fn find_segment(&self, key: &Digest) -> Option<SegmentRecord> {
        let record: SegmentRecord = self.get(SEGMENT_KIND, key)?;
        self.has(&record.digest).then_some(record)
    }

    fn has(&self, digest: &Digest) -> bool {
        self.store.size(digest).is_ok_and(|size| size.is_some())
    }

    fn get<T: serde::de::DeserializeOwned>(&self, kind: &str, key: &Digest) -> Option<T> {
        postcard::from_bytes(&self.cache.get(kind, key)?).ok()
    }

    fn put<T: serde::Serialize>(&self, kind: &str, key: &Digest, value: &T) -> io::Result<()> {
        let bytes = postcard::to_allocvec(value).map_err(io::Error::other)?;
        self.cache.put(kind, key, &bytes)
    }
}

fn recompressed_key(blob: &Digest, compression: Compression) -> Digest {
    Digest::of(format!("recompressed\n{WRITER_VERSION}\n{compression}\n{blob}"))
}

/// Returns the descriptor of a written layer.
pub(crate) fn descriptor(record: &LayerRecord) -> Descriptor {
    Descriptor::new(media_type::layer(record.compression), record.digest, record.size_bytes)
}
