//! A hub with everything around it in memory: registry, archive, keys, and a clock that is moved by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use temper_attest::{PublicKey, Signer};
use temper_compose::{
    Archive, Destination, External, ImageSource, Log, PackageFile, PackageSource, Snapshot,
};
use temper_hub::{
    Build, Caller, CustomizationDetails, Hub, HubConfig, HubError, Images, Page, Signers, Submission,
    WorkerOptions,
};
use temper_oci::validate::BlobSource;
use temper_oci::{Descriptor, Digest, ImageDocument, ScanLimits, validate};
use temper_resolve::Universe;
use temper_store::records::{AuditEvent, Organization, Records, Right, User};
use temper_testkit::Deb;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::archive::{MemoryArchive, SUITE};
use crate::base;
use crate::image::MemoryImage;
use crate::memory::{MemoryCache, MemoryStore};
use crate::repository::MemoryRepository;
use crate::secrets::NoSecrets;
use crate::signing::key;

/// The time at which tests begin.
pub(crate) const AT: i64 = 1_750_000_000_000_000;

/// The organization of the tests.
pub(crate) const ORGANIZATION: &str = "acme";

/// The base of the tests.
pub(crate) const BASE: &str = "acme/app";

/// A hub and its surroundings.
pub(crate) struct World {
    _folder: TempDir,
    pub(crate) hub: Hub,
    pub(crate) images: Arc<MemoryImages>,
    pub(crate) archive: Arc<SharedArchive>,
    pub(crate) clock: Arc<AtomicI64>,
    stop: watch::Sender<bool>,
}

impl World {
    /// Starts with the organization `acme`, whose repository `acme/app` has the hardened base under the tag `1`.
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().expect("makes a folder");
        let records = open(folder.path()).await;
        let store = MemoryStore::default();
        let archive = Arc::new(SharedArchive(RwLock::new(MemoryArchive::new(store.clone()))));
        let images = Arc::new(MemoryImages::default());
        let (clock, number) = (Arc::new(AtomicI64::new(AT)), AtomicU64::new(1));
        let now = Arc::clone(&clock);
        let hub = Hub::new(HubConfig {
            records,
            images: Arc::clone(&images) as Arc<dyn Images>,
            signers: Arc::new(OneKey),
            secrets: Arc::new(NoSecrets),
            blobs: Arc::new(store),
            cache: Arc::new(MemoryCache::default()),
            archive: Arc::clone(&archive) as Arc<dyn Archive>,
            keep_inputs: true,
            outside: temper_hub::Outside::anonymous().expect("makes clients"),
            clock: Arc::new(move || now.fetch_add(1000, Ordering::SeqCst)),
            random: Arc::new(move || u128::from(number.fetch_add(1, Ordering::SeqCst)).to_be_bytes()),
        });
        let world = Self { _folder: folder, hub, images, archive, clock, stop: watch::channel(false).0 };
        world.organize().await;
        world.push_base("1", &base::hardened());
        world
    }

    /// Makes the organization; its owner is `ada`.
    async fn organize(&self) {
        let records = &self.hub.config().records;
        let ada = User {
            id: "ada".to_owned(),
            name: "ada".to_owned(),
            email: None,
            password_hash: None,
            is_admin: false,
            created_at: AT,
            disabled_at: None,
        };
        assert!(records.people().add(&ada, event(1)).await.expect("adds"));
        let organization = Organization {
            id: "organization".to_owned(),
            name: ORGANIZATION.to_owned(),
            description: String::new(),
            member_right: Some(Right::Read),
            customization_right: Right::Read,
            quota_bytes: None,
            version: 1,
            created_at: AT,
        };
        assert!(records.organizations().add(&organization, "ada", event(2)).await.expect("adds"));
    }

    /// Pushes a base into the repository.
    pub(crate) fn push_base(&self, tag: &str, image: &MemoryImage) -> Digest {
        image.put(&self.images.repository(BASE), tag);
        image.digest()
    }

    /// Puts packages into the archive.
    pub(crate) fn packages(&self, packages: impl IntoIterator<Item = Deb>) {
        let mut archive = self.archive.0.write().expect("nobody panics");
        for package in packages {
            archive.add(SUITE, &package);
        }
    }

    /// Creates a customization of the base's tag `1`.
    pub(crate) async fn create(&self, body: &str) -> CustomizationDetails {
        self.try_create(body).await.unwrap_or_else(|error| panic!("{}", told(&error)))
    }

    pub(crate) async fn try_create(&self, body: &str) -> Result<CustomizationDetails, HubError> {
        let submissions = [submission(body)];
        let mut created =
            self.hub.create_customizations(&Caller::Program, ORGANIZATION, &submissions).await?;
        Ok(created.remove(0))
    }

    /// Puts another document in the place of one.
    pub(crate) async fn edit(&self, before: &CustomizationDetails, body: &str) -> CustomizationDetails {
        let (id, version) = (&before.record.id, Some(before.record.version));
        let edited =
            self.hub.edit_customization(&Caller::Program, id, version, &submission(body), false).await;
        edited.unwrap_or_else(|error| panic!("{}", told(&error)))
    }

    /// Does one job, if one can be taken; says whether there was one.
    pub(crate) async fn turn(&self) -> bool {
        let worker = self.hub.worker(WorkerOptions::default());
        worker.turn(&self.stop.subscribe()).await.expect("the queue answers")
    }

    /// Does everything that there is to do now.
    pub(crate) async fn work(&self) {
        while self.turn().await {}
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).expect("is short");
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }

    /// Lists the builds of a customization, the newest first.
    pub(crate) async fn builds(&self, one: &CustomizationDetails) -> Vec<Build> {
        let page = Page { limit: 100, ..Page::default() };
        self.hub.list_builds(&Caller::Program, &one.record.id, None, &page).await.expect("lists")
    }

    /// Lists the states of a customization's builds, the newest first.
    pub(crate) async fn states(&self, one: &CustomizationDetails) -> Vec<String> {
        self.builds(one).await.into_iter().map(|build| build.record.state).collect()
    }

    /// Returns a customization as it is now.
    pub(crate) async fn get(&self, one: &CustomizationDetails) -> CustomizationDetails {
        self.hub.get_customization(&Caller::Program, &one.record.id).await.expect("is there")
    }

    /// Returns where a tag of the base's repository points.
    pub(crate) fn tag(&self, tag: &str) -> Option<Digest> {
        self.images.tags(BASE).expect("lists").get(tag).copied()
    }
}

