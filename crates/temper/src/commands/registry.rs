//! `temper registry`: usage, garbage and integrity of the embedded registry.

use std::fmt::Write as _;
use std::process::ExitCode;

use indicatif::HumanBytes;
use serde_json::{Value, json};
use temper_registry::{Checked, CollectOptions, Collected, Damage};
use temper_store::records::{RepositoryUsage, Usage};

use crate::cli;
use crate::failure::Failure;
use crate::printing;
use crate::server;
use crate::workspace::Workspace;

/// Shows how much repositories keep.
pub(crate) fn usage(
    workspace: &Workspace,
    options: &cli::RegistryUsage,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let registry = server::open_registry(workspace, None)?;
    let scope = options.repository.as_deref();
    let usage = workspace.runtime.block_on(registry.repositories().usage(scope))?;
    workspace.progress.finish();
    if let (Some(scope), true) = (scope, usage.repositories.is_empty()) {
        let error = anyhow::anyhow!("there is no repository `{scope}`");
        return Err(Failure::failed(error).hint("`temper registry usage` lists all").into());
    }
    printing::print(json, &usage_json(&usage), || usage_text(&usage))?;
    Ok(ExitCode::SUCCESS)
}

/// Removes what nothing needs, or shows it.
pub(crate) fn gc(
    workspace: &Workspace,
    options: &cli::RegistryGc,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let registry = server::open_registry(workspace, options.accounts.as_deref())?;
    let collect = CollectOptions { grace: options.grace, dry_run: options.dry_run };
    let collected = workspace.runtime.block_on(registry.collect(collect))?;
    workspace.progress.finish();
    let shown = collected_json(&collected, options.dry_run);
    printing::print(json, &shown, || collected_text(&collected, options.dry_run))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads everything that is kept; fails where something is damaged, or a tag leads to what was deleted.
pub(crate) fn check(workspace: &Workspace, json: bool) -> Result<ExitCode, anyhow::Error> {
    let registry = server::open_registry(workspace, None)?;
    let checked = workspace.runtime.block_on(registry.check())?;
    workspace.progress.finish();
    printing::print(json, &checked_json(&checked), || checked_text(&checked))?;
    Ok(if checked.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn usage_json(usage: &Usage) -> Value {
    let repository = |usage: &RepositoryUsage| {
        json!({
            "repository": usage.repository,
            "logical_bytes": usage.logical_bytes,
            "exclusive_bytes": usage.exclusive_bytes,
            "blobs": usage.blobs,
            "manifests": usage.manifests,
            "tags": usage.tags,
        })
    };
    json!({
        "logical_bytes": usage.logical_bytes,
        "deduplicated_bytes": usage.deduplicated_bytes,
        "repositories": usage.repositories.iter().map(repository).collect::<Vec<_>>(),
    })
}

fn usage_text(usage: &Usage) -> String {
    let mut text =
        format!("{:>12} {:>12} {:>8} {:>10}  repository\n", "size", "its own", "tags", "manifests");
    for RepositoryUsage { repository, logical_bytes, exclusive_bytes, tags, manifests, .. } in
        &usage.repositories
    {
        let (size, own) = (HumanBytes(*logical_bytes).to_string(), HumanBytes(*exclusive_bytes).to_string());
        let _ = writeln!(text, "{size:>12} {own:>12} {tags:>8} {manifests:>10}  {repository}");
    }
    let (logical, kept) = (HumanBytes(usage.logical_bytes), HumanBytes(usage.deduplicated_bytes));
    let _ = writeln!(text, "{logical} in all, {kept} where what repositories share counts once");
    text
}

fn collected_json(collected: &Collected, dry_run: bool) -> Value {
    let sized = |(digest, size_bytes): &(String, u64)| json!({ "key": digest, "size_bytes": size_bytes });
    let blob = |(digest, size_bytes): &(temper_oci::Digest, u64)| json!({ "digest": digest, "size_bytes": size_bytes });
    json!({
        "dry_run": dry_run,
        "size_bytes": collected.bytes(),
        "repositories": collected.repositories.iter().map(|repository| json!({
            "repository": repository.repository,
            "manifests": repository.manifests,
            "blobs": repository.blobs,
        })).collect::<Vec<_>>(),
        "blobs": collected.blobs.iter().map(blob).collect::<Vec<_>>(),
        "leftovers": collected.leftovers.iter().map(sized).collect::<Vec<_>>(),
        "uploads": collected.uploads,
    })
}

fn collected_text(collected: &Collected, dry_run: bool) -> String {
    let mut text = String::new();
    for repository in &collected.repositories {
        for digest in &repository.manifests {
            let _ = writeln!(text, "{}@{digest}", repository.repository);
        }
    }
    let manifests: usize = collected.repositories.iter().map(|repository| repository.manifests.len()).sum();
    let verb = if dry_run { "would remove" } else { "removed" };
    let _ = writeln!(
        text,
        "{verb} {manifests} manifests, {} blobs, {} uploads and {} leftovers of crashes: {}",
        collected.blobs.len(),
        collected.uploads.len(),
        collected.leftovers.len(),
        HumanBytes(collected.bytes())
    );
    text
}

fn checked_json(checked: &Checked) -> Value {
    json!({
        "blobs": checked.blobs,
        "blob_bytes": checked.blob_bytes,
        "manifests": checked.manifests,
        "damages": checked.damages.iter().map(damage).collect::<Vec<_>>(),
        "dangling": checked.dangling.iter().map(|dangling| json!({
            "repository": dangling.repository,
            "manifest": dangling.manifest,
            "target": dangling.target,
            "tag": dangling.tag,
        })).collect::<Vec<_>>(),
    })
}

fn checked_text(checked: &Checked) -> String {
    let mut text = String::new();
    for found in &checked.damages {
        let _ = writeln!(text, "damaged: {}", damage(found));
    }
    for dangling in &checked.dangling {
        let (repository, manifest, target) = (&dangling.repository, &dangling.manifest, &dangling.target);
        let tag = dangling.tag.as_ref().map_or(String::new(), |tag| format!(", and tag `{tag}` leads there"));
        let _ =
            writeln!(text, "incomplete: `{repository}@{manifest}` names `{target}`, which was deleted{tag}");
    }
    let _ = writeln!(
        text,
        "read {} blobs ({}) and {} manifests: {} damaged, {} references to what was deleted",
        checked.blobs,
        HumanBytes(checked.blob_bytes),
        checked.manifests,
        checked.damages.len(),
        checked.dangling.len()
    );
    if !checked.damages.is_empty() {
        text.push_str(
            "hint: push the images again that have what is damaged; it is replaced, and hidden until then\n",
        );
    } else if !checked.is_whole() {
        text.push_str("hint: push the images of these tags again, or delete the tags\n");
    }
    text
}

fn damage(damage: &Damage) -> String {
    match damage {
        Damage::MissingBlob(digest) => format!("blob `{digest}` is missing"),
        Damage::WrongBlob(digest) => format!("blob `{digest}` has other bytes"),
        Damage::WrongManifest { repository, digest } => {
            format!("manifest `{digest}` of `{repository}` has other bytes")
        }
    }
}
