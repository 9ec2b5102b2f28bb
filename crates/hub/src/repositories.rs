//! Repositories of organizations: which there are, and what holds in them.

use temper_store::records::{FixedTags, RepositorySettings, RepositorySummary, Right};

use crate::caller::Caller;
use crate::check::Check;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;
use crate::rights::{hidden, organization_of, require_writing};

/// Repositories that are read from the records at once.
const CHUNK: u32 = 200;

/// A repository with what holds in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// How much it shows.
    pub summary: RepositorySummary,
    /// What holds in it.
    pub settings: RepositorySettings,
    /// What the caller may do in it.
    pub right: Right,
}

/// What is to hold in a repository; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct RepositoryEdit {
    /// What it is.
    pub description: Option<String>,
    /// Whether everybody pulls.
    pub is_public: Option<bool>,
    /// Which tags stay where they were first put.
    pub immutable_tags: Option<FixedTags>,
    /// Most bytes; nothing inside is no bound but the organization's.
    pub quota_bytes: Option<Option<u64>>,
    /// How many of the newest manifests are kept that nothing holds; nothing inside is the server's default.
    pub retention_newest: Option<Option<u32>>,
    /// How many days a manifest is kept that nothing holds; nothing inside is the server's default.
    pub retention_days: Option<Option<u32>>,
}

/// What holds in a repository, for the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What was set, or holds where nothing was.
    pub settings: RepositorySettings,
    /// Most bytes of all repositories of the organization.
    pub organization_quota_bytes: Option<u64>,
}

impl Hub {
    /// Lists the repositories of an organization that a caller may read, by name.
    pub async fn list_repositories(
        &self,
        caller: &Caller,
        organization: &str,
        page: &Page,
    ) -> Result<Vec<Repository>, HubError> {
        let settings = self.records().repository_settings();
        let (mut found, mut after) = (Vec::new(), page.after.clone());
        loop {
            let chunk = settings.list(organization, after.as_deref(), CHUNK).await?;
            let is_last = chunk.len() < CHUNK as usize;
            after = chunk.last().map(|summary| summary.repository.clone());
            for summary in chunk {
                if let Some(right) = self.right(caller, &summary.repository).await? {
                    found.push(self.repository(summary, right).await?);
                }
                if found.len() == page.limit as usize {
                    return Ok(found);
                }
            }
            if is_last {
                break;
            }
        }
        if found.is_empty() && page.after.is_none() {
            // Somebody who sees nothing in it must not learn whether there is such an organization.
            self.require_member(caller, organization).await?;
        }
        Ok(found)
    }

    /// Returns a repository; whoever may read it may.
    pub async fn get_repository(&self, caller: &Caller, repository: &str) -> Result<Repository, HubError> {
        let missing = || hidden(caller, "repository", repository);
        let right = self.right(caller, repository).await?.ok_or_else(missing)?;
        let summary = self.records().repository_settings().summary(repository).await?;
        self.repository(summary.ok_or_else(missing)?, right).await
    }

    /// Sets what holds in a repository that is still in the version `expected`, if one is given; whoever has the right
    /// `admin` in it may. It need not have images yet.
    pub async fn edit_repository(
        &self,
        caller: &Caller,
        repository: &str,
        edit: RepositoryEdit,
        expected: Option<i64>,
    ) -> Result<Repository, HubError> {
        let action = format!("changing repository `{repository}`");
        self.require_right(caller, repository, Right::Admin, &action).await?;
        require_writing(caller, &action)?;
        check_edit(repository, &edit)?;
        let old = self.settings(repository).await?;
        let new = RepositorySettings {
            description: edit.description.unwrap_or(old.description),
            is_public: edit.is_public.unwrap_or(old.is_public),
            immutable_tags: edit.immutable_tags.unwrap_or(old.immutable_tags),
            quota_bytes: edit.quota_bytes.unwrap_or(old.quota_bytes),
            retention_newest: edit.retention_newest.unwrap_or(old.retention_newest),
            retention_days: edit.retention_days.unwrap_or(old.retention_days),
            version: expected.unwrap_or(old.version),
            ..old
        };
        let event = self.event(caller, Some(&new.organization_id), "repository.edit", repository);
        if self.records().repository_settings().set(&new, event).await?.is_none() {
            return Err(HubError::Stale { kind: "repository", name: repository.to_owned() });
        }
        self.get_repository(caller, repository).await
    }

    /// Removes a repository with its images and settings; whoever has the right `admin` in it may.
    pub async fn remove_repository(&self, caller: &Caller, repository: &str) -> Result<(), HubError> {
        let action = format!("removing repository `{repository}`");
        self.require_right(caller, repository, Right::Admin, &action).await?;
        require_writing(caller, &action)?;
        let organization = self.records().organizations().find(organization_of(repository)).await?;
        let organization = organization.map(|organization| organization.id);
        let event = self.event(caller, organization.as_deref(), "repository.delete", repository);
        let removed = self.records().repository_settings().remove(repository, event).await?;
        if removed { Ok(()) } else { Err(hidden(caller, "repository", repository)) }
    }

    /// Returns what holds in a repository, also in one that does not exist.
    pub async fn policy(&self, repository: &str) -> Result<Policy, HubError> {
        let organization = self.records().organizations().find(organization_of(repository)).await?;
        let settings = self.records().repository_settings().find(repository).await?;
        Ok(Policy {
            organization_quota_bytes: organization.as_ref().and_then(|organization| organization.quota_bytes),
            settings: settings.unwrap_or_else(|| {
                let organization = organization.map(|organization| organization.id).unwrap_or_default();
                RepositorySettings::new(repository, &organization, self.now())
            }),
        })
    }

    async fn repository(&self, summary: RepositorySummary, right: Right) -> Result<Repository, HubError> {
        let settings = self.policy(&summary.repository).await?.settings;
        Ok(Repository { summary, settings, right })
    }

    /// Returns what was set, or begins with what holds where nothing was.
    async fn settings(&self, repository: &str) -> Result<RepositorySettings, HubError> {
        if let Some(settings) = self.records().repository_settings().find(repository).await? {
            return Ok(settings);
        }
        let name = organization_of(repository);
        let missing = || HubError::NotFound { kind: "organization", name: name.to_owned() };
        let organization = self.records().organizations().find(name).await?.ok_or_else(missing)?;
        Ok(RepositorySettings::new(repository, &organization.id, self.now()))
    }
}

fn check_edit(repository: &str, edit: &RepositoryEdit) -> Result<(), HubError> {
    let mut check = Check::default();
    let is_name = repository.contains('/') && temper_oci::reference::check_repository(repository).is_ok();
    check.note("repository", (!is_name).then(|| format!("`{repository}` is not the name of a repository")));
    check.description("description", edit.description.as_deref().unwrap_or_default());
    if let Some(FixedTags::Patterns(patterns)) = &edit.immutable_tags {
        check.patterns("immutable_tags", patterns);
    }
    check.end("the repository")
}
