//! The conductor: the one place that knows the order of the stages.
//!
//! request → images → platforms → for each platform: choice of packages, composition → plan → layers, manifests, index.
//! Planning changes nothing but caches; building writes blobs; publication is a step of its own.

use std::collections::BTreeMap;

use rayon::prelude::*;
use temper_oci::{Compression, Digest, Platform};

use crate::archive::Archive;
use crate::blob_store::{BlobStore, Cache};
use crate::build_key::build_key;
use crate::composition::{Composition, PlatformInput};
use crate::error::ComposeError;
use crate::event::Log;
use crate::finding::{Finding, Findings};
use crate::hints;
use crate::image::{Image, ImageSource};
use crate::layer_store::LayerStore;
use crate::packages::Archives;
use crate::plan::{ImageSummary, Plan, PlatformPlan};
use crate::platforms;
use crate::publish::BuiltImage;
use crate::recipe::Recipe;
use crate::recorded::RecordedChoice;
use crate::{assemble, composition, plan_platform};

/// What composition works with.
#[derive(Clone, Copy)]
pub struct Composer<'a> {
    /// Blobs: layers, segments, package files.
    pub store: &'a dyn BlobStore,
    /// Everything that was computed before.
    pub cache: &'a dyn Cache,
    /// Signed package archives.
    pub archive: &'a dyn Archive,
    /// Who is told what happens.
    pub log: &'a dyn Log,
}

/// One image to be made.
#[derive(Clone)]
pub struct Request<'a> {
    /// What is to be made.
    pub recipe: &'a Recipe,
    /// The base; without one the image is made from nothing.
    pub base: Option<&'a dyn ImageSource>,
    /// The artifacts, in the order of [`Recipe::artifacts`].
    pub artifacts: &'a [Box<dyn ImageSource + 'a>],
    /// The repository that the result goes to.
    pub destination: Option<String>,
    /// The reference of the base that annotations name: the same wherever the build runs.
    pub base_name: Option<String>,
    /// Tags to be written.
    pub tags: Vec<String>,
    /// Numbers that the last build gave to users and groups of packages, by platform.
    pub automatic_ids: BTreeMap<Platform, AutomaticIds>,
    /// Packages that a record of the build names, by platform; for the others they are chosen from the archive.
    pub choices: BTreeMap<Platform, RecordedChoice>,
}

/// Numbers that a build gave to users and groups of packages, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AutomaticIds {
    /// Users.
    pub users: BTreeMap<String, u32>,
    /// Groups.
    pub groups: BTreeMap<String, u32>,
}

/// A plan with everything that building it needs.
pub struct Planned<'a> {
    /// What is to be made.
    pub plan: Plan,
    pub(crate) compositions: Vec<Composition>,
    pub(crate) base: Option<Image>,
    /// In the order of [`Recipe::artifacts`].
    pub(crate) artifacts: Vec<Image>,
    pub(crate) annotations: Vec<(String, String)>,
    pub(crate) base_name: Option<String>,
    pub(crate) archives: Archives<'a>,
}

