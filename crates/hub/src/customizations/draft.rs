//! From a document that somebody sends to what is written: checked, planned, and refused with all problems at once.

use std::collections::BTreeSet;

use temper_compose::Plan;
use temper_oci::Reference;
use temper_oci::reference::is_attachment_tag;
use temper_spec::{Customization, Parsed, Problem};
use temper_store::records::{
    Conflict, CustomizationRecord, Draft, NewBuild, NewTarget, Organization, TargetRecord, build_state,
};

use super::Submission;
use crate::caller::Caller;
use crate::cause::Cause;
use crate::check_target::{PRIORITY_BY_HAND, causes_json};
use crate::error::HubError;
use crate::hub::Hub;
use crate::targets::{Wanted, repository};

/// How many tags a hint names.
const TAGS_SHOWN_MAX: usize = 12;

/// A customization that is there, with its targets.
pub(super) type Known<'a> = (&'a CustomizationRecord, &'a [TargetRecord]);

/// A document that is good, with what is written for it.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) submission: Submission,
    pub(super) draft: Draft,
    parsed: Parsed<Customization>,
}

impl Prepared {
    /// Says what stands in the way in the records.
    pub(super) fn conflict(&self, conflict: &Conflict) -> Problem {
        match conflict {
            Conflict::Tag { target, tag, owner } => self
                .parsed
                .problem(
                    &format!("targets[{target}]"),
                    format!("tag `{tag}` is written by customization `{owner}` already"),
                )
                .with_hint("choose another `suffix`, or edit the other customization"),
            Conflict::Name { target } => {
                let destination = &self.parsed.targets[*target].destination;
                let message =
                    format!("repository `{destination}` has a customization `{}` already", self.parsed.name);
                self.parsed
                    .problem("name", message)
                    .with_hint("choose another name, or edit the one that is there")
            }
            Conflict::Gone | Conflict::Stale => {
                self.parsed.problem("", "the customization was changed by somebody else meanwhile")
            }
        }
    }
}

