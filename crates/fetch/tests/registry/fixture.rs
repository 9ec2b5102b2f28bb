//! The embedded registry on a port of its own, with a layer around it that plays tricks.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use bytes::Bytes;
use temper_fetch::credentials::Credentials;
use temper_fetch::http::{Backoff, HttpConfig};
use temper_fetch::registry::{BlobStream, Pushed, RegistryClient, RegistryError, RegistryOptions};
use temper_oci::{Descriptor, Manifest, Reference, media_type};
use temper_registry::{
    Access, AccessRequest, Action, Actor, Decision, DecisionFuture, Limits, LocalAccess, PolicyFuture,
    Registry, RegistryConfig, RepositoryName, RepositoryPolicy, ServeLimits, router, serve,
};
use temper_store::blobs::Durability;
use temper_store::records::Records;
use temper_store::staging::Staging;
use temper_store::storage::{Directory, Storage};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A registry that answers on 127.0.0.1.
pub(crate) struct Server {
    pub(crate) port: u16,
    _folder: TempDir,
    /// Every request, in order.
    pub(crate) log: Log,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Entry>>>);

/// Method, path and authorization.
type Entry = (String, String, Option<String>);

impl Log {
    /// Lists `METHOD path` of all requests so far, and forgets them.
    pub(crate) fn take(&self) -> Vec<String> {
        let entries = std::mem::take(&mut *self.0.lock().expect("is not poisoned"));
        entries.into_iter().map(|(method, path, _)| format!("{method} {path}")).collect()
    }

    /// Lists what requests said of who they are.
    pub(crate) fn authorizations(&self) -> Vec<Option<String>> {
        self.0.lock().expect("is not poisoned").iter().map(|(_, _, header)| header.clone()).collect()
    }

    fn add(&self, request: &Request) {
        let header = request.headers().get("authorization");
        let header = header.map(|value| value.to_str().expect("is text").to_owned());
        let path = request.uri().path().to_owned();
        self.0.lock().expect("is not poisoned").push((request.method().to_string(), path, header));
    }
}

/// Starts a registry where everybody on this machine pushes.
pub(crate) async fn start() -> Server {
    start_with(None, |router| router).await
}

/// Lets everybody pull, and those push who have a user name and a password, as `Basic` encodes them.
struct BasicAccess(&'static str);

impl Access for BasicAccess {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        let is_known = request.authorization == Some(format!("Basic {}", self.0).as_str());
        let decision = match request.target {
            Some((_, Action::Pull)) => Decision::Allowed(Actor::Anonymous),
            _ if is_known => Decision::Allowed(Actor::User("admin".to_owned())),
            _ => Decision::Unauthenticated { challenge: "Basic realm=\"test\"".to_owned() },
        };
        Box::pin(std::future::ready(Ok(decision)))
    }

    fn policy<'a>(&'a self, _: &'a RepositoryName) -> PolicyFuture<'a> {
        Box::pin(std::future::ready(Ok(RepositoryPolicy::default())))
    }
}

/// Starts a registry where those push who log in so, and this layer around it.
pub(crate) async fn start_with(login: Option<&'static str>, wrap: impl FnOnce(Router) -> Router) -> Server {
    let folder = TempDir::new().expect("makes a folder");
    let url = temper_testkit::database::url(folder.path());
    let records = Records::connect(&url.parse().expect("is a database")).await.expect("opens");
    let registry = Registry::new(RegistryConfig {
        repositories: records.repositories(),
        storage: Storage::Directory(Directory::open(folder.path(), Durability::Relaxed).expect("opens")),
        staging: Staging::open(&folder.path().join("uploads")).expect("opens"),
        access: match login {
            Some(login) => Arc::new(BasicAccess(login)),
            None => Arc::new(LocalAccess { push_from_loopback: true }),
        },
        clock: Arc::new(|| 0),
        limits: Limits::default(),
    });
    let (port, log) = listen(wrap(router(registry))).await;
    Server { port, _folder: folder, log }
}

/// Serves a router on a free port until the test ends.
pub(crate) async fn listen(router: Router) -> (u16, Log) {
    let log = Log::default();
    let writer = log.clone();
    let router = router.layer(from_fn(move |request: Request, next: Next| {
        writer.add(&request);
        next.run(request)
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    tokio::spawn(serve(listener, router, ServeLimits::default(), std::future::pending()));
    (port, log)
}

impl Server {
    pub(crate) fn reference(&self, rest: &str) -> Reference {
        format!("127.0.0.1:{}/{rest}", self.port).parse().expect("is a reference")
    }

    pub(crate) fn registry(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

pub(crate) fn client() -> RegistryClient {
    client_with(Credentials::anonymous())
}

pub(crate) fn client_with(credentials: Credentials) -> RegistryClient {
    let backoff = Backoff {
        attempts: 4,
        first: Duration::from_millis(1),
        longest: Duration::from_millis(20),
        ..Backoff::default()
    };
    let options = RegistryOptions { backoff, chunk_bytes: 1000, ..RegistryOptions::default() };
    RegistryClient::new(&HttpConfig::default(), credentials, options).expect("makes a client")
}

/// Bytes that compress badly and differ everywhere.
pub(crate) fn blob(size: usize) -> Bytes {
    let mut state = 7_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(size)
    .collect()
}

pub(crate) async fn push_bytes(
    client: &RegistryClient,
    repository: &Reference,
    media_type: &str,
    bytes: &Bytes,
) -> Result<(Descriptor, Pushed), RegistryError> {
    let descriptor = Descriptor::of(media_type, bytes);
    let open = || Ok(Cursor::new(bytes.clone()));
    let pushed = client.push_blob(repository, &descriptor, None, open).await?;
    Ok((descriptor, pushed))
}

/// Pushes an image of one layer and returns its descriptor.
pub(crate) async fn push_image(
    client: &RegistryClient,
    reference: &Reference,
    annotations: BTreeMap<String, String>,
    subject: Option<Descriptor>,
) -> Descriptor {
    let config = Bytes::from_static(b"{\"architecture\":\"amd64\",\"os\":\"linux\"}");
    let (config, _) = push_bytes(client, reference, media_type::OCI_CONFIG, &config).await.expect("pushes");
    let (layer, _) = push_bytes(client, reference, media_type::OCI_LAYER, &blob(5000)).await.expect("pushes");
    let manifest = Manifest { annotations, subject, ..Manifest::image(config, vec![layer]) };
    let bytes = Bytes::from(manifest.to_bytes());
    let descriptor = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
    let digest = client.push_manifest(reference, media_type::OCI_MANIFEST, bytes).await.expect("pushes");
    assert_eq!(digest, descriptor.digest);
    descriptor
}

pub(crate) async fn read(mut stream: BlobStream) -> Result<Vec<u8>, RegistryError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Adds a header to an answer.
pub(crate) fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    response.headers_mut().insert(name, value.parse().expect("is a value"));
    response
}
