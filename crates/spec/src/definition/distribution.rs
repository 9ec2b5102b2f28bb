//! Which distribution a definition builds on.

use std::fmt;

use super::repository::Repository;

/// A release of a distribution; Helm counts as one, since chart definitions stand in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Distribution {
    /// Which one.
    pub family: Family,
    /// Its version: `13`, `3.23`.
    pub version: String,
}

/// A distribution over all of its releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Debian.
    Debian,
    /// Alpine Linux.
    Alpine,
    /// Charts for Helm.
    Helm,
}

/// Debian's releases by the names of their suites.
const DEBIAN_RELEASES: [(&str, &str); 4] =
    [("bullseye", "11"), ("bookworm", "12"), ("trixie", "13"), ("forky", "14")];

impl Distribution {
    /// Reads the front end of a definition: `dhi.io/build:2-debian13`.
    pub fn of_syntax(syntax: &str) -> Option<Self> {
        let name = syntax.rsplit_once(':')?.1.split_once('-')?.1;
        let digits = name.find(|character: char| character.is_ascii_digit())?;
        let (family, version) = name.split_at(digits);
        let family = match family {
            "debian" => Family::Debian,
            "alpine" => Family::Alpine,
            "helm" => Family::Helm,
            _ => return None,
        };
        Some(Self { family, version: version.to_owned() })
    }

    /// Reads the suite of a Debian repository, or the branch in the address of an Alpine one.
    pub fn of_repository(repository: &Repository) -> Option<Self> {
        match repository {
            Repository::Debian(line) => {
                let suite = line.suite.split('-').next()?;
                let (_, version) = DEBIAN_RELEASES.iter().find(|(codename, _)| *codename == suite)?;
                Some(Self { family: Family::Debian, version: (*version).to_owned() })
            }
            Repository::Alpine(address) => {
                let version = address
                    .split('/')
                    .filter_map(|part| part.strip_prefix('v'))
                    .find(|version| version.starts_with(|first: char| first.is_ascii_digit()))?;
                Some(Self { family: Family::Alpine, version: version.to_owned() })
            }
        }
    }

    /// Returns the name of Debian's suite, `trixie` of Debian 13.
    pub fn codename(&self) -> Option<&'static str> {
        let (codename, _) = DEBIAN_RELEASES.iter().find(|(_, version)| *version == self.version)?;
        (self.family == Family::Debian).then_some(*codename)
    }
}

impl fmt::Display for Distribution {
    /// Writes the form that ids of definitions use: `debian-13`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Debian => "debian",
            Family::Alpine => "alpine",
            Family::Helm => "helm",
        };
        write!(f, "{family}-{}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::Distribution;
    use crate::definition::Repository;

    #[test]
    fn front_ends_and_repositories_name_releases() {
        for (syntax, expected) in [
            ("dhi.io/build:2-debian13", Some("debian-13")),
            ("dhi.io/build:2-alpine3.23", Some("alpine-3.23")),
            ("registry.example:5000/build:2-helm3", Some("helm-3")),
            ("docker/dockerfile:1", None),
            ("dhi.io/build:2-fedora42", None),
        ] {
            let found = Distribution::of_syntax(syntax).map(|distribution| distribution.to_string());
            assert_eq!(found.as_deref(), expected, "{syntax}");
        }
        for (repository, expected) in [
            (debian("deb distribution:debian trixie-security main"), Some("debian-13")),
            (debian("deb distribution:debian stable main"), None),
            (Repository::Alpine("https://alpine.example/v3.23/main".to_owned()), Some("alpine-3.23")),
            (Repository::Alpine("https://alpine.example/edge/main".to_owned()), None),
        ] {
            let found = Distribution::of_repository(&repository).map(|distribution| distribution.to_string());
            assert_eq!(found.as_deref(), expected, "{repository:?}");
        }
    }

    fn debian(line: &str) -> Repository {
        Repository::Debian(line.parse().expect(line))
    }
}
