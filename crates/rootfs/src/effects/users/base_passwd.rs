//! The account files that `base-passwd` and `passwd` make where there are none.
//!
//! `base-passwd` starts `/etc/passwd` and `/etc/group` as its `passwd.master` and `group.master`. Where `passwd` is
//! installed and `/etc/shadow` is missing, `shadowconfig on` moves the password fields to `/etc/shadow` and
//! `/etc/gshadow` (0640 root:shadow) and leaves `x`
//! ([shadowconfig(8)](https://manpages.debian.org/shadowconfig.8), [shadow(5)](https://manpages.debian.org/shadow.5)).

use crate::accounts::table::Table;
use crate::effects::{Change, EffectContext};

const SECONDS_PER_DAY: i64 = 86_400;

/// The texts of `/etc/passwd` and `/etc/group` that packages add to, and what changes to get there.
pub(super) struct AccountFiles {
    /// `/etc/passwd`.
    pub(super) passwd: String,
    /// `/etc/group`.
    pub(super) group: String,
    /// Files that are new.
    pub(super) changes: Vec<Change>,
}

/// Starts the account files.
pub(super) fn account_files(ctx: &EffectContext<'_>) -> AccountFiles {
    let text = |path: &str| ctx.tree.read(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let is_added = |name: &str| ctx.packages.iter().any(|package| package.name == name);
    let mut changes = Vec::new();
    let mut start = |database: &str| {
        let path = format!("etc/{database}");
        let found = text(&path);
        if found.is_some() || !is_added("base-passwd") {
            return found.unwrap_or_default();
        }
        let master = text(&format!("usr/share/base-passwd/{database}.master")).unwrap_or_default();
        if !master.is_empty() {
            changes.push(file(&path, master.clone(), 0o644, 0));
        }
        master
    };
    let (mut passwd, mut group) = (start("passwd"), start("group"));
    let has_shadow = ctx.tree.lookup("etc/shadow").is_some();
    if is_added("passwd") && !has_shadow && !passwd.is_empty() {
        let gid = Table::parse(group.as_bytes()).find("shadow").and_then(|line| line.number(2));
        let gid = gid.map_or(0, u64::from);
        let day = ctx.time.div_euclid(SECONDS_PER_DAY);
        let shadow = move_passwords(&mut passwd, |name, password, _| {
            format!("{name}:{password}:{day}:0:99999:7:::\n")
        });
        let gshadow =
            move_passwords(&mut group, |name, password, members| format!("{name}:{password}::{members}\n"));
        changes = vec![
            file("etc/passwd", passwd.clone(), 0o644, 0),
            file("etc/group", group.clone(), 0o644, 0),
            file("etc/shadow", shadow, 0o640, gid),
            file("etc/gshadow", gshadow, 0o640, gid),
        ];
    }
    AccountFiles { passwd, group, changes }
}

fn file(path: &str, content: String, mode: u32, gid: u64) -> Change {
    Change::File { path: path.to_owned(), content: content.into_bytes(), mode, uid: 0, gid }
}

/// Replaces the second field of every line by `x`; returns the lines made of name, password and last field.
fn move_passwords(text: &mut String, line: impl Fn(&str, &str, &str) -> String) -> String {
    let mut moved = String::new();
    let mut kept = String::new();
    for entry in text.lines() {
        let fields: Vec<&str> = entry.split(':').collect();
        let [name, password, rest @ .., last] = fields.as_slice() else { continue };
        moved.push_str(&line(name, password, last));
        let middle = rest.iter().fold(String::new(), |middle, field| middle + field + ":");
        kept = kept + name + ":x:" + &middle + last + "\n";
    }
    *text = kept;
    moved
}
