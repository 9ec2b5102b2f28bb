//! Customizations: create, edit, delete, look, restore.
//!
//! A document is planned before it is accepted, and refused with everything that is wrong with it. What is accepted is
//! kept and queued in one step.

mod apply;
mod draft;

use temper_spec::customization::Overrides;
use temper_spec::{Customization, Problem, Problems};
use temper_store::records::{
    Change, Conflict, CustomizationFilter, CustomizationRecord, CustomizationVersion, TargetRecord, TargetTag,
};

use crate::builds::Build;
use crate::caller::Caller;
use crate::current_target::stored_document;
use crate::error::HubError;
use crate::hub::Hub;
use crate::page::Page;

pub use apply::{Action, Drift, DriftLine};
use draft::Prepared;

/// How many documents are taken at once.
const SUBMISSIONS_MAX: usize = 10_000;

/// A document as somebody sends it.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// How the sender calls it, a file's name; problems of several documents are told by it.
    pub name: String,
    /// The document, YAML or JSON.
    pub text: String,
    /// What stands above the document.
    pub overrides: Overrides,
}

/// A customization with its targets.
#[derive(Clone, Debug)]
pub struct CustomizationDetails {
    /// As it is kept.
    pub record: CustomizationRecord,
    /// The document, with the id.
    pub document: Customization,
    /// Its targets, in the order of the document.
    pub targets: Vec<TargetDetails>,
}

/// A target with its tags and its last build.
#[derive(Clone, Debug)]
pub struct TargetDetails {
    /// As it is kept.
    pub record: TargetRecord,
    /// The tags that it writes.
    pub tags: Vec<TargetTag>,
    /// The newest build, whatever became of it.
    pub last_build: Option<Build>,
}

impl Hub {
    /// Creates customizations, all or none, and queues their builds.
    pub async fn create_customizations(
        &self,
        caller: &Caller,
        organization: &str,
        submissions: &[Submission],
    ) -> Result<Vec<CustomizationDetails>, HubError> {
        let organization = self.require_member(caller, organization).await?;
        check_count(submissions)?;
        let (mut prepared, mut problems) = (Vec::new(), Vec::new());
        for submission in submissions {
            match self.prepare(caller, &organization, submission, None).await? {
                Ok(one) => prepared.push(one),
                Err(found) => problems.extend(named(found, submission, submissions.len())),
            }
        }
        refuse(problems)?;
        let changes: Vec<Change> =
            prepared.iter().map(|one| Change::Create(Box::new(one.draft.clone()))).collect();
        self.write_changes(&changes, &prepared, submissions.len()).await?;
        let mut created = Vec::new();
        for one in &prepared {
            created.push(self.details(&one.draft.customization.id).await?);
        }
        Ok(created)
    }

    /// Puts another document in the place of a customization's, and queues what follows.
    ///
    /// `version` is the one that the caller has read, where that matters. Tags that the new document does not have stay
    /// where they are, or go with `removes_tags`.
    pub async fn edit_customization(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        submission: &Submission,
        removes_tags: bool,
    ) -> Result<CustomizationDetails, HubError> {
        let (record, targets) = self.changeable_customization(caller, id, "editing a customization").await?;
        refuse_stale(&record, version)?;
        let organization = self.organization_by_id(&record.organization_id).await?;
        let prepared = self.prepare(caller, &organization, submission, Some((&record, &targets))).await?;
        let mut prepared = prepared.map_err(invalid)?;
        prepared.draft.removes_tags = removes_tags;
        self.write_changes(&[Change::Edit(Box::new(prepared.draft.clone()))], &[prepared], 1).await?;
        self.details(id).await
    }

