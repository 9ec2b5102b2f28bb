//! Who makes a request: by name and password, access token, or session.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use temper_hub::{Caller, Hub, HubError, Unproven};

use crate::problem::ApiError;

/// The cookie that holds the session of a browser.
pub const SESSION_COOKIE: &str = "temper_session";

/// Longest text that is taken for a password or a token, in bytes: hashing time grows with it.
const SECRET_BYTES_MAX: usize = 1024;

/// Where a request comes from, as whoever serves the API has found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The client's address; absent where it is not known.
    pub address: Option<IpAddr>,
    /// Where the client sees this server, `https://registry.example.org`.
    pub origin: String,
}

/// The caller of a route.
///
/// Anybody where the request proves nothing; a wrong proof ends the request.
#[derive(Clone, Debug)]
pub(crate) struct As(pub(crate) Caller);

impl FromRequestParts<Hub> for As {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let address = parts.extensions.get::<Peer>().and_then(|peer| peer.address);
        let found = match Proof::of(parts)? {
            None => return Ok(Self(Caller::Anonymous)),
            Some(Proof::Password(name, secret)) => {
                proved(hub.authenticate(&name, &secret).await?, address, Some(&name))?
            }
            Some(Proof::Token(secret)) => proved(hub.authenticate_bearer(&secret).await?, address, None)?,
        };
        Ok(Self(found.caller))
    }
}

/// What a request proves itself by.
#[derive(Debug)]
pub(crate) enum Proof {
    /// A name with a password or an access token.
    Password(String, SecretString),
    /// An access token or a session.
    Token(SecretString),
}

impl Proof {
    /// Reads the headers; nothing where they prove nothing.
    pub(crate) fn of(parts: &Parts) -> Result<Option<Self>, ApiError> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let proof = value.to_str().ok().and_then(Self::parse);
            return proof.map(Some).ok_or_else(|| {
                ApiError::request("the header `Authorization` cannot be read")
                    .with_hint("it takes `Bearer` with an access token, or `Basic` with name and password")
            });
        }
        let Some(session) = cookie(&parts.headers) else { return Ok(None) };
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
        if !is_safe && !is_same_origin(parts) {
            // A browser sends the cookie for pages of others too.
            return Err(ApiError::request("the request comes from a page of another site"));
        }
        Ok(Some(Self::Token(session)))
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ')?;
        let rest = rest.trim();
        if rest.is_empty() || rest.len() > 2 * SECRET_BYTES_MAX {
            return None;
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Token(rest.into()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (name, secret) = pair.split_once(':')?;
        let fits = !name.is_empty() && (1..=SECRET_BYTES_MAX).contains(&secret.len());
        fits.then(|| Self::Password(name.to_owned(), secret.into()))
    }
}

/// Returns who is proved; a failure is logged with where it came from, and tells nothing of it.
pub(crate) fn proved<T>(
    found: Result<T, Unproven>,
    address: Option<IpAddr>,
    name: Option<&str>,
) -> Result<T, ApiError> {
    found.map_err(|why| {
        let peer = address.map(tracing::field::display);
        let reason = why.to_string();
        // What was typed as a name may be anything, so it is written with escapes.
        tracing::warn!(
            peer.address = peer,
            user.name = name.map(tracing::field::debug),
            reason,
            "login failed"
        );
        let is_token = matches!(why, Unproven::Token | Unproven::Expired) || name.is_none();
        ApiError::from(if is_token { HubError::WrongToken } else { HubError::WrongPassword })
    })
}

/// Returns the session of a browser's cookies.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<SecretString> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == SESSION_COOKIE)?;
    (value.len() <= SECRET_BYTES_MAX).then(|| value.into())
}

/// Says whether a page of this server made the browser ask.
fn is_same_origin(parts: &Parts) -> bool {
    let own = parts.extensions.get::<Peer>().map(|peer| peer.origin.as_str());
    let origin = parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    own.is_some() && own == origin
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn parts(method: Method, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/api/v1/user");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("is a request").into_parts();
        parts.extensions.insert(Peer { address: None, origin: "https://temper.example".to_owned() });
        parts
    }

    #[test]
    fn proofs_are_read_from_headers_and_cookies() {
        let basic = format!("Basic {}", STANDARD.encode("alice:a:b"));
        match Proof::of(&parts(Method::GET, &[("authorization", &basic)])) {
            Ok(Some(Proof::Password(name, secret))) => {
                assert_eq!((name.as_str(), secret.expose_secret()), ("alice", "a:b"));
            }
            other => panic!("{other:?}"),
        }
        for (method, origin, expected) in [
            (Method::GET, None, true),
            (Method::POST, None, false),
            (Method::POST, Some("https://evil.example"), false),
            (Method::DELETE, Some("https://temper.example"), true),
        ] {
            let mut headers = vec![("cookie", "a=b; temper_session=temper_x; c=d")];
            headers.extend(origin.map(|origin| ("origin", origin)));
            let proof = Proof::of(&parts(method.clone(), &headers));
            assert_eq!(matches!(proof, Ok(Some(Proof::Token(_)))), expected, "{method} {origin:?}");
        }
        for wrong in ["", "Bearer", "Bearer ", "Basic ???", "Digest x", &"Bearer x".repeat(400)] {
            assert!(Proof::of(&parts(Method::GET, &[("authorization", wrong)])).is_err(), "{wrong}");
        }
        assert!(matches!(Proof::of(&parts(Method::GET, &[])), Ok(None)));
    }
}
