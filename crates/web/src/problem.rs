//! Failures as problem details, [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457).

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use temper_hub::HubError;
use utoipa::{IntoResponses, ToSchema};

/// What every failure is told with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// Names the kind of failure, `urn:temper:problem:not-found`.
    pub r#type: String,
    /// The kind of failure in words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What failed, on which input.
    pub detail: String,
    /// What to do about it, if anybody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Everything that is wrong with what was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Place in the document, `contents.packages[2]`; empty for the document itself.
    #[serde(default)]
    pub path: String,
    /// What is wrong there.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Line of the text, from 1, where a text was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column of the text in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl From<&temper_spec::Problem> for Problem {
    fn from(problem: &temper_spec::Problem) -> Self {
        let temper_spec::Problem { path, line, column, message, hint } = problem.clone();
        Self { path, message, hint, line, column }
    }
}

/// The failures of every route, for its description: `responses((status = OK, body = …), Failures)`.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only the description of the API is made from it")]
pub(crate) enum Failures {
    /// What was sent cannot be done.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Client(ProblemDetails),
    /// The server, or something that it needs, failed.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Server(ProblemDetails),
}

/// Why a request is not answered as it was meant.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The operation was not done.
    Hub(Box<HubError>),
    /// The request itself cannot be read.
    Request { status: StatusCode, detail: String, hint: Option<String> },
}

impl ApiError {
    /// The request cannot be read.
    pub(crate) fn request(detail: impl Into<String>) -> Self {
        Self::Request { status: StatusCode::BAD_REQUEST, detail: detail.into(), hint: None }
    }

    /// The request cannot be read, and this is what to do.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Request { status, detail, .. } => Self::Request { status, detail, hint: Some(hint.into()) },
            hub @ Self::Hub(_) => hub,
        }
    }
}

impl<E: Into<HubError>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Hub(Box::new(error.into()))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let details = match &self {
            Self::Hub(error) => of_hub(error),
            Self::Request { status, detail, hint } => {
                let kind = kind_of(*status);
                details(kind, *status, detail.clone(), hint.clone())
            }
        };
        let status = StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"temper\""));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

fn of_hub(error: &HubError) -> ProblemDetails {
    let (kind, status) = match error {
        HubError::NotFound { .. } => ("not-found", StatusCode::NOT_FOUND),
        HubError::Unauthenticated | HubError::WrongPassword | HubError::WrongToken => {
            ("unauthenticated", StatusCode::UNAUTHORIZED)
        }
        HubError::Busy => ("busy", StatusCode::TOO_MANY_REQUESTS),
        HubError::Forbidden { .. } => ("forbidden", StatusCode::FORBIDDEN),
        HubError::Conflict { .. } => ("conflict", StatusCode::CONFLICT),
        HubError::Stale { .. } => ("stale", StatusCode::PRECONDITION_FAILED),
        HubError::Invalid { .. } | HubError::Compose(_) => ("invalid", StatusCode::UNPROCESSABLE_ENTITY),
        HubError::External(_) => ("upstream", StatusCode::BAD_GATEWAY),
        HubError::Records(error) if error.is_full() => ("full", StatusCode::INSUFFICIENT_STORAGE),
        HubError::Records(_) => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
    };
    if status.is_server_error() {
        tracing::error!(error = error as &dyn Error, "request failed");
    }
    let detail = match error {
        // What the database says is for the log.
        HubError::Records(error) if error.is_full() => "the disk of the server is full".to_owned(),
        HubError::Records(_) => "the server failed; its log says why".to_owned(),
        error => sentence(error),
    };
    let mut details = details(kind, status, detail, error.hint());
    if let HubError::Invalid { problems, .. } = error {
        details.problems = problems.0.iter().map(Problem::from).collect();
    }
    details
}

/// Writes an error in one line: the message, and the causes behind it that say more.
fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

fn details(kind: &str, status: StatusCode, detail: String, hint: Option<String>) -> ProblemDetails {
    ProblemDetails {
        r#type: format!("urn:temper:problem:{kind}"),
        title: status.canonical_reason().unwrap_or("Failure").to_owned(),
        status: status.as_u16(),
        detail,
        hint,
        problems: Vec::new(),
    }
}

fn kind_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        _ => "request",
    }
}
