//! Files that are read again when they change, while the server runs.
//!
//! They are read every few seconds and compared: that sees every way of replacing a file, on every file system.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// Most bytes of such a file.
const FILE_BYTES_MAX: u64 = 4 << 20;

type Apply = Box<dyn FnMut(&[Vec<u8>]) -> Result<(), anyhow::Error> + Send>;

/// Files that belong together, and what is done with new contents.
pub(crate) struct Reload {
    what: &'static str,
    files: Vec<PathBuf>,
    /// What was seen last, good or not; `None` where it could not be read.
    seen: Option<Vec<Vec<u8>>>,
    apply: Apply,
}

impl Reload {
    /// Watches files whose contents are in use.
    pub(crate) fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        seen: Vec<Vec<u8>>,
        apply: impl FnMut(&[Vec<u8>]) -> Result<(), anyhow::Error> + Send + 'static,
    ) -> Self {
        Self { what, files, seen: Some(seen), apply: Box::new(apply) }
    }

    /// Looks at the files once; what cannot be used is told once, and what was in use stays.
    pub(crate) fn look(&mut self) {
        let read = read_all(&self.files);
        let (seen, result) = match read {
            Ok(contents) if self.seen.as_ref() == Some(&contents) => return,
            Ok(contents) => {
                let result = (self.apply)(&contents);
                (Some(contents), result)
            }
            Err(_) if self.seen.is_none() => return,
            Err(error) => (None, Err(error)),
        };
        self.seen = seen;
        match result {
            Ok(()) => tracing::info!(files = ?self.files, "{} read again", self.what),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(files = ?self.files, error, "{} cannot be used, the old one stays", self.what);
            }
        }
    }
}

/// Looks at all files for as long as it runs.
pub(crate) async fn run(mut reloads: Vec<Reload>) {
    if reloads.is_empty() {
        return;
    }
    loop {
        tokio::time::sleep(INTERVAL).await;
        let looked = tokio::task::spawn_blocking(move || {
            reloads.iter_mut().for_each(Reload::look);
            reloads
        });
        match looked.await {
            Ok(looked) => reloads = looked,
            Err(error) => {
                tracing::error!(error = %error, "changed files are not read again until the next start");
                return;
            }
        }
    }
}

/// Reads files of bounded size.
pub(crate) fn read_all(files: &[PathBuf]) -> Result<Vec<Vec<u8>>, anyhow::Error> {
    files.iter().map(|file| read(file)).collect()
}

/// Reads one file of bounded size.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, anyhow::Error> {
    let mut bytes = Vec::new();
    let read = || -> io::Result<u64> {
        File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map(|n| n as u64)
    };
    let size = { read }().with_context(|| format!("file `{}` cannot be read", file.display()))?;
    if size > FILE_BYTES_MAX {
        return Err(anyhow!("file `{}` is larger than {FILE_BYTES_MAX} bytes", file.display()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn changed_files_are_applied_once_and_broken_ones_are_not() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let files = vec![folder.path().join("a"), folder.path().join("b")];
        let write = |a: &str, b: &str| {
            std::fs::write(&files[0], a).expect("writes");
            std::fs::write(&files[1], b).expect("writes");
        };
        write("1", "1");
        let applied = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&applied);
        let contents = read_all(&files).expect("reads");
        let mut reload = Reload::new("pair", files.clone(), contents, move |contents| {
            let text = |index: usize| String::from_utf8_lossy(&contents[index]).into_owned();
            log.lock().expect("locks").push(format!("{}{}", text(0), text(1)));
            if text(0) == text(1) { Ok(()) } else { Err(anyhow!("do not go together")) }
        });
        for (a, b) in [("1", "1"), ("2", "1"), ("2", "1"), ("2", "2"), ("2", "2")] {
            write(a, b);
            reload.look();
        }
        std::fs::remove_file(&files[0]).expect("removes");
        reload.look();
        reload.look();
        write("2", "2");
        reload.look();
        assert_eq!(*applied.lock().expect("locks"), ["21", "22", "22"]);
    }
}
