//! The users and groups that packages bring: `sysusers.d` files and literal calls of `adduser` and its kin.
//!
//! - `sysusers.d` files of added packages: groups first, then users, then memberships; automatic ids count down from
//!   999 and are free as uid and gid; home `/`, shell `/usr/sbin/nologin`, locked with `!*`
//!   ([systemd-sysusers(8)](https://manpages.debian.org/systemd-sysusers.8)).
//! - `adduser --system`: uid and gid are the first free ones from 100 up, each by itself; primary group `nogroup`
//!   without `--group` or `--ingroup`; home `/nonexistent`, shell `/usr/sbin/nologin`, locked with `!`; a home that is
//!   missing is made, 0755 and owned by the user ([adduser(8)](https://manpages.debian.org/adduser.8)).
//! - `useradd --system`, `groupadd --system`: ids below the lowest system id that is taken
//!   ([useradd(8)](https://manpages.debian.org/useradd.8)).
//! - An account that exists stays as it is. Ids of the document are taken from the start; automatic ids of the last
//!   build come first, so that the owners of volumes survive a rebuild.

mod base_passwd;
mod command;
pub mod directory;
pub mod sysusers;

use std::collections::BTreeMap;

use self::command::{Request, UserRequest};
use self::directory::{Automatic, Directory};
use self::sysusers::{GroupId, Line};
use super::scripts::{Call, Scripts};
use super::{Change, Effect, EffectContext, NotReproduced};

/// Primary group of system users without one.
const NOGROUP: u32 = 65534;

/// Accounts known from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOptions {
    /// Uid and gid of the document's users, by name.
    pub document_users: BTreeMap<String, (u32, u32)>,
    /// Gid of the document's groups, by name, those that belong to a user alone too.
    pub document_groups: BTreeMap<String, u32>,
    /// Automatic uids of the last build, by name.
    pub previous_users: BTreeMap<String, u32>,
    /// Automatic gids of the last build, by name.
    pub previous_groups: BTreeMap<String, u32>,
}

/// Accounts that packages add, in order. Groups come before the users in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountAdditions {
    /// New groups.
    pub groups: Vec<GroupAddition>,
    /// New users.
    pub users: Vec<UserAddition>,
    /// Users that join groups: user, group.
    pub members: Vec<(String, String)>,
}

/// A new group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupAddition {
    /// Package name.
    pub package: String,
    /// Group name.
    pub name: String,
    /// Id.
    pub gid: u32,
    /// Password field of gshadow, `!` or `!*`.
    pub password: &'static str,
}

/// A new user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAddition {
    /// Package name.
    pub package: String,
    /// User name.
    pub name: String,
    /// Id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Comment.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Password field of shadow, `!` or `!*`.
    pub password: &'static str,
}

/// Finds the accounts that packages add.
pub fn users(ctx: &EffectContext<'_>, scripts: &Scripts, options: &AccountOptions) -> (Effect, Directory) {
    let files = base_passwd::account_files(ctx);
    let directory = Directory::new(&files.passwd, &files.group, options);
    let effect = Effect { changes: files.changes, ..Effect::default() };
    let mut builder = Builder { ctx, directory, effect };
    let calls = |script: &'static str, package: Option<&str>| {
        let package = package.map(str::to_owned);
        let names = &["adduser", "addgroup", "useradd", "groupadd", "usermod"];
        scripts.of(names).filter(move |call| {
            &*call.script == script && package.as_deref().is_none_or(|package| package == &*call.package)
        })
    };
    for call in calls("preinst", None) {
        builder.call(call);
    }
    for package in ctx.packages {
        for path in &package.paths {
            if path
                .strip_prefix("usr/lib/sysusers.d/")
                .is_some_and(|name| name.strip_suffix(".conf").is_some())
            {
                builder.sysusers(&package.name, path);
            }
        }
        for call in calls("postinst", Some(&package.name)) {
            builder.call(call);
        }
    }
    (builder.effect, builder.directory)
}

struct Builder<'a> {
    ctx: &'a EffectContext<'a>,
    directory: Directory,
    effect: Effect,
}

