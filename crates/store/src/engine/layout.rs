//! Images on this disk as sources, and OCI image layouts as destinations.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use temper_compose::{Attachments, Destination, External, ImageSource, OpenBlob};
use temper_oci::document::DOCUMENT_BYTES_MAX;
use temper_oci::reference::is_attachment_tag;
use temper_oci::{Descriptor, Digest, ImageDocument};

use crate::blobs::{BlobError, Blobs, Durability};
use crate::layout::{Layout, LayoutError, ref_name};

/// One image whose blobs are on this disk.
#[derive(Clone, Debug)]
pub struct StoredImage {
    reference: String,
    blobs: Blobs,
    root: Descriptor,
    attachments: Option<Place>,
}

/// Where attachments are looked for.
#[derive(Clone)]
struct Place(Arc<dyn Attachments>);

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// Why a layout does not have the image.
#[derive(Debug, thiserror::Error)]
pub enum StoredImageError {
    /// The layout cannot be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// No entry has the name.
    #[error("layout `{folder}` has no image `{name}`")]
    Unknown {
        /// The layout's folder.
        folder: String,
        /// The name that was asked for.
        name: String,
        /// The names that it has.
        names: Vec<String>,
    },
    /// It has several images, and none was named.
    #[error("layout `{folder}` has several images")]
    Several {
        /// The layout's folder.
        folder: String,
        /// Their names.
        names: Vec<String>,
    },
    /// It has none.
    #[error("layout `{0}` has no image")]
    Empty(String),
}

impl StoredImageError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { names, .. } if names.is_empty() => {
                Some("its images have no names; leave the tag out".to_owned())
            }
            Self::Unknown { names, .. } => Some(format!("it has: {}", names.join(", "))),
            Self::Several { folder, names } => Some(format!(
                "name one: {}",
                names.iter().map(|n| format!("`oci:{folder}:{n}`")).collect::<Vec<_>>().join(", ")
            )),
            Self::Layout(error) => error.hint(),
            Self::Empty(folder) => {
                Some(format!("`skopeo copy --all docker://REFERENCE oci:{folder}:TAG` puts one into it"))
            }
        }
    }
}

impl StoredImage {
    /// Returns the image whose index or manifest is `root`; messages and plans call it `reference`.
    pub fn new(reference: String, blobs: Blobs, root: Descriptor) -> Self {
        Self { reference, blobs, root, attachments: None }
    }

    /// Names the place where the image's signatures and attestations are.
    #[must_use]
    pub fn with_attachments(mut self, place: Arc<dyn Attachments>) -> Self {
        self.attachments = Some(Place(place));
        self
    }

    /// Finds an image of a layout by its reference name; without one, the layout's only image under however many names.
    pub fn in_layout(folder: &Path, name: Option<&str>) -> Result<Self, StoredImageError> {
        let layout = Layout::open(folder, Durability::Relaxed)?;
        let mut entries = layout.index()?.manifests;
        if name.is_none() {
            // What is attached to images stands in the layout under names of its own.
            entries.retain(|entry| !ref_name(entry).is_some_and(is_attachment_tag));
        }
        let shown = folder.display().to_string();
        let names: Vec<String> = entries.iter().filter_map(ref_name).map(str::to_owned).collect();
        let root = if let Some(name) = name {
            let found = entries.into_iter().find(|entry| ref_name(entry) == Some(name));
            let (folder, name) = (shown.clone(), name.to_owned());
            found.ok_or(StoredImageError::Unknown { folder, name, names })?
        } else {
            let first = entries.first().cloned().ok_or_else(|| StoredImageError::Empty(shown.clone()))?;
            if entries.iter().any(|entry| entry.digest != first.digest) {
                return Err(StoredImageError::Several { folder: shown, names });
            }
            first
        };
        let reference = name.map_or_else(|| format!("oci:{shown}"), |name| format!("oci:{shown}:{name}"));
        let image = Self::new(reference, layout.blobs().clone(), root);
        Ok(image.with_attachments(Arc::new(LayoutDestination { folder: shown, layout })))
    }

    /// Returns the descriptor of its index or manifest.
    pub fn root_descriptor(&self) -> &Descriptor {
        &self.root
    }

    /// Returns where its blobs are.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }
}

/// Names a blob that cannot be read, the image that it belongs to, and what helps.
fn unreadable(reference: &str, descriptor: &Descriptor) -> impl FnOnce(BlobError) -> External {
    let message = format!("blob `{}` of image `{reference}` cannot be read", descriptor.digest);
    move |error| {
        let hint = match &error {
            BlobError::Missing(_) => Some(
                "the layout is incomplete; copy the image again, all platforms of it (`skopeo copy --all`)"
                    .to_owned(),
            ),
            BlobError::Digest { .. } => Some(DAMAGED.to_owned()),
            error => error.hint(),
        };
        External::new(message, error).with_hint(hint)
    }
}

