//! Who calls an operation.

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
        /// The token's name, for the audit log.
        token_name: String,
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
