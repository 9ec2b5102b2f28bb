//! `/organizations`: organizations and their members.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use temper_hub::Hub;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document, given};
use crate::etag::{IfMatch, Versioned};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};
use crate::teams::Right;
use crate::time;

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(list_organizations, create_organization))
        .routes(routes!(get_organization, edit_organization, remove_organization))
        .routes(routes!(list_members))
        .routes(routes!(set_member, remove_member))
}

/// Owns a namespace of repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organization {
    /// The first part of its repositories' names.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What every member may do in every repository.
    pub member_right: MemberRight,
    /// What a member needs in a repository to create customizations into it: `read` or `write`.
    pub customization_right: Right,
    /// Most bytes of all repositories; absent where there is no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// What every member may do in every repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberRight {
    /// What teams say, and nothing else.
    None,
    /// Pull.
    Read,
    /// Push.
    Write,
}

/// An organization that is to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// The first part of its repositories' names.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// The user who owns it first [default: who makes it].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What becomes of an organization; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationEdit {
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What every member may do in every repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_right: Option<MemberRight>,
    /// What a member needs in a repository to create customizations into it: `read` or `write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customization_right: Option<Right>,
    /// Most bytes of all repositories; null takes the bound away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub quota_bytes: Option<Option<u64>>,
}

/// Somebody who belongs to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The user's name.
    pub user: String,
    /// What they are in it.
    pub role: Role,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// What somebody is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Belongs to it.
    Member,
    /// Decides for it.
    Owner,
}

/// The role of a member.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleOfMember {
    /// What they are to be.
    pub role: Role,
}

/// Lists the organizations that the caller belongs to, by name; of an administrator, all.
#[utoipa::path(get, path = "/organizations", tag = "organizations", params(Wanted),
    responses((status = OK, body = Listed<Organization>), Failures))]
async fn list_organizations(
    State(hub): State<Hub>,
    As(caller): As,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Organization>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_organizations(&caller, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.name.clone(), Organization::from)))
}

/// Makes an organization. Administrators may.
#[utoipa::path(post, path = "/organizations", tag = "organizations", request_body = NewOrganization,
    responses((status = CREATED, body = Organization), Failures))]
async fn create_organization(
    State(hub): State<Hub>,
    As(caller): As,
    Document(new): Document<NewOrganization>,
) -> Result<(StatusCode, Versioned<Organization>), ApiError> {
    let NewOrganization { name, description, owner } = new;
    let new = temper_hub::NewOrganization { name, description, owner };
    Ok((StatusCode::CREATED, versioned(hub.create_organization(&caller, new).await?)))
}

/// Returns an organization. Whoever belongs to it may.
#[utoipa::path(get, path = "/organizations/{organization}", tag = "organizations",
    params(("organization" = String, Path)), responses((status = OK, body = Organization), Failures))]
async fn get_organization(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
) -> Result<Versioned<Organization>, ApiError> {
    Ok(versioned(hub.get_organization(&caller, &organization).await?))
}

/// Changes an organization. Owners may.
#[utoipa::path(patch, path = "/organizations/{organization}", tag = "organizations",
    params(("organization" = String, Path), ("If-Match" = Option<String>, Header, description = "The version that is changed")),
    request_body = OrganizationEdit, responses((status = OK, body = Organization), Failures))]
async fn edit_organization(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    IfMatch(expected): IfMatch,
    Document(edit): Document<OrganizationEdit>,
) -> Result<Versioned<Organization>, ApiError> {
    let edit = temper_hub::OrganizationEdit {
        description: edit.description,
        member_right: edit.member_right.map(MemberRight::to_hub),
        customization_right: edit.customization_right.map(temper_hub::Right::from),
        quota_bytes: edit.quota_bytes,
    };
    Ok(versioned(hub.edit_organization(&caller, &organization, edit, expected).await?))
}

/// Removes an organization with its members, teams and access tokens, once it has no images. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}", tag = "organizations",
    params(("organization" = String, Path)), responses((status = NO_CONTENT), Failures))]
async fn remove_organization(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
) -> Result<StatusCode, ApiError> {
    hub.remove_organization(&caller, &organization).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the members of an organization by name. Whoever belongs to it may.
#[utoipa::path(get, path = "/organizations/{organization}/members", tag = "organizations",
    params(("organization" = String, Path), Wanted), responses((status = OK, body = Listed<Member>), Failures))]
async fn list_members(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Member>>, ApiError> {
    let page = wanted.page()?;
    let found = hub.list_members(&caller, &organization, &page).await?;
    Ok(Json(Listed::of(found, &page, |found| found.user.clone(), Member::from)))
}

/// Makes a user a member, or gives a member another role. Owners may; the last owner stays one.
#[utoipa::path(put, path = "/organizations/{organization}/members/{user}", tag = "organizations",
    params(("organization" = String, Path), ("user" = String, Path)), request_body = RoleOfMember,
    responses((status = NO_CONTENT), Failures))]
async fn set_member(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, user)): At<(String, String)>,
    Document(RoleOfMember { role }): Document<RoleOfMember>,
) -> Result<StatusCode, ApiError> {
    let role = match role {
        Role::Member => temper_hub::Role::Member,
        Role::Owner => temper_hub::Role::Owner,
    };
    hub.set_member(&caller, &organization, &user, role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a user out of an organization and its teams. Owners may, and members may leave; the last owner stays.
#[utoipa::path(delete, path = "/organizations/{organization}/members/{user}", tag = "organizations",
    params(("organization" = String, Path), ("user" = String, Path)), responses((status = NO_CONTENT), Failures))]
async fn remove_member(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, user)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.remove_member(&caller, &organization, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn versioned(organization: temper_hub::Organization) -> Versioned<Organization> {
    Versioned { version: organization.version, document: organization.into() }
}

impl From<temper_hub::Organization> for Organization {
    fn from(found: temper_hub::Organization) -> Self {
        Self {
            name: found.name,
            description: found.description,
            member_right: match found.member_right {
                None => MemberRight::None,
                Some(temper_hub::Right::Read) => MemberRight::Read,
                Some(temper_hub::Right::Write | temper_hub::Right::Admin) => MemberRight::Write,
            },
            customization_right: found.customization_right.into(),
            quota_bytes: found.quota_bytes,
            created_at: time::text(found.created_at),
        }
    }
}

impl MemberRight {
    fn to_hub(self) -> Option<temper_hub::Right> {
        match self {
            Self::None => None,
            Self::Read => Some(temper_hub::Right::Read),
            Self::Write => Some(temper_hub::Right::Write),
        }
    }
}

impl From<temper_hub::Member> for Member {
    fn from(found: temper_hub::Member) -> Self {
        let role = match found.role {
            temper_hub::Role::Member => Role::Member,
            temper_hub::Role::Owner => Role::Owner,
        };
        Self { user: found.user, role, created_at: time::text(found.created_at) }
    }
}
