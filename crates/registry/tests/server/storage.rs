//! Where bytes live: both kinds of storage, restarts, the collector beside pushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use object_store::memory::InMemory;
use temper_oci::Digest;
use temper_registry::{CollectOptions, Limits, LocalAccess, RegistryError, RepositoryName};
use temper_store::blobs::Durability;
use temper_store::storage::{Directory, Storage, StorageError};
use tempfile::TempDir;

use crate::fixture::{CONFIG, Fixture, LAYER};

static OPEN: LocalAccess = LocalAccess { push_from_loopback: true };
const AT_ONCE: CollectOptions = CollectOptions { grace: Duration::ZERO, dry_run: false };
/// Microseconds, more than every grace.
pub(crate) const LONG: i64 = 400 * 24 * 3600 * 1_000_000;

fn directory(folder: &TempDir) -> Storage {
    Storage::Directory(Directory::open(&folder.path().join("blobs"), Durability::Relaxed).expect("opens"))
}

async fn fixtures() -> [Fixture; 2] {
    let folder = TempDir::new().expect("makes a folder");
    let objects = Storage::over(Arc::new(InMemory::new()), "some/prefix");
    [Fixture::new().await, Fixture::over(folder, objects, Limits::default(), OPEN).await]
}

fn files(fixture: &Fixture, folder: &str) -> usize {
    std::fs::read_dir(fixture.folder.path().join(folder)).expect("lists").count()
}

#[tokio::test]
async fn blobs_are_pushed_and_pulled_over_every_storage() {
    for fixture in fixtures().await {
        let large: &'static [u8] = vec![7; 20 << 20].leak();
        let digest = fixture.push_blob("a", large).await;
        fixture.push_blob("b", large).await;
        assert_eq!(fixture.registry.storage().list().await.expect("lists").len(), 1, "one for both");
        let path = format!("/v2/b/blobs/{digest}");
        assert!(fixture.get(&path).await.body == large);
        let part = fixture.send("GET", &path, &[("range", "bytes=10000000-10000002")], Body::empty()).await;
        part.expect(206, "");
        assert_eq!(part.body, [7, 7, 7][..]);
        let wrong = format!("/v2/a/blobs/uploads/?digest={}", Digest::of("other"));
        fixture.send("POST", &wrong, &[], "some").await.expect(400, "DIGEST_INVALID");
        fixture.push_image("a", "1").await;
        assert_eq!(files(&fixture, "uploads"), 0);
        let checked = fixture.registry.check().await.expect("checks");
        assert_eq!((checked.blobs, checked.manifests, checked.damages), (3, 1, vec![]));
    }
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let first = Fixture::new().await;
    let upload = first.begin("a").await;
    first.send("PATCH", &upload, &[], "abc").await.expect(202, "");
    let storage = directory(&first.folder);
    let second = Fixture::over(first.folder, storage, Limits::default(), OPEN).await;
    // While the first still answers, its file is not for anybody else.
    second.send("PATCH", &upload, &[], "x").await.expect(409, "BLOB_UPLOAD_INVALID");
    drop((first.registry, first.router));
    let status = second.get(&upload).await;
    status.expect(204, "");
    assert_eq!(status.header("range"), "0-2");
    second.get(&upload.replace("/v2/a/", "/v2/b/")).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    let last = format!("{upload}?digest={}", Digest::of("abcdef"));
    second.send("PUT", &last, &[("content-range", "3-5")], "def").await.expect(201, "");
    assert_eq!(second.get(&format!("/v2/a/blobs/{}", Digest::of("abcdef"))).await.body, "abcdef");
    assert_eq!(files(&second, "uploads"), 0);
}

#[tokio::test]
async fn silent_uploads_expire_and_used_ones_do_not() {
    let fixture = Fixture::new().await;
    let (silent, used) = (fixture.begin("a").await, fixture.begin("a").await);
    fixture.send("PATCH", &silent, &[], "abc").await.expect(202, "");
    fixture.now.fetch_add(20 * 3600 * 1_000_000, Ordering::Relaxed);
    fixture.send("PATCH", &used, &[], "abc").await.expect(202, "");
    fixture.now.fetch_add(20 * 3600 * 1_000_000, Ordering::Relaxed);
    let collected = fixture.registry.collect(CollectOptions::default()).await.expect("collects");
    assert!(silent.ends_with(&collected.uploads[0]) && collected.uploads.len() == 1, "{collected:?}");
    assert_eq!(files(&fixture, "uploads"), 1);
    fixture.get(&silent).await.expect(404, "BLOB_UPLOAD_UNKNOWN");
    fixture.get(&used).await.expect(204, "");
}

