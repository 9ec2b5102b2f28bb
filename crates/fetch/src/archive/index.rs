//! Package indexes: chosen from a release, fetched by digest, verified, decompressed, cached.
//!
//! Archives compress for small downloads, which makes reading slow. So the cache keeps the text in a form that is
//! read several times as fast, and verifies it against the digest that the release has for the text itself.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{StreamExt, TryStreamExt, iter};
use reqwest::header::HeaderMap;
use temper_deb::release::ReleaseFile;
use temper_oci::Digest;

use crate::http::{display_url, read_body};

use super::disk;
use super::request::{self, Attempts};
use super::{ArchiveClient, ArchiveError, SuiteRelease};

/// The text of one `Packages` index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagesText {
    /// Component, `main`.
    pub component: String,
    /// Architecture, `amd64`; `all` where the suite keeps those packages apart.
    pub architecture: String,
    /// The index, stanzas as they stand.
    pub text: String,
}

/// Forms of an index, the best first.
const FORMS: [(&str, Form); 4] =
    [(".xz", Form::Xz), (".zst", Form::Zstd), (".gz", Form::Gzip), ("", Form::Plain)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Xz,
    Zstd,
    Gzip,
    Plain,
}

/// An index that a release lists.
#[derive(Clone, Debug)]
struct Listed {
    /// Path below the suite's folder.
    path: String,
    form: Form,
    size: u64,
    digest: Digest,
    /// Size and digest of the text, which is listed even where it is not offered.
    text: Option<(u64, Digest)>,
}

/// Indexes that are fetched and read at once.
const INDEXES_AT_ONCE: usize = 4;

/// Level of the cache's own compression: the fastest.
const CACHE_LEVEL: i32 = 1;

impl ArchiveClient {
    /// Returns the package indexes of a release for some architectures, in the order of the source's components.
    pub(super) async fn packages(
        &self,
        release: &SuiteRelease,
        architectures: &[String],
    ) -> Result<Vec<PackagesText>, ArchiveError> {
        let mut wanted = Vec::new();
        for component in &release.source.components {
            for architecture in architectures {
                wanted.push((component, architecture.as_str(), find(release, component, architecture)?));
            }
            if release.release.has_separate_all && !architectures.iter().any(|name| name == "all") {
                // A component without such packages need not have the index.
                wanted.extend(find(release, component, "all").ok().map(|listed| (component, "all", listed)));
            }
        }
        let texts: Vec<_> = wanted
            .into_iter()
            .map(async |(component, architecture, listed)| {
                let (component, architecture) = (component.clone(), architecture.to_owned());
                Ok(PackagesText { component, architecture, text: self.index_text(release, listed).await? })
            })
            .collect();
        iter(texts).buffered(INDEXES_AT_ONCE).try_collect().await
    }

    /// Returns the verified text of an index, from the cache or the archive.
    async fn index_text(&self, release: &SuiteRelease, listed: Listed) -> Result<String, ArchiveError> {
        let limit = self.config.limits.index_text_bytes_max;
        let path = cache_file(&self.config.cache_folder, &listed);
        let (file, wanted) = (path.clone(), listed.clone());
        if let Some(text) = blocking(move || read_cached(&file, &wanted, limit)).await? {
            return Ok(text);
        }
        if release.is_offline {
            let (suite, digest) = (release.source.suite.clone(), listed.digest);
            return Err(ArchiveError::IndexOffline { suite, digest });
        }
        let bytes = self.fetch_index(release, &listed).await?;
        blocking(move || {
            let text = decompress(&bytes, &listed.path, listed.form, limit)?;
            write_cached(&path, &listed, &bytes, &text)?;
            Ok(text)
        })
        .await
    }

    /// Fetches an index by digest where the archive offers that, else, or if it is gone there, by name.
    async fn fetch_index(&self, release: &SuiteRelease, listed: &Listed) -> Result<Bytes, ArchiveError> {
        let folder = format!("dists/{}", release.source.suite);
        let by_name = format!("{folder}/{}", listed.path);
        if release.release.acquire_by_hash {
            let parent = listed.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let by_hash = format!("{folder}/{parent}/by-hash/SHA256/{}", listed.digest.hex());
            match self.fetch_verified(&release.uri, &by_hash, listed).await {
                Err(ArchiveError::Status { status: 404 | 410, .. }) => {}
                answer => return answer,
            }
        }
        self.fetch_verified(&release.uri, &by_name, listed).await
    }

