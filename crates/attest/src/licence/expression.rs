//! Expressions over licences: `and`, `or`, and what stands between them.
//!
//! In a copyright file `and` binds tighter than `or`, and a comma before either looser than both; see
//! [DEP-5, "License field"](https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-syntax).

use std::collections::BTreeMap;
use std::fmt;

use crate::licence::names::{self, Name};

/// Longest line that can be an expression, in bytes; prose is longer or has other words.
const SYNOPSIS_BYTES_MAX: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expression {
    /// An identifier of SPDX, or an expression of them.
    Listed(String),
    /// A name that SPDX does not know: the reference and the name.
    Reference(String, String),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

/// What joins the parts of an expression, the loosest first.
const JOINTS: [&[&str]; 4] = [&[",", "or"], &[",", "and"], &["or"], &["and"]];

impl Expression {
    /// Reads the first line of a licence field; prose gives nothing.
    pub(super) fn parse(line: &str) -> Option<Self> {
        if line.len() > SYNOPSIS_BYTES_MAX {
            return None;
        }
        let spaced = line.replace(',', " , ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        parse(&words, &JOINTS)
    }

    pub(super) fn and(parts: Vec<Self>) -> Self {
        Self::join(parts, true)
    }

    /// One list of a kind, sorted and without repetition.
    fn join(parts: Vec<Self>, is_and: bool) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::And(inner) if is_and => flat.extend(inner),
                Self::Or(inner) if !is_and => flat.extend(inner),
                other => flat.push(other),
            }
        }
        flat.sort();
        flat.dedup();
        match flat.len() {
            1 => flat.remove(0),
            _ if is_and => Self::And(flat),
            _ => Self::Or(flat),
        }
    }

    pub(super) fn collect_references(&self, references: &mut BTreeMap<String, String>) {
        match self {
            Self::Listed(_) => {}
            Self::Reference(id, name) => drop(references.insert(id.clone(), name.clone())),
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.collect_references(references);
                }
            }
        }
    }
}

fn parse(words: &[&str], joints: &[&[&str]]) -> Option<Expression> {
    let Some((joint, tighter)) = joints.split_first() else {
        return factor(words);
    };
    let mut parts = Vec::new();
    let mut rest = words;
    while let Some(index) = rest.windows(joint.len()).position(|window| window == *joint) {
        parts.push(parse(&rest[..index], tighter)?);
        rest = &rest[index + joint.len()..];
    }
    parts.push(parse(rest, tighter)?);
    Some(Expression::join(parts, joint.last() == Some(&"and")))
}

fn factor(words: &[&str]) -> Option<Expression> {
    let name = match words {
        [name] => names::licence(name)?,
        [name, "with", exception] | [name, "with", exception, "exception" | "Exception"] => {
            names::with_exception(name, exception)?
        }
        _ => return None,
    };
    Some(match name {
        Name::Listed(id) if id.contains(" OR ") => {
            Expression::Or(id.split(" OR ").map(|part| Expression::Listed(part.to_owned())).collect())
        }
        Name::Listed(id) => Expression::Listed(id),
        Name::Unknown(name) => Expression::Reference(names::reference(&name), name),
    })
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, joint) = match self {
            Self::Listed(id) | Self::Reference(id, _) => return f.write_str(id),
            Self::And(parts) => (parts, " AND "),
            Self::Or(parts) => (parts, " OR "),
        };
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { joint })?;
            match part {
                Self::And(_) | Self::Or(_) => write!(f, "({part})")?,
                _ => write!(f, "{part}")?,
            }
        }
        Ok(())
    }
}
