//! Access on one machine: everybody pulls; this machine, or who has the password, pushes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{Access, AccessRequest, Action, Actor, Decision, DecisionFuture, PolicyFuture};
use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;

/// The first form: anonymous pull, push and delete from this machine or with a password.
///
/// Behind a proxy on the same machine every client comes from this machine: set `push_from_loopback` to false
/// there.
#[derive(Clone, Debug)]
pub struct LocalAccess {
    /// Whether connections from 127.0.0.0/8 and `::1` push without a password.
    pub push_from_loopback: bool,
    /// Who else pushes.
    pub login: Option<Login>,
}

/// A user name with its password, of which only a digest is kept.
#[derive(Clone, Debug)]
pub struct Login {
    user: String,
    digest: [u8; 32],
}

impl Login {
    /// Keeps what is needed to know the pair again.
    pub fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), digest: Sha256::digest(format!("{user}:{password}")).into() }
    }

    /// Says whether a header holds this pair; digests are compared, so time tells nothing of the password.
    fn matches(&self, authorization: &str) -> bool {
        let Some((scheme, encoded)) = authorization.split_once(' ') else { return false };
        scheme.eq_ignore_ascii_case("basic")
            && STANDARD
                .decode(encoded.trim())
                .is_ok_and(|pair| <[u8; 32]>::from(Sha256::digest(&pair)) == self.digest)
    }
}

impl LocalAccess {
    const CHALLENGE: &'static str = "Basic realm=\"Temper\", charset=\"UTF-8\"";

    fn judge(&self, request: &AccessRequest<'_>) -> Decision {
        let actor = match (&self.login, request.authorization) {
            (Some(login), Some(authorization)) if login.matches(authorization) => {
                Some(Actor::User(login.user.clone()))
            }
            _ => {
                let is_local = request.peer.is_some_and(|peer| peer.to_canonical().is_loopback());
                (self.push_from_loopback && is_local).then_some(Actor::Anonymous)
            }
        };
        match (actor, request.target) {
            (Some(actor), _) => Decision::Allowed(actor),
            (None, Some((_, Action::Pull | Action::List))) => Decision::Allowed(Actor::Anonymous),
            (None, None) if self.login.is_none() => Decision::Allowed(Actor::Anonymous),
            (None, Some(_)) if self.login.is_none() => Decision::Denied,
            // Also for the base path: clients that were not asked there never send what they have.
            _ => Decision::Unauthenticated { challenge: Self::CHALLENGE.to_owned() },
        }
    }
}

impl Access for LocalAccess {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        Box::pin(std::future::ready(Ok(self.judge(&request))))
    }

    fn policy<'a>(&'a self, _: &'a RepositoryName) -> PolicyFuture<'a> {
        Box::pin(std::future::ready(Ok(RepositoryPolicy { public: true, ..RepositoryPolicy::default() })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_lets_pull_all_and_push_some() {
        let name = RepositoryName::parse("acme/python").expect("is a name");
        let login = Some(Login::new("admin", "s3:cret"));
        let right = format!("Basic {}", STANDARD.encode("admin:s3:cret"));
        let wrong = format!("Basic {}", STANDARD.encode("admin:other"));
        let check =
            |loopback, login: &Option<Login>, peer: &str, header: Option<&str>, action: Option<Action>| {
                let access = LocalAccess { push_from_loopback: loopback, login: login.clone() };
                let decision = access.judge(&AccessRequest {
                    peer: peer.parse().ok(),
                    origin: "http://localhost",
                    authorization: header,
                    target: action.map(|action| (&name, action)),
                });
                match decision {
                    Decision::Allowed(_) => "allowed",
                    Decision::Unauthenticated { .. } => "challenge",
                    Decision::Denied => "denied",
                    Decision::Hidden => "hidden",
                }
            };
        let push = Some(Action::Push);
        for (loopback, login, peer, header, action, expected) in [
            (true, &None, "127.0.0.1", None, push, "allowed"),
            (true, &None, "::ffff:127.0.0.1", None, push, "allowed"),
            (true, &None, "10.0.0.1", None, push, "denied"),
            (true, &None, "", None, push, "denied"),
            (true, &None, "10.0.0.1", None, Some(Action::Pull), "allowed"),
            (true, &None, "10.0.0.1", None, None, "allowed"),
            (false, &None, "127.0.0.1", None, Some(Action::Delete), "denied"),
            (false, &login, "127.0.0.1", None, push, "challenge"),
            (false, &login, "127.0.0.1", None, None, "challenge"),
            (false, &login, "10.0.0.1", None, Some(Action::Pull), "allowed"),
            (false, &login, "10.0.0.1", Some(right.as_str()), push, "allowed"),
            (false, &login, "10.0.0.1", Some(right.as_str()), None, "allowed"),
            (false, &login, "10.0.0.1", Some(wrong.as_str()), push, "challenge"),
            (false, &login, "10.0.0.1", Some("Basic ???"), push, "challenge"),
            (false, &login, "10.0.0.1", Some("Bearer x"), push, "challenge"),
        ] {
            assert_eq!(
                check(loopback, login, peer, header, action),
                expected,
                "{peer} {header:?} {action:?}"
            );
        }
    }
}
