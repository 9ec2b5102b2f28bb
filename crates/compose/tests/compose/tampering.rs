//! Tampering as a table: each row changes one file in one place, and verification says which.

use serde_json::Value;
use temper_attest::carrier::{attestation_tag, signature_tag};
use temper_attest::{Envelope, Limits, bundle, dsse, predicate};
use temper_compose::Attachments;
use temper_oci::{Descriptor, Digest, Index, Manifest};

use crate::published::{Published, TAG};
use crate::repository::MemoryRepository;

/// The files of a published image.
#[derive(Clone, Copy, Debug)]
enum File {
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
enum Change {
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

use Change::{Flip, Forged, Lied, NotAtIndex, OtherKey, Remove, Retag, Signed, SwapTags, Unsigned, Untag};
use File::{Attestation, Bundle, Config, Layer, Signature};

const PROVENANCE: &str = predicate::SLSA_PROVENANCE;
const SPDX: &str = predicate::SPDX;
const CYCLONEDX: &str = predicate::CYCLONEDX;
const RECORD: &str = predicate::COMPOSITION;
const SETTINGS: &str = "/buildDefinition/internalParameters/platforms/linux~1amd64";
const HEX: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is changed, and words of the place and of the message that must be told.
fn table() -> Vec<(Change, &'static str, &'static str)> {
    let text = |text: &str| Value::from(text);
    let digest = || Value::from(format!("sha256:{HEX}"));
    let below =
        |rest: &'static str| -> &'static str { Box::leak(format!("{SETTINGS}{rest}").into_boxed_str()) };
    vec![
        // Bytes that are not those of their digest.
        (Flip(Layer(0)), "index, linux/amd64, layer 0", "is damaged"),
        (Flip(Layer(1)), "index, linux/amd64, layer 1", "is damaged"),
        (Flip(Layer(4)), "index, linux/amd64, layer 4", "is damaged"),
        (Flip(Config), "index, linux/amd64, config", "is damaged"),
        (Flip(File::Manifest), "index, linux/amd64", "is damaged"),
        (Flip(File::Index), "", "is damaged"),
        (Flip(Signature), "linux/amd64, signatures and attestations", "is damaged"),
        (Flip(Attestation(SPDX)), "linux/amd64, signatures and attestations", "is damaged"),
        (Flip(Bundle(PROVENANCE)), "linux/amd64, signatures and attestations", "is damaged"),
        // Something is missing.
        (Remove(Layer(2)), "index, linux/amd64, layer 2", "is missing"),
        (Remove(Config), "index, linux/amd64, config", "is missing"),
        (Remove(File::Manifest), "index, linux/amd64", "is missing"),
        (Remove(Signature), "linux/amd64, tag `sha256-", "has no valid signature, which the referrers have"),
        (Remove(Attestation(CYCLONEDX)), "linux/amd64, tag `sha256-", "has no valid CycloneDX SBOM"),
        (Remove(Bundle(RECORD)), "linux/amd64, referrers", "have no valid composition record"),
        (Untag(signature_tag), "linux/amd64, tag `sha256-", "has no valid signature"),
        (Untag(attestation_tag), "linux/amd64, tag `sha256-", "has no valid provenance"),
        // Changes without a key, everything above rewritten.
        (Unsigned(Config, "/config/User", text("0")), "linux/amd64, signature", "nothing is signed"),
        (Unsigned(Config, "/config/Env/0", text("PATH=/tmp")), "index, signature", "nothing is signed"),
        (Unsigned(Config, "/rootfs/diff_ids/0", digest()), "index, linux/amd64, layer 0", "diff id is"),
        (
            Unsigned(Config, "/architecture", text("arm64")),
            "index, linux/amd64, config",
            "platform is `linux/arm64`",
        ),
        (Unsigned(File::Manifest, "/layers/1/digest", digest()), "index, linux/amd64, layer 1", "is missing"),
        (Unsigned(File::Manifest, "/layers/1/size", 1.into()), "index, linux/amd64, layer 1", "size is"),
        (
            Unsigned(File::Manifest, "/annotations", serde_json::json!({"a": "b"})),
            "linux/amd64, signature",
            "nothing is signed",
        ),
        (
            Unsigned(File::Index, "/annotations", serde_json::json!({})),
            "index: annotations.`org.opencontainers.image.base.digest`",
            "it is nothing",
        ),
        (
            Unsigned(File::Index, "/manifests/0/platform/architecture", text("riscv64")),
            "index, linux/riscv64, config",
            "platform is `linux/amd64`",
        ),
        (Unsigned(File::Index, "/manifests/1", Value::Null), "index, signature", "nothing is signed"),
        // Signed documents that were changed afterwards.
        (
            Forged(Attestation(SPDX), "/packages/0/name", text("other")),
            "linux/amd64, tag `sha256-",
            "has no valid SPDX SBOM",
        ),
        (
            Forged(Bundle(SPDX), "/packages/0/name", text("other")),
            "linux/amd64, referrers",
            "have no valid SPDX SBOM",
        ),
        (
            Forged(Bundle(PROVENANCE), "/runDetails/builder/id", text("other")),
            "linux/amd64, referrers",
            "have no valid provenance",
        ),
        (
            Forged(Attestation(RECORD), "/environment/0/value", text("/tmp")),
            "linux/amd64, tag `sha256-",
            "has no valid composition record",
        ),
        (
            Forged(Attestation(predicate::OPENVEX), "/author", text("other")),
            "linux/amd64, tag `sha256-",
            "has no valid OpenVEX statement",
        ),
        // Things in the wrong place.
        (SwapTags(attestation_tag), "linux/amd64, legacy tags, blob `sha256:", "statement is about"),
        (SwapTags(signature_tag), "linux/arm64, legacy tags, blob `sha256:", "is about"),
        (Retag(base), "index, signature", "nothing is signed"),
        (
            Retag(other_image),
            "tag `1_test`, provenance: externalParameters.target.tags",
            "the build of this one gave `2_test`",
        ),
        (OtherKey, "index, signature", "it has no signature by the key `sha256:"),
        // A builder that holds the key, and lies.
        (
            Signed(PROVENANCE, "/buildDefinition/externalParameters/document", Some(text("name: other\n"))),
            "index, provenance",
            "does not have the digest that is listed for it",
        ),
        (
            Signed(PROVENANCE, "/buildDefinition/externalParameters/more", Some(text("x"))),
            "index, provenance",
            "cannot be read",
        ),
        (
            Signed(PROVENANCE, "/buildDefinition/internalParameters/baseName", Some(text("x"))),
            "index: annotations.`org.opencontainers.image.base.name`",
            "the provenance says `x`",
        ),
        (
            Signed(PROVENANCE, "/buildDefinition/resolvedDependencies/1/digest/sha256", Some(text(HEX))),
            "base.digest`",
            "the provenance says `sha256:0000",
        ),
        (
            Signed(PROVENANCE, below("/layerKeys/0"), None),
            "linux/amd64, manifest: layers",
            "2 layers are below those that were added, the base has 1",
        ),
        (
            Signed(PROVENANCE, below("/install/0/version"), Some(text("9"))),
            "linux/amd64, package database",
            "base and provenance say 9",
        ),
        (
            Signed(PROVENANCE, below("/install/0"), None),
            "linux/amd64, package database",
            "is neither the base's nor in the provenance",
        ),
        (
            Signed(PROVENANCE, below("/install/0/digest"), Some(digest())),
            "linux/amd64, provenance: internalParameters.platforms.install",
            "the archive lists `libjq1 1.7-1` with the digest",
        ),
        (
            Signed(
                PROVENANCE,
                below("/remove"),
                Some(serde_json::json!([{"name": "base-files", "version": "13", "architecture": "amd64"}])),
            ),
            "linux/amd64, package database",
            "`base-files 13` is neither the base's nor in the provenance",
        ),
        (
            Signed(PROVENANCE, SETTINGS, None),
            "linux/amd64, provenance: internalParameters.platforms",
            "it does not name the platform",
        ),
        (
            Signed(SPDX, "/packages/2/versionInfo", Some(text("9"))),
            "linux/amd64, SPDX SBOM: packages[2].versionInfo",
            "it is `9`, the package URL says",
        ),
        (Signed(SPDX, "/packages/2", None), "linux/amd64, SPDX SBOM: packages", "of the image is missing"),
        (
            Signed(CYCLONEDX, "/components/1/purl", Some(text("pkg:deb/debian/evil@1?arch=all"))),
            "linux/amd64, CycloneDX SBOM: components",
            "the image does not have `evil 1`",
        ),
        (
            Signed(RECORD, "/environment/0/value", Some(text("/tmp"))),
            "linux/amd64, composition record: environment",
            "the config says",
        ),
        (
            Signed(RECORD, "/platform", Some(text("linux/arm64"))),
            "linux/amd64, composition record: platform",
            "it is `linux/arm64`",
        ),
        (
            Signed(RECORD, "/user/value", Some(text("0"))),
            "linux/amd64, composition record: user",
            "it is `0`",
        ),
        (
            Signed(RECORD, "/users/0/id", Some(7.into())),
            "linux/amd64, composition record: users[0]",
            "it is `root 7`",
        ),
        (
            Signed(RECORD, "/groups/0", None),
            "linux/amd64, composition record: groups[0]",
            "`/etc/group` says `root 0`",
        ),
        (Lied(RECORD, other_package), "linux/amd64, composition record: origins", "is not in the provenance"),
        (
            Lied(RECORD, other_artifact),
            "linux/amd64, composition record: origins",
            "is not in the provenance",
        ),
        (
            Lied(RECORD, own_as_base),
            "linux/amd64, composition record: `/srv/own`",
            "is of another origin than the record says",
        ),
        (
            Lied(RECORD, listed_twice),
            "linux/amd64, composition record: `/usr/bin/app`",
            "it has several origins",
        ),
        (Lied(SPDX, other_file), "linux/amd64, SPDX SBOM: packages[", "has another digest"),
        (Lied(CYCLONEDX, other_file), "linux/amd64, CycloneDX SBOM: components[", "has another digest"),
        (Lied(PROVENANCE, other_base), "linux/amd64, manifest: layers[0]", "is not the base's"),
        (NotAtIndex(SPDX), "index, SPDX SBOM", "that of `linux/arm64` is not attached to the index"),
        (
            Signed(RECORD, "/origins/0/others", Some(serde_json::json!(["/nowhere"]))),
            "linux/amd64, composition record: `/bin`",
            "the image has it, the record does not",
        ),
    ]
}

#[test]
fn every_change_is_found_where_it_is() {
    let published = Published::new(true);
    let before = published.verify(&published.repository).expect("can be read");
    assert!(before.is_verified(), "{:#?}", before.failed);
    let table = table();
    assert!(table.len() >= 30);
    let mut wrong = Vec::new();
    for (change, at, message) in table {
        let repository = apply(&published, &change);
        match published.verify(&repository) {
            // Without its root there is no image that a report could be about.
            Err(error) if at.is_empty() && error.contains(message) => {}
            Err(error) => wrong.push(format!("{change:?}: {error}")),
            Ok(report) => {
                let is_told = |failed: &temper_compose::verify::Failed| {
                    failed.at.contains(at) && failed.message.contains(message)
                };
                if !report.failed.iter().any(is_told) {
                    wrong.push(format!("{change:?}\n  wanted {at}: {message}\n  told {:#?}", report.failed));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn apply(published: &Published, change: &Change) -> MemoryRepository {
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
fn edit(document: &mut Value, pointer: &str, value: Option<&Value>) {
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

fn base(published: &Published, repository: &MemoryRepository) {
    let base = published.workshop.base.as_ref().expect("there is one");
    base.put(repository, TAG);
}

/// The same key signed this one, for another tag.
fn other_image(published: &Published, repository: &MemoryRepository) {
    let other = published.publish_changed(|statement| {
        if statement.predicate_type == PROVENANCE {
            let tags = "/buildDefinition/externalParameters/target/tags";
            edit(&mut statement.predicate, tags, Some(&serde_json::json!(["2_test"])));
        }
    });
    repository.replace(&other);
}

/// The first group of paths of an origin in a composition record.
fn group<'a>(record: &'a mut Value, origin: &str) -> &'a mut Value {
    let groups = record["origins"].as_array_mut().expect("is a list");
    groups.iter_mut().find(|group| group["origin"] == origin).unwrap_or_else(|| panic!("{origin} is there"))
}

fn other_package(record: &mut Value) {
    group(record, "package")["package"] = "evil 1".into();
}

fn other_artifact(record: &mut Value) {
    group(record, "artifact")["digest"] = format!("sha256:{HEX}").into();
}

/// The document's file is said to be the base's.
fn own_as_base(record: &mut Value) {
    let digest = group(record, "document")["files"].as_object_mut().expect("has files").remove("/srv/own");
    group(record, "base")["files"]["/srv/own"] = digest.expect("is there");
}

fn listed_twice(record: &mut Value) {
    group(record, "document")["files"]["/usr/bin/app"] = HEX.into();
}

/// Another digest of the first added file.
fn other_file(document: &mut Value) {
    let is_spdx = document["packages"].is_array();
    let list = document[if is_spdx { "packages" } else { "components" }].as_array_mut().expect("is a list");
    let file = list.iter_mut().find(|one| one["name"] == "/srv/own").expect("is listed");
    if is_spdx {
        file["checksums"][0]["checksumValue"] = HEX.into();
    } else {
        file["hashes"][0]["content"] = HEX.into();
    }
}

/// The artifact's manifests in the place of the base's.
fn other_base(provenance: &mut Value) {
    let dependencies =
        provenance["buildDefinition"]["resolvedDependencies"].as_array_mut().expect("is a list");
    let platform = |one: &Value, role: &str| {
        (one["annotations"]["role"] == role).then(|| one["annotations"]["platform"].clone())
    };
    let artifacts: Vec<(Value, Value)> = dependencies
        .iter()
        .filter_map(|one| Some((platform(one, "artifact")?, one["digest"].clone())))
        .collect();
    for one in dependencies {
        let Some(platform) = platform(one, "base").filter(|platform| !platform.is_null()) else { continue };
        let found = artifacts.iter().find(|(own, _)| *own == platform).expect("has the platform");
        one["digest"] = found.1.clone();
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
