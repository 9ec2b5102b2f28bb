//! The rules of an accounts file beyond single values.

use std::collections::BTreeMap;

use crate::read::record::nearest;
use crate::read::{At, Report};

use super::{Accounts, Token, User};

/// Longest name of a user or an access token.
const NAME_BYTES_MAX: usize = 128;

pub(super) fn users(users: &BTreeMap<String, User>, at: &At<'_>, report: &mut Report) {
    check_names("user", users.keys(), at, report);
}

pub(super) fn tokens(tokens: &BTreeMap<String, Token>, at: &At<'_>, report: &mut Report) {
    check_names("access token", tokens.keys(), at, report);
}

fn check_names<'a>(what: &str, names: impl Iterator<Item = &'a String>, at: &At<'_>, report: &mut Report) {
    for name in names {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_good) {
            report.problem_with_hint(
                &at.key(name),
                format!("`{name}` is not the name of a {what}").replace("a access", "an access"),
                format!("use letters, digits, `.`, `_`, `-`, `@` and `+`, at most {NAME_BYTES_MAX}"),
            );
        }
    }
}

/// Checks that everybody who has rights is there.
pub(super) fn names(accounts: &Accounts, at: &At<'_>, report: &mut Report) {
    let at_repositories = at.key("repositories");
    for (index, repository) in accounts.repositories.iter().enumerate() {
        let at = at_repositories.index(index);
        for (right, users) in
            [("read", &repository.read), ("write", &repository.write), ("admin", &repository.admin)]
        {
            let at = at.key(right);
            for (index, user) in users.iter().enumerate() {
                if accounts.users.contains_key(user) {
                    continue;
                }
                let names = accounts.users.keys().map(String::as_str);
                let hint = nearest(user, names).map(|name| format!("did you mean `{name}`?"));
                report.problem(&at.index(index), format!("there is no user `{user}`")).hint = hint;
            }
        }
    }
}
