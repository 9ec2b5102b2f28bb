//! The arguments of `adduser`, `addgroup`, `useradd`, `groupadd` and `usermod`.
//!
//! See [adduser(8)](https://manpages.debian.org/adduser.8), [useradd(8)](https://manpages.debian.org/useradd.8) and
//! their neighbours; only system accounts and memberships are understood.

use super::sysusers::is_account_name;

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// A user.
    User(UserRequest),
    /// A group, with its fixed id.
    Group(String, Option<u32>),
    /// A user joins groups.
    Members(String, Vec<String>),
}

/// A system user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UserRequest {
    /// User name.
    pub(super) name: String,
    /// Fixed id.
    pub(super) uid: Option<u32>,
    /// Primary group by name or number.
    pub(super) group: Option<String>,
    /// Whether a group of the user's name is made.
    pub(super) own_group: bool,
    /// Comment.
    pub(super) gecos: String,
    /// Home directory, if given.
    pub(super) home: Option<String>,
    /// Whether the home directory is made.
    pub(super) create_home: bool,
    /// Login shell, if given.
    pub(super) shell: Option<String>,
}

/// Options that change nothing in the account files.
const WITHOUT_EFFECT: [&str; 14] = [
    "--quiet",
    "-q",
    "--force-badname",
    "--allow-badname",
    "--allow-bad-names",
    "--allow-all-names",
    "--disabled-password",
    "--disabled-login",
    "--verbose",
    "--debug",
    "--force",
    "-f",
    "--append",
    "-a",
];

/// Reads the arguments of a command of this name.
pub(super) fn parse(command: &str, arguments: &[&str]) -> Result<Request, String> {
    let is_group = matches!(command, "addgroup" | "groupadd");
    let is_low_level = matches!(command, "useradd" | "groupadd" | "usermod");
    let mut user =
        UserRequest { create_home: !is_low_level, own_group: is_low_level, ..UserRequest::default() };
    let (mut is_system, mut gid, mut joins) = (false, None, Vec::new());
    let mut names = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (option, attached) = match argument.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value)),
            _ => (*argument, None),
        };
        let mut value = || {
            let value = attached.or_else(|| rest.next().copied());
            value.map(str::to_owned).ok_or_else(|| format!("option `{option}` lacks its value"))
        };
        match option {
            "--system" | "-r" => is_system = true,
            "--group" | "--user-group" | "-U" => user.own_group = true,
            "--no-create-home" | "-M" => user.create_home = false,
            "--create-home" | "-m" if is_low_level => user.create_home = true,
            "--no-user-group" | "-N" => user.own_group = false,
            _ if WITHOUT_EFFECT.contains(&option) => {}
            "--home" | "--home-dir" | "-d" => user.home = Some(value()?),
            "--shell" | "-s" => user.shell = Some(value()?),
            "--gecos" | "--comment" | "-c" => user.gecos = value()?,
            "--uid" | "-u" => user.uid = Some(number(&value()?)?),
            "--gid" | "-g" if is_group => gid = Some(number(&value()?)?),
            "--gid" | "-g" | "--ingroup" => user.group = Some(value()?),
            "--groups" | "-G" | "-aG" => joins = value()?.split(',').map(str::to_owned).collect(),
            _ if option.starts_with('-') => return Err(format!("option `{option}` is not known")),
            name => names.push(name.to_owned()),
        }
    }
    if let Some(name) = names.iter().chain(&joins).find(|name| !is_account_name(name)) {
        return Err(format!("`{name}` is no account name"));
    }
    if user.group.is_some() {
        user.own_group = false;
    }
    match (command, names.as_slice()) {
        ("usermod", [user]) if !joins.is_empty() => Ok(Request::Members(user.clone(), joins)),
        ("adduser" | "addgroup", [user, group]) => Ok(Request::Members(user.clone(), vec![group.clone()])),
        (_, [name]) if is_group && (is_system || gid.is_some()) => Ok(Request::Group(name.clone(), gid)),
        ("adduser" | "useradd", [name]) if is_system || user.uid.is_some() => {
            let broken = |text: &String| text.contains([':', '\n']);
            if broken(&user.gecos)
                || user.home.as_ref().is_some_and(broken)
                || user.shell.as_ref().is_some_and(broken)
            {
                return Err("a colon cannot stand in an account".to_owned());
            }
            user.name.clone_from(name);
            Ok(Request::User(user))
        }
        _ => Err("only system users, system groups and memberships are reproduced".to_owned()),
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is no id"))
}
