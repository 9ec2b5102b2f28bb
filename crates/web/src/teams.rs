//! `/organizations/{organization}/teams`: members who have rights in common.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use temper_hub::Hub;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::As;
use crate::document::{Asked, At, Document};
use crate::page::{Listed, Wanted};
use crate::problem::{ApiError, Failures};

/// Returns the routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Hub> {
    OpenApiRouter::new()
        .routes(routes!(list_teams, create_team))
        .routes(routes!(get_team, remove_team))
        .routes(routes!(add_team_member, remove_team_member))
        .routes(routes!(set_team_right, remove_team_right))
}

/// What somebody may do in a repository; each right holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Pull.
    Read,
    /// Push.
    Write,
    /// Remove, and set what holds in the repository.
    Admin,
}

/// Members who have rights in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Team {
    /// Its name in the organization.
    pub name: String,
    /// Who is in it.
    pub members: Vec<String>,
    /// What it may do where.
    pub rights: Vec<TeamRight>,
}

/// What a team may do in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamRight {
    /// The repository, or a pattern of several: `acme/dhi-*`.
    pub repository: String,
    /// What it may do there.
    pub right: Right,
}

/// A team that is to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// Its name in the organization.
    pub name: String,
}

/// Which right is taken away.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfRepository {
    /// The repository or pattern, as it was given.
    repository: String,
}

/// Lists the teams of an organization by name, with members and rights. Whoever belongs to it may.
#[utoipa::path(get, path = "/organizations/{organization}/teams", tag = "teams",
    params(("organization" = String, Path), Wanted), responses((status = OK, body = Listed<Team>), Failures))]
async fn list_teams(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Listed<Team>>, ApiError> {
    let page = wanted.page()?;
    let mut found = Vec::new();
    for team in hub.list_teams(&caller, &organization, &page).await? {
        found.push(hub.get_team(&caller, &organization, &team.name).await?);
    }
    Ok(Json(Listed::of(found, &page, |found| found.team.name.clone(), Team::from)))
}

/// Adds a team. Owners may.
#[utoipa::path(post, path = "/organizations/{organization}/teams", tag = "teams",
    params(("organization" = String, Path)), request_body = NewTeam,
    responses((status = CREATED, body = Team), Failures))]
async fn create_team(
    State(hub): State<Hub>,
    As(caller): As,
    At(organization): At<String>,
    Document(new): Document<NewTeam>,
) -> Result<(StatusCode, Json<Team>), ApiError> {
    let team = hub.create_team(&caller, &organization, &new.name).await?;
    Ok((StatusCode::CREATED, Json(Team { name: team.name, members: Vec::new(), rights: Vec::new() })))
}

/// Returns a team. Whoever belongs to the organization may.
#[utoipa::path(get, path = "/organizations/{organization}/teams/{team}", tag = "teams",
    params(("organization" = String, Path), ("team" = String, Path)), responses((status = OK, body = Team), Failures))]
async fn get_team(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, team)): At<(String, String)>,
) -> Result<Json<Team>, ApiError> {
    Ok(Json(hub.get_team(&caller, &organization, &team).await?.into()))
}

/// Removes a team with its rights. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}/teams/{team}", tag = "teams",
    params(("organization" = String, Path), ("team" = String, Path)), responses((status = NO_CONTENT), Failures))]
async fn remove_team(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, team)): At<(String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.remove_team(&caller, &organization, &team).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a member of the organization into a team. Owners may.
#[utoipa::path(put, path = "/organizations/{organization}/teams/{team}/members/{user}", tag = "teams",
    params(("organization" = String, Path), ("team" = String, Path), ("user" = String, Path)),
    responses((status = NO_CONTENT), Failures))]
async fn add_team_member(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, team, user)): At<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.add_team_member(&caller, &organization, &team, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a user out of a team. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}/teams/{team}/members/{user}", tag = "teams",
    params(("organization" = String, Path), ("team" = String, Path), ("user" = String, Path)),
    responses((status = NO_CONTENT), Failures))]
async fn remove_team_member(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, team, user)): At<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    hub.remove_team_member(&caller, &organization, &team, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a team may do in a repository, or in all that match a pattern. Owners may.
#[utoipa::path(put, path = "/organizations/{organization}/teams/{team}/rights", tag = "teams",
    params(("organization" = String, Path), ("team" = String, Path)), request_body = TeamRight,
    responses((status = NO_CONTENT), Failures))]
async fn set_team_right(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, team)): At<(String, String)>,
    Document(TeamRight { repository, right }): Document<TeamRight>,
) -> Result<StatusCode, ApiError> {
    hub.set_team_right(&caller, &organization, &team, &repository, Some(right.into())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a right away from a team. Owners may.
#[utoipa::path(delete, path = "/organizations/{organization}/teams/{team}/rights", tag = "teams",
    params(("organization" = String, Path), ("team" = String, Path), OfRepository),
    responses((status = NO_CONTENT), Failures))]
async fn remove_team_right(
    State(hub): State<Hub>,
    As(caller): As,
    At((organization, team)): At<(String, String)>,
    Asked(OfRepository { repository }): Asked<OfRepository>,
) -> Result<StatusCode, ApiError> {
    hub.set_team_right(&caller, &organization, &team, &repository, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<temper_hub::TeamDetails> for Team {
    fn from(found: temper_hub::TeamDetails) -> Self {
        let rights = found.rights.into_iter();
        Self {
            name: found.team.name,
            members: found.members,
            rights: rights.map(|(repository, right)| TeamRight { repository, right: right.into() }).collect(),
        }
    }
}

impl From<temper_hub::Right> for Right {
    fn from(right: temper_hub::Right) -> Self {
        match right {
            temper_hub::Right::Read => Self::Read,
            temper_hub::Right::Write => Self::Write,
            temper_hub::Right::Admin => Self::Admin,
        }
    }
}

impl From<Right> for temper_hub::Right {
    fn from(right: Right) -> Self {
        match right {
            Right::Read => Self::Read,
            Right::Write => Self::Write,
            Right::Admin => Self::Admin,
        }
    }
}
