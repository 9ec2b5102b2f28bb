//! The portable form of records: every row of every table as a line of JSON, the same for both databases.
//!
//! The first line says which schema it is, the last one how many rows there are, so that a part is not taken for the
//! whole. Values are numbers, texts, and bytes as `{"base64": …}`; what is null is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::{AnyRow, AnyTypeInfoKind};
use sqlx::{AnyConnection, Column as _, Row as _, ValueRef as _};

use super::database::{self, Database, Engine};
use super::{Records, RecordsError, commit, sql};

/// The only form that there is.
const FORMAT: u32 = 1;

/// What stands in the first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The last step of the schema that the rows follow.
    schema: i64,
}

/// One row.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    table: String,
    row: BTreeMap<String, Value>,
}

/// What stands in the last line.
#[derive(Debug, Serialize, Deserialize)]
struct Tail {
    rows: u64,
}

/// Why a text is not the portable form of records.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// A line is not of the form.
    #[error("line {number} is not a row of records")]
    Line {
        /// From 1.
        number: u64,
        /// What is wrong with it; nothing where it is well-formed and out of place.
        source: Option<serde_json::Error>,
    },
    /// The end is missing.
    #[error("it ends in the middle, after {rows} rows")]
    Cut {
        /// Rows that were read.
        rows: u64,
    },
    /// It comes from a newer version.
    #[error("its schema is {found}, and this version knows those up to {known}")]
    Schema {
        /// The schema of the rows.
        found: i64,
        /// The newest schema of this version.
        known: i64,
    },
    /// There are records already.
    #[error("database `{0}` has records already")]
    NotEmpty(Database),
    /// The lines cannot be read or written.
    #[error("the rows cannot be read or written")]
    Io(#[from] io::Error),
    /// The database failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

impl PortableError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Line { .. } | Self::Cut { .. } => {
                Some("take another backup: this one is damaged".to_owned())
            }
            Self::Schema { .. } => {
                Some("restore it with the version that made it, or a newer one".to_owned())
            }
            Self::NotEmpty(_) => Some("name a database that is empty".to_owned()),
            Self::Io(_) => None,
            Self::Records(error) => error.hint(),
        }
    }
}

impl Records {
    /// Writes all rows as they are at one moment, line by line; returns how many there are. Others go on writing.
    pub async fn export(
        &self,
        mut write: impl FnMut(&str) -> io::Result<()> + Send,
    ) -> Result<u64, PortableError> {
        let engine = self.0.engine;
        let head = Head { format: FORMAT, schema: database::newest_schema() };
        write(&line(&head))?;
        let mut snapshot = self.read().begin_with(engine.begin_snapshot()).await.map_err(sql("begin"))?;
        let mut rows = 0;
        for table in database::tables(i64::MAX) {
            let all = format!("SELECT * FROM {table}");
            let mut stream = sqlx::query(sqlx::AssertSqlSafe(all)).fetch(&mut *snapshot);
            while let Some(row) = stream.try_next().await.map_err(sql("read all rows"))? {
                write(&line(&Line {
                    table: table.clone(),
                    row: values(&row).map_err(sql("read all rows"))?,
                }))?;
                rows += 1;
            }
        }
        snapshot.rollback().await.map_err(sql("roll back"))?;
        write(&line(&Tail { rows }))?;
        Ok(rows)
    }