fn event(number: u32) -> AuditEvent {
    AuditEvent {
        id: number.to_string(),
        at: AT,
        organization_id: None,
        actor: "test".to_owned(),
        action: "begin".to_owned(),
        subject: "test".to_owned(),
        before: None,
        after: None,
    }
}

async fn open(folder: &Path) -> Records {
    let url = temper_testkit::database::url(folder);
    Records::connect(&url.parse().expect("is a database")).await.expect("opens")
}

/// Completes a document with name and target where the test does not care.
pub(crate) fn submission(body: &str) -> Submission {
    let mut text = String::new();
    if !body.contains("name:") {
        text += "name: custom\n";
    }
    if !body.contains("targets:") {
        text += "targets: [{destination: acme/app, tag: \"1\"}]\n";
    }
    Submission { text: text + body, ..Submission::default() }
}

/// Writes an error with all of its problems.
pub(crate) fn told(error: &HubError) -> String {
    match error {
        HubError::Invalid { problems, .. } => problems.to_string(),
        error => error.to_string(),
    }
}

/// The repositories of a registry, which looks at every image that gets a tag.
#[derive(Default)]
pub(crate) struct MemoryImages {
    repositories: Mutex<BTreeMap<String, MemoryRepository>>,
    /// How often images cannot be opened before they can.
    pub(crate) broken: AtomicI64,
}

impl MemoryImages {
    /// Returns a repository.
    pub(crate) fn repository(&self, name: &str) -> MemoryRepository {
        let mut repositories = self.repositories.lock().expect("nobody panics");
        repositories.entry(name.to_owned()).or_insert_with(|| MemoryRepository::new(true)).clone()
    }

    /// Sees that everything is there that an image needs.
    pub(crate) fn check(&self, repository: &str, digest: Digest) {
        let repository = self.repository(repository);
        let bytes = repository.bytes(&digest);
        let document = ImageDocument::parse(bytes.clone(), None).expect("is an index");
        let root = Descriptor::of(document.media_type(), &bytes);
        let violations = validate(&Blobs(repository), &root, &ScanLimits::default());
        assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    }
}

/// A repository as what an image is validated against.
struct Blobs(MemoryRepository);

impl BlobSource for Blobs {
    fn open(&self, digest: &Digest) -> std::io::Result<Option<Box<dyn std::io::Read + Send + '_>>> {
        use temper_compose::Attachments as _;
        let any = Descriptor::of("application/octet-stream", b"");
        let bytes = self.0.part(&Descriptor { digest: *digest, ..any }).map_err(std::io::Error::other)?;
        Ok(bytes.map(|bytes| Box::new(std::io::Cursor::new(bytes)) as Box<dyn std::io::Read + Send>))
    }
}

