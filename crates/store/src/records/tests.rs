//! Tests of the records, each over a database of its own.

use std::collections::{BTreeMap, BTreeSet};

use temper_oci::Digest;
use temper_oci::media_type::OCI_MANIFEST;
use tempfile::TempDir;

use super::{
    ManifestRecord, NewBlob, NewManifest, Publication, Records, RecordsError, Repositories, TagMove,
};
use crate::storage::StorageKey;

mod collect;
mod integrity;
mod jobs;
mod people;
mod portable;
mod quota;
mod upgrade;

const REPOSITORY: &str = "acme/python";
const AT: i64 = 1_700_000_000_000_000;

/// Opens records of the database that the environment chooses; see [`temper_testkit::database`].
async fn fresh_records() -> (TempDir, Records) {
    let folder = TempDir::new().expect("makes a folder");
    let records = open(&folder).await;
    (folder, records)
}

async fn open(folder: &TempDir) -> Records {
    let url = temper_testkit::database::url(folder.path());
    Records::connect(&url.parse().expect("is a database")).await.expect("opens")
}

async fn fresh() -> (TempDir, Repositories) {
    let (folder, records) = fresh_records().await;
    let repositories = records.repositories();
    (folder, repositories)
}

fn manifest(text: &str) -> NewManifest {
    NewManifest {
        record: ManifestRecord {
            digest: Digest::of(text),
            media_type: OCI_MANIFEST.to_owned(),
            size_bytes: text.len() as u64,
            subject: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
        },
        content: text.to_owned().into(),
        blobs: Vec::new(),
        foreign: Vec::new(),
        manifests: Vec::new(),
    }
}

/// How a manifest names something.
fn named(text: &str) -> (Digest, u64) {
    (Digest::of(text), text.len() as u64)
}

fn referrer(text: &str, subject: Digest, artifact_type: &str) -> NewManifest {
    let mut manifest = manifest(text);
    manifest.record.subject = Some(subject);
    manifest.record.artifact_type = Some(artifact_type.to_owned());
    manifest.record.annotations = BTreeMap::from([("note".to_owned(), text.to_owned())]);
    manifest
}

async fn publish(repositories: &Repositories, manifests: Vec<NewManifest>, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(tag, text)| ((*tag).to_owned(), Digest::of(text))).collect();
    let publication = Publication { manifests, tags, ..Publication::default() };
    repositories.publish(REPOSITORY, &publication, &[], AT).await.expect("publishes");
}

/// Adds a blob as an upload of its own would; says whether its bytes are the ones that are kept.
async fn add_blob(repositories: &Repositories, repository: &str, text: &str, upload: &str, at: i64) -> bool {
    assert!(repositories.add_upload(upload, repository, 100, at).await.expect("adds"));
    let blob = new_blob(text, upload);
    repositories.add_blob(repository, &blob, upload, &[], at).await.expect("adds")
}

fn new_blob(text: &str, upload: &str) -> NewBlob {
    let digest = Digest::of(text);
    NewBlob { digest, size_bytes: text.len() as u64, storage_key: StorageKey::new(digest, upload) }
}

async fn size_of(repositories: &Repositories, repository: &str, text: &str) -> Option<u64> {
    let found = repositories.find_blob(repository, Digest::of(text)).await.expect("reads");
    found.map(|blob| blob.size_bytes)
}

#[tokio::test]
async fn what_a_full_disk_refused_is_taken_when_there_is_room() {
    let folder = TempDir::new().expect("makes a folder");
    let records = Records::open(&folder.path().join("records.db")).await.expect("opens");
    let pages: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&records.0.writer).await.expect("counts");
    let bound = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(bound).execute(&records.0.writer).await.expect("bounds");
    let repositories = records.repositories();
    let large = manifest(&"x".repeat(1 << 20));
    let publication = Publication { manifests: vec![large], ..Publication::default() };
    let error = repositories.publish(REPOSITORY, &publication, &[], AT).await.expect_err("is full");
    assert!(error.is_full(), "{error:?}");
    assert!(std::error::Error::source(&error).is_some_and(|error| error.to_string().contains("full")));
    publish(&repositories, vec![manifest("small")], &[("latest", "small")]).await;
}