/// What helps where a blob has another digest than its name says.
const DAMAGED: &str = "the layout is damaged; remove it and copy the image again";

impl ImageSource for StoredImage {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn root(&self) -> Result<ImageDocument, External> {
        let bytes = self.document(&self.root)?;
        ImageDocument::parse(bytes, Some(&self.root.media_type))
            .map_err(|error| External::new(format!("image `{}` cannot be used", self.reference), error))
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        let bytes = self.blobs.read(&descriptor.digest, DOCUMENT_BYTES_MAX as u64);
        Ok(bytes.map_err(unreadable(&self.reference, descriptor))?.into())
    }

    fn attachments(&self) -> Option<&dyn Attachments> {
        self.attachments.as_ref().map(|place| &*place.0)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        let file =
            self.blobs.open_blob(&descriptor.digest).map_err(unreadable(&self.reference, descriptor))?;
        Ok(Box::new(file))
    }
}

/// A layout that images are written to, and that tells what is attached to them.
#[derive(Debug)]
pub struct LayoutDestination {
    folder: String,
    layout: Layout,
}

impl LayoutDestination {
    /// Opens a layout, or makes one where the folder is empty or missing.
    pub fn create(folder: &Path) -> Result<Self, LayoutError> {
        let layout = Layout::create(folder, Durability::Relaxed)?;
        Ok(Self { folder: folder.display().to_string(), layout })
    }

    /// Opens a layout that must be there, to read what is attached to its images.
    pub fn open(folder: &Path) -> Result<Self, LayoutError> {
        let layout = Layout::open(folder, Durability::Relaxed)?;
        Ok(Self { folder: folder.display().to_string(), layout })
    }

    /// Removes what writers that died before `before` left; returns how many files that were.
    pub fn sweep(&self, before: SystemTime) -> Result<usize, BlobError> {
        self.layout.sweep(before)
    }

    fn set(&self, tag: &str, descriptor: &Descriptor) -> Result<(), External> {
        self.layout.set(tag, descriptor.clone()).map_err(|error| {
            let hint = error.hint();
            let message = format!("tag `{tag}` could not be written to layout `{}`", self.folder);
            External::new(message, error).with_hint(hint)
        })
    }

    fn failed(&self, what: &str) -> impl FnOnce(BlobError) -> External + use<> {
        let message = format!("{what} could not be written to layout `{}`", self.folder);
        move |error| {
            let hint = error.hint();
            External::new(message, error).with_hint(hint)
        }
    }
}

impl Destination for LayoutDestination {
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        if self.layout.blobs().contains(&descriptor.digest) == Some(descriptor.size) {
            return Ok(());
        }
        let write = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let mut writer = self.layout.blobs().create()?;
            std::io::copy(&mut open()?, &mut writer)?;
            writer.commit(Some(descriptor.digest))?;
            Ok(())
        };
        let message =
            format!("blob `{}` could not be written to layout `{}`", descriptor.digest, self.folder);
        write().map_err(|error| External::new(message, error))
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        let put = self.layout.blobs().put(bytes).map(drop);
        put.map_err(self.failed(&format!("manifest `{}`", descriptor.digest)))
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.put_manifest(descriptor, bytes)?;
        self.set(tag, descriptor)
    }

    fn move_tags(&self, image: &Descriptor, _: &Bytes, tags: &[String]) -> Result<(), External> {
        tags.iter().try_for_each(|tag| self.set(tag, image))
    }
}

/// In a layout, tags are names of entries; a list of referrers is kept under the fallback tag alone.
impl Attachments for LayoutDestination {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        let context = || format!("tag `{tag}` of layout `{}` cannot be read", self.folder);
        let entry = self.layout.find(tag).map_err(|error| {
            let hint = error.hint();
            External::new(context(), error).with_hint(hint)
        })?;
        let Some(entry) = entry else { return Ok(None) };
        if entry.size > DOCUMENT_BYTES_MAX as u64 {
            let message = format!("{}: it has {} bytes", context(), entry.size);
            return Err(External { message, hint: None, source: None });
        }
        let Some(bytes) = self.part(&entry)? else { return Ok(None) };
        let document = ImageDocument::parse(bytes, Some(&entry.media_type));
        document.map(Some).map_err(|error| External::new(context(), error))
    }

    fn referrers(&self, _: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        Ok(None)
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        let place = format!("oci:{}", self.folder);
        match self.layout.blobs().read(&descriptor.digest, descriptor.size) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BlobError::Missing(_)) => Ok(None),
            Err(error) => Err(unreadable(&place, descriptor)(error)),
        }
    }
}

#[cfg(test)]
mod tests;
