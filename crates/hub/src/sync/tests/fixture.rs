//! An upstream on a port of this machine that plays tricks, and a repository in memory that takes nothing incomplete.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::json;
use temper_attest::carrier::{Claim, Target, attach};
use temper_attest::{FileKey, Limits, PublicKey, Statement, predicate};
use temper_compose::{Attachments, Destination, External, ImageSource, OpenBlob, list_referrers};
use temper_fetch::credentials::Credentials;
use temper_fetch::engine::RegistryDestination;
use temper_fetch::http::{Backoff, HttpConfig};
use temper_fetch::registry::{RegistryClient, RegistryOptions};
use temper_oci::media_type::{OCI_CONFIG, OCI_LAYER};
use temper_oci::{Descriptor, Digest, ImageDocument, Index, Manifest, Platform, Reference};
use temper_registry::{LocalAccess, Registry, RegistryConfig, ServeLimits, router, serve};
use temper_store::blobs::Durability;
use temper_store::records::{Micros, Records, UpstreamTag};
use temper_store::staging::Staging;
use temper_store::storage::{Directory, Storage};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::super::{Journal, Look, Progress, Report, Rules, Upstream, subject_of};
use crate::error::HubError;
use crate::images::Images;

/// The repository that is mirrored.
const UPSTREAM: &str = "up/app";

/// What the upstream does with a request; numbers count requests from when the trick was played.
#[derive(Clone, Debug, Default)]
pub(super) enum Trick {
    #[default]
    None,
    Status500(usize),
    TooMany(usize),
    Forbidden(usize),
    CutOff(usize),
    WrongBytes(usize),
    /// What ends so is not there.
    Missing(String),
    /// It is a registry of before OCI 1.1.
    NoReferrers,
}

#[derive(Default)]
struct Stage {
    trick: Trick,
    met: bool,
    requests: Vec<String>,
}

/// A registry on this machine.
pub(super) struct Server {
    runtime: Runtime,
    port: u16,
    stage: Arc<Mutex<Stage>>,
    _folder: TempDir,
}

pub(super) fn start() -> Server {
    let runtime = Runtime::new().expect("starts");
    let folder = TempDir::new().expect("makes a folder");
    let stage = Arc::<Mutex<Stage>>::default();
    let (played, counter) = (Arc::clone(&stage), Arc::new(AtomicUsize::new(0)));
    let port = runtime.block_on(async {
        let records = Records::open(&folder.path().join("records.db")).await.expect("opens");
        let registry = Registry::new(RegistryConfig {
            repositories: records.repositories(),
            storage: Storage::Directory(Directory::open(folder.path(), Durability::Relaxed).expect("opens")),
            staging: Staging::open(&folder.path().join("uploads")).expect("opens"),
            access: Arc::new(LocalAccess { push_from_loopback: true }),
            clock: Arc::new(|| 0),
            limits: temper_registry::Limits::default(),
        });
        let router = router(registry).layer(from_fn(move |request: Request, next: Next| {
            let (stage, counter) = (Arc::clone(&played), Arc::clone(&counter));
            async move { play(&stage, &counter, request, next).await }
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        tokio::spawn(serve(listener, router, ServeLimits::default(), std::future::pending()));
        port
    });
    Server { runtime, port, stage, _folder: folder }
}

async fn play(stage: &Mutex<Stage>, counter: &AtomicUsize, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let trick = {
        let mut stage = stage.lock().expect("is not poisoned");
        if stage.requests.is_empty() {
            counter.store(0, Ordering::Relaxed);
        }
        stage.requests.push(format!("{} {path}", request.method()));
        stage.trick.clone()
    };
    let number = counter.fetch_add(1, Ordering::Relaxed);
    let meet = |at: usize| {
        let is_it = number == at;
        stage.lock().expect("is not poisoned").met |= is_it;
        is_it
    };
    match trick {
        Trick::Status500(at) if meet(at) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Trick::TooMany(at) if meet(at) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "600")]).into_response()
        }
        Trick::Forbidden(at) if meet(at) => StatusCode::FORBIDDEN.into_response(),
        Trick::CutOff(at) if meet(at) => cut_off(next.run(request).await).await,
        Trick::WrongBytes(at) if meet(at) => changed(next.run(request).await).await,
        Trick::Missing(end) if path.ends_with(&end) => StatusCode::NOT_FOUND.into_response(),
        Trick::NoReferrers if path.contains("/referrers/") => StatusCode::NOT_FOUND.into_response(),
        Trick::NoReferrers => {
            let mut response = next.run(request).await;
            response.headers_mut().remove("oci-subject");
            response
        }
        _ => next.run(request).await,
    }
}

