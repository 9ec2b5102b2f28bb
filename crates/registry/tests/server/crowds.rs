//! Many things at once: tags, uploads, requests to one upload.

use std::collections::BTreeSet;

use axum::body::{Body, Bytes};
use futures_util::future::join_all;
use futures_util::stream;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use temper_oci::Digest;
use temper_registry::{Limits, LocalAccess};

use crate::fixture::Fixture;

const OPEN: LocalAccess = LocalAccess { push_from_loopback: true };

/// Tags of the crowded repository.
const TAGS: u32 = 1_000_000;

#[tokio::test]
async fn a_million_tags_come_page_by_page() {
    let fixture = Fixture::new().await;
    fixture.push_image("a", "0").await;
    let url = temper_testkit::database::url(fixture.folder.path());
    let mut records = AnyConnection::connect(&url).await.expect("opens");
    let is_postgres = url.starts_with("postgres");
    let unchecked =
        if is_postgres { "SET session_replication_role = replica" } else { "PRAGMA foreign_keys = OFF" };
    records.execute(unchecked).await.expect("is the owner");
    // By the way of a client this would take minutes.
    let crowd = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO tags (repository_id, name, digest, updated_at) \
         SELECT repository_id, 't' || SUBSTR(CAST(10000000 + i AS TEXT), 2), digest, updated_at \
         FROM tags, n WHERE name = '0'";
    sqlx::query(crowd).bind(i64::from(TAGS - 1)).execute(&mut records).await.expect("adds tags");
    records.close().await.expect("closes");

    let answer = fixture.get("/v2/a/tags/list").await;
    assert_eq!(answer.json()["tags"].as_array().map(Vec::len), Some(10_000));
    assert!(answer.body.len() < 200_000, "{}", answer.body.len());
    assert_eq!(answer.header("link"), "</v2/a/tags/list?n=10000&last=t0009999>; rel=\"next\"");
    let answer = fixture.get("/v2/a/tags/list?n=4000000000&last=t0500000").await;
    assert_eq!(answer.json()["tags"][0], "t0500001");
    assert_eq!(answer.json()["tags"].as_array().map(Vec::len), Some(10_000));
    let answer = fixture.get("/v2/a/tags/list?last=t0999998").await;
    assert_eq!(answer.json()["tags"], serde_json::json!(["t0999999"]));
    assert!(answer.headers.get("link").is_none());
}

#[tokio::test]
async fn many_uploads_at_once_all_arrive() {
    let fixture = Fixture::with(Limits { pieces_bytes_max: 1 << 20, ..Limits::default() }, OPEN).await;
    let uploads = (0..64_u8).map(|number| {
        let fixture = &fixture;
        async move {
            let chunks = std::iter::repeat_n(Bytes::from(vec![number; 10_000]), 30);
            let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, std::io::Error>)));
            let digest = Digest::of(vec![number; 300_000]);
            let path = format!("/v2/r{number}/blobs/uploads/?digest={digest}");
            fixture.send("POST", &path, &[], body).await.expect(201, "");
            let got = fixture.get(&format!("/v2/r{number}/blobs/{digest}")).await;
            assert_eq!(got.body, vec![number; 300_000]);
            digest
        }
    });
    let digests: BTreeSet<_> = join_all(uploads).await.into_iter().collect();
    assert_eq!(digests.len(), 64);
}

#[tokio::test]
async fn uploads_beyond_the_bound_are_refused_and_those_open_go_on() {
    let fixture = Fixture::with(Limits { uploads_max: 3, ..Limits::default() }, OPEN).await;
    let open = join_all((0..3).map(|number| {
        let fixture = &fixture;
        async move { fixture.begin(&format!("r{number}")).await }
    }))
    .await;
    let refused =
        join_all((0..20).map(|_| fixture.send("POST", "/v2/a/blobs/uploads/", &[], Body::empty()))).await;
    for answer in &refused {
        answer.expect(429, "TOOMANYREQUESTS");
        assert_eq!(answer.header("retry-after"), "30");
    }
    let digest = Digest::of("x");
    for upload in open {
        fixture.send("PUT", &format!("{upload}?digest={digest}"), &[], "x").await.expect(201, "");
    }
    fixture.begin("a").await;
}
