//! The REST API over the hub.
//!
//! A door: it knows HTTP and who asks; what is done, the hub's operations do. Each noun has a file with its routes and
//! the documents that they take and give; `organizations` is the one to copy for a new noun. The description of the
//! whole, OpenAPI 3.1, is made from the same code ([`description`]).

mod caller;
mod document;
mod etag;
mod page;
mod problem;
mod time;

mod audit;
mod builds;
mod catalogs;
mod customizations;
mod mirrors;
mod organizations;
mod repositories;
mod sessions;
mod teams;
mod tokens;
mod users;
mod watch;
mod webhooks;

mod router;

pub use audit::AuditEvent;
pub use builds::{
    Build, BuildCause, BuildDetails, BuildError, BuildEvent, BuildInput, BuildProblem, BuildRun,
};
pub use caller::{Peer, SESSION_COOKIE};
pub use catalogs::CatalogEntry;
pub use customizations::{
    Customization, CustomizationEdit, CustomizationVersion, Documents, Drift, DriftLine, Folder, Released,
    Restoration, SentDocument, Target, TargetTag,
};
pub use mirrors::{Mirror, MirroredTag, NewMirror, RefusedTag, SyncProgress, TagLine};
pub use organizations::{
    Member, MemberRight, NewOrganization, Organization, OrganizationEdit, Role, RoleOfMember,
};
pub use page::Listed;
pub use problem::{Problem, ProblemDetails};
pub use repositories::{ImmutableTags, ImmutableWord, Repository, RepositoryEdit};
pub use router::{description, router};
pub use sessions::{Credentials, Session};
pub use teams::{NewTeam, Right, Team, TeamRight};
pub use tokens::{MadeToken, NewToken, Token};
pub use users::{NewUser, User, UserEdit};
pub use watch::{Freshness, LateChange, Rebuilds, RebuildsEdit, Window};
pub use webhooks::{Delivery, Heard, IncomingWebhook, NewIncomingWebhook, NewWebhook, Webhook};