/// Answers with half of the body, and then no more.
async fn cut_off(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let mut bytes = to_bytes(body, 1 << 20).await.expect("is short");
    bytes.truncate(bytes.len() / 2);
    let pieces = [Ok(bytes), Err(std::io::Error::other("cut off"))];
    Response::from_parts(parts, Body::from_stream(futures_util::stream::iter(pieces)))
}

/// Answers with other bytes of the same length.
async fn changed(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let mut bytes = to_bytes(body, 1 << 20).await.expect("is short").to_vec();
    for byte in &mut bytes {
        *byte ^= 1;
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn client() -> RegistryClient {
    let backoff = Backoff { attempts: 1, first: Duration::ZERO, ..Backoff::default() };
    let options = RegistryOptions { backoff, ..RegistryOptions::default() };
    RegistryClient::new(&HttpConfig::default(), Credentials::anonymous(), options).expect("makes a client")
}

impl Server {
    fn repository(&self) -> Reference {
        format!("127.0.0.1:{}/{UPSTREAM}", self.port).parse().expect("is a reference")
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().expect("is not poisoned")
    }

    /// Plays a trick from the next request on.
    pub(super) fn play(&self, trick: Trick) {
        *self.stage() = Stage { trick, ..Stage::default() };
    }

    pub(super) fn trick_was_met(&self) -> bool {
        self.stage().met
    }

    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.stage().requests)
    }

    fn destination(&self) -> RegistryDestination {
        RegistryDestination::new(self.runtime.handle().clone(), client(), &self.repository())
    }

    fn push(&self, name: &str, tags: &[&str], annotations: &[(&str, &str)]) -> Descriptor {
        let destination = self.destination();
        let put = |media_type: &str, text: String| {
            let descriptor = Descriptor::of(media_type, text.as_bytes());
            let open = || Ok(Box::new(std::io::Cursor::new(text.clone())) as Box<_>);
            destination.put_blob(&descriptor, &open).expect("is put");
            descriptor
        };
        let shared = put(OCI_LAYER, "layer shared".to_owned());
        let mut entries = Vec::new();
        for platform in ["linux/amd64", "linux/arm64"] {
            let platform: Platform = platform.parse().expect("is a platform");
            let config =
                json!({"architecture": platform.architecture, "os": "linux", "name": name}).to_string();
            let config = put(OCI_CONFIG, config);
            let own = put(OCI_LAYER, format!("layer of {name} for {platform}"));
            let mut manifest = Manifest::image(config, vec![shared.clone(), own]);
            manifest.annotations =
                annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let bytes = Bytes::from(manifest.to_bytes());
            let descriptor = Descriptor::of(manifest.media_type(), &bytes);
            destination.put_manifest(&descriptor, &bytes).expect("is put");
            entries.push(descriptor.with_platform(&platform));
        }
        let index = Index::of(entries);
        let bytes = Bytes::from(index.to_bytes());
        let descriptor = Descriptor::of(index.media_type(), &bytes);
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        destination.move_tags(&descriptor, &bytes, &tags).expect("is put");
        descriptor
    }

    /// Pushes an image of two platforms.
    pub(super) fn push_plain(&self, name: &str, tags: &[&str]) -> Digest {
        self.push(name, tags, &[]).digest
    }

    /// Pushes an image that says which definition it is of.
    pub(super) fn push_labelled(&self, name: &str, tags: &[&str], definition: &str) -> Digest {
        self.push(name, tags, &[("com.docker.dhi.definition", definition)]).digest
    }

    /// Pushes an image with a signature and an attestation in both carriers.
    pub(super) fn push_signed(&self, name: &str, tags: &[&str]) -> (PublicKey, Digest) {
        let descriptor = self.push(name, tags, &[]);
        let digest = descriptor.digest;
        let key = FileKey::generate(&mut |bytes| {
            bytes.fill(7);
            Ok(())
        });
        let key = key.expect("a key can be made");
        let place = self.destination();
        let target = Target { repository: "registry.example/up/app".to_owned(), descriptor };
        let statement = Statement::new(vec![target.subject()], predicate::SPDX, json!({"name": name}));
        let attached = place.attached(&target.descriptor).expect("can be read");
        let publication =
            attach(&target, &[statement], "2026-01-01T00:00:00Z", &attached, &key, &Limits::default());
        let publication = publication.expect("is signed");
        for blob in &publication.blobs {
            let open = || Ok(Box::new(std::io::Cursor::new(blob.bytes.clone())) as Box<_>);
            place.put_blob(&blob.descriptor, &open).expect("is put");
        }
        for put in &publication.manifests {
            let bytes = put.bytes.clone().into();
            match &put.tag {
                Some(tag) => place.put_attachment(&put.descriptor, &bytes, tag),
                None => place.put_manifest(&put.descriptor, &bytes),
            }
            .expect("is put");
        }
        list_referrers(&place, digest, &publication).expect("are listed");
        self.take_requests();
        (PublicKey::of(&key).expect("is a key"), digest)
    }

    pub(super) fn delete(&self, tag: &str) {
        let reference = self.repository().with_tag(tag).expect("is a tag");
        assert!(self.runtime.block_on(client().delete_manifest(&reference)).expect("is deleted"));
    }

    pub(super) fn tags(&self) -> BTreeMap<String, Digest> {
        let (client, repository) = (client(), self.repository());
        self.runtime.block_on(async {
            let mut tags = BTreeMap::new();
            for tag in client.tags(&repository).await.expect("lists") {
                let reference = repository.with_tag(&tag).expect("is a tag");
                let head = client.find_manifest(&reference).await.expect("answers").expect("is there");
                tags.insert(tag, head.digest);
            }
            tags
        })
    }

    /// Lists what tags lead to.
    pub(super) fn subjects(&self) -> BTreeSet<Digest> {
        self.tags().into_values().collect()
    }

    pub(super) fn referrers(&self, subject: Digest) -> BTreeSet<Digest> {
        let list = self.runtime.block_on(client().find_referrers(&self.repository(), subject, None));
        let list = list.expect("answers").expect("keeps lists");
        list.into_iter().map(|referrer| referrer.digest).collect()
    }
}

