//! The package database of a base image, read from its OCI layout as dpkg would see it.
//!
//! Independent of Temper's own reader on purpose: an oracle that shares code with what it judges judges nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_FOLDER: &str = "var/lib/dpkg/status.d/";

/// The largest file of a package database that is read, in bytes.
const DATABASE_BYTES_MAX: u64 = 64 << 20;

/// An OCI image layout with one image.
pub(crate) struct Layout {
    directory: PathBuf,
}

impl Layout {
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let marker = directory.join("oci-layout");
        fs::metadata(&marker).with_context(|| format!("{} is no OCI layout", directory.display()))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// The database of one platform in the form of dpkg's status file.
    pub(crate) fn package_database(&self, architecture: &str) -> Result<String> {
        let manifest = self.manifest(architecture)?;
        let mut files = BTreeMap::new();
        for layer in manifest["layers"].as_array().context("a manifest without layers")? {
            self.collect(layer, &mut files)?;
        }
        Ok(status(&files))
    }

    fn manifest(&self, architecture: &str) -> Result<Value> {
        let mut document: Value = serde_json::from_slice(&fs::read(self.directory.join("index.json"))?)?;
        // An index may stand inside the layout's own index.
        for _ in 0..3 {
            if document["layers"].is_array() {
                return Ok(document);
            }
            let manifests = document["manifests"].as_array().context("neither index nor manifest")?;
            let wanted = |entry: &&Value| entry["platform"]["architecture"] == architecture;
            let chosen = manifests
                .iter()
                .find(wanted)
                .or_else(|| manifests.first().filter(|entry| entry["platform"].is_null()));
            let digest = chosen
                .and_then(|entry| entry["digest"].as_str())
                .with_context(|| format!("no image for {architecture}"))?;
            document = serde_json::from_slice(&fs::read(self.blob(digest))?)?;
        }
        bail!("the indexes of {} are nested too deep", self.directory.display())
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.directory.join("blobs").join(digest.replace(':', "/"))
    }

    /// Adds one layer's database files to those of the layers below.
    fn collect(&self, layer: &Value, files: &mut BTreeMap<String, String>) -> Result<()> {
        let digest = layer["digest"].as_str().context("a layer without digest")?;
        let blob = BufReader::new(File::open(self.blob(digest)).with_context(|| format!("layer {digest}"))?);
        let reader: Box<dyn Read> = match layer["mediaType"].as_str().unwrap_or_default() {
            media_type if media_type.ends_with("gzip") => Box::new(flate2::read::MultiGzDecoder::new(blob)),
            media_type if media_type.ends_with("zstd") => Box::new(zstd::Decoder::with_buffer(blob)?),
            _ => Box::new(blob),
        };
        for entry in tar::Archive::new(reader).entries()? {
            let entry = entry?;
            let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            if let Some((folder, hidden)) = name.rsplit_once("/.wh.") {
                files.remove(&format!("{folder}/{hidden}"));
            } else if entry.header().entry_type().is_file() && is_database(&name) {
                let mut text = String::new();
                entry.take(DATABASE_BYTES_MAX).read_to_string(&mut text)?;
                files.insert(name, text);
            }
        }
        Ok(())
    }
}

fn is_database(name: &str) -> bool {
    name == STATUS || (name.starts_with(STATUS_FOLDER) && !name.ends_with(".md5sums"))
}

/// Joins the files; a record without `Status`, as in `status.d`, is an installed package.
fn status(files: &BTreeMap<String, String>) -> String {
    let mut status = String::new();
    for record in files.values().flat_map(|text| text.split("\n\n")) {
        let record = record.trim_matches('\n');
        let Some((first, rest)) = record.split_once('\n') else { continue };
        status.push_str(first);
        if !record.lines().any(|line| line.starts_with("Status:")) {
            status.push_str("\nStatus: install ok installed");
        }
        status.push('\n');
        status.push_str(rest);
        status.push_str("\n\n");
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_database_are_joined() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let files = BTreeMap::from([
            file(
                STATUS,
                "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: x\nVersion: 2\n",
            ),
            file("var/lib/dpkg/status.d/c", "Package: c\nVersion: 3\n"),
        ]);
        let expected = "Package: a\nStatus: install ok installed\nVersion: 1\n\n\
                        Package: b\nStatus: x\nVersion: 2\n\n\
                        Package: c\nStatus: install ok installed\nVersion: 3\n\n";
        assert_eq!(status(&files), expected);
        assert!(is_database("var/lib/dpkg/status.d/c") && !is_database("var/lib/dpkg/status.d/c.md5sums"));
    }
}
