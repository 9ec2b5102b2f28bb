//! Incoming webhooks: a registry tells of a push, and the mirrors of that repository look at once.

use serde::Deserialize;
use temper_oci::Reference;
use temper_spec::{Problem, Problems};
use temper_store::records::{IncomingWebhook, SharedSecret};

use super::check_secret;
use super::signature::{is_equal, is_signed};
use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;
use crate::mirrors::MirrorKind;

/// Most incoming webhooks of an organization.
const INCOMING_MAX: usize = 50;

/// Most repositories that one call names.
const REPOSITORIES_MAX: usize = 100;

/// Looks that a registry asks for go before those by the clock, and after those that people wait for.
const BY_CALL: i64 = 5;

/// Whose calls are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncomingKind {
    /// Docker Hub; it signs nothing, so the secret is part of the address.
    DockerHub,
    /// Harbor; it sends the secret as its authorization.
    Harbor,
    /// Anything that signs its body with HMAC-SHA256.
    Generic,
}

impl IncomingKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::DockerHub, Self::Harbor, Self::Generic];

    /// Returns the word that stands for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DockerHub => "docker-hub",
            Self::Harbor => "harbor",
            Self::Generic => "generic",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An incoming webhook that is to be created.
#[derive(Clone, Debug, Default)]
pub struct NewIncoming {
    /// See [`IncomingKind::as_str`].
    pub kind: String,
    /// What proves a call; one is made where absent.
    pub secret: Option<String>,
}

/// A call as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The header with the signature, `X-Temper-Signature-256` or `X-Hub-Signature-256`.
    pub signature: Option<&'a str>,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The secret in the address.
    pub token: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The repositories that it tells of, with their registries.
    pub repositories: Vec<String>,
    /// The mirrors that look now.
    pub mirrors: Vec<String>,
}