impl Hub {
    /// Checks and plans a document; `known` is the customization whose document it replaces.
    pub(super) async fn prepare(
        &self,
        caller: &Caller,
        organization: &Organization,
        submission: &Submission,
        known: Option<Known<'_>>,
    ) -> Result<Result<Prepared, Vec<Problem>>, HubError> {
        let parsed = match Customization::parse_with(&submission.text, &submission.overrides) {
            Ok(parsed) => parsed,
            Err(problems) => return Ok(Err(problems.0)),
        };
        let mut problems = check_id(&parsed, known.map(|(record, _)| record));
        problems.extend(self.check_places(&parsed, organization));
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        for target in &parsed.targets {
            self.require_customize(caller, repository(&target.destination), "creating a customization")
                .await?;
        }
        problems.extend(self.check_artifacts(caller, &parsed).await?);
        let wanted = match self.wanted(&parsed).await? {
            Ok(wanted) => wanted,
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| located(&parsed, problem)));
                return Ok(Err(problems));
            }
        };
        problems.extend(self.check_bases(&parsed, &wanted).await?);
        if !problems.is_empty() {
            return Ok(Err(problems));
        }
        let (targets, builds) = match self.plan_targets(&parsed, organization, &wanted, known).await? {
            Ok(planned) => planned,
            Err(problems) => return Ok(Err(problems)),
        };
        let draft = self.draft(caller, organization, &parsed, known, targets, builds);
        Ok(Ok(Prepared { submission: submission.clone(), draft, parsed }))
    }

    /// Checks that every target is in the organization and in its registry, and an image.
    fn check_places(&self, parsed: &Parsed<Customization>, organization: &Organization) -> Vec<Problem> {
        let mut problems = Vec::new();
        if parsed.is_chart() {
            problems.push(parsed.problem("targets", "charts cannot be customized yet"));
        }
        for (place, target) in parsed.targets.iter().enumerate() {
            let path = format!("targets[{place}].destination");
            let name = repository(&target.destination);
            if name.split('/').next() != Some(&*organization.name) || !name.contains('/') {
                let message = format!("`{name}` is no repository of organization `{}`", organization.name);
                problems.push(parsed.problem(&path, message));
            }
            let full = self.config().images.full_name(name);
            if Reference::names_registry(&target.destination) && full != target.destination {
                let message =
                    format!("`{}` is in another registry than the organization's", target.destination);
                problems.push(parsed.problem(&path, message).with_hint(format!("write `{name}`")));
            }
        }
        problems
    }

    /// Checks that the caller may read every artifact; of one that they may not know of nothing is told.
    async fn check_artifacts(
        &self,
        caller: &Caller,
        parsed: &Parsed<Customization>,
    ) -> Result<Vec<Problem>, HubError> {
        let mut problems = Vec::new();
        for (place, artifact) in parsed.contents.artifacts.iter().enumerate() {
            let name = repository(&artifact.name).split(['@', ':']).next().unwrap_or_default().to_owned();
            if self.right(caller, &name).await?.is_none() {
                let path = format!("contents.artifacts[{place}].name");
                problems.push(parsed.problem(&path, format!("there is no repository `{name}`")));
            }
        }
        Ok(problems)
    }

    /// Checks that every base is there.
    async fn check_bases(
        &self,
        parsed: &Parsed<Customization>,
        wanted: &[Wanted],
    ) -> Result<Vec<Problem>, HubError> {
        let mut problems = Vec::new();
        for (place, wanted) in wanted.iter().enumerate() {
            let tags = self.tags_of(&wanted.destination).await?;
            let written = self.config().records.targets().tags_in(&wanted.destination).await?;
            let ours: BTreeSet<String> = written.into_iter().map(|written| written.tag).collect();
            for tag in wanted.base_tags.iter().filter(|tag| !tags.contains_key(*tag)) {
                let message = format!("repository `{}` has no tag `{tag}`", wanted.destination);
                let some = tags.keys().filter(|tag| !is_attachment_tag(tag) && !ours.contains(*tag));
                let some: Vec<&str> = some.take(TAGS_SHOWN_MAX).map(String::as_str).collect();
                let hint = if some.is_empty() {
                    "push an image into it first".to_owned()
                } else {
                    format!("its tags are {}", some.join(", "))
                };
                problems.push(parsed.problem(&format!("targets[{place}]"), message).with_hint(hint));
            }
        }
        Ok(problems)
    }

    /// Plans every target; what is wrong with several is told once.
    async fn plan_targets(
        &self,
        parsed: &Parsed<Customization>,
        organization: &Organization,
        wanted: &[Wanted],
        known: Option<Known<'_>>,
    ) -> Result<Result<(Vec<NewTarget>, Vec<NewBuild>), Vec<Problem>>, HubError> {
        let mut problems: Vec<Problem> = Vec::new();
        let (mut targets, mut builds) = (Vec::new(), Vec::new());
        for wanted in wanted {
            let before = known.and_then(|(_, targets)| targets.iter().find(|target| is_same(target, wanted)));
            let id = before.map_or_else(|| self.new_id(), |target| target.id.clone());
            let previous = self.config().records.builds().last_succeeded(&id).await?;
            let plan =
                self.plan_blocking(self.plan_task(&organization.name, wanted, previous.as_ref())).await?;
            for problem in problems_of(&plan, parsed) {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            if !self.is_published(&id, &plan, wanted).await? {
                builds.push(self.first_build(organization, wanted, &id, before.is_some()));
            }
            targets.push(NewTarget {
                id,
                destination: wanted.destination.clone(),
                source: parsed.targets[targets.len()].source.clone(),
                tag_definition_id: wanted.tag_definition_id.clone(),
                base_tags: wanted.base_tags.clone(),
                inputs: wanted.inputs(),
                tags: wanted.tags.clone(),
            });
        }
        Ok(if problems.is_empty() { Ok((targets, builds)) } else { Err(problems) })
    }

    /// Says whether the tags have what a plan would make, and nothing is on its way to them.
    async fn is_published(&self, target_id: &str, plan: &Plan, wanted: &Wanted) -> Result<bool, HubError> {
        let builds = self.config().records.builds();
        let last = builds.last(target_id).await?;
        let is_on_its_way = |state: &str| state == build_state::QUEUED || state == build_state::RUNNING;
        if last.is_none_or(|last| is_on_its_way(&last.state)) {
            return Ok(false);
        }
        let previous = builds.last_succeeded(target_id).await?;
        let published = self.published_key(previous.as_ref(), target_id, &wanted.tags).await?;
        Ok(published.is_some() && published == plan.build_key)
    }

    fn first_build(
        &self,
        organization: &Organization,
        wanted: &Wanted,
        id: &str,
        is_there: bool,
    ) -> NewBuild {
        let cause = if is_there { Cause::Edited } else { Cause::Created };
        NewBuild {
            id: self.new_id(),
            organization_id: organization.id.clone(),
            subject: id.to_owned(),
            kind: "customization",
            target_id: Some(id.to_owned()),
            customization: None,
            definition: None,
            name: wanted.recipe.name.clone(),
            destination: wanted.destination.clone(),
            causes: causes_json(&[cause]),
            priority: PRIORITY_BY_HAND,
        }
    }

    fn draft(
        &self,
        caller: &Caller,
        organization: &Organization,
        parsed: &Parsed<Customization>,
        known: Option<Known<'_>>,
        targets: Vec<NewTarget>,
        mut builds: Vec<NewBuild>,
    ) -> Draft {
        let (now, actor) = (self.now(), caller.actor());
        let id = known.map_or_else(|| self.new_id(), |(record, _)| record.id.clone());
        let document = Customization { id: Some(id.clone()), ..parsed.value.clone() };
        let text = serde_json::to_string(&document).expect("documents have text keys only");
        let version = known.map_or(1, |(record, _)| record.version + 1);
        for build in &mut builds {
            build.customization = Some((id.clone(), version));
        }
        let action = if known.is_some() { "customization.edit" } else { "customization.create" };
        let mut audit = self.event(caller, Some(&organization.id), action, &*document.name);
        audit.before = known.map(|(record, _)| record.document.clone());
        audit.after = Some(text.clone());
        let customization = CustomizationRecord {
            id,
            organization_id: organization.id.clone(),
            name: document.name.clone(),
            suffix: document.suffix(),
            version,
            document: text,
            created_at: known.map_or(now, |(record, _)| record.created_at),
            created_by: known.map_or_else(|| actor.clone(), |(record, _)| record.created_by.clone()),
            updated_at: now,
            updated_by: actor,
        };
        Draft { customization, restored_from: None, targets, builds, removes_tags: false, audit }
    }
}

