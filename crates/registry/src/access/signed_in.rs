//! Access of people: by a token of the token service, or by user name and password.
//!
//! The answers follow the [token authentication] that Docker's clients expect. Rights are asked for before anything
//! is looked up, so what may not be known costs and says the same whether it exists or not.
//!
//! [token authentication]: https://distribution.github.io/distribution/spec/auth/token/

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Access, AccessError, AccessRequest, Action, Actor, Credentials, Decision, DecisionFuture, ListFuture,
    PolicyFuture,
};
use crate::directory::{Directory, Identity, Right};
use crate::frontage::authority;
use crate::name::RepositoryName;
use crate::token::{Granted, Grants, Scope, Tokens};

/// Decides by what a [`Directory`] knows; clones share one state.
#[derive(Clone)]
pub struct TokenAccess {
    directory: Arc<dyn Directory>,
    tokens: Arc<Tokens>,
}

impl fmt::Debug for TokenAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAccess").finish_non_exhaustive()
    }
}

/// Who asks, and what their token was issued for.
struct Bearer {
    /// `None` is anybody.
    identity: Option<Identity>,
    /// `None` where there is no token, and so no limit but the rights.
    grants: Option<Grants>,
}

/// Why credentials prove nothing.
#[derive(Clone, Copy)]
enum Refused {
    /// They are wrong, or of no known form.
    Wrong,
    /// A token that was good.
    Expired,
}

