//! The hub: organizations, mirrors, customizations, builds and the watch, as operations and jobs.
//!
//! It decides who may do what, and in which order things happen that outlive a request. It must not know HTTP or SQL:
//! doors call its operations, `store` keeps its records, and what it needs of the world stands in [`HubConfig`].

mod caller;
mod check;
mod error;
mod hub;
mod images;
mod outside;
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

mod cause;
mod content;
mod targets;

mod build_error;
mod build_log;
mod builder;
mod builds;
mod check_target;
mod current_target;
mod customizations;
mod runner;
mod tags;

mod jobs;

mod catalogs;
mod freshness;
mod mirrors;
mod sync;
mod watch;
mod webhooks;

pub use authentication::{Authenticated, Unproven};
pub use build_error::{BuildError, BuildProblem};
pub use builder::{BuildTask, Ended, Guard, Published, SERVER_BUILDER, Stop};
pub use builds::{Build, BuildDetails, timestamp};
pub use caller::{Caller, Scope};
pub use catalogs::Catalog;
pub use cause::{Cause, PackageChange};
pub use check_target::{DefinitionBuild, PRIORITY_BY_HAND, PRIORITY_WATCH};
pub use content::{Changes, Content, Difference, PlatformChanges, PlatformContent};
pub use customizations::{Action, CustomizationDetails, Drift, DriftLine, Submission, TargetDetails};
pub use error::HubError;
pub use freshness::{Freshness, Late};
pub use hub::{Clock, Hub, HubConfig, Random};
pub use images::{Images, Signers};
pub use mirrors::{Mirror, MirrorHandler, MirrorKind, MirrorRequest};
pub use organizations::{NewOrganization, OrganizationEdit};
pub use outside::Outside;
pub use page::Page;
pub use people::{FIRST_USER, NewUser, UserEdit};
pub use queue::Queue;
pub use repositories::{Policy, Repository, RepositoryEdit};
pub use rights::organization_of;
pub use secrets::{CheckFuture, NewSecret, Secrets, SecretsError};
pub use sessions::Login;
pub use sync::Progress;
pub use teams::TeamDetails;
pub use temper_store::records::{
    AuditEvent, AuditFilter, BuildEvent, BuildInput, BuildRecord, CustomizationFilter, CustomizationRecord,
    CustomizationVersion, Delivery, FixedTags, IncomingWebhook, Member, MirrorRecord, Organization,
    RefusedTag, RepositorySettings, RepositorySummary, Right, Role, SharedSecret, TagLine, TargetRecord,
    TargetTag, Team, TimedChange, Token, UpstreamTag, User, Webhook,
};
pub use tokens::NewToken;
pub use watch::{Choice, PushedTag, RebuildWindows, Rebuilds, Ticker, Window};
pub use webhooks::{
    Call, DeliveryHandler, EVENTS, Heard, IncomingKind, NewIncoming, NewWebhook, SIGNATURE_HEADER, sign,
};
pub use worker::{Handler, HandlerFuture, Lease, Outcome, Worker, WorkerOptions};
