//! The catalog: definitions of hardened images that Temper builds itself, by id.

use std::collections::BTreeMap;

use temper_spec::{Definition, Parsed, Problems};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

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

/// Most ids that a hint names.
const IDS_SHOWN_MAX: usize = 12;

/// Texts of definitions by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog(BTreeMap<String, String>);

impl Catalog {
    /// Returns the catalog that ships with Temper.
    pub fn embedded() -> Self {
        Self(EMBEDDED.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect())
    }

    /// Makes a catalog of texts by id.
    pub fn new(texts: BTreeMap<String, String>) -> Self {
        Self(texts)
    }

    /// Lists the ids in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Lists the ids that are `prefix` or below it: all of `python`, or one release of it.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.ids().filter(move |id| {
            id.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Returns the text of a definition.
    pub fn text(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// Reads a definition; nothing where there is none of this id.
    pub fn get(&self, id: &str) -> Option<Result<Parsed<Definition>, Problems>> {
        self.text(id).map(|text| Definition::parse(id, text))
    }

    /// Names ids that may be meant by one that is not there.
    pub fn nearest(&self, id: &str) -> String {
        let image = id.split('/').next().unwrap_or_default();
        let is_near = |known: &&str| known.split('/').next() == Some(image);
        let near: Vec<&str> = self.ids().filter(is_near).take(IDS_SHOWN_MAX).collect();
        let all: Vec<&str> = self.ids().take(IDS_SHOWN_MAX).collect();
        let shown = if near.is_empty() { all } else { near };
        format!("there is {}; `temper catalog list` shows all", shown.join(", "))
    }
}

impl Hub {
    /// Lists at most `limit` definitions behind `after` whose ids have `filter` in them; whoever is logged in may.
    pub fn list_catalog(
        &self,
        caller: &Caller,
        filter: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Definition>, HubError> {
        require_somebody(caller)?;
        let catalog = &self.outside().catalog;
        let is_wanted = |id: &&str| id.contains(filter) && after.is_none_or(|after| *id > after);
        let found = catalog.ids().filter(is_wanted).take(limit as usize);
        found.map(|id| definition(catalog, id).map(|parsed| parsed.value)).collect()
    }

    /// Returns a definition with its text; whoever is logged in may.
    pub fn get_definition(&self, caller: &Caller, id: &str) -> Result<(Definition, String), HubError> {
        require_somebody(caller)?;
        let catalog = &self.outside().catalog;
        let definition = definition(catalog, id)?;
        Ok((definition.value, catalog.text(id).unwrap_or_default().to_owned()))
    }
}

fn require_somebody(caller: &Caller) -> Result<(), HubError> {
    match caller {
        Caller::Anonymous => Err(HubError::Unauthenticated),
        _ => Ok(()),
    }
}

fn definition(catalog: &Catalog, id: &str) -> Result<Parsed<Definition>, HubError> {
    match catalog.get(id) {
        None => Err(HubError::NotFound { kind: "definition", name: id.to_owned() }),
        Some(Err(problems)) => Err(HubError::Invalid { subject: format!("definition `{id}`"), problems }),
        Some(Ok(definition)) => Ok(definition),
    }
}

#[cfg(test)]
mod tests {
    use super::Catalog;

    #[test]
    fn every_embedded_definition_can_be_built_here() {
        let catalog = Catalog::embedded();
        assert_eq!(catalog.ids().count(), 8);
        for id in catalog.ids() {
            let definition = catalog.get(id).expect("is there").expect("parses");
            assert_eq!(definition.not_buildable(), [""; 0], "{id}");
        }
    }

    #[test]
    fn a_prefix_names_whole_parts_of_ids() {
        let check = |prefix: &str, expected: &[&str]| {
            assert_eq!(Catalog::embedded().below(prefix).collect::<Vec<_>>(), expected, "{prefix}");
        };
        check("python", &["python/debian-13/3.13", "python/debian-13/3.13-dev"]);
        check("python/debian-13/3.13", &["python/debian-13/3.13"]);
        check("pyth", &[]);
        check("", &[]);
    }
}
