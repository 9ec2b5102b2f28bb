//! Making an organization's customizations equal to a folder of documents.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use temper_spec::Customization;
use temper_store::records::{Change, CustomizationFilter, CustomizationRecord, TargetRecord};

use super::{Submission, check_count, named, refuse};
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::targets::repository;

/// How many customizations are read at once.
const PAGE: u32 = 500;

/// What is done to a customization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    Create,
    /// Its document is another.
    Edit,
    /// No document is there for it.
    Delete,
    /// Nothing.
    None,
}

/// What differs between a folder and the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// A line for each document, and for each customization without one.
    pub lines: Vec<DriftLine>,
}

/// One customization of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftLine {
    /// What is to be done.
    pub action: Action,
    /// The name of the customization.
    pub name: String,
    /// The repositories of its targets.
    pub destinations: Vec<String>,
    /// The document, as the sender calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The customization, where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The places of the document that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

impl Action {
    /// Names it in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::None => "none",
        }
    }
}

impl Drift {
    /// Says whether folder and server are equal.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.action == Action::None)
    }
}

/// A customization of the server with its targets.
type Known = (CustomizationRecord, Vec<TargetRecord>);

impl Hub {
    /// Makes an organization's customizations equal to these documents, all or nothing; with `dry_run` only tells what
    /// that would change. A customization without a document is deleted; its tags stay, or go with `removes_tags`.
    pub async fn apply_customizations(
        &self,
        caller: &Caller,
        organization: &str,
        submissions: &[Submission],
        dry_run: bool,
        removes_tags: bool,
    ) -> Result<Drift, HubError> {
        let owner = self.require_member(caller, organization).await?;
        if !submissions.is_empty() {
            check_count(submissions)?;
        }
        let known = self.all_customizations(caller, &owner.id).await?;
        let (mut lines, mut problems, mut used) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (mut edits, mut creations) = (Vec::new(), Vec::new());
        for submission in submissions {
            let document = match Customization::parse_with(&submission.text, &submission.overrides) {
                Ok(document) => document.value,
                Err(found) => {
                    problems.extend(named(found.0, submission, submissions.len()));
                    continue;
                }
            };
            let found = find(&known, &document);
            if let Some((record, _)) = found {
                used.insert(record.id.clone());
            }
            let line = line(submission, &document, found);
            if line.action != Action::None {
                let known = found.map(|(record, targets)| (record, targets.as_slice()));
                let submission = with_id(submission, document, found.map(|(record, _)| &*record.id));
                match self.prepare(caller, &owner, &submission, known).await? {
                    Ok(prepared) if found.is_some() => edits.push(prepared),
                    Ok(prepared) => creations.push(prepared),
                    Err(found) => problems.extend(named(found, &submission, submissions.len())),
                }
            }
            lines.push(line);
        }
        let gone: Vec<&Known> = known.iter().filter(|(record, _)| !used.contains(&record.id)).collect();
        for (record, targets) in &gone {
            for target in targets {
                self.require_customize(caller, &target.destination, "deleting a customization").await?;
            }
            lines.push(deleted(record, targets));
        }
        refuse(problems)?;
        if !dry_run {
            let mut changes: Vec<Change> = Vec::new();
            // What goes makes room for what comes.
            for (record, _) in gone {
                changes.push(self.deletion(caller, record, Some(record.version), removes_tags));
            }
            for one in &mut edits {
                one.draft.removes_tags = removes_tags;
                changes.push(Change::Edit(Box::new(one.draft.clone())));
            }
            changes.extend(creations.iter().map(|one| Change::Create(Box::new(one.draft.clone()))));
            edits.extend(creations);
            self.write_changes(&changes, &edits, submissions.len()).await?;
        }
        Ok(Drift { lines })
    }

    /// Lists all customizations of an organization; the caller must be able to see every one of them.
    async fn all_customizations(
        &self,
        caller: &Caller,
        organization_id: &str,
    ) -> Result<Vec<Known>, HubError> {
        let records = &self.config().records;
        let (mut all, mut after) = (Vec::new(), None::<String>);
        loop {
            let filter = CustomizationFilter::default();
            let some =
                records.customizations().list(organization_id, &filter, after.as_deref(), PAGE).await?;
            let is_last = some.len() < PAGE as usize;
            for record in some {
                after = Some(record.id.clone());
                let targets = records.targets().list(&record.id).await?;
                if !self.may_see(caller, &record.id).await? {
                    return Err(HubError::Forbidden {
                        action: "applying a folder of documents".to_owned(),
                        needed: "the right to read every customized repository of the organization"
                            .to_owned(),
                    });
                }
                all.push((record, targets));
            }
            if is_last {
                return Ok(all);
            }
        }
    }
}

/// Returns the customization that a document is of: the one with its id, else the one with its name in one of its
/// repositories.
fn find<'a>(known: &'a [Known], document: &Customization) -> Option<&'a Known> {
    let by_id = |id: &String| known.iter().find(|(record, _)| record.id == *id);
    let by_name = || {
        known.iter().find(|(record, targets)| {
            let is_there = |target: &TargetRecord| {
                document.targets.iter().any(|wanted| repository(&wanted.destination) == target.destination)
            };
            record.name == document.name && targets.iter().any(is_there)
        })
    };
    document.id.as_ref().and_then(by_id).or_else(by_name)
}

/// Gives a document the id that it has here: in a file may stand that of another server.
fn with_id(submission: &Submission, document: Customization, id: Option<&str>) -> Submission {
    if document.id.is_none() || document.id.as_deref() == id {
        return submission.clone();
    }
    let text = Customization { id: id.map(str::to_owned), ..document }.to_yaml();
    Submission { text, ..submission.clone() }
}

fn line(submission: &Submission, document: &Customization, known: Option<&Known>) -> DriftLine {
    let destinations = document.targets.iter().map(|target| target.destination.clone()).collect();
    let mut differences = Vec::new();
    if let Some((record, _)) = known {
        let wanted = Customization { id: Some(record.id.clone()), ..document.clone() };
        let wanted = serde_json::to_value(&wanted).unwrap_or_default();
        let there = serde_json::from_str(&record.document).unwrap_or_default();
        compare("", &there, &wanted, &mut differences);
    }
    let action = match known {
        None => Action::Create,
        Some(_) if differences.is_empty() => Action::None,
        Some(_) => Action::Edit,
    };
    DriftLine {
        action,
        name: document.name.clone(),
        destinations,
        document: Some(submission.name.clone()).filter(|name| !name.is_empty()),
        id: known.map(|(record, _)| record.id.clone()),
        differences,
    }
}

fn deleted(record: &CustomizationRecord, targets: &[TargetRecord]) -> DriftLine {
    DriftLine {
        action: Action::Delete,
        name: record.name.clone(),
        destinations: targets.iter().map(|target| target.destination.clone()).collect(),
        document: None,
        id: Some(record.id.clone()),
        differences: Vec::new(),
    }
}

/// Gathers the places at which two documents differ.
fn compare(path: &str, old: &Value, new: &Value, differences: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let nothing = Value::Null;
                compare(
                    &path,
                    old.get(key).unwrap_or(&nothing),
                    new.get(key).unwrap_or(&nothing),
                    differences,
                );
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, differences);
            }
        }
        (old, new) if old == new => {}
        _ => differences.push(path.to_owned()),
    }
}