impl Builder<'_> {
    fn call(&mut self, call: &Call) {
        let request = call.arguments().and_then(|arguments| command::parse(call.name(), &arguments));
        let how = if call.name().starts_with("add") { Automatic::Up } else { Automatic::BelowLowest };
        let done = match request {
            Ok(Request::Group(name, gid)) => self.group(&call.package, &name, gid, how).map(drop),
            Ok(Request::User(user)) => self.user(&call.package, user, how),
            Ok(Request::Members(user, groups)) => {
                for group in groups {
                    self.effect.accounts.members.push((user.clone(), group));
                }
                Ok(())
            }
            Err(reason) => Err(reason),
        };
        if let Err(reason) = done {
            self.effect.not_reproduced.push(call.not_reproduced(reason));
        }
    }

    fn group(&mut self, package: &str, name: &str, gid: Option<u32>, how: Automatic) -> Result<u32, String> {
        if let Some(gid) = self.directory.groups.get(name) {
            return Ok(*gid);
        }
        let found = self.directory.free_gid(name, gid, how);
        let gid = found.ok_or("no group id is free between 100 and 999")?;
        let password = if how == Automatic::Down { "!*" } else { "!" };
        let addition = GroupAddition { package: package.to_owned(), name: name.to_owned(), gid, password };
        self.effect.accounts.groups.push(addition);
        self.directory.groups.insert(name.to_owned(), gid);
        Ok(gid)
    }

    fn user(&mut self, package: &str, user: UserRequest, how: Automatic) -> Result<(), String> {
        if self.directory.users.contains_key(&user.name) {
            return Ok(());
        }
        let gid = match &user.group {
            Some(group) => {
                self.directory.gid(group).ok_or_else(|| format!("group `{group}` is not there"))?
            }
            None if user.own_group => self.group(package, &user.name, user.uid, how)?,
            None => NOGROUP,
        };
        let uid = self.directory.free_uid(&user.name, user.uid, how);
        let uid = uid.ok_or("no user id is free between 100 and 999")?;
        let default_home =
            || if how == Automatic::Up { "/nonexistent".into() } else { format!("/home/{}", user.name) };
        let home = user.home.unwrap_or_else(default_home);
        let default_shell = if how == Automatic::Up { "/usr/sbin/nologin" } else { "/bin/sh" };
        if user.create_home {
            self.home(&home, uid, gid);
        }
        self.add_user(UserAddition {
            package: package.to_owned(),
            name: user.name,
            uid,
            gid,
            gecos: user.gecos,
            home,
            shell: user.shell.unwrap_or_else(|| default_shell.to_owned()),
            password: "!",
        });
        Ok(())
    }

    fn add_user(&mut self, user: UserAddition) {
        self.directory.users.insert(user.name.clone(), (user.uid, user.gid));
        self.effect.accounts.users.push(user);
    }

    fn home(&mut self, home: &str, uid: u32, gid: u32) {
        let Some(path) =
            temper_oci::normalize_path(home).filter(|path| !path.is_empty() && path != "nonexistent")
        else {
            return;
        };
        let Ok(path) = self.ctx.tree.resolve(&path) else { return };
        if home.starts_with('/') && self.ctx.tree.get(&path).is_none() {
            let (uid, gid) = (u64::from(uid), u64::from(gid));
            self.effect.changes.push(Change::Directory { path, mode: 0o755, uid, gid });
        }
    }

    fn sysusers(&mut self, package: &str, path: &str) {
        let Some(text) = self.ctx.tree.read(path) else {
            self.effect.warnings.push(format!("`/{path}` is not read, since it is too large"));
            return;
        };
        let text = String::from_utf8_lossy(text).into_owned();
        let mut lines = sysusers::parse(&text);
        lines.sort_by_key(|(_, line)| match line {
            Ok(Line::Group { .. }) | Err(_) => 0,
            Ok(Line::User { .. }) => 1,
            Ok(Line::Member { .. }) => 2,
        });
        for (number, line) in lines {
            let (statement, done) = match line {
                Ok(line) => (format!("{line:?}"), self.sysusers_line(package, line)),
                Err(statement) => (statement, Err("only `u`, `g` and `m` lines are reproduced".to_owned())),
            };
            if let Err(reason) = done {
                let (package, script) = (package.to_owned(), format!("/{path}"));
                self.effect.not_reproduced.push(NotReproduced {
                    package,
                    script,
                    line: number,
                    statement,
                    reason,
                });
            }
        }
    }

    fn sysusers_line(&mut self, package: &str, line: Line) -> Result<(), String> {
        let how = Automatic::Down;
        match line {
            Line::Group { name, gid } => self.group(package, &name, gid, how).map(drop),
            Line::Member { user, group } => {
                self.effect.accounts.members.push((user, group));
                Ok(())
            }
            Line::User { name, .. } if self.directory.users.contains_key(&name) => Ok(()),
            Line::User { name, uid, group, gecos, home, shell } => {
                let gid = match group {
                    None => self.group(package, &name, uid, how)?,
                    Some(GroupId::Id(gid)) => gid,
                    Some(GroupId::Name(group)) => {
                        self.directory.gid(&group).ok_or_else(|| format!("group `{group}` is not there"))?
                    }
                };
                let uid = self.directory.free_uid(&name, uid, how);
                let uid = uid.ok_or("no user id is free between 100 and 999")?;
                let (package, password) = (package.to_owned(), "!*");
                self.add_user(UserAddition { package, name, uid, gid, gecos, home, shell, password });
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
