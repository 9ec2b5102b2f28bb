//! `temper bundle`: images with everything that proves them, carried to networks without a way out.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Error, anyhow};
use serde::Serialize;
use temper_fetch::engine::RegistryImage;
use temper_oci::{Digest, Reference};
use temper_store::blobs::Durability;
use temper_store::engine::{LayoutDestination, StoredImage};
use temper_store::layout::{Layout, ref_name};

use crate::bundle::{self, Expected, Origin, Proved, Scratch};
use crate::cli;
use crate::failure::Failure;
use crate::keys::{self, KnownKey};
use crate::locate;
use crate::printing::{self, counted};
use crate::workspace::Workspace;

/// What stands before the folder of a layout.
const LAYOUT: &str = "oci:";

/// What was exported or imported.
#[derive(Serialize)]
struct Report {
    images: Vec<Image>,
    /// Package files.
    packages: usize,
    /// Package files that provenance names and the data folder does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    packages_missing: Option<usize>,
}

#[derive(Serialize)]
struct Image {
    name: String,
    digest: Digest,
    signed_by: Vec<String>,
    /// Where it was pushed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_to: Option<String>,
}

/// Writes images into a bundle, each verified first.
pub(crate) fn export(
    workspace: &Workspace,
    options: &cli::BundleExport,
    json: bool,
) -> Result<ExitCode, Error> {
    let known = keys::known(workspace, &options.key)?;
    let place = Place::of(&options.output)?;
    let scratch = place.needs_scratch().then(|| Scratch::new(workspace)).transpose()?;
    let folder = place.folder(scratch.as_ref());
    let destination = LayoutDestination::create(folder)
        .with_context(|| format!("layout `{}` cannot be written", folder.display()))?;
    let layout = Layout::open(folder, Durability::Relaxed)?;
    let mut report =
        Report { images: Vec::new(), packages: 0, packages_missing: options.packages.then_some(0) };
    let mut signers = BTreeSet::new();
    let expected = Expected { keys: &known, repository: options.repository.as_deref() };
    for name in &options.images {
        let reference = exported(name)?;
        let (runtime, client) = (workspace.runtime.clone(), workspace.registry.clone());
        let origin = Origin::Registry(RegistryImage::new(runtime, client, reference.clone(), name.clone()));
        let proved = bundle::prove(&origin, &reference, &expected)?;
        let name = reference.to_string();
        bundle::copy(&origin, &destination, std::slice::from_ref(&name))?;
        if options.packages {
            let (added, missing) = bundle::add_packages(&layout, &proved.statements, &workspace.blobs)?;
            report.packages += added;
            report.packages_missing = report.packages_missing.map(|before| before + missing);
        }
        report.images.push(image(name, &proved, &known));
        signers.extend(proved.signers);
    }
    let signers: Vec<&KnownKey> = signers.into_iter().map(|position| &known[position]).collect();
    bundle::add_keys(&layout, &signers)?;
    if let Place::Archive(archive) = &place {
        bundle::pack(folder, archive)?;
    }
    workspace.progress.finish();
    let ids: Vec<Digest> = signers.iter().map(|known| known.key.id()).collect();
    printing::print(json, &report, || export_text(&report, &options.output, &ids))?;
    Ok(ExitCode::SUCCESS)
}

/// Verifies a bundle, and pushes its images where that is asked for.
pub(crate) fn import(
    workspace: &Workspace,
    options: &cli::BundleImport,
    json: bool,
) -> Result<ExitCode, Error> {
    let place = Place::of(&options.bundle)?;
    let scratch = place.needs_scratch().then(|| Scratch::new(workspace)).transpose()?;
    let folder = place.folder(scratch.as_ref());
    if let Place::Archive(archive) = &place {
        bundle::unpack(archive, folder)?;
    }
    let layout = Layout::open(folder, Durability::Relaxed).map_err(|error| {
        let hint = error.hint();
        Failure::failed(error.into()).hint_if(hint)
    })?;
    let known = trusted(workspace, &layout, &options.key)?;
    let images = images(&layout)?;
    if images.is_empty() {
        let error = anyhow!("`{}` has no images of registries", options.bundle);
        return Err(Failure::failed(error).hint("`temper bundle export` makes a bundle").into());
    }
    // All of it is verified before anything of it goes anywhere.
    let expected = Expected { keys: &known, repository: options.repository.as_deref() };
    let mut proved = Vec::new();
    for (name, reference) in &images {
        let origin = Origin::Layout(StoredImage::in_layout(folder, Some(name))?);
        proved.push((bundle::prove(&origin, reference, &expected)?, origin));
    }
    let mut report = Report { images: Vec::new(), packages: 0, packages_missing: None };
    for ((name, reference), (proved, origin)) in images.iter().zip(&proved) {
        let mut image = image(name.clone(), proved, &known);
        if let Some(output) = &options.output {
            image.pushed_to = Some(push(workspace, origin, reference, output)?);
        }
        report.images.push(image);
    }
    report.packages = bundle::packages_of(&layout, &workspace.blobs)?;
    workspace.progress.finish();
    printing::print(json, &report, || import_text(&report))?;
    Ok(ExitCode::SUCCESS)
}

