//! Relationship fields: `Depends`, `Conflicts`, `Provides` and their kin.
//!
//! A field is a list of groups separated by commas; a group is a list of alternatives separated by bars
//! ([policy §7.1]). Everything borrows from the field's text and is parsed when asked for, because an index
//! holds hundreds of thousands of relations and a resolution looks at a few hundred.
//!
//! [policy §7.1]: https://www.debian.org/doc/debian-policy/ch-relationships.html#syntax-of-relationship-fields

use std::cmp::Ordering;
use std::fmt;

use crate::version::compare_versions;

/// How a version must stand to the one written in a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`, and the obsolete `<`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`, and the obsolete `>`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// The part of a relation in parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionConstraint<'a> {
    pub operator: Operator,
    pub version: &'a str,
}

/// One alternative of a group: `name:qualifier (>= version) [architectures] <profiles>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation<'a> {
    pub name: &'a str,
    /// What follows the name's colon: `any`, `native`, or an architecture.
    pub qualifier: Option<&'a str>,
    pub constraint: Option<VersionConstraint<'a>>,
    /// The words between square brackets; empty in binary packages.
    architectures: &'a str,
    /// The text from the first angle bracket on; empty in binary packages.
    profiles: &'a str,
}

/// Why a relation cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRelationError {
    #[error("relation `{relation}` has no package name")]
    Name { relation: String },
    #[error("relation `{relation}` has no version after its operator")]
    Version { relation: String },
    #[error("relation `{relation}` has an unknown operator")]
    Operator { relation: String },
    #[error("relation `{relation}` has an opening bracket that is not closed")]
    Unclosed { relation: String },
    #[error("relation `{relation}` has unexpected text `{rest}` at its end")]
    Rest { relation: String, rest: String },
}

/// The groups of a field in order; empty groups, as a trailing comma leaves them, are passed over.
pub fn groups(field: &str) -> impl Iterator<Item = Group<'_>> {
    field.split(',').map(str::trim).filter(|text| !text.is_empty()).map(|text| Group { text })
}

/// One item of a relationship field: alternatives of which one is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    text: &'a str,
}

impl<'a> Group<'a> {
    /// The text without the spaces around it.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The alternatives, from left to right.
    pub fn alternatives(&self) -> impl Iterator<Item = Result<Relation<'a>, ParseRelationError>> + use<'a> {
        self.text.split('|').map(Relation::parse)
    }
}

impl<'a> Relation<'a> {
    /// Reads one alternative.
    pub fn parse(text: &'a str) -> Result<Self, ParseRelationError> {
        let text = text.trim();
        let relation = || text.to_owned();
        let end = text.find(|c: char| c.is_ascii_whitespace() || "([<".contains(c)).unwrap_or(text.len());
        let (head, mut rest) = text.split_at(end);
        let (name, qualifier) = match head.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (head, None),
        };
        if !is_package_name(name) || qualifier.is_some_and(|word| !is_package_name(word)) {
            return Err(ParseRelationError::Name { relation: relation() });
        }
        let unclosed = || ParseRelationError::Unclosed { relation: relation() };
        let constraint = match bracketed(&mut rest, '(', ')').map_err(|()| unclosed())? {
            Some(inside) => Some(VersionConstraint::parse(inside, text)?),
            None => None,
        };
        let architectures = bracketed(&mut rest, '[', ']').map_err(|()| unclosed())?.unwrap_or_default();
        let profiles = rest.trim();
        if !profiles.is_empty() {
            if !profiles.starts_with('<') {
                return Err(ParseRelationError::Rest { relation: relation(), rest: profiles.to_owned() });
            }
            if !profiles.ends_with('>') {
                return Err(unclosed());
            }
        }
        Ok(Self { name, qualifier, constraint, architectures, profiles })
    }

    /// Whether `version` satisfies the constraint; every version does without one.
    pub fn accepts(&self, version: &str) -> bool {
        self.constraint.is_none_or(|constraint| constraint.accepts(version))
    }
}

impl<'a> VersionConstraint<'a> {
    /// Whether `version` stands to the constraint's version as the operator says.
    pub fn accepts(&self, version: &str) -> bool {
        let order = compare_versions(version, self.version);
        match self.operator {
            Operator::Earlier => order == Ordering::Less,
            Operator::EarlierOrEqual => order != Ordering::Greater,
            Operator::Equal => order == Ordering::Equal,
            Operator::LaterOrEqual => order != Ordering::Less,
            Operator::Later => order == Ordering::Greater,
        }
    }

