//! People and rights as an operator writes them down: the contents of an accounts file, as a [`Directory`].

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use temper_oci::Pattern;
use temper_store::records::Micros;
use tokio::sync::watch;

use crate::access::AccessError;
use crate::directory::{Directory, DirectoryFuture, Identity, Right, Unproven};
use crate::name::RepositoryName;
use crate::password::{AccessSecretDigest, PasswordHash, Passwords};
use crate::policy::{ImmutableTags, RepositoryPolicy, Retention};
use crate::registry::Clock;

/// Everybody, and what holds where.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Rights and rules; rights of all that match add up, of each rule the first that says something holds.
    pub repositories: Vec<RepositoryRules>,
}

/// Somebody.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Absent where only access tokens let in.
    pub password: Option<PasswordHash>,
    /// Whether every right in every repository is theirs.
    pub is_admin: bool,
    /// Access tokens by name.
    pub tokens: BTreeMap<String, AccessToken>,
}

/// A program's way in, with at most the rights of its user.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// What is kept of the token.
    pub digest: AccessSecretDigest,
    /// The highest right that it gives.
    pub right: Right,
    /// The repositories that it is for; all where empty.
    pub repositories: Vec<Pattern>,
    /// When it ends, in microseconds since 1970; never where absent.
    pub expires_at: Option<Micros>,
}

/// What holds in the repositories that match.
#[derive(Clone, Debug)]
pub struct RepositoryRules {
    /// Which repositories.
    pub pattern: Pattern,
    /// Who may do what.
    pub rights: BTreeMap<String, Right>,
    /// Whether everybody pulls.
    pub public: Option<bool>,
    /// Which tags stay.
    pub immutable_tags: Option<ImmutableTags>,
    /// Most bytes of the repository.
    pub quota_bytes: Option<u64>,
    /// Most bytes of all repositories that share the first part of their name.
    pub organization_quota_bytes: Option<u64>,
    /// What the collector keeps.
    pub retention: Option<Retention>,
}

impl Accounts {
    /// Returns the rules of a repository.
    pub fn policy(&self, repository: &RepositoryName) -> RepositoryPolicy {
        let rules = || self.repositories.iter().filter(|rules| rules.pattern.matches(repository.as_str()));
        RepositoryPolicy {
            public: rules().find_map(|rules| rules.public).unwrap_or_default(),
            immutable_tags: rules().find_map(|rules| rules.immutable_tags.clone()).unwrap_or_default(),
            quota_bytes: rules().find_map(|rules| rules.quota_bytes),
            organization_quota_bytes: rules().find_map(|rules| rules.organization_quota_bytes),
            retention: rules().find_map(|rules| rules.retention.clone()).unwrap_or_default(),
        }
    }

    fn right(&self, identity: Option<&Identity>, repository: &RepositoryName) -> Option<Right> {
        let open = self.policy(repository).public.then_some(Right::Read);
        let own = identity.and_then(|identity| self.own_right(identity, repository));
        open.max(own)
    }

    fn own_right(&self, identity: &Identity, repository: &RepositoryName) -> Option<Right> {
        let user = self.users.get(&identity.user)?;
        let rules = self.repositories.iter().filter(|rules| rules.pattern.matches(repository.as_str()));
        let given = rules.filter_map(|rules| rules.rights.get(&identity.user).copied()).max();
        let right = if user.is_admin { Right::Admin } else { given? };
        let Some(token) = &identity.token else { return Some(right) };
        let token = user.tokens.get(token)?;
        let is_for = |pattern: &Pattern| pattern.matches(repository.as_str());
        let applies = token.repositories.is_empty() || token.repositories.iter().any(is_for);
        applies.then(|| right.min(token.right))
    }

    /// Finds who has this access token now.
    fn by_token(&self, user: &str, digest: AccessSecretDigest, now: Micros) -> Result<Identity, Unproven> {
        let tokens = &self.users.get(user).ok_or(Unproven::User)?.tokens;
        let found = tokens.iter().find(|(_, token)| token.digest == digest);
        let (token, found) = found.ok_or(Unproven::Token)?;
        if !found.is_current(now) {
            return Err(Unproven::Expired);
        }
        let (user, token) = (user.to_owned(), Some(token.clone()));
        Ok(Identity { user, token, stamp: stamp(&digest.to_string()) })
    }

    fn is_current(&self, identity: &Identity, now: Micros) -> bool {
        let Some(user) = self.users.get(&identity.user) else { return false };
        let today = match &identity.token {
            Some(token) => {
                let token = user.tokens.get(token).filter(|token| token.is_current(now));
                token.map(|token| stamp(&token.digest.to_string()))
            }
            None => user.password.as_ref().map(|hash| stamp(hash.as_str())),
        };
        today.as_ref() == Some(&identity.stamp)
    }
}

impl AccessToken {
    fn is_current(&self, now: Micros) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Returns what changes when the kept hash does, and tells nothing of it.
fn stamp(hash: &str) -> String {
    let digest = Sha256::digest(format!("temper stamp {hash}"));
    URL_SAFE_NO_PAD.encode(&digest[..12])
}

/// Answers from accounts that may be replaced while the server runs.
#[derive(Debug)]
pub struct AccountsDirectory {
    accounts: watch::Receiver<Arc<Accounts>>,
    passwords: Passwords,
    clock: ClockDebug,
}

struct ClockDebug(Clock);

impl std::fmt::Debug for ClockDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl AccountsDirectory {
    /// Makes a directory of the newest accounts of a channel.
    pub fn new(accounts: watch::Receiver<Arc<Accounts>>, passwords: Passwords, clock: Clock) -> Self {
        Self { accounts, passwords, clock: ClockDebug(clock) }
    }

    fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.accounts.borrow())
    }

    async fn find(
        &self,
        user: &str,
        secret: &SecretString,
    ) -> Result<Result<Identity, Unproven>, AccessError> {
        let accounts = self.accounts();
        if let Some(digest) = AccessSecretDigest::of(secret) {
            return Ok(accounts.by_token(user, digest, (self.clock.0)()));
        }
        let found = accounts.users.get(user);
        let hash = found.and_then(|user| user.password.as_ref());
        let is_right = self.passwords.check(secret, hash).await?;
        let why = if found.is_some() { Unproven::Password } else { Unproven::User };
        let hash = hash.filter(|_| is_right).ok_or(why);
        Ok(hash.map(|hash| Identity { user: user.to_owned(), token: None, stamp: stamp(hash.as_str()) }))
    }
}

impl Directory for AccountsDirectory {
    fn authenticate<'a>(
        &'a self,
        user: &'a str,
        secret: &'a SecretString,
    ) -> DirectoryFuture<'a, Result<Identity, Unproven>> {
        Box::pin(self.find(user, secret))
    }

    fn is_current<'a>(&'a self, identity: &'a Identity) -> DirectoryFuture<'a, bool> {
        let is_current = self.accounts().is_current(identity, (self.clock.0)());
        Box::pin(std::future::ready(Ok(is_current)))
    }

    fn right<'a>(
        &'a self,
        identity: Option<&'a Identity>,
        repository: &'a RepositoryName,
    ) -> DirectoryFuture<'a, Option<Right>> {
        Box::pin(std::future::ready(Ok(self.accounts().right(identity, repository))))
    }

    fn policy<'a>(&'a self, repository: &'a RepositoryName) -> DirectoryFuture<'a, RepositoryPolicy> {
        Box::pin(std::future::ready(Ok(self.accounts().policy(repository))))
    }
}
