//! Webhooks: organizations are told of what happens in them, and registries tell of pushes to their repositories.

mod delivery;
mod incoming;
mod payload;
mod signature;

use temper_oci::Pattern;
use temper_spec::{Problem, Problems};
use temper_store::records::{BuildRecord, Delivery, Finish, NewDelivery, NewJob, SharedSecret, Webhook};

use crate::caller::Caller;
use crate::error::HubError;
use crate::hub::Hub;

pub use self::delivery::DeliveryHandler;
pub use self::incoming::{Call, Heard, IncomingKind, NewIncoming};
pub(crate) use self::payload::Push;
pub use self::signature::{SIGNATURE_HEADER, sign};

/// What webhooks can be told of.
pub const EVENTS: [&str; 6] = ["push", "build.succeeded", "build.failed", "mirror.failed", "late", "ping"];

/// The job that sends one delivery; its subject is the delivery's id.
const DELIVER_JOB: &str = "deliver";

/// Most webhooks of an organization.
const WEBHOOKS_MAX: usize = 50;

/// Most patterns of a webhook.
const PATTERNS_MAX: usize = 50;

/// Longest secret that is taken, in bytes.
const SECRET_BYTES_MAX: usize = 256;

/// Shortest secret that is taken, in bytes.
const SECRET_BYTES_MIN: usize = 16;

/// Longest address in bytes.
const URL_BYTES_MAX: usize = 2_000;

/// A webhook that is to be created.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// The address that is told.
    pub url: String,
    /// Names of the events, see [`EVENTS`]; all where empty.
    pub events: Vec<String>,
    /// Patterns of the repositories; all where empty.
    pub repositories: Vec<String>,
    /// What payloads are signed with; one is made where absent.
    pub secret: Option<String>,
}

