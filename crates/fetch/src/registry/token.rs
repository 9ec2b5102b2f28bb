//! Token servers: one request for one token.
//!
//! [Docker's token authentication](https://distribution.github.io/distribution/spec/auth/token/) is a GET with the
//! password as Basic; the [OAuth2 form](https://distribution.github.io/distribution/spec/auth/oauth/) is a POST, for
//! identity tokens and for servers that take nothing else.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::RegistryClient;
use super::auth::basic;
use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::transport::check;
use crate::credentials::Credential;
use crate::http::{display_url, read_body};

/// Longest answer of a token server in bytes.
const TOKEN_BYTES_MAX: u64 = 1 << 20;

/// How long a token holds whose server does not say, in seconds; the specification's value.
const TOKEN_SECONDS: u64 = 60;

/// How long before its end a token is no longer used, in seconds.
const TOKEN_MARGIN_SECONDS: u64 = 5;

/// The name that token servers know this program by.
const CLIENT_ID: &str = "temper";

/// What lets requests through for a while.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    pub(super) end: Instant,
}

/// What is asked of a token server.
pub(super) struct TokenRequest<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// The server's address, as the challenge names it.
    pub(super) realm: &'a str,
    /// The registry, as the server knows it.
    pub(super) service: Option<&'a str>,
    pub(super) scopes: &'a [String],
}

impl RegistryClient {
    /// Asks for a token until there is one or no hope.
    pub(super) async fn fetch_token(&self, request: &TokenRequest<'_>) -> Result<Token, RegistryError> {
        let endpoint = request.endpoint;
        let realm = token_server(endpoint, request.realm)?;
        let credential = self.credentials.find(&endpoint.registry, &endpoint.repository).await?;
        let mut by_form = matches!(credential, Some(Credential::IdentityToken(_)));
        let mut failed = 0;
        loop {
            let asked = Instant::now();
            let error = match self.ask(request, &realm, credential.as_ref(), by_form).await {
                Ok(answer) => return answer.into_token(asked, &realm),
                Err(error) => error,
            };
            let takes_forms_only = matches!(
                error.status(),
                Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
            );
            if takes_forms_only && !by_form && credential.is_some() {
                by_form = true;
                continue;
            }
            failed += 1;
            let Some(delay) = self.delay(failed, &error) else { return Err(error) };
            sleep(delay).await;
        }
    }

    async fn ask(
        &self,
        request: &TokenRequest<'_>,
        realm: &Url,
        credential: Option<&Credential>,
        by_form: bool,
    ) -> Result<TokenAnswer, RegistryError> {
        let (method, builder) = if by_form {
            (Method::POST, self.post(request, realm, credential))
        } else {
            (Method::GET, self.get(request, realm, credential))
        };
        let url = display_url(realm);
        let response = builder.send().await.map_err(|source| RegistryError::Send {
            method: method.clone(),
            url: url.clone(),
            source: source.without_url(),
        })?;
        let user = credential.and_then(Credential::user);
        let response = check(request.endpoint, &method, response, user).await?;
        let body = read_body(response, TOKEN_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| RegistryError::Answer { url, what: "token" })
    }

    fn get(
        &self,
        request: &TokenRequest<'_>,
        realm: &Url,
        credential: Option<&Credential>,
    ) -> RequestBuilder {
        let mut url = realm.clone();
        let mut query = url.query_pairs_mut();
        query.extend_pairs(request.service.map(|service| ("service", service)));
        query.append_pair("client_id", CLIENT_ID);
        query.extend_pairs(request.scopes.iter().map(|scope| ("scope", scope)));
        drop(query);
        let builder = self.http(request.endpoint).get(url);
        match credential {
            Some(Credential::Password { user, password }) => {
                builder.header(AUTHORIZATION, basic(user, password))
            }
            _ => builder,
        }
    }

    fn post(
        &self,
        request: &TokenRequest<'_>,
        realm: &Url,
        credential: Option<&Credential>,
    ) -> RequestBuilder {
        let scopes = request.scopes.join(" ");
        let mut form = vec![("client_id", CLIENT_ID), ("scope", scopes.as_str())];
        form.extend(request.service.map(|service| ("service", service)));
        match credential {
            Some(Credential::IdentityToken(token)) => {
                form.extend([("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())]);
            }
            Some(Credential::Password { user, password }) => {
                form.extend([("grant_type", "password"), ("username", user.as_str())]);
                form.push(("password", password.expose_secret()));
            }
            Some(Credential::RegistryToken(_)) | None => {}
        }
        self.http(request.endpoint)
            .post(realm.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encoded(&form))
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
        let given = [self.token, self.access_token].into_iter().flatten().find(|text| !text.is_empty());
        let header = bearer(&given.ok_or_else(unusable)?).ok_or_else(unusable)?;
        // Some servers write zero for a time that they do not know.
        let seconds = self.expires_in.filter(|seconds| *seconds > 0).unwrap_or(TOKEN_SECONDS);
        let seconds = seconds.min(24 * 60 * 60).saturating_sub(TOKEN_MARGIN_SECONDS);
        Ok(Token { header, end: asked + Duration::from_secs(seconds) })
    }
}

/// Writes a token as a header, `None` if it holds what no header may.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Writes a form as a query is written, by the same encoder.
fn encoded(form: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").expect("is a URL");
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}
