//! The definitions that can be built: the embedded catalog, or a folder in the same form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use temper_spec::{Definition, Parsed};

use crate::failure::{Failure, Problem};
use crate::printing::counted;

/// A definition is one short file; more is not one.
const DEFINITION_BYTES_MAX: u64 = 4 << 20;

/// Texts of definitions by id.
pub(crate) struct Catalog(temper_hub::Catalog);

impl Catalog {
    /// Reads a folder of definitions (`image/…`), or the embedded catalog where none is named.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Self, anyhow::Error> {
        let Some(folder) = folder else { return Ok(Self(temper_hub::Catalog::embedded())) };
        let mut definitions = BTreeMap::new();
        for kind in ["image", "chart"] {
            collect(&folder.join(kind), &mut Vec::new(), &mut definitions)?;
        }
        if definitions.is_empty() {
            return Err(Failure::usage(anyhow!("folder `{}` has no definitions", folder.display()))
                .hint("a catalog has folders `image` and `chart` with files like `image/python/debian-13/3.13.yaml`")
                .into());
        }
        Ok(Self(temper_hub::Catalog::new(definitions)))
    }

    /// Returns the catalog as the hub takes it.
    pub(crate) fn into_inner(self) -> temper_hub::Catalog {
        self.0
    }

    /// Lists the ids in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.ids()
    }

    /// Returns a definition's text.
    pub(crate) fn text(&self, id: &str) -> Result<&str, anyhow::Error> {
        self.0.text(id).ok_or_else(|| {
            Failure::usage(anyhow!("the catalog has no definition `{id}`")).hint(self.0.nearest(id)).into()
        })
    }

    /// Returns a definition.
    pub(crate) fn get(&self, id: &str) -> Result<Parsed<Definition>, anyhow::Error> {
        let text = self.text(id)?;
        Definition::parse(id, text).map_err(|problems| {
            let error = anyhow!("definition `{id}` has {}", counted(problems.0.len(), "problem", "problems"));
            Failure::failed(error).problems(problems.0.iter().map(Problem::from)).into()
        })
    }
}

/// Gathers the definitions below a folder; files beside them (`info.yaml`, guides) are not definitions.
fn collect(
    folder: &Path,
    names: &mut Vec<String>,
    definitions: &mut BTreeMap<String, String>,
) -> Result<(), anyhow::Error> {
    if !folder.is_dir() {
        return Ok(());
    }
    let failed = || format!("folder `{}` cannot be read", folder.display());
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(failed)?;
    entries.sort();
    for path in entries {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            names.push(name.to_owned());
            collect(&path, names, definitions)?;
            names.pop();
        } else if let Some(stem) = name.strip_suffix(".yaml")
            && names.len() >= 2
        {
            let failed = || format!("definition `{}` cannot be read", path.display());
            if std::fs::metadata(&path).with_context(failed)?.len() > DEFINITION_BYTES_MAX {
                return Err(anyhow!(
                    "definition `{}` is larger than {DEFINITION_BYTES_MAX} bytes",
                    path.display()
                ));
            }
            let text = std::fs::read_to_string(&path).with_context(failed)?;
            definitions.insert(format!("{}/{stem}", names.join("/")), text);
        }
    }
    Ok(())
}