impl Hub {
    /// Creates a webhook; owners may. Its secret is in the answer, and never again.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        organization: &str,
        new: NewWebhook,
    ) -> Result<Webhook, HubError> {
        let action = format!("creating a webhook of organization `{organization}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        self.check_webhook(&new)?;
        let known = self.records().webhooks().list(&organization.id, None, WEBHOOKS_MAX as u32).await?;
        if known.len() >= WEBHOOKS_MAX {
            return Err(HubError::Conflict {
                message: format!("organization `{}` has {WEBHOOKS_MAX} webhooks already", organization.name),
                hint: Some("delete one that is not needed".to_owned()),
            });
        }
        let webhook = Webhook {
            id: self.new_id(),
            organization_id: organization.id,
            url: new.url,
            secret: SharedSecret::new(new.secret.unwrap_or_else(|| self.new_secret())),
            events: new.events,
            repositories: new.repositories,
            created_at: self.now(),
            created_by: caller.actor(),
        };
        let after = serde_json::json!({
            "url": webhook.url, "events": webhook.events, "repositories": webhook.repositories,
        });
        let event =
            self.event(caller, Some(&webhook.organization_id), "webhook.create", &webhook.id).after(&after);
        self.records().webhooks().create(&webhook, event).await?;
        Ok(webhook)
    }

    /// Lists at most `limit` webhooks of an organization after `after`; owners may.
    pub async fn list_webhooks(
        &self,
        caller: &Caller,
        organization: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Webhook>, HubError> {
        let action = format!("listing webhooks of organization `{organization}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        Ok(self.records().webhooks().list(&organization.id, after, limit).await?)
    }

    /// Deletes a webhook with its log; owners may.
    pub async fn delete_webhook(
        &self,
        caller: &Caller,
        organization: &str,
        id: &str,
    ) -> Result<(), HubError> {
        let webhook = self.webhook(caller, organization, id, "deleting").await?;
        let event = self.event(caller, Some(&webhook.organization_id), "webhook.delete", &webhook.id);
        let event = event.before(&serde_json::json!({"url": webhook.url}));
        self.records().webhooks().delete(id, event).await?;
        Ok(())
    }

    /// Lists at most `limit` deliveries of a webhook before `before`, newest first; owners may.
    pub async fn list_deliveries(
        &self,
        caller: &Caller,
        organization: &str,
        id: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Delivery>, HubError> {
        self.webhook(caller, organization, id, "listing deliveries of").await?;
        Ok(self.records().webhooks().deliveries(id, before, limit).await?)
    }

    /// Sends the event `ping` to a webhook; owners may.
    pub async fn ping_webhook(&self, caller: &Caller, organization: &str, id: &str) -> Result<(), HubError> {
        let webhook = self.webhook(caller, organization, id, "testing").await?;
        let payload =
            serde_json::json!({"event": "ping", "organization": organization, "by": caller.actor()});
        let delivery = self.delivery(&webhook, "ping", payload.to_string());
        self.records().webhooks().queue(&[delivery], self.now()).await?;
        self.queue().wake();
        Ok(())
    }

    /// Tells an organization's webhooks of something, each in a job of its own.
    pub(crate) async fn tell(
        &self,
        organization_id: &str,
        event: &str,
        repository: Option<&str>,
        payload: &serde_json::Value,
    ) -> Result<(), HubError> {
        let webhooks = self.records().webhooks().list(organization_id, None, WEBHOOKS_MAX as u32).await?;
        let text = payload.to_string();
        let wanting = webhooks.iter().filter(|webhook| wants(webhook, event, repository));
        let deliveries: Vec<_> = wanting.map(|webhook| self.delivery(webhook, event, text.clone())).collect();
        if deliveries.is_empty() {
            return Ok(());
        }
        self.records().webhooks().queue(&deliveries, self.now()).await?;
        self.queue().wake();
        Ok(())
    }

    /// Tells how a build ended; that nobody could be told is no fault of the build.
    pub(crate) async fn tell_build(&self, build: &BuildRecord, finish: &Finish) {
        let Some((event, payload)) = payload::of_build(build, finish) else { return };
        if let Err(error) = self.tell(&build.organization_id, event, Some(&build.destination), &payload).await
        {
            let error = crate::sync::sentence(&error);
            tracing::warn!(build.id, error, "webhooks could not be told of a build");
        }
    }

    fn delivery(&self, webhook: &Webhook, event: &str, payload: String) -> (NewDelivery, NewJob) {
        let id = self.new_id();
        let job = NewJob {
            id: self.new_id(),
            kind: DELIVER_JOB,
            subject: id.clone(),
            payload: "{}".to_owned(),
            priority: 0,
            run_at: self.now(),
        };
        (NewDelivery { id, webhook_id: webhook.id.clone(), event: event.to_owned(), payload }, job)
    }

    /// Returns a webhook of an organization whose owner asks.
    async fn webhook(
        &self,
        caller: &Caller,
        organization: &str,
        id: &str,
        doing: &str,
    ) -> Result<Webhook, HubError> {
        let action = format!("{doing} webhook `{id}`");
        let organization = self.require_owner(caller, organization, &action).await?;
        let found = self.records().webhooks().find(id).await?;
        found
            .filter(|webhook| webhook.organization_id == organization.id)
            .ok_or_else(|| HubError::NotFound { kind: "webhook", name: id.to_owned() })
    }

    /// Makes a secret that nobody can guess.
    pub(crate) fn new_secret(&self) -> String {
        use std::fmt::Write as _;
        let random = &self.config().random;
        random().into_iter().chain(random()).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn check_webhook(&self, new: &NewWebhook) -> Result<(), HubError> {
        let mut problems = Vec::new();
        if new.url.len() > URL_BYTES_MAX {
            problems.push(Problem::new("url", None, format!("is longer than {URL_BYTES_MAX} characters")));
        } else if let Err(error) = self.outside().courier.check(&new.url) {
            let problem = Problem::new("url", None, error.to_string());
            problems.push(match error.hint() {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            });
        }
        for (index, event) in new.events.iter().enumerate() {
            if !EVENTS.contains(&event.as_str()) {
                let problem =
                    Problem::new(format!("events[{index}]"), None, format!("there is no event `{event}`"));
                problems.push(problem.with_hint(format!("there is {}", EVENTS.join(", "))));
            }
        }
        if new.repositories.len() > PATTERNS_MAX {
            problems.push(Problem::new(
                "repositories",
                None,
                format!("has more than {PATTERNS_MAX} entries"),
            ));
        }
        for (index, pattern) in new.repositories.iter().enumerate() {
            if let Err(error) = pattern.parse::<Pattern>() {
                problems.push(Problem::new(format!("repositories[{index}]"), None, error.to_string()));
            }
        }
        problems.extend(new.secret.as_deref().and_then(check_secret));
        if problems.is_empty() {
            return Ok(());
        }
        Err(HubError::Invalid { subject: "the webhook".to_owned(), problems: Problems(problems) })
    }
}

fn check_secret(secret: &str) -> Option<Problem> {
    let is_good = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len())
        && secret.bytes().all(|byte| byte.is_ascii_graphic());
    let message = format!("must be {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} visible ASCII characters");
    (!is_good).then(|| Problem::new("secret", None, message).with_hint("leave it out, and one is made"))
}

/// Says whether a webhook is to be told of an event.
fn wants(webhook: &Webhook, event: &str, repository: Option<&str>) -> bool {
    let wants_event = webhook.events.is_empty() || webhook.events.iter().any(|wanted| wanted == event);
    let matches = |name: &str| {
        let mut patterns = webhook.repositories.iter().filter_map(|text| text.parse::<Pattern>().ok());
        webhook.repositories.is_empty() || patterns.any(|pattern| pattern.matches(name))
    };
    wants_event && repository.is_none_or(matches)
}
