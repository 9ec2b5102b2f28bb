//! File contents in passing: digest, ELF facts, interpreter line, kept bytes.

use std::io::Read;

use crate::archive::ArchiveReader;
use crate::scan::{ScanError, ScanLimits, check_limit, elf, kept};
use crate::{Digest, DigestHasher, Entry, EntryKind, Facts};

const CHUNK_BYTES: usize = 64 * 1024;
const ELF_MAGIC: &[u8] = b"\x7fELF";
/// As much of a `#!` line as Linux reads, see `execve(2)`.
const INTERPRETER_BYTES_MAX: usize = 256;

/// Reads contents and gathers facts about them.
pub(super) struct ContentScanner<'a> {
    limits: &'a ScanLimits,
    facts: Facts,
    facts_bytes: u64,
    kept_bytes: u64,
    chunk: Vec<u8>,
    /// The whole file where it is kept or ELF, else empty.
    whole: Vec<u8>,
}

impl<'a> ContentScanner<'a> {
    pub(super) fn new(limits: &'a ScanLimits) -> Self {
        let (chunk, whole) = (vec![0; CHUNK_BYTES], Vec::new());
        Self { limits, facts: Facts::default(), facts_bytes: 0, kept_bytes: 0, chunk, whole }
    }

    pub(super) fn into_facts(self) -> Facts {
        self.facts
    }

    /// Reads the content of the current member and puts its digest into the entry; other kinds are left alone.
    pub(super) fn read<R: Read>(
        &mut self,
        archive: &mut ArchiveReader<'_, R>,
        entry: &mut Entry,
    ) -> Result<(), ScanError> {
        let EntryKind::File { size, digest } = &mut entry.kind else { return Ok(()) };
        let is_kept = kept::is_kept(&entry.path) && *size <= kept::kept_bytes_max(&entry.path);
        let mut hasher = DigestHasher::sha256();
        let first = archive.read_content(&mut self.chunk)?;
        let interpreter = interpreter(&self.chunk[..first]);
        let is_elf = self.chunk[..first].starts_with(ELF_MAGIC) && *size <= self.limits.elf_bytes_max;
        self.whole.clear();
        let mut read = first;
        while read > 0 {
            hasher.update(&self.chunk[..read]);
            if is_elf || is_kept {
                self.whole.extend_from_slice(&self.chunk[..read]);
            }
            read = archive.read_content(&mut self.chunk)?;
        }
        *digest = hasher.finish();
        let digest = *digest;
        if is_kept {
            self.keep(digest)?;
        }
        if is_elf {
            self.look_at_elf(digest)?;
        }
        if let Some(line) = interpreter {
            self.count(line.len() as u64)?;
            self.facts.interpreters.insert(digest, line);
        }
        // One huge file must not hold its memory until the end of the layer.
        self.whole.shrink_to(16 << 20);
        Ok(())
    }

    fn keep(&mut self, digest: Digest) -> Result<(), ScanError> {
        if self.facts.kept.contains_key(&digest) {
            return Ok(());
        }
        self.kept_bytes += self.whole.len() as u64;
        check_limit("kept_bytes_max", self.kept_bytes, self.limits.kept_bytes_max, 0)?;
        self.facts.kept.insert(digest, self.whole.clone());
        Ok(())
    }

    fn look_at_elf(&mut self, digest: Digest) -> Result<(), ScanError> {
        if self.facts.elf.contains_key(&digest) {
            return Ok(());
        }
        let Some(facts) = elf::read(&self.whole) else { return Ok(()) };
        self.count(elf::size_bytes(&facts))?;
        self.facts.elf.insert(digest, facts);
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<(), ScanError> {
        self.facts_bytes += bytes;
        check_limit("facts_bytes_max", self.facts_bytes, self.limits.facts_bytes_max, 0)
    }
}

fn interpreter(start: &[u8]) -> Option<String> {
    let rest = start.strip_prefix(b"#!")?;
    let rest = &rest[..rest.len().min(INTERPRETER_BYTES_MAX)];
    let line = rest.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
