//! `temper quickstart`: the whole way once, on real input: base, artifact, customization, registry.

use std::collections::BTreeMap;
use std::process::ExitCode;

use temper_compose::{BuiltImage, ImageSource, Planned, Recipe, Request, publish};
use temper_oci::Platform;
use temper_registry::Registry;
use temper_spec::Customization;
use temper_store::engine::StoredImage;

use crate::catalog::Catalog;
use crate::cli;
use crate::commands::{build, catalog};
use crate::embedded::EmbeddedDestination;
use crate::interrupt::Interrupt;
use crate::server::{Server, Settings};
use crate::workspace::Workspace;
use crate::{plan_text, printing};

/// The customization that is built.
const DOCUMENT: &str = include_str!("../../../../examples/quickstart.yaml");

/// The private authority that the example artifact holds.
const AUTHORITY: &str = include_str!("../../../../examples/private-ca/temper-example-ca.crt");

const BASE_ID: &str = "python/debian-13/3.13";
const REPOSITORY: &str = "acme/dhi-python";
const ARTIFACT_REPOSITORY: &str = "acme/private-ca";
const ARTIFACT_TAG: &str = "v1";

/// Builds base, artifact and customization, prints plan and result, and serves them unless told to end.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Quickstart,
    json: bool,
    interrupt: Interrupt,
) -> Result<ExitCode, anyhow::Error> {
    let settings = Settings::new(&cli::Front::default(), &workspace.server)?;
    let server = Server::open(workspace, options.listen.listen, &settings)?;
    let registry = &server.registry;
    let base = build_base(workspace, registry)?;
    let artifact = push_artifact(workspace, registry)?;
    let document = Customization::parse(DOCUMENT)?;
    let definition = Catalog::read(None)?.get(BASE_ID)?;
    let first = definition.document.tags.first().cloned().unwrap_or_default();
    let tags: Vec<String> = definition.document.tags.iter().map(|tag| document.tag_for(tag)).collect();
    let artifacts: Vec<Box<dyn ImageSource>> = vec![Box::new(artifact)];
    let recipe = Recipe::from(&document.value);
    let planned = workspace.composer().plan(&Request {
        recipe: &recipe,
        base: Some(&base),
        artifacts: &artifacts,
        destination: Some(REPOSITORY.to_owned()),
        base_name: Some(format!("{REPOSITORY}:{first}")),
        tags: tags.clone(),
        automatic_ids: BTreeMap::new(),
    })?;
    build::check(&planned)?;
    let image = publish_to(workspace, registry, REPOSITORY, &planned, &tags)?;
    let built = build::built(&image, &format!("{}/{REPOSITORY}", server.authority()), tags);
    workspace.progress.finish();
    printing::print(json, &built, || {
        let text = report(&planned, &built, server.is_https());
        if !options.once {
            return text;
        }
        let folder = workspace.folder.display();
        format!("{text}Nothing serves it yet: start `temper serve --data-dir {folder}` first.\n")
    })?;
    // From here on Ctrl-C ends the serving, which is no failure.
    drop(interrupt);
    if !options.once {
        server.serve(workspace)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the hardened base from its definition and publishes it.
fn build_base(workspace: &Workspace, registry: &Registry) -> Result<StoredImage, anyhow::Error> {
    let definition = Catalog::read(None)?.get(BASE_ID)?;
    let recipe = Recipe::from(&definition.value);
    let planned = catalog::plan(workspace, &definition, &recipe)?;
    build::check(&planned)?;
    let tags = &definition.document.tags;
    let image = publish_to(workspace, registry, REPOSITORY, &planned, tags)?;
    let reference = format!("{REPOSITORY}:{}", tags.first().map_or("", String::as_str));
    Ok(StoredImage::new(reference, workspace.blobs.clone(), image.index))
}

/// Makes the example artifact, an image with nothing but a certificate, and publishes it.
fn push_artifact(workspace: &Workspace, registry: &Registry) -> Result<StoredImage, anyhow::Error> {
    let recipe = Recipe {
        name: "private CA".to_owned(),
        paths: vec![temper_compose::recipe::WantedPath {
            path: "usr/local/share/ca-certificates/temper-example-ca.crt".to_owned(),
            content: temper_compose::recipe::PathContent::File(AUTHORITY.to_owned()),
            mode: 0o644,
            uid: 0,
            gid: 0,
            platforms: None,
            at: String::new(),
        }],
        platforms: Some(vec![Platform::linux("amd64"), Platform::linux("arm64")]),
        ..Recipe::default()
    };
    let planned = workspace.composer().plan(&Request {
        recipe: &recipe,
        base: None,
        artifacts: &[],
        destination: Some(ARTIFACT_REPOSITORY.to_owned()),
        base_name: None,
        tags: vec![ARTIFACT_TAG.to_owned()],
        automatic_ids: BTreeMap::new(),
    })?;
    let image = publish_to(workspace, registry, ARTIFACT_REPOSITORY, &planned, &[ARTIFACT_TAG.to_owned()])?;
    let reference = format!("{ARTIFACT_REPOSITORY}:{ARTIFACT_TAG}");
    Ok(StoredImage::new(reference, workspace.blobs.clone(), image.index))
}

fn publish_to(
    workspace: &Workspace,
    registry: &Registry,
    repository: &str,
    planned: &Planned<'_>,
    tags: &[String],
) -> Result<BuiltImage, anyhow::Error> {
    let image = workspace.composer().build(planned)?;
    let destination = EmbeddedDestination::new(workspace, registry, repository)?;
    publish(&image, tags, &workspace.blobs, &destination, workspace.log())?;
    Ok(image)
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
