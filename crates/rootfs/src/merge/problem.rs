//! Why a merge cannot be done as asked.

use std::fmt;

use crate::tree::{Origin, PathError};

/// Why a draft must not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeProblem {
    /// A name that no path of an image may have.
    #[error("{} brings the path `{path}`, which is empty, has a `..`, a NUL byte or a reserved `.wh.` name", Named(.origin))]
    Name {
        /// Who brings it.
        origin: Origin,
        /// The name as it came.
        path: String,
    },
    /// Something that only a base may hold.
    #[error("{} brings a {word} at `/{path}`, which only a base image may hold", Named(.origin))]
    Kind {
        /// Who brings it.
        origin: Origin,
        /// Where.
        path: String,
        /// What it is.
        word: &'static str,
    },
    /// The path leads nowhere.
    #[error("{} brings a path that cannot be followed", Named(.origin))]
    Path {
        /// Who brings it.
        origin: Origin,
        /// Why.
        #[source]
        error: PathError,
    },
    /// A second name of a file that is not there.
    #[error("{} brings a hard link `/{path}` to `/{target}`, which it does not hold", Named(.origin))]
    Link {
        /// Who brings it.
        origin: Origin,
        /// Where.
        path: String,
        /// The first name.
        target: String,
    },
    /// Something in the place of a directory that is not empty.
    #[error("{} brings a {word} at `/{path}`, where the tree has a directory that is not empty", Named(.origin))]
    OverDirectory {
        /// Who brings it.
        origin: Origin,
        /// Where.
        path: String,
        /// What it is.
        word: &'static str,
    },
    /// Two packages have one path with different content.
    #[error("package `{package}` brings `/{path}`, which package `{owner}` has too with another content")]
    Packages {
        /// Where.
        path: String,
        /// Who brings it.
        package: String,
        /// Who has it, installed or to be installed.
        owner: String,
    },
    /// An include that names nothing.
    #[error("`includes` of artifact `{artifact}` name `{pattern}`, which matches nothing in it")]
    Include {
        /// Reference of the artifact.
        artifact: String,
        /// The pattern as written.
        pattern: String,
        /// Paths of the artifact that are like it.
        nearest: Vec<String>,
    },
    /// A package to be removed that is not installed.
    #[error("package `{0}` is to be removed, but the base does not have it")]
    NotInstalled(String),
}

impl MergeProblem {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OverDirectory { path, .. } => Some(format!("choose another path than `/{path}`")),
            Self::Kind { .. } => Some("leave the path out of `includes`, or add it to `excludes`".to_owned()),
            Self::Packages { package, owner, .. } => {
                Some(format!("install only one of `{package}` and `{owner}`"))
            }
            Self::Include { nearest, .. } if !nearest.is_empty() => {
                Some(format!("the artifact has `{}`", nearest.join("`, `")))
            }
            _ => None,
        }
    }
}

/// An origin as the subject of a sentence.
struct Named<'a>(&'a Origin);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Origin::Base => f.write_str("the base"),
            Origin::Package(name) => write!(f, "package `{name}`"),
            Origin::Generated(effect) => write!(f, "effect `{effect}`"),
            Origin::Artifact(reference) => write!(f, "artifact `{reference}`"),
            Origin::Document => f.write_str("the document"),
        }
    }
}
