//! One attempt at a build: what it makes today, made.

use std::sync::Arc;

use serde::Serialize;
use temper_compose::{Recipe, Step};
use temper_oci::Digest;
use temper_spec::Definition;
use temper_store::records::{BuildRecord, Success};
use tokio::runtime::Handle;

use super::Attempt;
use super::guard::BuildGuard;
use crate::build_error::BuildError;
use crate::build_log::BuildLog;
use crate::builder::{BuildTask, Ended, Published, Stop};
use crate::cause::Cause;
use crate::content::Content;
use crate::hub::Hub;
use crate::targets::{PlatformIds, Wanted};
use crate::worker::Lease;

/// What an attempt made.
pub(super) struct Made {
    pub(super) success: Success,
}

impl Hub {
    /// Makes one attempt at a build.
    pub(super) async fn attempt_build(
        &self,
        build: &BuildRecord,
        log: &Arc<BuildLog>,
        lease: &Lease,
    ) -> Result<Made, Attempt> {
        let (task, wanted) = self.build_task(build, log).await?;
        let guard = BuildGuard {
            hub: self.clone(),
            build: build.clone(),
            tags: task.tags.clone(),
            lease: lease.clone(),
            log: Arc::clone(log),
            runtime: Handle::current(),
        };
        let (hub, its_log) = (self.clone(), Arc::clone(log));
        let run = move || task.run(&hub, &*its_log, &guard).map(|published| (task, published));
        let (task, published) = match tokio::task::spawn_blocking(run).await {
            Ok(made) => made?,
            Err(error) if error.is_panic() => return Err(Attempt::Panicked),
            Err(_) => return Err(Ended::Stopped(Stop::Lost).into()),
        };
        if let Err(error) = self.watch_packages(&build.subject, &published.choices).await {
            // The image is published; its packages are looked at again with its next build.
            let error = crate::sync::sentence(&error);
            log.say("warning", Step::Publish, format!("the packages of this build are not watched: {error}"));
        }
        let before = self.content_before(build).await?;
        let changes = before.map(|before| json(&published.content.changes_since(&before)));
        Ok(Made { success: success(&task, wanted.as_ref(), published, changes) })
    }

    /// Finds out what a build makes now: its document as it is, and what its names lead to today.
    async fn build_task(
        &self,
        build: &BuildRecord,
        log: &BuildLog,
    ) -> Result<(BuildTask, Option<Wanted>), Attempt> {
        let records = &self.config().records;
        let previous = records.builds().last_succeeded(&build.subject).await?;
        let automatic_ids = automatic_ids(previous.as_ref());
        let organization = records.organizations().find_by_id(&build.organization_id).await?;
        let organization = organization.map(|organization| organization.name).unwrap_or_default();
        let Some(target_id) = &build.target_id else {
            return Ok((definition_task(build, organization, automatic_ids, previous.as_ref())?, None));
        };
        let Some(current) = self.current_target(target_id).await? else {
            return Err(Ended::Stopped(Stop::Superseded).into());
        };
        if Some(current.customization.version) != build.customization_version {
            return Err(Ended::Stopped(Stop::Superseded).into());
        }
        let wanted = current.wanted.map_err(|problems| Attempt::Wrong(BuildError::of_problems(&problems)))?;
        let tags = self.free_tags(target_id, &wanted).await?;
        for tag in wanted.tags.iter().filter(|tag| !tags.contains(tag)) {
            let message = format!("tag `{tag}` stays as it is: another customization writes it");
            log.say("warning", Step::Resolve, message);
        }
        let mut published_key = self.published_key(previous.as_ref(), target_id, &tags).await?;
        if published_key.is_some()
            && is_by_hand(build)
            && !self.has_tags(&wanted, &tags, previous.as_ref()).await?
        {
            log.say(
                "info",
                Step::Resolve,
                "tags in the repository are not where they were put; they are put again",
            );
            published_key = None;
        }
        let task = BuildTask {
            id: build.id.clone(),
            organization,
            recipe: wanted.recipe.clone(),
            document: wanted.document.clone(),
            base: Some(wanted.base()),
            destination: wanted.destination.clone(),
            tag_definition_id: wanted.tag_definition_id.clone(),
            tags,
            automatic_ids,
            published_key,
            started_at: build.started_at.unwrap_or_else(|| self.now()),
        };
        Ok((task, Some(wanted)))
    }

    /// Returns what the image of the build before is made of.
    async fn content_before(&self, build: &BuildRecord) -> Result<Option<Content>, Attempt> {
        let Some(id) = &build.previous_id else { return Ok(None) };
        let before = self.config().records.builds().find(id).await?;
        Ok(before.and_then(|before| serde_json::from_str(before.content.as_deref()?).ok()))
    }
}

/// Returns the numbers that a build gave to users and groups of packages.
pub(crate) fn automatic_ids(build: Option<&BuildRecord>) -> PlatformIds {
    build.and_then(|build| serde_json::from_str(build.automatic_ids.as_deref()?).ok()).unwrap_or_default()
}

fn is_by_hand(build: &BuildRecord) -> bool {
    let causes: Vec<Cause> = serde_json::from_str(&build.causes).unwrap_or_default();
    causes.iter().any(Cause::is_by_hand)
}

/// Returns what the build of a definition makes.
fn definition_task(
    build: &BuildRecord,
    organization: String,
    automatic_ids: PlatformIds,
    previous: Option<&BuildRecord>,
) -> Result<BuildTask, Attempt> {
    let (id, text) =
        (build.definition_id.clone().unwrap_or_default(), build.document.clone().unwrap_or_default());
    let definition = Definition::parse(&id, &text)
        .map_err(|problems| Attempt::Wrong(BuildError::of_problems(&problems.0)))?;
    if let Some(obstacle) = definition.not_buildable().first() {
        return Err(Attempt::Wrong(BuildError::of_message(obstacle)));
    }
    let key = previous.and_then(|previous| previous.build_key.as_deref()?.parse::<Digest>().ok());
    Ok(BuildTask {
        id: build.id.clone(),
        organization,
        recipe: Recipe::from(&definition.value),
        document: text,
        base: None,
        destination: build.destination.clone(),
        tag_definition_id: Some(id),
        tags: definition.document.tags.clone(),
        automatic_ids,
        published_key: key,
        started_at: build.started_at.unwrap_or_default(),
    })
}

fn success(
    task: &BuildTask,
    wanted: Option<&Wanted>,
    published: Published,
    changes: Option<String>,
) -> Success {
    Success {
        build_key: published.plan.build_key.map(|key| key.to_string()).unwrap_or_default(),
        digest: published.digest.to_string(),
        tags: task.tags.clone(),
        plan: json(&published.plan),
        content: json(&published.content),
        changes,
        automatic_ids: json(&published.automatic_ids),
        inputs: published.inputs,
        archives: published.archives,
        sources: wanted.map(Wanted::inputs).unwrap_or_default(),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what a build tells has text keys only")
}
