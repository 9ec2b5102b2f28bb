//! Copying selected paths of an artifact onto a tree.

use temper_oci::EntryKind;

use crate::draft::{Draft, parents};
use crate::merge::{Merge, MergeProblem};
use crate::select::select;
use crate::tree::{Node, Origin, PathError, Tree};

/// An artifact and what of it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct ArtifactSelection<'a> {
    /// Its reference, as the document writes it.
    pub reference: &'a str,
    /// Its layers, stacked.
    pub tree: &'a Tree,
    /// Patterns of what to take.
    pub includes: &'a [String],
    /// Patterns of what of it to leave.
    pub excludes: &'a [String],
}

/// Puts the selected paths of an artifact onto a tree and returns what its layer writes.
///
/// Links are put first, so that it does not matter in which order an archive has them and what goes through them.
/// What is known of the artifact's contents becomes readable through the tree.
pub fn merge_artifact(tree: &mut Tree, artifact: &ArtifactSelection<'_>) -> Draft {
    let selection = select(artifact.tree, artifact.includes, artifact.excludes);
    tree.add_facts_of(artifact.tree);
    let mut merge = Merge::new(tree);
    for (pattern, nearest) in selection.includes_unmatched {
        merge.problem(MergeProblem::Include { artifact: artifact.reference.to_owned(), pattern, nearest });
    }
    for pattern in selection.excludes_unmatched {
        let reference = artifact.reference;
        merge.warn(format!("`excludes` of artifact `{reference}` name `{pattern}`, which matches nothing"));
    }
    let is_symlink = |node: &&Node| matches!(node.entry.kind, EntryKind::Symlink { .. });
    let (links, others): (Vec<&Node>, Vec<&Node>) = selection.nodes.into_iter().partition(is_symlink);
    let parent = |path: &str| artifact.tree.get(path).map(|node| node.entry.clone());
    for node in links.into_iter().chain(others) {
        let origin = Origin::Artifact(artifact.reference.to_owned());
        if let Some(error) = leads_elsewhere(artifact.tree, &node.entry.path) {
            merge.problem(MergeProblem::Path { origin, error });
            continue;
        }
        merge.put(Node { origin, ..node.clone() }, &parent);
    }
    merge.finish()
}

/// Returns why a path of an artifact is not where its name says: something above it is no directory.
///
/// Through a link of its own an artifact would write where no include has looked.
fn leads_elsewhere(tree: &Tree, path: &str) -> Option<PathError> {
    let above = parents(path).filter_map(|parent| tree.get(parent));
    let at = above.into_iter().find(|node| node.entry.kind != EntryKind::Directory)?;
    let (path, word) = (path.to_owned(), at.entry.kind.word());
    Some(PathError::NotDirectory { path, at: at.entry.path.clone(), word })
}
