//! Who may do what: the seam between the registry and whoever knows people and rights.
//!
//! The registry asks [`Access`] before it reads or writes anything. [`LocalAccess`] is for one machine;
//! [`TokenAccess`] knows people, whom it finds in a [`crate::Directory`].

pub(crate) mod credentials;
mod local;
mod signed_in;

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;

use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;

pub(crate) use credentials::Credentials;
pub use local::LocalAccess;
pub use signed_in::TokenAccess;

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the repository in a list of all.
    List,
    /// Read blobs, manifests, tags and referrers.
    Pull,
    /// Write blobs, manifests and tags.
    Push,
    /// Remove blobs, manifests and tags.
    Delete,
}

/// Who asks for what.
#[derive(Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The address at the other end of the connection; absent where there is none.
    pub peer: Option<IpAddr>,
    /// Whether a program of this machine asks this machine: nothing stands between, and no web page made a browser
    /// ask.
    pub is_local: bool,
    /// Where the client sees this server, `https://registry.example.org`.
    pub origin: &'a str,
    /// Value of the header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The repository and what to do with it; `None` for the check of the base path, by which clients learn
    /// whether and how to log in.
    pub target: Option<(&'a RepositoryName, Action)>,
}

/// What the header holds is a secret.
impl fmt::Debug for AccessRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, is_local, origin, authorization: _, target } = self;
        f.debug_struct("AccessRequest")
            .field("peer", peer)
            .field("is_local", is_local)
            .field("origin", origin)
            .field("target", target)
            .finish_non_exhaustive()
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allowed(Actor),
    /// Say first who you are, in the way of this `WWW-Authenticate` value.
    Unauthenticated {
        /// The challenge.
        challenge: String,
    },
    /// The repository may be known, this action is not allowed.
    Denied,
    /// Answer as if the repository did not exist.
    Hidden,
}

/// Who makes a request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Anybody.
    Anonymous,
    /// Somebody with an account.
    User(String),
    /// A program that holds an access token of a user.
    Token {
        /// Whose token.
        user: String,
        /// The token's name.
        token: String,
    },
    /// This program itself.
    Program,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(user) => write!(f, "user:{user}"),
            Self::Token { user, token } => write!(f, "user:{user}/token:{token}"),
            Self::Program => f.write_str("temper"),
        }
    }
}

/// What [`Access::decide`] returns.
pub type DecisionFuture<'a> = Pin<Box<dyn Future<Output = Result<Decision, AccessError>> + Send + 'a>>;

/// What [`Access::list`] returns.
pub type ListFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<RepositoryName>, AccessError>> + Send + 'a>>;

/// What [`Access::policy`] returns.
pub type PolicyFuture<'a> = Pin<Box<dyn Future<Output = Result<RepositoryPolicy, AccessError>> + Send + 'a>>;

/// Whoever decides could not.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Rights or rules cannot be read; the request fails, and nobody learns more than that.
    #[error("rights and rules cannot be read")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// So many log in at once that this one must come again.
    #[error("too many log in at once")]
    Busy,
}

/// Decides about requests, and knows the rules of repositories.
pub trait Access: Send + Sync {
    /// Decides about one request; called once for each repository that the request touches.
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a>;

    /// Returns which of some repositories the caller may see in a list of all; `request` has no target.
    ///
    /// By default this asks for each of them.
    fn list<'a>(&'a self, request: AccessRequest<'a>, names: Vec<RepositoryName>) -> ListFuture<'a> {
        Box::pin(async move {
            let mut seen = Vec::new();
            for name in names {
                let request = AccessRequest { target: Some((&name, Action::List)), ..request };
                if let Decision::Allowed(_) = self.decide(request).await? {
                    seen.push(name);
                }
            }
            Ok(seen)
        })
    }

    /// Returns the rules of a repository, also of one that does not exist yet.
    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> PolicyFuture<'a>;
}
