//! The watch: what moved, who is made from it, and when they may be rebuilt.
//!
//! Pushes are told as they happen, upstreams and archives are looked at by the clock. What a push was not told for, by a
//! crash or to another server, the comparison of inputs with what builds read finds out.

mod inputs;
mod packages;
mod windows;

use std::time::Duration;

use temper_oci::Digest;
use temper_store::records::{Micros, NewCheck, Noticed, RebuildSettings};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::cause::Cause;
use crate::error::HubError;
use crate::hub::Hub;
use crate::mirrors::MirrorKind;
use crate::rights::organization_of;
use crate::sync::subject_of;
use crate::webhooks::Push;

pub use self::packages::Choice;
pub use self::windows::{RebuildWindows, Rebuilds, Window};

/// How often the watch looks at the clock.
const TICK: Duration = Duration::from_secs(5);

/// How often inputs are compared with what builds read.
const COMPARE_INTERVAL: Duration = Duration::from_hours(1);

/// How long times of changes are kept.
const FRESHNESS_AGE: Duration = Duration::from_hours(24 * 90);

/// When an organization is told that a change waits still.
const LATE_AFTER: Duration = Duration::from_hours(1);

/// A tag that moved in the embedded registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedTag {
    /// The repository, `acme/python`.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// Where it pointed before.
    pub old: Option<Digest>,
    /// Where it points; nothing where it is gone.
    pub new: Option<Digest>,
}

impl Hub {
    /// Is told that a tag moved; what is made from it is looked at, and webhooks are told.
    pub async fn pushed(&self, pushed: &PushedTag) -> Result<(), HubError> {
        let PushedTag { repository, tag, old, new } = pushed;
        if old == new || subject_of(tag).is_some() {
            return Ok(());
        }
        let now = self.now();
        let watch = self.records().watch();
        let targets = self.records().targets();
        let writer = watch.writer(repository, tag).await?;
        let mut noticed = Vec::new();
        // A target's own tags are nobody's base.
        if writer.is_none() {
            let (repository, tag, old, new) = (repository.clone(), tag.clone(), *old, *new);
            let ids = targets.with_base(&repository, &tag).await?;
            let cause = Cause::Base { repository, tag, old, new };
            noticed.extend(ids.into_iter().map(|id| self.noticed(id, &cause, now)));
        }
        let ids = targets.with_artifact(repository, Some(tag)).await?;
        let cause =
            Cause::Artifact { repository: repository.clone(), tag: tag.clone(), old: *old, new: *new };
        noticed.extend(ids.into_iter().map(|id| self.noticed(id, &cause, now)));
        watch.notice(&noticed, now, |settings| may_run(settings, now)).await?;
        if let Some(subject) = self.subject_of_tag(repository, tag, writer.clone()).await? {
            watch.moved(&subject, now).await?;
        }
        if !noticed.is_empty() {
            self.queue().wake();
        }
        match new {
            Some(new) => self.tell_push(pushed, *new, now).await,
            None => Ok(()),
        }
    }

    /// Returns whose builds write a tag.
    async fn subject_of_tag(
        &self,
        repository: &str,
        tag: &str,
        writer: Option<String>,
    ) -> Result<Option<String>, HubError> {
        if writer.is_some() {
            return Ok(writer);
        }
        let mirrors = self.records().mirrors();
        let Some(mirror) = mirrors.of_repository(repository).await? else { return Ok(None) };
        if mirror.kind != MirrorKind::Definitions.as_str() {
            return Ok(None);
        }
        let lines = mirrors.tag_lines(repository).await?;
        let line = lines.into_iter().find(|line| line.tags.iter().any(|one| one == tag));
        Ok(line.map(|line| crate::mirrors::definition_subject(repository, &line.tag_definition_id)))
    }

    async fn tell_push(&self, pushed: &PushedTag, new: Digest, at: Micros) -> Result<(), HubError> {
        let PushedTag { repository, tag, old, .. } = pushed;
        let Some(organization) = self.records().organizations().find(organization_of(repository)).await?
        else {
            return Ok(());
        };
        let build = self.records().watch().build_of(repository, tag).await?;
        let push = Push {
            repository,
            full_name: self.config().images.full_name(repository),
            tag,
            old: *old,
            new,
            at,
            causes: build.as_ref().and_then(|(_, causes)| serde_json::from_str(causes).ok()),
            build_id: build.map(|(id, _)| id),
        };
        self.tell(&organization.id, "push", Some(repository), &push.payload()).await
    }

