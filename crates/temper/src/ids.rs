//! The numbers that the last build of an image gave to users and groups of its packages.
//!
//! They are an input of the next build, so that the owner of a volume survives a rebuild. Each line of builds has a file
//! of its own in the data folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use temper_compose::AutomaticIds;
use temper_oci::{Digest, Platform};

use crate::failure::Failure;

/// Longest record in bytes: some hundred names for each platform are far less.
const RECORD_BYTES_MAX: u64 = 4 << 20;

/// Numbers by platform.
pub(crate) type PlatformIds = BTreeMap<Platform, AutomaticIds>;

/// A file of the data folder.
#[derive(Serialize, Deserialize)]
struct Record {
    /// For people who look into the folder.
    line: String,
    platforms: PlatformIds,
}

/// Reads the numbers of the last build of a line; there are none before the first one.
pub(crate) fn read(folder: &Path, line: &str) -> Result<PlatformIds, anyhow::Error> {
    let path = file(folder, line);
    let text = match read_text(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(PlatformIds::new()),
        text => text,
    };
    let record = text.map_err(anyhow::Error::new).and_then(|text| Ok(serde_json::from_str::<Record>(&text)?));
    let failed = || format!("the user ids of the last build cannot be read from `{}`", path.display());
    let hint = "restore the file, or delete it: users of packages may then get other numbers than before";
    Ok(record.with_context(failed).map_err(|error| Failure::configuration(error).hint(hint))?.platforms)
}

/// Keeps the numbers of a build of a line.
pub(crate) fn write(folder: &Path, line: &str, ids: PlatformIds) -> Result<(), anyhow::Error> {
    let path = file(folder, line);
    let record = Record { line: line.to_owned(), platforms: ids };
    let text = serde_json::to_string_pretty(&record)? + "\n";
    replace(&path, &text)
        .with_context(|| format!("the user ids of the build cannot be kept in `{}`", path.display()))
}

fn file(folder: &Path, line: &str) -> PathBuf {
    folder.join("state").join("ids").join(format!("{}.json", Digest::of(line).hex()))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(RECORD_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file so that a crash leaves the old text or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_again_by_line_and_platform() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let ids = |uid: u32| AutomaticIds {
            users: [("redis".to_owned(), uid)].into(),
            groups: [("redis".to_owned(), uid + 1)].into(),
        };
        let both: PlatformIds =
            [(Platform::linux("amd64"), ids(100)), (Platform::linux("arm64"), ids(200))].into();
        assert_eq!(read(folder.path(), "acme/app 1_custom").expect("none is no error"), PlatformIds::new());
        write(folder.path(), "acme/app 1_custom", PlatformIds::new()).expect("can be kept");
        write(folder.path(), "acme/app 1_custom", both.clone()).expect("can be kept again");
        assert_eq!(read(folder.path(), "acme/app 1_custom").expect("can be read"), both);
        assert_eq!(read(folder.path(), "acme/app 2_custom").expect("can be read"), PlatformIds::new());
        assert_eq!(fs::read_dir(folder.path().join("state/ids")).expect("is there").count(), 1);
    }

    #[test]
    fn a_damaged_record_is_not_passed_over() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        write(folder.path(), "line", PlatformIds::new()).expect("can be kept");
        fs::write(file(folder.path(), "line"), "{").expect("can be damaged");
        let error = read(folder.path(), "line").expect_err("is damaged").to_string();
        assert!(error.starts_with("the user ids of the last build cannot be read from `"), "{error}");
    }
}
