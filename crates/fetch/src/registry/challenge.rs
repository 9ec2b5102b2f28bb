//! Challenges: how a registry wants to be told who asks.
//!
//! See [RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1) and
//! [Docker's token authentication](https://distribution.github.io/distribution/spec/auth/token/).

use http_auth::{ChallengeRef, parse_challenges};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// The ways that registries use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token from a token server.
    Bearer {
        /// The token server's address.
        realm: String,
        /// The name by which the token server knows the registry.
        service: Option<String>,
    },
}

/// Reads the challenges of an answer; tokens go before passwords.
pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut basic = None;
    for text in texts {
        for challenge in parse_challenges(text).unwrap_or_default() {
            if challenge.scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = parameter(&challenge, "realm")
            {
                return Some(Challenge::Bearer { realm, service: parameter(&challenge, "service") });
            }
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_unescaped()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn tokens_go_before_passwords() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        for (texts, expected) in [
            (vec!["Basic realm=\"r\""], Some(Challenge::Basic)),
            (
                vec!["Bearer realm=\"https://auth.example/token\",service=\"s\",scope=\"repository:a:pull\""],
                bearer("https://auth.example/token", Some("s")),
            ),
            (vec!["bearer realm=\"https://a/t\""], bearer("https://a/t", None)),
            (vec!["Basic realm=\"r\", Bearer realm=\"https://a/t\""], bearer("https://a/t", None)),
            (vec!["Basic realm=\"r\"", "Bearer realm=\"https://a/t\""], bearer("https://a/t", None)),
            (vec!["Bearer service=\"s\""], None),
            (vec!["Negotiate"], None),
            (vec!["\"\u{7f}"], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for text in &texts {
                if let Ok(value) = HeaderValue::from_str(text) {
                    headers.append(WWW_AUTHENTICATE, value);
                }
            }
            assert_eq!(read(&headers), expected, "{texts:?}");
        }
    }
}
