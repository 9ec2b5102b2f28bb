//! The hub: organizations, mirrors, customizations, builds and the watch, as operations and jobs.
//!
//! It decides who may do what, and in which order things happen that outlive a request. It must not know HTTP or SQL:
//! doors call its operations, `store` keeps its records, and what it needs of the world stands in [`HubConfig`].

mod caller;
mod check;
mod error;
mod hub;
mod images;
mod page;
mod queue;
mod secrets;
mod worker;

mod authentication;
mod rights;

mod audit;
mod organizations;
mod people;
mod repositories;
mod sessions;
mod teams;
mod tokens;

pub use authentication::{Authenticated, Unproven};
pub use caller::{Caller, Scope};
pub use error::HubError;
pub use hub::{Clock, Hub, HubConfig, Random};
pub use images::{Images, Signers};
pub use organizations::{NewOrganization, OrganizationEdit};
pub use page::Page;
pub use people::{FIRST_USER, NewUser, UserEdit};
pub use queue::Queue;
pub use repositories::{Policy, Repository, RepositoryEdit};
pub use rights::organization_of;
pub use secrets::{CheckFuture, NewSecret, Secrets, SecretsError};
pub use sessions::Login;
pub use teams::TeamDetails;
pub use temper_store::records::{
    AuditEvent, AuditFilter, FixedTags, Member, Organization, RepositorySettings, RepositorySummary, Right,
    Role, Team, Token, User,
};
pub use tokens::NewToken;
pub use worker::{Handler, HandlerFuture, Lease, Outcome, Worker, WorkerOptions};
