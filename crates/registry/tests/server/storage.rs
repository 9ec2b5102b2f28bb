//! Where bytes live: both kinds of storage, restarts, quotas, the collector beside pushes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use object_store::memory::InMemory;
use temper_oci::{Descriptor, Digest, media_type};
use temper_registry::{
    Access, AccessRequest, CollectOptions, Damage, DecisionFuture, Limits, LocalAccess, PolicyFuture,
    RegistryError, RepositoryName, RepositoryPolicy,
};
use temper_store::blobs::Durability;
use temper_store::storage::{Directory, Storage, StorageError};
use tempfile::TempDir;

use crate::fixture::{CONFIG, Fixture, LAYER, image, index};

static OPEN: LocalAccess = LocalAccess { push_from_loopback: true, login: None };
const AT_ONCE: CollectOptions = CollectOptions { grace: Duration::ZERO, dry_run: false };
/// Microseconds, more than every grace.
const LONG: i64 = 400 * 24 * 3600 * 1_000_000;

fn directory(folder: &TempDir) -> Storage {
    Storage::Directory(Directory::open(&folder.path().join("blobs"), Durability::Relaxed).expect("opens"))
}

async fn fixtures() -> [Fixture; 2] {
    let folder = TempDir::new().expect("makes a folder");
    let objects = Storage::over(Arc::new(InMemory::new()), "some/prefix");
    [Fixture::new().await, Fixture::over(folder, objects, Limits::default(), OPEN.clone()).await]
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
    let second = Fixture::over(first.folder, storage, Limits::default(), OPEN.clone()).await;
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
        assert_eq!(collected.uploads.len(), 1);
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

#[tokio::test]
async fn damage_is_found() {
    let fixture = Fixture::new().await;
    let digest = fixture.push_image("a", "1").await.digest;
    let gone = fixture.push_blob("a", b"gone").await;
    let keys = fixture.registry.storage().list().await.expect("lists");
    let file = |digest: Digest| {
        let key = keys.iter().find(|(key, _)| key.as_str().contains(&digest.hex())).expect("is there");
        fixture.folder.path().join("blobs").join(key.0.as_str())
    };
    std::fs::write(file(Digest::of(LAYER)), "not the same bytes").expect("writes");
    std::fs::remove_file(file(gone)).expect("removes");
    let config = format!("/v2/a/blobs/{}", Digest::of(CONFIG));
    fixture.send("DELETE", &config, &[], Body::empty()).await.expect(409, "DENIED");
    let image = Descriptor::of(media_type::OCI_MANIFEST, &image(None).to_bytes());
    let entries = index(&[image]);
    let holder = Digest::of(&entries);
    fixture.put_manifest("a", "all", media_type::OCI_INDEX, entries).await.expect(201, "");
    fixture.send("DELETE", &format!("/v2/a/manifests/{digest}"), &[], Body::empty()).await.expect(202, "");
    let checked = fixture.registry.check().await.expect("checks");
    let mut expected = vec![Damage::WrongBlob(Digest::of(LAYER)), Damage::MissingBlob(gone)];
    expected.sort_by_key(|damage| match damage {
        Damage::WrongBlob(digest) | Damage::MissingBlob(digest) | Damage::WrongManifest { digest, .. } => {
            *digest
        }
    });
    assert_eq!(checked.damages, expected);
    assert_eq!(checked.dangling.len(), 1);
    assert_eq!((checked.dangling[0].manifest, checked.dangling[0].target), (holder, digest));
    fixture.get(&format!("/v2/a/blobs/{gone}")).await.expect(500, "INTERNAL_ERROR");
}

/// Everybody may do everything, in little room.
struct Narrow;

impl Access for Narrow {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        OPEN.decide(request)
    }

    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> PolicyFuture<'a> {
        let quota_bytes = repository.as_str().ends_with("/small").then_some(10);
        let policy = RepositoryPolicy {
            quota_bytes,
            organization_quota_bytes: Some(2000),
            ..RepositoryPolicy::default()
        };
        Box::pin(std::future::ready(Ok(policy)))
    }
}

#[tokio::test]
async fn quotas_are_told_early_and_kept() {
    let fixture = Fixture::with(Limits::default(), Narrow).await;
    fixture.push_blob("a/small", b"12345678").await;
    let upload = fixture.begin("a/small").await;
    let answer = fixture.send("PATCH", &upload, &[], "123").await;
    answer.expect(403, "DENIED");
    let message = answer.json()["errors"][0]["message"].as_str().expect("is text").to_owned();
    assert_eq!(
        message,
        "quota of `a/small` is used up: 8 bytes of 10 bytes are used, 3 bytes more do not fit"
    );
    assert_eq!(answer.json()["errors"][0]["detail"]["limit_bytes"], 10);
    let big: &'static [u8] = vec![1; 1200].leak();
    let digest = fixture.push_blob("b/large", big).await;
    fixture.push_image("b/other", "1").await;
    let manifest = image(None).to_bytes();
    let answer = fixture.put_manifest("b/other", "2", media_type::OCI_MANIFEST, manifest).await;
    answer.expect(201, "");
    let mount = format!("/v2/a/small/blobs/uploads/?mount={digest}&from=b/large");
    let answer = fixture.send("POST", &mount, &[], Body::empty()).await;
    answer.expect(403, "DENIED");
    let more = stream::iter(["x"; 500].map(|text| Ok::<_, std::io::Error>(Bytes::from(text))));
    let path = format!("/v2/b/large/blobs/uploads/?digest={}", Digest::of("x".repeat(500)));
    let answer = fixture.send("POST", &path, &[], Body::from_stream(more)).await;
    answer.expect(403, "DENIED");
    assert!(
        answer.json()["errors"][0]["message"]
            .to_string()
            .contains("quota of `b` is used up: 1.6 KiB of 2.0 KiB"),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_beside_pushes_breaks_none() {
    for fixture in fixtures().await {
        let fixture = Arc::new(fixture);
        let collector = {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                loop {
                    fixture.registry.collect(CollectOptions::default()).await.expect("collects");
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
        let second = Fixture::over(folder, storage, Limits::default(), OPEN.clone()).await;
        let claimed = second.registry.claim_storage().await;
        let error = claimed.expect_err("has an owner");
        assert!(matches!(&error, RegistryError::Storage(StorageError::Owned { .. })), "{error:?}");
        assert!(error.hint().expect("has a hint").contains("`owner`"));
        assert_eq!(first.registry.storage().list().await.expect("lists"), []);
    }
}

async fn push_and_delete(fixture: Arc<Fixture>, repository: &'static str) {
    for _ in 0..30 {
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
