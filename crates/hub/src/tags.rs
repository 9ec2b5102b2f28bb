//! The job `tags`: it brings tags of a repository to what the records say, apart from any build.
//!
//! That is so after a roll back, and where a customization is gone with its tags. Whoever crashes in between leaves the
//! job to the next one.

use std::collections::BTreeMap;

use temper_oci::Digest;
use temper_store::records::{Job, TAGS_JOB, TargetTag};

use crate::error::HubError;
use crate::hub::Hub;
use crate::worker::{Handler, HandlerFuture, Lease, Outcome};

/// Brings tags to what the records say.
#[derive(Clone, Debug)]
pub(crate) struct TagsHandler {
    hub: Hub,
}

impl TagsHandler {
    /// Makes the handler of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }
}

impl Handler for TagsHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[TAGS_JOB]
    }

    fn run<'a>(&'a self, job: &'a Job, lease: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            match self.hub.settle_tags(&job.subject, lease).await {
                Ok(outcome) => outcome,
                Err(error) => Outcome::Retry { error: error.to_string() },
            }
        })
    }
}

impl Hub {
    async fn settle_tags(&self, repository: &str, lease: &Lease) -> Result<Outcome, HubError> {
        let known = self.config().records.targets().tags_in(repository).await?;
        let unwanted: Vec<String> =
            known.iter().filter(|tag| tag.is_unwanted).map(|tag| tag.tag.clone()).collect();
        let held = self.held_tags(&known).await?;
        if !lease.confirm().await {
            return Ok(Outcome::Stopped);
        }
        let (hub, name, removed) = (self.clone(), repository.to_owned(), unwanted.clone());
        self.blocking(move || {
            let images = &hub.config().images;
            let present = images.tags(&name)?;
            let moved: BTreeMap<String, Digest> =
                held.into_iter().filter(|(tag, digest)| present.get(tag) != Some(digest)).collect();
            if !moved.is_empty() {
                images.move_tags(&name, &moved)?;
            }
            if !removed.is_empty() {
                images.remove_tags(&name, &removed)?;
            }
            Ok(())
        })
        .await?;
        self.config().records.targets().forget_unwanted(repository, &unwanted).await?;
        Ok(Outcome::Done)
    }

    /// Returns the tags of targets that are held, with where they are held.
    async fn held_tags(&self, known: &[TargetTag]) -> Result<BTreeMap<String, Digest>, HubError> {
        let targets = self.config().records.targets();
        let mut held = BTreeMap::new();
        for tag in known {
            let (Some(target_id), Some(digest)) = (&tag.target_id, &tag.digest) else { continue };
            let target = targets.find(target_id).await?;
            if target.is_some_and(|target| target.held_build_id.is_some())
                && let Ok(digest) = digest.parse()
            {
                held.insert(tag.tag.clone(), digest);
            }
        }
        Ok(held)
    }
}
