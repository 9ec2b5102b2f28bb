//! Bytes that are not what they should be: found, hidden, and mended by a push.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use axum::body::Body;
use temper_oci::{Descriptor, Digest, media_type};
use temper_registry::{CollectOptions, Damage, RegistryError, RepositoryName};

use crate::fixture::{CONFIG, Fixture, LAYER, image, index, message_of};
use crate::storage::LONG;

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
    assert_eq!(checked.dangling[0].tag.as_deref(), Some("all"));
    assert!(!checked.is_whole());
}

/// Returns where the folder keeps a blob.
async fn file_of(fixture: &Fixture, digest: Digest) -> PathBuf {
    let kept = fixture.registry.repositories().list_blobs(None, 100).await.expect("lists");
    let kept = kept.iter().find(|kept| kept.blob.digest == digest).expect("is there");
    fixture.folder.path().join("blobs").join(kept.blob.storage_key.as_str())
}

#[tokio::test]
async fn what_is_damaged_is_mended_by_a_push() {
    let fixture = Fixture::new().await;
    let image = fixture.push_image("a", "1").await;
    let layer = Digest::of(LAYER);
    let path = format!("/v2/a/blobs/{layer}");
    let head = async || fixture.send("HEAD", &path, &[], Body::empty()).await.status.as_u16();
    let check = async || fixture.registry.check().await.expect("checks").is_whole();
    for damage in ["not the same bytes", "short", "unreadable", ""] {
        let file = file_of(&fixture, layer).await;
        match damage {
            "" => std::fs::remove_file(&file).expect("removes"),
            "unreadable" => {
                std::fs::remove_file(&file).expect("removes");
                std::fs::create_dir(&file).expect("makes");
            }
            bytes => std::fs::write(&file, bytes).expect("writes"),
        }
        if damage.is_empty() {
            fixture.get(&path).await.expect(404, "BLOB_UNKNOWN");
        }
        assert!(!check().await, "{damage}");
        assert_eq!(head().await, 404, "{damage}");
        fixture.get(&path).await.expect(404, "BLOB_UNKNOWN");
        let mount = format!("/v2/b/blobs/uploads/?mount={layer}&from=a");
        fixture.send("POST", &mount, &[], Body::empty()).await.expect(202, "");
        let bytes = self::image(None).to_bytes();
        let again = fixture.put_manifest("a", "2", media_type::OCI_MANIFEST, bytes).await;
        again.expect(404, "MANIFEST_BLOB_UNKNOWN");
        fixture.push_blob("a", LAYER).await;
        assert_eq!(fixture.get(&path).await.body, LAYER, "{damage}");
        assert!(check().await, "{damage}");
    }
    fixture.now.fetch_add(LONG, Ordering::Relaxed);
    fixture.registry.collect(CollectOptions::default()).await.expect("collects");
    fixture.now.fetch_add(LONG, Ordering::Relaxed);
    fixture.registry.collect(CollectOptions::default()).await.expect("collects");
    assert_eq!(
        fixture.registry.storage().list().await.expect("lists").len(),
        2,
        "the damaged bytes are gone"
    );

    // The file may have come from elsewhere, where it is damaged as well; or it comes back.
    let (file, kept) = (file_of(&fixture, layer).await, fixture.folder.path().join("kept"));
    std::fs::rename(&file, &kept).expect("moves");
    assert!(!check().await);
    let elsewhere = fixture.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "damaged").expect("writes");
    let name = RepositoryName::parse("a").expect("is a name");
    let put = fixture.registry.put_blob(&name, layer, &elsewhere).await;
    assert!(matches!(put, Err(RegistryError::DigestMismatch { .. })), "{put:?}");
    std::fs::rename(&kept, &file).expect("moves");
    assert!(check().await && head().await == 200);
    assert_eq!(
        fixture.get("/v2/a/manifests/1").await.header("docker-content-digest"),
        image.digest.to_string()
    );
}

#[tokio::test]
async fn sizes_that_a_manifest_states_are_compared() {
    let fixture = Fixture::new().await;
    let image = fixture.push_image("a", "1").await;
    let mut manifest = self::image(None);
    manifest.layers[0].size += 1;
    let refused = fixture.put_manifest("a", "2", media_type::OCI_MANIFEST, manifest.to_bytes()).await;
    refused.expect(400, "MANIFEST_INVALID");
    assert_eq!(
        message_of(&refused),
        format!("manifest is not valid: it says that `{}` has 19 bytes, and it has 18", Digest::of(LAYER))
    );
    let short = Descriptor { size: 1, ..image };
    let refused = fixture.put_manifest("a", "2", media_type::OCI_INDEX, index(&[short])).await;
    refused.expect(400, "MANIFEST_INVALID");
    fixture.get("/v2/a/manifests/2").await.expect(404, "MANIFEST_UNKNOWN");
}
