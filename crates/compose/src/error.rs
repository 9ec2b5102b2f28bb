//! Why a plan could not be made, or a build not be finished.

use std::error::Error;
use std::io;

use temper_oci::Platform;

use crate::plan::Plan;

/// A failure of what composition was given: an archive, a registry, a disk.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct External {
    /// What failed, on which input.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl External {
    /// Returns a failure with its cause.
    pub fn new(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { message: message.into(), hint: None, source: Some(source.into()) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// Why composition stopped.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The plan has problems; it says which.
    #[error("the plan for `{}` has {}", .0.name, count(.0))]
    Problems(Box<Plan>),
    /// Something that composition was given failed.
    #[error(transparent)]
    External(#[from] External),
    /// The blob store failed.
    #[error("could not {action}")]
    Store {
        /// What was tried.
        action: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An image is not what its manifests say.
    #[error("image `{reference}` cannot be used: {reason}")]
    Image {
        /// Its reference.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A layer cannot be read.
    #[error("layer `{digest}` of `{reference}` cannot be read")]
    Layer {
        /// The image's reference.
        reference: String,
        /// The blob's digest.
        digest: temper_oci::Digest,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A package file cannot be read.
    #[error("package file of `{package}` cannot be read")]
    Package {
        /// Its name.
        package: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A layer could not be written.
    #[error("layer `{layer}` for `{platform}` could not be written")]
    Write {
        /// The layer's name.
        layer: String,
        /// The platform.
        platform: Platform,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl ComposeError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::External(external) => external.hint.clone(),
            Self::Problems(_) => {
                Some("nothing was built; each problem names its place in the document".to_owned())
            }
            _ => None,
        }
    }

    pub(crate) fn store(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Store { action, source }
    }
}

fn count(plan: &Plan) -> String {
    match plan.problems().count() {
        1 => "a problem".to_owned(),
        n => format!("{n} problems"),
    }
}
