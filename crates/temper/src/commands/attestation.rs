//! `temper attestation`: what is said about an image, by whom, and how others verify it.

mod howto;
mod sbom;
mod subject;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Error, anyhow};
use serde::Serialize;
use temper_attest::carrier::{Carrier, Listed};
use temper_attest::{Limits, Statement, predicate};
use temper_oci::{Digest, Platform};

use crate::cli;
use crate::failure::Failure;
use crate::keys::{self, KnownKey};
use crate::printing;
use crate::workspace::Workspace;

pub(crate) use howto::howto;

/// One attestation, as `list` shows it.
#[derive(Serialize)]
struct Row {
    /// What `get` takes: the referrer, or the blob where only the legacy tag has it.
    digest: Digest,
    predicate_type: String,
    /// Known keys that verify it.
    signed_by: Vec<String>,
    /// Where it is: `referrer`, `legacy-tag`.
    carriers: Vec<&'static str>,
}

/// Everything that `list` shows.
#[derive(Serialize)]
struct List {
    image: String,
    digest: Digest,
    platform: Option<Platform>,
    attestations: Vec<Row>,
}

/// Lists the attestations of an image.
pub(crate) fn list(
    workspace: &Workspace,
    options: &cli::AttestationList,
    json: bool,
) -> Result<ExitCode, Error> {
    let subject = subject::open(workspace, &options.image)?;
    let known = keys::known(workspace, &options.image.key)?;
    let mut rows = rows(&subject.attested()?, &known);
    if !options.predicate_type.is_empty() {
        rows.retain(|row| options.predicate_type.contains(&row.predicate_type));
    }
    workspace.progress.finish();
    let (image, digest, platform) = (subject.reference.clone(), subject.digest(), subject.platform.clone());
    let list = List { image, digest, platform, attestations: rows };
    printing::print(json, &list, || list_text(&list))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints one statement, as it was signed.
pub(crate) fn get(workspace: &Workspace, options: &cli::AttestationGet) -> Result<ExitCode, Error> {
    let subject = subject::open(workspace, &options.image)?;
    let known = keys::known(workspace, &options.image.key)?;
    let found = subject.find(options.digest)?.ok_or_else(|| {
        let message = format!("image `{}` has no attestation `{}`", subject.reference, options.digest);
        Failure::failed(anyhow!(message)).hint("`temper attestation list IMAGE` shows what it has")
    })?;
    check(workspace, &found, &known, !options.image.key.is_empty())?;
    workspace.progress.finish();
    match &options.output {
        Some(path) => std::fs::write(path, &found.envelope.payload)
            .with_context(|| format!("file `{}` cannot be written", path.display()))?,
        None => printing::print_text(&format!("{}\n", String::from_utf8_lossy(&found.envelope.payload)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the SPDX document of a platform; with `json` the document itself.
pub(crate) fn sbom(
    workspace: &Workspace,
    options: &cli::AttestationSbom,
    json: bool,
) -> Result<ExitCode, Error> {
    let subject = subject::open(workspace, &options.image)?;
    let known = keys::known(workspace, &options.image.key)?;
    let listed = subject.attested()?;
    let found = listed.iter().find(|listed| listed.statement.predicate_type == predicate::SPDX);
    let found = found.ok_or_else(|| {
        let error = anyhow!("image `{}` has no SPDX document", subject.reference);
        Failure::failed(error).hint("`temper attestation list IMAGE` shows what it has")
    })?;
    check(workspace, found, &known, !options.image.key.is_empty())?;
    workspace.progress.finish();
    let document = &found.statement.predicate;
    printing::print(json, document, || sbom::text(&subject.shown(), document))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses what the named keys do not verify; tells where there was no key to verify with.
fn check(workspace: &Workspace, listed: &Listed, known: &[KnownKey], is_named: bool) -> Result<(), Error> {
    if known.iter().any(|known| listed.envelope.verify(&known.key).is_ok()) {
        return Ok(());
    }
    if is_named {
        let error = anyhow!("attestation `{}` is signed by none of the given keys", listed.manifest);
        return Err(Failure::failed(error).into());
    }
    workspace.progress.text("warning: not verified: no known key has signed this; name one with `--key`\n");
    Ok(())
}

/// One row for each statement, however often it is attached.
fn rows(listed: &[Listed], known: &[KnownKey]) -> Vec<Row> {
    let mut groups: Vec<(&Statement, Vec<&Listed>)> = Vec::new();
    for item in listed {
        match groups.iter_mut().find(|(statement, _)| *statement == &item.statement) {
            Some((_, items)) => items.push(item),
            None => groups.push((&item.statement, vec![item])),
        }
    }
    let rows = groups.into_iter().map(|(statement, items)| row(statement, &items, known));
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by(|a, b| (&a.predicate_type, a.digest).cmp(&(&b.predicate_type, b.digest)));
    rows
}

fn row(statement: &Statement, items: &[&Listed], known: &[KnownKey]) -> Row {
    let referrer = items.iter().find(|item| item.carrier == Carrier::Referrer);
    let digest = referrer.map_or_else(|| items[0].blob, |item| item.manifest);
    let has_signed = |known: &&KnownKey| items.iter().any(|item| item.envelope.verify(&known.key).is_ok());
    let signed_by = known.iter().filter(has_signed).map(|known| known.name.clone()).collect();
    let has = |carrier: Carrier| items.iter().any(|item| item.carrier == carrier);
    let carriers = [(Carrier::Referrer, "referrer"), (Carrier::LegacyTag, "legacy-tag")];
    let carriers = carriers.into_iter().filter(|(carrier, _)| has(*carrier)).map(|(_, name)| name).collect();
    Row { digest, predicate_type: statement.predicate_type.clone(), signed_by, carriers }
}

fn list_text(list: &List) -> String {
    let mut text = match &list.platform {
        Some(platform) => format!("{}@{} ({platform})\n", list.image, list.digest),
        None => format!("{}@{}\n", list.image, list.digest),
    };
    if list.attestations.is_empty() {
        text.push_str("no attestations\n");
    }
    let width = list.attestations.iter().map(|row| row.predicate_type.len()).max().unwrap_or(0);
    for row in &list.attestations {
        let signers =
            if row.signed_by.is_empty() { "an unknown key".to_owned() } else { row.signed_by.join(", ") };
        let _ = writeln!(text, "{:width$}  {}  signed by {signers}", row.predicate_type, row.digest);
    }
    text
}

/// The bounds of everything that is read here.
fn limits() -> Limits {
    Limits::default()
}
