//! Users and groups: the files that name them, what a document and packages add, and who runs the container.
//!
//! Follows [passwd(5)](https://manpages.debian.org/passwd.5), [group(5)](https://manpages.debian.org/group.5),
//! [shadow(5)](https://manpages.debian.org/shadow.5) and [gshadow(5)](https://manpages.debian.org/gshadow.5). Lines
//! that nobody asked about stay as they are, in their order.

mod problem;
mod run_user;
pub(crate) mod table;

use crate::effects::users::{AccountAdditions, UserAddition};
use crate::merge::{Merge, Metadata};
use crate::tree::{Origin, Tree};

pub use problem::AccountProblem;
pub use run_user::{has_user, ids_of};
use table::{Table, is_plain};

const PASSWD: &str = "etc/passwd";
const GROUP: &str = "etc/group";
const SHADOW: &str = "etc/shadow";
const GSHADOW: &str = "etc/gshadow";

/// Places of the program that refuses a login, the first that exists is used.
const NOLOGIN: [&str; 2] = ["/sbin/nologin", "/usr/sbin/nologin"];
const SECONDS_PER_DAY: i64 = 86_400;

/// What a document says about accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountRequest {
    /// Makes sure that the user and the group root stand there.
    pub root: bool,
    /// Who runs the container: a name, a number, or either with `:group`.
    pub runs_as: Option<String>,
    /// Users to add.
    pub users: Vec<UserRequest>,
    /// Groups to add.
    pub groups: Vec<GroupRequest>,
}

/// A user to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRequest {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group; without it the user gets a group of its own name and number.
    pub gid: Option<u32>,
    /// Permission bits of the home directory, 0755 unless a definition says otherwise.
    pub home_mode: u32,
}

/// A group to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRequest {
    /// Name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Names of users that belong to it.
    pub members: Vec<String>,
}

/// What a request comes to on a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOutcome {
    /// Files to write: path and content; those that do not change are left out.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Home directories to make where they are missing: path, owner, group, permission bits.
    pub homes: Vec<(String, u32, u32, u32)>,
    /// Users of the document that were added, in order.
    pub users_added: Vec<String>,
    /// Groups of the document that were added, in order, those that belong to a user alone too.
    pub groups_added: Vec<String>,
    /// The config's `User`, if the document chooses one.
    pub run_user: Option<String>,
    /// Why the request cannot be met.
    pub problems: Vec<AccountProblem>,
    /// What somebody should know, each one sentence.
    pub warnings: Vec<String>,
}

/// Works out the accounts of a tree: those of packages first, then those of the document.
///
/// `base_user` is the user of the base's config, and `time` gives the day of account ageing fields.
pub fn add_accounts(
    tree: &Tree,
    additions: &AccountAdditions,
    request: &AccountRequest,
    base_user: &str,
    time: i64,
) -> AccountOutcome {
    let mut accounts = Accounts::read(tree, time);
    accounts.add_of_packages(additions);
    if request.root {
        accounts.add_root();
    }
    for group in &request.groups {
        accounts.add_group(group);
    }
    for user in &request.users {
        accounts.add_user(user);
    }
    for group in &request.groups {
        for member in &group.members {
            accounts.add_member(&group.name, member);
        }
    }
    accounts.choose_run_user(request, base_user);
    accounts.finish()
}

impl AccountOutcome {
    /// Puts files and home directories onto a tree; files keep owner and mode where they are there already.
    pub fn put(&self, merge: &mut Merge<'_>, time: i64) {
        let origin = || Origin::Generated("accounts".to_owned());
        for (path, content) in &self.files {
            let existing = merge.tree().lookup(path).map(|node| &node.entry);
            let metadata = existing.map_or(Metadata::of_root(0o644, time), |entry| {
                let (mode, uid, gid) = (entry.mode, entry.uid, entry.gid);
                Metadata { mode, uid, gid, mtime: time }
            });
            merge.put_file(path, content, metadata, origin());
        }
        // Where something else than a directory has the name, it stays: nobody asked for its place.
        let is_missing = |merge: &Merge<'_>, path: &str| merge.tree().lookup(path).is_none();
        for (path, uid, gid, mode) in &self.homes {
            if !is_missing(merge, path) {
                continue;
            }
            let metadata = Metadata { mode: *mode, uid: (*uid).into(), gid: (*gid).into(), mtime: time };
            merge.put_directory(path, metadata, origin());
        }
    }
}

struct Accounts {
    passwd: Table,
    group: Table,
    /// Only where the base has them.
    shadow: Option<Table>,
    gshadow: Option<Table>,
    shell: &'static str,
    /// Days since the epoch.
    day: i64,
    outcome: AccountOutcome,
}

impl Accounts {
    fn read(tree: &Tree, time: i64) -> Self {
        let table = |path: &str| Table::parse(tree.read(path).unwrap_or_default());
        let existing = |path: &str| tree.lookup(path).map(|_| table(path));
        let shell = NOLOGIN.into_iter().find(|path| tree.lookup(path.trim_start_matches('/')).is_some());
        Self {
            passwd: table(PASSWD),
            group: table(GROUP),
            shadow: existing(SHADOW),
            gshadow: existing(GSHADOW),
            shell: shell.unwrap_or("/bin/false"),
            day: time.div_euclid(SECONDS_PER_DAY),
            outcome: AccountOutcome::default(),
        }
    }