#[tokio::test]
async fn blobs_are_hidden_from_other_repositories_until_mounted() {
    let (_folder, repositories) = fresh().await;
    let digest = Digest::of("layer");
    assert_eq!(repositories.link_blob(REPOSITORY, digest, None, &[], AT).await.expect("looks"), None);
    assert!(add_blob(&repositories, REPOSITORY, "layer", "one", AT).await);
    assert!(!add_blob(&repositories, REPOSITORY, "layer", "two", AT + 1).await, "the first stays");
    assert_eq!(size_of(&repositories, REPOSITORY, "layer").await, Some(5));
    assert_eq!(size_of(&repositories, "acme/other", "layer").await, None);
    for (from, expected) in [("acme/none", None), (REPOSITORY, Some(5))] {
        let mounted = repositories.mount_blob(from, "acme/other", digest, &[], AT).await.expect("mounts");
        assert_eq!(mounted, expected, "{from}");
    }
    assert_eq!(size_of(&repositories, "acme/other", "layer").await, Some(5));
    assert!(repositories.unlink_blob(REPOSITORY, digest).await.expect("unlinks"));
    assert!(!repositories.unlink_blob(REPOSITORY, digest).await.expect("unlinks"));
    assert_eq!(size_of(&repositories, "acme/other", "layer").await, Some(5));
    assert_eq!(repositories.list(None, 10).await.expect("lists"), ["acme/other", REPOSITORY]);
    assert_eq!(repositories.list(Some("acme/other"), 10).await.expect("lists"), [REPOSITORY]);
}

