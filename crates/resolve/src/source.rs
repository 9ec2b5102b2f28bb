//! A package index with the facts of its archive that decide which version is a candidate.

use std::sync::Arc;

use temper_deb::index::PackageIndex;

/// One index of one component of one suite.
#[derive(Clone, Debug)]
pub struct IndexSource {
    pub index: Arc<PackageIndex>,
    /// The suite as its release file names it, `stable-security`.
    pub suite: String,
    /// The code name, `trixie-security`.
    pub codename: String,
    /// Which of the caller's sources it belongs to: two archives can have suites of one name.
    pub source: usize,
    /// The component, `main`.
    pub component: String,
    /// The release file's `NotAutomatic`: nothing is taken from here unless it is asked for.
    pub not_automatic: bool,
    /// The release file's `ButAutomaticUpgrades`: what came from here is upgraded from here.
    pub but_automatic_upgrades: bool,
}

impl IndexSource {
    /// The first source, without restrictions, whose suite and code name are the same.
    pub fn new(index: Arc<PackageIndex>, suite: &str, component: &str) -> Self {
        Self {
            index,
            suite: suite.to_owned(),
            codename: suite.to_owned(),
            source: 0,
            component: component.to_owned(),
            not_automatic: false,
            but_automatic_upgrades: false,
        }
    }

    /// The pin priority of its versions by default, see [apt_preferences(5)].
    ///
    /// [apt_preferences(5)]: https://manpages.debian.org/apt_preferences.5#APT%27s_Default_Priority_Assignments
    pub fn priority(&self) -> i32 {
        match (self.not_automatic, self.but_automatic_upgrades) {
            (false, _) => 500,
            (true, true) => 100,
            (true, false) => 1,
        }
    }
}
