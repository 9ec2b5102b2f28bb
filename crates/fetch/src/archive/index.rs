//! Package indexes: chosen from a release, fetched by digest, verified, decompressed, cached.

use std::io::Read;

use bytes::Bytes;
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
}

impl ArchiveClient {
    /// Returns the package indexes of a release for some architectures, in the order of the source's components.
    pub async fn packages(
        &self,
        release: &SuiteRelease,
        architectures: &[String],
    ) -> Result<Vec<PackagesText>, ArchiveError> {
        let mut packages = Vec::new();
        for component in &release.source.components {
            for architecture in architectures {
                let listed = find(release, component, architecture)?;
                packages.push(self.packages_text(release, component, architecture, listed).await?);
            }
            if release.release.has_separate_all && !architectures.iter().any(|name| name == "all") {
                // A component without such packages need not have the index.
                if let Ok(listed) = find(release, component, "all") {
                    packages.push(self.packages_text(release, component, "all", listed).await?);
                }
            }
        }
        Ok(packages)
    }

    async fn packages_text(
        &self,
        release: &SuiteRelease,
        component: &str,
        architecture: &str,
        listed: Listed,
    ) -> Result<PackagesText, ArchiveError> {
        let bytes = self.index_bytes(release, &listed).await?;
        let limit = self.config.limits.index_text_bytes_max;
        let text = blocking(move || decompress(&bytes, &listed, limit)).await?;
        Ok(PackagesText { component: component.to_owned(), architecture: architecture.to_owned(), text })
    }

    /// Returns the verified bytes of an index, from the cache or the archive.
    async fn index_bytes(&self, release: &SuiteRelease, listed: &Listed) -> Result<Bytes, ArchiveError> {
        let (path, wanted) = (disk::index_file(&self.config.cache_folder, &listed.digest), listed.clone());
        let file = path.clone();
        let cached = blocking(move || {
            let bytes = disk::read_bounded(&file, wanted.size)?;
            Ok(bytes.filter(|bytes| Digest::of(bytes) == wanted.digest))
        });
        if let Some(bytes) = cached.await? {
            return Ok(bytes.into());
        }
        if release.is_offline {
            let (suite, digest) = (release.source.suite.clone(), listed.digest);
            return Err(ArchiveError::IndexOffline { suite, digest });
        }
        let bytes = self.fetch_index(release, listed).await?;
        let kept = bytes.clone();
        blocking(move || disk::replace(&path, &kept).map_err(|source| disk::disk(&path, source))).await?;
        Ok(bytes)
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
        Some(Listed { path, form: *form, size, digest: Digest::Sha256(sha256) })
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

fn decompress(bytes: &[u8], listed: &Listed, limit: u64) -> Result<String, ArchiveError> {
    let path = || listed.path.clone();
    let failed = |source| ArchiveError::Decompress { path: path(), source };
    let mut text = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit as usize));
    let reader: Box<dyn Read + '_> = match listed.form {
        Form::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
        Form::Zstd => Box::new(zstd::stream::read::Decoder::new(bytes).map_err(failed)?),
        Form::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Form::Plain => Box::new(bytes),
    };
    reader.take(limit + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > limit {
        return Err(ArchiveError::IndexTooLarge { path: path(), limit });
    }
    String::from_utf8(text).map_err(|_| ArchiveError::IndexText { path: path() })
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
