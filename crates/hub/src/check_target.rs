//! The job `check`: whether an input of a target has changed since its last build.

use std::collections::BTreeMap;

use temper_compose::{Plan, Silent};
use temper_store::records::{BuildRecord, CHECK_JOB, Job, NewBuild, NewCheck, build_state};

use crate::build_error::BuildError;
use crate::builder::BuildTask;
use crate::cause::{Cause, PackageChange};
use crate::current_target::CurrentTarget;
use crate::error::HubError;
use crate::hub::Hub;
use crate::runner::{attempt::automatic_ids, is_outside};
use crate::targets::Wanted;
use crate::worker::{Handler, HandlerFuture, Lease, Outcome};

/// Priority of what somebody waits for.
pub const PRIORITY_BY_HAND: i64 = 100;

/// Priority of what the watch asks for.
pub const PRIORITY_WATCH: i64 = 0;

/// Looks at targets.
#[derive(Clone, Debug)]
pub(crate) struct CheckHandler {
    hub: Hub,
}

impl CheckHandler {
    /// Makes the handler of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }
}

impl Handler for CheckHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[CHECK_JOB]
    }

    fn run<'a>(&'a self, job: &'a Job, _: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            match self.hub.look_at(job).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Retry { error: BuildError::of(&error, None).sentence() },
            }
        })
    }
}

/// What came of a look at a target, as it is kept.
mod outcome {
    pub(super) const QUEUED: &str = "queued";
    pub(super) const UNCHANGED: &str = "unchanged";
    pub(super) const HELD: &str = "held";
    pub(super) const FAILED: &str = "failed";
}

impl Hub {
    /// Lets somebody find out whether an input of a target has changed; a build follows where one has.
    pub async fn check_target(&self, target_id: &str, cause: Cause, priority: i64) -> Result<(), HubError> {
        self.check_targets(&[target_id.to_owned()], &cause, priority).await
    }

    /// Does so for several targets that have one cause.
    pub async fn check_targets(
        &self,
        target_ids: &[String],
        cause: &Cause,
        priority: i64,
    ) -> Result<(), HubError> {
        let causes = causes_json(std::slice::from_ref(cause));
        let checks = target_ids.iter().map(|target_id| NewCheck {
            id: self.new_id(),
            target_id: target_id.clone(),
            causes: causes.clone(),
            priority,
        });
        let checks: Vec<NewCheck> = checks.collect();
        self.config().records.targets().check(&checks, self.now()).await?;
        self.queue().wake();
        Ok(())
    }

    /// Looks at the target of a job.
    async fn look_at(&self, job: &Job) -> Result<(), HubError> {
        let mut causes = Vec::new();
        for cause in serde_json::from_str::<Vec<Cause>>(&job.payload).unwrap_or_default() {
            Cause::merge(&mut causes, cause);
        }
        let Some(current) = self.current_target(&job.subject).await? else { return Ok(()) };
        let outcome = self.outcome_of(&current, &mut causes, job.priority).await?;
        let targets = self.config().records.targets();
        targets.note_check(&job.subject, &causes_json(&causes), outcome, self.now()).await?;
        tracing::debug!(target.id = job.subject, outcome, "target checked");
        Ok(())
    }

