//! `temper quickstart`: the whole way once, on real input: base, artifact, customization, registry.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use temper_compose::{BuiltImage, ImageSource, Planned, Recipe, Request};
use temper_registry::Registry;
use temper_spec::{Customization, Definition};
use temper_store::engine::StoredImage;

use crate::catalog::Catalog;
use crate::cli;
use crate::commands::{build, catalog};
use crate::embedded::EmbeddedDestination;
use crate::interrupt::Interrupt;
use crate::server::{Server, Settings};
use crate::signing::{self, Job, Place, Signing};
use crate::workspace::Workspace;
use crate::{plan_text, printing};

/// The customization that is built.
const DOCUMENT: &str = include_str!("../../../../examples/quickstart.yaml");

/// The image that holds a private authority, the example artifact.
const ARTIFACT: &str = include_str!("../../../../examples/private-ca/private-ca.yaml");

const BASE_ID: &str = "python/debian-13/3.13";
const REPOSITORY: &str = "acme/dhi-python";
const ARTIFACT_ID: &str = "private-ca/debian-13/1";
const ARTIFACT_REPOSITORY: &str = "acme/private-ca";

/// Builds base, artifact and customization, prints plan and result, and serves them unless told to end.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Quickstart,
    json: bool,
    interrupt: Interrupt,
) -> Result<ExitCode, anyhow::Error> {
    let settings = Settings::new(&cli::Front::default(), &workspace.server)?.for_one_machine();
    let server = Server::open(workspace, options.listen.listen, &settings)?;
    let registry = &server.registry;
    let signing = Signing::open(workspace, &options.signing, &[])?;
    let shop = Shop { workspace, registry, authority: server.authority(), signing };
    let catalog = Catalog::read(None)?;
    let definition = catalog.get(BASE_ID)?;
    let base = shop.define(&definition, catalog.text(BASE_ID)?, REPOSITORY)?;
    let artifact =
        shop.define(&Definition::parse(ARTIFACT_ID, ARTIFACT)?.value, ARTIFACT, ARTIFACT_REPOSITORY)?;
    let artifacts: Vec<Box<dyn ImageSource>> = vec![Box::new(artifact)];
    let document = Customization::parse(DOCUMENT)?;
    let recipe = Recipe::from(&document.value);
    let first = definition.document.tags.first().cloned().unwrap_or_default();
    let tags: Vec<String> = definition.document.tags.iter().map(|tag| document.tag_for(tag)).collect();
    let request = Request {
        recipe: &recipe,
        base: Some(&base),
        artifacts: &artifacts,
        destination: Some(REPOSITORY.to_owned()),
        base_name: Some(format!("{REPOSITORY}:{first}")),
        tags: tags.clone(),
        automatic_ids: BTreeMap::new(),
        choices: BTreeMap::new(),
    };
    let planned = workspace.composer().plan(&request)?;
    build::check(&planned)?;
    let job = Job {
        planned: &planned,
        request: &request,
        document: DOCUMENT,
        destination: REPOSITORY,
        tag_definition_id: Some(BASE_ID.to_owned()),
    };
    let image = shop.publish(&job, REPOSITORY, &tags)?;
    let repository = format!("{}/{REPOSITORY}", server.authority());
    let built = build::built(&image, &repository, tags, shop.signing.as_ref());
    workspace.progress.finish();
    printing::print(json, &built, || {
        let text = report(&planned, &built, server.is_https());
        if !options.once {
            return text;
        }
        let folder = workspace.folder.display();
        format!("{text}Nothing serves it yet: start `temper serve --anonymous --data-dir {folder}` first.\n")
    })?;
    // From here on Ctrl-C ends the serving, which is no failure.
    drop(interrupt);
    if !options.once {
        server.serve(workspace, &cli::Operation::default())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the images of the example are made and go.
struct Shop<'a> {
    workspace: &'a Workspace,
    registry: &'a Registry,
    /// Address of the registry.
    authority: String,
    signing: Option<Signing>,
}

impl Shop<'_> {
    /// Builds the image of a definition, publishes it, and returns it as a source for others.
    fn define(
        &self,
        definition: &Definition,
        text: &str,
        repository: &str,
    ) -> Result<StoredImage, anyhow::Error> {
        let recipe = Recipe::from(definition);
        let request = catalog::request(self.workspace, definition, &recipe)?;
        let planned = self.workspace.composer().plan(&request)?;
        build::check(&planned)?;
        let job = Job {
            planned: &planned,
            request: &request,
            document: text,
            destination: repository,
            tag_definition_id: Some(definition.id.clone()),
        };
        let tags = &definition.document.tags;
        let image = self.publish(&job, repository, tags)?;
        let reference = format!("{repository}:{}", tags.first().map_or("", String::as_str));
        let place = EmbeddedDestination::new(self.workspace, self.registry, repository)?;
        let source = StoredImage::new(reference, self.workspace.blobs.clone(), image.index);
        Ok(source.with_attachments(Arc::new(place)))
    }

    fn publish(&self, job: &Job<'_>, repository: &str, tags: &[String]) -> Result<BuiltImage, anyhow::Error> {
        let destination = EmbeddedDestination::new(self.workspace, self.registry, repository)?;
        let full = format!("{}/{repository}", self.authority);
        let place = Place { destination: &destination, repository: &full, tags };
        signing::publish_job(self.workspace, job, &place, self.signing.as_ref())
    }
}

fn report(planned: &Planned<'_>, built: &build::Built, is_https: bool) -> String {
    let option = if is_https { "" } else { "--tls-verify=false " };
    format!(
        "{}\n{}\nPull it:\n  podman pull {option}{reference}\n  skopeo inspect --raw {option}docker://{reference}\n",
        plan_text::render(&planned.plan),
        build::render(built),
        reference = built.reference,
    )
}