    fn parse(inside: &'a str, relation: &str) -> Result<Self, ParseRelationError> {
        let inside = inside.trim();
        let end = inside.find(|c| !"<>=".contains(c)).unwrap_or(inside.len());
        let (operator, version) = inside.split_at(end);
        let operator = match operator {
            "<<" => Operator::Earlier,
            "<=" | "<" => Operator::EarlierOrEqual,
            // A version alone means equality to dpkg.
            "=" | "" => Operator::Equal,
            ">=" | ">" => Operator::LaterOrEqual,
            ">>" => Operator::Later,
            _ => return Err(ParseRelationError::Operator { relation: relation.to_owned() }),
        };
        let version = version.trim();
        if version.is_empty() || version.contains(|c: char| c.is_ascii_whitespace() || c == '(') {
            return Err(ParseRelationError::Version { relation: relation.to_owned() });
        }
        Ok(Self { operator, version })
    }
}

/// Takes a bracketed part off the front of `rest`; `Err` when it is not closed.
fn bracketed<'a>(rest: &mut &'a str, open: char, close: char) -> Result<Option<&'a str>, ()> {
    let Some(inside) = rest.trim_start().strip_prefix(open) else { return Ok(None) };
    let (inside, after) = inside.split_once(close).ok_or(())?;
    *rest = after;
    Ok(Some(inside))
}

fn is_package_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

impl Operator {
    /// The operator as the policy writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Writes name, qualifier and constraint; the restrictions of source packages are left out.
impl fmt::Display for Relation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(formatter, ":{qualifier}")?;
        }
        match self.constraint {
            Some(constraint) => write!(formatter, " ({} {})", constraint.operator, constraint.version),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(field: &str) -> Vec<Vec<String>> {
        groups(field)
            .map(|group| group.alternatives().map(|one| one.unwrap().to_string()).collect())
            .collect()
    }

    #[test]
    fn reads_groups_alternatives_and_constraints() {
        assert_eq!(
            read(
                "libc6 (>= 2.38), default-mta | mail-transport-agent,\n python3:any(>>3.13~) , x (= 1:2-3),"
            ),
            [
                vec!["libc6 (>= 2.38)"],
                vec!["default-mta", "mail-transport-agent"],
                vec!["python3:any (>> 3.13~)"],
                vec!["x (= 1:2-3)"]
            ]
        );
        assert_eq!(read("a (< 1), b (> 2), c (3)"), [["a (<= 1)"], ["b (>= 2)"], ["c (= 3)"]]);
        assert!(read(" , ,").is_empty());
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, message) in [
            ("", "relation `` has no package name"),
            ("(>= 1)", "relation `(>= 1)` has no package name"),
            ("a: (>= 1)", "relation `a: (>= 1)` has no package name"),
            ("a (>= 1", "relation `a (>= 1` has an opening bracket that is not closed"),
            ("a (>= )", "relation `a (>= )` has no version after its operator"),
            ("a (== 1)", "relation `a (== 1)` has an unknown operator"),
            ("a b", "relation `a b` has unexpected text `b` at its end"),
        ] {
            assert_eq!(Relation::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_constraint_accepts_the_versions_it_names() {
        for (relation, accepted, refused) in [
            ("a (<< 2)", "2~", "2"),
            ("a (<= 2)", "2-0", "2-1"),
            ("a (= 2)", "0:2", "2.0"),
            ("a (>= 2)", "2", "2~rc1"),
            ("a (>> 2)", "2+b1", "2"),
        ] {
            let relation = Relation::parse(relation).unwrap();
            assert!(relation.accepts(accepted), "{relation} {accepted}");
            assert!(!relation.accepts(refused), "{relation} {refused}");
        }
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(field in "[ -~\n]{0,60}") {
            for group in groups(&field) {
                for relation in group.alternatives().flatten() {
                    relation.accepts("1");
                }
            }
        }

        #[test]
        fn what_is_printed_reads_the_same(
            name in "[a-z][a-z0-9+.-]{1,8}",
            qualifier in proptest::option::of("any|amd64"),
            operator in proptest::sample::select(vec!["<<", "<=", "=", ">=", ">>"]),
            version in proptest::option::of("[0-9][0-9.]{0,4}"),
        ) {
            let qualifier = qualifier.map(|word| format!(":{word}")).unwrap_or_default();
            let constraint = version.map(|version| format!(" ({operator} {version})")).unwrap_or_default();
            let text = format!("{name}{qualifier}{constraint}");
            prop_assert_eq!(Relation::parse(&text).unwrap().to_string(), text);
        }
    }
}
