//! `temper attestation`: what is said about an image, by whom, and how others verify it.

mod howto;
mod sbom;
mod subject;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Error, anyhow};
use serde::Serialize;
use temper_attest::carrier::{Carrier, Listed};
use temper_attest::{Limits, predicate};
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
    let listed = subject.find(options.digest)?;
    let found = choose(&listed, &known).or_else(|refusal| refusal.allow(workspace, options.allow_unsigned));
    let found = found.map_err(|refusal| {
        let what = format!("attestation `{}` of `{}`", options.digest, subject.reference);
        refusal.explain(&what, &options.image)
    })?;
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
    let mut listed = subject.attested()?;
    listed.retain(|listed| listed.predicate_type == predicate::SPDX);
    let found = choose(&listed, &known).or_else(|refusal| refusal.allow(workspace, options.allow_unsigned));
    let found = found.map_err(|refusal| {
        refusal.explain(&format!("SPDX document of `{}`", subject.reference), &options.image)
    })?;
    let document = found.envelope.statement(&limits())?.predicate;
    workspace.progress.finish();
    printing::print(json, &document, || sbom::text(&subject.shown(), &document))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the first that a known key verifies: whatever strangers attach beside it hides nothing.
fn choose<'a>(listed: &'a [Listed], known: &[KnownKey]) -> Result<&'a Listed, Refusal<'a>> {
    let is_verified = |listed: &&Listed| known.iter().any(|known| listed.envelope.verify(&known.key).is_ok());
    listed
        .iter()
        .find(is_verified)
        .ok_or(Refusal { first: listed.first(), is_without_keys: known.is_empty() })
}

/// Why nothing is shown.
struct Refusal<'a> {
    /// What would be, if anybody's word counted.
    first: Option<&'a Listed>,
    is_without_keys: bool,
}

impl<'a> Refusal<'a> {
    /// Takes anybody's word where that is wanted, and tells so.
    fn allow(self, workspace: &Workspace, is_allowed: bool) -> Result<&'a Listed, Self> {
        let Some(first) = self.first.filter(|_| is_allowed) else { return Err(self) };
        workspace.progress.text("warning: not verified: no known key has signed this\n");
        Ok(first)
    }

    fn explain(&self, what: &str, options: &cli::AttestedImage) -> Failure {
        if self.first.is_none() {
            let hint = "`temper attestation list IMAGE` shows what is attached";
            return Failure::failed(anyhow!("there is no {what}")).hint(hint);
        }
        let error = match () {
            () if !options.key.is_empty() => anyhow!("the {what} is signed by none of the given keys"),
            () if self.is_without_keys => anyhow!("there is no key to verify the {what} with"),
            () => anyhow!("the {what} is signed by no key of the data folder"),
        };
        let hint = "name the key of its publisher, `--key FILE` or `--key https://HOST/keyring/latest.pub`; with \
                    `--allow-unsigned` anybody's word is shown";
        Failure::failed(error).hint(hint)
    }
}

/// One row for each statement, however often it is attached.
fn rows(listed: &[Listed], known: &[KnownKey]) -> Vec<Row> {
    let mut groups: BTreeMap<&[u8], Vec<&Listed>> = BTreeMap::new();
    for item in listed {
        groups.entry(&item.envelope.payload).or_default().push(item);
    }
    let mut rows: Vec<Row> = groups.values().map(|items| row(items, known)).collect();
    rows.sort_by(|a, b| (&a.predicate_type, a.digest).cmp(&(&b.predicate_type, b.digest)));
    rows
}

fn row(items: &[&Listed], known: &[KnownKey]) -> Row {
    let referrer = items.iter().find(|item| item.carrier == Carrier::Referrer);
    let digest = referrer.map_or_else(|| items[0].blob, |item| item.manifest);
    let has_signed = |known: &&KnownKey| items.iter().any(|item| item.envelope.verify(&known.key).is_ok());
    let signed_by = known.iter().filter(has_signed).map(|known| known.name.clone()).collect();
    let has = |carrier: Carrier| items.iter().any(|item| item.carrier == carrier);
    let carriers = [(Carrier::Referrer, "referrer"), (Carrier::LegacyTag, "legacy-tag")];
    let carriers = carriers.into_iter().filter(|(carrier, _)| has(*carrier)).map(|(_, name)| name).collect();
    Row { digest, predicate_type: items[0].predicate_type.clone(), signed_by, carriers }
}

fn list_text(list: &List) -> String {
    let mut text = match &list.platform {
        Some(platform) => format!("{}@{} ({platform})\n", list.image, list.digest),
        None => format!("{}@{}\n", list.image, list.digest),
    };
    if list.attestations.is_empty() {
        text.push_str("no attestations\n");
    }
    // Strangers name types too.
    let kinds = list.attestations.iter().map(|row| printing::cell(&row.predicate_type));
    let kinds: Vec<_> = kinds.collect();
    let width = kinds.iter().map(|kind| kind.chars().count()).max().unwrap_or(0);
    for (row, kind) in list.attestations.iter().zip(&kinds) {
        let signers =
            if row.signed_by.is_empty() { "an unknown key".to_owned() } else { row.signed_by.join(", ") };
        let _ = writeln!(text, "{kind:width$}  {}  signed by {signers}", row.digest);
    }
    text
}

/// The bounds of everything that is read here.
fn limits() -> Limits {
    Limits::default()
}

#[cfg(test)]
mod tests;
