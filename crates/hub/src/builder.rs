//! The builder: from a recipe and its sources to a published image that is signed in the server's name.
//!
//! It works on a thread that may block. Whoever runs it learns of each step and decides whether it goes on; nothing
//! becomes visible before the tags move, and these move last, after the right to do so was asked for.

mod guarded;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use temper_attest::provenance::{Builder as BuilderName, PackageSource, Role, Target};
use temper_attest::{PublicKey, Signer};
use temper_compose::{
    Attestation, BuildContext, BuiltImage, ComposeError, Composer, External, ImageSource, Log, Plan, Planned,
    Recipe, Request, Statements, Step, publish,
};
use temper_oci::Digest;
use temper_store::records::{BuildInput, Micros};

use crate::content::Content;
use crate::hub::Hub;
use crate::targets::PlatformIds;
use crate::watch::Choice;

use guarded::Guarded;

/// Who builds on a server; docs/provenance.md describes the builder.
pub const SERVER_BUILDER: &str = "urn:temper:builder:server:v1";

/// Version of Temper, as provenance and SBOMs name it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One image that is to be built and published.
#[derive(Clone, Debug)]
pub struct BuildTask {
    /// Id of the build.
    pub id: String,
    /// Name of the organization whose key signs.
    pub organization: String,
    /// What is to be made.
    pub recipe: Recipe,
    /// The document, as the provenance has it.
    pub document: String,
    /// Reference of the base; nothing for an image that is made from nothing.
    pub base: Option<String>,
    /// The repository that the result goes to, below the registry's host.
    pub destination: String,
    /// The line of tags, or the id of the definition.
    pub tag_definition_id: Option<String>,
    /// The tags that the result gets.
    pub tags: Vec<String>,
    /// Numbers that the last build gave to users and groups of packages.
    pub automatic_ids: PlatformIds,
    /// The key of the build whose result the tags have now: a build with the same one publishes nothing.
    pub published_key: Option<Digest>,
    /// When the build began.
    pub started_at: Micros,
}

/// What was published.
#[derive(Clone, Debug)]
pub struct Published {
    /// What was planned.
    pub plan: Plan,
    /// Digest of the image.
    pub digest: Digest,
    /// What it is made of.
    pub content: Content,
    /// Numbers that it gave to users and groups of packages.
    pub automatic_ids: PlatformIds,
    /// What it read.
    pub inputs: Vec<BuildInput>,
    /// The archives that packages were chosen from: address and suite.
    pub archives: Vec<(String, String)>,
    /// What its packages were chosen from and which: the watch follows that.
    pub choices: Vec<Choice>,
}

/// Why a build ended without an image.
#[derive(Debug)]
pub enum Ended {
    /// The plan has problems.
    Problems(Box<Plan>),
    /// Something failed.
    Failed(Box<ComposeError>),
    /// No input has changed since the build whose result the tags have.
    Unchanged,
    /// The guard stopped it.
    Stopped(Stop),
}

/// Why a guard stops a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another worker has it, or this one is to end: nothing more is written.
    Lost,
    /// Somebody ended it.
    Cancelled,
    /// Something newer takes its place.
    Superseded,
}

/// Decides whether a build goes on.
pub trait Guard: Send + Sync {
    /// A step begins.
    fn step(&self, step: Step) -> Result<(), Stop>;

    /// The tags are about to move.
    fn publish(&self) -> Result<(), Stop>;
}

impl From<ComposeError> for Ended {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Problems(plan) => Self::Problems(plan),
            error => Self::Failed(Box::new(error)),
        }
    }
}

