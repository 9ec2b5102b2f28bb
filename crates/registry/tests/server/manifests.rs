//! Manifests, tags and referrers.

use axum::body::Body;
use temper_oci::{Descriptor, Digest, DigestHasher, media_type};
use temper_registry::{Author, Change, Limits, LocalAccess, ManifestPush, Push, RepositoryName};

use crate::fixture::{CONFIG, Fixture, LAYER, image, index};

#[tokio::test]
async fn an_image_is_pulled_as_it_was_pushed() {
    let fixture = Fixture::new().await;
    let image_descriptor = fixture.push_image("a/b", "1.0").await;
    let digest = image_descriptor.digest.to_string();
    for reference in ["1.0", digest.as_str()] {
        for method in ["GET", "HEAD"] {
            let path = format!("/v2/a/b/manifests/{reference}");
            let answer = fixture.send(method, &path, &[], Body::empty()).await;
            answer.expect(200, "");
            assert_eq!(answer.header("content-type"), media_type::OCI_MANIFEST);
            assert_eq!(answer.header("docker-content-digest"), digest);
            assert_eq!(answer.header("content-length"), image_descriptor.size.to_string());
            let expected = if method == "GET" { image(None).to_bytes() } else { Vec::new() };
            assert_eq!(answer.body, expected);
        }
    }
    let tag = format!("\"{digest}\"");
    let path = "/v2/a/b/manifests/1.0";
    fixture.send("GET", path, &[("if-none-match", &tag)], Body::empty()).await.expect(304, "");

    let bytes = index(&[image_descriptor]);
    let answer = fixture.put_manifest("a/b", "latest", media_type::OCI_INDEX, bytes).await;
    answer.expect(201, "");
    assert!(answer.headers.get("oci-subject").is_none());
}

