//! The job `deliver`: one delivery, tried until it arrives or is given up.

use temper_fetch::courier::CourierError;
use temper_store::records::{Attempt, Job};

use super::DELIVER_JOB;
use super::signature::{SIGNATURE_HEADER, sign};
use crate::error::HubError;
use crate::hub::Hub;
use crate::sync::sentence;
use crate::worker::{Handler, HandlerFuture, Lease, Outcome};

/// How often a delivery is tried: with the queue's delays that is about a day.
const ATTEMPTS_MAX: u32 = 30;

/// Sends deliveries.
#[derive(Clone, Debug)]
pub struct DeliveryHandler {
    hub: Hub,
}

impl DeliveryHandler {
    /// Makes the handler of a hub.
    pub fn new(hub: Hub) -> Self {
        Self { hub }
    }
}

impl Handler for DeliveryHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[DELIVER_JOB]
    }

    fn run<'a>(&'a self, job: &'a Job, _: &'a Lease) -> HandlerFuture<'a> {
        Box::pin(async move {
            let outcome = self.hub.deliver(job).await;
            outcome.unwrap_or_else(|error| Outcome::Retry { error: sentence(&error) })
        })
    }
}

impl Hub {
    async fn deliver(&self, job: &Job) -> Result<Outcome, HubError> {
        let webhooks = self.records().webhooks();
        let Some(delivery) = webhooks.delivery(&job.subject).await? else { return Ok(Outcome::Done) };
        if delivery.delivered_at.is_some() || delivery.given_up_at.is_some() {
            return Ok(Outcome::Done);
        }
        let Some(webhook) = webhooks.find(&delivery.webhook_id).await? else { return Ok(Outcome::Done) };
        let headers = [
            (SIGNATURE_HEADER, sign(webhook.secret.expose(), delivery.payload.as_bytes())),
            ("x-temper-event", delivery.event.clone()),
            ("x-temper-delivery", delivery.id.clone()),
        ];
        let sent = self.outside().courier.send(&webhook.url, &headers, delivery.payload.clone()).await;
        let attempt = attempt(sent, job.attempts >= ATTEMPTS_MAX);
        webhooks.note_attempt(&delivery.id, &attempt, self.now()).await?;
        Ok(match attempt.failure {
            None => Outcome::Done,
            // The delivery's own record says that it was given up.
            Some(_) if attempt.is_last => Outcome::Done,
            Some(error) => Outcome::Retry { error },
        })
    }
}

fn attempt(sent: Result<u16, CourierError>, is_last: bool) -> Attempt {
    match sent {
        Ok(status @ 200..=299) => Attempt { status: Some(status), failure: None, is_last },
        // Who says that the address is gone is not asked again.
        Ok(status) => {
            let failure = format!("the address answered with status {status}");
            Attempt { status: Some(status), failure: Some(failure), is_last: is_last || status == 410 }
        }
        Err(error) => {
            let is_last = is_last || error.is_lasting();
            Attempt { status: None, failure: Some(sentence(&error)), is_last }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_end_as_they_should() {
        let check = |sent: Result<u16, CourierError>, is_last: bool, delivered: bool, ends: bool| {
            let attempt = attempt(sent, is_last);
            let delivered_now = attempt.failure.is_none();
            assert_eq!((delivered_now, delivered_now || attempt.is_last), (delivered, ends), "{attempt:?}");
        };
        check(Ok(200), false, true, true);
        check(Ok(204), false, true, true);
        check(Ok(302), false, false, false);
        check(Ok(500), false, false, false);
        check(Ok(500), true, false, true);
        check(Ok(410), false, false, true);
        check(Err(CourierError::Address("x".to_owned())), false, false, true);
    }
}
