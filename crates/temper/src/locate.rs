//! What `oci:DIR[:TAG]` and references on the command line mean.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use temper_compose::{Destination, ImageSource};
use temper_fetch::engine::{RegistryDestination, RegistryImage};
use temper_oci::Reference;
use temper_oci::reference::check_tag;
use temper_store::blobs::{Blobs, Durability};
use temper_store::engine::{LayoutDestination, StoredImage, StoredImageError};
use temper_store::layout::{Layout, LayoutError};

use crate::failure::Failure;
use crate::workspace::{Workspace, left_over_before};

/// What stands before the folder of a layout, as skopeo writes it.
const LAYOUT: &str = "oci:";

/// Opens an image for reading.
pub(crate) fn source(workspace: &Workspace, text: &str) -> Result<Box<dyn ImageSource>, anyhow::Error> {
    if let Some(layout) = text.strip_prefix(LAYOUT) {
        return Ok(Box::new(layout_image(layout)?));
    }
    let reference = reference(text)?;
    let (runtime, client) = (workspace.runtime.clone(), workspace.registry.clone());
    Ok(Box::new(RegistryImage::new(runtime, client, reference, text.to_owned())))
}

/// Opens an image of a layout, `DIR` or `DIR:TAG`.
pub(crate) fn layout_image(text: &str) -> Result<StoredImage, anyhow::Error> {
    let (folder, tag) = layout_place(text)?;
    StoredImage::in_layout(&folder, tag.as_deref()).map_err(|error| {
        let hint = error.hint();
        let is_none = matches!(
            error,
            StoredImageError::Layout(
                LayoutError::Missing(_) | LayoutError::File(_) | LayoutError::NoLayout(_)
            ) | StoredImageError::Several { .. }
        );
        // What the command line names is no image, or one that is there cannot be read.
        let failure = if is_none { Failure::usage } else { Failure::failed };
        failure(error.into()).hint_if(hint).into()
    })
}

/// Returns the repository, without registry, and the tag that a text means; layouts have no repositories.
pub(crate) fn name(text: &str) -> Result<(Option<String>, Option<String>), anyhow::Error> {
    if let Some(layout) = text.strip_prefix(LAYOUT) {
        return Ok((None, layout_place(layout)?.1));
    }
    let reference = reference(text)?;
    let tag = reference.digest().is_none().then(|| reference.identifier());
    Ok((Some(reference.repository().to_owned()), tag))
}

/// Opens the blobs of the layout that `oci:DIR[:TAG]` names; nothing where `text` is a reference.
pub(crate) fn layout_blobs(text: &str) -> Result<Option<Blobs>, anyhow::Error> {
    let Some(layout) = text.strip_prefix(LAYOUT) else { return Ok(None) };
    let (folder, _) = layout_place(layout)?;
    let layout = Layout::open(&folder, Durability::Relaxed).map_err(|error| {
        let hint = error.hint();
        Failure::usage(error.into()).hint_if(hint)
    })?;
    Ok(Some(layout.blobs().clone()))
}

/// Opens a place for writing, with the tag that it names, if it names one.
pub(crate) fn destination(
    workspace: &Workspace,
    text: &str,
) -> Result<(Box<dyn Destination>, Option<String>), anyhow::Error> {
    if let Some(layout) = text.strip_prefix(LAYOUT) {
        let (folder, tag) = layout_place(layout)?;
        let destination = LayoutDestination::create(&folder)
            .with_context(|| format!("layout `{}` cannot be written", folder.display()))?;
        // What cannot be swept is in nobody's way.
        let _ = destination.sweep(left_over_before());
        return Ok((Box::new(destination), tag));
    }
    has_host(text)?;
    let reference = reference(text)?;
    // A tag counts only where it is written; without one the reference means a repository.
    let tag =
        text.rsplit('/').next().filter(|last| last.contains(':')).and(reference.tag()).map(str::to_owned);
    let destination =
        RegistryDestination::new(workspace.runtime.clone(), workspace.registry.clone(), &reference);
    Ok((Box::new(destination), tag))
}

/// Splits `DIR:TAG` of a place that must name a folder.
fn layout_place(text: &str) -> Result<(PathBuf, Option<String>), anyhow::Error> {
    let (folder, tag) = split_layout(text);
    if folder.as_os_str().is_empty() {
        let hint = "write `oci:DIR` or `oci:DIR:TAG`; is a variable empty?";
        return Err(Failure::usage(anyhow!("`oci:{text}` names no folder")).hint(hint).into());
    }
    Ok((folder, tag))
}

