//! What is kept and what is not.

use std::collections::BTreeSet;

use temper_oci::Digest;

use super::{AT, REPOSITORY, add_blob, fresh, manifest, named, new_blob, publish, referrer, size_of};
use crate::records::{
    Cutoffs, Finish, NewBuild, Publication, RecordsError, Release, Repositories, Retention, Success,
};
use crate::storage::StorageKey;

/// Everything of the tests is older than this.
const LATER: Cutoffs = Cutoffs { young: AT + 1_000, retained: AT + 1_000, newest: 0 };

fn names(release: &Release, all: &[&str]) -> Vec<String> {
    let gone: BTreeSet<Digest> = release.manifests.iter().map(|(digest, _)| *digest).collect();
    all.iter().filter(|name| gone.contains(&Digest::of(name))).map(|name| (*name).to_owned()).collect()
}

/// A repository with an index of two manifests, what refers to them, and what nothing holds.
async fn repository(repositories: &Repositories) {
    let mut index = manifest("index");
    index.manifests = ["amd64", "arm64"].map(named).to_vec();
    let mut old_index = manifest("old index");
    old_index.manifests = ["old amd64", "arm64"].map(named).to_vec();
    let manifests = vec![
        manifest("amd64"),
        manifest("arm64"),
        manifest("old amd64"),
        index,
        old_index,
        referrer("sbom", Digest::of("amd64"), "example/sbom"),
        referrer("signature of sbom", Digest::of("sbom"), "example/signature"),
        referrer("old sbom", Digest::of("old amd64"), "example/sbom"),
        referrer("orphan", Digest::of("nothing"), "example/sbom"),
    ];
    publish(repositories, manifests, &[("1", "index")]).await;
}

const ALL: [&str; 9] =
    ["amd64", "arm64", "old amd64", "index", "old index", "sbom", "signature of sbom", "old sbom", "orphan"];

#[tokio::test]
async fn what_tags_hold_is_kept_and_the_rest_by_age_and_number() {
    for (cutoffs, expected) in [
        (LATER, vec!["old amd64", "old index", "old sbom", "orphan"]),
        (Cutoffs { newest: 1, ..LATER }, vec!["orphan"]),
        (Cutoffs { retained: AT, ..LATER }, vec!["orphan"]),
        (Cutoffs { young: AT, retained: AT, newest: 0 }, vec![]),
    ] {
        let (_folder, repositories) = fresh().await;
        repository(&repositories).await;
        let rules = [(REPOSITORY.to_owned(), cutoffs)];
        let (preview, _) = repositories.preview_release(&rules).await.expect("previews");
        let release = repositories.release(REPOSITORY, cutoffs).await.expect("releases");
        assert_eq!(preview.as_slice(), std::slice::from_ref(&release));
        assert_eq!(names(&release, &ALL), expected, "{cutoffs:?}");
        assert!(repositories.release(REPOSITORY, cutoffs).await.expect("releases").is_empty());
    }
}

#[tokio::test]
async fn a_manifest_that_loses_its_tag_is_young_again() {
    let (_folder, repositories) = fresh().await;
    publish(&repositories, vec![manifest("old"), manifest("new")], &[("1", "old"), ("2", "new")]).await;
    let tags = vec![("1".to_owned(), Digest::of("new"))];
    let moved = Publication { tags, ..Publication::default() };
    repositories.publish(REPOSITORY, &moved, &[], AT + 2_000).await.expect("moves");
    assert!(repositories.release(REPOSITORY, LATER).await.expect("releases").is_empty());
    repositories.remove_tag(REPOSITORY, "2", AT + 2_000).await.expect("removes");
    let later = Cutoffs { young: AT + 3_000, retained: AT + 3_000, newest: 0 };
    let release = repositories.release(REPOSITORY, later).await.expect("releases");
    assert_eq!(names(&release, &["old", "new"]), ["old"]);
}

#[tokio::test]
async fn an_entry_outlives_its_index_by_its_own_age() {
    let (_folder, repositories) = fresh().await;
    let mut index = manifest("index");
    index.manifests = ["amd64", "arm64"].map(named).to_vec();
    publish(&repositories, vec![manifest("amd64"), manifest("arm64"), index], &[("amd64", "amd64")]).await;
    repositories.remove_tag(REPOSITORY, "amd64", AT + 2_000).await.expect("removes");
    let retained = Cutoffs { young: AT + 3_000, retained: AT + 1_000, newest: 0 };
    let release = repositories.release(REPOSITORY, retained).await.expect("releases");
    assert_eq!(names(&release, &["amd64", "arm64", "index"]), ["arm64", "index"]);
}

