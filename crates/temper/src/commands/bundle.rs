//! `temper bundle`: images with everything that proves them, carried to networks without a way out.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Error, anyhow};
use serde::Serialize;
use temper_attest::provenance::Input;
use temper_attest::{PublicKey, Statement, predicate};
use temper_compose::{ImageSource, Inputs as _, input_roots, verify};
use temper_fetch::engine::RegistryImage;
use temper_oci::{Digest, Reference};
use temper_store::blobs::Durability;
use temper_store::engine::{LayoutDestination, StoredImage};
use temper_store::layout::{Layout, LayoutError, ref_name};

use crate::bundle::{self, Expected, Origin, Proved, Scratch, Strangers};
use crate::cli;
use crate::failure::Failure;
use crate::inputs::Places;
use crate::keys::{self, KnownKey};
use crate::locate;
use crate::printing::{self, counted};
use crate::workspace::Workspace;

/// What stands before the folder of a layout.
const LAYOUT: &str = "oci:";

/// What was exported or imported.
#[derive(Default, Serialize)]
struct Report {
    images: Vec<Image>,
    /// Bases and artifacts.
    inputs: usize,
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
    /// What is attached to it, signed by no known key, and not taken along.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<Vec<Digest>>,
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
    let mut exporter =
        Exporter { workspace, options, known: &known, layout: &layout, signers: BTreeSet::new() };
    let takes_packages = options.packages || options.inputs;
    let mut report = Report { packages_missing: takes_packages.then_some(0), ..Report::default() };
    for name in &options.images {
        exporter.export(name, &destination, &mut report)?;
    }
    let signers = exporter.signers;
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

/// What images are written into a bundle with.
struct Exporter<'a> {
    workspace: &'a Workspace,
    options: &'a cli::BundleExport,
    known: &'a [KnownKey],
    layout: &'a Layout,
    /// Positions of the keys that have signed something.
    signers: BTreeSet<usize>,
}

impl Exporter<'_> {
    fn export(
        &mut self,
        name: &str,
        destination: &LayoutDestination,
        report: &mut Report,
    ) -> Result<(), Error> {
        let Self { workspace, options, known, layout, .. } = *self;
        let reference = exported(name)?;
        let (runtime, client) = (workspace.runtime.clone(), workspace.registry.clone());
        let origin =
            Origin::Registry(RegistryImage::new(runtime, client, reference.clone(), name.to_owned()));
        let repository = options.repository.as_deref();
        let expected = Expected { keys: known, repository, strangers: Strangers::LeftOut };
        let proved = bundle::prove(&origin, &reference, &expected)?;
        let (full, keys) = (reference.to_string(), bundle::keys(known));
        bundle::copy(&origin, &keys, destination, std::slice::from_ref(&full))?;
        if options.inputs {
            report.inputs += self.keep_inputs(name, &origin, destination)?;
        }
        if let Some(missing) = &mut report.packages_missing {
            let (added, absent) = bundle::add_packages(layout, &proved.statements, &workspace.blobs)?;
            report.packages += added;
            *missing += absent;
        }
        for stranger in &proved.strangers {
            let text =
                format!("warning: `{stranger}`, attached to `{name}`, is of none of the keys and left out\n");
            workspace.progress.text(&text);
        }
        report.images.push(Image { left_out: Some(proved.strangers.clone()), ..image(full, &proved, known) });
        self.signers.extend(proved.signers);
        Ok(())
    }

    /// Adds everything that an image was made of; returns how many bases and artifacts there are.
    fn keep_inputs(
        &self,
        name: &str,
        origin: &Origin,
        destination: &LayoutDestination,
    ) -> Result<usize, Error> {
        let keys: Vec<PublicKey> = self.known.iter().map(|known| known.key.clone()).collect();
        let record = verify::provenance(origin.source(), &keys)?;
        let places = Places::of(self.workspace, name, &self.options.places, true)?;
        let composer = self.workspace.composer();
        // What is kept beside the image already saves asking others.
        composer.take_inputs(origin.source(), &record)?;
        let mut sources = Vec::new();
        for input in input_roots(&record) {
            let source = places.image(input)?.ok_or_else(|| {
                let Input { role, name, digest, .. } = input;
                let missing = anyhow!("{} `{name}@{digest}` is not to be found any more", role.as_str());
                Failure::failed(missing).hint("name a layout or repository that has it with `--input`")
            })?;
            sources.push(source);
        }
        let sources: Vec<&dyn ImageSource> = sources.iter().map(|source| &**source).collect();
        let root = origin.source().root()?.descriptor();
        Ok(composer.keep_inputs(&record, &root, &sources, destination)?.images)
    }
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
        // What the command line names is no layout, or one that is there cannot be read.
        let is_none =
            matches!(error, LayoutError::Missing(_) | LayoutError::File(_) | LayoutError::NoLayout(_));
        let failure = if is_none { Failure::usage } else { Failure::failed };
        failure(error.into()).hint_if(hint)
    })?;
    let known = trusted(workspace, &layout, &options.key)?;
    let images = images(&layout)?;
    if images.is_empty() {
        let error = anyhow!("`{}` has no images of registries", options.bundle);
        return Err(Failure::failed(error).hint("`temper bundle export` makes a bundle").into());
    }
    // All of it is verified before anything of it goes anywhere.
    let repository = options.repository.as_deref();
    let expected = Expected { keys: &known, repository, strangers: Strangers::Refused };
    let mut proved = Vec::new();
    for (name, reference) in &images {
        let origin = Origin::Layout(StoredImage::in_layout(folder, Some(name))?);
        proved.push((bundle::prove(&origin, reference, &expected)?, origin));
    }
    let mut report = Report::default();
    for ((name, reference), (proved, origin)) in images.iter().zip(&proved) {
        let mut image = image(name.clone(), proved, &known);
        if let Some(output) = &options.output {
            image.pushed_to = Some(push(workspace, origin, &bundle::keys(&known), (reference, output))?);
        }
        report.images.push(image);
    }
    let statements: Vec<Statement> = proved.iter().flat_map(|(one, _)| one.statements.clone()).collect();
    report.packages = bundle::take_packages(&layout, &statements, &workspace.blobs)?;
    for (one, origin) in &proved {
        report.inputs += take_inputs(workspace, one, origin)?;
    }
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

