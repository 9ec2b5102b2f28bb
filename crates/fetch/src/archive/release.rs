//! The signed release of a suite: fetched, verified, and protected against old ones.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{Response, StatusCode};
use temper_deb::release::Release;
use temper_oci::Digest;

use crate::http::read_body;
use crate::openpgp::{Verified, verify_detached, verify_inrelease};

use super::disk::{self, Accepted, CachedRelease, Signed, VerifiedRelease};
use super::request::{self, Attempts};
use super::{ArchiveClient, ArchiveError, Freshness, Source};

/// A suite's verified release.
#[derive(Clone, Debug)]
pub struct SuiteRelease {
    /// The source that was asked for.
    pub source: Source,
    /// The archive's address, located.
    pub uri: String,
    /// What the release says.
    pub release: Release,
    /// Digest of the signed file, `InRelease` or `Release`.
    pub digest: Digest,
    /// Fingerprints of the keys that signed it.
    pub signers: Vec<String>,
    /// When the archive last said that this is its state.
    pub fetched_at: SystemTime,
    /// The caller wants no network.
    pub(super) is_offline: bool,
}

impl ArchiveClient {
    /// Returns the verified release of a suite.
    pub async fn release(
        &self,
        source: &Source,
        freshness: Freshness,
        now: SystemTime,
    ) -> Result<SuiteRelease, ArchiveError> {
        let uri = self.config.mirrors.locate(&source.uri)?;
        // The path is part of an address below; a bad name is refused before anything else is done with it.
        request::below(&uri, &source.suite)?;
        let path = disk::suite_file(&self.config.cache_folder.join("releases"), &uri, &source.suite);
        let cached: Option<CachedRelease> = disk::read_record(&path)?;
        let is_fresh = |cached: &CachedRelease| match freshness {
            Freshness::Always => false,
            Freshness::Offline => true,
            Freshness::MaxAge(age) => {
                now.duration_since(time(cached.fetched_at)).is_ok_and(|elapsed| elapsed <= age)
            }
        };
        if let Some(cached) = cached.as_ref().filter(|cached| is_fresh(cached)) {
            // It is verified for the time of fetching: what was current then stays usable.
            return self.verify(source, &uri, cached, freshness);
        }
        if freshness == Freshness::Offline {
            return Err(ArchiveError::Offline { suite: source.suite.clone(), uri: shown(&uri) });
        }
        let mut fetched = self.fetch_release(source, &uri, cached, now).await?;
        fetched.verified = Some(self.check_signature(source, &uri, &fetched)?);
        let release = self.verify(source, &uri, &fetched, freshness)?;
        self.accept(&release)?;
        disk::write_record(&path, &fetched)?;
        Ok(release)
    }

    /// Asks the archive, conditionally where something is cached.
    async fn fetch_release(
        &self,
        source: &Source,
        uri: &str,
        cached: Option<CachedRelease>,
        now: SystemTime,
    ) -> Result<CachedRelease, ArchiveError> {
        let fetched_at = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let condition = cached.as_ref().filter(|cached| matches!(cached.signed, Signed::Clear { .. }));
        let known = [StatusCode::NOT_MODIFIED, StatusCode::NOT_FOUND];
        let answer = self.get_text(source, uri, "InRelease", conditions(condition), &known).await?;
        let record = |signed, etag, last_modified| CachedRelease {
            uri: shown(uri),
            suite: source.suite.clone(),
            signed,
            etag,
            last_modified,
            fetched_at,
            verified: None,
        };
        match (answer, cached) {
            (Answer::NotModified, Some(cached)) => Ok(CachedRelease { fetched_at, ..cached }),
            (Answer::Text { text, etag, last_modified }, _) => {
                Ok(record(Signed::Clear { inrelease: text }, etag, last_modified))
            }
            (Answer::NotFound | Answer::NotModified, _) => {
                let text = async |name| match self.get_text(source, uri, name, HeaderMap::new(), &[]).await? {
                    Answer::Text { text, .. } => Ok(text),
                    Answer::NotModified | Answer::NotFound => Ok::<_, ArchiveError>(String::new()),
                };
                let (release, signature) = (text("Release").await?, text("Release.gpg").await?);
                Ok(record(Signed::Detached { release, signature }, None, None))
            }
        }
    }

    /// Fetches a file of the suite's folder.
    async fn get_text(
        &self,
        source: &Source,
        uri: &str,
        name: &str,
        headers: HeaderMap,
        known: &[StatusCode],
    ) -> Result<Answer, ArchiveError> {
        let url = request::below(uri, &format!("dists/{}/{name}", source.suite))?;
        let mut attempts = Attempts::new(&self.config.backoff);
        loop {
            let answer = match request::get(&self.client, &url, headers.clone(), known).await {
                Ok(response) => read_answer(response, self.config.limits.release_bytes_max).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.after(error).await?,
            }
        }
    }