impl<'a> Composer<'a> {
    /// Finds out everything that a build would do.
    ///
    /// # Errors
    ///
    /// Only for what keeps the plan itself from being made; what is wrong with the request is in the plan.
    pub fn plan(&self, request: &Request<'_>) -> Result<Planned<'a>, ComposeError> {
        let recipe = request.recipe;
        let mut findings = Findings::default();
        let load = |source| Image::load_kept(source, self.store);
        let base = request.base.map(load).transpose()?;
        let artifacts: Vec<Image> =
            request.artifacts.iter().map(|source| load(&**source)).collect::<Result<_, _>>()?;
        for (wanted, source) in recipe.artifacts.iter().zip(request.artifacts) {
            hints::artifact(wanted, source.has_immutable_tags(), &mut findings);
        }
        let (platforms, platforms_lost) = choose_platforms(recipe, base.as_ref(), &artifacts, &mut findings);
        let compression = recipe
            .compression
            .unwrap_or_else(|| base.as_ref().map_or(Compression::Gzip, uniform_compression));
        hints::compression(compression, &mut findings);
        let archives = Archives::new(self.store, self.cache);
        let compose = |platform: &Platform| {
            let input =
                PlatformInput { request, base: base.as_ref(), artifacts: &artifacts, platform, compression };
            composition::compose(self, &archives, &input)
        };
        let compositions: Vec<Composition> = platforms.par_iter().map(compose).collect::<Result<_, _>>()?;
        let layers = LayerStore { store: self.store, cache: self.cache };
        let lines = compositions
            .iter()
            .map(|composition| plan_platform::platform_plan(composition, base.as_ref(), &layers));
        let mut lines: Vec<PlatformPlan> = lines.collect();
        platforms::hint_at_others(&mut lines);
        let mut plan = Plan {
            name: recipe.name.clone(),
            base: base.as_ref().map(summary),
            artifacts: artifacts.iter().map(summary).collect(),
            destination: request.destination.clone(),
            tags: request.tags.clone(),
            build_key: None,
            compression: compression.to_string(),
            platforms: lines,
            platforms_lost,
            findings,
        };
        if !plan.has_problems() {
            plan.build_key = Some(build_key(request, base.as_ref(), &artifacts, &compositions, compression));
        }
        let annotations = recipe.annotations.clone();
        let base_name = request.base_name.clone();
        Ok(Planned { plan, compositions, base, artifacts, annotations, base_name, archives })
    }

    /// Makes the image that was planned; afterwards all its blobs are in the store.
    ///
    /// # Errors
    ///
    /// A plan with problems is not built.
    pub fn build(&self, planned: &Planned<'_>) -> Result<BuiltImage, ComposeError> {
        if planned.plan.has_problems() {
            return Err(ComposeError::Problems(Box::new(planned.plan.clone())));
        }
        let manifests =
            planned.compositions.par_iter().map(|composition| assemble::manifest(self, planned, composition));
        let manifests = manifests.collect::<Result<Vec<_>, _>>()?;
        assemble::index(self, planned, manifests)
    }
}

fn choose_platforms(
    recipe: &Recipe,
    base: Option<&Image>,
    artifacts: &[Image],
    findings: &mut Findings,
) -> (Vec<Platform>, Vec<crate::plan::LostPlatform>) {
    let available = match base {
        Some(base) => base.platforms(),
        None => recipe.platforms.clone().unwrap_or_default(),
    };
    let artifacts: Vec<_> =
        artifacts.iter().map(|image| (image.reference.clone(), image.platforms())).collect();
    if available.is_empty() {
        findings.problem(Finding::at("platforms", "the document names no platform"));
        return (Vec::new(), Vec::new());
    }
    platforms::choose(recipe.platforms.as_deref(), &available, &artifacts, findings)
}

/// Returns the form that all compressed layers of a base have, else gzip.
fn uniform_compression(base: &Image) -> Compression {
    let mut forms =
        base.platforms.iter().flat_map(|image| &image.manifest.layers).filter_map(composition::layer_form);
    let first = forms.next().unwrap_or(Compression::Gzip);
    let is_uniform = forms.all(|form| form == first);
    if is_uniform && first != Compression::None { first } else { Compression::Gzip }
}

fn summary(image: &Image) -> ImageSummary {
    ImageSummary { reference: image.reference.clone(), digest: image.digest() }
}

impl Planned<'_> {
    /// Returns the numbers that this build gives to users and groups of packages, an input of the next.
    pub fn automatic_ids(&self) -> BTreeMap<Platform, AutomaticIds> {
        let ids = self.compositions.iter().map(|one| (one.platform.clone(), one.automatic_ids.clone()));
        ids.collect()
    }

    /// Returns the digests of all package files that the image is made from.
    pub fn package_files(&self) -> Vec<Digest> {
        let files = self.compositions.iter().flat_map(|composition| &composition.choice.install);
        files.map(|package| package.file.digest).collect()
    }
}