/// Returns the layout or repository of a place for writing, without the tag that it may name.
pub(crate) fn without_tag(text: &str) -> String {
    if let Some(layout) = text.strip_prefix(LAYOUT) {
        return format!("{LAYOUT}{}", split_layout(layout).0.display());
    }
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    text[last..].find([':', '@']).map_or(text, |end| &text[..last + end]).to_owned()
}

/// Returns the repository of a place for writing; of a layout, which is a place on one machine, the one that is meant.
pub(crate) fn repository(text: &str, meant: &str) -> String {
    if text.starts_with(LAYOUT) { meant.to_owned() } else { without_tag(text) }
}

/// Splits `DIR:TAG`; a colon that belongs to the folder's name stays in it.
fn split_layout(text: &str) -> (PathBuf, Option<String>) {
    match text.rsplit_once(':') {
        Some((folder, tag)) if !Path::new(text).exists() && check_tag(tag).is_ok() => {
            (PathBuf::from(folder), Some(tag.to_owned()))
        }
        _ => (PathBuf::from(text), None),
    }
}

/// Refuses a place without a registry host: what was meant for a folder must not be pushed to the network.
fn has_host(text: &str) -> Result<(), anyhow::Error> {
    if Reference::names_registry(text) {
        return Ok(());
    }
    Err(Failure::usage(anyhow!("`{text}` has no registry host"))
        .hint(format!("write `oci:{text}` for a layout, or `HOST/{text}` for a repository"))
        .into())
}

/// Forms of other tools that would pass for a one-word repository with a tag.
const FOREIGN_FORMS: [&str; 4] = ["docker-archive:", "oci-archive:", "docker-daemon:", "containers-storage:"];

/// Says what to write in place of a form that other tools have, where `text` is one.
fn foreign_form(text: &str) -> Option<String> {
    let (form, rest) = text.split_once(':')?;
    match form {
        "docker" | "http" | "https" => {
            Some(format!("write the reference alone, `{}`, or `oci:DIR[:TAG]`", rest.trim_start_matches('/')))
        }
        "docker-archive" | "oci-archive" | "docker-daemon" | "containers-storage" | "dir" => Some(format!(
            "Temper reads references and `oci:DIR[:TAG]`; `skopeo copy --all {text} oci:DIR:TAG` makes a layout"
        )),
        _ => None,
    }
}

/// Parses a reference of the command line.
pub(crate) fn reference(text: &str) -> Result<Reference, anyhow::Error> {
    if Path::new(text).is_dir() {
        return Err(Failure::usage(anyhow!("`{text}` is a folder"))
            .hint(format!("write `oci:{text}` for a layout"))
            .into());
    }
    if let Some(form) = FOREIGN_FORMS.iter().find(|form| text.starts_with(**form)) {
        let error = anyhow!("`{text}` has the form `{form}`, which Temper does not read");
        return Err(Failure::usage(error).hint_if(foreign_form(text)).into());
    }
    text.parse::<Reference>().map_err(|error| {
        let hint = foreign_form(text)
            .or_else(|| error.hint())
            .unwrap_or_else(|| "write `HOST[:PORT]/REPOSITORY[:TAG]`, or `oci:DIR[:TAG]`".to_owned());
        let error = anyhow::Error::new(error).context(format!("`{text}` names no image"));
        Failure::usage(error).hint(hint).into()
    })
}

#[cfg(test)]
mod tests {
    use super::foreign_form;

    #[test]
    fn forms_of_other_tools_are_explained() {
        for (text, expected) in [
            ("docker://registry.example/a:1", Some("write the reference alone, `registry.example/a:1`")),
            ("https://registry.example/a", Some("write the reference alone, `registry.example/a`")),
            ("oci-archive:a.tar", Some("`skopeo copy --all oci-archive:a.tar oci:DIR:TAG`")),
            ("registry.example:5000/a", None),
            ("acme//python::3", None),
        ] {
            let hint = foreign_form(text);
            assert_eq!(hint.is_some(), expected.is_some(), "{text}: {hint:?}");
            assert!(hint.unwrap_or_default().contains(expected.unwrap_or_default()), "{text}");
        }
    }
}
