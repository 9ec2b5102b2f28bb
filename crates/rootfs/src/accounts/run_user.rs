//! Who runs the container.

use super::table::Table;
use super::{AccountProblem, AccountRequest, Accounts, GROUP, PASSWD};
use crate::tree::Tree;

/// How many known names a problem lists.
const KNOWN_MAX: usize = 10;

/// Whether a tree has a user of this name.
pub fn has_user(tree: &Tree, name: &str) -> bool {
    read(tree, PASSWD).find(name).is_some()
}

/// Returns user and group id of a config's `User` on a tree: names or numbers, the group after a colon.
///
/// As in container runtimes a user without a group has the one that passwd says, else root's. What is not known is root.
pub fn ids_of(tree: &Tree, user: &str) -> (u32, u32) {
    let (name, group) = user.split_once(':').unwrap_or((user, ""));
    let (passwd, groups) = (read(tree, PASSWD), read(tree, GROUP));
    let uid = number_of(&passwd, name).map_or(0, |(uid, _)| uid);
    let line = passwd.find(name).or_else(|| passwd.find(passwd.name_of(uid)?));
    let own = || line.and_then(|line| line.number(3));
    let gid = number_of(&groups, group).map(|(gid, _)| gid).or_else(own).unwrap_or(0);
    (uid, gid)
}

fn read(tree: &Tree, path: &str) -> Table {
    Table::parse(tree.read(path).unwrap_or_default())
}

impl Accounts {
    /// Works out the config's `User`.
    ///
    /// A number is what Kubernetes' `runAsNonRoot` can check, and it still brings the user's supplementary groups; a
    /// group is named only where passwd has no such user, or the document names one.
    pub(super) fn choose_run_user(&mut self, request: &AccountRequest, base_user: &str) {
        let Some(runs_as) = &request.runs_as else {
            if self.is_root(base_user) {
                let how = if base_user.is_empty() { "names no user" } else { "names root" };
                self.warn_of_root(&format!("the base {how} and the document does not set `runs-as`"));
            }
            return;
        };
        let (user, group) = match runs_as.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (runs_as.as_str(), None),
        };
        let Some((uid, is_known)) = number_of(&self.passwd, user) else {
            return self.unknown(runs_as, "user");
        };
        if uid == 0 && !request.root {
            return self.problem(AccountProblem::Root { name: runs_as.clone() });
        }
        let gid = match group.map(|group| number_of(&self.group, group)) {
            Some(None) => return self.unknown(runs_as, "group"),
            Some(Some((gid, _))) => Some(gid),
            // Without a line in passwd a runtime would take group 0, root's.
            None if !is_known => Some(uid),
            None => None,
        };
        self.outcome.run_user = Some(match gid {
            Some(gid) => format!("{uid}:{gid}"),
            None => uid.to_string(),
        });
        if uid == 0 {
            self.warn_of_root("the document sets `runs-as`");
        }
    }

    /// Whether the config's `User` stands for root.
    fn is_root(&self, user: &str) -> bool {
        let name = user.split(':').next().unwrap_or_default();
        let uid = number_of(&self.passwd, name).map(|(uid, _)| uid);
        name.is_empty() || name == "root" || uid == Some(0)
    }

    fn warn_of_root(&mut self, why: &str) {
        self.outcome.warnings.push(format!("the container runs as root: {why}"));
    }

    fn unknown(&mut self, name: &str, what: &'static str) {
        let table = if what == "user" { &self.passwd } else { &self.group };
        let known = table.names().take(KNOWN_MAX).map(str::to_owned).collect();
        self.problem(AccountProblem::Unknown { name: name.to_owned(), what, known });
    }
}

/// Returns the number that a name or number stands for, and whether the table has it.
fn number_of(table: &Table, name: &str) -> Option<(u32, bool)> {
    if let Some(line) = table.find(name) {
        return Some((line.number(2)?, true));
    }
    let number: u32 = name.parse().ok()?;
    Some((number, table.name_of(number).is_some()))
}
