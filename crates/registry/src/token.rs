//! Tokens of the token service: signed statements of who asked and what was granted, for minutes.
//!
//! See the registry's [token authentication] and its [JWT form]. They are for this server alone, which keeps none of
//! them; what ends an account or a right ends its tokens at once, because both are asked for again.
//!
//! [token authentication]: https://distribution.github.io/distribution/spec/auth/token/
//! [JWT form]: https://distribution.github.io/distribution/spec/auth/jwt/

pub(crate) mod endpoint;
mod grant;
mod key;
pub(crate) mod scope;

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::directory::Identity;
use crate::registry::Clock;

pub(crate) use grant::{Granted, Grants};
pub use key::{TokenKey, TokenKeyError};
pub(crate) use scope::Scope;

/// Who issues and who reads the tokens: nobody else does.
const ISSUER: &str = "temper";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Use {
    Registry,
    Refresh,
}

/// How long tokens hold, and how long it takes to get one.
#[derive(Clone, Debug)]
pub struct TokenLimits {
    /// Life of a token for requests; clients ask for a new one by themselves.
    pub access_life: Duration,
    /// Life of a token that a client keeps in place of a password.
    pub refresh_life: Duration,
    /// Longest time for a request to the token service.
    pub request_time_max: Duration,
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self {
            access_life: Duration::from_mins(5),
            refresh_life: Duration::from_hours(90 * 24),
            request_time_max: Duration::from_mins(1),
        }
    }
}

/// Issues tokens and reads them.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    clock: Clock,
    limits: TokenLimits,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: Use,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
    /// The user; nobody in particular where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stamp: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    access: Vec<Granted>,
}

impl Claims {
    fn identity(self) -> Option<Identity> {
        Some(Identity { user: self.sub?, token: self.token, stamp: self.stamp? })
    }
}

impl Tokens {
    /// Makes the issuer and reader of a key's tokens.
    pub fn new(key: &TokenKey, clock: Clock, limits: TokenLimits) -> Self {
        Self { encoding: key.encoding(), decoding: key.decoding(), clock, limits }
    }

    /// Returns how long a token for requests holds.
    pub(crate) fn access_life(&self) -> Duration {
        self.limits.access_life
    }

    /// Returns how long a request to the token service may take.
    pub(crate) fn request_time_max(&self) -> Duration {
        self.limits.request_time_max
    }

    /// Issues a token for requests.
    pub(crate) fn issue(&self, identity: Option<&Identity>, access: Vec<Granted>) -> String {
        self.sign(Use::Registry, self.limits.access_life, identity, access)
    }

    /// Issues a token that takes the place of a password.
    pub(crate) fn issue_refresh(&self, identity: &Identity) -> String {
        self.sign(Use::Refresh, self.limits.refresh_life, Some(identity), Vec::new())
    }

    /// Reads a token for requests: who it was issued to, and what it grants.
    pub(crate) fn read(&self, token: &str) -> Option<(Option<Identity>, Grants)> {
        let mut claims = self.verify(Use::Registry, token)?;
        let grants = Grants::new(std::mem::take(&mut claims.access));
        let is_somebody = claims.sub.is_some();
        let identity = claims.identity();
        // A token of somebody must not become one of nobody in particular.
        (is_somebody == identity.is_some()).then_some((identity, grants))
    }

    /// Reads a refresh token: who it was issued to.
    pub(crate) fn read_refresh(&self, token: &str) -> Option<Identity> {
        self.verify(Use::Refresh, token)?.identity()
    }

    fn sign(&self, aud: Use, life: Duration, identity: Option<&Identity>, access: Vec<Granted>) -> String {
        let iat = self.now_seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud,
            iat,
            exp: iat.saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX)),
            sub: identity.map(|identity| identity.user.clone()),
            token: identity.and_then(|identity| identity.token.clone()),
            stamp: identity.map(|identity| identity.stamp.clone()),
            access,
        };
        encode(&Header::new(Algorithm::EdDSA), &claims, &self.encoding)
            .expect("the key was checked, claims are JSON")
    }

    fn verify(&self, aud: Use, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        // These are checked below, by the given clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = decode::<Claims>(token, &self.decoding, &validation).ok()?.claims;
        (claims.aud == aud && self.now_seconds() < claims.exp).then_some(claims)
    }

    fn now_seconds(&self) -> i64 {
        (self.clock)().div_euclid(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn tokens_hold_for_their_use_their_time_and_their_key() {
        let now = Arc::new(AtomicI64::new(1_700_000_000_000_000));
        let tokens = |key: &TokenKey| {
            let now = Arc::clone(&now);
            Tokens::new(key, Arc::new(move || now.load(Ordering::Relaxed)), TokenLimits::default())
        };
        let key = TokenKey::generate().expect("makes a key");
        let (ours, others) = (tokens(&key), tokens(&TokenKey::generate().expect("makes a key")));
        let identity =
            Identity { user: "alice".to_owned(), token: Some("ci".to_owned()), stamp: "s".to_owned() };
        let access = ours.issue(Some(&identity), Vec::new());
        let (anybody, refresh) = (ours.issue(None, Vec::new()), ours.issue_refresh(&identity));
        assert_eq!(ours.read(&access).expect("is good").0, Some(identity.clone()));
        assert_eq!(ours.read(&anybody).expect("is good").0, None);
        assert_eq!(ours.read_refresh(&refresh), Some(identity));
        assert!(ours.read(&refresh).is_none() && ours.read_refresh(&access).is_none(), "each has one use");
        assert!(others.read(&access).is_none() && others.read_refresh(&refresh).is_none());
        let again = tokens(&TokenKey::from_pkcs8(key.pkcs8()).expect("is the key"));
        assert!(again.read(&access).is_some(), "a key that was kept is the same");

        let (head, signature) = access.rsplit_once('.').expect("has three parts");
        let (other_head, _) = anybody.rsplit_once('.').expect("has three parts");
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", head.split_once('.').expect("has two parts").1);
        for forged in [format!("{other_head}.{signature}"), head.to_owned() + ".", unsigned, String::new()] {
            assert!(ours.read(&forged).is_none(), "{forged}");
        }
        now.fetch_add(299_000_000, Ordering::Relaxed);
        assert!(ours.read(&access).is_some());
        now.fetch_add(1_000_000, Ordering::Relaxed);
        assert!(ours.read(&access).is_none(), "five minutes are over");
        assert!(ours.read_refresh(&refresh).is_some());
    }
}