/// Looks once.
pub(super) fn look(
    server: &Server,
    memory: &Memory,
    notes: &Notes,
    rules: &Rules,
) -> Result<Report, HubError> {
    let upstream = Upstream::open(server.runtime.handle().clone(), client(), &server.repository())?;
    Look { upstream: &upstream, images: memory, repository: "acme/app", rules, journal: notes }.run()
}

#[derive(Debug, Default)]
struct State {
    blobs: BTreeMap<Digest, Bytes>,
    manifests: BTreeMap<Digest, Bytes>,
    tags: BTreeMap<String, Digest>,
    writes: Vec<String>,
    /// Whether it is a registry of before OCI 1.1.
    keeps_no_lists: bool,
}

/// One repository, and all that there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("is not poisoned")
    }

    /// A repository of a registry of before OCI 1.1.
    pub(super) fn without_lists() -> Self {
        let memory = Self::default();
        memory.state().keeps_no_lists = true;
        memory
    }

    pub(super) fn point(&self, tag: &str, digest: Digest) {
        self.state().tags.insert(tag.to_owned(), digest);
    }

    pub(super) fn tags(&self) -> BTreeMap<String, Digest> {
        self.state().tags.clone()
    }

    pub(super) fn forget_writes(&self) {
        self.state().writes.clear();
    }

    pub(super) fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().writes)
    }

    pub(super) fn referrers_of(&self, subject: Digest) -> BTreeSet<Digest> {
        let state = self.state();
        let refers = |bytes: &Bytes| match ImageDocument::parse(bytes.clone(), None).expect("is a document") {
            ImageDocument::Manifest(manifest) => manifest.subject.as_ref().map(|subject| subject.digest),
            ImageDocument::Index(index) => index.subject.as_ref().map(|subject| subject.digest),
        };
        let found = state.manifests.iter().filter(|(_, bytes)| refers(bytes) == Some(subject));
        found.map(|(digest, _)| *digest).collect()
    }

    /// Says whether a key signed a manifest, by what is attached here.
    pub(super) fn verifies(&self, digest: &Digest, key: &PublicKey) -> bool {
        let attached = self.attached(&Descriptor::new("", *digest, 0)).expect("can be read");
        let verification = attached.verify(*digest, key, &Limits::default());
        verification.proofs.iter().filter(|proof| proof.claim == Claim::Signature).count() == 2
    }

    /// Follows every tag down to the blobs.
    pub(super) fn check_whole(&self) {
        let state = self.state();
        for (tag, digest) in &state.tags {
            check_children(&state, tag, state.manifests.get(digest).expect("a tag leads to a manifest"));
        }
    }

    fn put(&self, descriptor: &Descriptor, bytes: &Bytes, tags: &[String]) {
        let mut state = self.state();
        assert_eq!(Digest::of(bytes), descriptor.digest);
        check_children(&state, "push", bytes);
        if state.manifests.insert(descriptor.digest, bytes.clone()).is_none() {
            state.writes.push(format!("manifest {}", descriptor.digest));
        }
        for tag in tags {
            state.writes.push(format!("tag {tag} {}", descriptor.digest));
            state.tags.insert(tag.clone(), descriptor.digest);
        }
    }
}

