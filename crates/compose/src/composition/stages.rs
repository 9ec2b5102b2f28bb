//! The stages that put paths onto the tree, in their order: packages, artifacts, the document, and what installing
//! packages generates.

use temper_rootfs::draft::Draft;
use temper_rootfs::effects::{self, Effect, EffectContext, JoinedEffects};
use temper_rootfs::merge::{
    ArtifactSelection, MergedPackages, PackageSource, merge_artifact, merge_changes, merge_packages,
};
use temper_rootfs::tree::Tree;

use crate::composition::packages::Packages;
use crate::composition::{Owned, PlatformInput, document, report, system};
use crate::finding::Findings;
use crate::hints;
use crate::packages::Archives;
use crate::recipe::Recipe;

/// What the stages start from.
pub(super) struct Ground<'a> {
    /// The tree of the base.
    pub(super) base: &'a Tree,
    pub(super) packages: &'a Packages,
    /// Trees of the artifacts, in the recipe's order.
    pub(super) artifacts: &'a [Tree],
    pub(super) archives: &'a Archives<'a>,
    /// Time of generated entries, seconds since the epoch.
    pub(super) time: i64,
    /// Debian architecture of the platform.
    pub(super) architecture: &'a str,
}

/// The tree after all stages, and what the layer of each writes.
pub(super) struct Stages {
    pub(super) tree: Tree,
    /// Layers by name, in their order.
    pub(super) drafts: Vec<(String, Draft)>,
    /// Paths of added packages as they stand in the tree.
    pub(super) owned: Owned,
    pub(super) effect: Effect,
}

impl Stages {
    /// Lays every stage onto the tree of the base.
    ///
    /// Effects come last, because they see what artifacts and document bring; what they generate belongs to the
    /// packages' layer all the same, and never over a path of an artifact or the document.
    pub(super) fn lay(ground: &Ground<'_>, input: &PlatformInput<'_>, findings: &mut Findings) -> Self {
        let recipe = input.request.recipe;
        let mut tree = ground.base.clone();
        let merged = merge_chosen(&mut tree, ground.packages);
        let artifacts = merge_artifacts(&mut tree, recipe, ground.artifacts, findings);
        let files = document::merge(&mut tree, recipe, input.platform, ground, findings);
        let effects = run_effects(&tree, ground, input, &merged);
        let MergedPackages { draft, owned } = merged;
        let packages = merge_changes(&mut tree, draft, effects.changes(), ground.time);
        report::problems(&packages, "contents.packages", findings);
        report::effects(&effects.effect, findings);
        let mut drafts = vec![("packages".to_owned(), packages)];
        drafts.extend(artifacts);
        drafts.push(("files".to_owned(), files));
        Self { tree, drafts, owned, effect: effects.effect }
    }
}

fn merge_chosen(tree: &mut Tree, packages: &Packages) -> MergedPackages {
    let sources: Vec<PackageSource<'_>> = packages.sources().collect();
    merge_packages(tree, &packages.installed, &sources, &packages.removals())
}

fn merge_artifacts(
    tree: &mut Tree,
    recipe: &Recipe,
    artifacts: &[Tree],
    findings: &mut Findings,
) -> Vec<(String, Draft)> {
    let mut drafts = Vec::new();
    for (wanted, artifact) in recipe.artifacts.iter().zip(artifacts) {
        let selection = ArtifactSelection {
            reference: &wanted.reference,
            tree: artifact,
            includes: &wanted.includes,
            excludes: &wanted.excludes,
        };
        let draft = merge_artifact(tree, &selection);
        hints::artifact_files(wanted, &draft, findings);
        hints::hidden_files(wanted, &draft, findings);
        report::artifact_problems(&draft, wanted, findings);
        drafts.push((format!("artifact {}", wanted.reference), draft));
    }
    drafts
}

fn run_effects(
    tree: &Tree,
    ground: &Ground<'_>,
    input: &PlatformInput<'_>,
    merged: &MergedPackages,
) -> JoinedEffects {
    let has_status = ground.packages.installed.database.has_status();
    let context = EffectContext {
        tree,
        base: ground.base,
        packages: &ground.packages.for_effects(merged),
        has_dpkg: has_status || tree.lookup("usr/bin/dpkg").is_some(),
        architecture: ground.architecture,
        time: ground.time,
    };
    let automatic = input.request.automatic_ids.get(input.platform);
    effects::run(&context, &system::account_options(input.request.recipe, tree, automatic))
}
