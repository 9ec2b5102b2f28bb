//! Changes of a published image: of bytes, of documents, of signed documents, of tags.

use serde_json::Value;
use temper_attest::carrier::{attestation_tag, signature_tag};
use temper_attest::{Envelope, Limits, bundle, dsse};
use temper_compose::Attachments;
use temper_oci::{Descriptor, Digest, Index, Manifest};

use crate::published::{Published, TAG};
use crate::repository::MemoryRepository;

use Change::{Flip, Forged, Lied, NotAtIndex, OtherKey, Remove, Retag, Signed, SwapTags, Unsigned, Untag};

/// The files of a published image.
#[derive(Clone, Copy, Debug)]
pub(super) enum File {
    Index,
    Manifest,
    Config,
    /// By its position, from the lowest.
    Layer(usize),
    /// The payload of the legacy signature of amd64's manifest.
    Signature,
    /// The legacy attestation of a type at amd64's manifest.
    Attestation(&'static str),
    /// The bundle of a type at amd64's manifest.
    Bundle(&'static str),
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A bit of the bytes, under the same digest.
    Flip(File),
    /// Takes the bytes away; what names them stays.
    Remove(File),
    /// A field of a document, with everything above written anew and the tags moved: what one can do without a key.
    Unsigned(File, &'static str, Value),
    /// A field of a signed statement, the signature left as it was, everything above written anew.
    Forged(File, &'static str, Value),
    /// A field of a statement, signed by the key itself: a builder that lies.
    Signed(&'static str, &'static str, Option<Value>),
    /// A tag is removed.
    Untag(fn(Digest) -> String),
    /// The tags of the two platforms are exchanged.
    SwapTags(fn(Digest) -> String),
    /// Statements as the key signed them, changed by code.
    Lied(&'static str, fn(&mut Value)),
    /// A statement that the index does not carry, though a platform does.
    NotAtIndex(&'static str),
    /// The image's tag names something else.
    Retag(fn(&Published, &MemoryRepository)),
    /// Everything is signed, by another key.
    OtherKey,
}

/// Makes a change, and returns the repository with it.
pub(super) fn apply(published: &Published, change: &Change) -> MemoryRepository {
    let fork = published.repository.fork();
    let tampered = Tampered { published, repository: &fork };
    match change {
        Flip(file) => fork.flip(&tampered.find(*file)),
        Remove(file) => fork.remove(&tampered.find(*file)),
        Unsigned(file, pointer, value) => tampered.rewrite(*file, pointer, value),
        Forged(file, pointer, value) => tampered.forge(*file, pointer, value),
        Signed(kind, pointer, value) => {
            return published.publish_changed(|statement| {
                if statement.predicate_type == *kind {
                    edit(&mut statement.predicate, pointer, value.as_ref());
                }
            });
        }
        Lied(kind, change) => {
            return published.publish_changed(|statement| {
                if statement.predicate_type == *kind {
                    change(&mut statement.predicate);
                }
            });
        }
        NotAtIndex(kind) => {
            let mut statements = published.statements.clone();
            let last = statements.index.iter().rposition(|statement| statement.predicate_type == *kind);
            statements.index.remove(last.expect("it is stated"));
            let other = MemoryRepository::new(true);
            published.publish(&statements, &other, 1);
            return other;
        }
        Untag(tag) => fork.untag(&tag(tampered.manifest())),
        SwapTags(tag) => {
            let (one, other) = (tag(tampered.manifest()), tag(tampered.digest_of("arm64")));
            let (first, second) = (fork.named(&one), fork.named(&other));
            fork.set_tag(&one, second);
            fork.set_tag(&other, first);
        }
        Retag(retag) => retag(published, &fork),
        OtherKey => {
            let other = MemoryRepository::new(true);
            published.publish(&published.statements, &other, 2);
            return other;
        }
    }
    fork
}

/// Sets a field, or removes it; one that a pointer names too much of is added.
pub(super) fn edit(document: &mut Value, pointer: &str, value: Option<&Value>) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    let name = name.replace("~1", "/");
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("`{parent}` of `{pointer}` is there"));
    match (parent, value) {
        (Value::Object(fields), Some(value)) => drop(fields.insert(name, value.clone())),
        (Value::Object(fields), None) => drop(fields.remove(&name).expect("the field is there")),
        (Value::Array(items), value) => {
            let position: usize = name.parse().expect("an element has a number");
            match value {
                Some(value) if !value.is_null() => items[position] = value.clone(),
                _ => drop(items.remove(position)),
            }
        }
        (other, _) => panic!("`{other}` has no fields"),
    }
}

/// A repository that is being changed.
struct Tampered<'a> {
    published: &'a Published,
    repository: &'a MemoryRepository,
}

impl Tampered<'_> {
    fn digest_of(&self, architecture: &str) -> Digest {
        self.published.outcome.on(architecture).manifest.descriptor.digest
    }

    /// The digest of amd64's manifest.
    fn manifest(&self) -> Digest {
        self.digest_of("amd64")
    }

    fn find(&self, file: File) -> Digest {
        let manifest = self.published.outcome.amd64().manifest;
        match file {
            File::Index => self.published.outcome.digest(),
            File::Manifest => manifest.descriptor.digest,
            File::Config => manifest.config.digest,
            File::Layer(position) => manifest.layers[position].digest,
            File::Signature => {
                let signatures = self.tagged(&signature_tag(self.manifest()));
                signatures.layers[0].digest
            }
            File::Attestation(kind) => {
                let attestations = self.tagged(&attestation_tag(self.manifest()));
                let is_meant = |layer: &&Descriptor| layer.annotations["predicateType"] == kind;
                attestations.layers.iter().find(is_meant).expect("is attached").digest
            }
            File::Bundle(kind) => self.bundle(kind).1.layers[0].digest,
        }
    }

    fn tagged(&self, tag: &str) -> Manifest {
        self.read(&self.repository.named(tag).digest)
    }

    fn read(&self, digest: &Digest) -> Manifest {
        serde_json::from_slice(&self.repository.bytes(digest)).expect("is a manifest")
    }

    fn bundle(&self, kind: &str) -> (Descriptor, Manifest) {
        let listed = self.repository.referrers(&self.manifest()).expect("can be listed").expect("are listed");
        let is_meant = |entry: &Descriptor| {
            entry.annotations.get("dev.sigstore.bundle.predicateType").is_some_and(|own| own == kind)
        };
        let found = listed.into_iter().find(is_meant).expect("is attached");
        let manifest = self.read(&found.digest);
        (found, manifest)
    }

    /// Changes a field of config, manifest or index, writes everything above anew, and moves the tag.
    fn rewrite(&self, file: File, pointer: &str, value: &Value) {
        let outcome = &self.published.outcome;
        let amd64 = outcome.amd64().manifest;
        let change = |digest: &Digest, pointer: &str, value: &Value| {
            let mut document: Value =
                serde_json::from_slice(&self.repository.bytes(digest)).expect("is JSON");
            edit(&mut document, pointer, Some(value));
            document.to_string().into_bytes()
        };
        let mut manifest = self.repository.bytes(&amd64.descriptor.digest);
        match file {
            File::Config => {
                let bytes = change(&amd64.config.digest, pointer, value);
                let config = self.repository.add(&amd64.config.media_type, &bytes);
                let mut document: Manifest = serde_json::from_slice(&manifest).expect("is a manifest");
                document.config = config;
                manifest = document.to_bytes();
            }
            File::Manifest => manifest = change(&amd64.descriptor.digest, pointer, value),
            _ => {}
        }
        let new = self.repository.add(&amd64.descriptor.media_type, &manifest);
        let mut index: Index =
            serde_json::from_slice(&self.repository.bytes(&outcome.digest())).expect("is an index");
        for entry in index.manifests.iter_mut().filter(|entry| entry.digest == amd64.descriptor.digest) {
            (entry.digest, entry.size) = (new.digest, new.size);
        }
        let mut index = index.to_bytes();
        if matches!(file, File::Index) {
            index = change(&outcome.digest(), pointer, value);
        }
        let index = self.repository.add(&outcome.image.index.media_type, &index);
        self.repository.set_tag(TAG, index);
    }

    /// Changes a field of a predicate inside of its signed envelope, and writes everything above anew.
    fn forge(&self, file: File, pointer: &str, value: &Value) {
        let blob = self.find(file);
        let bytes = self.repository.bytes(&blob);
        let mut document: Value = serde_json::from_slice(&bytes).expect("is JSON");
        let is_bundle = matches!(file, File::Bundle(_));
        let envelope = if is_bundle { &mut document["dsseEnvelope"] } else { &mut document };
        let parsed =
            Envelope::parse(envelope.to_string().as_bytes(), &Limits::default()).expect("is an envelope");
        let mut statement: Value = serde_json::from_slice(&parsed.payload).expect("is a statement");
        edit(&mut statement, &format!("/predicate{pointer}"), Some(value));
        let forged = Envelope { payload: statement.to_string().into_bytes(), ..parsed };
        *envelope = serde_json::from_slice(&forged.to_bytes()).expect("is JSON");
        let kind = if is_bundle { bundle::MEDIA_TYPE } else { dsse::MEDIA_TYPE };
        let new = self.repository.add(kind, document.to_string().as_bytes());
        let replace = |manifest: &mut Manifest| {
            for layer in manifest.layers.iter_mut().filter(|layer| layer.digest == blob) {
                (layer.digest, layer.size) = (new.digest, new.size);
            }
        };
        if let File::Bundle(kind) = file {
            let (old, mut manifest) = self.bundle(kind);
            replace(&mut manifest);
            self.repository.remove(&old.digest);
            self.repository.add(manifest.media_type(), &manifest.to_bytes());
        } else {
            let tag = attestation_tag(self.manifest());
            let mut manifest = self.tagged(&tag);
            replace(&mut manifest);
            let manifest = self.repository.add(manifest.media_type(), &manifest.to_bytes());
            self.repository.set_tag(&tag, manifest);
        }
    }
}