    async fn fetch_verified(&self, uri: &str, path: &str, listed: &Listed) -> Result<Bytes, ArchiveError> {
        let url = request::below(uri, path)?;
        let limit = self.config.limits.index_bytes_max;
        if listed.size > limit {
            return Err(ArchiveError::TooLarge { url: display_url(&url), size: listed.size, limit });
        }
        let mut attempts = Attempts::new(&self.config.backoff);
        let bytes = loop {
            let body = match request::get(&self.client, &url, HeaderMap::new(), &[]).await {
                Ok(response) => read_body(response, limit).await.map_err(ArchiveError::from),
                Err(error) => Err(error),
            };
            match body {
                Ok(bytes) => break bytes,
                Err(error) => attempts.after(error).await?,
            }
        };
        let url = display_url(&url);
        if bytes.len() as u64 != listed.size {
            return Err(ArchiveError::Size { url, expected: listed.size, found: bytes.len() as u64 });
        }
        let (hashed, expected) = (bytes.clone(), listed.digest);
        let found = blocking(move || Ok(Digest::of(&hashed))).await?;
        if found != expected {
            return Err(ArchiveError::Digest { url, expected: expected.into(), found: found.into() });
        }
        Ok(bytes)
    }
}

/// Finds the best form in which a release lists an index.
fn find(release: &SuiteRelease, component: &str, architecture: &str) -> Result<Listed, ArchiveError> {
    let base = format!("{component}/binary-{architecture}/Packages");
    let listed = FORMS.iter().find_map(|(suffix, form)| {
        let path = format!("{base}{suffix}");
        let ReleaseFile { size, sha256 } = *release.release.files.get(&path)?;
        let text = release.release.files.get(&base).map(|text| (text.size, Digest::Sha256(text.sha256)));
        Some(Listed { path, form: *form, size, digest: Digest::Sha256(sha256), text })
    });
    listed.ok_or_else(|| ArchiveError::NoIndex {
        suite: release.source.suite.clone(),
        component: component.to_owned(),
        architecture: architecture.to_owned(),
        offered: offered(release),
    })
}

/// The indexes that a release lists, as `component/architecture`.
fn offered(release: &SuiteRelease) -> Vec<String> {
    let pairs = release.release.files.keys().filter_map(|path| {
        let (component, rest) = path.split_once("/binary-")?;
        let (architecture, name) = rest.split_once('/')?;
        name.starts_with("Packages").then(|| format!("{component}/{architecture}"))
    });
    pairs.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// The file that holds an index, named by the digest that it is verified against.
fn cache_file(cache: &Path, listed: &Listed) -> PathBuf {
    let digest = listed.text.map_or(listed.digest, |(_, digest)| digest);
    cache.join("indexes").join(digest.hex())
}

/// Reads an index from the cache; what is damaged there is as good as missing.
fn read_cached(path: &Path, listed: &Listed, limit: u64) -> Result<Option<String>, ArchiveError> {
    let Some((size, digest)) = listed.text else {
        let bytes = disk::read_bounded(path, listed.size)?.filter(|bytes| Digest::of(bytes) == listed.digest);
        return bytes.map(|bytes| decompress(&bytes, &listed.path, listed.form, limit)).transpose();
    };
    let Some(bytes) = disk::read_bounded(path, limit)? else { return Ok(None) };
    let text = decompress(&bytes, &listed.path, Form::Zstd, size.min(limit)).ok();
    Ok(text.filter(|text| Digest::of(text) == digest))
}

fn write_cached(path: &Path, listed: &Listed, bytes: &[u8], text: &str) -> Result<(), ArchiveError> {
    let written = match listed.text {
        Some(_) => {
            zstd::encode_all(text.as_bytes(), CACHE_LEVEL).and_then(|bytes| disk::replace(path, &bytes))
        }
        None => disk::replace(path, bytes),
    };
    written.map_err(|source| disk::disk(path, source))
}

fn decompress(bytes: &[u8], path: &str, form: Form, limit: u64) -> Result<String, ArchiveError> {
    let failed = |source| ArchiveError::Decompress { path: path.to_owned(), source };
    let mut text = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit as usize));
    let reader: Box<dyn Read + '_> = match form {
        Form::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
        Form::Zstd => Box::new(zstd::stream::read::Decoder::new(bytes).map_err(failed)?),
        Form::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Form::Plain => Box::new(bytes),
    };
    reader.take(limit + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > limit {
        return Err(ArchiveError::IndexTooLarge { path: path.to_owned(), limit });
    }
    String::from_utf8(text).map_err(|_| ArchiveError::IndexText { path: path.to_owned() })
}

/// Runs work that takes long or touches the disk away from the threads that serve connections.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(ArchiveError::Stopped),
    }
}
