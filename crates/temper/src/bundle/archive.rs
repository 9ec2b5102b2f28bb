//! Layouts as tar archives: written the same each time, and read without trusting a name.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Error, anyhow};
use temper_oci::Digest;
use temper_oci::document::DOCUMENT_BYTES_MAX;
use temper_store::blobs::Durability;
use temper_store::layout::Layout;

use crate::failure::Failure;
use crate::workspace::{Workspace, left_over_before};

const INDEX_FILE: &str = "index.json";
const VERSION_FILE: &str = "oci-layout";
/// Longest `oci-layout` in bytes.
const VERSION_BYTES_MAX: u64 = 1024;
/// Most entries of an archive.
const ENTRIES_MAX: usize = 200_000;

/// A folder of the data folder that is gone when this is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder, and removes what processes that died have left.
    pub(crate) fn new(workspace: &Workspace) -> Result<Self, Error> {
        let all = workspace.folder.join("bundles");
        let path = all.join(std::process::id().to_string());
        let make = || -> io::Result<()> {
            fs::create_dir_all(&all)?;
            for entry in fs::read_dir(&all)? {
                sweep(&entry?.path(), left_over_before());
            }
            // What has this number and is there was left by a process that died.
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::create_dir(&path)
        };
        make().with_context(|| format!("folder `{}` cannot be made", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by a later command.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What cannot be swept is in nobody's way.
fn sweep(folder: &Path, before: SystemTime) {
    let modified = fs::metadata(folder).and_then(|metadata| metadata.modified());
    if modified.is_ok_and(|modified| modified < before) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Writes a layout as an archive, under another name until it is complete.
pub(crate) fn pack(folder: &Path, archive: &Path) -> Result<(), Error> {
    let failed = || format!("archive `{}` cannot be written", archive.display());
    let mut new = archive.as_os_str().to_owned();
    new.push(".new");
    let write = || -> Result<(), Error> {
        let layout = Layout::open(folder, Durability::Relaxed)?;
        let mut tar = tar::Builder::new(BufWriter::new(File::create(&new)?));
        for name in [VERSION_FILE, INDEX_FILE] {
            append(&mut tar, name, &folder.join(name))?;
        }
        for (digest, _) in layout.blobs().list()? {
            let file = layout.blobs().file(&digest).ok_or_else(|| anyhow!("blob `{digest}` is gone"))?;
            append(&mut tar, &format!("blobs/{}/{}", digest.algorithm(), digest.hex()), &file)?;
        }
        let mut file = tar.into_inner()?;
        file.flush()?;
        file.get_ref().sync_all()?;
        Ok(fs::rename(&new, archive)?)
    };
    write().with_context(failed)
}

/// Nothing of this machine is in the archive: no times, no owners.
fn append(tar: &mut tar::Builder<impl io::Write>, name: &str, path: &Path) -> Result<(), Error> {
    let file = File::open(path)?;
    let mut header = tar::Header::new_ustar();
    header.set_size(file.metadata()?.len());
    header.set_mode(0o644);
    header.set_mtime(0);
    Ok(tar.append_data(&mut header, name, BufReader::new(file))?)
}

/// Reads an archive into a layout. Only the names of a layout are read, and only bytes that have the digest of their
/// name are kept.
pub(crate) fn unpack(archive: &Path, folder: &Path) -> Result<(), Error> {
    let failed = || format!("bundle `{}` cannot be read", archive.display());
    let file = File::open(archive).with_context(failed);
    let file = file.map_err(|error| Failure::usage(error).hint("`temper bundle export` makes a bundle"))?;
    let read = || -> Result<(), Error> {
        let layout = Layout::create(folder, Durability::Relaxed)?;
        let mut has_index = false;
        let mut tar = tar::Archive::new(BufReader::new(file));
        for (count, entry) in tar.entries()?.enumerate() {
            if count >= ENTRIES_MAX {
                return Err(anyhow!("it has more than {ENTRIES_MAX} entries"));
            }
            let mut entry = entry?;
            if entry.header().entry_type().is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
            if !entry.header().entry_type().is_file() {
                return Err(anyhow!("its entry `{name}` is no file"));
            }
            match name.as_str() {
                INDEX_FILE => {
                    let bytes = bounded(&mut entry, DOCUMENT_BYTES_MAX as u64)?;
                    fs::write(folder.join(INDEX_FILE), bytes)?;
                    has_index = true;
                }
                VERSION_FILE => {
                    fs::write(folder.join(VERSION_FILE), bounded(&mut entry, VERSION_BYTES_MAX)?)?;
                }
                name => {
                    let digest = blob_name(name).ok_or_else(|| anyhow!("a layout has no entry `{name}`"))?;
                    let mut writer = layout.blobs().create()?;
                    io::copy(&mut entry, &mut writer)?;
                    writer.commit(Some(digest))?;
                }
            }
        }
        if has_index { Ok(()) } else { Err(anyhow!("it has no `{INDEX_FILE}`")) }
    };
    read().with_context(failed)
}

fn bounded(entry: &mut impl io::Read, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    entry.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(anyhow!("a file of it is larger than {bytes_max} bytes"));
    }
    Ok(bytes)
}

fn blob_name(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

#[cfg(test)]
mod tests;
