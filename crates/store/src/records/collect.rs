//! Collecting: what repositories no longer need, decided and forgotten in the same transaction.
//!
//! Every row that a push adds is written in a transaction too, so a collector sees a push wholly or not at all: what
//! it releases, nothing refers to; and what refers to it afterwards is refused until it is pushed again.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, Row as _};
use temper_oci::Digest;

use super::blobs::key_from;
use super::manifests::{digest_from, parse_digest};
use super::{Micros, RecordsError, Repositories, commit, repositories, sql};
use crate::storage::StorageKey;

/// Keys that are looked up by one statement.
const KEYS_MAX: usize = 500;

/// From when on something is kept although nothing refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// Blobs and manifests that were touched since then: the manifest, tag or index that needs them may follow.
    pub young: Micros,
    /// Manifests that were touched since then.
    pub retained: Micros,
    /// The newest manifests, so many of them.
    pub newest: u32,
}

/// What a repository does not need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// The repository.
    pub repository: String,
    /// Manifests with their media types, by digest.
    pub manifests: Vec<(Digest, String)>,
    /// Blobs, by digest, with their sizes in bytes; other repositories may show them.
    pub blobs: Vec<(Digest, u64)>,
}

impl Release {
    /// Says whether everything is needed.
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty() && self.blobs.is_empty()
    }
}

/// A blob that no repository shows, and that the records have forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Number of bytes.
    pub size_bytes: u64,
    /// Where the storage still has them.
    pub storage_key: StorageKey,
}

impl Repositories {
    /// Removes what a repository does not need from it.
    pub async fn release(&self, repository: &str, cutoffs: Cutoffs) -> Result<Release, RecordsError> {
        // Most repositories have nothing to give, and finding that out holds up nobody.
        let mut reader = self.records.read().acquire().await.map_err(sql("find what is not needed"))?;
        let glance = find(&mut reader, repository, cutoffs).await?;
        drop(reader);
        if glance.is_empty() {
            return Ok(glance);
        }
        let mut transaction = self.records.write().await?;
        let release = release(&mut transaction, repository, cutoffs).await?;
        commit(transaction).await?;
        Ok(release)
    }

    /// Forgets the blobs that no repository shows and returns them; their bytes may be removed then.
    pub async fn release_blobs(&self) -> Result<Vec<ReleasedBlob>, RecordsError> {
        let some: Option<String> = sqlx::query_scalar(
            "SELECT digest FROM blobs b WHERE NOT EXISTS \
             (SELECT 1 FROM repository_blobs l WHERE l.digest = b.digest) LIMIT 1",
        )
        .fetch_optional(self.records.read())
        .await
        .map_err(sql("find blobs that nobody shows"))?;
        if some.is_none() {
            return Ok(Vec::new());
        }
        let mut transaction = self.records.write().await?;
        let released = release_blobs(&mut transaction).await?;
        commit(transaction).await?;
        Ok(released)
    }

    /// Tells what [`Self::release`] and [`Self::release_blobs`] would do, by doing it without effect.
    pub async fn preview_release(
        &self,
        rules: &[(String, Cutoffs)],
    ) -> Result<(Vec<Release>, Vec<ReleasedBlob>), RecordsError> {
        let mut transaction = self.records.write_relaxed().await?;
        let mut releases = Vec::new();
        for (repository, cutoffs) in rules {
            releases.push(release(&mut transaction, repository, *cutoffs).await?);
        }
        let blobs = release_blobs(&mut transaction).await?;
        transaction.rollback().await.map_err(sql("roll back"))?;
        Ok((releases, blobs))
    }

    /// Keeps of these keys those that belong neither to a blob nor to an open upload.
    ///
    /// A key is only used after its upload was noted. So whoever lists the storage first and asks here afterwards
    /// learns what nobody owns.
    pub async fn list_unowned(&self, keys: Vec<StorageKey>) -> Result<Vec<StorageKey>, RecordsError> {
        let mut unowned = Vec::new();
        for chunk in keys.chunks(KEYS_MAX) {
            // One statement, because an upload becomes a blob in one step.
            let (keys, ids) = (placeholders(1, chunk.len()), placeholders(chunk.len() + 1, chunk.len()));
            let query = format!(
                "SELECT storage_key FROM blobs WHERE storage_key IN ({keys}) \
                 UNION ALL SELECT id FROM uploads WHERE id IN ({ids})"
            );
            let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
            for name in chunk.iter().map(StorageKey::as_str).chain(chunk.iter().map(StorageKey::upload)) {
                query = query.bind(name);
            }
            let owners: Vec<String> =
                query.fetch_all(self.records.read()).await.map_err(sql("find owners of keys"))?;
            let owners: BTreeSet<&str> = owners.iter().map(String::as_str).collect();
            unowned.extend(
                chunk
                    .iter()
                    .filter(|key| !owners.contains(key.as_str()) && !owners.contains(key.upload()))
                    .cloned(),
            );
        }
        Ok(unowned)
    }
}

