//! The adapter against fake archives.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use temper_testkit::Deb;
use temper_testkit::archive::{DATE, FakeArchive, Suite};
use tokio::runtime::Runtime;

use super::*;
use crate::archive::{ArchiveConfig, Mirrors};
use crate::http::{Backoff, HttpConfig, client};
use crate::openpgp::Keyring;

/// No package file is asked for here.
struct NoStore;

impl BlobStore for NoStore {
    fn size(&self, _: &Digest) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::other(digest.to_string()))
    }

    fn create(&self) -> io::Result<Box<dyn BlobWriter>> {
        Err(io::Error::other("nothing is kept"))
    }
}

/// Runs a test with an adapter that trusts an archive's key and asks it at most every hour.
fn with_adapter(archive: &FakeArchive, test: impl FnOnce(&ArchiveAdapter, &temper_testkit::archive::Server)) {
    let (runtime, folder, server) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap(), archive.serve());
    let _entered = runtime.enter();
    let mirrors = ["debian", "other"].map(|name| (name.to_owned(), server.uri(name)));
    let mut config = ArchiveConfig::new(
        Mirrors::new(BTreeMap::from(mirrors)),
        folder.path().join("cache"),
        folder.path().join("state"),
    );
    config.backoff = Backoff { attempts: 1, ..Backoff::default() };
    config.keyrings.insert("test".to_owned(), Keyring::parse("test", &archive.key().keyring()).unwrap());
    let client = ArchiveClient::new(config, client(&HttpConfig::default()).unwrap());
    let clock: Clock = Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(DATE.cast_unsigned() + 60));
    let freshness = Freshness::MaxAge(Duration::from_hours(1));
    let adapter = ArchiveAdapter::new(runtime.handle().clone(), client, Arc::new(NoStore), freshness, clock);
    test(&adapter, &server);
}

fn source(uri: &str) -> PackageSource {
    PackageSource {
        uri: uri.to_owned(),
        suite: "trixie".to_owned(),
        components: vec!["main".to_owned()],
        keyring: "test".to_owned(),
    }
}

fn suite(name: &str, version: &str) -> Suite {
    Suite::new("trixie").package(Deb::new(name, version)).without_by_hash()
}

#[test]
fn suites_of_one_name_in_two_archives_are_told_apart() {
    let archive = FakeArchive::new().suite("debian", &suite("a", "1")).suite("other", &suite("b", "1"));
    with_adapter(&archive, |adapter, _| {
        let sources = ["distribution:debian", "distribution:other"].map(source);
        let snapshot = adapter.snapshot(&sources, "amd64").unwrap();
        let (_, universe) = adapter.universe(&snapshot).unwrap();
        let source = |name| universe.find(name).map(|(source, _)| source.source).collect::<Vec<_>>();
        assert_eq!((source("a"), source("b")), (vec![0], vec![1]));
    });
}

#[test]
fn an_archive_that_is_updated_after_its_snapshot_gives_a_newer_one() {
    let archive = FakeArchive::new().suite("debian", &suite("a", "1"));
    with_adapter(&archive, |adapter, server| {
        let before = adapter.snapshot(&[source("distribution:debian")], "amd64").unwrap();
        let newer = suite("a", "2").date(DATE + 30);
        server.replace(FakeArchive::signed_by(archive.key().clone()).suite("debian", &newer).files().clone());
        let (after, universe) = adapter.universe(&before).unwrap();
        assert_ne!(after.key, before.key);
        let versions: Vec<_> = universe.find("a").map(|(_, record)| record.version().to_owned()).collect();
        assert_eq!(versions, ["2"]);
        let (again, same) = adapter.universe(&after).unwrap();
        assert!(again == after && Arc::ptr_eq(&same, &universe));
        assert_eq!(adapter.snapshot(&[source("distribution:debian")], "amd64").unwrap(), after);
    });
}

#[test]
fn credentials_of_an_address_are_not_told() {
    with_adapter(&FakeArchive::new(), |adapter, _| {
        let uri = "http://user:secret@127.0.0.1:1/debian";
        let error = adapter.snapshot(&[source(uri)], "amd64").unwrap_err();
        assert_eq!(error.message, "package archive `http://127.0.0.1:1/debian trixie` cannot be used");
        let error = adapter.snapshot(&[source("distribution:nowhere")], "amd64").unwrap_err();
        assert_eq!(error.message, "package archive `distribution:nowhere trixie` cannot be used");
    });
}