    /// Verifies the signature for the time of fetching.
    fn check_signature(
        &self,
        source: &Source,
        uri: &str,
        cached: &CachedRelease,
    ) -> Result<VerifiedRelease, ArchiveError> {
        let (keyring, fetched_at) = (self.keyring(&source.keyring)?, time(cached.fetched_at));
        let verified = match &cached.signed {
            Signed::Clear { inrelease } => verify_inrelease(inrelease.as_bytes(), keyring, fetched_at),
            Signed::Detached { release, signature } => {
                verify_detached(release.as_bytes(), signature.as_bytes(), keyring, fetched_at)
            }
        };
        let Verified { text, signers } = verified.map_err(|error| ArchiveError::Verify {
            suite: source.suite.clone(),
            uri: shown(uri),
            source: error,
        })?;
        Ok(VerifiedRelease { keyring: keyring.digest(), text, signers })
    }

    /// Checks signature, name and validity at the time of fetching.
    fn verify(
        &self,
        source: &Source,
        uri: &str,
        cached: &CachedRelease,
        freshness: Freshness,
    ) -> Result<SuiteRelease, ArchiveError> {
        let (suite, fetched_at) = (source.suite.clone(), time(cached.fetched_at));
        let keyring = self.keyring(&source.keyring)?.digest();
        let VerifiedRelease { text, signers, .. } =
            match cached.verified.as_ref().filter(|known| known.keyring == keyring) {
                Some(known) => known.clone(),
                None => self.check_signature(source, uri, cached)?,
            };
        let digest = match &cached.signed {
            Signed::Clear { inrelease } => Digest::of(inrelease),
            Signed::Detached { release, .. } => Digest::of(release),
        };
        let release = Release::parse(&text).map_err(|source| ArchiveError::Release {
            suite: suite.clone(),
            uri: shown(uri),
            source,
        })?;
        // Every suite is signed by the same keys: without this a mirror could serve one for another.
        let names = [&release.codename, &release.suite];
        if !names.iter().any(|name| name.as_ref() == Some(&suite)) {
            let found = names.into_iter().flatten().next().cloned().unwrap_or_default();
            return Err(ArchiveError::OtherSuite { suite, uri: shown(uri), found });
        }
        if let Some(until) = release.valid_until.filter(|until| *until < cached.fetched_at.cast_signed()) {
            return Err(ArchiveError::Expired { suite, uri: shown(uri), valid_until: timestamp(until) });
        }
        let is_offline = freshness == Freshness::Offline;
        Ok(SuiteRelease {
            source: source.clone(),
            uri: uri.to_owned(),
            release,
            digest,
            signers,
            fetched_at,
            is_offline,
        })
    }

    /// Refuses a release that is older than one seen before, else remembers it.
    fn accept(&self, found: &SuiteRelease) -> Result<(), ArchiveError> {
        let (uri, suite, date) = (shown(&found.uri), found.source.suite.clone(), found.release.date);
        let path = disk::suite_file(&self.config.state_folder, &found.uri, &suite);
        let last: Option<Accepted> = disk::read_record(&path)?;
        match last {
            Some(last) if last.date > date => {
                let (date, accepted) = (timestamp(date), timestamp(last.date));
                Err(ArchiveError::RolledBack { suite, uri, date, accepted })
            }
            Some(last) if last.date == date => Ok(()),
            _ => disk::write_record(&path, &Accepted { uri, suite, date }),
        }
    }
}

/// What an archive answers to the question for a text.
enum Answer {
    Text { text: String, etag: Option<String>, last_modified: Option<String> },
    NotModified,
    NotFound,
}

async fn read_answer(response: Response, limit: u64) -> Result<Answer, ArchiveError> {
    match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(Answer::NotModified),
        StatusCode::NOT_FOUND => return Ok(Answer::NotFound),
        _ => {}
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
    let body = read_body(response, limit).await?;
    // What is not UTF-8 cannot be a signed release; the replacement makes its signature fail.
    Ok(Answer::Text { text: String::from_utf8_lossy(&body).into_owned(), etag, last_modified })
}

fn conditions(cached: Option<&CachedRelease>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = |text: &Option<String>| text.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    if let Some(tag) = cached.and_then(|cached| value(&cached.etag)) {
        headers.insert(IF_NONE_MATCH, tag);
    }
    if let Some(date) = cached.and_then(|cached| value(&cached.last_modified)) {
        headers.insert(IF_MODIFIED_SINCE, date);
    }
    headers
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A date for messages; one beyond year 9999, which no parser lets through, becomes the last of all.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// An address for messages.
pub(crate) fn shown(uri: &str) -> String {
    reqwest::Url::parse(uri).map_or_else(|_| "?".to_owned(), |url| crate::http::display_url(&url))
}
