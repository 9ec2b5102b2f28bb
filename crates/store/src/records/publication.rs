//! Publications: manifests and tags that become visible together.
//!
//! The one way in which manifests get into a repository, for the distribution server and for builds inside the
//! process alike. Their blobs must be in the repository before.

use std::collections::BTreeSet;

use bytes::Bytes;
use sqlx::AnyConnection;
use temper_oci::Digest;

use super::quota::Meter;
use super::{
    ManifestRecord, Micros, Quota, RecordsError, Repositories, WrongSize, commit, repositories, sql,
    storable, tags,
};

/// How many missing references one error names.
const MISSING_MAX: usize = 16;

/// A manifest with what it needs to be complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewManifest {
    /// What is kept of it.
    pub record: ManifestRecord,
    /// Its bytes.
    pub content: Bytes,
    /// Blobs that the repository must show, with their sizes in bytes: config and layers.
    pub blobs: Vec<(Digest, u64)>,
    /// Blobs that the repository keeps if it has them: layers that their owner serves.
    pub foreign: Vec<Digest>,
    /// Manifests that the repository must have, with their sizes in bytes: the entries of an index.
    pub manifests: Vec<(Digest, u64)>,
}

/// What becomes visible in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// Manifests, children before the indexes that name them.
    pub manifests: Vec<NewManifest>,
    /// Tags with the manifests that they shall point to.
    pub tags: Vec<(String, Digest)>,
    /// Those of `tags` that may only be put where they are not yet, or already point there.
    pub fixed_tags: BTreeSet<String>,
}

/// A tag that was put or moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagMove {
    /// The tag.
    pub tag: String,
    /// Where it pointed before, if it was there.
    pub from: Option<Digest>,
    /// Where it points now, perhaps as before.
    pub to: Digest,
}

impl Repositories {
    /// Makes everything of `publication` visible in one transaction, or nothing of it.
    ///
    /// Tags move last. Doing it twice is harmless. Returns where the tags were and are, in the order given.
    pub async fn publish(
        &self,
        repository: &str,
        publication: &Publication,
        quotas: &[Quota],
        at: Micros,
    ) -> Result<Vec<TagMove>, RecordsError> {
        let mut transaction = self.records.write().await?;
        let meter = Meter::begin(&mut transaction, quotas).await?;
        let id = repositories::ensure(&mut transaction, repository, at).await?;
        for manifest in &publication.manifests {
            check_references(&mut transaction, (id, repository), manifest).await?;
            add_manifest(&mut transaction, id, manifest, at).await?;
        }
        meter.end(&mut transaction).await?;
        let mut moves = Vec::with_capacity(publication.tags.len());
        for (tag, to) in &publication.tags {
            let from = tags::find(&mut transaction, id, tag).await?;
            if let Some(digest) = from.filter(|from| from != to && publication.fixed_tags.contains(tag)) {
                let (repository, tag) = (repository.to_owned(), tag.clone());
                return Err(RecordsError::FixedTag { repository, tag, digest });
            }
            tags::point(&mut transaction, (id, repository), tag, *to, at).await?;
            moves.push(TagMove { tag: tag.clone(), from, to: *to });
        }
        commit(transaction).await?;
        Ok(moves)
    }
}

async fn check_references(
    connection: &mut AnyConnection,
    (repository_id, repository): (i64, &str),
    manifest: &NewManifest,
) -> Result<(), RecordsError> {
    const BLOB: &str = "SELECT b.size_bytes FROM repository_blobs l JOIN blobs b ON b.digest = l.digest \
         WHERE l.repository_id = $1 AND l.digest = $2 AND b.damaged_at IS NULL";
    const MANIFEST: &str = "SELECT size_bytes FROM manifests WHERE repository_id = $1 AND digest = $2";
    let blobs = manifest.blobs.iter().map(|named| (BLOB, named));
    let manifests = manifest.manifests.iter().map(|named| (MANIFEST, named));
    let (mut missing, mut wrong) = (Vec::new(), None);
    for (query, &(digest, stated_bytes)) in blobs.chain(manifests) {
        let found: Option<i64> = sqlx::query_scalar(query)
            .bind(repository_id)
            .bind(digest.to_string())
            .fetch_optional(&mut *connection)
            .await
            .map_err(sql("check references"))?;
        match found.map(i64::cast_unsigned) {
            None if !missing.contains(&digest) => missing.push(digest),
            Some(size_bytes) if size_bytes != stated_bytes => {
                wrong.get_or_insert(WrongSize { digest, stated_bytes, size_bytes });
            }
            _ => {}
        }
        if missing.len() == MISSING_MAX {
            break;
        }
    }
    if !missing.is_empty() {
        return Err(RecordsError::MissingReferences { repository: repository.to_owned(), digests: missing });
    }
    wrong.map_or(Ok(()), |wrong| Err(RecordsError::WrongSize(Box::new(wrong))))
}

async fn add_manifest(
    connection: &mut AnyConnection,
    repository_id: i64,
    manifest: &NewManifest,
    at: Micros,
) -> Result<(), RecordsError> {
    let record = &manifest.record;
    let annotations = record
        .subject
        .filter(|_| !record.annotations.is_empty())
        .map(|_| serde_json::to_string(&record.annotations).expect("a map of strings is JSON"));
    // The same bytes pushed again correct the media type that they were pushed with, and damage.
    sqlx::query(
        "INSERT INTO manifests \
         (repository_id, digest, media_type, size_bytes, subject, artifact_type, annotations, touched_at, content) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (repository_id, digest) \
         DO UPDATE SET media_type = excluded.media_type, touched_at = excluded.touched_at, \
         content = excluded.content",
    )
    .bind(repository_id)
    .bind(record.digest.to_string())
    .bind(&record.media_type)
    .bind(record.size_bytes.cast_signed())
    .bind(record.subject.map(|digest| digest.to_string()))
    .bind(record.artifact_type.as_deref().map(|text| storable(text).into_owned()))
    .bind(annotations)
    .bind(at)
    .bind(&manifest.content[..])
    .execute(&mut *connection)
    .await
    .map_err(sql("add manifest"))?;
    let blobs = manifest.blobs.iter().map(|(digest, _)| (digest, "blob"));
    let manifests = manifest.manifests.iter().map(|(digest, _)| (digest, "manifest"));
    let foreign = manifest.foreign.iter().map(|digest| (digest, "foreign"));
    for (target, kind) in blobs.chain(manifests).chain(foreign) {
        sqlx::query(
            "INSERT INTO manifest_references (repository_id, digest, target, kind) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (repository_id, digest, target) DO NOTHING",
        )
        .bind(repository_id)
        .bind(record.digest.to_string())
        .bind(target.to_string())
        .bind(kind)
        .execute(&mut *connection)
        .await
        .map_err(sql("add reference"))?;
    }
    Ok(())
}
