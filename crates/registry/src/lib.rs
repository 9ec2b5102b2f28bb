//! The embedded OCI distribution server.
//!
//! A door: it knows HTTP and the distribution specification; it must not know SQL, HTML, or what a build is.
//! Who may do what is decided behind [`Access`], what happened is told through [`Registry::subscribe`].

mod headers;
mod limits;
mod name;
mod patience;
mod policy;
mod route;

mod access;
mod accounts;
mod directory;
mod frontage;
mod password;
mod token;

mod error;
mod events;
mod registry;
mod storage;

mod blobs;
mod body;
mod catalog;
mod check;
mod collect;
mod manifests;
mod paging;
mod referrers;
mod tags;
mod uploads;

mod router;
mod server;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use access::{
    Access, AccessError, AccessRequest, Action, Actor, Decision, DecisionFuture, ListFuture, LocalAccess,
    PolicyFuture, TokenAccess,
};
pub use accounts::{AccessToken, Accounts, AccountsDirectory, RepositoryRules, User};
pub use check::{Checked, Damage};
pub use collect::{CollectOptions, Collected, CollectedRepository};
pub use directory::{Directory, DirectoryFuture, Identity, Right, Unproven};
pub use error::RegistryError;
pub use events::{Author, Change, Event};
pub use frontage::{Frontage, ParsePublicUrlError, PublicUrl, Visitor};
pub use limits::Limits;
pub use manifests::publish::{ManifestPush, Push};
pub use name::RepositoryName;
pub use password::{
    AccessSecret, AccessSecretDigest, GenerateError, ParseAccessSecretDigestError, ParsePasswordHashError,
    PasswordHash, PasswordLimits, Passwords,
};
pub use policy::{ImmutableTags, RepositoryPolicy, Retention};
pub use registry::{Clock, Registry, RegistryConfig};
pub use router::router;
pub use server::{ServeLimits, Tls, TlsError, serve, serve_tls};
pub use temper_oci::Pattern;
pub use token::endpoint::token_router;
pub use token::{TokenKey, TokenKeyError, TokenLimits, Tokens};