/// Checks that a new document has no id, and an edited one that of its customization.
fn check_id(parsed: &Parsed<Customization>, known: Option<&CustomizationRecord>) -> Vec<Problem> {
    let problem = match (&parsed.id, known) {
        (Some(_), None) => parsed
            .problem("id", "a new customization has no id")
            .with_hint("leave it out, or change the one that is there with `temper customization edit`"),
        (Some(id), Some(record)) if *id != record.id => {
            parsed.problem("id", format!("`{id}` is another customization, not `{}`", record.id))
        }
        _ => return Vec::new(),
    };
    vec![problem]
}

fn is_same(target: &TargetRecord, wanted: &Wanted) -> bool {
    let base_tags = serde_json::from_str::<Vec<String>>(&target.base_tags).unwrap_or_default();
    target.destination == wanted.destination
        && target.tag_definition_id == wanted.tag_definition_id
        && (wanted.tag_definition_id.is_some() || base_tags == wanted.base_tags)
}

/// Gives a problem the place of its path in the text.
fn located(parsed: &Parsed<Customization>, problem: Problem) -> Problem {
    let hint = problem.hint();
    Problem { hint, ..parsed.problem(&problem.path, problem.message) }
}

/// Returns the problems of a plan at their places in the document; one of all platforms is told once.
fn problems_of(plan: &Plan, parsed: &Parsed<Customization>) -> Vec<Problem> {
    let count = plan.platforms.len();
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (platform, finding) in plan.problems() {
        let same = plan.problems().filter(|(_, other)| *other == finding).count();
        let is_of_all = platform.is_none() || (same == count && count > 1);
        let message = match platform {
            Some(platform) if !is_of_all => format!("for {platform}: {}", finding.message),
            _ => finding.message.clone(),
        };
        if seen.insert((finding.path.clone(), message.clone())) {
            problems.push(Problem { hint: finding.hint.clone(), ..parsed.problem(&finding.path, message) });
        }
    }
    problems
}