    /// Fills an empty database with rows that [`Self::export`] wrote, also an older version's, and opens it.
    pub async fn import(
        database: &Database,
        lines: impl IntoIterator<Item = io::Result<String>>,
    ) -> Result<Self, PortableError> {
        let mut lines = (1..).zip(lines);
        let head: Head = match lines.next() {
            Some((_, text)) => parse(1, &text?)?,
            None => return Err(PortableError::Cut { rows: 0 }),
        };
        let engine = database.engine();
        let known = database::newest_schema();
        if head.format != FORMAT || head.schema > known {
            return Err(PortableError::Schema { found: head.schema, known });
        }
        let connections = database
            .connect()
            .await
            .map_err(|source| RecordsError::Open { database: database.clone(), source })?;
        let migrate = |source| RecordsError::Migrate { database: database.clone(), source };
        let tables: i64 = sqlx::query_scalar(engine.count_tables())
            .fetch_one(&connections.writer)
            .await
            .map_err(sql("count tables"))?;
        if tables > 0 {
            return Err(PortableError::NotEmpty(database.clone()));
        }
        let steps = engine.migrations();
        steps.run_to(head.schema, &connections.writer).await.map_err(migrate)?;
        let records = Self(connections);
        let mut transaction = records.write().await?;
        fill(&mut transaction, engine, head.schema, lines).await?;
        commit(transaction).await?;
        records.0.engine.migrations().run(&records.0.writer).await.map_err(migrate)?;
        Ok(records)
    }
}

/// Puts rows into the tables of a schema, in place of those that the schema's steps made.
async fn fill(
    connection: &mut AnyConnection,
    engine: Engine,
    schema: i64,
    lines: impl Iterator<Item = (u64, io::Result<String>)>,
) -> Result<(), PortableError> {
    let tables = database::tables(schema);
    for table in tables.iter().rev() {
        execute(connection, format!("DELETE FROM {table}")).await?;
    }
    let names: BTreeSet<&String> = tables.iter().collect();
    let (mut rows, mut is_whole) = (0, false);
    for (number, text) in lines {
        let text = text?;
        if let Ok(tail) = serde_json::from_str::<Tail>(&text) {
            is_whole = tail.rows == rows;
            continue;
        }
        let line: Line = parse(number, &text)?;
        if is_whole || !names.contains(&line.table) || !line.row.keys().all(|name| is_identifier(name)) {
            return Err(PortableError::Line { number, source: None });
        }
        insert(connection, number, line).await?;
        rows += 1;
    }
    if !is_whole {
        return Err(PortableError::Cut { rows });
    }
    for statement in engine.renumber(schema) {
        execute(connection, statement).await?;
    }
    Ok(())
}

async fn insert(connection: &mut AnyConnection, number: u64, line: Line) -> Result<(), PortableError> {
    let columns = line.row.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let places = super::collect::placeholders(1, line.row.len());
    let statement = format!("INSERT INTO {} ({columns}) VALUES ({places})", line.table);
    let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
    for value in line.row.into_values() {
        let wrong = || PortableError::Line { number, source: None };
        query = match value {
            Value::String(text) => query.bind(text),
            Value::Number(value) => query.bind(value.as_i64().ok_or_else(wrong)?),
            value => {
                let text = value.get("base64").and_then(Value::as_str).ok_or_else(wrong)?;
                query.bind(BASE64.decode(text).map_err(|_| wrong())?)
            }
        };
    }
    query.execute(connection).await.map_err(sql("restore row"))?;
    Ok(())
}

async fn execute(connection: &mut AnyConnection, statement: String) -> Result<(), RecordsError> {
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(connection).await.map_err(sql("prepare tables"))?;
    Ok(())
}

fn values(row: &AnyRow) -> Result<BTreeMap<String, Value>, sqlx::Error> {
    let mut values = BTreeMap::new();
    for column in row.columns() {
        let (name, index) = (column.name().to_owned(), column.ordinal());
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            continue;
        }
        let value = match raw.type_info().kind() {
            AnyTypeInfoKind::Text => Value::from(row.try_get::<String, _>(index)?),
            AnyTypeInfoKind::Blob => {
                serde_json::json!({ "base64": BASE64.encode(row.try_get::<Vec<u8>, _>(index)?) })
            }
            _ => Value::from(row.try_get::<i64, _>(index)?),
        };
        values.insert(name, value);
    }
    Ok(values)
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn parse<'a, T: Deserialize<'a>>(number: u64, text: &'a str) -> Result<T, PortableError> {
    serde_json::from_str(text).map_err(|source| PortableError::Line { number, source: Some(source) })
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("maps of texts and numbers are JSON") + "\n"
}