/// Puts what an image was made of into the data folder, as far as its provenance names it and the bundle has it.
fn take_inputs(workspace: &Workspace, proved: &Proved, origin: &Origin) -> Result<usize, Error> {
    let provenance = proved.statements.iter().find(|one| one.predicate_type == predicate::SLSA_PROVENANCE);
    let Some(provenance) = provenance else { return Ok(0) };
    let record = verify::read_provenance(provenance)?;
    Ok(workspace.composer().take_inputs(origin.source(), &record)?.images)
}

/// Pushes an image with what is attached to it, and returns its new name.
fn push(
    workspace: &Workspace,
    origin: &Origin,
    keys: &[&PublicKey],
    (reference, output): (&Reference, &str),
) -> Result<String, Error> {
    let repository = format!("{}/{}", output.trim_end_matches('/'), reference.repository());
    let (destination, _) = locate::destination(workspace, &repository)?;
    let tags: Vec<String> = reference.tag().map(str::to_owned).into_iter().collect();
    bundle::copy(origin, keys, &*destination, &tags)?;
    Ok(match tags.first() {
        Some(tag) => format!("{repository}:{tag}"),
        None => format!("{repository}@{}", origin.source().root()?.digest()),
    })
}

fn image(name: String, proved: &Proved, known: &[KnownKey]) -> Image {
    let signed_by = proved.signers.iter().map(|position| known[*position].name.clone()).collect();
    Image { name, digest: proved.digest, signed_by, left_out: None, pushed_to: None }
}

fn export_text(report: &Report, output: &str, ids: &[Digest]) -> String {
    let mut text = format!("{output}\n");
    for image in &report.images {
        let _ = writeln!(text, "  {}\n    {}", image.name, image.digest);
    }
    if report.inputs > 0 {
        let _ = writeln!(text, "  {}", counted(report.inputs, "base or artifact", "bases and artifacts"));
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
    if report.inputs > 0 {
        let images = counted(report.inputs, "base or artifact is", "bases and artifacts are");
        let _ = writeln!(text, "{images} in the data folder");
    }
    if report.packages > 0 {
        let files = counted(report.packages, "package file", "package files");
        let _ = writeln!(text, "{files} are in the data folder");
    }
    text
}