/// Writes `count` placeholders of a statement from number `first` on.
pub(super) fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

async fn release(
    connection: &mut AnyConnection,
    repository: &str,
    cutoffs: Cutoffs,
) -> Result<Release, RecordsError> {
    let release = find(&mut *connection, repository, cutoffs).await?;
    let Some(id) = repositories::find(&mut *connection, repository).await? else { return Ok(release) };
    let manifests = release
        .manifests
        .iter()
        .map(|(digest, _)| ("DELETE FROM manifests WHERE repository_id = $1 AND digest = $2", digest));
    let blobs = release
        .blobs
        .iter()
        .map(|(digest, _)| ("DELETE FROM repository_blobs WHERE repository_id = $1 AND digest = $2", digest));
    for (statement, digest) in manifests.chain(blobs) {
        sqlx::query(statement)
            .bind(id)
            .bind(digest.to_string())
            .execute(&mut *connection)
            .await
            .map_err(sql("release"))?;
    }
    Ok(release)
}

async fn release_blobs(connection: &mut AnyConnection) -> Result<Vec<ReleasedBlob>, RecordsError> {
    let rows = sqlx::query(
        "DELETE FROM blobs WHERE NOT EXISTS \
         (SELECT 1 FROM repository_blobs l WHERE l.digest = blobs.digest) \
         RETURNING digest, size_bytes, storage_key",
    )
    .fetch_all(connection)
    .await
    .map_err(sql("release blobs"))?;
    let failed = sql("read blob");
    let blobs = rows.iter().map(|row| {
        Ok(ReleasedBlob {
            digest: digest_from(row, "digest", "blobs.digest")?,
            size_bytes: row.try_get::<i64, _>("size_bytes").map_err(&failed)?.cast_unsigned(),
            storage_key: key_from(row.try_get("storage_key").map_err(&failed)?)?,
        })
    });
    let mut blobs: Vec<_> = blobs.collect::<Result<_, RecordsError>>()?;
    blobs.sort_unstable_by_key(|blob| blob.digest);
    Ok(blobs)
}

async fn find(
    connection: &mut AnyConnection,
    repository: &str,
    cutoffs: Cutoffs,
) -> Result<Release, RecordsError> {
    let repository = repository.to_owned();
    let Some(id) = repositories::find(&mut *connection, &repository).await? else {
        return Ok(Release { repository, ..Release::default() });
    };
    let graph = Graph::read(&mut *connection, id).await?;
    let kept = graph.kept(cutoffs);
    let needed: BTreeSet<Digest> =
        kept.iter().filter_map(|digest| graph.blobs.get(digest)).flatten().copied().collect();
    let links: Vec<(String, i64, Micros)> = sqlx::query_as(
        "SELECT l.digest, b.size_bytes, l.touched_at FROM repository_blobs l \
         JOIN blobs b ON b.digest = l.digest WHERE l.repository_id = $1 ORDER BY l.digest",
    )
    .bind(id)
    .fetch_all(connection)
    .await
    .map_err(sql("list blobs"))?;
    let mut blobs = Vec::new();
    for (digest, size_bytes, touched_at) in links {
        let digest = parse_digest(digest, "repository_blobs.digest")?;
        if touched_at < cutoffs.young && !needed.contains(&digest) {
            blobs.push((digest, size_bytes.cast_unsigned()));
        }
    }
    let nodes = graph.nodes.into_iter().filter(|(digest, _)| !kept.contains(digest));
    let manifests = nodes.map(|(digest, node)| (digest, node.media_type)).collect();
    Ok(Release { repository, manifests, blobs })
}