impl From<External> for Ended {
    fn from(error: External) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl BuildTask {
    /// Opens the base and the artifacts.
    fn open(&self, hub: &Hub) -> Result<Sources, External> {
        let images = &hub.config().images;
        let base = self.base.as_deref().map(|base| images.open(base)).transpose()?;
        let artifacts = self.recipe.artifacts.iter().map(|artifact| images.open(&artifact.reference));
        Ok(Sources { base, artifacts: artifacts.collect::<Result<_, _>>()? })
    }

    fn request<'a>(&'a self, sources: &'a Sources) -> Request<'a> {
        Request {
            recipe: &self.recipe,
            base: sources.base.as_deref(),
            artifacts: &sources.artifacts,
            destination: Some(self.destination.clone()),
            base_name: self.base.clone(),
            tags: self.tags.clone(),
            automatic_ids: self.automatic_ids.clone(),
            choices: BTreeMap::new(),
        }
    }

    /// Plans the image. Blocks.
    pub fn plan(&self, hub: &Hub, log: &dyn Log) -> Result<Plan, ComposeError> {
        let sources = self.open(hub)?;
        Ok(composer(hub, log).plan(&self.request(&sources))?.plan)
    }

    /// Builds the image and publishes it. Blocks.
    pub fn run(&self, hub: &Hub, log: &dyn Log, guard: &dyn Guard) -> Result<Published, Ended> {
        guard.step(Step::Resolve)?;
        reached(&self.destination, "resolve")?;
        let sources = self.open(hub)?;
        let request = self.request(&sources);
        let composer = composer(hub, log);
        let planned = composer.plan(&request)?;
        if planned.plan.has_problems() {
            return Err(Ended::Problems(Box::new(planned.plan)));
        }
        if planned.plan.build_key.is_some() && planned.plan.build_key == self.published_key {
            return Err(Ended::Unchanged);
        }
        guard.step(Step::Compose)?;
        reached(&self.destination, "compose")?;
        let image = composer.build(&planned)?;
        reached(&self.destination, "state")?;
        let statements = self.state(hub, &composer, &planned, &request, &image)?;
        tell(log, &statements);
        guard.step(Step::Publish)?;
        reached(&self.destination, "publish")?;
        self.publish(hub, log, guard, (&image, &statements, &sources))?;
        reached(&self.destination, "published")?;
        Ok(published(self, &planned, &image, &statements))
    }

    fn state(
        &self,
        hub: &Hub,
        composer: &Composer<'_>,
        planned: &Planned<'_>,
        request: &Request<'_>,
        image: &BuiltImage,
    ) -> Result<Statements, ComposeError> {
        let signers = &hub.config().signers;
        let mut trusted_keys = signers.trusted(&self.organization)?;
        let own = signers.signer(&self.organization)?;
        trusted_keys.extend(PublicKey::from_spki(own.public_key_spki()).ok());
        let context = BuildContext {
            repository: hub.config().images.full_name(&self.destination),
            document: self.document.clone(),
            target: Target {
                destination: self.destination.clone(),
                tag_definition_id: self.tag_definition_id.clone(),
                tags: self.tags.clone(),
            },
            builder: BuilderName {
                id: SERVER_BUILDER.to_owned(),
                versions: BTreeMap::from([("temper".to_owned(), VERSION.to_owned())]),
            },
            temper_version: VERSION.to_owned(),
            invocation: format!("urn:temper:build:{}", self.id),
            started_on: seconds(self.started_at),
            finished_on: seconds(hub.now()),
            trusted_keys,
            vex: &[],
        };
        composer.state(planned, request, image, &context)
    }

    fn publish(
        &self,
        hub: &Hub,
        log: &dyn Log,
        guard: &dyn Guard,
        (image, statements, sources): (&BuiltImage, &Statements, &Sources),
    ) -> Result<(), Ended> {
        let config = hub.config();
        let signer = config.signers.signer(&self.organization)?;
        let signer: &dyn Signer = &*signer;
        let repository = config.images.full_name(&self.destination);
        let destination = config.images.destination(&self.destination)?;
        let guarded = Guarded::new(&*destination, guard, &self.destination);
        let attestation = Attestation { statements, repository: &repository, signer };
        let keep = || -> Result<(), ComposeError> {
            let sources = sources.base.iter().chain(&sources.artifacts).map(|one| &**one);
            let sources: Vec<&dyn ImageSource> = sources.collect();
            composer(hub, log).keep_inputs(&statements.record, &image.index, &sources, &guarded).map(drop)
        };
        // Inputs first, so that the tags move when it is all there.
        let kept = if config.keep_inputs { keep() } else { Ok(()) };
        let publish = |()| publish(image, &self.tags, Some(&attestation), &*config.blobs, &guarded, log);
        let result = kept.and_then(publish);
        match guarded.stopped() {
            Some(stop) => Err(stop.into()),
            None => Ok(result?),
        }
    }
}

fn published(
    task: &BuildTask,
    planned: &Planned<'_>,
    image: &BuiltImage,
    statements: &Statements,
) -> Published {
    Published {
        plan: planned.plan.clone(),
        digest: image.digest(),
        content: Content::of(&planned.plan, image, statements),
        automatic_ids: planned.automatic_ids(),
        inputs: inputs(statements),
        archives: archives(statements),
        choices: task.choices(statements),
    }
}

impl BuildTask {
    /// Lists what packages were chosen from, for each platform, with those that were wanted and those that were taken.
    fn choices(&self, statements: &Statements) -> Vec<Choice> {
        let wanted = self.recipe.packages.iter().map(|package| package.name.clone());
        let wanted: BTreeSet<String> = wanted.collect();
        let source = |source: &PackageSource| temper_compose::PackageSource {
            uri: source.uri.clone(),
            suite: source.suite.clone(),
            components: source.components.clone(),
            keyring: source.keyring.clone(),
        };
        let platforms = statements.record.settings.platforms.iter();
        let choice = platforms.filter(|(_, settings)| !settings.sources.is_empty()).filter_map(
            |(platform, settings)| {
                let taken = settings.install.iter().map(|package| package.name.clone());
                Some(Choice {
                    sources: settings.sources.iter().map(source).collect(),
                    architecture: platform.debian_architecture()?.to_owned(),
                    names: taken.chain(wanted.iter().cloned()).collect(),
                })
            },
        );
        choice.collect()
    }
}

/// A point at which a test may stop the builds of a repository: as if the process had ended there, nothing more is
/// written by this attempt. The name of the fail point is the repository's and that of the point, `acme/app publish`.
pub(crate) fn reached(destination: &str, point: &str) -> Result<(), Stop> {
    stop_at(destination, point).map_or(Ok(()), Err)
}

fn stop_at(destination: &str, point: &str) -> Option<Stop> {
    // Without the feature nothing of it is there.
    let _ = (destination, point);
    fail::fail_point!(&format!("{destination} {point}"), |_| Some(Stop::Lost));
    None
}

/// Base and artifacts, opened.
struct Sources {
    base: Option<Box<dyn ImageSource>>,
    artifacts: Vec<Box<dyn ImageSource>>,
}

fn composer<'a>(hub: &'a Hub, log: &'a dyn Log) -> Composer<'a> {
    let config = hub.config();
    Composer { store: &*config.blobs, cache: &*config.cache, archive: &*config.archive, log }
}

/// Tells what of the base's VEX is not passed on.
fn tell(log: &dyn Log, statements: &Statements) {
    use temper_compose::Event;
    for unread in &statements.unread {
        let message = format!("nothing is passed on of what is attached: {unread}");
        log.event(Event::new(Step::Compose, message));
    }
    for dropped in &statements.dropped {
        let message = format!(
            "what the base says about `{}` is not passed on: {}",
            dropped.vulnerability, dropped.reason
        );
        log.event(Event::new(Step::Compose, message));
    }
}

/// Lists what a build read. Packages are named with their versions, as they were chosen.
fn inputs(statements: &Statements) -> Vec<BuildInput> {
    let record = &statements.record;
    let chosen = record.settings.platforms.iter().flat_map(|(platform, settings)| {
        settings.install.iter().map(|package| BuildInput {
            role: Role::Package.as_str().to_owned(),
            name: package.name.clone(),
            platform: platform.to_string(),
            version: package.version.clone(),
            digest: package.digest.to_string(),
        })
    });
    let others = record.inputs.iter().filter(|input| !matches!(input.role, Role::Package | Role::Document));
    let others = others.map(|input| BuildInput {
        role: input.role.as_str().to_owned(),
        name: input.name.clone(),
        platform: input.platform.as_ref().map(ToString::to_string).unwrap_or_default(),
        version: String::new(),
        digest: input.digest.to_string(),
    });
    let mut inputs: Vec<BuildInput> = chosen.chain(others).collect();
    inputs.sort();
    inputs.dedup();
    inputs
}

fn archives(statements: &Statements) -> Vec<(String, String)> {
    let name = |source: &PackageSource| (source.uri.clone(), source.suite.clone());
    let platforms = statements.record.settings.platforms.values();
    let mut archives: Vec<_> = platforms.flat_map(|settings| settings.sources.iter().map(name)).collect();
    archives.sort();
    archives.dedup();
    archives
}

fn seconds(at: Micros) -> String {
    Timestamp::from_second(at.div_euclid(1_000_000)).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