#[tokio::test]
async fn the_collector_leaves_what_is_needed_and_nothing_else() {
    for fixture in fixtures().await {
        fixture.push_image("a", "1").await;
        fixture.push_blob("a", b"without a manifest").await;
        let asked = fixture.push_blob("a", b"asked for").await;
        // Two, the younger of which may come first by its id.
        fixture.begin("a").await;
        fixture.now.fetch_add(1, Ordering::Relaxed);
        fixture.begin("a").await;
        let lost = lose(&fixture).await;
        let first = fixture.registry.collect(CollectOptions::default()).await.expect("collects");
        assert_eq!(first.leftovers, [], "what is seen once may be somebody else's");
        let dry = CollectOptions { dry_run: true, ..CollectOptions::default() };
        assert_eq!(fixture.registry.collect(dry).await.expect("looks").bytes(), 0, "all is young");

        fixture.now.fetch_add(LONG, Ordering::Relaxed);
        let head = format!("/v2/a/blobs/{asked}");
        fixture.send("HEAD", &head, &[], Body::empty()).await.expect(200, "");
        let preview = fixture.registry.collect(dry).await.expect("looks");
        let collected = fixture.registry.collect(CollectOptions::default()).await.expect("collects");
        assert_eq!(preview, collected);
        assert_eq!(collected.blobs, [(Digest::of("without a manifest"), 18)]);
        assert_eq!(collected.leftovers, [(lost, 4)]);
        assert!(collected.uploads.len() == 2 && collected.uploads.is_sorted(), "{:?}", collected.uploads);
        fixture.get(&head).await.expect(200, "");

        let name = RepositoryName::parse("a").expect("is a name");
        fixture.send("DELETE", "/v2/a/manifests/1", &[], Body::empty()).await.expect(202, "");
        fixture.now.fetch_add(1, Ordering::Relaxed);
        let kept = fixture.registry.collect(AT_ONCE).await.expect("collects");
        assert!(kept.repositories.iter().all(|repository| repository.manifests.is_empty()), "{kept:?}");
        assert_eq!(fixture.registry.policy(&name).await.expect("is there").retention.newest, 10);
        assert_eq!(fixture.registry.storage().list().await.expect("lists").len(), 2);
    }
}

/// Leaves bytes as a crash does that comes between the storage and the records.
async fn lose(fixture: &Fixture) -> String {
    let staging =
        temper_store::staging::Staging::open(&fixture.folder.path().join("uploads")).expect("opens");
    let mut staged = staging.create("lost").expect("begins");
    staged.write(b"lost").expect("writes");
    let key = temper_store::storage::StorageKey::new(Digest::of("lost"), "lost");
    fixture.registry.storage().keep(&key, &staged).await.expect("keeps");
    staging.remove("lost").expect("removes");
    key.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_beside_pushes_breaks_none() {
    for fixture in fixtures().await {
        let fixture = Arc::new(fixture);
        let aged = Arc::new(AtomicUsize::new(0));
        let collector = {
            let (fixture, aged) = (Arc::clone(&fixture), Arc::clone(&aged));
            tokio::spawn(async move {
                loop {
                    let collected =
                        fixture.registry.collect(CollectOptions::default()).await.expect("collects");
                    let given_up = collected.repositories.iter().map(|repository| repository.blobs.len());
                    aged.fetch_add(given_up.sum(), Ordering::Relaxed);
                }
            })
        };
        // The same blobs in both, so that they come back to one while they go from the other.
        let pushers = ["r/1", "r/2"].map(|name| tokio::spawn(push_and_delete(Arc::clone(&fixture), name)));
        for pusher in pushers {
            pusher.await.expect("ends well");
        }
        collector.abort();
        let _ = collector.await;
        let last = fixture.registry.collect(CollectOptions::default()).await.expect("collects");
        let given_up: usize = last.repositories.iter().map(|repository| repository.blobs.len()).sum();
        assert!(aged.load(Ordering::Relaxed) + given_up > 0, "what grew old went meanwhile");
        fixture.now.fetch_add(LONG, Ordering::Relaxed);
        fixture.registry.collect(AT_ONCE).await.expect("collects");
        assert_eq!(fixture.registry.storage().list().await.expect("lists"), []);
        assert_eq!(files(&fixture, "uploads"), 0);
        let left = fixture.registry.repositories().list(None, 10).await.expect("lists");
        assert!(left.is_empty(), "a repository without anything is none: {left:?}");
    }
}

#[tokio::test]
async fn a_storage_has_one_owner() {
    for first in fixtures().await {
        first.registry.claim_storage().await.expect("is free");
        first.registry.claim_storage().await.expect("is its own");
        let storage = first.registry.storage().clone();
        let folder = TempDir::new().expect("makes a folder");
        let second = Fixture::over(folder, storage, Limits::default(), OPEN).await;
        let claimed = second.registry.claim_storage().await;
        let error = claimed.expect_err("has an owner");
        assert!(matches!(&error, RegistryError::Storage(StorageError::Owned { .. })), "{error:?}");
        assert!(error.hint().expect("has a hint").contains("`owner`"));
        assert_eq!(first.registry.storage().list().await.expect("lists"), []);
    }
}

/// How often a pusher pushes, and how long that takes in microseconds: less than a day for each of two, more for both.
const ROUNDS: usize = 30;
const ROUND: i64 = 45 * 60 * 1_000_000;

async fn push_and_delete(fixture: Arc<Fixture>, repository: &'static str) {
    for round in 0..ROUNDS {
        // No push takes as long as the grace, though the clock of another pusher may run on meanwhile.
        fixture.now.fetch_add(ROUND, Ordering::Relaxed);
        let unused = format!("unused by {repository} in {round}");
        fixture.push_blob(repository, unused.leak().as_bytes()).await;
        let digest = fixture.push_image(repository, "1").await.digest;
        let layer = format!("/v2/{repository}/blobs/{}", Digest::of(LAYER));
        assert_eq!(fixture.get(&layer).await.body, LAYER);
        let config = format!("/v2/{repository}/blobs/{}", Digest::of(CONFIG));
        let manifest = format!("/v2/{repository}/manifests/{digest}");
        for path in [manifest, layer, config] {
            fixture.send("DELETE", &path, &[], Body::empty()).await.expect(202, "");
        }
    }
}
