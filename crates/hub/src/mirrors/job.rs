//! The job `sync`: a look at a mirror's upstream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use temper_attest::PublicKey;
use temper_oci::{Pattern, Reference};
use temper_store::records::{Job, Micros, MirrorRecord, TagLine, UpstreamTag};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::{MirrorKind, SYNC_JOB};
use crate::error::HubError;
use crate::hub::Hub;
use crate::sync::{Fault, Journal, Look, Progress, Report, Rules, Upstream, fault, sentence, subject_of};
use crate::worker::{Handler, HandlerFuture, Lease, Outcome};

/// Shortest time between two notes of the progress.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);

/// Looks at upstreams.
#[derive(Clone, Debug)]
pub struct MirrorHandler {
    hub: Hub,
}

impl MirrorHandler {
    /// Makes the handler of a hub.
    pub fn new(hub: Hub) -> Self {
        Self { hub }
    }
}

impl Handler for MirrorHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[SYNC_JOB]
    }

    fn run<'a>(&'a self, job: &'a Job, lease: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            let outcome = self.hub.run_sync(&job.subject, lease).await;
            outcome.unwrap_or_else(|error| Outcome::Retry { error: sentence(&error) })
        })
    }
}

impl Hub {
    /// Looks at a mirror's upstream and notes how that ended.
    async fn run_sync(&self, mirror_id: &str, lease: &Lease) -> Result<Outcome, HubError> {
        let mirrors = self.records().mirrors();
        let Some(mirror) = mirrors.find(mirror_id).await? else { return Ok(Outcome::Done) };
        if mirror.stopped_at.is_some() {
            return Ok(Outcome::Done);
        }
        mirrors.begin_run(mirror_id, self.now()).await?;
        tracing::info!(mirror.repository, mirror.source, "sync started");
        let ended = if mirror.kind == MirrorKind::Definitions.as_str() {
            self.sync_definitions(&mirror).await.map(|()| Report::default())
        } else {
            self.sync_registry(&mirror, lease).await
        };
        if lease.is_lost() || lease.is_stopping() {
            return Ok(Outcome::Stopped);
        }
        self.end_sync(&mirror, ended).await
    }

    async fn end_sync(
        &self,
        mirror: &MirrorRecord,
        ended: Result<Report, HubError>,
    ) -> Result<Outcome, HubError> {
        let mirrors = self.records().mirrors();
        let now = self.now();
        let error = match ended {
            Ok(report) => {
                mirrors.set_refused(&mirror.id, &report.refused).await?;
                let progress = serde_json::to_string(&report.progress).unwrap_or_default();
                mirrors.end_run(&mirror.id, Some(&progress), None, now).await?;
                let moved = report.progress.tags_moved;
                tracing::info!(mirror.repository, mirror.source, moved, "sync ended");
                return Ok(Outcome::Done);
            }
            Err(error) => error,
        };
        let told = sentence(&error);
        mirrors.end_run(&mirror.id, None, Some(&told), now).await?;
        tracing::warn!(mirror.repository, mirror.source, error = told, "sync failed");
        // One message for each time that it stops working.
        if mirror.failure.is_none() {
            let payload = serde_json::json!({
                "event": "mirror.failed",
                "repository": mirror.repository,
                "source": mirror.source,
                "error": told,
            });
            self.tell(&mirror.organization_id, "mirror.failed", Some(&mirror.repository), &payload).await?;
        }
        Ok(match fault(&error) {
            Fault::Passing(None) => Outcome::Retry { error: told },
            Fault::Passing(Some(wait)) => {
                Outcome::RetryAt { error: told, at: now.saturating_add(micros(wait)) }
            }
            // The next look by the clock finds out whether somebody did something about it.
            Fault::Image | Fault::Upstream => Outcome::Failed { error: told },
        })
    }

