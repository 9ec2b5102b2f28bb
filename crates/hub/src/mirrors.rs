//! Mirrors: repositories of an organization that follow an upstream registry, or definitions that are built here.

mod check;
mod definitions;
mod job;

use temper_store::records::{MirrorRecord, NewJob, NewMirror, RefusedTag, Started, TagLine, UpstreamTag};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::rights::organization_of;
use crate::sync::{Progress, subject_of};

pub(crate) use self::definitions::definition_subject;
pub use self::job::MirrorHandler;

/// The job that looks at a mirror's upstream; its subject is the mirror's id.
pub(crate) const SYNC_JOB: &str = "sync";

/// Looks that somebody waits for go before those by the clock.
const BY_HAND: i64 = 10;

/// What kind of upstream a mirror has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorKind {
    /// A repository of a registry.
    Registry,
    /// Definitions of the catalog, which are built here.
    Definitions,
}

impl MirrorKind {
    /// Returns the word that stands for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Definitions => "definitions",
        }
    }
}

/// What is to be mirrored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MirrorRequest {
    /// The upstream: `registry.example/team/app`, or the beginning of the ids of definitions, `python`.
    pub source: String,
    /// The repository, with its organization; `dhi-` and the name of the definitions, or the upstream's, where absent.
    pub repository: Option<String>,
    /// Patterns of the tags that come in; all where empty.
    pub tags: Vec<String>,
    /// Patterns of those of them that stay out.
    pub except: Vec<String>,
    /// PEM texts of keys, one of which must have signed what comes in.
    pub verify_keys: Vec<String>,
    /// How often the upstream is looked at, in seconds.
    pub interval_seconds: Option<u64>,
}

/// A mirror with what became of its last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// What is kept of it.
    pub record: MirrorRecord,
    /// `queued`, `running`, `succeeded`, `failed` or `stopped`.
    pub state: &'static str,
    /// How far the last look came.
    pub progress: Progress,
    /// The tags of images that it wrote, in lexical order.
    pub tags: Vec<UpstreamTag>,
    /// The tags that are wanted and left out.
    pub refused: Vec<RefusedTag>,
    /// The tags that move together.
    pub lines: Vec<TagLine>,
}

impl Hub {
    /// Starts a mirror into an organization; owners may.
    ///
    /// # Errors
    ///
    /// All problems of the request at once; a conflict where the repository follows an upstream already.
    pub async fn start_mirror(
        &self,
        caller: &Caller,
        organization: &str,
        request: &MirrorRequest,
    ) -> Result<Mirror, HubError> {
        let action = format!("mirroring into organization `{organization}`");
        let owner = self.require_owner(caller, organization, &action).await?;
        let checked = check::check(self, organization, request)?;
        let (id, now) = (self.new_id(), self.now());
        let mirror = NewMirror {
            id: id.clone(),
            organization_id: owner.id,
            repository: checked.repository,
            kind: checked.kind.as_str().to_owned(),
            source: checked.source,
            allow: request.tags.clone(),
            deny: request.except.clone(),
            verify_keys: checked.verify_keys,
            created_by: caller.actor(),
            interval: checked.interval,
        };
        let after = serde_json::json!({
            "source": mirror.source, "tags": mirror.allow, "except": mirror.deny, "verifyKeys": mirror.verify_keys,
        });
        let event = self.event(caller, Some(&mirror.organization_id), "mirror.start", &mirror.repository);
        let event = event.after(&after);
        match self.records().mirrors().start(&mirror, &self.sync_job(&id, BY_HAND), event, now).await? {
            Started::Started => {}
            Started::Taken(other) => {
                return Err(HubError::Conflict {
                    message: format!("repository `{}` mirrors `{}` already", other.repository, other.source),
                    hint: Some(format!(
                        "`temper mirror stop {}` ends that and keeps what is there",
                        other.repository
                    )),
                });
            }
        }
        self.queue().wake();
        self.show_mirror(self.mirror_of(&mirror.repository).await?).await
    }

