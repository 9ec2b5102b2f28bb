//! Accounts: names, ids, and what root needs.

use crate::read::{At, Report};

use super::super::{Accounts, Group, User};
use super::duplicates;

/// The highest id an account can have; the one above means "none" to the kernel.
const ID_MAX: u32 = u32::MAX - 1;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "checks take what fields hold by reference")]
pub(crate) fn id(value: &u32, at: &At<'_>, report: &mut Report) {
    if *value > ID_MAX {
        report.problem(at, format!("id {value} is above {ID_MAX}"));
    }
}

pub(crate) fn account_name(value: &str, at: &At<'_>, report: &mut Report) {
    const LENGTH_MAX: usize = 32;
    let fits = value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && value.len() <= LENGTH_MAX;
    if !fits {
        report.problem_with_hint(
            at,
            format!("`{value}` is not a name for an account"),
            format!("use at most {LENGTH_MAX} of `[A-Za-z0-9._-]`, not beginning with `.` or `-`"),
        );
    }
}

pub(crate) fn account_names(value: &[String], at: &At<'_>, report: &mut Report) {
    for (index, name) in value.iter().enumerate() {
        account_name(name, &at.index(index), report);
    }
    duplicates(value.iter(), "member", at, report);
}

pub(crate) fn users(value: &[User], at: &At<'_>, report: &mut Report) {
    duplicates(value.iter().map(|user| &user.name), "user", at, report);
    duplicates(value.iter().map(|user| user.uid), "uid", at, report);
    for (index, user) in value.iter().enumerate() {
        if (user.name == "root") != (user.uid == 0) {
            let message = format!("user `{}` has uid {}, and 0 is root's", user.name, user.uid);
            report.problem(&at.index(index).key("uid"), message);
        }
    }
}

pub(crate) fn groups(value: &[Group], at: &At<'_>, report: &mut Report) {
    duplicates(value.iter().map(|group| &group.name), "group", at, report);
    duplicates(value.iter().map(|group| group.gid), "gid", at, report);
}

pub(crate) fn accounts(value: &Accounts, at: &At<'_>, report: &mut Report) {
    let runs_as_root = matches!(value.runs_as.as_deref(), Some("root" | "0"));
    if runs_as_root && !value.root {
        report.problem_with_hint(
            &at.key("runs-as"),
            "is root, but the document does not enable root",
            "add `root: true` to `accounts`, or run as another user",
        );
    }
}
