//! What the document itself brings: its paths, and its certificates as files that join the system bundle.

use temper_oci::Platform;
use temper_rootfs::draft::Draft;
use temper_rootfs::merge::{Merge, Metadata};
use temper_rootfs::tree::{Origin, Tree};

use crate::composition::stages::Ground;
use crate::composition::{certificates, report};
use crate::finding::Findings;
use crate::hints;
use crate::recipe::{PathContent, Recipe, WantedPath};

/// Where local certificates stand, see [update-ca-certificates(8)].
///
/// [update-ca-certificates(8)]: https://manpages.debian.org/update-ca-certificates.8
const LOCAL_CERTIFICATES: &str = "usr/local/share/ca-certificates";

/// Puts the document's paths and certificates onto a tree.
pub(super) fn merge(
    tree: &mut Tree,
    recipe: &Recipe,
    platform: &Platform,
    ground: &Ground<'_>,
    findings: &mut Findings,
) -> Draft {
    let time = ground.time;
    let certificates = certificates::read(recipe, ground.artifacts, ground.archives, findings);
    let mut merge = Merge::new(tree);
    for certificate in &certificates {
        let path = format!("{LOCAL_CERTIFICATES}/{}", certificate.name);
        let metadata = Metadata::of_root(0o644, time);
        let put = |merge: &mut Merge<'_>| {
            merge.put_file(&path, certificate.pem.as_bytes(), metadata, Origin::Document);
        };
        located(&mut merge, &certificate.at, findings, put);
    }
    let is_here =
        |path: &&WantedPath| path.platforms.as_ref().is_none_or(|platforms| platforms.contains(platform));
    for path in recipe.paths.iter().filter(is_here) {
        hints::hidden_path(path, merge.tree(), findings);
        located(&mut merge, &path.at, findings, |merge| put(merge, path, time));
    }
    merge.finish()
}

/// Puts something, and tells its problems at its place in the document.
fn located(merge: &mut Merge<'_>, at: &str, findings: &mut Findings, put: impl FnOnce(&mut Merge<'_>)) {
    let before = merge.problems().len();
    put(merge);
    for problem in &merge.problems()[before..] {
        findings.problem(report::finding(at, problem));
    }
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
