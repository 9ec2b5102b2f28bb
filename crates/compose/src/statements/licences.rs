//! Licences of packages, from their copyright files.
//!
//! A copyright file stands in a layer or in a package file, so reading it means reading through the archive. What was
//! found is kept under the digest of the file: packages that did not change cost nothing the next time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use temper_attest::{Licence, Limits};
use temper_deb::status::StatusDatabase;
use temper_oci::{Digest, EntryKind, ScanLimits, visit_files};
use temper_rootfs::contents::{ArchiveName, Contents};
use temper_rootfs::tree::Source;

use crate::assemble;
use crate::blob_store::Cache;
use crate::composer::{Composer, Planned};
use crate::composition::Composition;
use crate::error::ComposeError;
use crate::statements::packages::{self, PackageId};

/// Kind of the cache entries that hold licences; the number changes with the rules of translation.
const CACHE_KIND: &str = "licence-1";

/// Copyright files that were never read, by the archive that holds them.
type Unread = BTreeMap<ArchiveName, BTreeMap<String, Digest>>;

/// Reads the licences of all packages of a database; one whose copyright file is missing or is prose has none.
pub(super) fn licences(
    composer: &Composer<'_>,
    planned: &Planned<'_>,
    composition: &Composition,
    database: &StatusDatabase,
) -> Result<BTreeMap<PackageId, Licence>, ComposeError> {
    let files: Vec<(PackageId, Digest, Source)> = database
        .installed()
        .filter_map(|record| copyright_file(composition, packages::id(&record)))
        .collect();
    let mut known: BTreeMap<Digest, Option<Licence>> = BTreeMap::new();
    let mut unread = Unread::new();
    for (_, digest, source) in &files {
        if known.contains_key(digest) {
            continue;
        }
        if let Some(Found(licence)) = find(composer.cache, digest) {
            known.insert(*digest, licence);
            continue;
        }
        match (source, ArchiveName::of(source)) {
            (Source::Inline(bytes), _) => drop(known.insert(*digest, read(bytes))),
            (_, Some((archive, member))) => {
                unread.entry(archive).or_default().insert(member.to_owned(), *digest);
            }
            (_, None) => {}
        }
    }
    fetch_missing(composer, composition, &unread)?;
    let found: Vec<BTreeMap<Digest, Option<Licence>>> = unread
        .par_iter()
        .map(|(archive, members)| read_archive(&planned.archives, *archive, members))
        .collect::<Result<_, _>>()?;
    for (digest, licence) in found.into_iter().flatten() {
        let found = Found(licence);
        keep(composer.cache, &digest, &found)?;
        known.insert(digest, found.0);
    }
    let licence = |digest: &Digest| known.get(digest).cloned().flatten();
    Ok(files.into_iter().filter_map(|(id, digest, _)| Some((id, licence(&digest)?))).collect())
}

/// Finds the copyright file of a package in the image, or in the package itself where the image leaves it out.
fn copyright_file(composition: &Composition, id: PackageId) -> Option<(PackageId, Digest, Source)> {
    let path = format!("usr/share/doc/{}/copyright", id.0);
    if let Some(node) = composition.tree.lookup(&path)
        && let EntryKind::File { digest, .. } = node.entry.kind
    {
        return Some((id, digest, node.source.clone()));
    }
    let mut chosen = composition.choice.install.iter().zip(&composition.indexes);
    let (package, index) =
        chosen.find(|(package, _)| (package.name == id.0) && package.architecture == id.1)?;
    let entry = index.entries.iter().find(|entry| entry.path == path)?;
    let EntryKind::File { digest, .. } = entry.kind else { return None };
    Some((id, digest, Source::Package { archive: package.file.digest, member: path }))
}

/// Package files may have been cleared away since their layers were written.
fn fetch_missing(
    composer: &Composer<'_>,
    composition: &Composition,
    unread: &Unread,
) -> Result<(), ComposeError> {
    let is_missing = |digest: &Digest| composer.store.size(digest).is_ok_and(|size| size.is_none());
    let packages = unread.keys().filter_map(|archive| match archive {
        ArchiveName::Package(digest) => Some(*digest),
        ArchiveName::Layer(_) => None,
    });
    let missing: BTreeSet<Digest> = packages.filter(is_missing).collect();
    assemble::fetch_packages(composer, composition, &missing)
}

fn read_archive(
    contents: &dyn Contents,
    archive: ArchiveName,
    members: &BTreeMap<String, Digest>,
) -> Result<BTreeMap<Digest, Option<Licence>>, ComposeError> {
    let bytes_max = Limits::default().copyright_bytes_max as u64;
    let mut found = BTreeMap::new();
    let reader = contents.open(archive).map_err(ComposeError::store("read copyright files"))?;
    visit_files(reader, &ScanLimits::default(), &|path| members.contains_key(path), &mut |path, content| {
        let mut bytes = Vec::new();
        content.take(bytes_max + 1).read_to_end(&mut bytes)?;
        found.insert(members[path], read(&bytes));
        Ok(())
    })
    .map_err(|error| ComposeError::store("read copyright files")(std::io::Error::other(error)))?;
    Ok(found)
}

fn read(bytes: &[u8]) -> Option<Licence> {
    Licence::from_copyright(&String::from_utf8_lossy(bytes), &Limits::default())
}

/// What a copyright file was found to say; nothing where it is prose.
#[derive(Serialize, Deserialize)]
struct Found(Option<Licence>);

fn find(cache: &dyn Cache, digest: &Digest) -> Option<Found> {
    postcard::from_bytes(&cache.get(CACHE_KIND, digest)?).ok()
}

fn keep(cache: &dyn Cache, digest: &Digest, found: &Found) -> Result<(), ComposeError> {
    let kept = postcard::to_allocvec(found).map_err(std::io::Error::other);
    let put = kept.and_then(|bytes| cache.put(CACHE_KIND, digest, &bytes));
    put.map_err(ComposeError::store("keep a licence"))
}
