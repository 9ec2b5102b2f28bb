//! Pins and holds: which version of a package is its candidate, see [apt_preferences(5)].
//!
//! [apt_preferences(5)]: https://manpages.debian.org/apt_preferences.5

use std::collections::BTreeSet;

use crate::source::IndexSource;

/// The pin priority of an installed version.
pub(crate) const INSTALLED_PRIORITY: i32 = 100;
/// From this priority on, a version is taken even if it is lower than the installed one.
pub(crate) const DOWNGRADE_PRIORITY: i32 = 1000;

/// What the caller prefers beyond the archive's own rules.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The first pin that matches a version gives its priority.
    pub pins: Vec<Pin>,
    /// Installed packages that keep their version, beside those that the database holds.
    pub holds: BTreeSet<String>,
}

/// A priority for some versions of some packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The package, or `None` for all.
    pub package: Option<String>,
    pub target: PinTarget,
    /// At least 1000 may downgrade, below 0 is never taken.
    pub priority: i32,
}

/// The versions that a pin means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinTarget {
    /// One version; with `*` at its end every version that begins so.
    Version(String),
    /// All versions of a suite, by its name or code name.
    Suite(String),
}

impl Policy {
    /// The priority of a version of the archive.
    pub(crate) fn priority(&self, package: &str, version: &str, source: &IndexSource) -> i32 {
        self.pins
            .iter()
            .find(|pin| pin.matches(package, version, source))
            .map_or_else(|| source.priority(), |pin| pin.priority)
    }
}

impl Pin {
    fn matches(&self, package: &str, version: &str, source: &IndexSource) -> bool {
        let names_package = self.package.as_deref().is_none_or(|name| name == package);
        names_package
            && match &self.target {
                PinTarget::Version(pattern) => match pattern.strip_suffix('*') {
                    Some(prefix) => version.starts_with(prefix),
                    None => version == pattern,
                },
                PinTarget::Suite(name) => source.suite == *name || source.codename == *name,
            }
    }
}
