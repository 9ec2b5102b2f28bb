//! Definitions: how a hardened image or chart is made, and which tags it has.
//!
//! The format is the public one of Docker Hardened Images
//! ([create and build an image](https://docs.docker.com/dhi/how-to/build/)). All of it is read, with unknown
//! keys refused, and printed back to the same tree; [`Definition::not_buildable`] says what of a definition
//! Temper itself cannot build.

mod build;
mod buildable;
mod contents;
mod distribution;
mod document;
mod port;
mod repository;

use crate::parsed::Parsed;
use crate::problem::Problems;
use crate::read::{At, Read, Report};
use crate::yaml::{self, Limits, Node};

pub use build::{Attestation, Build, Cache, Matrix, Output, Secret, Step};
pub use contents::{Artifact, BuildContents, Contents, RemoteFile, Spdx, SpdxPackage};
pub use distribution::{Distribution, Family};
pub use document::{
    Accounts, Dates, Document, Group, LayerOutput, OsRelease, PathEntry, PathType, TestCase, User, Variant,
};
pub use port::expand_ports;
pub use repository::{ParseRepositoryLineError, Repository, RepositoryKind, RepositoryLine};

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The definition's path without ending, which is the tag definition id: `python/debian-13/3.13`.
    pub id: String,
    /// Front end that the first line names, `dhi.io/build:2-debian13` of `# syntax=dhi.io/build:2-debian13`.
    pub syntax: Option<String>,
    /// What the definition says.
    pub document: Document,
    tree: Node,
}

impl Definition {
    /// Reads a definition and reports all of its problems at once.
    pub fn parse(id: &str, text: &str) -> Result<Parsed<Self>, Problems> {
        let tree = yaml::parse(text, &Limits::DEFAULT)?;
        let mut report = Report::default();
        report.locate(&At::ROOT, tree.position);
        let document = Document::read(&tree, &At::ROOT, &mut report);
        let definition =
            document.map(|document| Self { id: id.to_owned(), syntax: syntax(text), document, tree });
        Parsed::new(definition, report)
    }

    /// Prints the definition; reading that gives the same tree. Comments other than the first line are lost.
    pub fn to_yaml(&self) -> String {
        let body = yaml::print(&self.tree);
        match &self.syntax {
            Some(syntax) => format!("# syntax={syntax}\n\n{body}"),
            None => body,
        }
    }

    /// Returns the tree of the whole document.
    pub fn tree(&self) -> &Node {
        &self.tree
    }

    /// Says whether this defines a Helm chart.
    pub fn is_chart(&self) -> bool {
        self.document.variant == Some(Variant::Helm)
    }

    /// Returns the distribution: of the front end, else of the package repositories.
    pub fn distribution(&self) -> Option<Distribution> {
        self.syntax
            .as_deref()
            .and_then(Distribution::of_syntax)
            .or_else(|| self.document.contents.repositories.iter().find_map(Distribution::of_repository))
    }

    /// Lists what keeps Temper from building this, each with the key that it is about; empty if nothing does.
    pub fn not_buildable(&self) -> Vec<String> {
        buildable::obstacles(self)
    }
}

fn syntax(text: &str) -> Option<String> {
    let directive = text.lines().next()?.strip_prefix('#')?.trim_start();
    let value = directive.strip_prefix("syntax")?.trim_start().strip_prefix('=')?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
