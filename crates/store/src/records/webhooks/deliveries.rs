//! Deliveries: what a webhook's address was told, or is still to be told.

use sqlx::AssertSqlSafe;

use super::super::jobs::{self, NewJob};
use super::super::{Micros, RecordsError, commit, sql};
use super::Webhooks;

/// How many ended deliveries of a webhook its log keeps.
const LOG_MAX: i64 = 200;

/// Something that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id; later ones have higher ids.
    pub id: String,
    /// Which webhook's address is told.
    pub webhook_id: String,
    /// The event's name.
    pub event: String,
    /// What is sent, as JSON.
    pub payload: String,
}

/// Something that was sent or is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// Which webhook's address is told.
    pub webhook_id: String,
    /// The event's name.
    pub event: String,
    /// What is sent, as JSON.
    pub payload: String,
    /// When it came about.
    pub created_at: Micros,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was tried last.
    pub tried_at: Option<Micros>,
    /// The last answer's status.
    pub status: Option<i64>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// When it arrived.
    pub delivered_at: Option<Micros>,
    /// When it was given up.
    pub given_up_at: Option<Micros>,
}

/// How an attempt to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The answer's status, where there was an answer.
    pub status: Option<u16>,
    /// Why it is no delivery; nothing where it is one.
    pub failure: Option<String>,
    /// Whether it was the last attempt.
    pub is_last: bool,
}

const COLUMNS: &str = "id, webhook_id, event, payload, created_at, attempts, tried_at, status, failure, \
    delivered_at, given_up_at";

impl Webhooks {
    /// Notes deliveries, each with the job that makes it.
    pub async fn queue(&self, deliveries: &[(NewDelivery, NewJob)], at: Micros) -> Result<(), RecordsError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let mut transaction = self.records.write().await?;
        for (delivery, job) in deliveries {
            sqlx::query(
                "INSERT INTO webhook_deliveries (id, webhook_id, event, payload, created_at, attempts) \
                 VALUES ($1, $2, $3, $4, $5, 0)",
            )
            .bind(&delivery.id)
            .bind(&delivery.webhook_id)
            .bind(&delivery.event)
            .bind(&delivery.payload)
            .bind(at)
            .execute(&mut *transaction)
            .await
            .map_err(sql("add delivery"))?;
            sqlx::query(
                "DELETE FROM webhook_deliveries WHERE webhook_id = $1 \
                 AND (delivered_at IS NOT NULL OR given_up_at IS NOT NULL) \
                 AND id NOT IN (SELECT id FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY id DESC LIMIT $2)",
            )
            .bind(&delivery.webhook_id)
            .bind(LOG_MAX)
            .execute(&mut *transaction)
            .await
            .map_err(sql("shorten log"))?;
            jobs::enqueue(&mut transaction, job, at).await?;
        }
        commit(transaction).await
    }

    /// Returns a delivery.
    pub async fn delivery(&self, id: &str) -> Result<Option<Delivery>, RecordsError> {
        sqlx::query_as(AssertSqlSafe(format!("SELECT {COLUMNS} FROM webhook_deliveries WHERE id = $1")))
            .bind(id)
            .fetch_optional(self.records.read())
            .await
            .map_err(sql("find delivery"))
    }

    /// Notes how an attempt ended.
    pub async fn note_attempt(&self, id: &str, attempt: &Attempt, at: Micros) -> Result<(), RecordsError> {
        let mut transaction = self.records.write().await?;
        sqlx::query(
            "UPDATE webhook_deliveries SET attempts = attempts + 1, tried_at = $2, status = $3, failure = $4, \
             delivered_at = CASE WHEN $5 = 1 THEN $2 ELSE delivered_at END, \
             given_up_at = CASE WHEN $6 = 1 THEN $2 ELSE given_up_at END WHERE id = $1",
        )
        .bind(id)
        .bind(at)
        .bind(attempt.status.map(i64::from))
        .bind(&attempt.failure)
        .bind(i64::from(attempt.failure.is_none()))
        .bind(i64::from(attempt.failure.is_some() && attempt.is_last))
        .execute(&mut *transaction)
        .await
        .map_err(sql("note attempt"))?;
        commit(transaction).await
    }

    /// Lists at most `limit` deliveries of a webhook before `before`, newest first.
    pub async fn deliveries(
        &self,
        webhook_id: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Delivery>, RecordsError> {
        sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook_id = $1 AND ($2 = '' OR id < $2) \
             ORDER BY id DESC LIMIT $3"
        )))
        .bind(webhook_id)
        .bind(before.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(self.records.read())
        .await
        .map_err(sql("list deliveries"))
    }
}
