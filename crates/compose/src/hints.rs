//! Advice of a plan that the documentation of the seed gives for artifacts: what is allowed, and still a bad idea.

use temper_oci::Compression;
use temper_rootfs::draft::Draft;
use temper_rootfs::tree::{Node, Origin, Tree};

use crate::finding::{Finding, Findings};
use crate::recipe::{PathContent, WantedArtifact, WantedPath};

/// Programs that hardened images leave out on purpose: shells and package managers.
const UNHARDENING: [&str; 21] = [
    "apk", "apt", "apt-get", "ash", "bash", "busybox", "dash", "dnf", "dpkg", "fish", "ksh", "microdnf",
    "pacman", "rpm", "sh", "tcsh", "toybox", "yum", "zsh", "zypper", "aptitude",
];

/// Where programs stand.
const PROGRAM_FOLDERS: [&str; 6] = ["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin"];

/// Adds the warnings that an artifact's reference and selection give.
pub(crate) fn artifact(wanted: &WantedArtifact, has_immutable_tags: Option<bool>, findings: &mut Findings) {
    let key = if wanted.includes.is_empty() { "artifact" } else { "name" };
    let name = format!("{}.{key}", wanted.at);
    let has_digest = wanted.reference.contains('@');
    let tag = wanted.reference.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    if !has_digest && tag.is_none_or(|tag| tag == "latest") {
        findings.warning(
            Finding::at(
                name.clone(),
                format!("artifact `{}` is named by the tag `latest`", wanted.reference),
            )
            .hint("use a versioned tag or a digest, so that a build can be traced to its input"),
        );
    }
    if !has_digest && has_immutable_tags == Some(false) {
        findings.warning(
            Finding::at(
                name,
                format!("tags in the repository of artifact `{}` can be moved", wanted.reference),
            )
            .hint("make the repository's tags immutable, or name the artifact by digest"),
        );
    }
    for (index, include) in wanted.includes.iter().enumerate() {
        if matches!(include.trim_matches('/'), "" | "." | "*" | "**" | "**/*") {
            findings.warning(
                Finding::at(
                    format!("{}.includes[{index}]", wanted.at),
                    format!("`{include}` takes the whole root of artifact `{}`", wanted.reference),
                )
                .hint(
                    "name the paths that are needed; a whole root replaces accounts and settings of the base",
                ),
            );
        }
    }
}

/// Adds the warnings that the chosen files of an artifact give.
pub(crate) fn artifact_files(wanted: &WantedArtifact, draft: &Draft, findings: &mut Findings) {
    let is_unhardening = |path: &str| {
        let (folder, name) = path.rsplit_once('/').unwrap_or_default();
        PROGRAM_FOLDERS.contains(&folder) && UNHARDENING.contains(&name)
    };
    let found: Vec<String> = draft
        .nodes()
        .filter(|node| is_unhardening(&node.entry.path))
        .map(|node| format!("`/{}`", node.entry.path))
        .collect();
    if !found.is_empty() {
        findings.warning(
            Finding::at(
                format!("{}.includes", wanted.at),
                format!(
                    "artifact `{}` brings a shell or package manager: {}",
                    wanted.reference,
                    found.join(", ")
                ),
            )
            .hint("leave it out with `excludes`, unless the image shall be a development image"),
        );
    }
}

/// Adds the warning about files of an artifact that a running container does not show.
pub(crate) fn hidden_files(wanted: &WantedArtifact, draft: &Draft, findings: &mut Findings) {
    let is_brought = |node: &&Node| matches!(node.origin, Origin::Artifact(_));
    let nodes = draft.nodes().filter(is_brought).map(|node| node.entry.path.as_str());
    let hidden: Vec<&str> = nodes.filter(|path| is_hidden(path)).collect();
    if let Some(first) = hidden.first() {
        findings.warning(
            Finding::at(
                format!("{}.includes", wanted.at),
                format!(
                    "artifact `{}` brings {} paths that a running container does not show, the first is `/{first}`",
                    wanted.reference,
                    hidden.len()
                ),
            )
            .hint("leave them out with `excludes`: the runtime has its own `/dev`, `/proc` and `/sys`"),
        );
    }
}

/// Adds the warning about a path of the document that a running container does not show.
pub(crate) fn hidden_path(wanted: &WantedPath, tree: &Tree, findings: &mut Findings) {
    let place = tree.resolve_parent(&wanted.path);
    if wanted.content != PathContent::Absent && place.is_ok_and(|place| is_hidden(&place)) {
        findings.warning(
            Finding::at(&wanted.at, format!("`/{}` is not shown in a running container", wanted.path))
                .hint("choose another path: the runtime has its own `/dev`, `/proc` and `/sys`"),
        );
    }
}

/// Whether a path stands where runtimes put file systems of their own; the empty directory itself is their place.
fn is_hidden(path: &str) -> bool {
    path.split_once('/').is_some_and(|(top, _)| ["dev", "proc", "sys"].contains(&top))
}

/// Adds the warnings about files that run with more rights than their user has.
pub(crate) fn privileged(draft: &Draft, findings: &mut Findings) {
    for node in draft.privileged() {
        let what = match node.entry.mode & 0o6000 {
            0o2000 => "setgid",
            0o4000 => "setuid",
            0o6000 => "setuid and setgid",
            _ => "file capabilities",
        };
        findings.warning(Finding::at("", format!("`/{}` is written with {what}", node.entry.path)));
    }
}

/// Adds what the form of the layers means for tools.
pub(crate) fn compression(compression: Compression, findings: &mut Findings) {
    if compression == Compression::Zstd {
        findings.warning(
            Finding::at(
                "compression",
                "zstd layers are refused by tools that unpack or archive images without zstd, such as `umoci unpack` \
                 and `skopeo copy` to `docker-archive`",
            )
            .hint("use `compression: GZIP` where such tools read the image"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, include: &str, immutable: Option<bool>) -> Vec<String> {
        let wanted = WantedArtifact {
            reference: reference.to_owned(),
            includes: vec![include.to_owned()],
            excludes: Vec::new(),
            at: "contents.artifacts[0]".to_owned(),
        };
        let mut findings = Findings::default();
        artifact(&wanted, immutable, &mut findings);
        findings.warnings.into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn moving_tags_and_whole_roots_are_told() {
        let name = "contents.artifacts[0].name";
        assert_eq!(check("acme/certs:v1", "etc/ssl", None), [""; 0]);
        assert_eq!(check("acme/certs:latest", "etc/ssl", None), [name]);
        assert_eq!(check("acme/certs", "etc/ssl", None), [name]);
        assert_eq!(check("localhost:5000/acme/certs:v1", "etc/ssl", Some(false)), [name]);
        assert_eq!(check("acme/certs@sha256:00", "etc/ssl", Some(false)), [""; 0]);
        for whole in ["/", "**", "*"] {
            assert_eq!(check("acme/certs:v1", whole, None), ["contents.artifacts[0].includes[0]"], "{whole}");
        }
    }
}
