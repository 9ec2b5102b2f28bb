//! Quotas, and the figures that they are compared with.

use temper_oci::Digest;

use super::{AT, add_blob, fresh, manifest, new_blob};
use crate::records::{Publication, Quota, QuotaScope, RecordsError};

fn repository(name: &str, limit_bytes: u64) -> Quota {
    Quota { scope: QuotaScope::Repository(name.to_owned()), limit_bytes }
}

fn organization(name: &str, limit_bytes: u64) -> Quota {
    Quota { scope: QuotaScope::Organization(name.to_owned()), limit_bytes }
}

#[tokio::test]
async fn a_quota_counts_what_a_scope_shows_once() {
    let (_folder, repositories) = fresh().await;
    for (repository, text, upload) in
        [("a/b", "12345", "u1"), ("a/c", "12345", "u2"), ("a/c", "1234567", "u3"), ("ab", "123456789", "u4")]
    {
        add_blob(&repositories, repository, text, upload, AT).await;
    }
    for (quota, used) in [
        (organization("a", 100), 12),
        (repository("a/b", 100), 5),
        (repository("a/c", 100), 12),
        (organization("ab", 100), 9),
        (repository("none", 100), 0),
    ] {
        let room = repositories.room(std::slice::from_ref(&quota), "", 0).await.expect("counts");
        assert_eq!(room, 100 - used, "{quota:?}");
    }
    let both = [repository("a/b", 100), organization("a", 14)];
    repositories.add_upload("u5", "a/b", 10, AT).await.expect("adds");
    match repositories.add_blob("a/b", &new_blob("123", "u5"), "u5", &both, AT).await {
        Err(RecordsError::Quota { scope, used_bytes, staged_bytes, added_bytes, limit_bytes }) => {
            assert_eq!((scope.as_str(), used_bytes, added_bytes, limit_bytes), ("a", 12, 3, 14));
            assert_eq!(staged_bytes, 0);
        }
        other => panic!("{other:?}"),
    }
    assert!(repositories.find_blob("a/b", Digest::of("123")).await.expect("reads").is_none());
    repositories.add_blob("a/b", &new_blob("12", "u5"), "u5", &both, AT).await.expect("fits exactly");

    // What is there already adds nothing, however small the quota has become.
    let small = [organization("a", 1)];
    let linked = repositories.link_blob("a/b", Digest::of("1234567"), None, &small, AT).await;
    assert_eq!(linked.expect("links"), Some(7));
    let full = Publication { manifests: vec![manifest("image")], ..Publication::default() };
    let refused = repositories.publish("a/b", &full, &small, AT).await;
    assert!(matches!(refused, Err(RecordsError::Quota { .. })), "{refused:?}");
    assert!(repositories.room(&small, "", 1).await.is_err());
}

#[tokio::test]
async fn a_repository_does_not_pay_for_those_below_its_name() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, "a/b", "12345", "u1", AT).await;
    add_blob(&repositories, "a/b/c", "1234567", "u2", AT).await;
    for (quota, used) in [(repository("a/b", 100), 5), (organization("a", 100), 12)] {
        let room = repositories.room(std::slice::from_ref(&quota), "", 0).await.expect("counts");
        assert_eq!(room, 100 - used, "{quota:?}");
    }
}

#[tokio::test]
async fn what_uploads_have_brought_counts() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, "a/b", "12345", "u1", AT).await;
    for (id, name, size_bytes, at) in [("u2", "a/b", 3, AT + 1), ("u3", "a/c", 4, AT), ("u4", "a/b", 0, AT)] {
        repositories.add_upload(id, name, 10, at).await.expect("adds");
        assert!(repositories.touch_upload(id, size_bytes, at).await.expect("touches"));
    }
    let (own, all) = (repository("a/b", 100), organization("a", 100));
    for (quota, upload, used) in [(&own, "", 8), (&own, "u2", 5), (&all, "", 12), (&all, "u2", 9)] {
        let room = repositories.room(std::slice::from_ref(quota), upload, 0).await.expect("counts");
        assert_eq!(room, 100 - used, "{quota:?} {upload}");
    }
    let tight = [organization("a", 13)];
    for (added, staged) in [(2, Some(7)), (9, Some(0)), (1, None)] {
        let found = match repositories.room(&tight, "", added).await {
            Err(RecordsError::Quota { staged_bytes, .. }) => Some(staged_bytes),
            room => room.map(|_| None).expect("counts"),
        };
        assert_eq!(found, staged, "{added}");
    }
    let list = async |scope: &Quota, before| {
        repositories.list_staged_uploads(&scope.scope, before).await.expect("lists")
    };
    assert_eq!(list(&all, AT + 2).await, ["u3", "u2"]);
    assert_eq!(list(&all, AT + 1).await, ["u3"]);
    assert_eq!(list(&own, AT + 2).await, ["u2"]);
    // What arrived is checked again when it becomes a blob.
    let exact = [repository("a/b", 8)];
    repositories.add_blob("a/b", &new_blob("123", "u2"), "u2", &exact, AT).await.expect("fits exactly");
}

#[tokio::test]
async fn usage_tells_what_repositories_share() {
    let (_folder, repositories) = fresh().await;
    for (repository, text, upload) in [("a/b", "12345", "u1"), ("a/c", "12345", "u2"), ("a/c", "12", "u3")] {
        add_blob(&repositories, repository, text, upload, AT).await;
    }
    let tags = ["1", "2"].map(|tag| (tag.to_owned(), Digest::of("image"))).to_vec();
    let publication = Publication { manifests: vec![manifest("image")], tags, ..Publication::default() };
    repositories.publish("a/c", &publication, &[], AT).await.expect("publishes");
    for (scope, logical, deduplicated, count) in
        [(None, 17, 12, 2), (Some("a"), 17, 12, 2), (Some("a/b"), 5, 5, 1), (Some("a/"), 0, 0, 0)]
    {
        let usage = repositories.usage(scope).await.expect("counts");
        let found = (usage.logical_bytes, usage.deduplicated_bytes, usage.repositories.len());
        assert_eq!(found, (logical, deduplicated, count), "{scope:?}");
    }
    let usage = repositories.usage(Some("a/c")).await.expect("counts");
    let usage = &usage.repositories[0];
    assert_eq!((usage.logical_bytes, usage.exclusive_bytes), (12, 7));
    assert_eq!((usage.blobs, usage.manifests, usage.tags), (2, 1, 2));
}
