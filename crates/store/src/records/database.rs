//! The database behind the records: the only file that knows which one it is.
//!
//! Both speak the same SQL, as far as records use it, and both let one transaction write at a time, so that what is
//! read inside one stays true until it ends. `SQLite` is a file in WAL mode with one connection that writes. In
//! `PostgreSQL` a transaction that writes first takes a lock that all servers over the database know.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::error::DatabaseError;
use sqlx::migrate::{Migration, Migrator};
use sqlx::{AnyPool, ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};
use url::Url;

/// The schema's steps, embedded in the program.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a connection waits for another one that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// How many reads run at once.
const READERS_MAX: u32 = 8;

/// Schemes of the addresses of `PostgreSQL`.
const POSTGRES_SCHEMES: [&str; 2] = ["postgres", "postgresql"];

/// Codes of the errors that say that there is no room: [`SQLITE_FULL`](https://www.sqlite.org/rescode.html#full) and
/// [`disk_full`](https://www.postgresql.org/docs/current/errcodes-appendix.html), as the drivers write them.
const FULL: [&str; 2] = ["13", "53100"];

/// Where the records are. Shown without the password.
#[derive(Clone, Debug)]
pub enum Database {
    /// An `SQLite` file, made where it is not there.
    File(PathBuf),
    /// A database of a `PostgreSQL` server, for one Temper or several.
    Server(ServerUrl),
}

/// The address of a `PostgreSQL` database. Shown without what stands before and behind host and name: passwords.
#[derive(Clone, Debug)]
pub struct ServerUrl {
    url: SecretString,
    shown: String,
}

/// A text that names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is neither `postgres://USER@HOST/DATABASE` nor `sqlite:FILE`")]
pub struct ParseDatabaseError;

impl ParseDatabaseError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> String {
        "without an address the records are in the data folder; the text was not repeated here, since it may hold a \
         password"
            .to_owned()
    }
}

/// Which of the databases it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

/// What becomes of a commit at a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It is on the disk when it returns.
    Full,
    /// It may be taken back.
    Relaxed,
}

/// The connections to a database.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pub(super) engine: Engine,
    pub(super) writer: AnyPool,
    pub(super) reader: AnyPool,
}

impl Database {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::File(_) => Engine::Sqlite,
            Self::Server(_) => Engine::Postgres,
        }
    }

    /// Connects; nothing is read or changed but the file made.
    pub(super) async fn connect(&self) -> Result<Connections, sqlx::Error> {
        install_default_drivers();
        let (engine, options) = (self.engine(), self.options()?);
        // A pool tries again for a while and then only says that it did: this says why.
        options.connect().await?.close().await?;
        let pool = |connections, setup: Vec<String>| {
            AnyPoolOptions::new()
                .max_connections(connections)
                // A full disk lets SQLite end a transaction by itself: the driver then counts one that nobody can end.
                .before_acquire(|connection, _| {
                    let is_usable = !connection.is_in_transaction();
                    Box::pin(async move { Ok(is_usable) })
                })
                .after_connect(move |connection, _| {
                    let setup = setup.clone();
                    Box::pin(async move {
                        for statement in setup {
                            connection.execute(sqlx::AssertSqlSafe(statement)).await?;
                        }
                        Ok(())
                    })
                })
        };
        let writer = pool(1, engine.writer_setup()).connect_with(options.clone()).await?;
        // The first connection made the file.
        let reader = pool(READERS_MAX, engine.reader_setup()).connect_lazy_with(options);
        Ok(Connections { engine, writer, reader })
    }

    fn options(&self) -> Result<AnyConnectOptions, sqlx::Error> {
        match self {
            Self::File(path) => {
                let path = path.to_str().ok_or_else(|| {
                    sqlx::Error::Configuration("the path of a database must be UTF-8".into())
                })?;
                // The driver decodes what it takes for the path, so that no character of it is read as a parameter.
                let encoded: String = form_encoded(path);
                format!("sqlite:{encoded}?mode=rwc").parse()
            }
            Self::Server(server) => server.url.expose_secret().parse(),
        }
    }
}

/// Writes every byte that is not a letter or digit of ASCII, or one of `/-_.`, as `%XX`.
fn form_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl FromStr for Database {
    type Err = ParseDatabaseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(ParseDatabaseError) } else { Ok(Self::File(path.into())) };
        }
        let url = Url::parse(text).map_err(|_| ParseDatabaseError)?;
        if !POSTGRES_SCHEMES.contains(&url.scheme()) {
            return Err(ParseDatabaseError);
        }
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let shown = format!("postgres://{}{port}{}", url.host_str().unwrap_or_default(), url.path());
        Ok(Self::Server(ServerUrl { url: text.into(), shown }))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(server) => f.write_str(&server.shown),
        }
    }
}