    async fn sync_registry(&self, mirror: &MirrorRecord, lease: &Lease) -> Result<Report, HubError> {
        let rules = rules(mirror);
        let source: Reference = mirror.source.parse().map_err(|error| HubError::Conflict {
            message: format!("upstream `{}` cannot be used: {error}", mirror.source),
            hint: None,
        })?;
        let runtime = Handle::current();
        let (hub, mirror, lease) = (self.clone(), mirror.clone(), lease.clone());
        let look = move || {
            let journal = Notes {
                hub: &hub,
                mirror: &mirror,
                lease,
                runtime: runtime.clone(),
                noted: Mutex::default(),
            };
            let client = hub.outside().registries.clone();
            let upstream = Upstream::open(runtime, client, &source)?;
            let images = &*hub.config().images;
            let repository = &mirror.repository;
            let report =
                Look { upstream: &upstream, images, repository, rules: &rules, journal: &journal }.run()?;
            journal.lines()?;
            Ok(report)
        };
        match spawn_blocking(look).await {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(stopped("the server stops")),
        }
    }
}

/// Reads what was checked when the mirror was started.
fn rules(mirror: &MirrorRecord) -> Rules {
    let patterns =
        |texts: &[String]| -> Vec<Pattern> { texts.iter().filter_map(|text| text.parse().ok()).collect() };
    let keys = mirror.verify_keys.iter().filter_map(|text| PublicKey::from_pem(text).ok()).collect();
    Rules { allow: patterns(&mirror.allow), deny: patterns(&mirror.deny), keys }
}

/// What a look notes in the records.
struct Notes<'a> {
    hub: &'a Hub,
    mirror: &'a MirrorRecord,
    lease: Lease,
    runtime: Handle,
    /// When the progress was noted last.
    noted: Mutex<Micros>,
}

impl Notes<'_> {
    fn wait<T, E: Into<HubError>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, HubError> {
        self.runtime.block_on(work).map_err(Into::into)
    }

    /// Notes which tags move together, by what images say of their definitions.
    fn lines(&self) -> Result<(), HubError> {
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for UpstreamTag { tag, tag_definition_id, .. } in self.written()? {
            if let Some(id) = tag_definition_id.filter(|_| subject_of(&tag).is_none()) {
                lines.entry(id).or_default().push(tag);
            }
        }
        let lines = lines.into_iter().map(|(tag_definition_id, tags)| TagLine { tag_definition_id, tags });
        let lines: Vec<TagLine> = lines.collect();
        let mirrors = self.hub.records().mirrors();
        self.wait(mirrors.set_tag_lines(&self.mirror.repository, &lines))
    }
}

impl Journal for Notes<'_> {
    fn held(&self) -> Result<BTreeSet<String>, HubError> {
        let tags = self.wait(self.hub.records().targets().tags_in(&self.mirror.repository))?;
        Ok(tags.into_iter().map(|tag| tag.tag).collect())
    }

    fn written(&self) -> Result<Vec<UpstreamTag>, HubError> {
        self.wait(self.hub.records().mirrors().upstream_tags(&self.mirror.id))
    }

    fn note(&self, tags: &[UpstreamTag]) -> Result<(), HubError> {
        if !self.runtime.block_on(self.lease.confirm()) {
            return Err(stopped("somebody else looks at this upstream"));
        }
        self.wait(self.hub.records().mirrors().note_tags(&self.mirror.id, tags))
    }

    fn forget(&self, tags: &[String]) -> Result<(), HubError> {
        self.wait(self.hub.records().mirrors().forget_tags(&self.mirror.id, tags))
    }

    fn progress(&self, progress: &Progress) -> Result<(), HubError> {
        if self.lease.is_lost() || self.lease.is_stopping() {
            return Err(stopped("the look goes on elsewhere"));
        }
        let now = self.now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if now < noted.saturating_add(micros(NOTE_INTERVAL)) {
            return Ok(());
        }
        *noted = now;
        drop(noted);
        let text = serde_json::to_string(progress).unwrap_or_default();
        let mirrors = self.hub.records().mirrors();
        if !self.wait(mirrors.note_progress(&self.mirror.id, &text))? {
            return Err(stopped("the mirror was stopped"));
        }
        Ok(())
    }

    fn now(&self) -> Micros {
        self.hub.now()
    }
}

fn stopped(message: &str) -> HubError {
    HubError::Conflict { message: message.to_owned(), hint: None }
}

/// Returns a time span in microseconds.
pub(crate) fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