impl Images for MemoryImages {
    fn open(&self, reference: &str) -> Result<Box<dyn ImageSource>, External> {
        let failed = |message: String| External { message, hint: None, source: None };
        if self.broken.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(failed("the registry does not answer".to_owned()));
        }
        self.broken.store(0, Ordering::SeqCst);
        let (repository, tag) = reference.split_once(':').unwrap_or((reference, "latest"));
        if !self.tags(repository)?.contains_key(tag) {
            return Err(failed(format!("there is no `{reference}`")));
        }
        Ok(Box::new(self.repository(repository).image(tag)))
    }

    fn destination(&self, repository: &str) -> Result<Box<dyn Destination>, External> {
        Ok(Box::new(Checked { inner: self.repository(repository) }))
    }

    fn tags(&self, repository: &str) -> Result<BTreeMap<String, Digest>, External> {
        let names = self.repository(repository).names();
        let tags = names.iter().filter_map(|name| name.split_once(' '));
        Ok(tags.map(|(tag, digest)| (tag.to_owned(), digest.parse().expect("is a digest"))).collect())
    }

    fn move_tags(&self, repository: &str, tags: &BTreeMap<String, Digest>) -> Result<(), External> {
        for (tag, digest) in tags {
            self.check(repository, *digest);
            let repository = self.repository(repository);
            let bytes = repository.bytes(digest);
            let document = ImageDocument::parse(bytes.clone(), None).expect("is an index");
            repository.set_tag(tag, Descriptor::of(document.media_type(), &bytes));
        }
        Ok(())
    }

    fn remove_tags(&self, repository: &str, tags: &[String]) -> Result<(), External> {
        for tag in tags {
            self.repository(repository).untag(tag);
        }
        Ok(())
    }

    fn full_name(&self, repository: &str) -> String {
        format!("registry.example/{repository}")
    }
}

/// A destination that sees that an image is complete before a tag points to it.
struct Checked {
    inner: MemoryRepository,
}

impl Destination for Checked {
    fn put_blob(&self, descriptor: &Descriptor, open: temper_compose::OpenBlob<'_>) -> Result<(), External> {
        self.inner.put_blob(descriptor, open)
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &bytes::Bytes) -> Result<(), External> {
        self.inner.put_manifest(descriptor, bytes)
    }

    fn put_attachment(
        &self,
        descriptor: &Descriptor,
        bytes: &bytes::Bytes,
        tag: &str,
    ) -> Result<(), External> {
        self.inner.put_attachment(descriptor, bytes, tag)
    }

    fn move_tags(&self, image: &Descriptor, bytes: &bytes::Bytes, tags: &[String]) -> Result<(), External> {
        self.inner.put_manifest(image, bytes)?;
        let violations = validate(&Blobs(self.inner.clone()), image, &ScanLimits::default());
        assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
        self.inner.move_tags(image, bytes, tags)
    }
}

impl temper_compose::Attachments for Checked {
    fn tagged(&self, tag: &str) -> Result<Option<ImageDocument>, External> {
        self.inner.tagged(tag)
    }

    fn referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, External> {
        self.inner.referrers(subject)
    }

    fn part(&self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, External> {
        self.inner.part(descriptor)
    }
}

/// An archive that changes while a hub uses it.
pub(crate) struct SharedArchive(pub(crate) RwLock<MemoryArchive>);

impl Archive for SharedArchive {
    fn snapshot(&self, sources: &[PackageSource], architecture: &str) -> Result<Snapshot, External> {
        self.0.read().expect("nobody panics").snapshot(sources, architecture)
    }

    fn universe(&self, snapshot: &Snapshot) -> Result<(Snapshot, Arc<Universe>), External> {
        self.0.read().expect("nobody panics").universe(snapshot)
    }

    fn fetch(&self, snapshot: &Snapshot, files: &[PackageFile], log: &dyn Log) -> Result<(), External> {
        self.0.read().expect("nobody panics").fetch(snapshot, files, log)
    }
}

/// One key for everybody.
struct OneKey;

impl Signers for OneKey {
    fn signer(&self, _: &str) -> Result<Arc<dyn Signer>, External> {
        Ok(Arc::new(key(1)))
    }

    fn trusted(&self, _: &str) -> Result<Vec<PublicKey>, External> {
        Ok(vec![key(1).public_key()])
    }
}