    fn finish(mut self) -> AccountOutcome {
        let tables = [
            (PASSWD, Some(self.passwd)),
            (GROUP, Some(self.group)),
            (SHADOW, self.shadow),
            (GSHADOW, self.gshadow),
        ];
        for (path, table) in tables {
            if let Some(content) = table.and_then(|table| table.changed()) {
                self.outcome.files.push((path, content));
            }
        }
        self.outcome
    }

    /// Adds the accounts of packages, which were numbered with the tree and the document in view.
    fn add_of_packages(&mut self, additions: &AccountAdditions) {
        for group in &additions.groups {
            if is_plain(&group.name) && self.group.find(&group.name).is_none() {
                self.push_group(&group.name, group.gid, group.password);
            }
        }
        for user in &additions.users {
            let UserAddition { name, uid, gid, gecos, home, shell, password, .. } = user;
            let is_plain_text = |text: &String| !text.contains([':', '\n']);
            let is_writable = is_plain(name) && [gecos, home, shell].into_iter().all(is_plain_text);
            if is_writable && self.passwd.find(name).is_none() {
                self.push_user(name, (*uid, *gid), gecos, home, shell, password);
            }
        }
        for (user, group) in &additions.members {
            if is_plain(user) {
                self.join(group, user);
            }
        }
    }

    fn add_root(&mut self) {
        if self.group.find("root").is_none() {
            self.push_group("root", 0, "*");
        }
        if self.passwd.find("root").is_none() {
            let shell = self.shell;
            self.push_user("root", (0, 0), "root", "/root", shell, "*");
            self.outcome.homes.push(("root".to_owned(), 0, 0, 0o700));
            self.outcome.users_added.push("root".to_owned());
        }
    }

    fn add_group(&mut self, group: &GroupRequest) {
        if self.needs_group(&group.name, group.gid) {
            self.push_group(&group.name, group.gid, "!");
            self.outcome.groups_added.push(group.name.clone());
        }
    }

    fn add_user(&mut self, user: &UserRequest) {
        let UserRequest { name, uid, gid, home_mode } = user;
        if !is_plain(name) {
            return self.problem(AccountProblem::Name { name: name.clone() });
        }
        if let Some(existing) = self.passwd.find(name) {
            let found = (existing.number(2), existing.number(3));
            let is_equal = found.0 == Some(*uid) && gid.is_none_or(|gid| found.1 == Some(gid));
            if !is_equal {
                let (existing, name) = (existing.ids(), name.clone());
                self.problem(AccountProblem::UserDiffers { name, uid: *uid, gid: *gid, existing });
            }
            return;
        }
        if let Some(holder) = self.passwd.name_of(*uid) {
            let (name, holder) = (name.clone(), holder.to_owned());
            return self.problem(AccountProblem::UidTaken { name, uid: *uid, holder });
        }
        if gid.is_none() && self.needs_group(name, *uid) {
            self.push_group(name, *uid, "!");
            self.outcome.groups_added.push(name.clone());
        }
        let gid = gid.unwrap_or(*uid);
        if self.group.name_of(gid).is_none() && self.outcome.problems.is_empty() {
            self.outcome.warnings.push(format!("user `{name}` has the group id {gid}, which no group has"));
        }
        let (home, shell) = (format!("/home/{name}"), self.shell);
        self.push_user(name, (*uid, gid), "", &home, shell, "!");
        self.outcome.homes.push((home.trim_start_matches('/').to_owned(), *uid, gid, *home_mode));
        self.outcome.users_added.push(name.clone());
    }

    /// Whether a group is to be added: it is neither there already nor a problem.
    fn needs_group(&mut self, name: &str, gid: u32) -> bool {
        let problem = if !is_plain(name) {
            AccountProblem::Name { name: name.to_owned() }
        } else if let Some(existing) = self.group.find(name) {
            if existing.number(2) == Some(gid) {
                return false;
            }
            AccountProblem::GroupDiffers { name: name.to_owned(), gid, existing: existing.number(2) }
        } else if let Some(holder) = self.group.name_of(gid) {
            AccountProblem::GidTaken { name: name.to_owned(), gid, holder: holder.to_owned() }
        } else {
            return true;
        };
        self.problem(problem);
        false
    }

    fn add_member(&mut self, group: &str, user: &str) {
        if !is_plain(user) {
            return self.problem(AccountProblem::Name { name: user.to_owned() });
        }
        if self.passwd.find(user).is_none() {
            return self.problem(AccountProblem::Member { group: group.to_owned(), user: user.to_owned() });
        }
        self.join(group, user);
    }

    fn join(&mut self, group: &str, user: &str) {
        self.group.add_to_list(group, 3, user);
        if let Some(gshadow) = &mut self.gshadow {
            gshadow.add_to_list(group, 3, user);
        }
    }

    fn push_group(&mut self, name: &str, gid: u32, password: &str) {
        self.group.push(&format!("{name}:x:{gid}:"));
        if let Some(gshadow) = self.gshadow.as_mut().filter(|gshadow| gshadow.find(name).is_none()) {
            gshadow.push(&format!("{name}:{password}::"));
        }
    }

    fn push_user(
        &mut self,
        name: &str,
        (uid, gid): (u32, u32),
        gecos: &str,
        home: &str,
        shell: &str,
        password: &str,
    ) {
        self.passwd.push(&format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}"));
        let day = self.day;
        if let Some(shadow) = self.shadow.as_mut().filter(|shadow| shadow.find(name).is_none()) {
            shadow.push(&format!("{name}:{password}:{day}::::::"));
        }
    }

    fn problem(&mut self, problem: AccountProblem) {
        self.outcome.problems.push(problem);
    }
}

#[cfg(test)]
mod tests;
