//! Rights and roles, as columns and documents write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What somebody may do in a repository; each right holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Pull.
    Read,
    /// Push.
    Write,
    /// Remove, and set what holds in the repository.
    Admin,
}

/// What somebody is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Belongs to it.
    Member,
    /// Decides for it.
    Owner,
}

/// A text names no right or role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of {known}")]
pub struct UnknownRight {
    /// The text.
    pub text: String,
    /// What there is.
    pub known: &'static str,
}

impl Right {
    /// Returns the right in the words of columns and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl Role {
    /// Returns the role in the words of columns and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Read, Self::Write, Self::Admin];
        let unknown = || UnknownRight { text: text.to_owned(), known: "`read`, `write`, `admin`" };
        all.into_iter().find(|right| right.as_str() == text).ok_or_else(unknown)
    }
}

impl FromStr for Role {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Member, Self::Owner];
        let unknown = || UnknownRight { text: text.to_owned(), known: "`member`, `owner`" };
        all.into_iter().find(|role| role.as_str() == text).ok_or_else(unknown)
    }
}

/// Reads a column that holds one of a few words.
pub(super) fn word<T: FromStr>(column: &'static str, text: &str) -> Result<T, sqlx::Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|source: T::Err| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(source),
    })
}
