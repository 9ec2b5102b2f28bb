//! Authentication: Basic, and Bearer tokens by scope.
//!
//! Tokens follow [Docker's token authentication](https://distribution.github.io/distribution/spec/auth/token/), with
//! the [OAuth2 form](https://distribution.github.io/distribution/spec/auth/oauth/) for identity tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, sleep};

use super::RegistryClient;
use super::challenge::{self, Challenge};
use super::endpoint::Endpoint;
use super::error::{Refusal, RegistryError};
use crate::credentials::Credential;
use crate::http::{display_url, read_body, retry_after};

/// Longest answer of a token server in bytes.
const TOKEN_BYTES_MAX: u64 = 1 << 20;

/// How long a token holds whose server does not say, in seconds; the specification's value.
const TOKEN_SECONDS: u64 = 60;

/// How long before its end a token is no longer used, in seconds.
const TOKEN_MARGIN_SECONDS: u64 = 5;

/// The name that token servers know this program by.
const CLIENT_ID: &str = "temper";

/// What was learnt about registries: their challenges, and the tokens that answer them.
#[derive(Default)]
pub(super) struct Tokens {
    challenges: Mutex<BTreeMap<String, Challenge>>,
    /// By registry and scopes; each slot is locked while its token is fetched, so that it is fetched once.
    slots: Mutex<BTreeMap<(String, String), Slot>>,
}

type Slot = Arc<AsyncMutex<Option<Token>>>;

struct Token {
    header: HeaderValue,
    end: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    fn challenge(&self, registry: &str) -> Option<Challenge> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).get(registry).cloned()
    }

    fn keep_challenge(&self, registry: &str, challenge: Challenge) {
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        challenges.insert(registry.to_owned(), challenge);
    }

    fn slot(&self, registry: &str, scopes: &[String]) -> Slot {
        let key = (registry.to_owned(), scopes.join(" "));
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }
}

