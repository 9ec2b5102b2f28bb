//! Records: what Temper remembers in SQL beside the bytes in the blob store.
//!
//! `SQLite` in WAL mode with one connection that writes and a pool that reads, so that readers never wait for
//! the writer and writers queue in the process, not in the file lock. The SQL keeps to what `PostgreSQL` reads
//! too; only `migrations/` and this file know which database it is. Time is always the caller's, in
//! microseconds since 1970.

mod blobs;
mod collect;
mod error;
mod integrity;
mod leftovers;
mod manifests;
mod publication;
mod quota;
mod repositories;
mod tags;
#[cfg(test)]
mod tests;
mod uploads;
mod usage;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, Transaction};

pub use blobs::{NewBlob, StoredBlob};
pub use collect::{Cutoffs, Release, ReleasedBlob};
pub use error::{NeededBlob, RecordsError, WrongSize};
pub use integrity::{Dangling, KeptBlob};
pub use manifests::{ManifestRecord, RemovedManifest};
pub use publication::{NewManifest, Publication, TagMove};
pub use quota::{Quota, QuotaScope};
pub use repositories::Repositories;
pub use uploads::UploadRecord;
pub use usage::{RepositoryUsage, Usage};

/// The schema's steps, embedded in the program.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// How many reads run at once.
const READERS_MAX: u32 = 8;

/// Microseconds since 1970 in UTC, as records keep time.
pub type Micros = i64;

/// The database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Records {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Records {
    /// Opens the database file, creates it if it is not there, and brings its schema up to date.
    ///
    /// A commit is on the disk when it returns: what a client was told survives a power cut.
    pub async fn open(path: &Path) -> Result<Self, RecordsError> {
        let open = |source| RecordsError::Open { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // A full disk lets SQLite end a transaction by itself: the driver then counts one that nobody can end.
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        MIGRATIONS
            .run(&writer)
            .await
            .map_err(|source| RecordsError::Migrate { path: path.to_owned(), source })?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(open)?;
        Ok(Self { writer, reader })
    }

    /// Returns the records of the embedded registry's repositories.
    pub fn repositories(&self) -> Repositories {
        Repositories::new(self.clone())
    }

    /// Closes all connections, so that the file can be moved.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Starts a transaction that holds the write lock from its beginning, so that it never has to be repeated.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, RecordsError> {
        self.writer.begin_with("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").await.map_err(sql("begin"))
    }

    /// Starts a transaction for what a power cut may take back: it outlives the process, but nobody waits for the
    /// disk.
    async fn write_relaxed(&self) -> Result<Transaction<'static, Sqlite>, RecordsError> {
        self.writer.begin_with("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE").await.map_err(sql("begin"))
    }

    fn read(&self) -> &SqlitePool {
        &self.reader
    }
}

/// Names the operation that a database error ended.
fn sql(operation: &'static str) -> impl Fn(sqlx::Error) -> RecordsError {
    move |source| RecordsError::Sql { operation, source }
}

/// Ends a transaction.
async fn commit(transaction: Transaction<'static, Sqlite>) -> Result<(), RecordsError> {
    transaction.commit().await.map_err(sql("commit"))
}
