//! Everything a build needs, in memory; what one build keeps, the next one finds.

use std::collections::BTreeMap;
use std::error::Error;

use temper_compose::{
    AutomaticIds, BuildContext, BuiltImage, ComposeError, Composer, ImageSource, Plan, Planned, Recipe,
    RecordedChoice, Request, Silent, Statements,
};
use temper_oci::{Platform, ScanLimits, validate};
use temper_testkit::Deb;
use temper_testkit::image::Layer;

use crate::archive::{MemoryArchive, SUITE};
use crate::image::MemoryImage;
use crate::memory::{MemoryCache, MemoryStore};
use crate::outcome::Outcome;
use crate::{base, document};

/// Store, cache, archive, base and artifacts.
pub(crate) struct Workshop {
    pub(crate) store: MemoryStore,
    pub(crate) base: Option<MemoryImage>,
    pub(crate) automatic_ids: BTreeMap<Platform, AutomaticIds>,
    pub(crate) choices: BTreeMap<Platform, RecordedChoice>,
    cache: MemoryCache,
    archive: MemoryArchive,
    artifacts: Vec<MemoryImage>,
}

impl Workshop {
    /// Starts with the hardened base and an empty archive.
    pub(crate) fn new() -> Self {
        let store = MemoryStore::default();
        Self {
            archive: MemoryArchive::new(store.clone()),
            store,
            base: Some(base::hardened()),
            automatic_ids: BTreeMap::new(),
            choices: BTreeMap::new(),
            cache: MemoryCache::default(),
            artifacts: Vec::new(),
        }
    }

    /// Takes another base.
    pub(crate) fn base(mut self, base: MemoryImage) -> Self {
        self.base = Some(base);
        self
    }

    /// Takes a base of one layer for amd64.
    pub(crate) fn base_of(self, layer: &Layer) -> Self {
        self.base(base::of_layer(layer))
    }

    /// Puts packages into the archive.
    pub(crate) fn packages(mut self, packages: impl IntoIterator<Item = Deb>) -> Self {
        for package in packages {
            self.archive.add(SUITE, &package);
        }
        self
    }

    /// Puts packages into another suite of the archive.
    pub(crate) fn packages_in(mut self, suite: &str, packages: impl IntoIterator<Item = Deb>) -> Self {
        for package in packages {
            self.archive.add(suite, &package);
        }
        self
    }

    /// Puts an artifact of one layer where the document finds it by its reference.
    pub(crate) fn artifact(self, reference: &str, layer: &Layer) -> Self {
        self.artifact_image(MemoryImage::artifact(reference, layer))
    }

    /// Puts an image where the document finds it by its reference.
    pub(crate) fn artifact_image(mut self, image: MemoryImage) -> Self {
        self.artifacts.push(image);
        self
    }

    /// Builds a customization; a plan with problems panics with them.
    pub(crate) fn build(&self, body: &str) -> Outcome {
        let (recipe, destination, tags) = document::recipe(&document::parse(body));
        self.run(&recipe, Some(destination), tags)
    }

    /// Builds a definition from nothing.
    pub(crate) fn define(&self, body: &str) -> Outcome {
        let definition = document::define(body);
        self.run(&Recipe::from(&definition), None, definition.document.tags.clone())
    }

    /// Builds a customization and states what it is.
    pub(crate) fn state(&self, body: &str, context: &BuildContext<'_>) -> (Outcome, Statements) {
        let (recipe, destination, tags) = document::recipe(&document::parse(body));
        self.run_stated(&recipe, Some(destination), tags, context)
    }

    /// Builds a customization and states what it is, where that can be stated.
    pub(crate) fn try_state(
        &self,
        body: &str,
        context: &BuildContext<'_>,
    ) -> Result<Statements, ComposeError> {
        let (recipe, destination, tags) = document::recipe(&document::parse(body));
        let run = |composer: &Composer<'_>, request: &Request<'_>, planned: Planned<'_>| {
            let image = composer.build(&planned).unwrap_or_else(|error| panic!("{error:?}"));
            composer.state(&planned, request, &image, context)
        };
        self.with(&recipe, Some(destination), tags, run).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Builds a definition and states what it is.
    pub(crate) fn state_defined(&self, body: &str, context: &BuildContext<'_>) -> (Outcome, Statements) {
        let definition = document::define(body);
        self.run_stated(&Recipe::from(&definition), None, definition.document.tags.clone(), context)
    }

