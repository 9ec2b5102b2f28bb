//! Publication with signatures and attestations: complete, in order, and never twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use temper_attest::carrier::{Carrier, Claim, fallback_tag};
use temper_attest::{Limits, predicate};
use temper_compose::{
    Attachments, Attestation, Destination, External, OpenBlob, Silent, Statements, publish,
};
use temper_oci::{Descriptor, Digest, ImageDocument, Index, media_type};

use crate::base;
use crate::outcome::Outcome;
use crate::repository::MemoryRepository;
use crate::signing::{REPOSITORY, context, context_at, key};
use crate::workshop::Workshop;

const BODY: &str = "environment: {A: \"1\"}\n";

/// What every manifest and the index carry, and `cosign verify-attestation` asks for.
const TYPES: [&str; 4] =
    [predicate::SLSA_PROVENANCE, predicate::SPDX, predicate::CYCLONEDX, predicate::OPENVEX];

/// Publishes an image under the tag `1`, signed with the key of a seed.
fn put(
    outcome: &Outcome,
    statements: &Statements,
    seed: u8,
    destination: &dyn Destination,
) -> Result<(), temper_compose::ComposeError> {
    let attestation = Attestation { statements, repository: REPOSITORY, signer: &key(seed) };
    publish(&outcome.image, &["1".to_owned()], Some(&attestation), &outcome.store, destination, &Silent)
}

fn tag(repository: &MemoryRepository) -> Option<Digest> {
    repository.tagged("1").expect("can be read").map(|document| document.digest())
}

/// Sees that index and manifests carry everything, each statement as often as it is said, by both carriers.
fn check_complete(outcome: &Outcome, repository: &MemoryRepository, seed: u8) {
    let platforms = outcome.image.manifests.iter().map(|manifest| (&manifest.descriptor, 1, 1));
    let of_all = outcome.image.manifests.len();
    for (target, of_platform, composition) in platforms.chain([(&outcome.image.index, of_all, 0)]) {
        let attached = repository.attached(target).expect("can be read");
        let found = attached.verify(target.digest, &key(seed).public_key(), &Limits::default());
        for carrier in [Carrier::LegacyTag, Carrier::Referrer] {
            assert!(found.is_signed(carrier), "{carrier:?}");
        }
        for kind in TYPES {
            let expected = if kind == predicate::SLSA_PROVENANCE { 1 } else { of_platform };
            assert_eq!(found.statements(kind).len(), expected, "{kind}");
        }
        assert_eq!(found.statements(predicate::COMPOSITION).len(), composition);
        let statements = 1 + 3 * of_platform + composition;
        assert_eq!(found.proofs.len(), 2 * (statements + 1), "each by both carriers, and nothing twice");
    }
}

#[test]
fn everything_is_attached_by_both_carriers() {
    let (outcome, statements) = Workshop::new().state(BODY, &context());
    for lists_referrers in [true, false] {
        let repository = MemoryRepository::new(lists_referrers);
        put(&outcome, &statements, 1, &repository).expect("is published");
        assert_eq!(tag(&repository), Some(outcome.digest()));
        check_complete(&outcome, &repository, 1);
    }
}

#[test]
fn without_a_signer_nothing_is_attached() {
    let outcome = Workshop::new().build(BODY);
    let repository = MemoryRepository::new(true);
    publish(&outcome.image, &["1".to_owned()], None, &outcome.store, &repository, &Silent)
        .expect("is published");
    let attached = repository.attached(&outcome.image.index).expect("can be read");
    assert!(
        attached.signatures.is_none() && attached.attestations.is_none() && attached.referrers.is_empty()
    );
    assert_eq!(tag(&repository), Some(outcome.digest()));
}

#[test]
fn the_same_build_at_another_time_adds_nothing() {
    let workshop = Workshop::new();
    let (outcome, statements) = workshop.state(BODY, &context());
    for lists_referrers in [true, false] {
        let repository = MemoryRepository::new(lists_referrers);
        put(&outcome, &statements, 1, &repository).expect("is published");
        let before = repository.names();
        let (again, later) = workshop.state(BODY, &context_at(30));
        put(&again, &later, 1, &repository).expect("is published again");
        assert_eq!(repository.names(), before);
        // Another key says everything for itself, beside what is there.
        put(&again, &later, 2, &repository).expect("is published by another");
        check_complete(&outcome, &repository, 1);
        check_complete(&outcome, &repository, 2);
    }
}

