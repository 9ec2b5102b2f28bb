//! What the document itself brings: its paths, and its certificates as files that join the system bundle.

use temper_oci::{Digest, EntryKind, Platform, ScanLimits, visit_files};
use temper_rootfs::contents::{ArchiveName, Contents};
use temper_rootfs::draft::Draft;
use temper_rootfs::effects::ca_certificates::is_certificate;
use temper_rootfs::merge::{Merge, Metadata};
use temper_rootfs::tree::{Origin, Source, Tree};

use crate::composition::report;
use crate::composition::stages::Ground;
use crate::finding::{Finding, Findings};
use crate::packages::Archives;
use crate::recipe::{CertificateSource, PathContent, Recipe, WantedPath};

/// Where local certificates stand, see [update-ca-certificates(8)].
///
/// [update-ca-certificates(8)]: https://manpages.debian.org/update-ca-certificates.8
const LOCAL_CERTIFICATES: &str = "usr/local/share/ca-certificates";

/// Certificates are short; a longer file is none.
const CERTIFICATE_BYTES_MAX: u64 = 1 << 20;

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// Puts the document's paths and certificates onto a tree.
pub(super) fn merge(
    tree: &mut Tree,
    recipe: &Recipe,
    platform: &Platform,
    ground: &Ground<'_>,
    findings: &mut Findings,
) -> Draft {
    let time = ground.time;
    let certificates = certificates(recipe, ground.artifacts, ground.archives, findings);
    let mut merge = Merge::new(tree);
    for (name, pem) in &certificates {
        let path = format!("{LOCAL_CERTIFICATES}/{name}");
        merge.put_file(&path, pem.as_bytes(), Metadata::of_root(0o644, time), Origin::Document);
    }
    let is_here =
        |path: &&WantedPath| path.platforms.as_ref().is_none_or(|platforms| platforms.contains(platform));
    for path in recipe.paths.iter().filter(is_here) {
        put(&mut merge, path, time);
    }
    let draft = merge.finish();
    report::problems(&draft, "paths", findings);
    draft
}

fn put(merge: &mut Merge<'_>, wanted: &WantedPath, time: i64) {
    let metadata = Metadata { mode: wanted.mode, uid: wanted.uid, gid: wanted.gid, mtime: time };
    match &wanted.content {
        PathContent::File(text) => merge.put_file(&wanted.path, text.as_bytes(), metadata, Origin::Document),
        PathContent::Directory => merge.put_directory(&wanted.path, metadata, Origin::Document),
        PathContent::Symlink(target) => merge.put_symlink(&wanted.path, target, time, Origin::Document),
        PathContent::Absent => merge.remove(&wanted.path),
    }
}

/// Returns the certificates by file name, one in each file.
fn certificates(
    recipe: &Recipe,
    artifacts: &[Tree],
    archives: &Archives<'_>,
    findings: &mut Findings,
) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for wanted in &recipe.certificates {
        let text = match &wanted.source {
            CertificateSource::Pem(text) => Some(text.clone()),
            CertificateSource::Artifact { reference, path } => {
                let position = recipe.artifacts.iter().position(|artifact| artifact.reference == *reference);
                let tree = position.and_then(|position| artifacts.get(position));
                tree.and_then(|tree| read(tree, path, archives))
            }
        };
        let found = text.as_deref().map(split).unwrap_or_default();
        // One that cannot be read would make the whole bundle unreadable for some programs.
        let is_good = !found.is_empty() && found.iter().all(|pem| is_certificate(pem.as_bytes()));
        if !is_good {
            let message = match &wanted.source {
                CertificateSource::Pem(_) => "holds no PEM certificate that can be read".to_owned(),
                CertificateSource::Artifact { reference, path } => {
                    format!("artifact `{reference}` has no PEM certificate that can be read at `/{path}`")
                }
            };
            findings.problem(Finding::at(&wanted.at, message).hint(format!(
                "a certificate begins with `{PEM_BEGIN}`; an artifact must also stand in `contents.artifacts`"
            )));
        }
        files.extend(found.into_iter().map(|pem| (format!("temper-{}.crt", Digest::of(&pem).short()), pem)));
    }
    files
}

/// Splits PEM text into its certificates.
fn split(text: &str) -> Vec<String> {
    let mut certificates = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(PEM_BEGIN) {
        let Some(length) = rest[start..].find(PEM_END) else { break };
        let end = start + length + PEM_END.len();
        certificates.push(format!("{}\n", &rest[start..end]));
        rest = &rest[end..];
    }
    certificates
}

/// Reads a small text file of an artifact.
fn read(tree: &Tree, path: &str, archives: &Archives<'_>) -> Option<String> {
    if let Some(bytes) = tree.read(path) {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let node = tree.lookup(path)?;
    let (EntryKind::File { size, .. }, Source::Layer { blob, member }) = (&node.entry.kind, &node.source)
    else {
        return None;
    };
    if *size > CERTIFICATE_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    let reader = archives.open(ArchiveName::Layer(*blob)).ok()?;
    visit_files(reader, &ScanLimits::default(), &|path| path == member, &mut |_, content| {
        bytes.clear();
        content.read_to_end(&mut bytes).map(drop)
    })
    .ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn certificates_are_told_apart() {
        let one = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
        let two = "# name\n-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----";
        let both = split(&format!("{one}{two}"));
        assert_eq!(both, [one, "-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----\n"]);
        assert_eq!(split("-----BEGIN CERTIFICATE-----\nAA"), [""; 0]);
    }
}
