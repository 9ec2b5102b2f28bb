//! Damage: noted, hidden, and mended by a push.

use temper_oci::Digest;

use super::{AT, REPOSITORY, add_blob, fresh, manifest, named, new_blob, publish, size_of};
use crate::records::{KeptBlob, Publication, RecordsError};

#[tokio::test]
async fn a_damaged_blob_is_hidden_until_it_is_pushed_again() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, REPOSITORY, "layer", "one", AT).await;
    add_blob(&repositories, "acme/other", "layer", "two", AT).await;
    let (digest, first) = (Digest::of("layer"), new_blob("layer", "one"));
    assert!(repositories.note_damage(&first, Some(AT)).await.expect("notes"));
    assert_eq!(size_of(&repositories, REPOSITORY, "layer").await, None);
    let mounted = repositories.mount_blob(REPOSITORY, "acme/new", digest, &[], AT).await.expect("looks");
    assert_eq!(mounted, None);
    assert_eq!(repositories.link_blob(REPOSITORY, digest, None, &[], AT).await.expect("looks"), None);
    let mut image = manifest("image");
    image.blobs = vec![named("layer")];
    let publication = Publication { manifests: vec![image.clone()], ..Publication::default() };
    let refused = repositories.publish(REPOSITORY, &publication, &[], AT).await;
    assert!(matches!(refused, Err(RecordsError::MissingReferences { .. })), "{refused:?}");

    assert!(add_blob(&repositories, REPOSITORY, "layer", "three", AT).await, "new bytes take their place");
    let list = async || repositories.list_blobs(None, 10).await.expect("lists");
    let third = new_blob("layer", "three");
    assert_eq!(list().await, [KeptBlob { blob: third.clone(), is_damaged: false }]);
    assert!(!repositories.note_damage(&first, Some(AT)).await.expect("notes"), "other bytes are damaged");
    for repository in [REPOSITORY, "acme/other"] {
        assert_eq!(size_of(&repositories, repository, "layer").await, Some(5), "{repository}");
    }
    publish(&repositories, vec![image], &[]).await;
    assert_eq!(repositories.list_unowned(vec![first.storage_key.clone()]).await.expect("looks").len(), 1);

    repositories.note_damage(&third, Some(AT)).await.expect("notes");
    assert!(list().await[0].is_damaged);
    repositories.note_damage(&third, None).await.expect("notes");
    assert_eq!(size_of(&repositories, REPOSITORY, "layer").await, Some(5), "it was found whole");
}

#[tokio::test]
async fn a_manifest_states_the_sizes_that_are_true() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, REPOSITORY, "layer", "one", AT).await;
    publish(&repositories, vec![manifest("child")], &[]).await;
    for (blobs, manifests, wrong) in [
        (vec![(Digest::of("layer"), 6)], vec![], "layer"),
        (vec![named("layer"), (Digest::of("layer"), 4)], vec![], "layer"),
        (vec![named("layer")], vec![(Digest::of("child"), 0)], "child"),
    ] {
        let mut parent = manifest("parent");
        (parent.blobs, parent.manifests) = (blobs, manifests);
        let publication = Publication { manifests: vec![parent], ..Publication::default() };
        match repositories.publish(REPOSITORY, &publication, &[], AT).await {
            Err(RecordsError::WrongSize(found)) => {
                assert_eq!((found.digest, found.size_bytes), (Digest::of(wrong), 5));
                assert_ne!(found.stated_bytes, 5);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_damaged_manifest_is_mended_by_a_push() {
    let (_folder, repositories) = fresh().await;
    publish(&repositories, vec![manifest("image")], &[("1", "image")]).await;
    let mut connection = repositories.records.0.writer.acquire().await.expect("connects");
    let damage =
        sqlx::query("UPDATE manifests SET content = $1").bind(&b"\0"[..]).execute(&mut *connection).await;
    damage.expect("damages");
    drop(connection);
    publish(&repositories, vec![manifest("image")], &[]).await;
    let bytes = repositories.read_manifest(REPOSITORY, Digest::of("image")).await.expect("reads");
    assert_eq!(bytes.as_deref(), Some(&b"image"[..]));
}

#[tokio::test]
async fn what_is_dangling_is_told_with_a_tag_that_leads_there() {
    let (_folder, repositories) = fresh().await;
    let mut index = manifest("index");
    index.manifests = vec![named("child")];
    let mut outer = manifest("outer");
    outer.manifests = vec![named("index")];
    publish(&repositories, vec![manifest("child"), index, outer], &[("1", "outer")]).await;
    repositories.remove_manifest(REPOSITORY, Digest::of("child"), |_| false).await.expect("removes");
    let tags = async || -> Vec<_> {
        let dangling = repositories.list_dangling(10).await.expect("lists");
        dangling.into_iter().map(|dangling| (dangling.manifest, dangling.target, dangling.tag)).collect()
    };
    let found = (Digest::of("index"), Digest::of("child"));
    assert_eq!(tags().await, [(found.0, found.1, Some("1".to_owned()))]);
    repositories.remove_tag(REPOSITORY, "1", AT).await.expect("removes");
    assert_eq!(tags().await, [(found.0, found.1, None)]);
}
