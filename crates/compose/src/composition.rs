//! The composition of one platform: every path of the result as metadata, stage by stage, later wins.
//!
//! base → packages with what their effects generate → artifacts in order → paths of the document; last what is
//! computed from the final tree: accounts, package database, `ld.so.cache`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use temper_oci::media_type::{Role, role};
use temper_oci::{Compression, Descriptor, Digest, ImageConfig, Platform};
use temper_rootfs::draft::Draft;
use temper_rootfs::effects::{self, EffectContext, EffectPackage};
use temper_rootfs::installed::Installed;
use temper_rootfs::merge::{
    ArtifactSelection, MergedPackages, PackageSource, merge_artifact, merge_changes, merge_packages,
};
use temper_rootfs::package_index::PackageIndex;
use temper_rootfs::segment::Segment;
use temper_rootfs::tree::Tree;

use crate::archive::Snapshot;
use crate::choice::{Choice, Chooser};
use crate::command::{self, Commands};
use crate::composer::{AutomaticIds, Composer, Request};
use crate::config::{self, ConfigInput};
use crate::environment::{self, ArtifactEnvironment, Variable};
use crate::error::ComposeError;
use crate::event::{Event, Step};
use crate::finding::{Finding, Findings};
use crate::image::{Image, ImageSource, PlatformImage};
use crate::layers::Layers;
use crate::packages::Archives;
use crate::plan::{AccountLine, CollisionLine, GeneratedLine, NotReproducedLine, Setting};
use crate::{distribution, hints, time};

mod document;
mod programs;
mod report;
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
    pub(crate) generated: Vec<GeneratedLine>,
    pub(crate) removed: Vec<String>,
    pub(crate) not_reproduced: Vec<NotReproducedLine>,
    pub(crate) automatic_ids: AutomaticIds,
    pub(crate) findings: Findings,
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

    let mut tree = base.clone();
    let sources: Vec<PackageSource<'_>> = packages.sources().collect();
    let removals: Vec<String> = packages.choice.remove.iter().map(|package| package.name.clone()).collect();
    let merged = merge_packages(&mut tree, &packages.installed, &sources, &removals);
    let mut artifacts = Vec::new();
    for (wanted, artifact) in recipe.artifacts.iter().zip(&artifact_trees) {
        let selection = ArtifactSelection {
            reference: &wanted.reference,
            tree: artifact,
            includes: &wanted.includes,
            excludes: &wanted.excludes,
        };
        let draft = merge_artifact(&mut tree, &selection);
        hints::artifact_files(wanted, &draft, &mut findings);
        report::problems(&draft, &wanted.at, &mut findings);
        artifacts.push((format!("artifact {}", wanted.reference), draft));
    }
    let files =
        document::merge(&mut tree, recipe, input.platform, &artifact_trees, archives, time, &mut findings);

    let has_dpkg = packages.installed.database.has_status() || tree.lookup("usr/bin/dpkg").is_some();
    let effect_packages = packages.for_effects(&merged);
    let context = EffectContext {
        tree: &tree,
        base: &base,
        packages: &effect_packages,
        has_dpkg,
        architecture: input.platform.debian_architecture().unwrap_or_default(),
        time,
    };
    let effect = effects::run(&context, &system::account_options(recipe, &input.request.automatic_ids));
    let MergedPackages { draft, owned } = merged;
    let packages_draft = merge_changes(&mut tree, draft, "effects", &effect.changes, time);
    report::problems(&packages_draft, "contents.packages", &mut findings);
    let system = system::compute(&mut system::SystemInput {
        tree: &mut tree,
        recipe,
        packages: &packages,
        owned: &owned,
        effect: &effect,
        base_config: base_image.map(|image| &image.config),
        architecture: input.platform.debian_architecture().unwrap_or_default(),
        time,
        findings: &mut findings,
    });

    let environment = merge_environment(recipe, base_image, input, &tree);
    let commands = apply_commands(recipe, base_image, &tree, &environment, &system, &mut findings);
    let config = config::edit(&ConfigInput {
        platform: input.platform,
        base: base_image.map(|image| &image.config),
        time,
        environment: &environment,
        commands: &commands,
        user: &system.user.value,
        work_dir: &system.work_dir.value,
        stop_signal: recipe.stop_signal.as_deref(),
        labels: &recipe.labels,
        ports: &recipe.ports,
        volumes: &recipe.volumes,
    });
    let mut drafts = vec![("packages".to_owned(), packages_draft)];
    drafts.extend(artifacts);
    drafts.push(("files".to_owned(), files));
    drafts.push(("system".to_owned(), system.draft));
    for (_, draft) in &drafts {
        hints::privileged(draft, &mut findings);
    }
    report::effects(&effect, &mut findings);
    Ok(Composition {
        platform: input.platform.clone(),
        base: base_image.cloned(),
        time,
        compression: input.compression,
        gzips_base: recipe.compression == Some(Compression::Gzip),
        collisions: report::collisions(&drafts),
        generated: report::generated(&drafts),
        removed: drafts.iter().flat_map(|(_, draft)| draft.whiteouts()).map(str::to_owned).collect(),
        layers: drafts
            .iter()
            .map(|(name, draft)| planned_layer(name, draft, time))
            .filter(|layer| !layer.segments.is_empty())
            .collect(),
        config,
        environment,
        commands,
        user: system.user,
        work_dir: system.work_dir,
        accounts: system.accounts,
        not_reproduced: report::not_reproduced(&effect),
        automatic_ids: report::automatic_ids(&effect),
        snapshot: packages.snapshot,
        choice: packages.choice,
        findings,
    })
}