/// A layout, or an archive of one.
enum Place {
    Folder(PathBuf),
    Archive(PathBuf),
}

impl Place {
    fn of(text: &str) -> Result<Self, Error> {
        match text.strip_prefix(LAYOUT) {
            Some(folder) if !folder.is_empty() => Ok(Self::Folder(folder.into())),
            None if Path::new(text).extension().is_some_and(|end| end == "tar") => {
                Ok(Self::Archive(text.into()))
            }
            _ => {
                let error = anyhow!("`{text}` is neither `oci:DIR` nor a file whose name ends with `.tar`");
                Err(Failure::usage(error).into())
            }
        }
    }

    fn needs_scratch(&self) -> bool {
        matches!(self, Self::Archive(_))
    }

    fn folder<'a>(&'a self, scratch: Option<&'a Scratch>) -> &'a Path {
        match (self, scratch) {
            (Self::Archive(_), Some(scratch)) => scratch.path(),
            (Self::Folder(path) | Self::Archive(path), _) => path,
        }
    }
}

/// Reads the name of an image that a bundle can keep.
fn exported(name: &str) -> Result<Reference, Error> {
    let reference = locate::reference(name)?;
    if !Reference::names_registry(name) {
        let error = anyhow!("`{name}` has no registry host");
        return Err(Failure::usage(error).hint(format!("write `HOST/{name}`")).into());
    }
    Ok(reference)
}

/// The images of a bundle: the entries whose names are references.
fn images(layout: &Layout) -> Result<Vec<(String, Reference)>, Error> {
    let entries = layout.index()?.manifests;
    let named = entries.iter().filter_map(ref_name).filter(|name| Reference::names_registry(name));
    Ok(named.filter_map(|name| Some((name.to_owned(), name.parse().ok()?))).collect())
}

/// Reads the keys that must have signed; those of the bundle count only where their ids are given.
fn trusted(workspace: &Workspace, layout: &Layout, named: &[String]) -> Result<Vec<KnownKey>, Error> {
    let mut trusted = Vec::new();
    for name in named {
        let Ok(id) = name.parse::<Digest>() else {
            trusted.extend(keys::known(workspace, std::slice::from_ref(name))?);
            continue;
        };
        let found = bundle::keys_of(layout)?.into_iter().find(|key| key.id() == id);
        let key = found.ok_or_else(|| Failure::failed(anyhow!("the bundle has no key `{id}`")))?;
        trusted.push(KnownKey { name: name.clone(), key });
    }
    Ok(trusted)
}

/// Pushes an image with what is attached to it, and returns its new name.
fn push(
    workspace: &Workspace,
    origin: &Origin,
    reference: &Reference,
    output: &str,
) -> Result<String, Error> {
    let repository = format!("{}/{}", output.trim_end_matches('/'), reference.repository());
    let (destination, _) = locate::destination(workspace, &repository)?;
    let tags: Vec<String> = reference.tag().map(str::to_owned).into_iter().collect();
    bundle::copy(origin, &*destination, &tags)?;
    Ok(match tags.first() {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@{}", origin.source().root()?.digest()),
    })
}

fn image(name: String, proved: &Proved, known: &[KnownKey]) -> Image {
    let signed_by = proved.signers.iter().map(|position| known[*position].name.clone()).collect();
    Image { name, digest: proved.digest, signed_by, pushed_to: None }
}

fn export_text(report: &Report, output: &str, ids: &[Digest]) -> String {
    let mut text = format!("{output}\n");
    for image in &report.images {
        let _ = writeln!(text, "  {}\n    {}", image.name, image.digest);
    }
    if let Some(missing) = report.packages_missing {
        let _ = writeln!(text, "  {}", counted(report.packages, "package file", "package files"));
        if missing > 0 {
            let _ = writeln!(text, "  {missing} more are not in the data folder");
        }
    }
    for id in ids {
        let _ = writeln!(text, "  key {id}");
    }
    text.push_str("Whoever imports it needs the public key, or its id, from elsewhere.\n");
    text
}

fn import_text(report: &Report) -> String {
    let mut text = String::new();
    for image in &report.images {
        let _ = writeln!(text, "{}\n  digest     {}", image.name, image.digest);
        let _ = writeln!(text, "  signed by  {}", image.signed_by.join(", "));
        if let Some(place) = &image.pushed_to {
            let _ = writeln!(text, "  pushed to  {place}");
        }
    }
    if report.packages > 0 {
        let files = counted(report.packages, "package file", "package files");
        let _ = writeln!(text, "{files} are in the data folder");
    }
    text
}