    async fn outcome_of(
        &self,
        current: &CurrentTarget,
        causes: &mut [Cause],
        priority: i64,
    ) -> Result<&'static str, HubError> {
        if current.target.held_build_id.is_some() {
            return Ok(outcome::HELD);
        }
        let builds = self.config().records.builds();
        let previous = builds.last_succeeded(&current.target.id).await?;
        let found = match &current.wanted {
            Ok(wanted) => self.plan_of(current, wanted, previous.as_ref()).await?,
            Err(problems) => Err(BuildError::of_problems(problems)),
        };
        let plan = match found {
            Ok(plan) if plan.has_problems() => Err(BuildError::of_plan(&plan)),
            found => found,
        };
        match plan {
            Err(error) if self.is_known_failure(current, &error).await? => return Ok(outcome::FAILED),
            // The build fails for all to see.
            Err(_) => {}
            Ok(plan) => {
                if let (Some(key), Ok(wanted)) = (plan.build_key, &current.wanted) {
                    let tags = self.free_tags(&current.target.id, wanted).await?;
                    let published = self.published_key(previous.as_ref(), &current.target.id, &tags).await?;
                    if published == Some(key) {
                        return Ok(outcome::UNCHANGED);
                    }
                }
                self.name_packages(causes, &plan, previous.as_ref()).await?;
            }
        }
        self.queue_build(&self.build_of(current, causes, priority)).await?;
        Ok(outcome::QUEUED)
    }

    /// Plans a target; what is wrong with the document is no failure of the look.
    async fn plan_of(
        &self,
        current: &CurrentTarget,
        wanted: &Wanted,
        previous: Option<&BuildRecord>,
    ) -> Result<Result<Plan, BuildError>, HubError> {
        let task = self.plan_task(&current.customization.organization_id, wanted, previous);
        match self.plan_blocking(task).await {
            Ok(plan) => Ok(Ok(plan)),
            Err(HubError::Compose(error)) if !is_outside(&error) => {
                let hint = error.hint();
                Ok(Err(BuildError::of(&error, hint)))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns what has to be known for a plan; nothing of it signs.
    pub(crate) fn plan_task(
        &self,
        organization: &str,
        wanted: &Wanted,
        previous: Option<&BuildRecord>,
    ) -> BuildTask {
        BuildTask {
            id: String::new(),
            organization: organization.to_owned(),
            recipe: wanted.recipe.clone(),
            document: wanted.document.clone(),
            base: Some(wanted.base()),
            destination: wanted.destination.clone(),
            tag_definition_id: wanted.tag_definition_id.clone(),
            tags: wanted.tags.clone(),
            automatic_ids: automatic_ids(previous),
            published_key: None,
            started_at: self.now(),
        }
    }

    /// Plans on a thread that may block.
    pub(crate) async fn plan_blocking(&self, task: BuildTask) -> Result<Plan, HubError> {
        let hub = self.clone();
        self.blocking(move || task.plan(&hub, &Silent).map_err(HubError::from)).await
    }

    /// Says whether the last build of a target failed for the same reason, with the same document.
    async fn is_known_failure(&self, current: &CurrentTarget, error: &BuildError) -> Result<bool, HubError> {
        let last = self.config().records.builds().last(&current.target.id).await?;
        let Some(last) = last.filter(|last| last.state == build_state::FAILED) else { return Ok(false) };
        let known = last.error.as_deref().and_then(|text| serde_json::from_str::<BuildError>(text).ok());
        let is_same_document = last.customization_version == Some(current.customization.version);
        Ok(is_same_document && known.as_ref() == Some(error))
    }

    /// Names the packages that would be others now, where a package archive is the cause.
    async fn name_packages(
        &self,
        causes: &mut [Cause],
        plan: &Plan,
        previous: Option<&BuildRecord>,
    ) -> Result<(), HubError> {
        let Some(previous) = previous else { return Ok(()) };
        let Some(Cause::Package { changed }) =
            causes.iter_mut().find(|cause| matches!(cause, Cause::Package { .. }))
        else {
            return Ok(());
        };
        let inputs = self.config().records.builds().inputs(&previous.id).await?;
        let old = inputs.into_iter().filter(|input| input.role == "package");
        let old: BTreeMap<(String, String), String> =
            old.map(|input| ((input.platform, input.name), input.version)).collect();
        *changed = changes(&old, plan);
        Ok(())
    }

    /// Returns the build of a target as it is now.
    pub(crate) fn build_of(&self, current: &CurrentTarget, causes: &[Cause], priority: i64) -> NewBuild {
        let CurrentTarget { customization, target, .. } = current;
        NewBuild {
            id: self.new_id(),
            organization_id: customization.organization_id.clone(),
            subject: target.id.clone(),
            kind: "customization",
            target_id: Some(target.id.clone()),
            customization: Some((customization.id.clone(), customization.version)),
            definition: None,
            name: customization.name.clone(),
            destination: target.destination.clone(),
            causes: causes_json(causes),
            priority,
        }
    }

    /// Queues a build; returns the id of the one that waits now.
    pub(crate) async fn queue_build(&self, build: &NewBuild) -> Result<String, HubError> {
        let id = self.config().records.builds().queue(build, None, self.now()).await?;
        self.queue().wake();
        self.build_changed();
        Ok(id)
    }

    /// Queues the build of a definition, an image that is made from nothing; returns the id of the one that waits now.
    /// It ends as unchanged where no input has changed.
    pub async fn queue_definition_build(&self, wanted: DefinitionBuild) -> Result<String, HubError> {
        let build = NewBuild {
            id: self.new_id(),
            organization_id: wanted.organization_id,
            subject: format!("{} {}", wanted.destination, wanted.definition_id),
            kind: "definition",
            target_id: None,
            customization: None,
            name: wanted.definition_id.clone(),
            definition: Some((wanted.definition_id, wanted.text)),
            destination: wanted.destination,
            causes: causes_json(&[wanted.cause]),
            priority: wanted.priority,
        };
        self.queue_build(&build).await
    }
}

/// A definition that is to be built.
#[derive(Clone, Debug)]
pub struct DefinitionBuild {
    /// Whose it is.
    pub organization_id: String,
    /// The repository that the image goes to.
    pub destination: String,
    /// The definition's path, `python/debian-13/3.13`.
    pub definition_id: String,
    /// Its text.
    pub text: String,
    /// Why it is built.
    pub cause: Cause,
    /// Higher goes first: [`PRIORITY_BY_HAND`] or [`PRIORITY_WATCH`].
    pub priority: i64,
}

/// Compares what a build took from archives with what a plan takes.
fn changes(old: &BTreeMap<(String, String), String>, plan: &Plan) -> Vec<PackageChange> {
    let mut changed = Vec::new();
    let mut seen = Vec::new();
    for platform in &plan.platforms {
        let name = platform.platform.to_string();
        for package in platform.packages.iter().filter(|package| package.action != "remove") {
            let key = (name.clone(), package.name.clone());
            let before = old.get(&key);
            seen.push(key);
            if before != Some(&package.version) {
                changed.push(PackageChange {
                    name: package.name.clone(),
                    old: before.cloned(),
                    new: Some(package.version.clone()),
                });
            }
        }
    }
    for (key, version) in old.iter().filter(|(key, _)| !seen.contains(key)) {
        changed.push(PackageChange { name: key.1.clone(), old: Some(version.clone()), new: None });
    }
    changed.sort();
    changed.dedup();
    changed
}

pub(crate) fn causes_json(causes: &[Cause]) -> String {
    serde_json::to_string(causes).expect("causes are texts")
}
