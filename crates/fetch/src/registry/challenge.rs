//! Challenges: how a registry wants to be told who asks.
//!
//! See [RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1) and
//! [Docker's token authentication](https://distribution.github.io/distribution/spec/auth/token/).

use http_auth::{ChallengeRef, parse_challenges};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Most scopes that are taken from a challenge.
const SCOPES_MAX: usize = 8;

/// Longest scope that is taken from a challenge, in bytes.
const SCOPE_BYTES_MAX: usize = 512;

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

/// Lists the scopes that an answer names and that a request has not asked for.
///
/// Ours come first: some registries name a stand-in (`repository:user/image:pull`) where the request says all.
pub(super) fn further_scopes(headers: &HeaderMap, own: &[String]) -> Vec<String> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenges = texts.flat_map(|text| parse_challenges(text).unwrap_or_default());
    let scopes = challenges.filter_map(|challenge| parameter(&challenge, "scope"));
    let scopes: Vec<String> =
        scopes.flat_map(|scopes| scopes.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    scopes
        .into_iter()
        .filter(|scope| scope.len() <= SCOPE_BYTES_MAX && !scope.is_empty())
        .filter(|scope| !own.iter().any(|own| covers(own, scope)))
        .take(SCOPES_MAX)
        .collect()
}

/// Says whether a scope holds another: the same thing, and at least its actions.
fn covers(own: &str, other: &str) -> bool {
    match (own.rsplit_once(':'), other.rsplit_once(':')) {
        (Some((thing, actions)), Some((other, wanted))) if thing == other => {
            wanted.split(',').all(|wanted| actions.split(',').any(|action| action == wanted))
        }
        _ => own == other,
    }
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

    #[test]
    fn scopes_beyond_our_own_are_asked_for_too() {
        let own = ["repository:a/b:pull,push".to_owned()];
        let long = format!("repository:{}:pull", "a".repeat(600));
        for (scope, expected) in [
            ("repository:a/b:pull", &[] as &[&str]),
            ("repository:a/b:push,pull", &[]),
            ("repository:a/b:delete", &["repository:a/b:delete"]),
            ("repository:proxy/a/b:pull aws", &["repository:proxy/a/b:pull", "aws"]),
            (&long, &[]),
            ("", &[]),
        ] {
            let mut headers = HeaderMap::new();
            let text = format!("Bearer realm=\"https://a/t\",scope=\"{scope}\"");
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_str(&text).expect("is a header"));
            assert_eq!(further_scopes(&headers, &own), expected, "{scope}");
        }
    }
}