    /// Puts an earlier document in the place of the one that is there.
    pub async fn restore_customization(
        &self,
        caller: &Caller,
        id: &str,
        earlier: i64,
        version: Option<i64>,
    ) -> Result<CustomizationDetails, HubError> {
        let (record, targets) = self.changeable_customization(caller, id, "restoring a document").await?;
        refuse_stale(&record, version)?;
        let history = self.config().records.customizations().history(id).await?;
        let found = history.into_iter().find(|one| one.version == earlier);
        let found = found.ok_or_else(|| HubError::NotFound { kind: "version", name: earlier.to_string() })?;
        let submission = Submission { text: found.document, ..Submission::default() };
        let organization = self.organization_by_id(&record.organization_id).await?;
        let prepared = self.prepare(caller, &organization, &submission, Some((&record, &targets))).await?;
        let mut prepared = prepared.map_err(invalid)?;
        prepared.draft.restored_from = Some(earlier);
        self.write_changes(&[Change::Edit(Box::new(prepared.draft.clone()))], &[prepared], 1).await?;
        self.details(id).await
    }

    /// Deletes a customization. Its tags stay where they are, or go with `removes_tags`.
    pub async fn delete_customization(
        &self,
        caller: &Caller,
        id: &str,
        version: Option<i64>,
        removes_tags: bool,
    ) -> Result<(), HubError> {
        let (record, _) = self.changeable_customization(caller, id, "deleting a customization").await?;
        refuse_stale(&record, version)?;
        self.write_changes(&[self.deletion(caller, &record, version, removes_tags)], &[], 1).await
    }

    fn deletion(
        &self,
        caller: &Caller,
        record: &CustomizationRecord,
        version: Option<i64>,
        removes_tags: bool,
    ) -> Change {
        let mut audit =
            self.event(caller, Some(&record.organization_id), "customization.delete", &*record.name);
        audit.before = Some(record.document.clone());
        Change::Delete { id: record.id.clone(), version, removes_tags, audit: Box::new(audit) }
    }

    /// Lists an organization's customizations of which the caller may read a target; the page goes on behind an id.
    pub async fn list_customizations(
        &self,
        caller: &Caller,
        organization: &str,
        filter: &CustomizationFilter,
        page: &Page,
    ) -> Result<Vec<CustomizationDetails>, HubError> {
        let organization = self.require_member(caller, organization).await?;
        let customizations = self.config().records.customizations();
        let (mut listed, mut after) = (Vec::new(), page.after.clone());
        loop {
            let some = customizations.list(&organization.id, filter, after.as_deref(), page.limit).await?;
            let is_last = some.len() < page.limit as usize;
            for record in some {
                after = Some(record.id.clone());
                if self.may_see(caller, &record.id).await? {
                    listed.push(self.details_of(record).await?);
                }
                if listed.len() == page.limit as usize {
                    return Ok(listed);
                }
            }
            if is_last {
                return Ok(listed);
            }
        }
    }

