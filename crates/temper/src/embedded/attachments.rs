//! What is attached to the images of a repository of the embedded registry, read without a network.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use temper_compose::{Attachments, External};
use temper_oci::document::is_image_document;
use temper_oci::{Descriptor, Digest, ImageDocument};
use temper_store::records::ManifestRecord;
use temper_store::storage::BlobBytes;

use super::EmbeddedDestination;

/// Referrers that are read from the records at once.
const PAGE: u32 = 1_000;

/// Most referrers of one manifest that are listed.
const REFERRERS_MAX: usize = 10_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl EmbeddedDestination {
    fn wait<T>(&self, what: &str, work: impl Future<Output = Result<T, Failed>>) -> Result<T, External> {
        let context = || format!("{what} of `{}` cannot be read", self.repository.as_str());
        self.runtime.block_on(work).map_err(|error| External::new(context(), error))
    }

    async fn manifest(&self, digest: Digest) -> Result<Option<Bytes>, Failed> {
        Ok(self.registry.repositories().read_manifest(self.repository.as_str(), digest).await?)
    }

    /// Reads an index or a manifest by its digest.
    pub(super) fn by_digest(&self, digest: Digest) -> Result<Option<ImageDocument>, External> {
        self.wait(&format!("manifest `{digest}`"), async {
            let repositories = self.registry.repositories();
            let Some(record) = repositories.find_manifest(self.repository.as_str(), digest).await? else {
                return Ok(None);
            };
            let bytes = self.manifest(digest).await?;
            let document = bytes.map(|bytes| ImageDocument::parse(bytes, Some(&record.media_type)));
            Ok(document.transpose()?)
        })
    }

    /// Opens a blob; nobody has compared its bytes with the digest.
    pub(super) fn open(&self, digest: Digest) -> Result<BlobBytes, Failed> {
        self.runtime.block_on(async {
            let blob = self.registry.repositories().find_blob(self.repository.as_str(), digest).await?;
            let blob = blob.ok_or("it is not there")?;
            Ok(self.registry.storage().read(&blob.storage_key, 0..blob.size_bytes).await?)
        })
    }

    async fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>, Failed> {
        let blob = self.registry.repositories().find_blob(self.repository.as_str(), digest).await?;
        let Some(blob) = blob else { return Ok(None) };
        let pieces = self.registry.storage().read(&blob.storage_key, 0..blob.size_bytes).await?;
        let pieces: Vec<Bytes> = pieces.try_collect().await?;
        let bytes = pieces.concat();
        let mut hasher = digest.hasher();
        hasher.update(&bytes);
        let found = hasher.finish();
        if found == digest {
            Ok(Some(bytes))
        } else {
            Err(format!("its bytes have the digest `{found}`").into())
        }
    }
}

impl Attachments for EmbeddedDestination {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        self.wait(&format!("tag `{tag}`"), async {
            let repositories = self.registry.repositories();
            let Some(record) = repositories.find_tagged_manifest(self.repository.as_str(), tag).await? else {
                return Ok(None);
            };
            let bytes = self.manifest(record.digest).await?;
            let document = bytes.map(|bytes| ImageDocument::parse(bytes, Some(&record.media_type)));
            Ok(document.transpose()?)
        })
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        self.wait(&format!("list of referrers of `{subject}`"), async {
            let mut listed = Vec::new();
            loop {
                let after = listed.last().map(|descriptor: &Descriptor| descriptor.digest);
                let page = self.registry.repositories();
                let page = page.list_referrers(self.repository.as_str(), *subject, None, after, PAGE).await?;
                let is_last = page.len() < PAGE as usize;
                listed.extend(page.into_iter().map(descriptor));
                if is_last {
                    return Ok(Some(listed));
                }
                if listed.len() > REFERRERS_MAX {
                    return Err(format!("it has more than {REFERRERS_MAX} entries").into());
                }
            }
        })
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        self.wait(&format!("`{}`", descriptor.digest), async {
            if is_image_document(&descriptor.media_type) {
                return Ok(self.manifest(descriptor.digest).await?.map(Vec::from));
            }
            self.blob(descriptor.digest).await
        })
    }
}

fn descriptor(record: ManifestRecord) -> Descriptor {
    Descriptor {
        artifact_type: record.artifact_type,
        annotations: record.annotations,
        ..Descriptor::new(&record.media_type, record.digest, record.size_bytes)
    }
}
