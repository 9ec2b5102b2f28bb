//! A registry in a folder of its own, and short ways to talk to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use temper_oci::{Descriptor, Digest, Index, Manifest, media_type};
use temper_registry::{Access, Limits, LocalAccess, Registry, RegistryConfig, router};
use temper_store::blobs::Durability;
use temper_store::records::{Database, Records};
use temper_store::staging::Staging;
use temper_store::storage::{Directory, Storage};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) registry: Registry,
    pub(crate) router: Router,
    pub(crate) now: Arc<AtomicI64>,
}

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Returns the database that belongs to a folder.
pub(crate) fn database(folder: &TempDir) -> Database {
    temper_testkit::database::url(folder.path()).parse().expect("is a database")
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default(), LocalAccess { push_from_loopback: true }).await
    }

    pub(crate) async fn with(limits: Limits, access: impl Access + 'static) -> Self {
        let folder = TempDir::new().expect("makes a folder");
        let blobs = Directory::open(&folder.path().join("blobs"), Durability::Relaxed).expect("opens");
        Self::over(folder, Storage::Directory(blobs), limits, access).await
    }

    /// Opens a registry over what is in a folder; the storage may be elsewhere.
    pub(crate) async fn over(
        folder: TempDir,
        storage: Storage,
        limits: Limits,
        access: impl Access + 'static,
    ) -> Self {
        let records = Records::connect(&database(&folder)).await.expect("opens");
        let staging = Staging::open(&folder.path().join("uploads")).expect("opens");
        let now = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let clock = Arc::clone(&now);
        let registry = Registry::new(RegistryConfig {
            repositories: records.repositories(),
            storage,
            staging,
            access: Arc::new(access),
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            limits,
        });
        Self { folder, router: router(registry.clone()), registry, now }
    }

    /// Sends a request from this machine.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.send_from("127.0.0.1:9", method, path, headers, body).await
    }

    pub(crate) async fn send_from(
        &self,
        peer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let peer: SocketAddr = peer.parse().expect("is an address");
        let mut request = Request::builder().method(method).uri(path).extension(ConnectInfo(peer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("is a request");
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 64 << 20).await.expect("has a body");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Body::empty()).await
    }

    /// Pushes a blob in one request.
    pub(crate) async fn push_blob(&self, repository: &str, bytes: &'static [u8]) -> Digest {
        let digest = Digest::of(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.send("POST", &path, &[], bytes).await.expect(201, "");
        digest
    }

    /// Begins an upload and returns its path.
    pub(crate) async fn begin(&self, repository: &str) -> String {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let answer = self.send("POST", &path, &[], Body::empty()).await;
        answer.expect(202, "");
        answer.header("location").to_owned()
    }

    pub(crate) async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Answer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.send("PUT", &path, &[("content-type", media_type)], bytes).await
    }

    /// Pushes a small image under a tag and returns its descriptor.
    pub(crate) async fn push_image(&self, repository: &str, tag: &str) -> Descriptor {
        self.push_blob(repository, CONFIG).await;
        self.push_blob(repository, LAYER).await;
        let bytes = image(None).to_bytes();
        let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
        self.put_manifest(repository, tag, media_type::OCI_MANIFEST, bytes).await.expect(201, "");
        descriptor
    }
}

pub(crate) const CONFIG: &[u8] = b"{\"architecture\":\"amd64\",\"os\":\"linux\"}";
pub(crate) const LAYER: &[u8] = b"not really a layer";

/// A manifest over [`CONFIG`] and [`LAYER`].
pub(crate) fn image(subject: Option<Descriptor>) -> Manifest {
    let config = Descriptor::of(media_type::OCI_CONFIG, CONFIG);
    let layer = Descriptor::of(media_type::OCI_LAYER, LAYER);
    Manifest { subject, ..Manifest::image(config, vec![layer]) }
}

pub(crate) fn index(manifests: &[Descriptor]) -> Vec<u8> {
    Index::of(manifests.to_vec()).to_bytes()
}

/// Returns what a client shows of an error.
pub(crate) fn message_of(answer: &Answer) -> String {
    answer.json()["errors"][0]["message"].as_str().expect("is text").to_owned()
}

impl Answer {
    /// Checks the status and, if one is given, the code of the error.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, code: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        if !code.is_empty() {
            let errors: serde_json::Value = serde_json::from_slice(&self.body).expect("is JSON");
            assert_eq!(errors["errors"][0]["code"], code, "{text}");
        }
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("has no {name}: {self:?}")).to_str().expect("is text")
    }

    pub(crate) fn json_or_null(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("is JSON")
    }
}
