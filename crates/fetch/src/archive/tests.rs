//! The client against fake archives, good and bad.

mod packages;
mod suites;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use temper_testkit::archive::{DATE, FakeArchive, Server, TestKey};
use tempfile::TempDir;

use crate::http::{Backoff, HttpConfig, client};
use crate::openpgp::Keyring;

use super::*;

/// A server with a client that trusts its key.
struct Bench {
    server: Server,
    key: TestKey,
    folder: TempDir,
    client: ArchiveClient,
}

impl Bench {
    fn new(archive: &FakeArchive) -> Self {
        let (server, folder) = (archive.serve(), tempfile::tempdir().unwrap());
        let client = archive_client(&server, archive.key(), folder.path());
        Self { server, key: archive.key().clone(), folder, client }
    }

    /// Another state of the same archive.
    fn update(&self, build: impl FnOnce(FakeArchive) -> FakeArchive) {
        self.server.replace(build(FakeArchive::signed_by(self.key.clone())).files().clone());
    }

    async fn suite(&self, freshness: Freshness, now: i64) -> Result<SuiteIndex, ArchiveError> {
        self.indexes(&source("trixie"), &["amd64"], freshness, now).await
    }

    async fn indexes(
        &self,
        source: &Source,
        architectures: &[&str],
        freshness: Freshness,
        now: i64,
    ) -> Result<SuiteIndex, ArchiveError> {
        let architectures: Vec<String> = architectures.iter().map(ToString::to_string).collect();
        let release = sendable(self.client.release(source, freshness, at(now))).await?;
        sendable(self.client.indexes(release, &architectures, at(now))).await
    }

    /// Paths that were asked for since the last call, without the root.
    fn asked(&self) -> Vec<String> {
        let paths = self.server.take_requests().into_iter().map(|request| request.path);
        paths.map(|path| path.trim_start_matches("debian/dists/trixie/").to_owned()).collect()
    }
}

/// Proves that servers can move a future between threads.
fn sendable<F: Future + Send>(future: F) -> F {
    future
}

fn archive_client(server: &Server, key: &TestKey, folder: &Path) -> ArchiveClient {
    let mirrors = ["debian", "debian-security"].map(|name| (name.to_owned(), server.uri(name)));
    let keyring = Keyring::parse("test", &key.keyring()).unwrap();
    let config = ArchiveConfig {
        keyrings: BTreeMap::from([("test".to_owned(), keyring)]),
        backoff: Backoff {
            attempts: 3,
            first: Duration::from_millis(1),
            longest: Duration::from_millis(20),
            ..Backoff::default()
        },
        ..ArchiveConfig::new(
            Mirrors::new(BTreeMap::from(mirrors)),
            folder.join("cache"),
            folder.join("state"),
        )
    };
    let http = HttpConfig { read_timeout: Duration::from_millis(500), ..HttpConfig::default() };
    ArchiveClient::new(config, client(&http).unwrap())
}

fn source(suite: &str) -> Source {
    Source {
        uri: "distribution:debian".to_owned(),
        suite: suite.to_owned(),
        components: vec!["main".to_owned()],
        keyring: "test".to_owned(),
    }
}

fn at(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.cast_unsigned())
}

const HOUR: i64 = 3600;
const NOW: i64 = DATE + HOUR;

/// An error with its causes, without what differs from run to run.
fn message(error: &ArchiveError, server: &Server) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.extend([": ", &error.to_string()]);
        cause = error.source();
    }
    text.replace(&server.uri(""), "http://mirror/")
}
