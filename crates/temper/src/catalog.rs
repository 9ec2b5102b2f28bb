//! The definitions that can be built: the embedded catalog, or a folder in the same form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use temper_spec::{Definition, Parsed};

use crate::failure::{Failure, Problem};
use crate::printing::counted;

/// The catalog that ships with Temper, by id.
const EMBEDDED: [(&str, &str); 8] = [
    ("bash/debian-13/5", include_str!("../../../catalog/image/bash/debian-13/5.yaml")),
    ("bash/debian-13/5-dev", include_str!("../../../catalog/image/bash/debian-13/5-dev.yaml")),
    ("debian-base/debian-13/13", include_str!("../../../catalog/image/debian-base/debian-13/13.yaml")),
    (
        "debian-base/debian-13/13-dev",
        include_str!("../../../catalog/image/debian-base/debian-13/13-dev.yaml"),
    ),
    ("python/debian-13/3.13", include_str!("../../../catalog/image/python/debian-13/3.13.yaml")),
    ("python/debian-13/3.13-dev", include_str!("../../../catalog/image/python/debian-13/3.13-dev.yaml")),
    ("static/debian-13/13", include_str!("../../../catalog/image/static/debian-13/13.yaml")),
    ("static/debian-13/13-dev", include_str!("../../../catalog/image/static/debian-13/13-dev.yaml")),
];

/// A definition is one short file; more is not one.
const DEFINITION_BYTES_MAX: u64 = 4 << 20;

/// Most ids that a hint names.
const IDS_SHOWN_MAX: usize = 12;

/// Texts of definitions by id.
pub(crate) struct Catalog(BTreeMap<String, String>);

impl Catalog {
    /// Reads a folder of definitions (`image/…`), or the embedded catalog where none is named.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Self, anyhow::Error> {
        let Some(folder) = folder else {
            let embedded = EMBEDDED.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned()));
            return Ok(Self(embedded.collect()));
        };
        let mut definitions = BTreeMap::new();
        for kind in ["image", "chart"] {
            collect(&folder.join(kind), &mut Vec::new(), &mut definitions)?;
        }
        if definitions.is_empty() {
            return Err(Failure::usage(anyhow!("folder `{}` has no definitions", folder.display()))
                .hint("a catalog has folders `image` and `chart` with files like `image/python/debian-13/3.13.yaml`")
                .into());
        }
        Ok(Self(definitions))
    }

    /// Lists the ids in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns a definition's text.
    pub(crate) fn text(&self, id: &str) -> Result<&str, anyhow::Error> {
        self.0.get(id).map(String::as_str).ok_or_else(|| {
            let image = id.split('/').next().unwrap_or_default();
            let is_near = |known: &&str| known.split('/').next() == Some(image);
            let near: Vec<&str> = self.ids().filter(is_near).take(IDS_SHOWN_MAX).collect();
            let all: Vec<&str> = self.ids().take(IDS_SHOWN_MAX).collect();
            let shown = if near.is_empty() { all } else { near };
            let hint = format!("there is {}; `temper catalog list` shows all", shown.join(", "));
            Failure::usage(anyhow!("the catalog has no definition `{id}`")).hint(hint).into()
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

#[cfg(test)]
mod tests {
    use super::Catalog;

    #[test]
    fn every_embedded_definition_can_be_built_here() {
        let catalog = Catalog::read(None).expect("is embedded");
        assert_eq!(catalog.ids().count(), 8);
        for id in catalog.ids() {
            let definition = catalog.get(id).expect("parses");
            assert_eq!(definition.not_buildable(), [""; 0], "{id}");
        }
    }
}
