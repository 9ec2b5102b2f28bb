//! Why a request cannot be satisfied, as data and in words.

mod words;

use std::sync::Arc;

/// Levels of a chain of needs that are searched for a hint. Refusals share their parts, so the tree is much larger than
/// its memory.
const HINT_DEPTH: usize = 3;

/// Everything that stands against a request, at least one problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", words::list(.problems))]
pub struct ResolveError {
    pub problems: Vec<Problem>,
}

/// One reason why a request cannot be satisfied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("package `{name}` is not in {} for `{architecture}`", words::suites(.suites))]
    NotFound {
        name: String,
        architecture: String,
        suites: Vec<String>,
        /// Names that are spelled almost so, the nearest first.
        nearest: Vec<String>,
        /// Other architectures that have the package.
        architectures: Vec<String>,
    },
    #[error("package `{name}` has no version `{version}` for `{architecture}`")]
    VersionNotFound {
        name: String,
        version: String,
        architecture: String,
        /// The versions that there are, the highest first.
        available: Vec<String>,
    },
    #[error(
        "package `{name}` is installed in version `{installed}`, and the requested version `{version}` is older"
    )]
    Downgrade { name: String, version: String, installed: String },
    #[error("package `{name}` is virtual and {} packages provide it", .providers.len())]
    Virtual { name: String, providers: Vec<String> },
    #[error("package `{name}` is requested and forbidden")]
    Contradiction { name: String },
    #[error("package `{name}` is requested in the versions `{first}` and `{second}`")]
    TwoVersions { name: String, first: String, second: String },
    #[error("package `{name}` cannot be installed: {refusal}")]
    Unsatisfiable { name: String, refusal: Arc<Refusal> },
    #[error("installed package `{name}` would break: {refusal}")]
    Breaks { name: String, refusal: Arc<Refusal> },
    #[error("package `{name}` is forbidden, but {}", words::needs(.needs))]
    StillNeeded {
        name: String,
        /// Installed packages with the dependency that nothing else satisfies.
        needs: Vec<(String, String)>,
    },
}

/// Why one version of a package cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A dependency has no usable alternative.
    Needs { package: String, version: String, relation: String, alternatives: Vec<Obstacle> },
    /// It cannot stand beside another package.
    Conflict {
        package: String,
        /// The package that declares the conflict, which is one of the two.
        declared_by: String,
        relation: String,
        with: String,
        /// Who wants the other one, in words.
        because: String,
    },
    /// Its dependencies nest deeper than the limit of the solver.
    Depth { package: String },
    /// So many packages were tried before it that the solver gives up.
    Steps { package: String, steps: usize },
}

/// Why one alternative of a dependency cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No package has or provides the name.
    NotFound {
        name: String,
    },
    /// The package's candidate has another version than the relation asks for.
    Version {
        name: String,
        candidate: String,
        /// A version that would do but is no candidate.
        suitable: Option<String>,
    },
    /// Providers exist, but none provides the version, or none fits the architecture that the relation names.
    Unprovided {
        name: String,
    },
    Forbidden {
        name: String,
    },
    Refused {
        name: String,
        refusal: Arc<Refusal>,
    },
}

impl ResolveError {
    /// Joins what the removal of one package breaks: of a library that would be a problem for every package.
    pub(crate) fn of(problems: impl IntoIterator<Item = Problem>) -> Self {
        let mut joined: Vec<Problem> = Vec::new();
        for problem in problems {
            let Some((forbidden, need)) = problem.as_need() else {
                joined.push(problem);
                continue;
            };
            let known = joined.iter_mut().find_map(|problem| match problem {
                Problem::StillNeeded { name, needs } if *name == forbidden => Some(needs),
                _ => None,
            });
            match known {
                Some(needs) => needs.push(need),
                None => joined.push(Problem::StillNeeded { name: forbidden, needs: vec![need] }),
            }
        }
        Self { problems: joined }
    }

    /// What may help, if anything is known to.
    pub fn hint(&self) -> Option<String> {
        self.problems.iter().find_map(Problem::hint)
    }
}

impl Problem {
    /// What may help, if anything is known to.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { name, architectures, .. } if !architectures.is_empty() => {
                Some(format!("`{name}` exists for {}", words::quoted(architectures)))
            }
            Self::NotFound { nearest, .. } if !nearest.is_empty() => {
                Some(format!("did you mean {}?", words::any_of(nearest)))
            }
            Self::Downgrade { name, version, installed } => Some(format!(
                "request `{name}` in version `{installed}` or later, or start from a base that has it in version `{version}`"
            )),
            Self::VersionNotFound { available, .. } if !available.is_empty() => {
                let there = words::quoted(available);
                Some(format!("there is {there}; an archive drops the versions that newer ones replace"))
            }
            Self::Virtual { providers, .. } => Some(format!("choose one of {}", words::quoted(providers))),
            Self::Contradiction { name } => Some(format!("remove `{name}` or `!{name}`")),
            Self::StillNeeded { name, .. } => {
                Some(format!("remove `!{name}`, or forbid everything that needs it too"))
            }
            Self::Unsatisfiable { refusal, .. } | Self::Breaks { refusal, .. } => refusal.hint(HINT_DEPTH),
            _ => None,
        }
    }
}

impl Problem {
    /// The forbidden package that an installed one needs, with that one and its dependency.
    fn as_need(&self) -> Option<(String, (String, String))> {
        let Self::Breaks { refusal, .. } = self else { return None };
        let Refusal::Needs { package, relation, alternatives, .. } = &**refusal else { return None };
        let forbidden = alternatives.iter().find_map(|obstacle| match obstacle {
            Obstacle::Forbidden { name } => Some(name.clone()),
            _ => None,
        })?;
        Some((forbidden, (package.clone(), relation.clone())))
    }
}

impl Refusal {
    /// The version to pin beside the requested one, where a pinned package needs an older sibling.
    fn hint(&self, depth: usize) -> Option<String> {
        let Self::Needs { alternatives, .. } = self else { return None };
        alternatives.iter().find_map(|obstacle| match obstacle {
            Obstacle::Version { name, suitable: Some(version), .. } => {
                Some(format!("request `{name}={version}` too"))
            }
            Obstacle::Refused { refusal, .. } if depth > 0 => refusal.hint(depth - 1),
            _ => None,
        })
    }
}
