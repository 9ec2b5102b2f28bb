//! Builds as people see them: list, look, run, try again, end, roll back.

use temper_store::records::{
    BuildEvent, BuildFilter, BuildInput, BuildRecord, Cancelled, Held, Micros, TargetRecord, build_state,
};
use tokio::sync::watch;

use crate::build_error::BuildError;
use crate::caller::Caller;
use crate::cause::Cause;
use crate::check_target::PRIORITY_BY_HAND;
use crate::content::{Changes, Content};
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;

/// A build.
#[derive(Clone, Debug)]
pub struct Build {
    /// As it is kept.
    pub record: BuildRecord,
    /// Why it runs.
    pub causes: Vec<Cause>,
    /// The tags that it wrote.
    pub tags: Vec<String>,
    /// What differs from the build before.
    pub changes: Option<Changes>,
    /// Why it failed, or failed last.
    pub error: Option<BuildError>,
}

/// A build with everything that is known of it.
#[derive(Clone, Debug)]
pub struct BuildDetails {
    /// The build.
    pub build: Build,
    /// What it read.
    pub inputs: Vec<BuildInput>,
    /// What its image is made of.
    pub content: Option<Content>,
    /// Whether the tags are held at its result.
    pub is_held: bool,
}

impl From<BuildRecord> for Build {
    fn from(record: BuildRecord) -> Self {
        fn read<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Option<T> {
            serde_json::from_str(text?).ok()
        }
        let mut causes = Vec::new();
        for cause in read::<Vec<Cause>>(Some(&record.causes)).unwrap_or_default() {
            Cause::merge(&mut causes, cause);
        }
        Self {
            causes,
            tags: read(Some(&record.tags)).unwrap_or_default(),
            changes: read(record.changes.as_deref()),
            error: read(record.error.as_deref()),
            record,
        }
    }
}

impl Build {
    /// Says whether it has ended.
    pub fn has_ended(&self) -> bool {
        !matches!(self.record.state.as_str(), build_state::QUEUED | build_state::RUNNING)
    }
}

impl Hub {
    /// Lists the builds of a customization, the newest first; the page goes on behind a build's id.
    pub async fn list_builds(
        &self,
        caller: &Caller,
        customization_id: &str,
        state: Option<&str>,
        page: &Page,
    ) -> Result<Vec<Build>, HubError> {
        self.visible_customization(caller, customization_id).await?;
        let filter = BuildFilter {
            customization_id: Some(customization_id.to_owned()),
            state: state.map(str::to_owned),
            ..BuildFilter::default()
        };
        self.list_filtered(&filter, page).await
    }

    /// Lists the builds that write to a repository, the newest first.
    pub async fn list_repository_builds(
        &self,
        caller: &Caller,
        repository: &str,
        state: Option<&str>,
        page: &Page,
    ) -> Result<Vec<Build>, HubError> {
        self.require_read(caller, repository, "listing builds").await?;
        let filter = BuildFilter {
            destination: Some(repository.to_owned()),
            state: state.map(str::to_owned),
            ..BuildFilter::default()
        };
        self.list_filtered(&filter, page).await
    }

    async fn list_filtered(&self, filter: &BuildFilter, page: &Page) -> Result<Vec<Build>, HubError> {
        let builds = self.config().records.builds().list(filter, page.after.as_deref(), page.limit).await?;
        Ok(builds.into_iter().map(Build::from).collect())
    }

    /// Returns a build.
    pub async fn get_build(&self, caller: &Caller, id: &str) -> Result<Build, HubError> {
        let record = self.config().records.builds().find(id).await?.ok_or_else(|| unknown(caller, id))?;
        self.require_read(caller, &record.destination, "reading a build").await.map_err(|error| {
            if matches!(error, HubError::NotFound { .. }) { unknown(caller, id) } else { error }
        })?;
        Ok(record.into())
    }

