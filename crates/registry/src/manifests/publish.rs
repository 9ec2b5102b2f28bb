//! Publishing: manifests and tags that become visible in one step, for clients and for the program itself.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use bytes::Bytes;
use temper_oci::document::{DocumentError, ImageDocument, is_image_document};
use temper_oci::media_type::{Role, role};
use temper_oci::{Descriptor, Digest};
use temper_store::records::{ManifestRecord, NewManifest, Publication, RecordsError, TagMove};

use crate::error::RegistryError;
use crate::events::{Author, Change, Events};
use crate::limits::Limits;
use crate::name::RepositoryName;
use crate::registry::Registry;

/// What is pushed together.
#[derive(Clone, Debug, Default)]
pub struct Push {
    /// Manifests, children before the indexes that name them.
    pub manifests: Vec<ManifestPush>,
}

/// One manifest of a push.
#[derive(Clone, Debug)]
pub struct ManifestPush {
    /// Its bytes.
    pub bytes: Bytes,
    /// The media type that it was sent with; must agree with its own.
    pub media_type: Option<String>,
    /// The digest that its bytes must have; SHA-256 where none is given.
    pub digest: Option<Digest>,
    /// The tags that shall point to it.
    pub tags: Vec<String>,
}

/// Checks and keeps a push, then tells the watchers.
pub(crate) async fn publish(
    registry: &Registry,
    repository: &RepositoryName,
    author: &Author,
    push: Push,
) -> Result<Vec<ManifestRecord>, RegistryError> {
    let mut publication = Publication::default();
    for pushed in push.manifests {
        let manifest = read(&pushed, registry.limits())?;
        let digest = manifest.record.digest;
        publication.manifests.push(manifest);
        publication.tags.extend(pushed.tags.into_iter().map(|tag| (tag, digest)));
    }
    let policy = registry.policy(repository).await?;
    let (immutable, quotas) = (&policy.immutable_tags, policy.quotas(repository));
    let names = publication.tags.iter().map(|(tag, _)| tag);
    publication.fixed_tags = names.filter(|tag| immutable.holds(tag)).cloned().collect();
    let repositories = registry.repositories();
    let moves = repositories
        .publish(repository.as_str(), &publication, &quotas, registry.now())
        .await
        .map_err(|error| match error {
            RecordsError::MissingReferences { digests, .. } => {
                RegistryError::ManifestReferences { repository: repository.clone(), digests }
            }
            error => error.into(),
        })?;
    let records: Vec<_> = publication.manifests.into_iter().map(|manifest| manifest.record).collect();
    tell(registry.events(), repository, author, &records, moves);
    Ok(records)
}

fn tell(
    events: &Events,
    repository: &RepositoryName,
    author: &Author,
    records: &[ManifestRecord],
    moves: Vec<TagMove>,
) {
    for ManifestRecord { digest, media_type, subject, .. } in records.iter().cloned() {
        events.send(repository, author, Change::ManifestPushed { digest, media_type, subject });
    }
    for TagMove { tag, from: old, to: digest } in
        moves.into_iter().filter(|moved| moved.from != Some(moved.to))
    {
        let record = records.iter().find(|record| record.digest == digest);
        let media_type = record.map_or_else(String::new, |record| record.media_type.clone());
        events.send(repository, author, Change::TagMoved { tag, old, digest, media_type });
    }
}

/// Reads what the records keep of a manifest.
fn read(pushed: &ManifestPush, limits: &Limits) -> Result<NewManifest, RegistryError> {
    let expected = pushed.digest.unwrap_or_else(|| Digest::of(&pushed.bytes));
    let mut hasher = expected.hasher();
    hasher.update(&pushed.bytes);
    let digest = hasher.finish();
    if digest != expected {
        return Err(RegistryError::DigestMismatch { expected: expected.into(), actual: digest.into() });
    }
    let document =
        ImageDocument::parse_with_foreign_layers(pushed.bytes.clone(), pushed.media_type.as_deref())
            .map_err(|error| invalid(&error))?;
    let media_type = document.media_type().to_owned();
    let Named { blobs, foreign, manifests } = named(&document);
    if blobs.len() + foreign.len() + manifests.len() > limits.manifest_references_max {
        let limit = limits.manifest_references_max;
        return Err(RegistryError::ManifestInvalid(format!(
            "it names more than {limit} blobs and manifests"
        )));
    }
    let (artifact_type, subject, annotations) = match &document {
        ImageDocument::Index(index) => (index.artifact_type.clone(), &index.subject, &index.annotations),
        ImageDocument::Manifest(manifest) => {
            let artifact_type = manifest.artifact_type.clone().filter(|text| !text.is_empty());
            let artifact_type = artifact_type.unwrap_or_else(|| manifest.config.media_type.clone());
            (Some(artifact_type), &manifest.subject, &manifest.annotations)
        }
    };
    check_subject(subject.as_ref())?;
    let annotations_bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if subject.is_some() && annotations_bytes > limits.referrer_annotations_bytes_max {
        let limit = limits.referrer_annotations_bytes_max as u64;
        return Err(RegistryError::TooLarge { what: "annotations of a referrer", limit });
    }
    let record = ManifestRecord {
        digest,
        media_type,
        size_bytes: pushed.bytes.len() as u64,
        subject: subject.as_ref().map(|subject| subject.digest),
        artifact_type: artifact_type.filter(|text| !text.is_empty()),
        annotations: if subject.is_some() { annotations.clone() } else { BTreeMap::new() },
    };
    Ok(NewManifest { record, content: pushed.bytes.clone(), blobs, foreign, manifests })
}

/// What a document names.
struct Named {
    /// Blobs that must be there first, with their sizes.
    blobs: Vec<(Digest, u64)>,
    /// Layers that their owner serves.
    foreign: Vec<Digest>,
    /// Manifests that must be there first, with their sizes.
    manifests: Vec<(Digest, u64)>,
}

/// Sorts what a document names; build caches are indexes of blobs, so media types tell.
fn named(document: &ImageDocument) -> Named {
    let (foreign, held): (Vec<_>, Vec<_>) =
        document.children().into_iter().partition(|child| role(&child.media_type) == Role::ForeignLayer);
    let (manifests, blobs): (Vec<_>, Vec<_>) = match document {
        ImageDocument::Index(_) => held.into_iter().partition(|child| is_image_document(&child.media_type)),
        ImageDocument::Manifest(_) => (Vec::new(), held),
    };
    // One digest may be named many times: an index of platforms that share an image, for example.
    let distinct = |children: Vec<&Descriptor>| {
        let distinct: BTreeSet<_> = children.into_iter().map(|child| (child.digest, child.size)).collect();
        distinct.into_iter().collect::<Vec<_>>()
    };
    let foreign = distinct(foreign).into_iter().map(|(digest, _)| digest).collect();
    Named { blobs: distinct(blobs), foreign, manifests: distinct(manifests) }
}

/// A subject is a manifest, never a blob.
fn check_subject(subject: Option<&Descriptor>) -> Result<(), RegistryError> {
    match subject.map(|subject| (role(&subject.media_type), &subject.media_type)) {
        Some((Role::Layer(_) | Role::Config | Role::ForeignLayer, media_type)) => {
            Err(RegistryError::ManifestInvalid(format!("its subject is a `{media_type}`, not a manifest")))
        }
        _ => Ok(()),
    }
}

/// Joins the causes, since a client shows one message only.
fn invalid(error: &DocumentError) -> RegistryError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        text = format!("{text}; {hint}");
    }
    RegistryError::ManifestInvalid(text)
}
