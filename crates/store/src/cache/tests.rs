//! Tests of the cache.

use std::fs;

use temper_oci::Digest;

use super::Cache;

#[test]
fn values_are_kept_by_kind_and_key() {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let cache = Cache::open(&directory.path().join("cache"));
    let (one, two) = (Digest::of("1"), Digest::of("2"));
    assert_eq!(cache.get("index", &one), None);
    cache.put("index", &one, b"old").expect("is kept");
    cache.put("index", &one, b"value").expect("is kept");
    cache.put("other", &one, b"").expect("is kept");
    assert_eq!(cache.get("index", &one).as_deref(), Some(b"value".as_slice()));
    assert_eq!(cache.get("other", &one).as_deref(), Some(b"".as_slice()));
    assert_eq!(cache.get("index", &two), None);
}

#[test]
fn damaged_entries_read_as_absent() {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let cache = Cache::open(directory.path());
    let (one, two) = (Digest::of("1"), Digest::of("2"));
    cache.put("index", &one, b"value").expect("is kept");
    let path = cache.path("index", &one);
    let whole = fs::read(&path).expect("is there");
    let mut changed = whole.clone();
    changed[35] ^= 1;
    for bytes in [&whole[..36], &whole[..10], &[], &changed] {
        fs::write(&path, bytes).expect("is damaged");
        assert_eq!(cache.get("index", &one), None);
    }
    cache.put("index", &two, b"other").expect("is kept");
    fs::copy(cache.path("index", &two), &path).expect("is misplaced");
    assert_eq!(cache.get("index", &one), None);
    cache.put("index", &one, b"value").expect("is kept again");
    assert_eq!(cache.get("index", &one).as_deref(), Some(b"value".as_slice()));
}

#[test]
fn kinds_cannot_leave_the_folder() {
    let directory = tempfile::tempdir().expect("a folder can be made");
    let cache = Cache::open(&directory.path().join("cache"));
    cache.put("../x", &Digest::of("1"), b"value").expect("is kept");
    let names: Vec<_> =
        fs::read_dir(directory.path()).expect("lists").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["cache"]);
}
