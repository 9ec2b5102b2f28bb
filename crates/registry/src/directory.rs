//! Who there is and what they may: the seam between signing in and whoever keeps people.
//!
//! [`crate::TokenAccess`] asks it. [`crate::AccountsDirectory`] answers from an accounts file.

use std::pin::Pin;

use secrecy::SecretString;

use crate::access::{AccessError, Action, Actor};
use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// Name of the access token that was the proof, if it was not the password.
    pub token: Option<String>,
    /// Text that changes when the password or token is replaced: tokens that were issued for the old one end then.
    pub stamp: String,
}

impl Identity {
    /// Returns who makes the request.
    pub fn actor(&self) -> Actor {
        let user = self.user.clone();
        match self.token.clone() {
            Some(token) => Actor::Token { user, token },
            None => Actor::User(user),
        }
    }
}

/// Why nobody is found; for the log alone, an answer tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// Nobody has this name.
    #[error("there is no such user")]
    User,
    /// The user has another password, or none.
    #[error("wrong password")]
    Password,
    /// The user has no such access token.
    #[error("unknown access token")]
    Token,
    /// The user's access token was right until it ended.
    #[error("access token has expired")]
    Expired,
    /// The user was disabled.
    #[error("user is disabled")]
    Disabled,
}

/// What somebody may do in a repository; each right holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Pull.
    Read,
    /// Push.
    Write,
    /// Remove.
    Admin,
}

impl Right {
    /// Returns the right that an action needs.
    pub fn needed(action: Action) -> Self {
        match action {
            Action::List | Action::Pull => Self::Read,
            Action::Push => Self::Write,
            Action::Delete => Self::Admin,
        }
    }
}

/// What a [`Directory`] returns.
pub type DirectoryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, AccessError>> + Send + 'a>>;

/// Knows people, their rights, and the rules of repositories.
pub trait Directory: Send + Sync {
    /// Finds who proves itself by this password or access token; takes as long for users that do not exist.
    fn authenticate<'a>(
        &'a self,
        user: &'a str,
        secret: &'a SecretString,
    ) -> DirectoryFuture<'a, Result<Identity, Unproven>>;

    /// Says whether an identity of an earlier answer would be found today by the same proof.
    fn is_current<'a>(&'a self, identity: &'a Identity) -> DirectoryFuture<'a, bool>;

    /// Returns the highest right of a current identity, or of everybody; a public repository is readable by all.
    ///
    /// The answer does not depend on whether the repository exists.
    fn right<'a>(
        &'a self,
        identity: Option<&'a Identity>,
        repository: &'a RepositoryName,
    ) -> DirectoryFuture<'a, Option<Right>>;

    /// Returns the rules of a repository.
    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> DirectoryFuture<'a, RepositoryPolicy>;
}
