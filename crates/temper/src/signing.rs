//! Signing: who signs what a command builds, and what is told of the build beside what composition knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::anyhow;
use jiff::Timestamp;
use temper_attest::provenance::{Builder, Target};
use temper_attest::vex::Defect;
use temper_attest::{Limits, PublicKey, Signer, VexDocument};
use temper_compose::{
    Attestation, BuildContext, BuiltImage, Destination, Finding, ImageSource, Planned, Request, Statements,
    publish,
};
use temper_oci::Digest;

use crate::cli;
use crate::failure::{Failure, Problem};
use crate::printing::counted;
use crate::workspace::Workspace;
use crate::{embedded, keys};

/// Who builds with the command line; docs/provenance.md describes the builder.
const BUILDER: &str = "urn:temper:builder:workstation:v1";

/// Version of Temper, as provenance and SBOMs name it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Something planned, with what the document and the command say of it.
pub(crate) struct Job<'a> {
    pub(crate) planned: &'a Planned<'a>,
    /// What was planned.
    pub(crate) request: &'a Request<'a>,
    /// The document, as it was submitted.
    pub(crate) document: &'a str,
    /// The repository that the document names.
    pub(crate) destination: &'a str,
    /// The line of tags, where there is a definition.
    pub(crate) tag_definition_id: Option<String>,
}

/// Where an image goes.
pub(crate) struct Place<'a> {
    pub(crate) destination: &'a dyn Destination,
    /// Registry and repository, as signatures name it.
    pub(crate) repository: &'a str,
    pub(crate) tags: &'a [String],
}

/// Who signs, and what they say.
pub(crate) struct Signing {
    signer: Box<dyn Signer>,
    vex: Vec<VexDocument>,
    trusted_keys: Vec<PublicKey>,
    /// Whether inputs are kept beside the image.
    keep_inputs: bool,
    started: Timestamp,
}

impl Signing {
    /// Opens the key and reads the documents; nothing where the image is not to be signed.
    ///
    /// `base_keys` name the public keys whose word about the base is passed on, beside the own keys.
    pub(crate) fn open(
        workspace: &Workspace,
        options: &cli::Signing,
        base_keys: &[String],
    ) -> Result<Option<Self>, anyhow::Error> {
        if options.no_sign {
            return Ok(None);
        }
        let signer = keys::signer(workspace, options.key.as_deref())?;
        let mut trusted_keys = vec![PublicKey::of(&*signer)?];
        trusted_keys.extend(workspace.keys.keys()?.into_iter().map(|key| key.public));
        if !base_keys.is_empty() {
            trusted_keys.extend(keys::known(workspace, base_keys)?.into_iter().map(|known| known.key));
        }
        let vex = options.vex.iter().map(|path| read_vex(path)).collect::<Result<_, _>>()?;
        let keep_inputs = options.keep_inputs || workspace.keep_inputs;
        Ok(Some(Self { signer, vex, trusted_keys, keep_inputs, started: now() }))
    }

    /// Names the key.
    pub(crate) fn key_id(&self) -> Digest {
        self.signer.key_id()
    }

    fn context(&self, job: &Job<'_>, place: &Place<'_>) -> BuildContext<'_> {
        let micros = self.started.as_microsecond();
        BuildContext {
            repository: place.repository.to_owned(),
            document: job.document.to_owned(),
            target: Target {
                destination: job.destination.to_owned(),
                tag_definition_id: job.tag_definition_id.clone(),
                tags: place.tags.to_vec(),
            },
            builder: Builder {
                id: BUILDER.to_owned(),
                versions: BTreeMap::from([("temper".to_owned(), VERSION.to_owned())]),
            },
            temper_version: VERSION.to_owned(),
            invocation: format!("urn:temper:build:{micros}-{}", std::process::id()),
            started_on: seconds(self.started),
            finished_on: seconds(now()),
            trusted_keys: self.trusted_keys.clone(),
            vex: &self.vex,
        }
    }
}

/// Builds an image, states what it is, and publishes it signed.
pub(crate) fn publish_job(
    workspace: &Workspace,
    job: &Job<'_>,
    place: &Place<'_>,
    signing: Option<&Signing>,
) -> Result<BuiltImage, anyhow::Error> {
    let composer = workspace.composer();
    let image = composer.build(job.planned)?;
    let put = |attestation: Option<&Attestation<'_>>| {
        let Place { destination, tags, .. } = place;
        publish(&image, tags, attestation, &workspace.blobs, *destination, workspace.log())
    };
    let Some(signing) = signing else {
        put(None)?;
        return Ok(image);
    };
    let statements = composer.state(job.planned, job.request, &image, &signing.context(job, place))?;
    tell(workspace, &statements)?;
    if signing.keep_inputs {
        // First, so that the tags move when it is all there.
        let sources: Vec<&dyn ImageSource> =
            job.request.base.into_iter().chain(job.request.artifacts.iter().map(|one| &**one)).collect();
        composer.keep_inputs(&statements.record, &image.index, &sources, place.destination)?;
    }
    let (repository, signer) = (place.repository, &*signing.signer);
    put(Some(&Attestation { statements: &statements, repository, signer }))?;
    Ok(image)
}

/// Tells what of the base's VEX is not passed on; a statement of one's own that means nothing is a mistake.
fn tell(workspace: &Workspace, statements: &Statements) -> Result<(), Failure> {
    let mut text = String::new();
    for unread in &statements.unread {
        let _ = writeln!(text, "warning: nothing is passed on of what is attached: {unread}");
    }
    for dropped in &statements.dropped {
        let (name, reason) = (&dropped.vulnerability, &dropped.reason);
        let _ = writeln!(text, "warning: what the base says about `{name}` is not passed on: {reason}");
    }
    workspace.progress.text(&text);
    if statements.unknown.is_empty() {
        return Ok(());
    }
    let problems = statements.unknown.iter().map(|(vulnerability, package)| {
        let message = format!("`{package}` is neither the image nor a package of it");
        Problem::of_plan(None, &Finding::at(vulnerability, message))
    });
    let hint = "name packages as the image's SBOM does, `pkg:deb/debian/NAME`, with or without a version";
    let error = anyhow!("the VEX document is about something that is not in the image");
    Err(Failure::failed(error).problems(problems).hint(hint))
}

fn read_vex(path: &Path) -> Result<VexDocument, anyhow::Error> {
    let shown = path.display();
    let limits = Limits::default();
    let bytes = read(path, limits.vex_bytes_max).map_err(|error| {
        Failure::usage(error.context(format!("VEX document `{shown}` cannot be read")))
            .hint("name the file of an OpenVEX document")
    })?;
    let document = VexDocument::parse(&bytes, &limits).map_err(|error| {
        let hint = "Temper reads OpenVEX, as `vexctl create` writes it";
        Failure::usage(anyhow::Error::new(error).context(format!("VEX document `{shown}` cannot be used")))
            .hint(hint)
    })?;
    let problems: Vec<Problem> = document.defects().into_iter().map(problem).collect();
    if problems.is_empty() {
        return Ok(document);
    }
    let count = counted(problems.len(), "problem", "problems");
    Err(Failure::failed(anyhow!("VEX document `{shown}` has {count}")).problems(problems).into())
}

fn problem((position, defect): (usize, Defect)) -> Problem {
    let finding = Finding::at(format!("statements[{position}].{}", defect.field()), defect.to_string());
    Problem::of_plan(None, &Finding { hint: defect.hint(), ..finding })
}

/// Reads a file; one that is too long is cut behind the first byte too many, which its parser sees.
fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, anyhow::Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn now() -> Timestamp {
    Timestamp::from_microsecond(embedded::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
