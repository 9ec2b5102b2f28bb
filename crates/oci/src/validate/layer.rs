//! Validation of one layer's archive.

use std::collections::{BTreeMap, BTreeSet};

use crate::media_type::{self, Role};
use crate::scan::{Scan, ScanMode, scan_tar};
use crate::validate::{Problem, Validator};
use crate::{Descriptor, Digest, EntryKind, Record, compression};

impl Validator<'_> {
    /// Checks a layer's bytes and records; returns its diff id where the archive could be read.
    pub(super) fn scan_layer(&mut self, at: &str, descriptor: &Descriptor) -> Option<Digest> {
        let limits = self.limits;
        let mut outcome = None;
        self.read(at, descriptor, |reader| {
            let (actual, archive) = compression::decoder(reader)?;
            outcome = Some((actual, scan_tar(archive, ScanMode::Layer, limits)));
            Ok(())
        })?;
        let (actual, scan) = outcome?;
        match media_type::role(&descriptor.media_type) {
            Role::Layer(expected) if expected != actual => {
                self.report(at, Problem::Compression { expected, actual });
            }
            _ => {}
        }
        match scan {
            Ok(scan) => {
                self.records(at, &scan);
                let diff_id = scan.diff_id;
                if let Some(indexes) = &mut self.indexes {
                    indexes.insert(descriptor.digest, scan.into());
                }
                Some(diff_id)
            }
            Err(error) => {
                self.report(at, error);
                None
            }
        }
    }

    fn records(&mut self, at: &str, scan: &Scan) {
        let mut written: BTreeMap<&str, &EntryKind> = BTreeMap::new();
        let mut removed: BTreeSet<&str> = BTreeSet::new();
        let mut awaited: BTreeSet<&str> = BTreeSet::new();
        for record in &scan.records {
            match record {
                Record::Entry(entry) => {
                    let path = entry.path.as_str();
                    if awaited.contains(path) && matches!(entry.kind, EntryKind::Directory) {
                        self.report(at, Problem::ParentLate(path.to_owned()));
                    }
                    self.link(at, path, &entry.kind, &written);
                    if written.insert(path, &entry.kind).is_some() {
                        self.report(at, Problem::PathTwice(path.to_owned()));
                    }
                    awaited.extend(parents(path).filter(|parent| !written.contains_key(parent)));
                }
                Record::Whiteout(path) | Record::Opaque(path) => {
                    if !removed.insert(path) {
                        self.report(at, Problem::PathTwice(path.clone()));
                    }
                }
            }
        }
        for record in &scan.records {
            if let Record::Whiteout(path) = record
                && written.keys().any(|other| is_at_or_below(other, path))
            {
                self.report(at, Problem::RemovedAndWritten(path.clone()));
            }
        }
        for path in written.keys() {
            let is_leaf =
                |parent: &&str| written.get(parent).is_some_and(|kind| !matches!(kind, EntryKind::Directory));
            if let Some(parent) = parents(path).find(is_leaf) {
                let (path, parent) = ((*path).to_owned(), parent.to_owned());
                self.report(at, Problem::ParentKind { path, parent });
            }
        }
    }

    fn link(&mut self, at: &str, path: &str, kind: &EntryKind, written: &BTreeMap<&str, &EntryKind>) {
        if let EntryKind::Hardlink { target } = kind
            && !matches!(written.get(target.as_str()), Some(kind) if !matches!(kind, EntryKind::Directory))
        {
            self.report(at, Problem::HardlinkTarget { path: path.to_owned(), target: target.clone() });
        }
    }
}

fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

fn is_at_or_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
