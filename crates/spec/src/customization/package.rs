//! Requests for packages: `git`, `curl=8.14.1-2`, `!perl`.

use std::fmt;
use std::str::FromStr;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{At, Read, Report, text};
use crate::yaml::Node;

/// What a document says about one package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageRequest {
    /// The package shall be there.
    Add {
        /// Name, in Debian possibly with `:architecture`.
        name: String,
        /// Which versions will do; all, if absent.
        constraint: Option<Constraint>,
    },
    /// The package shall not be there: it is never chosen, and removed if the base has it.
    Forbid {
        /// Name.
        name: String,
    },
}

/// A condition on a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Constraint {
    /// How the package's version relates to the one given.
    pub relation: Relation,
    /// The version, as the distribution writes it.
    pub version: String,
}

/// How versions relate. Debian knows only [`Relation::Equal`], Alpine all of them
/// ([apk-world(5)](https://man.archlinux.org/man/apk-world.5.en)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// `=`
    Equal,
    /// `~`: begins with.
    Matches,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Relation {
    /// The longer sign stands before the one it begins with.
    const SIGNS: [(&'static str, Self); 8] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("~=", Self::Matches),
        ("=~", Self::Matches),
        ("=", Self::Equal),
        ("~", Self::Matches),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// Returns the sign that is written between name and version.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Matches => "~",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl PackageRequest {
    /// Returns the package's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name, .. } | Self::Forbid { name } => name,
        }
    }
}

impl fmt::Display for PackageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbid { name } => write!(f, "!{name}"),
            Self::Add { name, constraint: None } => f.write_str(name),
            Self::Add { name, constraint: Some(Constraint { relation, version }) } => {
                write!(f, "{name}{}{version}", relation.sign())
            }
        }
    }
}

/// A text is not a request for a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePackageRequestError {
    /// There is no name, or it has a character that no package's name has.
    #[error("`{0}` is not the name of a package")]
    Name(String),
    /// There is a relation without a version, or the version has an impossible character.
    #[error("`{0}` is not a version")]
    Version(String),
    /// A forbidden package is given with a version.
    #[error("`!{0}` forbids a package and must not name a version")]
    ForbiddenVersion(String),
}

impl ParsePackageRequestError {
    /// Returns what to write instead.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name(_) | Self::Version(_) => "write `name`, `name=version` or \"!name\"".to_owned(),
            Self::ForbiddenVersion(text) => {
                let name = text.split(['=', '~', '<', '>']).next().unwrap_or_default();
                format!("write \"!{name}\", or request the version that is wanted")
            }
        })
    }
}

impl FromStr for PackageRequest {
    type Err = ParsePackageRequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix('!') {
            if name.contains(['=', '~', '<', '>']) {
                return Err(ParsePackageRequestError::ForbiddenVersion(name.to_owned()));
            }
            return Ok(Self::Forbid { name: parse_name(name)? });
        }
        let Some(end) = text.find(['=', '~', '<', '>']) else {
            return Ok(Self::Add { name: parse_name(text)?, constraint: None });
        };
        let (name, rest) = text.split_at(end);
        let constraint = Relation::SIGNS
            .iter()
            .find_map(|(sign, relation)| Some((*relation, rest.strip_prefix(sign)?)))
            .filter(|(_, version)| is_version(version))
            .map(|(relation, version)| Constraint { relation, version: version.to_owned() })
            .ok_or_else(|| ParsePackageRequestError::Version(rest.to_owned()))?;
        Ok(Self::Add { name: parse_name(name)?, constraint: Some(constraint) })
    }
}

/// Accepts the names of both distributions, their architecture qualifiers and Alpine's `so:` and `cmd:`.
fn parse_name(name: &str) -> Result<String, ParsePackageRequestError> {
    const LENGTH_MAX: usize = 256;
    let fits = name.len() <= LENGTH_MAX
        && name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._:@/".contains(&byte));
    if fits { Ok(name.to_owned()) } else { Err(ParsePackageRequestError::Name(name.to_owned())) }
}

fn is_version(version: &str) -> bool {
    const LENGTH_MAX: usize = 256;
    (1..=LENGTH_MAX).contains(&version.len())
        && version.starts_with(|first: char| first.is_ascii_alphanumeric())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._:~".contains(&byte))
}

impl Serialize for PackageRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Read for PackageRequest {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        match text(node, at, report)?.parse() {
            Ok(request) => Some(request),
            Err(error) => {
                report.problem(at, error.to_string()).hint = error.hint();
                None
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["git", "curl=8.14.1-2", "!perl"] })
    }
}

#[cfg(test)]
mod tests {
    use super::{PackageRequest, ParsePackageRequestError as Error};

    #[test]
    fn requests_print_as_they_were_written() {
        for text in [
            "git",
            "curl=8.14.1-2",
            "libc6:amd64",
            "g++",
            "postgresql-17=1:17.6~rc1+b2",
            "!perl",
            "curl~8.14",
            "curl<9",
            "curl>=8",
            "so:libz.so.1",
        ] {
            let request: PackageRequest = text.parse().expect(text);
            assert_eq!(request.to_string(), text);
        }
        assert_eq!("a=~1".parse::<PackageRequest>().map(|request| request.to_string()), Ok("a~1".to_owned()));
    }

    #[test]
    fn what_names_no_package_is_refused() {
        for (text, expected) in [
            ("", Error::Name(String::new())),
            ("!", Error::Name(String::new())),
            ("git curl", Error::Name("git curl".to_owned())),
            ("git=", Error::Version("=".to_owned())),
            ("git==1", Error::Version("==1".to_owned())),
            ("!git=1", Error::ForbiddenVersion("git=1".to_owned())),
        ] {
            assert_eq!(text.parse::<PackageRequest>(), Err(expected), "{text:?}");
        }
    }
}
