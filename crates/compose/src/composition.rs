//! The composition of one platform: every path of the result as metadata, stage by stage, later wins.
//!
//! base → packages with what their effects generate → artifacts in order → paths of the document; last what is
//! computed from the final tree: accounts, package database, `ld.so.cache`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use temper_oci::media_type::{Role, role};
use temper_oci::{Compression, Descriptor, Digest, ImageConfig, Platform};
use temper_rootfs::draft::Draft;
use temper_rootfs::installed::Installed;
use temper_rootfs::package_index::PackageIndex;
use temper_rootfs::segment::Segment;
use temper_rootfs::tree::Tree;

use crate::archive::Snapshot;
use crate::choice::Choice;
use crate::command::Commands;
use crate::composer::{AutomaticIds, Composer, Request};
use crate::environment::Variable;
use crate::error::ComposeError;
use crate::finding::Findings;
use crate::image::{Image, ImageSource, PlatformImage};
use crate::layers::Layers;
use crate::packages::Archives;
use crate::plan::{AccountLine, CollisionLine, FileLine, GeneratedLine, NotReproducedLine, Setting};
use crate::{config, hints, time};

use packages::Packages;
use settings::Settings;
use stages::{Ground, Stages};

mod certificates;
mod document;
mod packages;
mod programs;
mod report;
mod settings;
mod stages;
mod system;
mod waived;

/// What the composition of one platform starts from.
pub(crate) struct PlatformInput<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) base: Option<&'a Image>,
    pub(crate) artifacts: &'a [Image],
    pub(crate) platform: &'a Platform,
    pub(crate) compression: Compression,
}

/// Everything that the result is for one platform.
pub(crate) struct Composition {
    pub(crate) platform: Platform,
    pub(crate) base: Option<PlatformImage>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) choice: Choice,
    /// Time of the image, seconds since the epoch.
    pub(crate) time: i64,
    pub(crate) compression: Compression,
    /// Whether the document asks for gzip, so that every layer must have it.
    pub(crate) gzips_base: bool,
    /// Layers after the base's, empty ones left out.
    pub(crate) layers: Vec<PlannedLayer>,
    /// The config without the new layers.
    pub(crate) config: ImageConfig,
    pub(crate) environment: Vec<Variable>,
    pub(crate) commands: Commands,
    pub(crate) user: Setting,
    pub(crate) work_dir: Setting,
    pub(crate) accounts: Vec<AccountLine>,
    pub(crate) collisions: Vec<CollisionLine>,
    pub(crate) files: Vec<FileLine>,
    pub(crate) generated: Vec<GeneratedLine>,
    pub(crate) removed: Vec<String>,
    pub(crate) not_reproduced: Vec<NotReproducedLine>,
    pub(crate) automatic_ids: AutomaticIds,
    pub(crate) findings: Findings,
    /// Every path of the result.
    pub(crate) tree: Tree,
    /// The packages of the base.
    pub(crate) installed: Installed,
    /// Indexes of the chosen packages, in the order of [`Choice::install`].
    pub(crate) indexes: Vec<Arc<PackageIndex>>,
}

impl Composition {
    /// Says whether a layer of the base is written again: the document asks for gzip, and it has another form.
    pub(crate) fn recompresses(&self, layer: &Descriptor) -> bool {
        self.gzips_base && layer_form(layer) != Some(Compression::Gzip)
    }
}

/// A layer that is to be written.
pub(crate) struct PlannedLayer {
    /// `packages`, `artifact REFERENCE`, `files` or `system`.
    pub(crate) name: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) content_size_bytes: u64,
    pub(crate) entries: usize,
}