/// A write by its number, and the tag where it attaches something under one.
type BeforeWrite<'a> = &'a (dyn Fn(usize, Option<&str>) -> Result<(), External> + Send + Sync);

/// A destination where something happens before each write.
struct Watched<'a> {
    inner: &'a MemoryRepository,
    writes: AtomicUsize,
    before: BeforeWrite<'a>,
}

impl<'a> Watched<'a> {
    fn new(inner: &'a MemoryRepository, before: BeforeWrite<'a>) -> Self {
        Self { inner, writes: AtomicUsize::new(0), before }
    }

    fn write(&self, tag: Option<&str>) -> Result<(), External> {
        (self.before)(self.writes.fetch_add(1, Ordering::SeqCst), tag)
    }
}

impl Destination for Watched<'_> {
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        self.write(None)?;
        self.inner.put_blob(descriptor, open)
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        self.write(None)?;
        self.inner.put_manifest(descriptor, bytes)
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.write(Some(tag))?;
        self.inner.put_attachment(descriptor, bytes, tag)
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        self.write(None)?;
        self.inner.move_tags(image, bytes, tags)
    }
}

impl Attachments for Watched<'_> {
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

#[test]
fn the_tags_move_last_wherever_it_stops_and_the_next_try_completes() {
    // One platform: the writes of two are the same twice.
    let workshop = Workshop::new().base_of(&base::layer("amd64"));
    let old = workshop.build("environment: {A: \"0\"}\n");
    let (outcome, statements) = workshop.state(BODY, &context());
    let later = workshop.state(BODY, &context_at(9)).1;
    for lists_referrers in [true, false] {
        let mut stopped_after = 0;
        loop {
            let repository = MemoryRepository::new(lists_referrers);
            let tags = ["1".to_owned()];
            publish(&old.image, &tags, None, &old.store, &repository, &Silent).expect("is published");
            let fail = |number, _: Option<&str>| {
                let gone =
                    External { message: "the connection is gone".to_owned(), hint: None, source: None };
                if number < stopped_after { Ok(()) } else { Err(gone) }
            };
            if put(&outcome, &statements, 1, &Watched::new(&repository, &fail)).is_ok() {
                break;
            }
            assert_eq!(tag(&repository), Some(old.digest()), "after {stopped_after} writes");
            put(&outcome, &later, 1, &repository).expect("the next try is complete");
            assert_eq!(tag(&repository), Some(outcome.digest()));
            check_complete(&outcome, &repository, 1);
            stopped_after += 1;
        }
        assert!(stopped_after > 20, "{stopped_after} writes");
    }
}

/// What the key of seed 1 says of each manifest and the index by a carrier; everything that is needed is among it.
fn said(outcome: &Outcome, repository: &MemoryRepository, carrier: Carrier) -> Vec<BTreeSet<Vec<u8>>> {
    let platforms = outcome.image.manifests.iter().map(|manifest| &manifest.descriptor);
    let targets = platforms.chain([&outcome.image.index]);
    let said = targets.map(|target| {
        let attached = repository.attached(target).expect("can be read");
        let found = attached.verify(target.digest, &key(1).public_key(), &Limits::default());
        assert!(found.is_signed(carrier), "{carrier:?}");
        assert!(TYPES.iter().all(|kind| !found.statements(kind).is_empty()));
        let proofs = found.proofs.into_iter().filter(|proof| proof.carrier == carrier);
        let statements = proofs.filter_map(|proof| match proof.claim {
            Claim::Statement(statement) => Some(statement.to_bytes()),
            Claim::Signature => None,
        });
        statements.collect()
    });
    said.collect()
}