impl Engine {
    /// Begins a transaction that writes, when no other does.
    pub(super) fn begin(self, durability: Durability) -> &'static str {
        match (self, durability) {
            (Self::Sqlite, Durability::Full) => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
            (Self::Sqlite, Durability::Relaxed) => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
            // The number is `temper` in ASCII. A statement sees what was committed before it began, so those after the
            // lock see all that was written under it.
            (Self::Postgres, Durability::Full) => "BEGIN; SELECT pg_advisory_xact_lock(127978976601458)",
            (Self::Postgres, Durability::Relaxed) => {
                "BEGIN; SET LOCAL synchronous_commit = off; SELECT pg_advisory_xact_lock(127978976601458)"
            }
        }
    }

    /// Returns the schema's steps in the words of this database.
    pub(super) fn migrations(self) -> Migrator {
        let spoken = |migration: &Migration| match self {
            Self::Sqlite => migration.clone(),
            // The checksum stays the one of the common text.
            Self::Postgres => Migration {
                sql: sqlx::AssertSqlSafe(postgres_schema(migration.sql.as_str())).into_sql_str(),
                ..migration.clone()
            },
        };
        Migrator::with_migrations(MIGRATIONS.iter().map(spoken).collect())
    }

    /// Begins a transaction that reads what was committed before, whatever is committed meanwhile.
    pub(super) fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Counts the tables that are there, whatever schema they follow.
    pub(super) fn count_tables(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT COUNT(*) FROM sqlite_master",
            Self::Postgres => {
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()"
            }
        }
    }

    /// Lets numbers that the database gives go on after those that are there.
    pub(super) fn renumber(self, schema: i64) -> Vec<String> {
        if self == Self::Sqlite {
            return Vec::new();
        }
        let numbered = definitions(schema).filter_map(|rest| {
            let (name, body) = rest.split_once(' ')?;
            let column =
                body.split(';').next()?.split_once(" INTEGER PRIMARY KEY")?.0.split_whitespace().last()?;
            Some((name.to_owned(), column.trim_start_matches('(').to_owned()))
        });
        numbered
            .map(|(table, column)| {
                format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), \
                     (SELECT COALESCE(MAX({column}), 0) + 1 FROM {table}), false)"
                )
            })
            .collect()
    }

    fn writer_setup(self) -> Vec<String> {
        let wait = BUSY_TIMEOUT.as_millis();
        match self {
            Self::Sqlite => vec![
                format!("PRAGMA busy_timeout = {wait}"),
                "PRAGMA journal_mode = WAL".to_owned(),
                "PRAGMA synchronous = FULL".to_owned(),
                "PRAGMA foreign_keys = ON".to_owned(),
            ],
            // Who holds the lock and is heard of no more, lets the others go on.
            Self::Postgres => vec![
                format!("SET lock_timeout = {wait}"),
                format!("SET idle_in_transaction_session_timeout = {wait}"),
            ],
        }
    }

    fn reader_setup(self) -> Vec<String> {
        match self {
            Self::Sqlite => {
                let mut setup = self.writer_setup();
                setup.push("PRAGMA query_only = ON".to_owned());
                setup
            }
            Self::Postgres => Vec::new(),
        }
    }
}

/// Returns the number of the schema's last step.
pub(super) fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Lists the tables of a schema, what is referred to before what refers to it.
pub(super) fn tables(schema: i64) -> Vec<String> {
    definitions(schema).filter_map(|rest| Some(rest.split_once(' ')?.0.to_owned())).collect()
}

/// Lists what follows `CREATE TABLE` in the steps up to a schema.
fn definitions(schema: i64) -> impl Iterator<Item = &'static str> {
    let steps = MIGRATIONS.iter().filter(move |migration| migration.version <= schema);
    steps.flat_map(|step| step.sql.as_str().split("CREATE TABLE ").skip(1))
}

/// Translates a step of the schema: its types are `TEXT`, `BIGINT`, `BLOB`, and `INTEGER PRIMARY KEY` for numbers that
/// the database gives. Texts compare byte by byte, whatever the language of the server.
fn postgres_schema(sql: &str) -> String {
    sql.replace("INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
        .split_inclusive(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .map(|word| match word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            "BLOB" => Cow::Owned(word.replacen("BLOB", "BYTEA", 1)),
            "TEXT" => Cow::Owned(word.replacen("TEXT", "TEXT COLLATE \"C\"", 1)),
            _ => Cow::Borrowed(word),
        })
        .collect()
}

/// Says whether a database has no room.
pub(super) fn is_full(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| FULL.contains(&code.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_named_by_address_and_shown_without_secrets() {
        for (text, expected) in [
            (
                "postgres://temper:secret@db.example:5433/records?sslmode=require",
                "postgres://db.example:5433/records",
            ),
            ("postgresql:///records?host=/run/postgresql&password=secret", "postgres:///records"),
            ("sqlite:/srv/temper.db", "/srv/temper.db"),
            ("sqlite:///srv/temper.db", "/srv/temper.db"),
        ] {
            let database: Database = text.parse().expect("is a database");
            assert_eq!(database.to_string(), expected);
            assert!(!format!("{database:?}").contains("secret"), "{database:?}");
        }
        for text in ["", "temper.db", "mysql://host/records", "sqlite:", "postgres"] {
            assert_eq!(text.parse::<Database>().err(), Some(ParseDatabaseError), "{text}");
        }
    }

    #[test]
    fn the_schema_is_translated_word_by_word() {
        let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, CONTEXT BLOB, at BIGINT);";
        assert_eq!(
            postgres_schema(sql),
            "CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
             name TEXT COLLATE \"C\" NOT NULL, CONTEXT BYTEA, at BIGINT);"
        );
    }
}
