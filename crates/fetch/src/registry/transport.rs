//! The one door for requests: credentials, redirects, repetition.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Body, Method, Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::sleep;

use super::RegistryClient;
use super::endpoint::Endpoint;
use super::error::{Refusal, RegistryError};
use crate::credentials::Credential;
use crate::http::{HttpError, display_url, is_transient_error, is_transient_status, read_body, retry_after};

/// Most redirects that one request follows.
const REDIRECTS_MAX: usize = 5;

/// Longest answer in bytes that is read to learn why something failed.
const ERROR_BYTES_MAX: u64 = 64 << 10;

/// Longest text of an error that is passed on, in characters.
const MESSAGE_LENGTH_MAX: usize = 300;

/// One request with all that is needed to make it again.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What rights it needs: the scopes of a token.
    pub(super) scopes: Vec<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn new(method: Method, url: Url, scope: String) -> Self {
        Self { method, url, scopes: vec![scope], headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    pub(super) fn body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }
}

impl RegistryClient {
    /// Sends a request until it is answered for good, and returns a successful answer.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        request: &Request,
    ) -> Result<Response, RegistryError> {
        let mut failed = 0;
        loop {
            let error = match self.send_once(endpoint, request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            failed += 1;
            let Some(delay) = self.delay(failed, &error) else { return Err(error) };
            tracing::debug!(url = %display_url(&request.url), error = %error, "request is repeated");
            sleep(delay).await;
        }
    }

    /// Returns how long to wait before failure number `failed` is repeated; nothing if that is of no use.
    pub(super) fn delay(&self, failed: u32, error: &RegistryError) -> Option<Duration> {
        let wish = match error {
            RegistryError::Send { source, .. } if is_transient_error(source) => None,
            RegistryError::Body(HttpError::Body { .. }) => None,
            RegistryError::Refused(refusal) if is_transient_status(refusal.status) => refusal.retry_after,
            _ => return None,
        };
        self.options.backoff.delay(failed, wish)
    }

    /// Sends a request, once more if the registry wants to know who asks.
    async fn send_once(&self, endpoint: &Endpoint, request: &Request) -> Result<Response, RegistryError> {
        let sent = self.authorization(endpoint, &request.scopes).await?;
        let response = self.follow(endpoint, request, sent.as_ref()).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && endpoint.owns(response.url())
            && self.learn(endpoint, &request.scopes, response.headers(), sent.as_ref()).await?
        {
            let authorization = self.authorization(endpoint, &request.scopes).await?;
            let response = self.follow(endpoint, request, authorization.as_ref()).await?;
            return self.checked(endpoint, request, response).await;
        }
        self.checked(endpoint, request, response).await
    }

    /// Passes a successful answer on; errors know who asked.
    async fn checked(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        response: Response,
    ) -> Result<Response, RegistryError> {
        let refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let credential = if refused {
            self.credentials.find(&endpoint.registry, &endpoint.repository).await?
        } else {
            None
        };
        let user = credential.as_ref().and_then(Credential::user);
        check(endpoint, &request.method, response, user).await
    }

    /// Sends a request whose body can be read only once. It is neither repeated nor led elsewhere.
    pub(super) async fn send_body(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        body: Body,
    ) -> Result<Response, RegistryError> {
        let authorization = self.authorization(endpoint, &request.scopes).await?;
        let response = self.exchange(endpoint, request, &request.url, authorization.as_ref(), body).await?;
        self.checked(endpoint, request, response).await
    }

    /// Sends a request and goes where redirects lead, with credentials only for the registry itself.
    async fn follow(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RegistryError> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let body = Body::from(request.body.clone());
            let response = self.exchange(endpoint, request, &url, authorization, body).await?;
            let reads = matches!(request.method, Method::GET | Method::HEAD);
            let leads = reads && matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let location = response.headers().get(LOCATION).filter(|_| leads);
            let Some(location) = location.and_then(|value| value.to_str().ok()) else { return Ok(response) };
            url = endpoint.join(&url, location)?;
        }
        Err(RegistryError::Redirects { url: display_url(&request.url), limit: REDIRECTS_MAX })
    }

    async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        url: &Url,
        authorization: Option<&HeaderValue>,
        body: Body,
    ) -> Result<Response, RegistryError> {
        let mut builder =
            self.http(endpoint).request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(authorization) = authorization.filter(|_| endpoint.owns(url)) {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        if !matches!(request.method, Method::GET | Method::HEAD | Method::DELETE) {
            builder = builder.body(body);
        }
        builder.send().await.map_err(|source| RegistryError::Send {
            method: request.method.clone(),
            url: display_url(url),
            source: source.without_url(),
        })
    }
}

/// Passes a successful answer on and makes an error of every other; `user` is whose credentials were at hand.
pub(super) async fn check(
    endpoint: &Endpoint,
    method: &Method,
    response: Response,
    user: Option<&str>,
) -> Result<Response, RegistryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = display_url(response.url());
    let retry_after = retry_after(response.headers());
    let (code, message) = match read_body(response, ERROR_BYTES_MAX).await {
        Ok(body) => reason(&body),
        Err(_) => (None, None),
    };
    let (registry, repository) = (endpoint.registry.clone(), endpoint.repository.clone());
    let (method, user) = (method.clone(), user.map(str::to_owned));
    let refusal = Refusal { method, url, registry, repository, user, status, code, message, retry_after };
    Err(RegistryError::Refused(Box::new(refusal)))
}

/// The body of an error,
/// see the [specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Explanation {
    errors: Vec<Reason>,
    /// Token servers have their own forms; the first is that of
    /// [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).
    error_description: Option<String>,
    details: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

pub(super) fn reason(body: &[u8]) -> (Option<String>, Option<String>) {
    let explained: Explanation = serde_json::from_slice(body).unwrap_or_default();
    let said = explained.error_description.or(explained.details).or(explained.message);
    let first = explained.errors.into_iter().next().unwrap_or(Reason { code: None, message: said });
    let clean = |text: String| -> Option<String> {
        let text: String = text.chars().filter(|c| !c.is_control()).take(MESSAGE_LENGTH_MAX).collect();
        (!text.is_empty()).then_some(text)
    };
    (first.code.and_then(clean), first.message.and_then(clean))
}
