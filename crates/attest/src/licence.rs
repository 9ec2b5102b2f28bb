//! Licences of a package, as an SPDX expression.
//!
//! Debian's machine-readable copyright files ([DEP-5](https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/))
//! have short names and a small grammar of their own, which are translated; names that SPDX does not list become
//! `LicenseRef-…`. A free-form file is prose, and prose is not guessed at.

mod expression;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use temper_deb::control;

use crate::Limits;

use expression::Expression;

/// What a package is licensed under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    expression: String,
    references: BTreeMap<String, String>,
}

impl Licence {
    /// Reads a copyright file: all its licences together, or nothing where one of them cannot be told.
    pub fn from_copyright(text: &str, limits: &Limits) -> Option<Self> {
        if text.len() > limits.copyright_bytes_max {
            return None;
        }
        let mut stanzas = control::stanzas(text);
        let header = stanzas.next()?.ok()?;
        let format = header.find("Format").or_else(|| header.find("Format-Specification"))?;
        if !format.contains("copyright-format") && !format.contains("dep5") {
            return None;
        }
        let mut synopses = BTreeSet::new();
        for stanza in stanzas {
            let stanza = stanza.ok()?;
            if stanza.find("Files").is_some() {
                synopses.insert(synopsis(stanza.find("License")?));
            }
        }
        if synopses.is_empty() {
            synopses.insert(synopsis(header.find("License")?));
        }
        let parts = synopses.into_iter().map(Expression::parse).collect::<Option<Vec<_>>>()?;
        Some(Self::of(&Expression::and(parts)))
    }

    /// The expression, see [SPDX 2.3, annex D](https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/).
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The `LicenseRef-…` of the expression with the names they stand for.
    pub fn references(&self) -> impl Iterator<Item = (&str, &str)> {
        self.references.iter().map(|(id, name)| (id.as_str(), name.as_str()))
    }

    fn of(expression: &Expression) -> Self {
        let mut references = BTreeMap::new();
        expression.collect_references(&mut references);
        Self { expression: expression.to_string(), references }
    }
}

/// The first line; the text of the licence follows it.
fn synopsis(value: &str) -> &str {
    value.lines().next().unwrap_or_default().trim()
}
