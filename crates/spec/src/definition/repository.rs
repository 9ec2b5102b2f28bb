//! Package repositories as definitions name them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{At, Read, Report, text};
use crate::yaml::Node;

/// A package repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repository {
    /// A line in the form of Debian's `sources.list`.
    Debian(RepositoryLine),
    /// The address of an Alpine repository.
    Alpine(String),
}

impl Repository {
    /// Returns the line, if this is one of Debian's form.
    pub fn as_debian(&self) -> Option<&RepositoryLine> {
        match self {
            Self::Debian(line) => Some(line),
            Self::Alpine(_) => None,
        }
    }
}

/// A repository in one line: `deb [signed-by=debian-archive] distribution:debian trixie main`
/// ([sources.list(5)](https://manpages.debian.org/sources.list.5#ONE-LINE-STYLE_FORMAT)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryLine {
    /// Whether it holds packages or their source.
    pub kind: RepositoryKind,
    /// Options in brackets, each with its comma-separated values.
    pub options: BTreeMap<String, Vec<String>>,
    /// Address; `distribution:debian` leaves the host to the configuration.
    pub uri: String,
    /// Suite, or an exact path that ends with `/`.
    pub suite: String,
    /// Components; none exactly where the suite is a path.
    pub components: Vec<String>,
}

/// Whether a repository holds packages or their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepositoryKind {
    /// `deb`
    Binary,
    /// `deb-src`
    Source,
}

impl fmt::Display for RepositoryLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RepositoryKind::Binary => "deb",
            RepositoryKind::Source => "deb-src",
        })?;
        if !self.options.is_empty() {
            let options: Vec<String> =
                self.options.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
            write!(f, " [{}]", options.join(" "))?;
        }
        write!(f, " {} {}", self.uri, self.suite)?;
        self.components.iter().try_for_each(|component| write!(f, " {component}"))
    }
}

/// A text is not a line of `sources.list`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRepositoryLineError {
    /// The first word is another one.
    #[error("`{0}` is neither `deb` nor `deb-src`")]
    Kind(String),
    /// The brackets around options do not close, or an option has no value.
    #[error("options of `{0}` are not of the form `[name=value …]`")]
    Options(String),
    /// There is no address or no suite.
    #[error("`{0}` lacks an address or a suite")]
    Incomplete(String),
    /// A suite needs components, and a path must not have any.
    #[error("`{suite}` {}", if *.components == 0 { "needs a component such as `main`" } else { "is a path and takes no components" })]
    Components {
        /// The suite.
        suite: String,
        /// How many components there are.
        components: usize,
    },
}

impl ParseRepositoryLineError {
    /// Returns the form that is expected.
    pub fn hint(&self) -> Option<String> {
        Some("write `deb [signed-by=KEY] ADDRESS SUITE COMPONENT…`".to_owned())
    }
}

impl FromStr for RepositoryLine {
    type Err = ParseRepositoryLineError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let kind = match kind {
            "deb" => RepositoryKind::Binary,
            "deb-src" => RepositoryKind::Source,
            other => return Err(ParseRepositoryLineError::Kind(other.to_owned())),
        };
        let (options, rest) = split_options(rest.trim_start())
            .ok_or_else(|| ParseRepositoryLineError::Options(line.to_owned()))?;
        let mut words = rest.split_whitespace().map(str::to_owned);
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
            return Err(ParseRepositoryLineError::Incomplete(line.to_owned()));
        };
        let components: Vec<String> = words.collect();
        if suite.ends_with('/') != components.is_empty() {
            return Err(ParseRepositoryLineError::Components { suite, components: components.len() });
        }
        Ok(Self { kind, options, uri, suite, components })
    }
}

/// Returns the options and what follows them.
fn split_options(text: &str) -> Option<(BTreeMap<String, Vec<String>>, &str)> {
    let Some(inside) = text.strip_prefix('[') else { return Some((BTreeMap::new(), text)) };
    let (options, rest) = inside.split_once(']')?;
    let options = options
        .split_whitespace()
        .map(|option| {
            let (name, values) = option.split_once('=').filter(|(name, _)| !name.is_empty())?;
            Some((name.to_owned(), values.split(',').map(str::to_owned).collect()))
        })
        .collect::<Option<_>>()?;
    Some((options, rest))
}

impl Serialize for Repository {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Debian(line) => serializer.collect_str(line),
            Self::Alpine(address) => serializer.serialize_str(address),
        }
    }
}

impl Read for Repository {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let text = text(node, at, report)?;
        if !text.contains(char::is_whitespace) && text.contains("://") {
            return Some(Self::Alpine(text.to_owned()));
        }
        match text.parse() {
            Ok(line) => Some(Self::Debian(line)),
            Err(error) => {
                let error: ParseRepositoryLineError = error;
                report.problem(at, error.to_string()).hint = error.hint();
                None
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["deb [signed-by=debian-archive] distribution:debian trixie main"] })
    }
}

#[cfg(test)]
mod tests {
    use super::{ParseRepositoryLineError as Error, RepositoryKind, RepositoryLine};

    #[test]
    fn lines_print_as_they_were_written() {
        let line: RepositoryLine =
            "deb  [ arch=amd64,arm64 signed-by=debian-archive ]  distribution:debian trixie main contrib"
                .parse()
                .expect("parses");
        assert_eq!(line.kind, RepositoryKind::Binary);
        assert_eq!(line.options["arch"], ["amd64", "arm64"]);
        assert_eq!((line.uri.as_str(), line.suite.as_str()), ("distribution:debian", "trixie"));
        assert_eq!(line.components, ["main", "contrib"]);
        for text in [&line.to_string(), "deb-src http://archive.example/debian sid main", "deb a:b ./"] {
            assert_eq!(text.parse::<RepositoryLine>().map(|line| line.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn half_lines_are_refused() {
        for (text, expected) in [
            ("", Error::Kind(String::new())),
            ("rpm a b c", Error::Kind("rpm".to_owned())),
            ("deb [a=b x y z", Error::Options("deb [a=b x y z".to_owned())),
            ("deb [a] x y z", Error::Options("deb [a] x y z".to_owned())),
            ("deb x", Error::Incomplete("deb x".to_owned())),
            ("deb x y", Error::Components { suite: "y".to_owned(), components: 0 }),
            ("deb x y/ main", Error::Components { suite: "y/".to_owned(), components: 1 }),
        ] {
            assert_eq!(text.parse::<RepositoryLine>(), Err(expected), "{text:?}");
        }
    }
}