    fn noticed(&self, target_id: String, cause: &Cause, event_at: Micros) -> Noticed {
        let causes = serde_json::to_string(&[cause]).unwrap_or_else(|_| "[]".to_owned());
        let check = NewCheck { id: self.new_id(), target_id, causes, priority: 0 };
        Noticed { id: self.new_id(), cause: cause.kind(), event_at, check }
    }

    /// Watches until `stop` says so.
    pub async fn watch(&self, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut clock = Ticker::default();
        while !*stop.borrow() {
            tokio::select! {
                _ = ticks.tick() => self.tick(&mut clock).await,
                _ = stop.changed() => {}
            }
        }
    }

    /// Does what is due; what fails is logged and tried again when it is due again.
    pub async fn tick(&self, ticker: &mut Ticker) {
        let now = self.now();
        tell("mirrors", self.queue_due_mirrors(now).await);
        tell("held rebuilds", self.release_held(now).await);
        tell("freshness", self.settle_freshness(now).await);
        if ticker.archives.is_due(now, self.outside().archive_interval) {
            tell("package archives", self.watch_archives().await);
        }
        if ticker.inputs.is_due(now, COMPARE_INTERVAL) {
            tell("inputs", self.compare_inputs().await);
        }
    }

    async fn queue_due_mirrors(&self, now: Micros) -> Result<(), HubError> {
        let queued = self.records().mirrors().queue_due(now, |mirror| self.sync_job(&mirror.id, 0)).await?;
        if queued > 0 {
            self.queue().wake();
        }
        Ok(())
    }

    /// Lets go what a pause or a window held, where that is over.
    async fn release_held(&self, now: Micros) -> Result<(), HubError> {
        let watch = self.records().watch();
        for organization in watch.holding().await? {
            if may_run(&watch.settings(&organization).await?, now) {
                let check =
                    |target_id, causes| NewCheck { id: self.new_id(), target_id, causes, priority: 0 };
                watch.release(&organization, now, check).await?;
                self.queue().wake();
            }
        }
        Ok(())
    }

    async fn settle_freshness(&self, now: Micros) -> Result<(), HubError> {
        let watch = self.records().watch();
        watch.settle(now.saturating_sub(micros(FRESHNESS_AGE))).await?;
        for change in watch.take_late(now.saturating_sub(micros(LATE_AFTER)), now).await? {
            let name = organization_of(&change.repository);
            let Some(organization) = self.records().organizations().find(name).await? else { continue };
            let payload = serde_json::json!({
                "event": "late",
                "repository": change.repository,
                "cause": change.cause,
                "published_at": change.event_at.div_euclid(1_000_000),
                "seconds": (now - change.event_at).div_euclid(1_000_000),
                "because": crate::freshness::because(&change, now),
            });
            self.tell(&organization.id, "late", Some(&change.repository), &payload).await?;
        }
        Ok(())
    }
}

/// When things that are done seldom were done last.
#[derive(Clone, Debug, Default)]
pub struct Ticker {
    archives: Due,
    inputs: Due,
}

#[derive(Clone, Debug, Default)]
struct Due(Option<Micros>);

impl Due {
    fn is_due(&mut self, now: Micros, interval: Duration) -> bool {
        let is_due = self.0.is_none_or(|last| now.saturating_sub(last) >= micros(interval));
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// Says whether rebuilds that nobody asked for run at a time.
fn may_run(settings: &RebuildSettings, now: Micros) -> bool {
    settings.paused_at.is_none() && RebuildWindows::read(&settings.windows).is_open(now)
}

fn tell(what: &str, ended: Result<(), HubError>) {
    if let Err(error) = ended {
        let error = crate::sync::sentence(&error);
        tracing::warn!(what, error, "the watch could not look");
    }
}

/// Returns a time span in microseconds.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
