//! Documents that are sent to a server, read from files, a folder, or standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use temper_spec::yaml::{self, Limits};
use temper_web::SentDocument;

use crate::failure::Failure;

/// Longest document in bytes: what its parser takes.
const DOCUMENT_BYTES_MAX: u64 = Limits::DEFAULT.bytes_max as u64;

/// How many files of a folder are read.
const FILES_MAX: usize = 10_000;

/// Reads the documents of files; `-` is standard input.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<SentDocument>, anyhow::Error> {
    let input = [PathBuf::from("-")];
    let files = if files.is_empty() { input.as_slice() } else { files };
    files.iter().map(|file| document(file, &file.display().to_string())).collect()
}

/// Reads the documents of a folder, by name.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<SentDocument>, anyhow::Error> {
    let failed = || format!("folder `{}` cannot be read", folder.display());
    let wrong = |error: anyhow::Error| Failure::usage(error).hint("name a folder with YAML files");
    let entries = fs::read_dir(folder).with_context(failed).map_err(wrong)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(failed).map_err(wrong)?.path();
        let is_yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        if is_yaml && path.is_file() {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            return Err(Failure::usage(anyhow!("folder has more than {FILES_MAX} documents")).into());
        }
    }
    files.sort();
    files.iter().map(|file| document(file, &file.file_name().unwrap_or_default().to_string_lossy())).collect()
}

fn document(file: &Path, name: &str) -> Result<SentDocument, anyhow::Error> {
    let failed = || format!("document `{}` cannot be read", file.display());
    let text = read_text(file)
        .with_context(failed)
        .map_err(|error| Failure::usage(error).hint("name a YAML file, or `-` for standard input"))?;
    if text.len() as u64 > DOCUMENT_BYTES_MAX {
        let error = anyhow!("document `{}` has more than {DOCUMENT_BYTES_MAX} bytes", file.display());
        return Err(Failure::failed(error).into());
    }
    Ok(SentDocument { file: name.to_owned(), text, ..SentDocument::default() })
}

fn read_text(file: &Path) -> io::Result<String> {
    let input: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(fs::File::open(file)?) };
    let mut text = String::new();
    input.take(DOCUMENT_BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns the organization that is named, or the one whose namespace the documents' destinations are in.
pub(super) fn organization(
    named: Option<&str>,
    destination: Option<&str>,
    documents: &[SentDocument],
) -> Result<String, anyhow::Error> {
    let of_documents = || documents.iter().find_map(|document| first_destination(&document.text));
    let found = named.map(str::to_owned).or_else(|| {
        let destination = destination.map(str::to_owned).or_else(of_documents)?;
        let name = temper_hub::organization_of(without_host(&destination));
        (!name.is_empty()).then(|| name.to_owned())
    });
    found.ok_or_else(|| {
        Failure::usage(anyhow!("no organization is named"))
            .hint("name it with `--org ORG` or `TEMPER_ORG`")
            .into()
    })
}

/// Returns the first destination of a document, as far as it can be read; the server tells what is wrong with it.
fn first_destination(text: &str) -> Option<String> {
    let tree = yaml::parse(text, &Limits::DEFAULT).ok()?;
    let of_targets = || match &tree.get("targets")?.value {
        yaml::Value::Sequence(targets) => scalar(targets.first()?.get("destination")?),
        _ => None,
    };
    of_targets().or_else(|| scalar(tree.get("destination")?))
}

/// Returns the `id` of a document.
pub(super) fn id(text: &str) -> Option<String> {
    scalar(yaml::parse(text, &Limits::DEFAULT).ok()?.get("id")?)
}

fn scalar(node: &yaml::Node) -> Option<String> {
    match &node.value {
        yaml::Value::Scalar(text, _) => Some(text.clone()),
        _ => None,
    }
}

fn without_host(reference: &str) -> &str {
    if temper_oci::Reference::names_registry(reference) {
        reference.split_once('/').map_or(reference, |(_, name)| name)
    } else {
        reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organization_is_that_of_the_documents() {
        let sent = |text: &str| vec![SentDocument { text: text.to_owned(), ..SentDocument::default() }];
        for (text, expected) in [
            ("targets: [{destination: acme/app}]", Some("acme")),
            ("destination: registry.example:5000/acme/app", Some("acme")),
            ("name: x", None),
            ("{", None),
        ] {
            assert_eq!(organization(None, None, &sent(text)).ok().as_deref(), expected, "{text}");
        }
        let named = organization(Some("other"), None, &sent("targets: [{destination: acme/app}]"));
        assert_eq!(named.expect("is named"), "other");
    }

    #[test]
    fn a_folder_gives_its_yaml_files_by_name() {
        let folder = tempfile::tempdir().expect("makes a folder");
        for name in ["b.yaml", "a.yml", "notes.txt"] {
            fs::write(folder.path().join(name), name).expect("writes");
        }
        let read = read_folder(folder.path()).expect("reads");
        let names: Vec<&str> = read.iter().map(|document| document.file.as_str()).collect();
        assert_eq!(names, ["a.yml", "b.yaml"]);
    }
}