    /// Lists at most `limit` mirrors of an organization, by repository after `after`; its members may.
    pub async fn list_mirrors(
        &self,
        caller: &Caller,
        organization: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Mirror>, HubError> {
        let organization = self.require_member(caller, organization).await?;
        let mut after = after.map(str::to_owned);
        let mut mirrors = Vec::new();
        // A team's member sees the repositories that the team may read.
        while mirrors.len() < limit as usize {
            let records = self.records().mirrors().list(&organization.id, after.as_deref(), limit).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.repository.clone());
            for record in records {
                if mirrors.len() < limit as usize && self.right(caller, &record.repository).await?.is_some() {
                    mirrors.push(self.show_mirror(record).await?);
                }
            }
        }
        Ok(mirrors)
    }

    /// Returns the mirror that a repository follows; who may read the repository may.
    pub async fn get_mirror(&self, caller: &Caller, repository: &str) -> Result<Mirror, HubError> {
        self.require_read(caller, repository, &format!("looking at mirror `{repository}`")).await?;
        self.show_mirror(self.mirror_of(repository).await?).await
    }

    /// Queues a look at a mirror's upstream now; owners may.
    pub async fn sync_mirror(&self, caller: &Caller, repository: &str) -> Result<Mirror, HubError> {
        let organization = organization_of(repository);
        let action = format!("syncing mirror `{repository}`");
        self.require_owner(caller, organization, &action).await?;
        let mirror = self.mirror_of(repository).await?;
        let event = self.event(caller, Some(&mirror.organization_id), "mirror.sync", repository);
        self.records().mirrors().request(&self.sync_job(&mirror.id, BY_HAND), event, self.now()).await?;
        self.queue().wake();
        self.show_mirror(mirror).await
    }

    /// Stops a mirror; what is there stays. Owners may.
    pub async fn stop_mirror(&self, caller: &Caller, repository: &str) -> Result<(), HubError> {
        let organization = organization_of(repository);
        let action = format!("stopping mirror `{repository}`");
        self.require_owner(caller, organization, &action).await?;
        let mirror = self.mirror_of(repository).await?;
        let before = serde_json::json!({"source": mirror.source});
        let event = self.event(caller, Some(&mirror.organization_id), "mirror.stop", repository);
        self.records().mirrors().stop(&mirror.id, event.before(&before), self.now()).await?;
        Ok(())
    }

    pub(crate) fn sync_job(&self, mirror_id: &str, priority: i64) -> NewJob {
        NewJob {
            id: self.new_id(),
            kind: SYNC_JOB,
            subject: mirror_id.to_owned(),
            payload: "{}".to_owned(),
            priority,
            run_at: self.now(),
        }
    }

    async fn mirror_of(&self, repository: &str) -> Result<MirrorRecord, HubError> {
        let found = self.records().mirrors().of_repository(repository).await?;
        found.ok_or_else(|| HubError::NotFound { kind: "mirror", name: repository.to_owned() })
    }

    async fn show_mirror(&self, record: MirrorRecord) -> Result<Mirror, HubError> {
        let mirrors = self.records().mirrors();
        let mut tags = mirrors.upstream_tags(&record.id).await?;
        tags.retain(|tag| subject_of(&tag.tag).is_none());
        let refused = mirrors.refused(&record.id).await?;
        let lines = mirrors.tag_lines(&record.repository).await?;
        let progress = record.progress.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let state = match &record {
            MirrorRecord { stopped_at: Some(_), .. } => "stopped",
            MirrorRecord { started_at: None, .. } => "queued",
            MirrorRecord { finished_at: None, .. } => "running",
            MirrorRecord { failure: Some(_), .. } => "failed",
            _ => "succeeded",
        };
        Ok(Mirror { record, state, progress: progress.unwrap_or_default(), tags, refused, lines })
    }
}