    /// Returns a build with what it read and what its image is made of.
    pub async fn describe_build(&self, caller: &Caller, id: &str) -> Result<BuildDetails, HubError> {
        let build = self.get_build(caller, id).await?;
        let inputs = self.config().records.builds().inputs(id).await?;
        let content = build.record.content.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let target = match &build.record.target_id {
            Some(target_id) => self.config().records.targets().find(target_id).await?,
            None => None,
        };
        let is_held = target.is_some_and(|target| target.held_build_id.as_deref() == Some(id));
        Ok(BuildDetails { build, inputs, content, is_held })
    }

    /// Lists events of a build's log after the one with the number `after`.
    pub async fn build_events(
        &self,
        caller: &Caller,
        id: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<BuildEvent>, HubError> {
        self.get_build(caller, id).await?;
        Ok(self.config().records.builds().events(id, after, limit).await?)
    }

    /// Returns what is told whenever a build of this process changes. Builds of other processes are not told.
    pub fn build_changes(&self) -> watch::Receiver<u64> {
        self.build_signal().subscribe()
    }

    pub(crate) fn build_changed(&self) {
        self.build_signal().send_modify(|count| *count += 1);
    }

    /// Queues builds of a customization's targets, or of the one with this destination; returns them.
    pub async fn run_builds(
        &self,
        caller: &Caller,
        customization_id: &str,
        destination: Option<&str>,
    ) -> Result<Vec<Build>, HubError> {
        let (customization, targets) = self.visible_customization(caller, customization_id).await?;
        let wanted = |target: &&TargetRecord| destination.is_none_or(|wanted| wanted == target.destination);
        let targets: Vec<&TargetRecord> = targets.iter().filter(wanted).collect();
        if let (true, Some(destination)) = (targets.is_empty(), destination) {
            return Err(HubError::NotFound { kind: "target", name: destination.to_owned() });
        }
        for target in &targets {
            self.require_customize(caller, &target.destination, "running a build").await?;
            refuse_held(target, &customization.name)?;
        }
        let mut queued = Vec::new();
        for target in targets {
            queued.push(self.run_target(caller, &customization.organization_id, target).await?);
        }
        Ok(queued)
    }

    async fn run_target(
        &self,
        caller: &Caller,
        organization_id: &str,
        target: &TargetRecord,
    ) -> Result<Build, HubError> {
        let current = self.current_target(&target.id).await?;
        let current =
            current.ok_or(HubError::NotFound { kind: "target", name: target.destination.clone() })?;
        let cause = Cause::Manual { by: caller.actor() };
        let build = self.build_of(&current, &[cause], PRIORITY_BY_HAND);
        let event = self.event(caller, Some(organization_id), "build.run", &*target.destination);
        let builds = self.config().records.builds();
        let id = builds.queue(&build, Some(event), self.now()).await?;
        self.queue().wake();
        self.build_changed();
        let record = builds.find(&id).await?.ok_or_else(|| unknown(caller, &id))?;
        Ok(record.into())
    }

    /// Tries a build again that did not succeed: with the document and the inputs of today.
    pub async fn retry_build(&self, caller: &Caller, id: &str) -> Result<Build, HubError> {
        let build = self.get_build(caller, id).await?;
        self.require_customize(caller, &build.record.destination, "running a build").await?;
        if build.record.state == build_state::RUNNING || build.record.state == build_state::SUCCEEDED {
            return Err(HubError::Conflict {
                message: format!("build `{id}` is {}", build.record.state),
                hint: Some("`temper customization build run` builds again".to_owned()),
            });
        }
        let target = match &build.record.target_id {
            Some(target_id) => self.config().records.targets().find(target_id).await?,
            None => None,
        };
        let Some(target) = target else {
            return Err(HubError::NotFound { kind: "target", name: build.record.destination });
        };
        refuse_held(&target, &build.record.name)?;
        self.run_target(caller, &build.record.organization_id, &target).await
    }

    /// Ends a build that has not ended: at once, or at its next step. Tags that move already go on moving.
    pub async fn cancel_build(&self, caller: &Caller, id: &str) -> Result<Build, HubError> {
        let build = self.get_build(caller, id).await?;
        self.require_customize(caller, &build.record.destination, "ending a build").await?;
        let event = self.event(caller, Some(&build.record.organization_id), "build.cancel", id);
        let builds = self.config().records.builds();
        match builds.cancel(id, event, self.now()).await? {
            Cancelled::Ended | Cancelled::Asked => {
                self.build_changed();
                self.get_build(caller, id).await
            }
            Cancelled::TooLate => Err(HubError::Conflict {
                message: format!("build `{id}` cannot be ended any more"),
                hint: Some(
                    "`temper customization build rollback` moves the tags to an earlier one".to_owned(),
                ),
            }),
        }
    }

    /// Moves the tags to the result of an earlier build and holds them there until they are released.
    pub async fn roll_back(&self, caller: &Caller, id: &str) -> Result<Build, HubError> {
        let build = self.get_build(caller, id).await?;
        self.require_customize(caller, &build.record.destination, "rolling back").await?;
        let is_there = build.record.state == build_state::SUCCEEDED && build.record.is_kept;
        let (true, Some(target_id)) = (is_there, &build.record.target_id) else {
            return Err(HubError::Conflict {
                message: format!("build `{id}` has no image to go back to"),
                hint: Some("choose one that succeeded; old ones are forgotten after a while".to_owned()),
            });
        };
        self.hold(caller, target_id, Some(&build), "build.rollback").await?;
        Ok(build)
    }

    /// Lets the tags of a customization's targets go that are held at earlier builds; returns how many were.
    pub async fn release_tags(&self, caller: &Caller, customization_id: &str) -> Result<usize, HubError> {
        let (_, targets) = self.visible_customization(caller, customization_id).await?;
        let held: Vec<_> = targets.into_iter().filter(|target| target.held_build_id.is_some()).collect();
        for target in &held {
            self.require_customize(caller, &target.destination, "releasing tags").await?;
        }
        for target in &held {
            self.hold(caller, &target.id, None, "build.release").await?;
            let cause = Cause::Manual { by: caller.actor() };
            // A build that waited may have been asked for before; else the tags go back to the newest result.
            self.check_target(&target.id, cause, PRIORITY_BY_HAND).await?;
        }
        Ok(held.len())
    }

    async fn hold(
        &self,
        caller: &Caller,
        target_id: &str,
        build: Option<&Build>,
        action: &'static str,
    ) -> Result<(), HubError> {
        let target = self.current_target(target_id).await?;
        let organization = target.map(|target| target.customization.organization_id);
        let subject = build.map_or(target_id, |build| &build.record.id);
        let event = self.event(caller, organization.as_deref(), action, subject);
        let builds = self.config().records.builds();
        match builds.hold(target_id, build.map(|build| &build.record), event, self.now()).await? {
            Held::Done => {
                self.queue().wake();
                Ok(())
            }
            Held::Gone => Err(HubError::NotFound { kind: "target", name: target_id.to_owned() }),
            Held::Publishing => Err(HubError::Conflict {
                message: "a build is moving the tags at this moment".to_owned(),
                hint: Some("try again in a moment".to_owned()),
            }),
        }
    }
}

/// How the time of an event is shown, in RFC 3339 with milliseconds.
pub fn timestamp(at: Micros) -> String {
    let time = jiff::Timestamp::from_microsecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{time:.3}")
}

fn refuse_held(target: &TargetRecord, name: &str) -> Result<(), HubError> {
    if target.held_build_id.is_none() {
        return Ok(());
    }
    Err(HubError::Conflict {
        message: format!("the tags of `{name}` in `{}` are held at an earlier build", target.destination),
        hint: Some("`temper customization build release` lets them go".to_owned()),
    })
}

/// Tells of a build that is not there, or that the caller may not know of.
fn unknown(caller: &Caller, id: &str) -> HubError {
    match caller {
        Caller::Anonymous => HubError::Unauthenticated,
        _ => HubError::NotFound { kind: "build", name: id.to_owned() },
    }
}
