//! Access on one machine: everybody pulls; this machine, or who has the password, pushes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{Access, AccessRequest, Action, Actor, Decision, DecisionFuture, PolicyFuture};
use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;

/// The first form: anonymous pull, push and delete from this machine or with a password.
///
/// What is this machine, [`crate::Frontage`] finds out.
#[derive(Clone, Debug)]
pub struct LocalAccess {
    /// Whether programs of this machine push without a password.
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
            _ => (self.push_from_loopback && request.is_local).then_some(Actor::Anonymous),
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
                    peer: None,
                    is_local: peer == "local",
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
            (true, &None, "local", None, push, "allowed"),
            (true, &None, "remote", None, push, "denied"),
            (true, &None, "remote", None, Some(Action::Pull), "allowed"),
            (true, &None, "remote", None, None, "allowed"),
            (false, &None, "local", None, Some(Action::Delete), "denied"),
            (false, &login, "local", None, push, "challenge"),
            (false, &login, "local", None, None, "challenge"),
            (false, &login, "remote", None, Some(Action::Pull), "allowed"),
            (false, &login, "remote", Some(right.as_str()), push, "allowed"),
            (false, &login, "remote", Some(right.as_str()), None, "allowed"),
            (false, &login, "remote", Some(wrong.as_str()), push, "challenge"),
            (false, &login, "remote", Some("Basic ???"), push, "challenge"),
            (false, &login, "remote", Some("Bearer x"), push, "challenge"),
        ] {
            assert_eq!(
                check(loopback, login, peer, header, action),
                expected,
                "{peer} {header:?} {action:?}"
            );
        }
    }
}