#[tokio::test]
async fn a_publication_is_all_or_nothing() {
    let (_folder, repositories) = fresh().await;
    let lost = Digest::of("lost");
    let mut incomplete = manifest("image");
    incomplete.blobs = ["layer", "lost", "lost"].map(named).to_vec();
    add_blob(&repositories, REPOSITORY, "layer", "one", AT).await;
    let publication = Publication {
        manifests: vec![incomplete.clone()],
        tags: vec![("1".to_owned(), incomplete.record.digest)],
        ..Publication::default()
    };
    match repositories.publish(REPOSITORY, &publication, &[], AT).await {
        Err(RecordsError::MissingReferences { repository, digests }) => {
            assert_eq!((repository.as_str(), digests.as_slice()), (REPOSITORY, [lost].as_slice()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(repositories.find_manifest(REPOSITORY, incomplete.record.digest).await.expect("reads"), None);

    add_blob(&repositories, REPOSITORY, "lost", "two", AT).await;
    for round in 0..2 {
        repositories.publish(REPOSITORY, &publication, &[], AT + round).await.expect("publishes");
    }
    let found = repositories.find_tagged_manifest(REPOSITORY, "1").await.expect("reads").expect("is tagged");
    assert_eq!(found, incomplete.record);
    let by_digest = repositories.find_manifest(REPOSITORY, found.digest).await.expect("reads");
    assert_eq!(by_digest, Some(found));
    let bytes = repositories.read_manifest(REPOSITORY, incomplete.record.digest).await.expect("reads");
    assert_eq!(bytes.as_deref(), Some(&b"image"[..]));
}

#[tokio::test]
async fn an_index_needs_its_manifests() {
    let (_folder, repositories) = fresh().await;
    let child = manifest("child");
    let mut index = manifest("index");
    index.manifests = vec![named("child")];
    let alone = Publication { manifests: vec![index.clone()], ..Publication::default() };
    let refused = repositories.publish(REPOSITORY, &alone, &[], AT).await;
    assert!(matches!(refused, Err(RecordsError::MissingReferences { .. })), "{refused:?}");
    publish(&repositories, vec![child, index], &[("1", "index")]).await;
}

#[tokio::test]
async fn tags_move_together_and_list_in_pages() {
    let (_folder, repositories) = fresh().await;
    publish(
        &repositories,
        vec![manifest("old"), manifest("new")],
        &[("1.10", "old"), ("1.9", "old"), ("A", "old"), ("a", "old"), ("1", "old")],
    )
    .await;
    let tags = vec![("1".to_owned(), Digest::of("new")), ("2".to_owned(), Digest::of("unknown"))];
    let mut moves = Publication { tags, ..Publication::default() };
    match repositories.publish(REPOSITORY, &moves, &[], AT).await {
        Err(RecordsError::UnknownManifest { tag, digest, .. }) => {
            assert_eq!((tag.as_str(), digest), ("2", Digest::of("unknown")));
        }
        other => panic!("{other:?}"),
    }
    let found = repositories.find_tagged_manifest(REPOSITORY, "1").await.expect("reads").expect("is tagged");
    assert_eq!(found.digest, Digest::of("old"));
    moves.tags.truncate(1);
    repositories.publish(REPOSITORY, &moves, &[], AT).await.expect("moves");
    let found = repositories.find_tagged_manifest(REPOSITORY, "1").await.expect("reads").expect("is tagged");
    assert_eq!(found.digest, Digest::of("new"));

    for (after, limit, expected) in [
        (None, 10, vec!["1", "1.10", "1.9", "A", "a"]),
        (None, 2, vec!["1", "1.10"]),
        (Some("1.10"), 2, vec!["1.9", "A"]),
        (Some("1.5"), 1, vec!["1.9"]),
        (Some("a"), 2, vec![]),
        (Some("1.9\0x"), 1, vec!["A"]),
    ] {
        let tags = repositories.list_tags(REPOSITORY, after, limit).await.expect("lists");
        assert_eq!(tags, expected, "after {after:?}");
    }
    let removed = repositories.remove_tag(REPOSITORY, "1", AT).await.expect("removes");
    assert_eq!(removed, Some(Digest::of("new")));
    assert_eq!(repositories.remove_tag(REPOSITORY, "1", AT).await.expect("removes"), None);
    assert!(repositories.find_manifest(REPOSITORY, Digest::of("new")).await.expect("reads").is_some());
}

#[tokio::test]
async fn fixed_tags_are_put_once() {
    let (_folder, repositories) = fresh().await;
    publish(&repositories, vec![manifest("old"), manifest("new")], &[]).await;
    let put = async |tag: &str, text: &str| {
        let publication = Publication {
            tags: vec![("latest".to_owned(), Digest::of(text)), (tag.to_owned(), Digest::of(text))],
            fixed_tags: BTreeSet::from(["1".to_owned()]),
            ..Publication::default()
        };
        repositories.publish(REPOSITORY, &publication, &[], AT).await
    };
    for (text, from) in [("old", None), ("old", Some(Digest::of("old")))] {
        let moves = put("1", text).await.expect("puts");
        assert_eq!(moves[1], TagMove { tag: "1".to_owned(), from, to: Digest::of("old") });
    }
    match put("1", "new").await {
        Err(RecordsError::FixedTag { tag, digest, .. }) => {
            assert_eq!((tag.as_str(), digest), ("1", Digest::of("old")));
        }
        other => panic!("{other:?}"),
    }
    for tag in ["1", "latest"] {
        let found = repositories.find_tagged_manifest(REPOSITORY, tag).await.expect("reads");
        assert_eq!(
            found.expect("is tagged").digest,
            Digest::of("old"),
            "nothing moves with a tag that cannot"
        );
    }
    put("2", "new").await.expect("the other tags move");
}

#[tokio::test]
async fn removing_a_manifest_removes_its_tags() {
    let (_folder, repositories) = fresh().await;
    publish(&repositories, vec![manifest("image")], &[("1", "image"), ("1.0", "image")]).await;
    let remove = async |fixed: &str| {
        repositories.remove_manifest(REPOSITORY, Digest::of("image"), |tag| tag == fixed).await
    };
    match remove("1.0").await {
        Err(RecordsError::FixedTag { tag, digest, .. }) => {
            assert_eq!((tag.as_str(), digest), ("1.0", Digest::of("image")));
        }
        other => panic!("{other:?}"),
    }
    let removed = remove("2").await.expect("removes").expect("was there");
    assert_eq!(
        (removed.media_type.as_str(), removed.tags),
        (OCI_MANIFEST, vec!["1".to_owned(), "1.0".to_owned()])
    );
    assert_eq!(remove("2").await.expect("removes"), None);
    assert!(repositories.list_tags(REPOSITORY, None, 10).await.expect("lists").is_empty());
    assert!(repositories.exists(REPOSITORY).await.expect("reads"));
}

#[tokio::test]
async fn what_a_fixed_tag_leads_to_stays() {
    let (_folder, repositories) = fresh().await;
    add_blob(&repositories, REPOSITORY, "layer", "one", AT).await;
    let mut child = manifest("child");
    child.blobs = vec![named("layer")];
    let (mut inner, mut outer) = (manifest("inner"), manifest("outer"));
    inner.manifests = vec![named("child")];
    outer.manifests = vec![named("inner")];
    publish(&repositories, vec![child, inner, outer], &[("1", "outer"), ("child", "child")]).await;
    for text in ["child", "inner", "outer"] {
        match repositories.remove_manifest(REPOSITORY, Digest::of(text), |tag| tag == "1").await {
            Err(RecordsError::FixedTag { tag, digest, .. }) => {
                assert_eq!((tag.as_str(), digest), ("1", Digest::of("outer")), "{text}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    match repositories.unlink_blob(REPOSITORY, Digest::of("layer")).await {
        Err(RecordsError::NeededBlob(needed)) => assert_eq!(needed.manifest, Digest::of("child")),
        other => panic!("{other:?}"),
    }
    let removed = repositories.remove_manifest(REPOSITORY, Digest::of("child"), |tag| tag == "child").await;
    assert!(matches!(removed, Err(RecordsError::FixedTag { .. })), "{removed:?}");
    let removed = repositories.remove_manifest(REPOSITORY, Digest::of("child"), |_| false).await;
    assert_eq!(removed.expect("removes").expect("was there").tags, ["child"], "no tag of an index goes");
    assert!(repositories.unlink_blob(REPOSITORY, Digest::of("layer")).await.expect("unlinks"));
}

#[tokio::test]
async fn referrers_are_found_by_subject_and_type() {
    let (_folder, repositories) = fresh().await;
    let subject = Digest::of("image");
    let referrers = vec![
        referrer("sbom", subject, "example/sbom"),
        referrer("signature", subject, "example/signature"),
        referrer("elsewhere", Digest::of("other"), "example/sbom"),
        referrer("odd", Digest::of("odd subject"), "odd\0type"),
    ];
    publish(&repositories, referrers, &[]).await;
    let list = async |artifact_type, after, limit| {
        repositories
            .list_referrers(REPOSITORY, subject, artifact_type, after, limit)
            .await
            .expect("lists")
            .into_iter()
            .map(|record| record.annotations["note"].clone())
            .collect::<Vec<_>>()
    };
    let odd = Digest::of("odd subject");
    let found = repositories.list_referrers(REPOSITORY, odd, Some("odd\0type"), None, 9).await;
    assert_eq!(found.expect("lists").len(), 1, "what no database keeps as it is, is found all the same");
    let mut all = vec!["sbom".to_owned(), "signature".to_owned()];
    all.sort_by_key(|text| Digest::of(text).to_string());
    assert_eq!(list(None, None, 10).await, all);
    assert_eq!(list(Some("example/sbom"), None, 10).await, ["sbom"]);
    assert_eq!(list(None, None, 1).await, all[..1]);
    assert_eq!(list(None, Some(Digest::of(&all[0])), 1).await, all[1..]);
}

#[tokio::test]
async fn two_handles_of_one_database_write_by_turns() {
    let (folder, first) = fresh().await;
    let second = open(&folder).await.repositories();
    let tasks: Vec<_> = (0..20_u32)
        .map(|number| {
            let repositories = if number % 2 == 0 { first.clone() } else { second.clone() };
            tokio::spawn(async move {
                add_blob(&repositories, REPOSITORY, &number.to_string(), &format!("u{number}"), AT).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("ends");
    }
    for number in 0..20_u32 {
        let found = size_of(&first, REPOSITORY, &number.to_string()).await;
        assert!(found.is_some(), "{number}");
    }
}