#[tokio::test]
async fn blobs_go_when_no_manifest_and_no_repository_needs_them() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, REPOSITORY, "layer", "one", AT).await;
    add_blob(&repositories, REPOSITORY, "unused", "two", AT).await;
    add_blob(&repositories, "acme/other", "unused", "three", AT + 2_000).await;
    add_blob(&repositories, REPOSITORY, "asked for", "four", AT).await;
    repositories.touch_blob(REPOSITORY, Digest::of("asked for"), AT + 2_000).await.expect("touches");
    let mut image = manifest("image");
    image.blobs = vec![named("layer")];
    image.foreign = vec![Digest::of("foreign"), Digest::of("elsewhere")];
    add_blob(&repositories, REPOSITORY, "foreign", "five", AT).await;
    publish(&repositories, vec![image.clone()], &[("1", "image")]).await;

    let release = repositories.release(REPOSITORY, LATER).await.expect("releases");
    assert_eq!(release.blobs, [(Digest::of("unused"), 6)]);
    assert_eq!(repositories.release_blobs().await.expect("releases"), [], "another repository shows it");
    assert_eq!(size_of(&repositories, "acme/other", "unused").await, Some(6));

    repositories.unlink_blob("acme/other", Digest::of("unused")).await.expect("unlinks");
    let released = repositories.release_blobs().await.expect("releases");
    let keys: Vec<_> = released.iter().map(|blob| blob.storage_key.clone()).collect();
    assert_eq!(keys, [StorageKey::new(Digest::of("unused"), "two")]);

    // A manifest that comes too late for its blob is refused, not broken.
    image.blobs = vec![named("unused")];
    let late = Publication { manifests: vec![image], ..Publication::default() };
    let refused = repositories.publish(REPOSITORY, &late, &[], AT).await;
    assert!(matches!(refused, Err(RecordsError::MissingReferences { .. })), "{refused:?}");
}

#[tokio::test]
async fn only_bytes_without_blob_and_upload_are_unowned() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, REPOSITORY, "kept", "one", AT).await;
    repositories.add_upload("two", REPOSITORY, 100, AT).await.expect("adds");
    let key = |text: &str, upload: &str| StorageKey::new(Digest::of(text), upload);
    let mut keys = vec![key("kept", "one"), key("arriving", "two"), key("kept", "lost"), key("lost", "one")];
    keys.extend((0..1000).map(|number| key("many", &format!("m{number}"))));
    let unowned = repositories.list_unowned(keys.clone()).await.expect("looks");
    assert_eq!(unowned, keys[2..]);

    assert_eq!(repositories.expire_uploads(AT + 1).await.expect("expires"), ["two"]);
    let late = repositories.add_blob(REPOSITORY, &new_blob("arriving", "two"), "two", &[], AT).await;
    assert!(matches!(late, Err(RecordsError::UnknownUpload(_))), "its bytes may be gone: {late:?}");
    assert_eq!(size_of(&repositories, REPOSITORY, "arriving").await, None);
}

#[tokio::test]
async fn images_of_builds_that_are_kept_stay_without_tags() {
    let (_folder, repositories) = fresh().await;
    repository(&repositories).await;
    let builds = repositories.records.builds();
    let queue = NewBuild {
        id: "1".to_owned(),
        organization_id: "acme".to_owned(),
        subject: "python".to_owned(),
        kind: "definition",
        target_id: None,
        customization: None,
        definition: Some(("python".to_owned(), "name: python".to_owned())),
        name: "python".to_owned(),
        destination: REPOSITORY.to_owned(),
        causes: "[]".to_owned(),
        priority: 0,
    };
    builds.queue(&queue, None, AT).await.expect("queues");
    let build = builds.start("python", AT).await.expect("starts").expect("waits");
    let digest = Digest::of("old index").to_string();
    let finish = Finish::Succeeded(Box::new(Success { digest, ..Success::default() }));
    let keep = |since| Retention { newest: 0, since };
    assert!(!builds.finish("1", build.attempts + 1, &finish, keep(AT), AT).await.expect("is another's"));
    assert!(builds.finish("1", build.attempts, &finish, keep(AT), AT).await.expect("finishes"));
    let release = repositories.release(REPOSITORY, LATER).await.expect("releases");
    assert_eq!(names(&release, &ALL), ["orphan"]);
    // Another build of the subject, much later, forgets it.
    let again = NewBuild { id: "2".to_owned(), ..queue };
    builds.queue(&again, None, AT + 2).await.expect("queues");
    let build = builds.start("python", AT + 2).await.expect("starts").expect("waits");
    let finish = Finish::Failed { error: "{}".to_owned(), plan: None };
    assert!(builds.finish("2", build.attempts, &finish, keep(AT + 1), AT + 2).await.expect("finishes"));
    let release = repositories.release(REPOSITORY, LATER).await.expect("releases");
    assert_eq!(names(&release, &ALL), ["old amd64", "old index", "old sbom"]);
}
