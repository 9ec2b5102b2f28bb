//! The links in a certificate directory, as `openssl rehash` makes them.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::{Digest, EntryKind};
use x509_parser::pem::Pem;

use super::subject_hash::subject_hash;
use crate::tree::Tree;

/// The bundle changes when a certificate joins it, and must not then stand for one of them.
const BUNDLE_NAME: &str = "ca-certificates.crt";

/// What a file that should hold one certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// Subject hash.
    pub(super) hash: u32,
    /// Digest of the DER encoding.
    pub(super) fingerprint: Digest,
}

/// Reads a PEM file; `None` if it does not hold exactly one certificate.
pub(super) fn certificate(content: &[u8]) -> Option<Certificate> {
    let mut found = None;
    for pem in Pem::iter_from_buffer(content) {
        let pem = pem.ok()?;
        if !matches!(pem.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") {
            continue;
        }
        let parsed = pem.parse_x509().ok()?;
        let hash = subject_hash(parsed.tbs_certificate.subject.as_raw())?;
        if found.replace(Certificate { hash, fingerprint: Digest::of(&pem.contents) }).is_some() {
            return None;
        }
    }
    found
}

/// Computes the hash links of a directory: link name by the name of the file that it leads to.
///
/// The files are those named `*.pem`, `*.crt`, `*.cer` in the directory (`replaced` tells the content of those that
/// change) in the order of names, without the bundle, even where it holds one certificate; equal ones get one link. A link that the directory has keeps its number
/// ([openssl-rehash(1)](https://docs.openssl.org/master/man1/openssl-rehash/)).
pub(super) fn hash_links(
    tree: &Tree,
    directory: &str,
    replaced: &BTreeMap<String, Option<&[u8]>>,
) -> BTreeMap<String, String> {
    let name = |path: &str| path[directory.len() + 1..].to_owned();
    let mut names: BTreeSet<String> = tree.children(directory).map(|node| name(&node.entry.path)).collect();
    names.extend(replaced.keys().cloned());
    let mut buckets: BTreeMap<u32, Vec<(String, Digest)>> = BTreeMap::new();
    for name in names {
        let is_named = [".pem", ".crt", ".cer"].iter().any(|extension| name.ends_with(extension));
        if !is_named || name == BUNDLE_NAME {
            continue;
        }
        let content = match replaced.get(&name) {
            Some(content) => *content,
            None => tree.read(&format!("{directory}/{name}")),
        };
        let Some(certificate) = content.and_then(certificate) else { continue };
        let bucket = buckets.entry(certificate.hash).or_default();
        if bucket.iter().all(|(_, fingerprint)| *fingerprint != certificate.fingerprint) {
            bucket.push((name, certificate.fingerprint));
        }
    }
    buckets.into_iter().flat_map(|(hash, bucket)| numbered(tree, directory, hash, &bucket)).collect()
}

fn numbered(tree: &Tree, directory: &str, hash: u32, bucket: &[(String, Digest)]) -> Vec<(String, String)> {
    let mut names: Vec<Option<&str>> = vec![None; bucket.len()];
    for (number, slot) in names.iter_mut().enumerate() {
        let link = tree.get(&format!("{directory}/{hash:08x}.{number}")).map(|node| &node.entry.kind);
        if let Some(EntryKind::Symlink { target }) = link {
            *slot = bucket.iter().map(|(name, _)| name.as_str()).find(|name| name == target);
        }
    }
    for (name, _) in bucket {
        if !names.contains(&Some(name))
            && let Some(slot) = names.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some(name);
        }
    }
    let link =
        |(number, name): (usize, Option<&str>)| Some((format!("{hash:08x}.{number}"), name?.to_owned()));
    names.into_iter().enumerate().filter_map(link).collect()
}

/// Returns whether a name has the form of a hash link.
pub(super) fn is_hash_link(name: &str) -> bool {
    let Some((hash, number)) = name.split_once('.') else { return false };
    hash.len() == 8
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}
