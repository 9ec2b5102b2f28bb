//! A target as it is now, and where its tags are.

use std::collections::BTreeMap;

use temper_oci::Digest;
use temper_spec::{Customization, Problem};
use temper_store::records::{BuildRecord, CustomizationRecord, RecordsError, TargetRecord};

use crate::error::HubError;
use crate::hub::Hub;
use crate::targets::Wanted;

/// A target with its customization.
#[derive(Clone, Debug)]
pub(crate) struct CurrentTarget {
    pub(crate) customization: CustomizationRecord,
    pub(crate) target: TargetRecord,
    /// What it asks for, or what is wrong with it today.
    pub(crate) wanted: Result<Wanted, Vec<Problem>>,
}

/// Reads a document that was checked when it was kept.
pub(crate) fn stored_document(text: &str) -> Result<Customization, HubError> {
    let inconsistent =
        || RecordsError::Inconsistent { column: "customizations.document", value: text.to_owned() };
    let json = serde_json::from_str(text).map_err(|_| inconsistent())?;
    Customization::from_json(&json).map_err(|_| inconsistent().into())
}

impl Hub {
    /// Returns a target as it is now; nothing where it is gone.
    pub(crate) async fn current_target(&self, id: &str) -> Result<Option<CurrentTarget>, HubError> {
        let records = &self.config().records;
        let Some(target) = records.targets().find(id).await? else { return Ok(None) };
        let Some(customization) = records.customizations().find(&target.customization_id).await? else {
            return Ok(None);
        };
        let document = stored_document(&customization.document)?;
        let place = usize::try_from(target.position).unwrap_or_default();
        let Some(named) = document.targets.get(place) else { return Ok(None) };
        let wanted = match self.base_tags(named, place).await? {
            Ok(tags) => Wanted::new(&document, place, tags),
            Err(problem) => Err(vec![problem]),
        };
        Ok(Some(CurrentTarget { customization, target, wanted }))
    }

    /// Returns the tags that a target writes, without those that another one owns.
    pub(crate) async fn free_tags(&self, target_id: &str, wanted: &Wanted) -> Result<Vec<String>, HubError> {
        let owned = self.config().records.targets().tags_in(&wanted.destination).await?;
        let is_free = |tag: &&String| {
            let owner =
                owned.iter().find(|owned| owned.tag == **tag).and_then(|owned| owned.target_id.as_ref());
            owner.is_none_or(|owner| owner == target_id)
        };
        Ok(wanted.tags.iter().filter(is_free).cloned().collect())
    }

    /// Returns the key of the build before, where the tags are those that it put, and where it put them.
    pub(crate) async fn published_key(
        &self,
        previous: Option<&BuildRecord>,
        target_id: &str,
        tags: &[String],
    ) -> Result<Option<Digest>, HubError> {
        let Some(previous) = previous else { return Ok(None) };
        let owned = self.config().records.targets().tags(target_id).await?;
        let is_put = |tag: &String| {
            owned
                .iter()
                .any(|owned| owned.tag == *tag && owned.digest.is_some() && owned.digest == previous.digest)
        };
        let is_published = owned.len() == tags.len() && tags.iter().all(is_put);
        let key = previous.build_key.as_deref().and_then(|key| key.parse().ok());
        Ok(key.filter(|_| is_published))
    }

    /// Says whether the repository has tags where a build put them.
    pub(crate) async fn has_tags(
        &self,
        wanted: &Wanted,
        tags: &[String],
        build: Option<&BuildRecord>,
    ) -> Result<bool, HubError> {
        let found = self.tags_of(&wanted.destination).await?;
        let digest = build.and_then(|build| build.digest.as_deref()?.parse::<Digest>().ok());
        Ok(digest.is_some() && tags.iter().all(|tag| found.get(tag).copied() == digest))
    }

    /// Lists the tags of a repository, with where they point.
    pub(crate) async fn tags_of(&self, repository: &str) -> Result<BTreeMap<String, Digest>, HubError> {
        let (hub, name) = (self.clone(), repository.to_owned());
        self.blocking(move || Ok(hub.config().images.tags(&name)?)).await
    }

    /// Does something that may block.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HubError> + Send + 'static,
    ) -> Result<T, HubError> {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only a runtime that ends drops what it was given to do.
            Err(_) => Err(HubError::Conflict { message: "the server stops".to_owned(), hint: None }),
        }
    }
}
