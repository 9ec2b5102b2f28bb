//! Owners and modes that `dpkg-statoverride` sets.
//!
//! Every `dpkg-statoverride --update --add USER GROUP MODE PATH` whose arguments are known joins the overrides that the
//! base has, unless the path has one, and is applied if the path exists. The base's own overrides are applied to the
//! paths of added packages. The database, `/var/lib/dpkg/statoverride`, has one line `user group mode path` for each,
//! in the order of dpkg's hash table of paths, and is written only where the tree has dpkg
//! ([dpkg-statoverride(1)](https://manpages.debian.org/dpkg-statoverride.1)).

use std::collections::BTreeSet;

use super::scripts::{Call, Scripts};
use super::users::directory::Directory;
use super::{Change, Effect, EffectContext};

pub(super) const DATABASE: &str = "var/lib/dpkg/statoverride";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Override {
    user: String,
    group: String,
    mode: u32,
    path: String,
}

/// Applies overrides; `accounts` knows the users and groups that packages add.
pub fn statoverride(ctx: &EffectContext<'_>, scripts: &Scripts, accounts: &Directory) -> Effect {
    let mut effect = Effect::default();
    let text = String::from_utf8_lossy(ctx.tree.read(DATABASE).unwrap_or_default()).into_owned();
    let mut overrides: Vec<Override> = text.lines().filter_map(parse).collect();
    let known = overrides.len();
    let added: BTreeSet<&str> = ctx.packages.iter().flat_map(|p| &p.paths).map(String::as_str).collect();
    for entry in &overrides {
        if ctx.tree.resolve(&entry.path).is_ok_and(|path| added.contains(path.as_str())) {
            apply(ctx, accounts, entry, &mut effect);
        }
    }
    for call in scripts.of(&["dpkg-statoverride"]) {
        match of_call(call) {
            Ok(None) => {}
            Ok(Some((entry, _))) if overrides.iter().any(|known| known.path == entry.path) => {}
            Ok(Some((entry, is_update))) => {
                if is_update {
                    apply(ctx, accounts, &entry, &mut effect);
                }
                overrides.push(entry);
            }
            Err(reason) => effect.not_reproduced.push(call.not_reproduced(reason)),
        }
    }
    if ctx.has_dpkg && overrides.len() > known {
        overrides.sort_by_key(|entry| bin(&entry.path));
        let line =
            |entry: &Override| format!("{} {} {:o} {}\n", entry.user, entry.group, entry.mode, entry.path);
        let content = overrides.iter().map(line).collect::<String>().into_bytes();
        effect.changes.push(Change::File { path: DATABASE.to_owned(), content, mode: 0o644, uid: 0, gid: 0 });
    }
    effect
}

fn parse(line: &str) -> Option<Override> {
    let [user, group, mode, path] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().ok()?;
    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777)?;
    let entry = Override { user: user.to_owned(), group: group.to_owned(), mode, path: path.to_owned() };
    (path.starts_with('/') && !user.is_empty() && !group.is_empty()).then_some(entry)
}

/// Reads a call; `None` for one that changes nothing. The flag says whether the path itself changes.
fn of_call(call: &Call) -> Result<Option<(Override, bool)>, String> {
    let words: Vec<&str> = call.words.iter().filter_map(|word| word.known()).collect();
    if words.contains(&"--list") || words.contains(&"--remove") {
        return Ok(None);
    }
    let arguments = call.arguments()?;
    let is_update = arguments.contains(&"--update");
    if !arguments.contains(&"--add") {
        return Err("only `--add` is reproduced".to_owned());
    }
    let values: Vec<&str> = arguments.into_iter().filter(|argument| !argument.starts_with("--")).collect();
    let entry = parse(&values.join(" ")).filter(|_| values.len() == 4);
    entry
        .map(|entry| Some((entry, is_update)))
        .ok_or_else(|| "a user, a group, a mode and a path are needed".to_owned())
}

fn apply(ctx: &EffectContext<'_>, accounts: &Directory, entry: &Override, effect: &mut Effect) {
    let Some(node) = ctx.tree.lookup(&entry.path) else { return };
    let uid = accounts.uid(entry.user.trim_start_matches('#'));
    let gid = accounts.gid(entry.group.trim_start_matches('#'));
    let (Some(uid), Some(gid)) = (uid, gid) else {
        let Override { user, group, path, .. } = entry;
        effect
            .warnings
            .push(format!("`{path}` does not get the owner `{user}:{group}`, since it is no account"));
        return;
    };
    effect.changes.push(Change::Metadata {
        path: node.entry.path.clone(),
        mode: Some(entry.mode),
        uid: Some(u64::from(uid)),
        gid: Some(u64::from(gid)),
    });
}

/// Returns where dpkg's table of paths (`fsys-hash.c`) has a path: its FNV-1a hash without the leading slash, by the
/// number of bins.
fn bin(path: &str) -> u32 {
    const BINS: u32 = 262_139;
    let hash = path
        .trim_start_matches('/')
        .bytes()
        .fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    hash % BINS
}

#[cfg(test)]
mod tests {
    use super::{bin, parse};

    #[test]
    fn paths_stand_in_the_order_of_dpkg() {
        let written_by_dpkg = [
            "/usr/bin/crontab",
            "/var/lib/php/sessions",
            "/etc/ssl/private",
            "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
            "/etc/redis/redis.conf",
        ];
        assert!(written_by_dpkg.is_sorted_by_key(|path| bin(path)));
        assert_eq!(bin("/usr/bin/crontab"), 103_066);
    }

    #[test]
    fn only_whole_lines_are_read() {
        for (line, expected) in [
            ("root crontab 2755 /usr/bin/crontab", Some(0o2755)),
            ("root root 01733 /var/lib/php/sessions", Some(0o1733)),
            ("root root 99 /a", None),
            ("root root 77777 /a", None),
            ("root root 755 a", None),
            ("root 755 /a", None),
        ] {
            assert_eq!(parse(line).map(|entry| entry.mode), expected, "{line}");
        }
    }
}
