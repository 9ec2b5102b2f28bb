//! Images in a folder.
//!
//! Follows the [OCI image layout specification](https://github.com/opencontainers/image-spec/blob/main/image-layout.md).
//! Blobs may be written by several processes; `index.json` is for one writer at a time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use temper_oci::descriptor::ANNOTATION_REF_NAME;
use temper_oci::document::{DOCUMENT_BYTES_MAX, Parse};
use temper_oci::{Descriptor, DocumentError, Index};

use crate::blobs::{BlobError, Blobs, Durability, replace_file, sweep};

const VERSION_FILE: &str = "oci-layout";
const INDEX_FILE: &str = "index.json";
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// Why a folder is no image layout, or cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A file of the layout cannot be read or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// There is no such folder.
    #[error("there is no image layout `{}`", .0.display())]
    Missing(PathBuf),
    /// What should be a folder is a file.
    #[error("`{}` is no image layout, it is a file", .0.display())]
    File(PathBuf),
    /// The folder has no `oci-layout` file.
    #[error("folder `{}` is no image layout: it has no file `oci-layout`", .0.display())]
    NoLayout(PathBuf),
    /// The layout has a version that is not 1.
    #[error("`{}` is an image layout of another version: {version}", path.display())]
    Version {
        /// The folder.
        path: PathBuf,
        /// What `oci-layout` says.
        version: String,
    },
    /// `index.json` cannot be parsed.
    #[error("`index.json` of `{}` is not valid", path.display())]
    Index {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: DocumentError,
    },
}

impl LayoutError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Blob(error) => error.hint(),
            Self::Missing(path) | Self::NoLayout(path) => {
                let path = path.display();
                Some(format!("`skopeo copy --all docker://REFERENCE oci:{path}:TAG` makes one from an image"))
            }
            Self::File(path) => {
                let path = path.display();
                Some(format!(
                    "an archive becomes a layout by `skopeo copy --all oci-archive:{path} oci:DIR:TAG`"
                ))
            }
            Self::Version { .. } => Some("Temper reads version 1; copy the image again".to_owned()),
            Self::Index { path, .. } => {
                Some(format!("the layout is damaged; delete `{}` and copy the image again", path.display()))
            }
        }
    }
}

/// A folder with images. Entries and fields that Temper does not know stay.
#[derive(Clone, Debug)]
pub struct Layout {
    directory: PathBuf,
    blobs: Blobs,
    durability: Durability,
}

impl Layout {
    /// Opens an existing layout.
    pub fn open(directory: &Path, durability: Durability) -> Result<Self, LayoutError> {
        let path = directory.join(VERSION_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory.exists() => {
                return Err(LayoutError::NoLayout(directory.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LayoutError::Missing(directory.to_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(LayoutError::File(directory.to_owned()));
            }
            Err(error) => return Err(BlobError::io("read", &path)(error).into()),
        };
        let version: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let version = version.and_then(|value| Some(value["imageLayoutVersion"].as_str()?.to_owned()));
        if !version.as_deref().is_some_and(|version| version.starts_with("1.")) {
            let version = version.unwrap_or(text);
            return Err(LayoutError::Version { path: directory.to_owned(), version });
        }
        let blobs = Blobs::open(directory, durability)?;
        Ok(Self { directory: directory.to_owned(), blobs, durability })
    }

    /// Opens a layout, or makes an empty one in a folder that has none.
    pub fn create(directory: &Path, durability: Durability) -> Result<Self, LayoutError> {
        if !directory.join(VERSION_FILE).exists() {
            fs::create_dir_all(directory).map_err(BlobError::io("create folder", directory))?;
            if !directory.join(INDEX_FILE).exists() {
                let index = Index::of(Vec::new()).to_bytes();
                replace_file(&directory.join(INDEX_FILE), &index, durability)?;
            }
            // Last, because it says that the rest is there.
            replace_file(&directory.join(VERSION_FILE), VERSION.as_bytes(), durability)?;
        }
        Self::open(directory, durability)
    }

    /// Removes what writers that died before `before` left; returns how many files that were.
    pub fn sweep(&self, before: SystemTime) -> Result<usize, BlobError> {
        Ok(self.blobs.sweep(before)? + sweep(&self.directory, before)?)
    }

    /// Returns the layout's blobs.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Reads `index.json`.
    pub fn index(&self) -> Result<Index, LayoutError> {
        let path = self.directory.join(INDEX_FILE);
        let size = fs::metadata(&path).map_err(BlobError::io("look at", &path))?.len();
        let failed = |source| LayoutError::Index { path: self.directory.clone(), source };
        if size > DOCUMENT_BYTES_MAX as u64 {
            let size_bytes = size as usize;
            return Err(failed(DocumentError::Length { size_bytes, max: DOCUMENT_BYTES_MAX }));
        }
        let bytes = fs::read(&path).map_err(BlobError::io("read", &path))?;
        Index::parse(&bytes).map_err(failed)
    }

    /// Returns the entry with this reference name.
    pub fn find(&self, name: &str) -> Result<Option<Descriptor>, LayoutError> {
        Ok(self.index()?.manifests.into_iter().find(|entry| ref_name(entry) == Some(name)))
    }

    /// Writes an entry under a reference name, in the place of the one that had it.
    pub fn set(&self, name: &str, descriptor: Descriptor) -> Result<(), LayoutError> {
        let mut index = self.index()?;
        let mut entry = descriptor;
        entry.annotations.insert(ANNOTATION_REF_NAME.to_owned(), name.to_owned());
        match index.manifests.iter().position(|other| ref_name(other) == Some(name)) {
            Some(position) => index.manifests[position] = entry,
            None => index.manifests.push(entry),
        }
        self.replace_index(&index)
    }

    /// Removes the entry with this reference name; says whether it was there. Its blobs stay.
    pub fn remove(&self, name: &str) -> Result<bool, LayoutError> {
        let mut index = self.index()?;
        let before = index.manifests.len();
        index.manifests.retain(|entry| ref_name(entry) != Some(name));
        if index.manifests.len() == before {
            return Ok(false);
        }
        self.replace_index(&index).map(|()| true)
    }

    fn replace_index(&self, index: &Index) -> Result<(), LayoutError> {
        Ok(replace_file(&self.directory.join(INDEX_FILE), &index.to_bytes(), self.durability)?)
    }
}

/// Returns the name under which a layout's entry stands.
pub fn ref_name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(ANNOTATION_REF_NAME).map(String::as_str)
}

#[cfg(test)]
mod tests;