impl RegistryClient {
    /// Returns the `Authorization` for a request, as far as the registry is known; nothing for a stranger.
    pub(super) async fn authorization(
        &self,
        endpoint: &Endpoint,
        scopes: &[String],
    ) -> Result<Option<HeaderValue>, RegistryError> {
        match self.tokens.challenge(&endpoint.registry) {
            None => Ok(None),
            Some(Challenge::Basic) => match self.credentials.find(&endpoint.registry).await? {
                Some(Credential::Password { user, password }) => Ok(Some(basic(&user, &password))),
                Some(Credential::IdentityToken(_)) | None => Ok(None),
            },
            Some(Challenge::Bearer { realm, service }) => {
                let slot = self.tokens.slot(&endpoint.registry, scopes);
                let mut token = slot.lock().await;
                if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.end) {
                    return Ok(Some(token.header.clone()));
                }
                let fetched = self.fetch_token(endpoint, &realm, service.as_deref(), scopes).await?;
                Ok(Some(token.insert(fetched).header.clone()))
            }
        }
    }

    /// Takes a refusal in: says whether the request is worth another try with what is known now.
    pub(super) async fn learn(
        &self,
        endpoint: &Endpoint,
        scopes: &[String],
        headers: &HeaderMap,
        sent: Option<&HeaderValue>,
    ) -> Result<bool, RegistryError> {
        let Some(challenge) = challenge::read(headers) else { return Ok(false) };
        let known = self.tokens.challenge(&endpoint.registry);
        if let Challenge::Bearer { .. } = challenge {
            // The token that was refused may be void by now; one new one is tried.
            let slot = self.tokens.slot(&endpoint.registry, scopes);
            let mut token = slot.lock().await;
            if token.as_ref().map(|token| &token.header) == sent {
                *token = None;
            }
        } else if known.as_ref() == Some(&challenge) && sent.is_some() {
            return Ok(false);
        }
        self.tokens.keep_challenge(&endpoint.registry, challenge);
        Ok(true)
    }

    async fn fetch_token(
        &self,
        endpoint: &Endpoint,
        realm: &str,
        service: Option<&str>,
        scopes: &[String],
    ) -> Result<Token, RegistryError> {
        let realm = token_server(endpoint, realm)?;
        let credential = self.credentials.find(&endpoint.registry).await?;
        let mut failed = 0;
        loop {
            let asked = Instant::now();
            let error = match self.ask_token(endpoint, &realm, service, scopes, credential.as_ref()).await {
                Ok(answer) => return answer.into_token(asked, &realm),
                Err(error) => error,
            };
            failed += 1;
            let Some(delay) = self.delay(failed, &error) else { return Err(error) };
            sleep(delay).await;
        }
    }

    async fn ask_token(
        &self,
        endpoint: &Endpoint,
        realm: &Url,
        service: Option<&str>,
        scopes: &[String],
        credential: Option<&Credential>,
    ) -> Result<TokenAnswer, RegistryError> {
        let mut parameters: Vec<(&str, &str)> =
            service.map(|service| ("service", service)).into_iter().collect();
        let joined = scopes.join(" ");
        let request = if let Some(Credential::IdentityToken(token)) = credential {
            parameters.extend([
                ("client_id", CLIENT_ID),
                ("grant_type", "refresh_token"),
                ("scope", joined.as_str()),
            ]);
            parameters.push(("refresh_token", token.expose_secret()));
            let form = form(&parameters);
            self.http.post(realm.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
        } else {
            parameters.push(("client_id", CLIENT_ID));
            parameters.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
            let mut url = realm.clone();
            url.query_pairs_mut().extend_pairs(parameters);
            let request = self.http.get(url);
            match credential {
                Some(Credential::Password { user, password }) => {
                    request.header(AUTHORIZATION, basic(user, password))
                }
                _ => request,
            }
        };
        let method = match credential {
            Some(Credential::IdentityToken(_)) => Method::POST,
            _ => Method::GET,
        };
        let url = display_url(realm);
        let response = request.send().await.map_err(|source| RegistryError::Send {
            method: method.clone(),
            url: url.clone(),
            source: source.without_url(),
        })?;
        let status = response.status();
        if !status.is_success() {
            let registry = endpoint.registry.clone();
            let retry_after = retry_after(response.headers());
            let (code, message) = (None, None);
            let refusal = Refusal { method, url, registry, status, code, message, retry_after };
            return Err(RegistryError::Refused(Box::new(refusal)));
        }
        let body = read_body(response, TOKEN_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| RegistryError::Answer { url, what: "token" })
    }
}

/// Checks that passwords do not travel in the plain where the registry itself is protected.
fn token_server(endpoint: &Endpoint, realm: &str) -> Result<Url, RegistryError> {
    let url = Url::parse(realm).map_err(|_| RegistryError::Location {
        url: endpoint.registry.clone(),
        location: realm.to_owned(),
    })?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if endpoint.is_plain() => Ok(url),
        _ => {
            Err(RegistryError::TokenServer { registry: endpoint.registry.clone(), realm: display_url(&url) })
        }
    }
}

/// What a token server answers.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl TokenAnswer {
    fn into_token(self, asked: Instant, realm: &Url) -> Result<Token, RegistryError> {
        let unusable = || RegistryError::Answer { url: display_url(realm), what: "token" };
        let text = self.token.or(self.access_token).filter(|text| !text.is_empty()).ok_or_else(unusable)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| unusable())?;
        header.set_sensitive(true);
        let seconds = self.expires_in.unwrap_or(TOKEN_SECONDS).min(24 * 60 * 60);
        let end = asked + Duration::from_secs(seconds.saturating_sub(TOKEN_MARGIN_SECONDS));
        Ok(Token { header, end })
    }
}

fn basic(user: &str, password: &SecretString) -> HeaderValue {
    let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    let mut header = HeaderValue::from_str(&format!("Basic {pair}")).expect("base64 is printable ASCII");
    header.set_sensitive(true);
    header
}

/// Writes a form as a query is written, by the same encoder.
fn form(parameters: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").expect("is a URL");
    url.query_pairs_mut().extend_pairs(parameters);
    url.query().unwrap_or_default().to_owned()
}
