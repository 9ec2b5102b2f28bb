//! Mirrors of definitions: each definition of the catalog is built here, into the repository of the mirror.

use temper_spec::{Definition, Parsed, Problem, Problems};
use temper_store::records::{MirrorRecord, TagLine};

use crate::cause::Cause;
use crate::check_target::{DefinitionBuild, PRIORITY_WATCH};
use crate::error::HubError;
use crate::hub::Hub;

impl Hub {
    /// Notes the lines of tags of a mirror's definitions, and queues the builds of those that are new or changed.
    pub(super) async fn sync_definitions(&self, mirror: &MirrorRecord) -> Result<(), HubError> {
        let definitions = self.definitions(mirror)?;
        let line = |definition: &Parsed<Definition>| TagLine {
            tag_definition_id: definition.id.clone(),
            tags: definition.document.tags.clone(),
        };
        let lines: Vec<TagLine> = definitions.iter().map(line).collect();
        self.records().mirrors().set_tag_lines(&mirror.repository, &lines).await?;
        for definition in &definitions {
            let subject = definition_subject(&mirror.repository, &definition.id);
            let text = self.outside().catalog.text(&definition.id);
            let last = self.records().builds().last(&subject).await?;
            let cause = match &last {
                None => Cause::Created,
                Some(last) if last.document.as_deref() != text => Cause::Edited,
                Some(_) => continue,
            };
            self.queue_definition(mirror, &definition.id, cause).await?;
        }
        Ok(())
    }

    /// Queues the build of a definition into a mirror's repository; nothing where the catalog has it no more.
    pub(crate) async fn queue_definition(
        &self,
        mirror: &MirrorRecord,
        id: &str,
        cause: Cause,
    ) -> Result<(), HubError> {
        let Some(text) = self.outside().catalog.text(id) else { return Ok(()) };
        let build = DefinitionBuild {
            organization_id: mirror.organization_id.clone(),
            destination: mirror.repository.clone(),
            definition_id: id.to_owned(),
            text: text.to_owned(),
            cause,
            priority: PRIORITY_WATCH,
        };
        self.queue_definition_build(build).await?;
        Ok(())
    }

    /// Reads the definitions that a mirror follows and that can be built here.
    pub(crate) fn definitions(&self, mirror: &MirrorRecord) -> Result<Vec<Parsed<Definition>>, HubError> {
        let catalog = &self.outside().catalog;
        let mut problems = Vec::new();
        let mut definitions = Vec::new();
        for id in catalog.below(&mirror.source) {
            match catalog.get(id) {
                Some(Ok(definition)) if definition.not_buildable().is_empty() => definitions.push(definition),
                Some(Ok(definition)) => {
                    let obstacles = definition.not_buildable().join(", ");
                    tracing::info!(
                        mirror.repository,
                        definition = id,
                        obstacles,
                        "definition cannot be built here"
                    );
                }
                Some(Err(found)) => problems.extend(found.0),
                None => {}
            }
        }
        if definitions.is_empty() && problems.is_empty() {
            let message = format!("none of `{}` can be built here", mirror.source);
            problems.push(Problem::new("source", None, message));
        }
        if definitions.is_empty() {
            return Err(HubError::Invalid {
                subject: format!("the catalog's `{}`", mirror.source),
                problems: Problems(problems),
            });
        }
        Ok(definitions)
    }
}

/// Names what is built of a definition, as its builds and jobs do.
pub(crate) fn definition_subject(repository: &str, definition_id: &str) -> String {
    format!("{repository} {definition_id}")
}
