//! A hub with an administrator, two organizations and their people, and requests to its API.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use temper_attest::{PublicKey, Signer};
use temper_compose::{
    Archive, BlobStore, BlobWriter, Cache, Destination, External, ImageSource, Log, PackageFile,
    PackageSource, Snapshot,
};
use temper_hub::{CheckFuture, Hub, HubConfig, Images, NewSecret, Secrets, Signers};
use temper_oci::Digest;
use temper_resolve::Universe;
use temper_store::records::Records;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "a good password";

/// When the clock begins: microseconds since 1970.
const AT: i64 = 1_700_000_000_000_000;

/// An API, and the clock of its hub.
pub(crate) struct Api {
    _folder: TempDir,
    router: Router,
    pub(crate) hub: Hub,
    clock: Arc<AtomicI64>,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Value,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum As {
    /// Anybody.
    Anybody,
    /// A user with the password.
    User(&'static str),
    /// An access token or a session.
    Token(String),
}

impl Api {
    /// Begins with the user `admin` alone.
    pub(crate) async fn empty() -> Self {
        let folder = TempDir::new().expect("makes a folder");
        let url = temper_testkit::database::url(folder.path());
        let records = Records::connect(&url.parse().expect("is a database")).await.expect("opens");
        let (clock, number) = (Arc::new(AtomicI64::new(AT)), AtomicU64::new(0));
        let now = Arc::clone(&clock);
        let hub = Hub::new(HubConfig {
            records,
            images: Arc::new(Nothing),
            signers: Arc::new(Nothing),
            secrets: Arc::new(PlainSecrets(AtomicU64::new(0))),
            blobs: Arc::new(Nothing),
            cache: Arc::new(Nothing),
            archive: Arc::new(Nothing),
            outside: temper_hub::Outside::anonymous().expect("makes clients"),
            clock: Arc::new(move || now.fetch_add(1_000, Ordering::Relaxed)),
            keep_inputs: false,
            random: Arc::new(move || u128::from(number.fetch_add(1, Ordering::Relaxed)).to_le_bytes()),
        });
        assert!(hub.create_first_user(&PASSWORD.into()).await.expect("makes"));
        assert!(!hub.create_first_user(&PASSWORD.into()).await.expect("looks"));
        Self { _folder: folder, router: temper_web::router(hub.clone()), hub, clock }
    }

    /// Adds organization `acme` with its owner `olga`, the members `mia` and `max`, who is in a team that writes
    /// `acme/dhi-*`, and the stranger `sam`, who owns `other`.
    pub(crate) async fn peopled() -> Self {
        let api = Self::empty().await;
        let admin = As::User("admin");
        for name in ["olga", "mia", "max", "sam"] {
            api.post(&admin, "/users", json!({"name": name, "password": PASSWORD})).await.is(201);
        }
        for (name, owner) in [("acme", "olga"), ("other", "sam")] {
            api.post(&admin, "/organizations", json!({"name": name, "owner": owner})).await.is(201);
        }
        let olga = As::User("olga");
        for name in ["mia", "max"] {
            let path = format!("/organizations/acme/members/{name}");
            api.put(&olga, &path, json!({"role": "member"})).await.is(204);
        }
        api.post(&olga, "/organizations/acme/teams", json!({"name": "developers"})).await.is(201);
        api.put(&olga, "/organizations/acme/teams/developers/members/max", json!({})).await.is(204);
        let right = json!({"repository": "acme/dhi-*", "right": "write"});
        api.put(&olga, "/organizations/acme/teams/developers/rights", right).await.is(204);
        for name in ["dhi-python", "secret"] {
            let path = format!("/organizations/acme/repositories/{name}");
            api.patch(&olga, &path, json!({"description": "is there"})).await.is(200);
        }
        api
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    pub(crate) async fn get(&self, who: &As, path: &str) -> Answer {
        self.send(who, Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, who: &As, path: &str, body: Value) -> Answer {
        self.send(who, Method::POST, path, Some(body), &[]).await
    }

    pub(crate) async fn put(&self, who: &As, path: &str, body: Value) -> Answer {
        self.send(who, Method::PUT, path, Some(body), &[]).await
    }

    pub(crate) async fn patch(&self, who: &As, path: &str, body: Value) -> Answer {
        self.send(who, Method::PATCH, path, Some(body), &[]).await
    }

    pub(crate) async fn delete(&self, who: &As, path: &str) -> Answer {
        self.send(who, Method::DELETE, path, None, &[]).await
    }

    /// Sends a request to a path below the root of the API.
    pub(crate) async fn send(
        &self,
        who: &As,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        request = match who {
            As::Anybody => request,
            As::User(name) => request.header("authorization", basic(name, PASSWORD)),
            As::Token(token) => request.header("authorization", format!("Bearer {token}")),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.header("content-type", "application/json").body(body).expect("is a request");
        let response = self.router.clone().oneshot(request).await.expect("answers");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("has a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Makes an access token and returns it.
    pub(crate) async fn token(&self, who: &As, path: &str, new: Value) -> As {
        let answer = self.post(who, path, new).await.is(201);
        As::Token(answer.body["secret"].as_str().expect("is shown").to_owned())
    }
}

impl Answer {
    /// Expects a status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    /// Expects problem details of a kind, and returns what they say.
    #[track_caller]
    pub(crate) fn fails(self, status: u16, kind: &str) -> String {
        let answer = self.is(status);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.body["type"], format!("urn:temper:problem:{kind}"), "{}", answer.body);
        assert_eq!(answer.body["status"], status);
        answer.body["detail"].as_str().expect("is told").to_owned()
    }

    /// Returns a field of each item of a list.
    #[track_caller]
    pub(crate) fn items(&self, field: &str) -> Vec<&str> {
        let items = self.body["items"].as_array().expect("is a list").iter();
        items.map(|item| item[field].as_str().expect("is a text")).collect()
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

/// Passwords and tokens as they are not to be kept, which is quick.
struct PlainSecrets(AtomicU64);

impl Secrets for PlainSecrets {
    fn check<'a>(&'a self, password: &'a SecretString, hash: Option<&'a str>) -> CheckFuture<'a> {
        let is_right = hash.is_some_and(|hash| hash == self.hash(password));
        Box::pin(std::future::ready(Ok(is_right)))
    }

    fn hash(&self, password: &SecretString) -> String {
        Digest::of(format!("password {}", password.expose_secret())).to_string()
    }

    fn generate(&self) -> Result<NewSecret, External> {
        let secret: SecretString = format!("temper_{}", self.0.fetch_add(1, Ordering::Relaxed)).into();
        let digest = self.digest(&secret).expect("is one");
        Ok(NewSecret { secret, digest })
    }

    fn digest(&self, secret: &SecretString) -> Option<String> {
        let secret = secret.expose_secret();
        secret.starts_with("temper_").then(|| Digest::of(secret).to_string())
    }
}

/// A world without images, keys and packages.
struct Nothing;

fn nothing<T>() -> Result<T, External> {
    Err(External { message: "there is nothing".to_owned(), hint: None, source: None })
}

impl Images for Nothing {
    fn open(&self, _: &str) -> Result<Box<dyn ImageSource>, External> {
        nothing()
    }

    fn destination(&self, _: &str) -> Result<Box<dyn Destination>, External> {
        nothing()
    }

    fn tags(&self, _: &str) -> Result<BTreeMap<String, Digest>, External> {
        nothing()
    }

    fn move_tags(&self, _: &str, _: &BTreeMap<String, Digest>) -> Result<(), External> {
        nothing()
    }

    fn remove_tags(&self, _: &str, _: &[String]) -> Result<(), External> {
        nothing()
    }

    fn full_name(&self, repository: &str) -> String {
        format!("registry.example/{repository}")
    }
}

impl Signers for Nothing {
    fn signer(&self, _: &str) -> Result<Arc<dyn Signer>, External> {
        nothing()
    }

    fn trusted(&self, _: &str) -> Result<Vec<PublicKey>, External> {
        nothing()
    }
}

impl BlobStore for Nothing {
    fn size(&self, _: &Digest) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn open(&self, _: &Digest) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn create(&self) -> io::Result<Box<dyn BlobWriter>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Cache for Nothing {
    fn get(&self, _: &str, _: &Digest) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: &str, _: &Digest, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

impl Archive for Nothing {
    fn snapshot(&self, _: &[PackageSource], _: &str) -> Result<Snapshot, External> {
        nothing()
    }

    fn universe(&self, _: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External> {
        nothing()
    }

    fn fetch(&self, _: &Snapshot, _: &[PackageFile], _: &dyn Log) -> Result<(), External> {
        nothing()
    }
}
