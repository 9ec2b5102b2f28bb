//! Records: what Temper remembers in SQL beside the bytes in the blob store.
//!
//! One connection writes and a pool reads, so that readers never wait for the writer, and writers queue in the process
//! before they queue in the database. The SQL is what `SQLite` and `PostgreSQL` both read; only `database` knows which
//! of them it is. Time is always the caller's, in microseconds since 1970.

pub(crate) mod audit;
mod blobs;
mod builds;
mod collect;
mod customizations;
mod database;
mod error;
mod integrity;
mod jobs;
mod leftovers;
mod manifests;
mod mirrors;
mod organizations;
mod people;
mod portable;
mod publication;
mod quota;
mod repositories;
mod repository_settings;
mod right;
mod sessions;
mod settings;
mod tags;
mod targets;
mod teams;
#[cfg(test)]
mod tests;
mod tokens;
mod uploads;
mod usage;
mod watch;
mod webhooks;

use std::borrow::Cow;
use std::path::Path;

use sqlx::{Any, AnyPool, Transaction};

use database::{Connections, Durability};

pub use audit::{Audit, AuditEvent, AuditFilter};
pub use blobs::{NewBlob, StoredBlob};
pub use builds::{
    BUILD_JOB, BuildEvent, BuildFilter, BuildInput, BuildRecord, Builds, Cancelled, EVENTS_MAX, Finish, Held,
    NewBuild, NewEvent, Retention, Success, Verdict, build_state,
};
pub use collect::{Cutoffs, Release, ReleasedBlob};
pub use customizations::{
    Change, Conflict, CustomizationFilter, CustomizationRecord, CustomizationVersion, Customizations, Draft,
};
pub use database::{Database, ParseDatabaseError, ServerUrl};
pub use error::{NeededBlob, RecordsError, WrongSize};
pub use integrity::{Dangling, KeptBlob};
pub use jobs::{Enqueued, Job, JobCount, Jobs, NewJob};
pub use manifests::{ManifestRecord, RemovedManifest};
pub use mirrors::{MirrorRecord, Mirrors, NewMirror, RefusedTag, Started, TagLine, UpstreamTag};
pub use organizations::{Member, Organization, Organizations, Standing};
pub use people::{Changed, People, User, UserChange};
pub use portable::PortableError;
pub use publication::{NewManifest, Publication, TagMove};
pub use quota::{Quota, QuotaScope};
pub use repositories::Repositories;
pub use repository_settings::{FixedTags, RepositorySettings, RepositorySummary, SettingsOfRepositories};
pub use right::{Right, Role, UnknownRight};
pub use sessions::{Session, Sessions};
pub use targets::{
    CHECK_JOB, NewCheck, NewTarget, TAGS_JOB, TargetInput, TargetRecord, TargetTag, Targets, input_kind,
};
pub use teams::{Team, Teams};
pub use tokens::{Token, TokenOwner, Tokens};
pub use uploads::UploadRecord;
pub use usage::{RepositoryUsage, Usage};
pub use watch::{Noticed, PackageWatch, RebuildSettings, TimedChange, Watch, WatchedInput};
pub use webhooks::{Attempt, Delivery, IncomingWebhook, NewDelivery, SharedSecret, Webhook, Webhooks};

/// Microseconds since 1970 in UTC, as records keep time.
pub type Micros = i64;

/// The database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Records(Connections);

impl Records {
    /// Opens a database file as [`Self::connect`] does.
    pub async fn open(path: &Path) -> Result<Self, RecordsError> {
        Self::connect(&Database::from(path)).await
    }

    /// Opens the database, makes its file if it is not there, and brings its schema up to date.
    ///
    /// A commit is on the disk when it returns: what a client was told survives a power cut.
    pub async fn connect(database: &Database) -> Result<Self, RecordsError> {
        let failed = |source| RecordsError::Open { database: database.clone(), source };
        let connections = database.connect().await.map_err(failed)?;
        let migrated = connections.engine.migrations().run(&connections.writer).await;
        migrated.map_err(|source| RecordsError::Migrate { database: database.clone(), source })?;
        // The readers connect when the schema is there.
        drop(connections.reader.acquire().await.map_err(failed)?);
        Ok(Self(connections))
    }

    /// Returns the records of the embedded registry's repositories.
    pub fn repositories(&self) -> Repositories {
        Repositories::new(self.clone())
    }

    /// Closes all connections, so that the file can be moved.
    pub async fn close(&self) {
        self.0.reader.close().await;
        self.0.writer.close().await;
    }

    /// Asks the database whether it answers.
    pub async fn ping(&self) -> Result<(), RecordsError> {
        sqlx::query("SELECT 1").execute(self.read()).await.map_err(sql("ping"))?;
        Ok(())
    }

    /// Starts a transaction that holds the write lock from its beginning, so that it never has to be repeated.
    async fn write(&self) -> Result<Transaction<'static, Any>, RecordsError> {
        self.begin(Durability::Full).await
    }

    /// Starts a transaction for what a power cut may take back: it outlives the process, but nobody waits for the
    /// disk.
    async fn write_relaxed(&self) -> Result<Transaction<'static, Any>, RecordsError> {
        self.begin(Durability::Relaxed).await
    }

    async fn begin(&self, durability: Durability) -> Result<Transaction<'static, Any>, RecordsError> {
        self.0.writer.begin_with(self.0.engine.begin(durability)).await.map_err(sql("begin"))
    }

    fn read(&self) -> &AnyPool {
        &self.0.reader
    }
}

/// Returns a text that clients made up as both databases keep it: `PostgreSQL` has no text with NUL.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// Returns what a list goes on after. Nothing that is kept has a NUL, so nothing is between a text and that text with one.
fn after(text: Option<&str>) -> &str {
    text.unwrap_or_default().split('\0').next().unwrap_or_default()
}

/// Names the operation that a database error ended.
fn sql(operation: &'static str) -> impl Fn(sqlx::Error) -> RecordsError {
    move |source| RecordsError::Sql { operation, source }
}

/// Ends a transaction.
async fn commit(transaction: Transaction<'static, Any>) -> Result<(), RecordsError> {
    transaction.commit().await.map_err(sql("commit"))
}
