//! Who calls an operation.

use temper_oci::Pattern;

/// Who calls an operation, as a door has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anybody.
    Anonymous,
    /// Somebody with an account, by password, session or access token.
    User {
        /// The user's id.
        id: String,
        /// The user's name, for the audit log.
        name: String,
        /// Whether every organization is theirs to look after.
        is_admin: bool,
        /// Bounds of the access token that was the proof; nothing where it was a password or a session.
        token: Option<Scope>,
    },
    /// A program with an access token of an organization.
    Organization {
        /// The organization's id.
        id: String,
        /// The organization's name.
        name: String,
        /// What the token is for.
        scope: Scope,
    },
    /// Temper itself: a job, the watch.
    Program,
}

/// What an access token is for; never more than its owner may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The token's name.
    pub name: String,
    /// Whether it may change anything.
    pub may_write: bool,
    /// Patterns of the repositories that it is for; all where empty.
    pub repositories: Vec<String>,
}

impl Caller {
    /// Returns who it is in the words of the audit log: `alice`, `alice/token:ci`, `acme/token:ci`, `temper`.
    pub fn actor(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::User { name, token: None, .. } => name.clone(),
            Self::User { name, token: Some(scope), .. } | Self::Organization { name, scope, .. } => {
                format!("{name}/token:{}", scope.name)
            }
            Self::Program => "temper".to_owned(),
        }
    }

    /// Returns the bounds of the access token that was the proof, if it was one.
    pub fn scope(&self) -> Option<&Scope> {
        match self {
            Self::User { token, .. } => token.as_ref(),
            Self::Organization { scope, .. } => Some(scope),
            Self::Anonymous | Self::Program => None,
        }
    }

    /// Says whether it may change anything at all.
    pub fn may_write(&self) -> bool {
        self.scope().is_none_or(|scope| scope.may_write)
    }

    pub(crate) fn user_id(&self) -> Option<&str> {
        match self {
            Self::User { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Says whether every organization is theirs to look after.
    pub(crate) fn is_admin(&self) -> bool {
        matches!(self, Self::User { is_admin: true, .. } | Self::Program)
    }
}

impl Scope {
    /// Says whether it is for a repository.
    pub fn is_for(&self, repository: &str) -> bool {
        self.is_for_all() || self.repositories.iter().any(|pattern| matches(pattern, repository))
    }

    /// Says whether it is for every repository, and so for what is no repository too.
    pub fn is_for_all(&self) -> bool {
        self.repositories.is_empty()
    }
}

/// Says whether a pattern that was checked when it was kept matches.
pub(crate) fn matches(pattern: &str, repository: &str) -> bool {
    pattern.parse::<Pattern>().is_ok_and(|pattern| pattern.matches(repository))
}
