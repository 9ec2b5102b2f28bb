//! Provenance: from which inputs, by whom and how an image was built.
//!
//! Follows [SLSA provenance, version 1](https://slsa.dev/spec/v1.0/provenance). A [`BuildRecord`] has all that is
//! needed to build the image again; it is written as a predicate and read back from one.

mod settings;
mod wire;

use std::collections::BTreeMap;

use serde_json::Value;
use temper_oci::{Digest, Platform};

use crate::statement::Subject;
use crate::{Statement, predicate};

pub use settings::{
    ChosenPackage, PackageSource, PlatformSettings, RemovedPackage, Settings, WaivedRelation,
};

/// One build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRecord {
    /// Address of the page that describes this kind of build.
    pub build_type: String,
    /// Who built.
    pub builder: Builder,
    /// What was asked for.
    pub request: Request,
    /// What decided the bytes beside the inputs.
    pub settings: Settings,
    /// Everything that was read, in any order; the document that was submitted is added by itself.
    pub inputs: Vec<Input>,
    /// Address of the build.
    pub invocation: String,
    /// When the build began, in RFC 3339.
    pub started_on: String,
    /// When it ended, in RFC 3339.
    pub finished_on: String,
}

/// The party that signs for a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builder {
    /// Address of the page that describes the builder. A workstation has another one than a server.
    pub id: String,
    /// Versions of its parts.
    pub versions: BTreeMap<String, String>,
}

/// All that a user can decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The customization document, as it was submitted.
    pub document: String,
    /// The target of the document that was built.
    pub target: Target,
}

/// One target of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Repository of the result.
    pub destination: String,
    /// The line of tags, where the repository has definitions.
    pub tag_definition_id: Option<String>,
    /// The tags that were given to the result.
    pub tags: Vec<String>,
}

/// Something that a build read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    /// What it was for.
    pub role: Role,
    /// Its name: package, repository.
    pub name: String,
    /// A package URL, or an address.
    pub uri: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The platform that it was for; inputs of all platforms have none.
    pub platform: Option<Platform>,
    /// Where it was taken from.
    pub location: Option<String>,
}

/// What an input was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The document that was submitted.
    Document,
    /// The index of the base, or its manifest for a platform.
    Base,
    /// A signed index of a package archive.
    Archive,
    /// A package file.
    Package,
    /// An artifact whose files were copied.
    Artifact,
}

/// Why a predicate is no record of a build.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// The statement says something else.
    #[error("statement has the predicate type `{0}`, which is no provenance")]
    PredicateType(String),
    /// The build was of another kind, whose parameters cannot be understood.
    #[error("provenance has the build type `{found}`, expected `{expected}`")]
    BuildType {
        /// What it says.
        found: String,
        /// What can be read.
        expected: String,
    },
    /// Fields are missing, of another type, or unknown among the external parameters.
    #[error("provenance cannot be read")]
    Form(#[source] serde_json::Error),
    /// A dependency has no role, or a digest that is none.
    #[error("dependency `{0}` of the provenance has no known role or no SHA-256 digest")]
    Dependency(String),
    /// The document is not the one whose digest is listed.
    #[error("document of the provenance does not have the digest that is listed for it")]
    Document,
}

impl ProvenanceError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BuildType { .. } => {
                Some("only what Temper built can be built again from its provenance".to_owned())
            }
            Self::Form(_) => Some("a newer Temper may have written it".to_owned()),
            _ => None,
        }
    }
}

impl BuildRecord {
    /// States the provenance of an index and its platforms.
    pub fn statement(&self, subjects: Vec<Subject>) -> Statement {
        Statement::new(subjects, predicate::SLSA_PROVENANCE, self.to_predicate())
    }

    /// Writes the predicate.
    pub fn to_predicate(&self) -> Value {
        wire::write(self)
    }

    /// Says whether another record tells of the same build: all is equal but who ran it when.
    pub fn is_same_build(&self, other: &Self) -> bool {
        let bare = |record: &Self| {
            let nothing = String::new;
            let (invocation, started_on, finished_on) = (nothing(), nothing(), nothing());
            Self { invocation, started_on, finished_on, ..record.clone() }.to_predicate()
        };
        bare(self) == bare(other)
    }

    /// Reads the predicate of a statement that was verified. Parameters that are not known are an error: they may
    /// have changed the result.
    pub fn from_statement(statement: &Statement, build_type: &str) -> Result<Self, ProvenanceError> {
        if statement.predicate_type != predicate::SLSA_PROVENANCE {
            return Err(ProvenanceError::PredicateType(statement.predicate_type.clone()));
        }
        wire::read(&statement.predicate, build_type)
    }
}

impl Role {
    const ALL: [Self; 5] = [Self::Document, Self::Base, Self::Archive, Self::Package, Self::Artifact];

    /// The word in the provenance.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Base => "base",
            Self::Archive => "archive",
            Self::Package => "package",
            Self::Artifact => "artifact",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}
