//! The embedded OCI distribution server.
//!
//! A door: it knows HTTP and the distribution specification; it must not know SQL, HTML, or what a build is.
//! Who may do what is decided behind [`Access`], what happened is told through [`Registry::subscribe`].

mod headers;
mod limits;
mod name;
mod pattern;
mod policy;
mod route;

mod access;
mod error;
mod events;
mod registry;
mod storage;

mod blobs;
mod body;
mod check;
mod collect;
mod manifests;
mod paging;
mod referrers;
mod tags;
mod uploads;

mod router;
mod server;

pub use access::{
    Access, AccessError, AccessRequest, Action, Actor, Decision, DecisionFuture, LocalAccess, Login,
    PolicyFuture,
};
pub use check::{Checked, Damage};
pub use collect::{CollectOptions, Collected, CollectedRepository};
pub use error::RegistryError;
pub use events::{Author, Change, Event};
pub use limits::Limits;
pub use manifests::publish::{ManifestPush, Push};
pub use name::RepositoryName;
pub use pattern::{ParsePatternError, Pattern};
pub use policy::{ImmutableTags, RepositoryPolicy, Retention};
pub use registry::{Clock, Registry, RegistryConfig};
pub use router::router;
pub use server::{ServeLimits, serve};
