//! What a composition says in its plan: collisions, files, generated ones, and findings of the stages.

use std::collections::BTreeMap;

use temper_oci::EntryKind;
use temper_rootfs::draft::{CollisionKind, Draft};
use temper_rootfs::effects::Effect;
use temper_rootfs::merge::MergeProblem;
use temper_rootfs::tree::{Node, Origin};

use crate::composer::AutomaticIds;
use crate::finding::{Finding, Findings};
use crate::plan::{CollisionLine, FileLine, GeneratedLine, NotReproducedLine};
use crate::recipe::WantedArtifact;

/// Adds the problems and warnings of a draft at a path of the document.
pub(super) fn problems(draft: &Draft, at: &str, findings: &mut Findings) {
    for problem in &draft.problems {
        findings.problem(finding(at, problem));
    }
    for warning in &draft.warnings {
        findings.warning(Finding::at(at, warning.clone()));
    }
}

/// Makes a finding of a problem at a path of the document.
pub(super) fn finding(at: &str, problem: &MergeProblem) -> Finding {
    let mut finding = Finding::at(at, chain(problem));
    finding.hint = problem.hint();
    finding
}

/// Adds the problems and warnings of an artifact's draft; an include that matches nothing is named itself.
pub(super) fn artifact_problems(draft: &Draft, wanted: &WantedArtifact, findings: &mut Findings) {
    let mut own = Findings::default();
    problems(draft, &wanted.at, &mut own);
    for (problem, finding) in draft.problems.iter().zip(&mut own.problems) {
        if let MergeProblem::Include { pattern, .. } = problem
            && let Some(index) = wanted.includes.iter().position(|include| include == pattern)
        {
            finding.path = format!("{}.includes[{index}]", wanted.at);
        }
    }
    findings.append(own);
}

/// Writes an error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Adds the warnings of the effects.
pub(super) fn effects(effect: &Effect, findings: &mut Findings) {
    for warning in &effect.warnings {
        findings.warning(Finding::at("contents.packages", warning.clone()));
    }
}

/// Lists what wins over what, by path.
pub(super) fn collisions(drafts: &[(String, Draft)]) -> Vec<CollisionLine> {
    let mut lines: Vec<CollisionLine> = drafts
        .iter()
        .flat_map(|(_, draft)| &draft.collisions)
        .map(|collision| CollisionLine {
            path: format!("/{}", collision.path),
            loser: origin(&collision.loser),
            winner: origin(&collision.winner),
            kind: match collision.kind {
                CollisionKind::Content => "content",
                CollisionKind::Metadata => "metadata",
                CollisionKind::Type => "type",
                CollisionKind::Kept => "kept",
            }
            .to_owned(),
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Lists what artifacts and the document bring to the result, by path.
pub(super) fn files(drafts: &[(String, Draft)]) -> Vec<FileLine> {
    let mut brought: BTreeMap<&str, &Node> = BTreeMap::new();
    for node in drafts.iter().flat_map(|(_, draft)| draft.nodes()) {
        match node.origin {
            Origin::Artifact(_) | Origin::Document => {
                brought.insert(&node.entry.path, node);
            }
            // What is computed from the final tree takes the place of what was brought.
            _ => drop(brought.remove(node.entry.path.as_str())),
        }
    }
    brought.into_values().map(file).collect()
}

fn file(node: &Node) -> FileLine {
    let entry = &node.entry;
    let (size_bytes, target) = match &entry.kind {
        EntryKind::File { size, .. } => (Some(*size), None),
        EntryKind::Symlink { target } => (None, Some(target.clone())),
        _ => (None, None),
    };
    FileLine {
        path: format!("/{}", entry.path),
        kind: entry.kind.word().to_owned(),
        mode: format!("{:04o}", entry.mode),
        uid: entry.uid,
        gid: entry.gid,
        size_bytes,
        target,
        origin: origin(&node.origin),
    }
}

/// Lists what is computed, by path.
pub(super) fn generated(drafts: &[(String, Draft)]) -> Vec<GeneratedLine> {
    let nodes = drafts.iter().flat_map(|(_, draft)| draft.nodes());
    let mut lines: Vec<GeneratedLine> = nodes
        .filter_map(|node| match &node.origin {
            Origin::Generated(effect) => {
                Some(GeneratedLine { path: format!("/{}", node.entry.path), effect: effect.clone() })
            }
            _ => None,
        })
        .collect();
    lines.sort_by(|a, b| a.path.cmp(&b.path));
    lines.dedup();
    lines
}

/// Lists what scripts would do and Temper does not.
pub(super) fn not_reproduced(effect: &Effect) -> Vec<NotReproducedLine> {
    let lines = effect.not_reproduced.iter().map(|statement| NotReproducedLine {
        package: statement.package.clone(),
        at: format!("{}:{}", statement.script, statement.line),
        statement: statement.statement.clone(),
        reason: statement.reason.clone(),
    });
    lines.collect()
}

/// Returns the numbers that packages' users and groups got.
pub(super) fn automatic_ids(effect: &Effect) -> AutomaticIds {
    AutomaticIds {
        users: effect.accounts.users.iter().map(|user| (user.name.clone(), user.uid)).collect(),
        groups: effect.accounts.groups.iter().map(|group| (group.name.clone(), group.gid)).collect(),
    }
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Base => "base".to_owned(),
        Origin::Package(name) => format!("package {name}"),
        Origin::Generated(effect) => format!("effect {effect}"),
        Origin::Artifact(reference) => format!("artifact {reference}"),
        Origin::Document => "document".to_owned(),
    }
}
