//! One target of a document: what is built for it, from where, and under which tags.

use std::collections::BTreeMap;

use temper_compose::{AutomaticIds, Recipe};
use temper_oci::reference::TAG_BYTES_MAX;
use temper_oci::{Platform, Reference};
use temper_spec::customization::{TagLine, Target};
use temper_spec::{Customization, Problem};
use temper_store::records::{TargetInput, input_kind};

use crate::error::HubError;
use crate::hub::Hub;

/// Numbers of users and groups of packages, by platform.
pub(crate) type PlatformIds = BTreeMap<Platform, AutomaticIds>;

/// What is built for one target.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// What is to be made.
    pub(crate) recipe: Recipe,
    /// The document with this target alone, in its canonical form: other targets and the id decide nothing.
    pub(crate) document: String,
    /// The repository of base and result, below the registry's host.
    pub(crate) destination: String,
    /// The line of tags, where the repository has definitions.
    pub(crate) tag_definition_id: Option<String>,
    /// The tags of the base that it follows, at least one.
    pub(crate) base_tags: Vec<String>,
    /// The tags that it writes.
    pub(crate) tags: Vec<String>,
}

impl Wanted {
    /// Finds out what one target of a document asks for.
    ///
    /// # Errors
    ///
    /// A problem of the document, as paths of it.
    pub(crate) fn new(
        document: &Customization,
        place: usize,
        base_tags: Vec<String>,
    ) -> Result<Self, Vec<Problem>> {
        let target = &document.targets[place];
        let single = Customization { id: None, targets: vec![target.clone()], ..document.clone() };
        let tags: Vec<String> = base_tags.iter().map(|tag| single.tag_for(tag)).collect();
        let long = tags.iter().filter(|tag| tag.len() > TAG_BYTES_MAX).map(|tag| {
            Problem::new(
                format!("targets[{place}]"),
                None,
                format!("tag `{tag}` is longer than {TAG_BYTES_MAX} characters"),
            )
            .with_hint("choose a shorter `suffix`")
        });
        let long: Vec<Problem> = long.collect();
        if !long.is_empty() {
            return Err(long);
        }
        Ok(Self {
            recipe: Recipe::from(&single),
            document: single.to_yaml(),
            destination: repository(&target.destination).to_owned(),
            tag_definition_id: target.tag_definition_id.clone(),
            base_tags,
            tags,
        })
    }

    /// Returns the reference of the base.
    pub(crate) fn base(&self) -> String {
        format!("{}:{}", self.destination, self.base_tags[0])
    }

    /// Lists what the target is made from, by name.
    pub(crate) fn inputs(&self) -> Vec<TargetInput> {
        let input = |kind: &str, name: &str, reference: &str| TargetInput {
            kind: kind.to_owned(),
            name: name.to_owned(),
            reference: reference.to_owned(),
        };
        let bases = self.base_tags.iter().map(|tag| input(input_kind::BASE, &self.destination, tag));
        let artifacts = self.recipe.artifacts.iter().map(|artifact| {
            let (name, reference) = split(repository(&artifact.reference));
            input(input_kind::ARTIFACT, name, reference)
        });
        let mut inputs: Vec<TargetInput> = bases.chain(artifacts).collect();
        inputs.sort();
        inputs.dedup();
        inputs
    }
}

/// Returns a reference without its registry's host.
pub(crate) fn repository(reference: &str) -> &str {
    if Reference::names_registry(reference) {
        reference.split_once('/').map_or(reference, |(_, name)| name)
    } else {
        reference
    }
}

/// Splits a reference into repository and tag or digest.
fn split(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name.split_once(':').map_or(name, |(name, _)| name), digest);
    }
    reference.split_once(':').unwrap_or((reference, "latest"))
}

impl Hub {
    /// Finds out what every target of a document asks for, in its order, and all problems with that.
    pub(crate) async fn wanted(
        &self,
        document: &Customization,
    ) -> Result<Result<Vec<Wanted>, Vec<Problem>>, HubError> {
        let (mut wanted, mut problems) = (Vec::new(), Vec::new());
        for (place, target) in document.targets.iter().enumerate() {
            match self.base_tags(target, place).await? {
                Ok(tags) => match Wanted::new(document, place, tags) {
                    Ok(one) => wanted.push(one),
                    Err(found) => problems.extend(found),
                },
                Err(problem) => problems.push(problem),
            }
        }
        Ok(if problems.is_empty() { Ok(wanted) } else { Err(problems) })
    }

    /// Returns the tags of the base that a target follows.
    pub(crate) async fn base_tags(
        &self,
        target: &Target,
        place: usize,
    ) -> Result<Result<Vec<String>, Problem>, HubError> {
        let id = match target.line() {
            TagLine::Tags(tags) => return Ok(Ok(tags.into_iter().map(str::to_owned).collect())),
            TagLine::Definition(id) => id,
        };
        let repository = repository(&target.destination);
        let mirrors = self.config().records.mirrors();
        let tags = mirrors.tag_line(repository, id).await?.unwrap_or_default();
        Ok(if tags.is_empty() {
            let message = format!("repository `{repository}` has no line of tags `{id}`");
            Err(Problem::new(format!("targets[{place}].tag_definition_id"), None, message).with_hint(
                "name a definition that the repository mirrors, or a tag itself (`tag: \"3.13\"`)",
            ))
        } else {
            Ok(tags)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split() {
        for (reference, expected) in [
            ("acme/certs:v1", ("acme/certs", "v1")),
            ("acme/certs", ("acme/certs", "latest")),
            ("registry.example:5000/acme/certs:v1", ("acme/certs", "v1")),
            ("acme/certs@sha256:00", ("acme/certs", "sha256:00")),
            ("acme/certs:v1@sha256:00", ("acme/certs", "sha256:00")),
        ] {
            assert_eq!(split(repository(reference)), expected, "{reference}");
        }
    }

    #[test]
    fn other_targets_and_the_id_decide_nothing() {
        let text = "name: test\ntargets:\n- {destination: acme/a, tag: \"1\"}\n- {destination: acme/b, tag: \"1\"}\n";
        let mut both = Customization::parse(text).expect("is good").value;
        let wanted = |document: &Customization| {
            Wanted::new(document, 0, vec!["1".to_owned()]).expect("is good").recipe.document
        };
        let before = wanted(&both);
        both.targets.pop();
        both.id = Some("1".to_owned());
        assert_eq!(wanted(&both), before);
    }

    #[test]
    fn long_tags_are_problems() {
        let text = "name: test\ntargets: [{destination: acme/a, tag_definition_id: a/debian-13/1}]\n";
        let document = Customization::parse(text).expect("is good").value;
        let problems = Wanted::new(&document, 0, vec!["x".repeat(125)]).expect_err("is too long");
        assert_eq!(problems[0].path, "targets[0]");
    }
}
