//! Authentication: nothing for a stranger, then what the registry asks for: Basic, or Bearer tokens by scope.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::RegistryClient;
use super::challenge::{self, Challenge};
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::token::{Token, TokenRequest, bearer};
use crate::credentials::Credential;

/// Most tokens that are kept; a long-lived client meets many repositories.
const SLOTS_MAX: usize = 1000;

/// What was learnt about registries: their challenges, and the tokens that answer them.
#[derive(Default)]
pub(super) struct Tokens {
    challenges: Mutex<BTreeMap<String, Challenge>>,
    /// By registry and scopes; each slot is locked while its token is fetched, so that it is fetched once.
    slots: Mutex<BTreeMap<(String, String), Slot>>,
}

type Slot = Arc<AsyncMutex<Kept>>;

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// Scopes that the registry wants beside ours: some know a repository by another name.
    scopes: Vec<String>,
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
        if slots.len() >= SLOTS_MAX && !slots.contains_key(&key) {
            let now = Instant::now();
            let holds = |kept: &Kept| kept.token.as_ref().is_some_and(|token| now < token.end);
            slots.retain(|_, slot| slot.try_lock().map_or(true, |kept| holds(&kept)));
        }
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
        let Some(challenge) = self.tokens.challenge(&endpoint.registry) else { return Ok(None) };
        let credential = self.credentials.find(&endpoint.registry, &endpoint.repository).await?;
        match (challenge, credential) {
            (_, Some(Credential::RegistryToken(token))) => Ok(bearer(token.expose_secret())),
            (Challenge::Basic, Some(Credential::Password { user, password })) => {
                Ok(Some(basic(&user, &password)))
            }
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer { realm, service }, _) => {
                let slot = self.tokens.slot(&endpoint.registry, scopes);
                let mut kept = slot.lock().await;
                if let Some(token) = kept.token.as_ref().filter(|token| Instant::now() < token.end) {
                    return Ok(Some(token.header.clone()));
                }
                let scopes: Vec<_> = scopes.iter().chain(&kept.scopes).cloned().collect();
                let request =
                    TokenRequest { endpoint, realm: &realm, service: service.as_deref(), scopes: &scopes };
                let fetched = self.fetch_token(&request).await?;
                Ok(Some(kept.token.insert(fetched).header.clone()))
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
            let mut kept = slot.lock().await;
            if kept.token.as_ref().map(|token| &token.header) == sent {
                kept.token = None;
                kept.scopes = challenge::further_scopes(headers, scopes);
            }
        } else if known.as_ref() == Some(&challenge) && sent.is_some() {
            return Ok(false);
        }
        self.tokens.keep_challenge(&endpoint.registry, challenge);
        Ok(true)
    }
}

pub(super) fn basic(user: &str, password: &SecretString) -> HeaderValue {
    let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
    let mut header = HeaderValue::from_str(&format!("Basic {pair}")).expect("base64 is printable ASCII");
    header.set_sensitive(true);
    header
}
