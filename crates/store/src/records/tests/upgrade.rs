//! Databases of earlier versions.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use temper_oci::Digest;
use tempfile::TempDir;

use crate::records::{Records, RecordsError};

/// What a server of that version left behind.
const SCHEMA_3: &str = include_str!("../../../tests/data/records-3.sql");

async fn file(folder: &TempDir, statements: &[&'static str]) -> std::path::PathBuf {
    let path = folder.path().join("records.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("makes a file");
    for statement in statements {
        connection.execute(*statement).await.expect("is SQL");
    }
    connection.close().await.expect("closes");
    path
}

#[tokio::test]
async fn what_an_older_version_kept_is_there() {
    let folder = TempDir::new().expect("makes a folder");
    let path = file(&folder, &[SCHEMA_3]).await;
    for _ in 0..2 {
        let records = Records::open(&path).await.expect("is brought up to date, and then is");
        let repositories = records.repositories();
        assert_eq!(repositories.list(None, 9).await.expect("lists"), ["acme/dhi-python", "acme/private-ca"]);
        let found = repositories.find_tagged_manifest("acme/dhi-python", "3.13_custom").await.expect("reads");
        let found = found.expect("is tagged");
        let bytes = repositories.read_manifest("acme/dhi-python", found.digest).await.expect("reads");
        assert_eq!(Digest::of(bytes.expect("is there")), found.digest);
        let referrers = repositories.list_referrers("acme/dhi-python", found.digest, None, None, 9).await;
        assert_eq!(referrers.expect("lists")[0].annotations["note"], "kept");
        assert_eq!(repositories.list_uploads(None, i64::MAX).await.expect("lists").len(), 1);
        assert_eq!(repositories.find_storage().await.expect("reads").as_deref(), Some("the data folder"));
        assert_eq!(records.jobs().count().await.expect("counts"), [], "tables of later versions are there");
        records.close().await;
    }
}

#[tokio::test]
async fn databases_of_newer_or_changed_versions_are_refused() {
    for change in [
        "INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, 1, x'00', 1)",
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2",
    ] {
        let folder = TempDir::new().expect("makes a folder");
        let path = file(&folder, &[SCHEMA_3, change]).await;
        let error = Records::open(&path).await.expect_err("is refused");
        assert!(matches!(error, RecordsError::Migrate { .. }), "{error:?}");
        assert!(error.hint().expect("has a hint").contains("newer version"));
    }
}
