//! The result of a resolution: what is installed, upgraded, removed, and why.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use temper_deb::index::{PackageIndex, PackageRecord};

/// Everything that changes, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Resolution {
    /// The packages whose files are needed.
    pub install: Vec<Chosen>,
    /// Installed packages that the request forbids.
    pub remove: Vec<Installed>,
    /// Requested packages that are installed as requested.
    pub keep: Vec<Installed>,
    /// Dependencies that stay unsatisfied because the request forbids what satisfies them.
    pub waived: Vec<Waived>,
    /// Forbidden names that changed nothing: not installed, and no dependency would have taken them.
    pub idle: Vec<IdleForbid>,
}

/// A forbidden name that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdleForbid {
    pub name: String,
    /// Names that are spelled almost so, where the archive does not have the name at all.
    pub nearest: Vec<String>,
}

/// A package of the archive that the resolution takes.
#[derive(Clone)]
pub struct Chosen {
    pub(crate) index: Arc<PackageIndex>,
    pub(crate) position: usize,
    /// The suite and the component of the index that holds it.
    pub suite: String,
    pub component: String,
    /// Which of the caller's sources that index belongs to, see [`IndexSource`](crate::IndexSource).
    pub source: usize,
    pub action: Action,
    pub reason: Reason,
}

/// A package of the base image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Installed {
    pub name: String,
    pub version: String,
    pub architecture: String,
}

/// What happens to a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Install,
    /// A lower version is installed.
    Upgrade {
        from: String,
    },
}

/// Who pulled a package in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Reason {
    /// The request names it, or names a virtual package that it alone provides.
    Requested,
    /// A package that is chosen or installed depends on it.
    Dependency { of: String, field: Dependency, relation: String },
    /// The installed version cannot stay beside another package.
    Displaced { by: String },
    /// It is built from the same source as another package that is chosen, and follows its version.
    SameSource { with: String },
}

/// The field that a dependency stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dependency {
    PreDepends,
    Depends,
}

/// A dependency that only forbidden packages could satisfy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Waived {
    /// The package that has the dependency.
    pub package: String,
    /// The dependency as it stands in the archive.
    pub relation: String,
    /// The forbidden packages.
    pub forbidden: Vec<String>,
}

impl Chosen {
    /// All facts of the package.
    pub fn record(&self) -> PackageRecord<'_> {
        self.index.find(self.position).expect("the position was found in this index")
    }

    pub fn name(&self) -> &str {
        self.record().name()
    }

    pub fn version(&self) -> &str {
        self.record().version()
    }
}

impl Action {
    /// The word for it in plans: `install` or `upgrade`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade { .. } => "upgrade",
        }
    }
}

impl From<PackageRecord<'_>> for Installed {
    fn from(record: PackageRecord<'_>) -> Self {
        Self {
            name: record.name().to_owned(),
            version: record.version().to_owned(),
            architecture: record.architecture().to_owned(),
        }
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (action, record) = (self.action.as_str(), self.record());
        write!(formatter, "{action} {record:?} from {}: {}", self.suite, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => formatter.write_str("requested"),
            Self::Dependency { of, relation, .. } => write!(formatter, "`{of}` needs `{relation}`"),
            Self::Displaced { by } => write!(formatter, "`{by}` cannot stand beside the installed version"),
            Self::SameSource { with } => write!(formatter, "built from the same source as `{with}`"),
        }
    }
}
