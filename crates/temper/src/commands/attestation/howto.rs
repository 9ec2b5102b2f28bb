//! `temper attestation howto`: how everybody verifies an image with the programs that they have.
//!
//! What is generated has the key that really signed, and only the types that are really attached.

mod documents;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Error, anyhow};
use serde::Serialize;
use temper_attest::carrier::Verification;
use temper_attest::predicate;

use self::documents::{BUILD_POLICY, Facts, KEY_FILE};
use super::{limits, subject};
use crate::cli;
use crate::failure::Failure;
use crate::keys::{self, KnownKey};
use crate::locate;
use crate::printing;
use crate::workspace::Workspace;

/// The types that cosign has words for, with these words.
const TYPES: &[(&str, &str)] = &[
    ("slsaprovenance1", predicate::SLSA_PROVENANCE),
    ("spdxjson", predicate::SPDX),
    ("cyclonedx", predicate::CYCLONEDX),
    ("openvex", predicate::OPENVEX),
];

/// Everything that is generated.
#[derive(Serialize)]
struct Howto {
    image: String,
    /// Commands for a shell, in a folder that has the files.
    commands: Vec<String>,
    /// Contents by name.
    files: BTreeMap<&'static str, String>,
}

/// Prints commands and policies, or writes them into a folder.
pub(crate) fn howto(
    workspace: &Workspace,
    options: &cli::AttestationHowto,
    json: bool,
) -> Result<ExitCode, Error> {
    let image = &options.image.image;
    if image.starts_with("oci:") {
        let hint = "push it first: others verify what a registry has";
        return Err(Failure::usage(anyhow!("`{image}` is a layout")).hint(hint).into());
    }
    let subject = subject::open(workspace, &options.image)?;
    let digest = subject.root.digest();
    let attached = subject.root_attached()?;
    let verify = |known: KnownKey| {
        let verification = attached.verify(digest, &known.key, &limits());
        (!verification.proofs.is_empty()).then_some((known, verification))
    };
    let known = keys::known(workspace, &options.image.key)?;
    let (key, verification) = known.into_iter().find_map(verify).ok_or_else(|| {
        let hint = "name the key with `--key FILE|URL`";
        Failure::failed(anyhow!("no known key has signed `{image}`")).hint(hint)
    })?;
    let facts = facts(workspace, image, &subject.reference, &key, &verification)?;
    let howto = Howto { image: image.clone(), commands: commands(&facts), files: documents::files(&facts) };
    workspace.progress.finish();
    if let Some(folder) = &options.output {
        write(folder, &howto)?;
    }
    printing::print(json, &howto, || match &options.output {
        Some(folder) => written_text(folder, &howto),
        None => page(&howto),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn facts(
    workspace: &Workspace,
    image: &str,
    repository: &str,
    key: &KnownKey,
    verification: &Verification,
) -> Result<Facts, Error> {
    let types = TYPES.iter().filter(|(_, kind)| !verification.statements(kind).is_empty()).copied();
    let provenance = verification.statements(predicate::SLSA_PROVENANCE);
    let provenance = provenance.first().and_then(|statement| {
        let text = |pointer: &str| statement.predicate.pointer(pointer)?.as_str().map(str::to_owned);
        Some((text("/buildDefinition/buildType")?, text("/runDetails/builder/id")?))
    });
    Ok(Facts {
        image: image.to_owned(),
        repository: repository.to_owned(),
        registry: locate::reference(image)?.registry().to_owned(),
        key_place: key_place(workspace, key)?,
        key: key.key.to_pem(),
        types: types.collect(),
        provenance,
    })
}

/// Where others find the key: the address that it came from, the public server, else the file that is generated.
fn key_place(workspace: &Workspace, key: &KnownKey) -> Result<String, Error> {
    if key.name.starts_with("https://") || key.name.starts_with("http://") {
        return Ok(key.name.clone());
    }
    let Some(public_url) = &workspace.server.public_url else { return Ok(KEY_FILE.to_owned()) };
    let own = workspace.keys.keys()?.into_iter().find(|own| own.public == key.key);
    let address = own.map(|own| format!("{}/keyring/{}.pub", public_url.trim_end_matches('/'), own.number));
    Ok(address.unwrap_or_else(|| KEY_FILE.to_owned()))
}

/// Both versions of cosign in use take these; without a transparency log each needs to be told so.
fn commands(facts: &Facts) -> Vec<String> {
    let options = format!("--key {} --insecure-ignore-tlog", facts.key_place);
    let mut commands = vec![format!("cosign verify {options} {}", facts.image)];
    for (name, _) in &facts.types {
        commands.push(format!("cosign verify-attestation {options} --type {name} {}", facts.image));
    }
    if facts.provenance.is_some() {
        let policy = format!("--type slsaprovenance1 --policy {BUILD_POLICY}");
        commands.push(format!("cosign verify-attestation {options} {policy} {}", facts.image));
    }
    commands
}

fn write(folder: &Path, howto: &Howto) -> Result<(), Error> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("folder `{}` cannot be made", folder.display()))?;
    let script = format!("#!/bin/sh\nset -e\n{}\n", howto.commands.join("\n"));
    let script = ("verify.sh", script.as_str());
    for (name, text) in howto.files.iter().map(|(name, text)| (*name, text.as_str())).chain([script]) {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("file `{}` cannot be written", path.display()))?;
    }
    Ok(())
}

fn written_text(folder: &Path, howto: &Howto) -> String {
    let names = howto.files.keys().copied().chain(["verify.sh"]);
    let names: Vec<String> = names.map(|name| format!("  {}\n", folder.join(name).display())).collect();
    format!("{}\n{}", howto.image, names.concat())
}

/// One page in Markdown.
fn page(howto: &Howto) -> String {
    let mut page = format!("# Verify {}\n\n```sh\n{}\n```\n", howto.image, howto.commands.join("\n"));
    for (name, text) in &howto.files {
        let language = Path::new(name).extension().and_then(|end| end.to_str()).unwrap_or_default();
        let language = if language == "pub" { "text" } else { language };
        let _ = write!(page, "\n## {name}\n\n```{language}\n{text}```\n");
    }
    page
}
