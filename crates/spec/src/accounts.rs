//! The accounts file of a server: people, their access tokens, and what holds in which repositories.
//!
//! A format of our own. Passwords and tokens stand in it as hashes only.

mod amount;
mod check;
mod value;

use std::collections::BTreeMap;

use temper_oci::Pattern;

use crate::parsed::Parsed;
use crate::problem::Problems;
use crate::read::record::record;
use crate::read::word::word;
use crate::read::{At, Read, Report};
use crate::yaml::{self, Limits};

pub use amount::{Age, ByteCount, Expiry};
pub use value::{ImmutableTags, PasswordText, TokenDigestText};

record! {
    /// The people of a server, and what holds in which repositories.
    pub struct Accounts {
        /// Users by name.
        users: BTreeMap<String, User> = "users", check check::users;
        /// Rights and rules of repositories. Rights of all entries that match add up; of each rule, the first entry that states it holds.
        repositories: Vec<Repository> = "repositories";
    }
    check check::names
}

record! {
    /// Somebody who can log in.
    pub struct User {
        /// Hash of the password, as `temper account hash` prints it. Without one, only access tokens let in.
        password: Option<PasswordText> = "password";
        /// Whether all rights in all repositories are theirs.
        admin: bool = "admin";
        /// Access tokens by name, which programs use in place of the password.
        tokens: BTreeMap<String, Token> = "tokens", check check::tokens;
    }
}

record! {
    /// An access token; it gives at most the rights of its user.
    pub struct Token {
        /// Digest of the token, as `temper account token` prints it.
        digest: TokenDigestText = "digest";
        /// The highest right that it gives.
        right: Right = "right";
        /// The repositories that it is for, by patterns; all if absent.
        repositories: Vec<Pattern> = "repositories";
        /// When it ends: a day, `2027-01-31`, whose begin in UTC counts, or a time, `2027-01-31T12:00:00Z`. Never, if absent.
        expires: Option<Expiry> = "expires";
    }
}

word! {
    /// What somebody may do; each right holds those before it.
    pub enum Right {
        /// Pull.
        Read = "read",
        /// Push.
        Write = "write",
        /// Delete.
        Admin = "admin",
    }
}

record! {
    /// Rights and rules of the repositories whose names match.
    pub struct Repository {
        /// A name or a pattern: `?` is one character, `*` any number without a slash, `**` any number.
        name: Pattern = "name";
        /// Users who pull.
        read: Vec<String> = "read";
        /// Users who pull and push.
        write: Vec<String> = "write";
        /// Users who pull, push and delete.
        admin: Vec<String> = "admin";
        /// Whether everybody pulls, without an account.
        public: Option<bool> = "public";
        /// Tags that are neither moved nor deleted once they are pushed: `all`, `none`, or a list of patterns.
        immutable_tags: Option<ImmutableTags> = "immutable-tags";
        /// Most bytes in the repository: `50GiB`.
        quota: Option<ByteCount> = "quota";
        /// Most bytes in all repositories that share the first part of their name, each blob counted once: `1TB`.
        organization_quota: Option<ByteCount> = "organization-quota";
        /// What is kept that no tag holds any more.
        retention: Option<Retention> = "retention";
    }
}

record! {
    /// What is kept of manifests that nothing holds: they are kept while they are among the newest, or young.
    pub struct Retention {
        /// How many of the newest are kept; 10 if absent.
        newest: Option<u32> = "newest";
        /// How long they are kept after their push: `90d`, which holds if absent, at least `1d`.
        age: Option<Age> = "age";
    }
}

impl Accounts {
    /// Reads an accounts file and reports all of its problems at once.
    pub fn parse(text: &str) -> Result<Parsed<Self>, Problems> {
        let tree = yaml::parse(text, &Limits::DEFAULT)?;
        let mut report = Report::default();
        report.locate(&At::ROOT, tree.position);
        let accounts = Self::read(&tree, &At::ROOT, &mut report);
        Parsed::new(accounts, report)
    }
}

#[cfg(test)]
mod tests;