    /// Returns a customization.
    pub async fn get_customization(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<CustomizationDetails, HubError> {
        let (record, _) = self.visible_customization(caller, id).await?;
        self.details_of(record).await
    }

    /// Returns the customization with this name and a target in this repository.
    pub async fn find_customization(
        &self,
        caller: &Caller,
        repository: &str,
        name: &str,
    ) -> Result<CustomizationDetails, HubError> {
        self.require_read(caller, repository, "reading a customization").await?;
        let found = self.config().records.customizations().find_by_name(repository, name).await?;
        let id = found.ok_or_else(|| unknown(caller, name))?;
        self.get_customization(caller, &id).await
    }

    /// Lists every document that a customization had, the newest first.
    pub async fn customization_history(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Vec<CustomizationVersion>, HubError> {
        self.visible_customization(caller, id).await?;
        Ok(self.config().records.customizations().history(id).await?)
    }

    /// Returns a customization with its targets, for a caller who may read one of them.
    pub(crate) async fn visible_customization(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<(CustomizationRecord, Vec<TargetRecord>), HubError> {
        let records = &self.config().records;
        let record = records.customizations().find(id).await?.ok_or_else(|| unknown(caller, id))?;
        if !self.may_see(caller, id).await? {
            return Err(unknown(caller, id));
        }
        Ok((record, records.targets().list(id).await?))
    }

    async fn changeable_customization(
        &self,
        caller: &Caller,
        id: &str,
        action: &str,
    ) -> Result<(CustomizationRecord, Vec<TargetRecord>), HubError> {
        let (record, targets) = self.visible_customization(caller, id).await?;
        for target in &targets {
            self.require_customize(caller, &target.destination, action).await?;
        }
        Ok((record, targets))
    }

    async fn may_see(&self, caller: &Caller, id: &str) -> Result<bool, HubError> {
        for target in self.config().records.targets().list(id).await? {
            if self.own_right(caller, &target.destination).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) async fn organization_by_id(
        &self,
        id: &str,
    ) -> Result<temper_store::records::Organization, HubError> {
        let found = self.config().records.organizations().find_by_id(id).await?;
        found.ok_or_else(|| HubError::NotFound { kind: "organization", name: id.to_owned() })
    }

    async fn details(&self, id: &str) -> Result<CustomizationDetails, HubError> {
        let found = self.config().records.customizations().find(id).await?;
        let record =
            found.ok_or_else(|| HubError::NotFound { kind: "customization", name: id.to_owned() })?;
        self.details_of(record).await
    }

    async fn details_of(&self, record: CustomizationRecord) -> Result<CustomizationDetails, HubError> {
        let records = &self.config().records;
        let mut targets = Vec::new();
        for target in records.targets().list(&record.id).await? {
            let tags = records.targets().tags(&target.id).await?;
            let last_build = records.builds().last(&target.id).await?.map(Build::from);
            targets.push(TargetDetails { record: target, tags, last_build });
        }
        Ok(CustomizationDetails { document: stored_document(&record.document)?, record, targets })
    }

    /// Writes changes together; what stands in the way is told as problems of the documents.
    async fn write_changes(
        &self,
        changes: &[Change],
        prepared: &[Prepared],
        count: usize,
    ) -> Result<(), HubError> {
        let conflicts = self.config().records.customizations().write(changes, self.now()).await?;
        let mut problems = Vec::new();
        for (place, conflict) in conflicts {
            let written = match &changes[place] {
                Change::Create(draft) | Change::Edit(draft) => Some(draft.customization.id.as_str()),
                Change::Delete { .. } => None,
            };
            let about = prepared.iter().find(|one| Some(one.draft.customization.id.as_str()) == written);
            let name = match &changes[place] {
                Change::Create(draft) | Change::Edit(draft) => draft.customization.name.clone(),
                Change::Delete { id, .. } => id.clone(),
            };
            match (conflict, about) {
                (Conflict::Gone, _) => return Err(HubError::NotFound { kind: "customization", name }),
                (Conflict::Stale, _) => return Err(HubError::Stale { kind: "customization", name }),
                (conflict, Some(about)) => {
                    problems.extend(named(vec![about.conflict(&conflict)], &about.submission, count));
                }
                (_, None) => {}
            }
        }
        refuse(problems)?;
        self.queue().wake();
        self.build_changed();
        Ok(())
    }
}

fn check_count(submissions: &[Submission]) -> Result<(), HubError> {
    let problem = match submissions.len() {
        0 => "there is no document",
        1..=SUBMISSIONS_MAX => return Ok(()),
        _ => "there are too many documents at once",
    };
    refuse(vec![Problem::new("", None, problem)])
}

/// Refuses what has problems.
fn refuse(problems: Vec<Problem>) -> Result<(), HubError> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(invalid(problems))
}

fn invalid(problems: Vec<Problem>) -> HubError {
    HubError::Invalid { subject: "the customization".to_owned(), problems: Problems(problems) }
}

/// Tells of which of several documents problems are.
fn named(problems: Vec<Problem>, submission: &Submission, count: usize) -> Vec<Problem> {
    let name = |problem: Problem| match (count, submission.name.is_empty()) {
        (1, _) | (_, true) => problem,
        _ => Problem { path: format!("{}: {}", submission.name, problem.path), ..problem },
    };
    problems.into_iter().map(name).collect()
}

fn refuse_stale(record: &CustomizationRecord, version: Option<i64>) -> Result<(), HubError> {
    if version.is_none_or(|version| version == record.version) {
        return Ok(());
    }
    Err(HubError::Stale { kind: "customization", name: record.name.clone() })
}

/// Tells of a customization that is not there, or that the caller may not know of.
fn unknown(caller: &Caller, name: &str) -> HubError {
    crate::rights::hidden(caller, "customization", name)
}