impl Hub {
    /// Creates an incoming webhook; owners may. Its secret is in the answer, and never again.
    pub async fn create_incoming(
        &self,
        caller: &Caller,
        organization: &str,
        new: NewIncoming,
    ) -> Result<IncomingWebhook, HubError> {
        let action = format!("creating an incoming webhook of organization `{organization}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        let mut problems = Vec::new();
        if IncomingKind::parse(&new.kind).is_none() {
            let known = IncomingKind::ALL.map(IncomingKind::as_str).join(", ");
            let problem = Problem::new("kind", None, format!("there is no kind `{}`", new.kind));
            problems.push(problem.with_hint(format!("there is {known}")));
        }
        problems.extend(new.secret.as_deref().and_then(check_secret));
        if !problems.is_empty() {
            let subject = "the incoming webhook".to_owned();
            return Err(HubError::Invalid { subject, problems: Problems(problems) });
        }
        let known =
            self.records().webhooks().list_incoming(&organization.id, None, INCOMING_MAX as u32).await?;
        if known.len() >= INCOMING_MAX {
            return Err(HubError::Conflict {
                message: format!(
                    "organization `{}` has {INCOMING_MAX} incoming webhooks already",
                    organization.name
                ),
                hint: Some("delete one that is not needed".to_owned()),
            });
        }
        let hook = IncomingWebhook {
            id: self.new_id(),
            organization_id: organization.id,
            kind: new.kind,
            secret: SharedSecret::new(new.secret.unwrap_or_else(|| self.new_secret())),
            created_at: self.now(),
            created_by: caller.actor(),
            called_at: None,
            calls: 0,
        };
        let event = self.event(caller, Some(&hook.organization_id), "incoming-webhook.create", &hook.id);
        let event = event.after(&serde_json::json!({"kind": hook.kind}));
        self.records().webhooks().create_incoming(&hook, event).await?;
        Ok(hook)
    }

    /// Lists at most `limit` incoming webhooks of an organization after `after`; owners may.
    pub async fn list_incoming(
        &self,
        caller: &Caller,
        organization: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<IncomingWebhook>, HubError> {
        let action = format!("listing incoming webhooks of organization `{organization}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        Ok(self.records().webhooks().list_incoming(&organization.id, after, limit).await?)
    }

    /// Deletes an incoming webhook; owners may.
    pub async fn delete_incoming(
        &self,
        caller: &Caller,
        organization: &str,
        id: &str,
    ) -> Result<(), HubError> {
        let action = format!("deleting incoming webhook `{id}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        let found = self.records().webhooks().find_incoming(id).await?;
        let hook = found
            .filter(|hook| hook.organization_id == organization.id)
            .ok_or_else(|| HubError::NotFound { kind: "incoming webhook", name: id.to_owned() })?;
        let event = self.event(caller, Some(&organization.id), "incoming-webhook.delete", &hook.id);
        self.records().webhooks().delete_incoming(id, event).await?;
        Ok(())
    }

    /// Takes a call: where its secret is right, the mirrors of what it tells of look at once.
    ///
    /// # Errors
    ///
    /// A wrong secret is told as an address that is not there.
    pub async fn hear(&self, id: &str, call: Call<'_>) -> Result<Heard, HubError> {
        let unknown = || HubError::NotFound { kind: "incoming webhook", name: id.to_owned() };
        let hook = self.records().webhooks().find_incoming(id).await?.ok_or_else(unknown)?;
        let kind = IncomingKind::parse(&hook.kind).ok_or_else(unknown)?;
        if !is_proved(kind, hook.secret.expose(), call) {
            return Err(unknown());
        }
        let repositories = repositories(kind, call.body).map_err(|message| HubError::Invalid {
            subject: "the call".to_owned(),
            problems: Problem::new("", None, message).into(),
        })?;
        let mut mirrors = Vec::new();
        for repository in &repositories {
            let found = self.records().mirrors().of_source(MirrorKind::Registry.as_str(), repository).await?;
            for mirror in found.into_iter().filter(|mirror| mirror.organization_id == hook.organization_id) {
                self.records().jobs().enqueue(&self.sync_job(&mirror.id, BY_CALL), self.now()).await?;
                mirrors.push(mirror.repository);
            }
        }
        self.records().webhooks().note_call(id, self.now()).await?;
        self.queue().wake();
        Ok(Heard { repositories, mirrors })
    }
}

fn is_proved(kind: IncomingKind, secret: &str, call: Call<'_>) -> bool {
    match kind {
        IncomingKind::DockerHub => call.token.is_some_and(|token| is_equal(secret, token)),
        IncomingKind::Harbor => call.authorization.is_some_and(|text| is_equal(secret, text)),
        IncomingKind::Generic => {
            call.signature.is_some_and(|signature| is_signed(secret, call.body, signature))
        }
    }
}

/// Docker Hub's form, of which only the name counts.
#[derive(Deserialize)]
struct DockerHub {
    repository: DockerHubRepository,
}

#[derive(Deserialize)]
struct DockerHubRepository {
    repo_name: String,
}

/// Harbor's form.
#[derive(Deserialize)]
struct Harbor {
    event_data: HarborData,
}

#[derive(Deserialize)]
struct HarborData {
    #[serde(default)]
    resources: Vec<HarborResource>,
}

#[derive(Deserialize)]
struct HarborResource {
    resource_url: String,
}

/// Our own form.
#[derive(Deserialize)]
struct Generic {
    repository: String,
}

/// Reads the repositories that a call tells of, in the form in which mirrors name them.
fn repositories(kind: IncomingKind, body: &[u8]) -> Result<Vec<String>, String> {
    let wrong = |error: serde_json::Error| format!("is no call of `{}`: {error}", kind.as_str());
    let names: Vec<String> = match kind {
        IncomingKind::DockerHub => {
            let call: DockerHub = serde_json::from_slice(body).map_err(wrong)?;
            vec![call.repository.repo_name]
        }
        IncomingKind::Harbor => {
            let call: Harbor = serde_json::from_slice(body).map_err(wrong)?;
            call.event_data.resources.into_iter().map(|resource| resource.resource_url).collect()
        }
        IncomingKind::Generic => {
            let call: Generic = serde_json::from_slice(body).map_err(wrong)?;
            vec![call.repository]
        }
    };
    if names.len() > REPOSITORIES_MAX {
        return Err(format!("names more than {REPOSITORIES_MAX} repositories"));
    }
    let mut repositories = Vec::new();
    for name in names {
        let reference: Reference = name.parse().map_err(|error| format!("names `{name}`: {error}"))?;
        repositories.push(reference.without_identifier().to_string());
    }
    repositories.sort();
    repositories.dedup();
    Ok(repositories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_name_repositories() {
        let check = |kind: IncomingKind, body: &str, expected: Result<&[&str], &str>| {
            let found = repositories(kind, body.as_bytes());
            match expected {
                Ok(names) => assert_eq!(
                    found.as_deref(),
                    Ok(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().as_slice()),
                    "{body}"
                ),
                Err(part) => assert!(found.clone().expect_err(body).contains(part), "{found:?}"),
            }
        };
        let hub = IncomingKind::DockerHub;
        check(
            hub,
            r#"{"push_data":{"tag":"1"},"repository":{"repo_name":"acme/app"}}"#,
            Ok(&["docker.io/acme/app"]),
        );
        check(hub, r#"{"repository":{"repo_name":"nginx"}}"#, Ok(&["docker.io/library/nginx"]));
        check(hub, r#"{"repository":{"repo_name":"../x"}}"#, Err("names `../x`"));
        check(hub, "{}", Err("is no call of `docker-hub`"));
        let harbor = IncomingKind::Harbor;
        check(
            harbor,
            r#"{"type":"PUSH_ARTIFACT","event_data":{"resources":[
                {"digest":"sha256:1","tag":"2","resource_url":"harbor.example/team/app:2"},
                {"tag":"3","resource_url":"harbor.example/team/app:3"}],"repository":{"name":"app"}}}"#,
            Ok(&["harbor.example/team/app"]),
        );
        check(harbor, r#"{"event_data":{}}"#, Ok(&[]));
        let generic = IncomingKind::Generic;
        check(generic, r#"{"repository":"r.example:5000/a/b","tag":"1"}"#, Ok(&["r.example:5000/a/b"]));
        check(generic, "[]", Err("is no call of `generic`"));
        check(generic, "\u{0}", Err("is no call of `generic`"));
    }

    #[test]
    fn only_who_knows_the_secret_is_heard() {
        let signature = super::super::sign("secret", b"body");
        let call = Call { signature: None, authorization: None, token: None, body: b"body" };
        let check = |kind: IncomingKind, call: Call<'_>, expected: bool| {
            assert_eq!(is_proved(kind, "secret", call), expected, "{kind:?} {call:?}");
        };
        for kind in IncomingKind::ALL {
            check(kind, call, false);
        }
        check(IncomingKind::Generic, Call { signature: Some(&signature), ..call }, true);
        check(IncomingKind::Generic, Call { signature: Some(&signature), body: b"other", ..call }, false);
        check(IncomingKind::Generic, Call { token: Some("secret"), ..call }, false);
        check(IncomingKind::Harbor, Call { authorization: Some("secret"), ..call }, true);
        check(IncomingKind::Harbor, Call { authorization: Some("Secret"), ..call }, false);
        check(IncomingKind::DockerHub, Call { token: Some("secret"), ..call }, true);
        check(IncomingKind::DockerHub, Call { token: Some("secre"), ..call }, false);
    }
}