fn check_children(state: &State, what: &str, bytes: &Bytes) {
    let document = ImageDocument::parse(bytes.clone(), None).expect("is a document");
    for child in document.children() {
        match &document {
            ImageDocument::Index(_) => {
                let bytes = state.manifests.get(&child.digest);
                check_children(state, what, bytes.unwrap_or_else(|| panic!("{what} lacks {}", child.digest)));
            }
            ImageDocument::Manifest(_) => {
                assert!(state.blobs.contains_key(&child.digest), "{what} lacks a blob");
            }
        }
    }
}

impl Attachments for Memory {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        let state = self.state();
        let bytes = state.tags.get(tag).map(|digest| state.manifests[digest].clone());
        Ok(bytes.map(|bytes| ImageDocument::parse(bytes, None).expect("is a document")))
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        let digests = self.referrers_of(*subject);
        let state = self.state();
        if state.keeps_no_lists {
            return Ok(None);
        }
        let describe = |digest: Digest| {
            let bytes = &state.manifests[&digest];
            let document = ImageDocument::parse(bytes.clone(), None).expect("is a document");
            Descriptor::of(document.media_type(), bytes)
        };
        Ok(Some(digests.into_iter().map(describe).collect()))
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        let state = self.state();
        let found = state.manifests.get(&descriptor.digest).or_else(|| state.blobs.get(&descriptor.digest));
        Ok(found.map(|bytes| bytes.to_vec()))
    }
}

impl Destination for Memory {
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        if self.state().blobs.contains_key(&descriptor.digest) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let read = open().and_then(|mut reader| reader.read_to_end(&mut bytes));
        read.map_err(|error| External::new("blob cannot be written", error))?;
        assert_eq!(Digest::of(&bytes), descriptor.digest);
        let mut state = self.state();
        state.writes.push(String::from_utf8_lossy(&bytes).into_owned());
        state.blobs.insert(descriptor.digest, bytes.into());
        Ok(())
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        self.put(descriptor, bytes, &[]);
        Ok(())
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.put(descriptor, bytes, &[tag.to_owned()]);
        Ok(())
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        self.put(image, bytes, tags);
        Ok(())
    }
}

impl Images for Memory {
    fn open(&self, _: &str) -> Result<Box<dyn ImageSource>, External> {
        unreachable!("a look opens no image")
    }

    fn destination(&self, _: &str) -> Result<Box<dyn Destination>, External> {
        Ok(Box::new(self.clone()))
    }

    fn tags(&self, _: &str) -> Result<BTreeMap<String, Digest>, External> {
        Ok(self.tags())
    }

    fn move_tags(&self, _: &str, tags: &BTreeMap<String, Digest>) -> Result<(), External> {
        self.state().tags.extend(tags.clone());
        Ok(())
    }

    fn remove_tags(&self, _: &str, tags: &[String]) -> Result<(), External> {
        self.state().tags.retain(|tag, _| !tags.contains(tag));
        Ok(())
    }

    fn full_name(&self, repository: &str) -> String {
        repository.to_owned()
    }
}

/// What a mirror remembers, in memory.
#[derive(Default)]
pub(super) struct Notes {
    written: Mutex<BTreeMap<String, UpstreamTag>>,
    held: Mutex<BTreeSet<String>>,
    stopped: Mutex<bool>,
}

impl Notes {
    /// Lets a build own a tag.
    pub(super) fn hold(&self, tag: &str) {
        self.held.lock().expect("is not poisoned").insert(tag.to_owned());
    }

    /// Lets somebody else take the work over.
    pub(super) fn stop(&self) {
        *self.stopped.lock().expect("is not poisoned") = true;
    }

    /// Lists the tags that name images.
    pub(super) fn written_now(&self) -> Vec<UpstreamTag> {
        let written = self.written.lock().expect("is not poisoned");
        written.values().filter(|tag| subject_of(&tag.tag).is_none()).cloned().collect()
    }
}

impl Journal for Notes {
    fn held(&self) -> Result<BTreeSet<String>, HubError> {
        Ok(self.held.lock().expect("is not poisoned").clone())
    }

    fn written(&self) -> Result<Vec<UpstreamTag>, HubError> {
        Ok(self.written.lock().expect("is not poisoned").values().cloned().collect())
    }

    fn note(&self, tags: &[UpstreamTag]) -> Result<(), HubError> {
        let noted = tags.iter().map(|tag| (tag.tag.clone(), tag.clone()));
        self.written.lock().expect("is not poisoned").extend(noted);
        Ok(())
    }

    fn forget(&self, tags: &[String]) -> Result<(), HubError> {
        self.written.lock().expect("is not poisoned").retain(|tag, _| !tags.contains(tag));
        Ok(())
    }

    fn progress(&self, _: &Progress) -> Result<(), HubError> {
        if *self.stopped.lock().expect("is not poisoned") {
            return Err(HubError::Conflict { message: "the look is somebody else's".to_owned(), hint: None });
        }
        Ok(())
    }

    fn now(&self) -> Micros {
        1
    }
}
