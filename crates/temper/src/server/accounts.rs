//! The accounts file: from the document to people and rights.

use std::path::Path;

use anyhow::{Context, anyhow};
use temper_registry as registry;
use temper_registry::{AccessToken, Accounts, RepositoryRules, Right, User};
use temper_spec::accounts as document;
use temper_spec::{Parsed, Problem, Problems};

use super::reload;
use crate::failure::{self, Failure};
use crate::printing::counted;

/// Reads the file, and returns its bytes beside what they mean.
///
/// The caller says which failure it is that the file is not there, and that it has problems.
pub(crate) fn read(
    file: &Path,
    missing: fn(anyhow::Error) -> Failure,
    wrong: fn(anyhow::Error) -> Failure,
) -> Result<(Vec<u8>, Accounts), anyhow::Error> {
    let shown = file.display();
    let bytes =
        reload::read(file).with_context(|| format!("accounts file `{shown}` cannot be read")).map_err(
            |error| missing(error).hint("docs/registry.md describes the file; examples/accounts.yaml is one"),
        )?;
    let accounts = parse(&bytes).map_err(|error| match error.downcast::<Problems>() {
        Ok(problems) => {
            let count = counted(problems.0.len(), "problem", "problems");
            let problems = problems.0.iter().map(failure::Problem::from);
            wrong(anyhow!("accounts file `{shown}` has {count}")).problems(problems)
        }
        Err(error) => wrong(error.context(format!("accounts file `{shown}` cannot be used"))),
    })?;
    Ok((bytes, accounts))
}

/// Reads the contents of a file; the error holds all problems at once.
pub(crate) fn parse(bytes: &[u8]) -> Result<Accounts, anyhow::Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| anyhow!(error)).context("is not UTF-8")?;
    let parsed = document::Accounts::parse(text)?;
    let mut problems = Vec::new();
    let users = parsed
        .users
        .iter()
        .map(|(name, user)| (name.clone(), self::user(&parsed, name, user, &mut problems)));
    let users = users.collect();
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    Ok(Accounts { users, repositories: parsed.repositories.iter().map(rules).collect() })
}

fn user(
    parsed: &Parsed<document::Accounts>,
    name: &str,
    user: &document::User,
    problems: &mut Vec<Problem>,
) -> User {
    let at = format!("users{}", key(name));
    let mut tokens = std::collections::BTreeMap::new();
    let password = user.password.as_ref().and_then(|hash| {
        hash.0
            .parse()
            .map_err(|error: registry::ParsePasswordHashError| {
                let problem = parsed.problem(&format!("{at}.password"), error.to_string());
                problems.push(match error.hint() {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                });
            })
            .ok()
    });
    for (name, token) in &user.tokens {
        match token.digest.0.parse() {
            Ok(digest) => {
                tokens.insert(name.clone(), access_token(digest, token));
            }
            Err(error) => {
                let error: registry::ParseAccessSecretDigestError = error;
                let path = format!("{at}.tokens{}.digest", key(name));
                problems.push(parsed.problem(&path, error.to_string()));
            }
        }
    }
    User { password, is_admin: user.admin, tokens }
}

/// Writes a key of a mapping as the paths of problems do.
fn key(name: &str) -> String {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_word { format!(".{name}") } else { format!("[{name:?}]") }
}

fn access_token(digest: registry::AccessSecretDigest, token: &document::Token) -> AccessToken {
    AccessToken {
        digest,
        right: right(token.right),
        repositories: token.repositories.clone(),
        expires_at: token.expires.map(|end| end.0.as_microsecond()),
    }
}

fn right(right: document::Right) -> Right {
    match right {
        document::Right::Read => Right::Read,
        document::Right::Write => Right::Write,
        document::Right::Admin => Right::Admin,
    }
}

fn rules(repository: &document::Repository) -> RepositoryRules {
    let mut rights = std::collections::BTreeMap::new();
    // A later and higher right replaces a lower one.
    for (users, right) in [
        (&repository.read, Right::Read),
        (&repository.write, Right::Write),
        (&repository.admin, Right::Admin),
    ] {
        rights.extend(users.iter().map(|user| (user.clone(), right)));
    }
    RepositoryRules {
        pattern: repository.name.clone(),
        rights,
        public: repository.public,
        immutable_tags: repository.immutable_tags.as_ref().map(|tags| match tags {
            document::ImmutableTags::None => registry::ImmutableTags::None,
            document::ImmutableTags::All => registry::ImmutableTags::All,
            document::ImmutableTags::Patterns(patterns) => {
                registry::ImmutableTags::Patterns(patterns.clone())
            }
        }),
        quota_bytes: repository.quota.map(|quota| quota.0),
        organization_quota_bytes: repository.organization_quota.map(|quota| quota.0),
        retention: repository.retention.as_ref().map(|retention| {
            let default = registry::Retention::default();
            registry::Retention {
                newest: retention.newest.unwrap_or(default.newest),
                age: retention.age.map_or(default.age, |age| age.0.max(registry::Retention::AGE_MIN)),
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use temper_registry::{ImmutableTags, RepositoryName};

    use super::*;

    /// The file of the guide for operators, which must stay good.
    const EXAMPLE: &str = include_str!("../../../../examples/accounts.yaml");

    #[test]
    fn the_example_means_what_it_says() {
        let accounts = parse(EXAMPLE.as_bytes()).expect("is good");
        let policy = |name: &str| accounts.policy(&RepositoryName::parse(name).expect("is a name"));
        assert!(policy("library/debian").public && !policy("acme/dhi-python").public);
        assert!(policy("acme/dhi-python").immutable_tags.holds("3.13.9_custom-20260131.1"));
        assert_eq!(policy("acme/other").immutable_tags, ImmutableTags::None);
        assert_eq!(policy("acme/dhi-python").quota_bytes, Some(50 << 30));
        assert_eq!(accounts.users["ci"].tokens["deploy"].right, Right::Read);
    }

    #[test]
    fn hashes_that_nothing_can_check_are_problems_with_their_path() {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("accounts.yaml");
        let costly = "$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";
        for (text, expected) in [
            (
                "users:\n  alice: { password: $argon2id$x }\n  b.c: { tokens: { ci: { digest: 'sha256:1', right: read } } }\n",
                "error: accounts file `FILE` has 2 problems\n  \
              2:22: `users.alice.password`: is not the argon2id hash of a password\n    \
              hint: `temper account hash` makes one\n  \
              3:34: `users[\"b.c\"].tokens.ci.digest`: is not the digest of an access token\n    \
              hint: `temper account token` makes a token and its digest\n"
                    .to_owned(),
            ),
            (
                &format!("users: {{ alice: {{ password: '{costly}' }} }}"),
                "error: accounts file `FILE` has 1 problem\n  \
              1:29: `users.alice.password`: password hash costs more than m=262144, t=16, p=16\n    \
              hint: `temper account hash` makes one\n"
                    .to_owned(),
            ),
        ] {
            std::fs::write(&path, text).expect("writes");
            let error = read(&path, Failure::usage, Failure::failed).expect_err("is wrong");
            let said = failure::text(&error).replace(&path.display().to_string(), "FILE");
            assert_eq!((said, failure::exit_code(&error)), (expected, 1));
        }
        let missing =
            read(&folder.path().join("none"), Failure::usage, Failure::failed).expect_err("is missing");
        assert_eq!(failure::exit_code(&missing), 2);
        assert!(parse(b"\xff").is_err());
    }
}
