//! Backups: one archive with the records in their portable form, and the keys.
//!
//! `backup.json` says what it is, `records.jsonl` has the rows, `keys/` the keys that sign, and `token-key.pk8` the one for
//! tokens. It is there as a whole or not at all, and for its owner alone. Blobs are not in it: they are where the
//! storage keeps them, and never change.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, anyhow};
use serde::{Deserialize, Serialize};
use temper_store::records::{PortableError, Records};
use tokio::runtime::Handle;

use crate::atomic_file;
use crate::failure::Failure;

const HEAD_FILE: &str = "backup.json";
const RECORDS_FILE: &str = "records.jsonl";
const KEYS_FOLDER: &str = "keys";
/// The only form that there is.
const FORMAT: u32 = 1;
/// Longest line of records in bytes: a manifest is at most 4 MiB.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Longest key in bytes.
const KEY_BYTES_MAX: u64 = 1 << 20;
/// Most files of an archive.
const ENTRIES_MAX: usize = 10_000;

/// What a backup says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    format: u32,
    /// The version that made it.
    version: String,
    /// When, in RFC 3339.
    pub(crate) created: String,
    pub(crate) rows: u64,
}

/// Which files of the data folder belong to a backup.
pub(crate) struct Places {
    /// The folder of the keys that sign.
    pub(crate) keys: PathBuf,
    /// The file with the key for tokens; it need not be there.
    pub(crate) token_key: PathBuf,
}

/// Writes a backup of records and keys; others go on writing meanwhile.
pub(crate) fn write(
    file: &Path,
    runtime: &Handle,
    records: &Records,
    places: &Places,
    created: String,
) -> Result<Head, Error> {
    let shown = file.display();
    if file.exists() {
        let error = anyhow!("backup `{shown}` is there already");
        return Err(Failure::usage(error).hint("name a file that is not there").into());
    }
    let failed = || format!("backup `{shown}` cannot be written");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A private file without a name: nothing of it stays where this ends early.
    let mut lines = tempfile::tempfile_in(folder).with_context(failed)?;
    let rows = {
        let mut lines = BufWriter::new(&mut lines);
        let rows = runtime.block_on(records.export(|line| lines.write_all(line.as_bytes())));
        let rows = rows.with_context(failed)?;
        lines.flush().with_context(failed)?;
        rows
    };
    let head = Head { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), created, rows };
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    atomic_file::remove(Path::new(&new)).with_context(failed)?;
    let packed = pack(Path::new(&new), &head, lines, places).and_then(|()| Ok(fs::rename(&new, file)?));
    packed.with_context(failed).inspect_err(|_| drop(fs::remove_file(&new)))?;
    Ok(head)
}

fn pack(path: &Path, head: &Head, mut lines: File, places: &Places) -> Result<(), Error> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut tar = tar::Builder::new(BufWriter::new(file));
    let text = serde_json::to_vec_pretty(head)?;
    append(&mut tar, HEAD_FILE, text.as_slice(), text.len() as u64)?;
    io::Seek::rewind(&mut lines)?;
    let size = lines.metadata()?.len();
    append(&mut tar, RECORDS_FILE, lines, size)?;
    for (name, path) in key_files(places)? {
        let bytes = fs::read(path)?;
        append(&mut tar, &name, bytes.as_slice(), bytes.len() as u64)?;
    }
    tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

/// Lists the files with keys, by name.
fn key_files(places: &Places) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut files = Vec::new();
    let entries = match fs::read_dir(&places.keys) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries?),
    };
    for entry in entries.into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_plain(&name) && entry.file_type()?.is_file() {
            files.push((format!("{KEYS_FOLDER}/{name}"), entry.path()));
        }
    }
    files.sort();
    if let Some(name) = places.token_key.file_name().filter(|_| places.token_key.exists()) {
        files.push((name.to_string_lossy().into_owned(), places.token_key.clone()));
    }
    Ok(files)
}

fn append(tar: &mut tar::Builder<impl io::Write>, name: &str, bytes: impl Read, size: u64) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o600);
    header.set_size(size);
    tar.append_data(&mut header, name, bytes)
}

/// Puts back what a backup holds: keys first, then the records, through `import`.
pub(crate) fn read(
    file: &Path,
    places: &Places,
    import: impl FnOnce(&mut dyn Iterator<Item = io::Result<String>>) -> Result<(), PortableError>,
) -> Result<Head, Error> {
    let shown = file.display();
    let damaged = |what: &str| {
        let error = anyhow!("backup `{shown}` is no whole backup: {what}");
        Error::from(Failure::failed(error).hint("name a file that `temper backup` made"))
    };
    let open = || File::open(file).with_context(|| format!("backup `{shown}` cannot be read"));
    let mut head = None;
    // Twice through the file: the records come in the middle, and are the last to be put back.
    let mut tar = tar::Archive::new(BufReader::new(open().map_err(Failure::usage)?));
    for entry in tar.entries()?.take(ENTRIES_MAX) {
        let mut entry = entry.map_err(|error| damaged(&error.to_string()))?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if name == HEAD_FILE {
            let bytes = bounded(&mut entry)?;
            let read: Head = serde_json::from_slice(&bytes).map_err(|error| damaged(&error.to_string()))?;
            if read.format != FORMAT {
                return Err(damaged(&format!("its form {} is not known to this version", read.format)));
            }
            head = Some(read);
        } else if head.is_none() {
            return Err(damaged("it does not begin as one"));
        } else if name != RECORDS_FILE {
            let path =
                place(&name, places).ok_or_else(|| damaged(&format!("`{name}` is no file of a backup")))?;
            let bytes = bounded(&mut entry)?;
            let folder = path.parent().expect("a file is in a folder");
            crate::workspace::make_folder(folder)?;
            atomic_file::write_private(&path, &bytes)
                .with_context(|| format!("`{}` cannot be written", path.display()))?;
        }
    }
    let head = head.ok_or_else(|| damaged("it is empty"))?;
    let mut tar = tar::Archive::new(BufReader::new(open()?));
    for entry in tar.entries()? {
        let entry = entry.map_err(|error| damaged(&error.to_string()))?;
        if entry.path()?.to_str() == Some(RECORDS_FILE) {
            let mut lines = Lines(BufReader::new(entry));
            import(&mut lines).with_context(|| format!("backup `{shown}` cannot be restored"))?;
            return Ok(head);
        }
    }
    Err(damaged("it has no records"))
}

/// Returns where a key belongs.
fn place(name: &str, places: &Places) -> Option<PathBuf> {
    if places.token_key.file_name()?.to_str()? == name {
        return Some(places.token_key.clone());
    }
    let name = name.strip_prefix(KEYS_FOLDER)?.strip_prefix('/')?;
    is_plain(name).then(|| places.keys.join(name))
}

fn is_plain(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name != "lock" && name.bytes().all(is_word)
}

fn bounded(entry: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    entry.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > KEY_BYTES_MAX {
        return Err(anyhow!("a file of the backup has more than {KEY_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Lines of bounded length.
struct Lines<R>(BufReader<R>);

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        match self.0.by_ref().take(LINE_BYTES_MAX).read_line(&mut line) {
            Ok(0) => None,
            Ok(_) if !line.ends_with('\n') => Some(Err(io::Error::other("a line has no end"))),
            Ok(_) => {
                line.pop();
                Some(Ok(line))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
