//! One suite for every kind of storage.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use temper_oci::Digest;
use tempfile::TempDir;

use super::*;
use crate::blobs::Durability;
use crate::staging::Staging;

/// More than two parts of an upload to an object store.
const LARGE_BYTES: usize = (17 << 20) + 1;

fn storages(folder: &TempDir) -> Vec<Storage> {
    let directory = Directory::open(&folder.path().join("blobs"), Durability::Synced).expect("opens");
    let store = Arc::new(InMemory::new());
    vec![Storage::Directory(directory), Storage::over(store.clone(), "some/prefix"), Storage::over(store, "")]
}

async fn read(storage: &Storage, key: &StorageKey, part: Range<u64>) -> Vec<u8> {
    let pieces: Vec<Bytes> =
        storage.read(key, part).await.expect("opens").try_collect().await.expect("reads");
    pieces.concat()
}

#[tokio::test]
async fn what_is_kept_is_read_listed_and_removed() {
    let folder = TempDir::new().expect("makes a folder");
    let staging = Staging::open(&folder.path().join("uploads")).expect("opens");
    let large: Vec<u8> = (0..LARGE_BYTES).map(|number| (number % 251) as u8).collect();
    for storage in storages(&folder) {
        let mut keys = Vec::new();
        for (id, bytes) in [("empty", &b""[..]), ("small", b"0123456789"), ("large", &large)] {
            let mut staged = staging.create(id).expect("begins");
            staged.write(bytes).expect("writes");
            let digest = Digest::of(bytes);
            staged.verify(digest).expect("is right");
            let key = StorageKey::new(digest, id);
            storage.keep(&key, &staged).await.expect("keeps");
            staging.remove(id).expect("removes");
            assert_eq!(read(&storage, &key, 0..bytes.len() as u64).await, bytes, "{id}");
            keys.push((key, bytes.len() as u64));
        }
        let small = keys[1].0.clone();
        assert_eq!(read(&storage, &small, 2..5).await, b"234");
        assert_eq!(read(&storage, &keys[2].0, 9_000_000..9_000_003).await, &large[9_000_000..9_000_003]);
        keys.sort_unstable();
        assert_eq!(storage.list().await.expect("lists"), keys);

        let beyond = storage.read(&small, 5..20).await;
        let short = match beyond {
            Ok(pieces) => pieces.try_collect::<Vec<_>>().await.is_err(),
            Err(_) => true,
        };
        assert!(short, "a blob that lost its end is not read as if it were whole");
        assert!(storage.remove(&small).await.expect("removes"));
        let missing = storage.read(&small, 0..1).await.map(drop);
        assert!(matches!(missing, Err(StorageError::Missing(_))), "{missing:?}");
        for (key, _) in keys {
            storage.remove(&key).await.expect("removes");
        }
        assert!(storage.list().await.expect("lists").is_empty());
    }
}

#[tokio::test]
async fn looking_at_a_storage_makes_it_nobodys() {
    let folder = TempDir::new().expect("makes a folder");
    for storage in storages(&folder) {
        storage.check_owner(Some("me")).await.expect("is free");
        storage.check_owner(None).await.expect("is free");
        storage.claim("you").await.expect("is free still");
        storage.check_owner(Some("you")).await.expect("is yours");
        for owner in [Some("me"), None] {
            let refused = storage.check_owner(owner).await;
            assert!(matches!(refused, Err(StorageError::Owned { .. })), "{owner:?}");
        }
        if let Storage::Objects(objects) = &storage {
            objects.probe("probe-1").await.expect("can do all");
        }
        assert!(storage.list().await.expect("lists").is_empty());
    }
}

#[tokio::test]
async fn what_is_no_longer_staged_cannot_be_kept() {
    let folder = TempDir::new().expect("makes a folder");
    let staging = Staging::open(&folder.path().join("uploads")).expect("opens");
    for storage in storages(&folder) {
        let staged = staging.create("a").expect("begins");
        staging.remove("a").expect("removes");
        let kept = storage.keep(&StorageKey::new(Digest::of(""), "a"), &staged).await;
        assert!(matches!(&kept, Err(StorageError::Unstaged(id)) if id == "a"), "{kept:?}");
    }
}

#[test]
fn staged_bytes_outlive_the_process() {
    let folder = TempDir::new().expect("makes a folder");
    let staging = Staging::open(folder.path()).expect("opens");
    staging.create("a").expect("begins").write(b"abc").expect("writes");
    assert_eq!(staging.list().expect("lists"), [("a".to_owned(), 3)]);
    let mut staged = staging.resume("a").expect("opens").expect("is there");
    assert_eq!(staged.size_bytes(), 3);
    staged.write(b"def").expect("writes");
    assert!(matches!(staged.verify(Digest::of("abc")), Err(BlobError::Digest { .. })));
    assert!(staged.write(b"more").is_err());
    drop(staged);
    let mut staged = staging.resume("a").expect("opens").expect("is there");
    staged.verify(Digest::of("abcdef")).expect("is right");
    assert!(staging.resume("b").expect("looks").is_none());

    let source = folder.path().join("source");
    std::fs::write(&source, "whole").expect("writes");
    let mut staged = staging.adopt("c", Digest::of("whole"), &source).expect("adopts");
    assert_eq!(staged.size_bytes(), 5);
    staged.verify(Digest::of("whole")).expect("is right");
}

#[test]
fn one_writer_has_a_staged_blob() {
    let folder = TempDir::new().expect("makes a folder");
    let staging = Staging::open(folder.path()).expect("opens");
    let mut first = staging.create("a").expect("begins");
    first.write(b"abc").expect("writes");
    let second = staging.resume("a").map(drop);
    assert!(matches!(second, Err(BlobError::Busy(_))), "{second:?}");
    drop(first);
    assert_eq!(staging.resume("a").expect("opens").expect("is there").size_bytes(), 3);
}

#[tokio::test]
async fn a_file_that_somebody_else_wrote_to_is_not_kept() {
    use std::io::Write as _;

    let folder = TempDir::new().expect("makes a folder");
    let staging = Staging::open(&folder.path().join("uploads")).expect("opens");
    let scribble = |id: &str| {
        let file = std::fs::OpenOptions::new().append(true).open(folder.path().join("uploads").join(id));
        file.expect("opens").write_all(b"garbage").expect("writes");
    };
    let mut staged = staging.create("a").expect("begins");
    staged.write(b"abc").expect("writes");
    scribble("a");
    let verified = staged.verify(Digest::of("abc"));
    assert!(matches!(verified, Err(BlobError::Changed { written: 3, actual: 10, .. })), "{verified:?}");
    for (storage, id) in storages(&folder).into_iter().zip(["b", "c", "d"]) {
        let mut staged = staging.create(id).expect("begins");
        staged.write(b"abc").expect("writes");
        staged.verify(Digest::of("abc")).expect("is right");
        scribble(id);
        let kept = storage.keep(&StorageKey::new(Digest::of("abc"), id), &staged).await;
        assert!(matches!(kept, Err(StorageError::File(BlobError::Changed { .. }))), "{kept:?}");
        assert!(storage.list().await.expect("lists").is_empty());
    }
}