    fn run_stated(
        &self,
        recipe: &Recipe,
        destination: Option<String>,
        tags: Vec<String>,
        context: &BuildContext<'_>,
    ) -> (Outcome, Statements) {
        let run = |composer: &Composer<'_>, request: &Request<'_>, planned: Planned<'_>| {
            let image = composer.build(&planned).unwrap_or_else(|error| panic!("{error:?}"));
            let statements = composer.state(&planned, request, &image, context);
            (planned.plan, image, statements.unwrap_or_else(|error| panic!("{error:?}")))
        };
        let built = self.with(recipe, destination, tags, run);
        let (plan, image, statements) = built.unwrap_or_else(|error| panic!("{error:?}"));
        (Outcome { store: self.store.clone(), plan, image }, statements)
    }

    /// Plans a customization without building it.
    pub(crate) fn plan(&self, body: &str) -> Plan {
        let (recipe, destination, tags) = document::recipe(&document::parse(body));
        self.with(&recipe, Some(destination), tags, |_, _, planned| planned.plan)
            .unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Returns the problems of a customization, `platform: path: message` each, and sees that it is not built.
    pub(crate) fn problems(&self, body: &str) -> Vec<String> {
        let (recipe, destination, tags) = document::recipe(&document::parse(body));
        let run = |composer: &Composer<'_>, _: &Request<'_>, planned: Planned<'_>| {
            let error = composer.build(&planned).expect_err("a plan with problems is not built");
            assert!(matches!(error, ComposeError::Problems(_)), "{error:?}");
            assert_eq!(planned.plan.build_key, None);
            planned.plan
        };
        let plan =
            self.with(&recipe, Some(destination), tags, run).unwrap_or_else(|error| panic!("{error:?}"));
        let problems = plan.problems().map(|(platform, finding)| {
            let platform =
                platform.map(|platform| format!("{}: ", platform.architecture)).unwrap_or_default();
            format!("{platform}{}: {}", finding.path, finding.message)
        });
        problems.collect()
    }

    /// Returns why a customization cannot even be planned, with the causes.
    pub(crate) fn failure(&self, body: &str) -> String {
        let (recipe, destination, tags) = document::recipe(&document::parse(body));
        let error = self.with(&recipe, Some(destination), tags, |_, _, _| ()).expect_err("cannot be planned");
        let mut text = error.to_string();
        let mut cause = Error::source(&error);
        while let Some(error) = cause {
            text.extend([": ", &error.to_string()]);
            cause = error.source();
        }
        text
    }

    /// Returns what plans and builds are made with.
    pub(crate) fn composer(&self) -> Composer<'_> {
        Composer { store: &self.store, cache: &self.cache, archive: &self.archive, log: &Silent }
    }

    /// Returns the archive that packages come from.
    pub(crate) fn archive(&self) -> &MemoryArchive {
        &self.archive
    }

    /// Returns an artifact by its reference.
    pub(crate) fn find_artifact(&self, reference: &str) -> &MemoryImage {
        let image = self.artifacts.iter().find(|image| image.name() == reference);
        image.unwrap_or_else(|| panic!("artifact `{reference}` is in the workshop"))
    }

    /// Takes all package files out of the store, as a clean-up may.
    pub(crate) fn lose_package_files(&self) {
        self.archive.files().for_each(|digest| self.store.remove(digest));
    }

    /// Returns the names of the packages whose files were fetched, in order.
    pub(crate) fn fetched(&self) -> Vec<String> {
        self.archive.fetched()
    }

    fn run(&self, recipe: &Recipe, destination: Option<String>, tags: Vec<String>) -> Outcome {
        let run = |composer: &Composer<'_>, _: &Request<'_>, planned: Planned<'_>| {
            let image = composer.build(&planned).unwrap_or_else(|error| {
                panic!("{error}: {:#?}", planned.plan.problems().collect::<Vec<_>>());
            });
            (planned.plan, image)
        };
        let built = self.with(recipe, destination, tags, run);
        let (plan, image) = built.unwrap_or_else(|error| panic!("{error:?}"));
        self.check(&image);
        Outcome { store: self.store.clone(), plan, image }
    }

    /// Recomputes every digest, size, diff id and layer of an image.
    fn check(&self, image: &BuiltImage) {
        let violations = validate(&self.store, &image.index, &ScanLimits::default());
        let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert_eq!(violations, [""; 0]);
    }

    fn with<T>(
        &self,
        recipe: &Recipe,
        destination: Option<String>,
        tags: Vec<String>,
        run: impl FnOnce(&Composer<'_>, &Request<'_>, Planned<'_>) -> T,
    ) -> Result<T, ComposeError> {
        let composer = self.composer();
        let find = |reference: &str| self.find_artifact(reference).clone();
        let artifacts: Vec<Box<dyn ImageSource>> = recipe
            .artifacts
            .iter()
            .map(|wanted| Box::new(find(&wanted.reference)) as Box<dyn ImageSource>)
            .collect();
        // Only definitions name where their packages come from, and they have no base.
        let base = self.base.as_ref().filter(|_| recipe.sources.is_none());
        let request = Request {
            recipe,
            base: base.map(|base| base as &dyn ImageSource),
            artifacts: &artifacts,
            destination,
            base_name: base.map(|_| "registry.example/acme/base:1".to_owned()),
            tags,
            automatic_ids: self.automatic_ids.clone(),
            choices: self.choices.clone(),
        };
        let planned = composer.plan(&request)?;
        Ok(run(&composer, &request, planned))
    }
}
