//! Tests of the blob folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, SystemTime};

use temper_oci::{Digest, DigestHasher};
use tempfile::TempDir;

use super::{BlobError, Blobs, Durability};

fn blobs(durability: Durability) -> (TempDir, Blobs) {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let blobs = Blobs::open(directory.path(), durability).expect("opens");
    (directory, blobs)
}

fn sha512(bytes: &[u8]) -> Digest {
    let mut hasher = DigestHasher::sha512();
    hasher.update(bytes);
    hasher.finish()
}

#[test]
fn what_is_written_is_read() {
    for durability in [Durability::Synced, Durability::Relaxed] {
        let (directory, blobs) = blobs(durability);
        let digest = blobs.put(b"hello").expect("is written");
        assert_eq!(digest, Digest::of("hello"));
        assert_eq!(blobs.put(b"hello").expect("is there already"), digest);
        let path = directory.path().join("blobs/sha256").join(digest.hex());
        assert_eq!(fs::read(path).expect("is a plain file"), b"hello");
        assert_eq!(blobs.contains(&digest), Some(5));
        assert_eq!(blobs.read(&digest, 5).expect("is read"), b"hello");
        let mut text = String::new();
        blobs.open_blob(&digest).expect("opens").read_to_string(&mut text).expect("is read");
        assert_eq!(text, "hello");
        assert!(blobs.remove(&digest).expect("is removed"));
        assert!(!blobs.remove(&digest).expect("is gone"));
        assert_eq!(blobs.contains(&digest), None);
        assert!(matches!(blobs.open_blob(&digest), Err(BlobError::Missing(missing)) if missing == digest));
    }
}

#[test]
fn only_whole_blobs_with_their_digest_are_visible() {
    let (directory, blobs) = blobs(Durability::Relaxed);
    let mut writer = blobs.create().expect("starts");
    writer.write_all(b"half").expect("is written");
    assert_eq!((writer.size_bytes(), blobs.list().expect("lists").len()), (4, 0));
    drop(writer);
    let mut writer = blobs.create().expect("starts");
    writer.write_all(b"other").expect("is written");
    let wanted = Digest::of("hello");
    let error = writer.commit(Some(wanted)).expect_err("is refused");
    assert!(matches!(error, BlobError::Digest { ref expected, .. } if **expected == wanted), "{error}");
    let left = fs::read_dir(directory.path().join("blobs")).expect("lists").count();
    assert_eq!((blobs.contains(&wanted), left), (None, 2));
}

#[test]
fn both_algorithms_have_their_folder() {
    let (_directory, blobs) = blobs(Durability::Relaxed);
    for expected in [None, Some(Digest::of("x")), Some(sha512(b"x"))] {
        let mut writer = blobs.create().expect("starts");
        writer.write_all(b"x").expect("is written");
        let committed = writer.commit(expected).expect("is committed");
        assert_eq!(committed, (expected.unwrap_or(Digest::of("x")), 1));
    }
    fs::write(blobs.root.join("sha256/readme"), "no blob").expect("is written");
    let listed: BTreeSet<_> = blobs.list().expect("lists").into_iter().collect();
    assert_eq!(listed, BTreeSet::from([(Digest::of("x"), 1), (sha512(b"x"), 1)]));
    assert_eq!(blobs.read(&sha512(b"x"), 1).expect("is read"), b"x");
}

#[test]
fn damage_and_length_are_noticed_on_reading() {
    let (_directory, blobs) = blobs(Durability::Relaxed);
    let digest = blobs.put(b"hello").expect("is written");
    assert!(matches!(blobs.read(&digest, 4), Err(BlobError::Length { max: 4, .. })));
    fs::write(blobs.path(&digest), "hallo").expect("is damaged");
    assert!(matches!(blobs.read(&digest, 5), Err(BlobError::Digest { .. })));
}

#[test]
fn writers_that_died_are_swept_and_living_ones_are_not() {
    let (_directory, blobs) = blobs(Durability::Relaxed);
    let mut writer = blobs.create().expect("starts");
    writer.write_all(b"x").expect("is written");
    let (file, path) = writer.file.keep().expect("is kept");
    let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("has a time");
    let later = written + Duration::from_secs(1);
    assert_eq!(blobs.sweep(later).expect("sweeps"), 0, "it is still held");
    drop(file);
    assert_eq!(blobs.sweep(SystemTime::UNIX_EPOCH).expect("sweeps"), 0, "it is young");
    assert_eq!(blobs.sweep(later).expect("sweeps"), 1);
    assert!(!path.exists());
    let digest = blobs.put(b"hello").expect("is written");
    blobs.sweep(later + Duration::from_hours(1)).expect("sweeps");
    assert_eq!(blobs.contains(&digest), Some(5), "blobs are not left over");
}

#[test]
fn a_full_disk_is_named_with_its_path() {
    let (_directory, blobs) = blobs(Durability::Relaxed);
    let mut writer = blobs.create().expect("starts");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("is on every Linux");
    *writer.file.as_file_mut() = full;
    let error = writer.write_all(b"x").expect_err("there is no room");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let path = writer.file.path().display().to_string();
    assert_eq!(error.to_string(), format!("cannot write `{path}`"));
    let error = error.into_inner().and_then(|inner| inner.downcast::<BlobError>().ok()).expect("is ours");
    assert!(error.hint().expect("knows what to do").starts_with("make room"));
}