/// The manifests of a repository and what they refer to.
#[derive(Default)]
struct Graph {
    nodes: BTreeMap<Digest, Node>,
    /// The entries of indexes.
    children: BTreeMap<Digest, Vec<Digest>>,
    /// Blobs by manifest.
    blobs: BTreeMap<Digest, Vec<Digest>>,
    /// Manifests by the subject that they refer to.
    referrers: BTreeMap<Digest, Vec<Digest>>,
}

struct Node {
    media_type: String,
    subject: Option<Digest>,
    touched_at: Micros,
    /// Whether a tag leads to it, or a build that somebody may want to go back to.
    is_held: bool,
}

impl Graph {
    async fn read(connection: &mut AnyConnection, repository_id: i64) -> Result<Self, RecordsError> {
        let mut graph = Self::default();
        let manifests: Vec<(String, String, Option<String>, Micros, i64)> = sqlx::query_as(
            "SELECT digest, media_type, subject, touched_at, (SELECT COUNT(*) FROM tags t \
             WHERE t.repository_id = m.repository_id AND t.digest = m.digest) \
             + (SELECT COUNT(*) FROM builds b JOIN repositories r ON r.name = b.destination \
             WHERE r.id = m.repository_id AND b.digest = m.digest AND b.is_kept = 1) \
             FROM manifests m WHERE repository_id = $1",
        )
        .bind(repository_id)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql("list manifests"))?;
        for (digest, media_type, subject, touched_at, holders) in manifests {
            let digest = parse_digest(digest, "manifests.digest")?;
            let subject = subject.map(|text| parse_digest(text, "manifests.subject")).transpose()?;
            if let Some(subject) = subject {
                graph.referrers.entry(subject).or_default().push(digest);
            }
            graph.nodes.insert(digest, Node { media_type, subject, touched_at, is_held: holders > 0 });
        }
        let references: Vec<(String, String, String)> =
            sqlx::query_as("SELECT digest, target, kind FROM manifest_references WHERE repository_id = $1")
                .bind(repository_id)
                .fetch_all(connection)
                .await
                .map_err(sql("list references"))?;
        for (digest, target, kind) in references {
            let digest = parse_digest(digest, "manifest_references.digest")?;
            let target = parse_digest(target, "manifest_references.target")?;
            let targets = if kind == "manifest" { &mut graph.children } else { &mut graph.blobs };
            targets.entry(digest).or_default().push(target);
        }
        Ok(graph)
    }

    /// Finds what is kept: what tags and kept builds hold, what is young, and the retained ones of the rest.
    fn kept(&self, cutoffs: Cutoffs) -> BTreeSet<Digest> {
        let mut kept = BTreeSet::new();
        self.keep(&mut kept, self.roots(|node| node.is_held));
        let entries: BTreeSet<Digest> = self.children.values().flatten().copied().collect();
        // An attestation is of no use without its subject, and an entry has no rank beside its index.
        let mut rest: Vec<(Micros, Digest)> = self
            .nodes
            .iter()
            .filter(|(digest, node)| {
                node.subject.is_none() && !entries.contains(*digest) && !kept.contains(*digest)
            })
            .map(|(digest, node)| (node.touched_at, *digest))
            .collect();
        rest.sort_unstable_by(|a, b| b.cmp(a));
        let retained = rest
            .into_iter()
            .enumerate()
            .filter(|(rank, (touched_at, _))| {
                *rank < cutoffs.newest as usize || *touched_at >= cutoffs.retained
            })
            .map(|(_, (_, digest))| digest)
            .collect();
        self.keep(&mut kept, retained);
        // An entry whose indexes all go may have been an image of its own until lately.
        let is_retained = |node: &Node| node.subject.is_none() && node.touched_at >= cutoffs.retained;
        self.keep(&mut kept, self.roots(is_retained));
        self.keep(&mut kept, self.roots(|node| node.touched_at >= cutoffs.young));
        kept
    }

    fn roots(&self, is_root: impl Fn(&Node) -> bool) -> Vec<Digest> {
        self.nodes.iter().filter(|(_, node)| is_root(node)).map(|(digest, _)| *digest).collect()
    }

    /// Adds manifests with the entries of their indexes and with what refers to them.
    fn keep(&self, kept: &mut BTreeSet<Digest>, mut waiting: Vec<Digest>) {
        while let Some(digest) = waiting.pop() {
            if self.nodes.contains_key(&digest) && kept.insert(digest) {
                for targets in [&self.children, &self.referrers] {
                    waiting.extend(targets.get(&digest).into_iter().flatten());
                }
            }
        }
    }
}