/// Composes one platform.
pub(crate) fn compose(
    composer: &Composer<'_>,
    archives: &Archives<'_>,
    input: &PlatformInput<'_>,
) -> Result<Composition, ComposeError> {
    let recipe = input.request.recipe;
    let mut findings = Findings::default();
    let base_image = input.base.and_then(|base| base.find(input.platform));
    let base = stack(composer, input.request.base, base_image)?;
    let packages = Packages::choose(composer, archives, input, &base, &mut findings)?;
    let artifact_trees = artifact_trees(composer, input)?;
    let time = newest(base_image, input, &packages.indexes);

    let architecture = input.platform.debian_architecture().unwrap_or_default();
    let artifacts = &artifact_trees;
    let ground = Ground { base: &base, packages: &packages, artifacts, archives, time, architecture };
    let mut stages = Stages::lay(&ground, input, &mut findings);
    let system = system::compute(&ground, &mut stages, recipe, base_image, &mut findings);
    let settings = Settings::read(recipe, base_image, input, (&base, &stages.tree), &system, &mut findings);
    let config = config::edit(&settings.config_input(recipe, base_image, input.platform, time, &system));

    let mut drafts = stages.drafts;
    drafts.push(("system".to_owned(), system.draft));
    for (_, draft) in &drafts {
        hints::privileged(draft, &mut findings);
    }
    let layers = drafts.iter().map(|(name, draft)| planned_layer(name, draft, time));
    Ok(Composition {
        platform: input.platform.clone(),
        base: base_image.cloned(),
        time,
        compression: input.compression,
        gzips_base: recipe.compression == Some(Compression::Gzip),
        collisions: report::collisions(&drafts),
        files: report::files(&drafts),
        generated: report::generated(&drafts),
        removed: drafts
            .iter()
            .flat_map(|(_, draft)| draft.whiteouts())
            .map(|path| format!("/{path}"))
            .collect(),
        layers: layers.filter(|layer| !layer.segments.is_empty()).collect(),
        config,
        environment: settings.environment,
        commands: settings.commands,
        user: system.user,
        work_dir: system.work_dir,
        accounts: system.accounts,
        not_reproduced: report::not_reproduced(&stages.effect),
        automatic_ids: report::automatic_ids(&stages.effect),
        snapshot: packages.snapshot,
        choice: packages.choice,
        installed: packages.installed,
        indexes: packages.indexes,
        tree: stages.tree,
        findings,
    })
}

/// Stacks the layers of one platform of an image.
fn stack(
    composer: &Composer<'_>,
    source: Option<&dyn ImageSource>,
    image: Option<&PlatformImage>,
) -> Result<Tree, ComposeError> {
    let (Some(source), Some(image)) = (source, image) else { return Ok(Tree::default()) };
    let library = Layers { store: composer.store, cache: composer.cache, log: composer.log };
    let layers = image.manifest.layers.iter().zip(image.config.diff_ids());
    let indexes = layers.map(|(layer, diff_id)| Ok((layer.digest, library.index(source, layer, diff_id)?)));
    let indexes: Vec<(Digest, Arc<_>)> = indexes.collect::<Result<_, ComposeError>>()?;
    Ok(Tree::stack(indexes.iter().map(|(digest, index)| (*digest, &**index))))
}

fn artifact_trees(composer: &Composer<'_>, input: &PlatformInput<'_>) -> Result<Vec<Tree>, ComposeError> {
    let artifacts = input.request.artifacts.iter().zip(input.artifacts);
    artifacts.map(|(source, image)| stack(composer, Some(&**source), image.find(input.platform))).collect()
}

/// Returns the time of the image: the newest of base, artifacts, and the files of packages.
fn newest(base: Option<&PlatformImage>, input: &PlatformInput<'_>, packages: &[Arc<PackageIndex>]) -> i64 {
    let artifacts = input.artifacts.iter().filter_map(|image| image.find(input.platform));
    let created = base.into_iter().chain(artifacts).filter_map(|image| time::parse(image.config.created()?));
    created.chain(packages.iter().map(|index| index.newest_mtime())).max().unwrap_or(0)
}

fn planned_layer(name: &str, draft: &Draft, time: i64) -> PlannedLayer {
    let segments = if name == "packages" { draft.package_segments(time) } else { vec![draft.segment(time)] };
    let sizes = draft.nodes().map(|node| match node.entry.kind {
        temper_oci::EntryKind::File { size, .. } => size,
        _ => 0,
    });
    PlannedLayer {
        name: name.to_owned(),
        segments: segments.into_iter().filter(|segment| !segment.is_empty()).collect(),
        content_size_bytes: sizes.sum(),
        entries: draft.nodes().count() + draft.whiteouts().count(),
    }
}

/// Returns the form of a layer by its media type.
pub(crate) fn layer_form(layer: &Descriptor) -> Option<Compression> {
    match role(&layer.media_type) {
        Role::Layer(form) => Some(form),
        _ => None,
    }
}

/// Paths by package, as they stand in the tree.
pub(crate) type Owned = BTreeMap<String, BTreeSet<String>>;