impl TokenAccess {
    /// Makes a form of access over people and tokens.
    pub fn new(directory: Arc<dyn Directory>, tokens: Tokens) -> Self {
        Self { directory, tokens: Arc::new(tokens) }
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Finds who proves itself; a failure is logged with where it came from.
    pub(crate) async fn authenticate(
        &self,
        peer: Option<IpAddr>,
        user: &str,
        secret: &SecretString,
    ) -> Result<Option<Identity>, AccessError> {
        let found = self.directory.authenticate(user, secret).await?;
        Ok(found.inspect_err(|why| log_failure(peer, Some(user), &why.to_string())).ok())
    }

    /// Finds who a refresh token was issued to, if it still holds.
    pub(crate) async fn refresh(
        &self,
        peer: Option<IpAddr>,
        token: &SecretString,
    ) -> Result<Option<Identity>, AccessError> {
        let identity = self.tokens.read_refresh(token.expose_secret());
        if let Some(identity) = identity
            && self.directory.is_current(&identity).await?
        {
            return Ok(Some(identity));
        }
        log_failure(peer, None, "refresh token does not hold");
        Ok(None)
    }

    /// Returns what of the scopes somebody may have.
    pub(crate) async fn grant(
        &self,
        identity: Option<&Identity>,
        scopes: &[Scope],
    ) -> Result<Vec<Granted>, AccessError> {
        let mut granted = Vec::new();
        for scope in scopes {
            match scope {
                Scope::Catalog => granted.push(Granted::catalog()),
                Scope::Repository { name, actions } => {
                    let right = self.directory.right(identity, name).await?;
                    granted.push(Granted::repository(name, actions, right));
                }
            }
        }
        Ok(granted)
    }

    async fn bearer(&self, request: &AccessRequest<'_>) -> Result<Result<Bearer, Refused>, AccessError> {
        let Some(authorization) = request.authorization else {
            return Ok(Ok(Bearer { identity: None, grants: None }));
        };
        match Credentials::parse(authorization) {
            None => Ok(Err(Refused::Wrong)),
            Some(Credentials::Basic { user, secret }) => {
                let found = self.authenticate(request.peer, &user, &secret).await?;
                Ok(found.map_or(Err(Refused::Wrong), |identity| {
                    Ok(Bearer { identity: Some(identity), grants: None })
                }))
            }
            Some(Credentials::Bearer(token)) => {
                let Some((identity, grants)) = self.tokens.read(token.expose_secret()) else {
                    return Ok(Err(Refused::Expired));
                };
                if let Some(identity) = &identity
                    && !self.directory.is_current(identity).await?
                {
                    return Ok(Err(Refused::Expired));
                }
                Ok(Ok(Bearer { identity, grants: Some(grants) }))
            }
        }
    }

    async fn judge(&self, request: AccessRequest<'_>) -> Result<Decision, AccessError> {
        let challenge = |fault: &str| Decision::Unauthenticated {
            challenge: challenge(request.origin, request.target, fault),
        };
        let bearer = match self.bearer(&request).await? {
            Ok(bearer) => bearer,
            Err(Refused::Wrong) => return Ok(challenge("")),
            Err(Refused::Expired) => return Ok(challenge("invalid_token")),
        };
        let identity = bearer.identity.as_ref();
        let actor = identity.map_or(Actor::Anonymous, Identity::actor);
        let Some((repository, action)) = request.target else {
            // Asked for nothing, anybody is asked to log in: clients that are not never send what they have.
            let is_known = identity.is_some() || bearer.grants.is_some();
            return Ok(if is_known { Decision::Allowed(actor) } else { challenge("") });
        };
        let right = self.directory.right(identity, repository).await?;
        if right < Some(Right::needed(action)) {
            return Ok(match (identity, right) {
                _ if action == Action::List => Decision::Hidden,
                (None, _) => challenge(if bearer.grants.is_some() { "insufficient_scope" } else { "" }),
                (Some(_), None) => Decision::Hidden,
                (Some(_), Some(_)) => Decision::Denied,
            });
        }
        let granted = bearer.grants.is_none_or(|grants| grants.allow(repository, action));
        if granted || self.is_open(repository, action).await? {
            return Ok(Decision::Allowed(actor));
        }
        Ok(challenge("insufficient_scope"))
    }

    /// Returns what somebody may see in a list; who it is, is found out once.
    async fn seen(
        &self,
        request: AccessRequest<'_>,
        names: Vec<RepositoryName>,
    ) -> Result<Vec<RepositoryName>, AccessError> {
        let Ok(bearer) = self.bearer(&request).await? else { return Ok(Vec::new()) };
        let mut seen = Vec::new();
        for name in names {
            if self.sees(&bearer, &name).await? {
                seen.push(name);
            }
        }
        Ok(seen)
    }

    async fn sees(&self, bearer: &Bearer, name: &RepositoryName) -> Result<bool, AccessError> {
        let action = Action::List;
        let right = self.directory.right(bearer.identity.as_ref(), name).await?;
        let is_granted = bearer.grants.as_ref().is_none_or(|grants| grants.allow(name, action));
        Ok(right >= Some(Right::needed(action)) && (is_granted || self.is_open(name, action).await?))
    }

    /// Says whether everybody may do this, so that no token can lack it.
    async fn is_open(&self, repository: &RepositoryName, action: Action) -> Result<bool, AccessError> {
        Ok(self.directory.right(None, repository).await? >= Some(Right::needed(action)))
    }
}

impl Access for TokenAccess {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        Box::pin(self.judge(request))
    }

    fn list<'a>(&'a self, request: AccessRequest<'a>, names: Vec<RepositoryName>) -> ListFuture<'a> {
        Box::pin(self.seen(request, names))
    }

    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> PolicyFuture<'a> {
        self.directory.policy(repository)
    }
}

/// Says in `WWW-Authenticate` where to get a token for what was asked.
fn challenge(origin: &str, target: Option<(&RepositoryName, Action)>, fault: &str) -> String {
    let mut text = format!("Bearer realm=\"{origin}/token\",service=\"{}\"", authority(origin));
    if let Some((repository, action)) = target {
        let actions = match action {
            Action::List | Action::Pull => "pull",
            Action::Push => "pull,push",
            Action::Delete => "delete",
        };
        let _ = write!(text, ",scope=\"repository:{repository}:{actions}\"");
    }
    if !fault.is_empty() {
        let _ = write!(text, ",error=\"{fault}\"");
    }
    text
}

/// Tells the operator of a failed proof, with all that is known of who tried.
fn log_failure(peer: Option<IpAddr>, user: Option<&str>, reason: &str) {
    let peer = peer.map(tracing::field::display);
    // What was typed as a name may be anything, so it is written with escapes.
    tracing::warn!(peer.address = peer, user.name = user.map(tracing::field::debug), reason, "login failed");
}