#[tokio::test]
async fn incomplete_and_wrong_manifests_are_refused() {
    let fixture = Fixture::new().await;
    fixture.push_blob("a", CONFIG).await;
    let put = async |reference: &str, media_type: &str, bytes: &[u8]| {
        fixture.put_manifest("a", reference, media_type, bytes.to_vec()).await
    };
    let manifest = image(None).to_bytes();
    let answer = put("1", media_type::OCI_MANIFEST, &manifest).await;
    answer.expect(404, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(answer.json()["errors"][0]["detail"]["digests"][0], Digest::of(LAYER).to_string());
    let missing = index(&[Descriptor::of(media_type::OCI_MANIFEST, &manifest)]);
    put("1", media_type::OCI_INDEX, &missing).await.expect(404, "MANIFEST_BLOB_UNKNOWN");

    fixture.push_blob("a", LAYER).await;
    let schema1 = br#"{"schemaVersion": 1, "name": "a", "tag": "1", "fsLayers": [], "history": []}"#;
    let schema1_type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    for (reference, media_type, bytes, code, words) in [
        ("1", schema1_type, schema1.as_slice(), "MANIFEST_INVALID", "schema version 1"),
        ("1", media_type::OCI_INDEX, &manifest, "MANIFEST_INVALID", "was given as"),
        ("1", media_type::OCI_MANIFEST, b"{", "MANIFEST_INVALID", "EOF"),
        ("1", media_type::OCI_MANIFEST, b"{}", "MANIFEST_INVALID", "neither"),
        (".x", media_type::OCI_MANIFEST, &manifest, "MANIFEST_INVALID", "neither tag nor digest"),
        (
            &Digest::of("").to_string(),
            media_type::OCI_MANIFEST,
            &manifest,
            "DIGEST_INVALID",
            "digest of the content",
        ),
    ] {
        let answer = put(reference, media_type, bytes).await;
        answer.expect(400, code);
        let message = answer.json()["errors"][0]["message"].to_string();
        assert!(message.contains(words), "{message}");
    }
    put("1", media_type::OCI_MANIFEST, &vec![b' '; (4 << 20) + 1]).await.expect(413, "SIZE_INVALID");
    fixture.get("/v2/a/manifests/1").await.expect(404, "MANIFEST_UNKNOWN");
    put("1", media_type::OCI_MANIFEST, &manifest).await.expect(201, "");
}

#[tokio::test]
async fn docker_manifests_are_taken() {
    let fixture = Fixture::new().await;
    fixture.push_blob("a", CONFIG).await;
    fixture.push_blob("a", LAYER).await;
    let mut manifest = image(None);
    manifest.media_type = Some(media_type::DOCKER_MANIFEST.to_owned());
    manifest.config.media_type = media_type::DOCKER_CONFIG.to_owned();
    let answer = fixture.put_manifest("a", "1", media_type::DOCKER_MANIFEST, manifest.to_bytes()).await;
    answer.expect(201, "");
    let answer = fixture.get("/v2/a/manifests/1").await;
    assert_eq!(answer.header("content-type"), media_type::DOCKER_MANIFEST);
}

#[tokio::test]
async fn foreign_layers_stay_where_they_are() {
    let fixture = Fixture::new().await;
    fixture.push_blob("a", CONFIG).await;
    let mut manifest = image(None);
    for foreign in [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ] {
        manifest.layers[0].media_type = foreign.to_owned();
        fixture.put_manifest("a", "1", media_type::OCI_MANIFEST, manifest.to_bytes()).await.expect(201, "");
    }
}

#[tokio::test]
async fn a_build_cache_is_an_index_of_blobs() {
    let fixture = Fixture::new().await;
    let cache = [
        Descriptor::of(media_type::OCI_LAYER, LAYER),
        Descriptor::of("application/vnd.buildkit.cacheconfig.v0", CONFIG),
    ];
    let bytes = index(&cache);
    fixture.push_blob("a", LAYER).await;
    let answer = fixture.put_manifest("a", "1", media_type::OCI_INDEX, bytes.clone()).await;
    answer.expect(404, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(answer.json()["errors"][0]["detail"]["digests"], serde_json::json!([Digest::of(CONFIG)]));
    fixture.push_blob("a", CONFIG).await;
    fixture.put_manifest("a", "1", media_type::OCI_INDEX, bytes).await.expect(201, "");
}

#[tokio::test]
async fn one_push_by_digest_sets_tags() {
    let fixture = Fixture::new().await;
    fixture.push_blob("a", CONFIG).await;
    fixture.push_blob("a", LAYER).await;
    let bytes = image(None).to_bytes();
    let mut hasher = DigestHasher::sha512();
    hasher.update(&bytes);
    let digest = hasher.finish().to_string();
    let put = async |query: &str| {
        let reference = format!("{digest}{query}");
        fixture.put_manifest("a", &reference, media_type::OCI_MANIFEST, bytes.clone()).await
    };
    put("?tag=one&tag=.bad").await.expect(400, "MANIFEST_INVALID");
    put(&format!("?{}", "tag=x&".repeat(101))).await.expect(414, "TOOMANYREQUESTS");
    fixture.get("/v2/a/manifests/one").await.expect(404, "MANIFEST_UNKNOWN");
    let answer = put("?tag=one&tag=two").await;
    answer.expect(201, "");
    let told: Vec<_> = answer.headers.get_all("oci-tag").iter().collect();
    assert_eq!(told, ["one", "two"]);
    for tag in ["one", "two"] {
        let answer = fixture.get(&format!("/v2/a/manifests/{tag}")).await;
        assert_eq!(answer.header("docker-content-digest"), digest);
    }
}

#[tokio::test]
async fn a_manifest_can_be_named_by_sha512() {
    let fixture = Fixture::new().await;
    fixture.push_blob("a", CONFIG).await;
    fixture.push_blob("a", LAYER).await;
    let bytes = image(None).to_bytes();
    let mut hasher = DigestHasher::sha512();
    hasher.update(&bytes);
    let digest = hasher.finish().to_string();
    let answer = fixture.put_manifest("a", &digest, media_type::OCI_MANIFEST, bytes.clone()).await;
    answer.expect(201, "");
    assert_eq!(answer.header("docker-content-digest"), digest);
    assert_eq!(fixture.get(&format!("/v2/a/manifests/{digest}")).await.body, bytes);
}

#[tokio::test]
async fn tags_and_manifests_are_deleted() {
    let fixture = Fixture::new().await;
    let digest = fixture.push_image("a", "1").await.digest;
    fixture.put_manifest("a", "2", media_type::OCI_MANIFEST, image(None).to_bytes()).await.expect(201, "");
    let delete = async |reference: &str| {
        fixture.send("DELETE", &format!("/v2/a/manifests/{reference}"), &[], Body::empty()).await
    };
    delete("1").await.expect(202, "");
    delete("1").await.expect(404, "MANIFEST_UNKNOWN");
    fixture.get(&format!("/v2/a/manifests/{digest}")).await.expect(200, "");
    delete(&digest.to_string()).await.expect(202, "");
    fixture.get("/v2/a/manifests/2").await.expect(404, "MANIFEST_UNKNOWN");
    fixture.get(&format!("/v2/a/manifests/{digest}")).await.expect(404, "MANIFEST_UNKNOWN");
    assert_eq!(fixture.get("/v2/a/tags/list").await.json()["tags"], serde_json::json!([]));
}

#[tokio::test]
async fn tags_come_in_pages() {
    let fixture = Fixture::new().await;
    fixture.push_image("a/b", "v1").await;
    for tag in ["v10", "v2", "V3", "_"] {
        let bytes = image(None).to_bytes();
        fixture.put_manifest("a/b", tag, media_type::OCI_MANIFEST, bytes).await.expect(201, "");
    }
    let mut path = "/v2/a/b/tags/list?n=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = fixture.get(&path).await;
        answer.expect(200, "");
        pages.push(answer.json()["tags"].to_string());
        let Some(link) = answer.headers.get("link") else { break };
        let link = link.to_str().expect("is text");
        path = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            .expect(link)
            .to_owned();
    }
    assert_eq!(pages, [r#"["V3","_"]"#, r#"["v1","v10"]"#, r#"["v2"]"#]);
    let none = fixture.get("/v2/a/b/tags/list?n=0").await;
    assert_eq!(none.json(), serde_json::json!({"name": "a/b", "tags": []}));
    assert!(none.headers.get("link").is_none());
    fixture.get("/v2/none/tags/list").await.expect(404, "NAME_UNKNOWN");
    fixture.get("/v2/a/b/tags/list?n=x").await.expect(400, "");
}

#[tokio::test]
async fn referrers_are_listed_by_type() {
    let fixture = Fixture::new().await;
    let subject = fixture.push_image("a", "1").await;
    let list = format!("/v2/a/referrers/{}", subject.digest);
    let empty = fixture.get(&list).await;
    assert_eq!(empty.header("content-type"), media_type::OCI_INDEX);
    assert_eq!(empty.json()["manifests"], serde_json::json!([]));

    let mut digests = Vec::new();
    for artifact_type in [Some(""), Some("example/sbom"), Some("example/a+b")] {
        let mut referrer = image(Some(subject.clone()));
        referrer.artifact_type = artifact_type.map(str::to_owned);
        referrer.annotations.insert("note".to_owned(), format!("{artifact_type:?}"));
        let bytes = referrer.to_bytes();
        let digest = Digest::of(&bytes).to_string();
        let answer = fixture.put_manifest("a", &digest, media_type::OCI_MANIFEST, bytes).await;
        answer.expect(201, "");
        assert_eq!(answer.header("oci-subject"), subject.digest.to_string());
        digests.push(digest);
    }
    let found = |answer: &crate::fixture::Answer| -> Vec<(String, String)> {
        let json = answer.json();
        let manifests = json["manifests"].as_array().expect("is a list");
        let text = |value: &serde_json::Value| value.as_str().expect("is text").to_owned();
        manifests.iter().map(|entry| (text(&entry["digest"]), text(&entry["artifactType"]))).collect()
    };
    let all = fixture.get(&list).await;
    assert!(all.headers.get("oci-filters-applied").is_none());
    let mut expected: Vec<_> = digests
        .iter()
        .cloned()
        .zip([media_type::OCI_CONFIG, "example/sbom", "example/a+b"].map(str::to_owned))
        .collect();
    expected.sort();
    assert_eq!(found(&all), expected);
    let filtered = fixture.get(&format!("{list}?artifactType=example%2Fa%2Bb")).await;
    assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
    assert_eq!(found(&filtered), [(digests[2].clone(), "example/a+b".to_owned())]);
    assert_eq!(filtered.json()["manifests"][0]["annotations"]["note"], "Some(\"example/a+b\")");

    let page = fixture.get(&format!("{list}?n=2")).await;
    assert_eq!(found(&page), expected[..2]);
    assert!(page.header("link").contains(&format!("last={}", expected[1].0.replace(':', "%3A"))), "{page:?}");
    fixture.get("/v2/none/referrers/sha256:1").await.expect(400, "DIGEST_INVALID");
    fixture.get(&list.replace("/a/", "/none/")).await.expect(200, "");
}

#[tokio::test]
async fn a_page_of_referrers_is_no_longer_than_clients_read() {
    let limits = Limits { referrers_bytes_max: 1000, ..Limits::default() };
    let fixture = Fixture::with(limits, LocalAccess { push_from_loopback: true }).await;
    let subject = fixture.push_image("a", "1").await;
    let mut expected = Vec::new();
    for length in [1, 300, 300, 300, 2000] {
        let mut referrer = image(Some(subject.clone()));
        let note = format!("{}{}", expected.len(), "x".repeat(length));
        referrer.annotations.insert("note".to_owned(), note);
        let bytes = referrer.to_bytes();
        let digest = Digest::of(&bytes).to_string();
        fixture.put_manifest("a", &digest, media_type::OCI_MANIFEST, bytes).await.expect(201, "");
        expected.push(digest);
    }
    expected.sort();
    let mut found = Vec::new();
    let mut next = Some(format!("/v2/a/referrers/{}", subject.digest));
    while let Some(path) = next {
        let answer = fixture.get(&path).await;
        let json = answer.json();
        let page = json["manifests"].as_array().expect("is a list");
        assert!(page.len() == 1 || answer.body.len() < 1200, "{} bytes", answer.body.len());
        found.extend(page.iter().map(|entry| entry["digest"].as_str().expect("is text").to_owned()));
        let link = answer.headers.get("link").map(|link| link.to_str().expect("is text").to_owned());
        next = link.map(|link| link.split(['<', '>']).nth(1).expect("has a target").to_owned());
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_manifest_names_so_many_others() {
    let limits = Limits { manifest_references_max: 2, ..Limits::default() };
    let fixture = Fixture::with(limits, LocalAccess { push_from_loopback: true }).await;
    let image = fixture.push_image("a", "1").await;
    let other = Descriptor::of(media_type::OCI_MANIFEST, b"other");
    let third = Descriptor::of(media_type::OCI_MANIFEST, b"third");
    for (children, status, code) in [
        (vec![image.clone(); 5], 201, ""),
        (vec![image.clone(), other.clone()], 404, "MANIFEST_BLOB_UNKNOWN"),
        (vec![image, other, third], 400, "MANIFEST_INVALID"),
    ] {
        let answer = fixture.put_manifest("a", "2", media_type::OCI_INDEX, index(&children)).await;
        answer.expect(status, code);
    }
}

#[tokio::test]
async fn the_program_pushes_without_http_and_watchers_learn_of_it() {
    let fixture = Fixture::new().await;
    let name = RepositoryName::parse("a/b").expect("is a name");
    let mut events = fixture.registry.subscribe();
    for bytes in [CONFIG, LAYER] {
        let file = fixture.folder.path().join("file");
        std::fs::write(&file, bytes).expect("writes");
        // Twice, since the second time it is there already.
        for _ in 0..2 {
            fixture.registry.put_blob(&name, Digest::of(bytes), &file).await.expect("puts");
        }
        std::fs::remove_file(&file).expect("removes");
    }
    let manifest = image(None).to_bytes();
    let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &manifest);
    let digest = descriptor.digest;
    let push = |bytes: Vec<u8>, tags: &[&str]| ManifestPush {
        bytes: bytes.into(),
        media_type: None,
        digest: None,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let index = index(&[descriptor]);
    let manifests = vec![push(manifest, &[]), push(index.clone(), &["1", "1.0"])];
    let push = Push { manifests };
    fixture.registry.push(&name, push).await.expect("pushes");
    assert_eq!(fixture.get("/v2/a/b/manifests/1.0").await.body, index);

    let mut changes = Vec::new();
    while let Ok(event) = events.try_recv() {
        assert_eq!((event.repository, event.author), (name.clone(), Author::PROGRAM));
        changes.push(event.change);
    }
    let (index_digest, subject) = (Digest::of(&index), None);
    let pushed = |digest, media_type: &str| Change::ManifestPushed {
        digest,
        media_type: media_type.to_owned(),
        subject,
    };
    let moved = |tag: &str| Change::TagMoved {
        tag: tag.to_owned(),
        old: None,
        digest: index_digest,
        media_type: media_type::OCI_INDEX.to_owned(),
    };
    assert_eq!(
        changes,
        [
            pushed(digest, media_type::OCI_MANIFEST),
            pushed(index_digest, media_type::OCI_INDEX),
            moved("1"),
            moved("1.0")
        ]
    );
}