#[test]
fn two_builders_at_once_leave_both_carriers_whole() {
    let workshop = Workshop::new().base_of(&base::layer("amd64"));
    let (outcome, statements) = workshop.state(BODY, &context());
    let [other, later] = [9, 20].map(|second| workshop.state(BODY, &context_at(second)).1);
    for lists_referrers in [true, false] {
        let is_done = AtomicBool::new(false);
        let mut overtaken_before = 0;
        while !is_done.load(Ordering::SeqCst) {
            is_done.store(true, Ordering::SeqCst);
            let between_tags = AtomicBool::new(false);
            let repository = MemoryRepository::new(lists_referrers);
            let overtake = |number, tag: Option<&str>| {
                if number == overtaken_before {
                    is_done.store(false, Ordering::SeqCst);
                    between_tags.store(tag.is_some(), Ordering::SeqCst);
                    put(&outcome, &other, 1, &repository).expect("the other one publishes");
                }
                Ok(())
            };
            put(&outcome, &statements, 1, &Watched::new(&repository, &overtake)).expect("is published");
            let carriers = || {
                [Carrier::LegacyTag, Carrier::Referrer].map(|carrier| said(&outcome, &repository, carrier))
            };
            // Nothing can be seen between the last look at a tag and the moment when it is put.
            if !between_tags.load(Ordering::SeqCst) {
                let [legacy, referrers] = carriers();
                assert_eq!(legacy, referrers, "overtaken before write {overtaken_before}");
            }
            put(&outcome, &later, 1, &repository).expect("is published again");
            let [legacy, referrers] = carriers();
            assert_eq!(legacy, referrers, "published again after write {overtaken_before}");
            overtaken_before += 1;
        }
        assert!(overtaken_before > 20, "{overtaken_before} writes");
    }
}

/// A destination without a list of referrers, in which another writer puts its own list over each of the first.
struct Overwritten {
    inner: MemoryRepository,
    /// How many more lists of a subject are put over.
    times: usize,
    puts: Mutex<BTreeMap<String, usize>>,
}

impl Overwritten {
    fn new(times: usize) -> Self {
        Self { inner: MemoryRepository::new(false), times, puts: Mutex::default() }
    }
}

/// What the other writer lists.
fn foreign() -> Descriptor {
    Descriptor::new(media_type::OCI_MANIFEST, Digest::of("foreign"), 7)
}

impl Destination for Overwritten {
    fn put_blob(&self, descriptor: &Descriptor, open: OpenBlob<'_>) -> Result<(), External> {
        self.inner.put_blob(descriptor, open)
    }

    fn put_manifest(&self, descriptor: &Descriptor, bytes: &Bytes) -> Result<(), External> {
        self.inner.put_manifest(descriptor, bytes)
    }

    fn put_attachment(&self, descriptor: &Descriptor, bytes: &Bytes, tag: &str) -> Result<(), External> {
        self.inner.put_attachment(descriptor, bytes, tag)?;
        // Legacy tags have an ending.
        if tag.contains('.') {
            return Ok(());
        }
        let mut puts = self.puts.lock().expect("no writer panics");
        let count = puts.entry(tag.to_owned()).or_default();
        *count += 1;
        if *count <= self.times {
            let list = Index::of(vec![foreign()]);
            self.inner.set_tag(tag, self.inner.add(list.media_type(), &list.to_bytes()));
        }
        Ok(())
    }

    fn move_tags(&self, image: &Descriptor, bytes: &Bytes, tags: &[String]) -> Result<(), External> {
        self.inner.move_tags(image, bytes, tags)
    }
}

impl Attachments for Overwritten {
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

#[test]
fn the_list_of_referrers_is_put_once_and_again_only_where_another_was_put_over_it() {
    let workshop = Workshop::new().base_of(&base::layer("amd64"));
    let (outcome, statements) = workshop.state(BODY, &context());
    for times in [0, 1, 3] {
        let destination = Overwritten::new(times);
        put(&outcome, &statements, 1, &destination).expect("is published");
        check_complete(&outcome, &destination.inner, 1);
        let puts = destination.puts.lock().expect("no writer panics").clone();
        let platforms = outcome.image.manifests.iter().map(|manifest| manifest.descriptor.digest);
        for subject in platforms.chain([outcome.digest()]) {
            let tag = fallback_tag(subject);
            assert_eq!(puts[&tag], times + 1, "{tag}");
            let Ok(Some(ImageDocument::Index(list))) = destination.inner.tagged(&tag) else {
                panic!("`{tag}` has no list")
            };
            assert_eq!(list.manifests.contains(&foreign()), times > 0, "what others list stays");
        }
    }
    let error = put(&outcome, &statements, 1, &Overwritten::new(usize::MAX)).expect_err("never ends");
    assert!(error.to_string().contains("changes all the time"), "{error}");
}