/// The packages of one platform with their indexes.
pub(crate) struct Packages {
    pub(crate) installed: Installed,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) choice: Choice,
    /// In the order of [`Choice::install`].
    pub(crate) indexes: Vec<Arc<PackageIndex>>,
}

impl Packages {
    fn choose(
        composer: &Composer<'_>,
        archives: &Archives<'_>,
        input: &PlatformInput<'_>,
        base: &Tree,
        findings: &mut Findings,
    ) -> Result<Self, ComposeError> {
        let recipe = input.request.recipe;
        let installed = match Installed::read(base) {
            Ok(installed) => installed,
            Err(error) => {
                findings
                    .problem(Finding::at("", format!("the base's package database cannot be read: {error}")));
                Installed::default()
            }
        };
        let mut packages = Self { installed, snapshot: None, choice: Choice::default(), indexes: Vec::new() };
        if recipe.packages.is_empty() && recipe.forbidden.is_empty() {
            return Ok(packages);
        }
        let os_release = distribution::OS_RELEASE_PATHS.iter().find_map(|path| base.read(path));
        let os_release = os_release.map(String::from_utf8_lossy);
        let sources = match &recipe.sources {
            Some(sources) => Ok(sources.clone()),
            None => distribution::sources(os_release.as_deref()),
        };
        let Some(architecture) = input.platform.debian_architecture() else {
            let message = format!("Debian has no packages for platform `{}`", input.platform);
            findings.problem(Finding::at("platforms", message));
            return Ok(packages);
        };
        let sources = match sources {
            Ok(sources) => sources,
            Err(problem) => {
                findings.problem(problem);
                return Ok(packages);
            }
        };
        composer.log.event(Event::new(Step::Resolve, "choose packages").on(input.platform));
        let chooser = Chooser { archive: composer.archive, cache: composer.cache };
        let (snapshot, choice) =
            chooser.choose(recipe, &sources, architecture, &packages.installed.database, findings)?;
        packages.indexes = indexes(composer, archives, &snapshot, &choice)?;
        packages.snapshot = Some(snapshot);
        packages.choice = choice;
        Ok(packages)
    }

    fn sources(&self) -> impl Iterator<Item = PackageSource<'_>> {
        let files = self.choice.install.iter().map(|package| package.file.digest);
        files.zip(&self.indexes).map(|(archive, index)| PackageSource { archive, index })
    }

    /// Returns the version that a package has in the result.
    pub(crate) fn version(&self, name: &str) -> Option<String> {
        let chosen = self.choice.install.iter().find(|package| package.name == name);
        let removed = self.choice.remove.iter().any(|package| package.name == name);
        let installed = self.installed.find(name).filter(|_| !removed);
        chosen
            .map(|package| package.version.clone())
            .or_else(|| installed.map(|package| package.version.clone()))
    }

    /// Returns the packages as effects see them, in configure order.
    fn for_effects(&self, merged: &MergedPackages) -> Vec<EffectPackage> {
        let chosen = self.choice.install.iter().zip(&self.indexes);
        let packages = chosen.map(|(chosen, index)| EffectPackage {
            name: chosen.name.clone(),
            architecture: chosen.architecture.clone(),
            version: chosen.version.clone(),
            previous_version: chosen.from_version.clone(),
            scripts: index.scripts(),
            paths: merged.owned.get(&chosen.name).into_iter().flatten().cloned().collect(),
        });
        packages.collect()
    }
}

/// Fetches the package files that are not indexed yet, and returns the indexes of all.
fn indexes(
    composer: &Composer<'_>,
    archives: &Archives<'_>,
    snapshot: &Snapshot,
    choice: &Choice,
) -> Result<Vec<Arc<PackageIndex>>, ComposeError> {
    let files: Vec<_> = choice.install.iter().map(|package| package.file.clone()).collect();
    let unknown: Vec<_> = files.iter().filter(|file| !archives.has_index(&file.digest)).cloned().collect();
    composer.archive.fetch(snapshot, &unknown, composer.log)?;
    archives.index_all(&files)
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

fn merge_environment(
    recipe: &crate::recipe::Recipe,
    base: Option<&PlatformImage>,
    input: &PlatformInput<'_>,
    tree: &Tree,
) -> Vec<Variable> {
    let pairs = |config: &ImageConfig| -> Vec<(String, String)> {
        let split =
            |text: &String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        config.env().iter().filter_map(split).collect()
    };
    let artifacts = input.artifacts.iter().filter_map(|image| {
        let variables = pairs(&image.find(input.platform)?.config);
        Some(ArtifactEnvironment { artifact: image.reference.clone(), variables })
    });
    let artifacts: Vec<_> = artifacts.collect();
    let base = base.map(|base| pairs(&base.config)).unwrap_or_default();
    environment::merge(&base, &artifacts, &recipe.environment, &|path| programs::is_directory(tree, path))
}

fn apply_commands(
    recipe: &crate::recipe::Recipe,
    base: Option<&PlatformImage>,
    tree: &Tree,
    environment: &[Variable],
    system: &system::System,
    findings: &mut Findings,
) -> Commands {
    let entrypoint = base.and_then(|base| base.config.entrypoint()).unwrap_or_default();
    let cmd = base.and_then(|base| base.config.cmd()).unwrap_or_default();
    let path =
        environment.iter().find(|variable| variable.name == "PATH").map(|variable| variable.value.as_str());
    let finder = programs::Programs {
        tree,
        path: path.unwrap_or(environment::DEFAULT_PATH),
        work_dir: &system.work_dir.value,
    };
    command::apply(
        (&entrypoint, &cmd),
        recipe.entrypoint.as_ref(),
        recipe.cmd.as_ref(),
        &|word| finder.has(word),
        findings,
    )
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
