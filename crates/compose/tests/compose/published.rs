//! An image that was built, signed and published, with everything that verifying and reproducing it needs.

use std::io::Read;

use bytes::Bytes;
use temper_attest::provenance::{BuildRecord, Input};
use temper_attest::{PublicKey, Statement};
use temper_compose::verify::{Policy, Report, Subject, Verifier};
use temper_compose::{Attachments, Attestation, External, ImageSource, Inputs, Silent, Statements, publish};
use temper_oci::{Descriptor, Digest, ImageDocument};
use temper_testkit::Deb;
use temper_testkit::image::Layer;

use crate::document;
use crate::image::MemoryImage;
use crate::outcome::Outcome;
use crate::repository::MemoryRepository;
use crate::signing::{REPOSITORY, context, key};
use crate::workshop::Workshop;

/// Something of everything: a package, an artifact, a file, a user, a variable; for two platforms.
pub(crate) const BODY: &str = "contents:\n  packages: [jq]\n  artifacts: [{name: \"acme/data:v1\", includes: [opt]}]\n\
    paths: [{path: /srv/own, contents: own, mode: \"0644\", uid: 0, gid: 0}]\n\
    accounts: {users: [{name: app, uid: 10001}]}\nenvironment: {OWN: \"1\"}\n";

/// The tag of the image.
pub(crate) const TAG: &str = "1_test";

/// An image in its repository, and where its inputs are.
pub(crate) struct Published {
    pub(crate) workshop: Workshop,
    pub(crate) outcome: Outcome,
    pub(crate) statements: Statements,
    pub(crate) repository: MemoryRepository,
}

/// A workshop with all that [`BODY`] wants.
pub(crate) fn workshop() -> Workshop {
    let deb = |name: &str| {
        Deb::new(name, "1.7-1").architecture("all").file(&format!("usr/bin/{name}"), 0o755, name.as_bytes())
    };
    let data = Layer::new().directory("opt").file("opt/data", 0o644, "data");
    let packages = [deb("jq").depends("libjq1"), deb("libjq1")];
    Workshop::new().packages(packages).artifact("acme/data:v1", &data)
}

impl Published {
    /// Builds and publishes [`BODY`].
    pub(crate) fn new(lists_referrers: bool) -> Self {
        Self::of(workshop(), BODY, lists_referrers)
    }

    /// Builds and publishes a customization.
    pub(crate) fn of(workshop: Workshop, body: &str, lists_referrers: bool) -> Self {
        let mut context = context();
        context.document = document::complete(body);
        let (outcome, statements) = workshop.state(body, &context);
        let repository = MemoryRepository::new(lists_referrers);
        let published = Self { workshop, outcome, statements, repository };
        published.publish(&published.statements, &published.repository, 1);
        published
    }

    /// Builds and publishes a definition.
    pub(crate) fn defined(workshop: Workshop, body: &str) -> Self {
        let mut context = context();
        context.document = document::defined(body);
        context.target.tag_definition_id = Some(document::DEFINITION_ID.to_owned());
        let (outcome, statements) = workshop.state_defined(body, &context);
        let published = Self { workshop, outcome, statements, repository: MemoryRepository::new(true) };
        published.publish(&published.statements, &published.repository, 1);
        published
    }

    /// Publishes the image with some statements, signed with the key of a seed.
    pub(crate) fn publish(&self, statements: &Statements, repository: &MemoryRepository, seed: u8) {
        let signer = key(seed);
        let attestation = Attestation { statements, repository: REPOSITORY, signer: &signer };
        let (image, store) = (&self.outcome.image, &self.outcome.store);
        publish(image, &[TAG.to_owned()], Some(&attestation), store, repository, &Silent)
            .expect("is published");
    }

    /// Publishes the image with a change of its statements, signed by who should not have done it.
    pub(crate) fn publish_changed(&self, change: impl Fn(&mut Statement)) -> MemoryRepository {
        let mut statements = self.statements.clone();
        let platforms = statements.platforms.iter_mut().flat_map(|(_, own)| own);
        platforms.chain(&mut statements.index).for_each(change);
        // Publishing keeps an earlier provenance of the same record.
        let repository = MemoryRepository::new(self.repository.lists_referrers);
        self.publish(&statements, &repository, 1);
        repository
    }

    /// Verifies what the tag of a repository names now, with the keys of some seeds.
    pub(crate) fn verify_with(&self, repository: &MemoryRepository, seeds: &[u8]) -> Result<Report, String> {
        let keys: Vec<PublicKey> = seeds.iter().map(|seed| key(*seed).public_key()).collect();
        let policy = Policy::complete(keys);
        let inputs = self.inputs();
        let verifier = Verifier { policy: &policy, inputs: &inputs, archive: Some(self.workshop.archive()) };
        let image = repository.image(TAG);
        let subject = Subject { image: &image, repository: Some("acme/app"), tag: Some(TAG) };
        verifier.verify(&subject).map_err(|error| error.to_string())
    }

    /// Verifies what the tag of a repository names now.
    pub(crate) fn verify(&self, repository: &MemoryRepository) -> Result<Report, String> {
        self.verify_with(repository, &[1])
    }

    /// Returns where base and artifact are.
    pub(crate) fn inputs(&self) -> KnownInputs {
        let has_base = self.record().settings.base_name.is_some();
        let base = self.workshop.base.iter().filter(|_| has_base).cloned();
        let artifacts = self.statements.record.settings.artifacts.first();
        let data = artifacts.map(|_| self.workshop.find_artifact("acme/data:v1").clone());
        KnownInputs { images: base.chain(data).collect() }
    }

    /// Returns the record that the provenance is made of.
    pub(crate) fn record(&self) -> &BuildRecord {
        &self.statements.record
    }
}

/// Images by the digests of their indexes and manifests.
pub(crate) struct KnownInputs {
    pub(crate) images: Vec<MemoryImage>,
}

impl Inputs for KnownInputs {
    fn image(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        let has = |image: &&MemoryImage| image.has(&input.digest);
        let image = self.images.iter().find(has);
        Ok(image.map(|image| Box::new(ByDigest { image, digest: input.digest }) as Box<dyn ImageSource>))
    }
}

/// A manifest or index of an image as an image of its own.
struct ByDigest<'a> {
    image: &'a MemoryImage,
    digest: Digest,
}

impl ImageSource for ByDigest<'_> {
    fn reference(&self) -> &str {
        self.image.reference()
    }

    fn root(&self) -> Result<ImageDocument, External> {
        let bytes = self.image.document(&Descriptor::new("", self.digest, 0))?;
        ImageDocument::parse(bytes, None).map_err(|error| External::new("the root cannot be read", error))
    }

    fn document(&self, descriptor: &Descriptor) -> Result<Bytes, External> {
        self.image.document(descriptor)
    }

    fn layer(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + '_>, External> {
        self.image.layer(descriptor)
    }

    fn attachments(&self) -> Option<&dyn Attachments> {
        self.image.attachments()
    }
}
