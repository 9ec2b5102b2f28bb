//! What `tmpfiles.d` files of added packages make, as at the first boot.
//!
//! Types `d D v q Q` make a directory or adjust it, `f F` a file, `L` a link, `C` a copy, `z Z` adjust owner and mode
//! ([tmpfiles.d(5)](https://manpages.debian.org/tmpfiles.d.5)). Lines that only clean up (`x X r R e`) do nothing in an
//! image; lines for boots (`!`), with credentials (`^`), and those below `/tmp`, `/dev`, `/proc` and `/sys` are left
//! out, while `/run` is filled, since containers rarely mount it.

pub mod line;

use temper_oci::EntryKind;

use self::line::{Line, parse};
use super::users::directory::Directory;
use super::{Change, Effect, EffectContext, NotReproduced};

/// Applies the lines of added packages; `accounts` knows the users and groups that packages add.
pub fn tmpfiles(ctx: &EffectContext<'_>, accounts: &Directory) -> Effect {
    let mut effect = Effect::default();
    for package in ctx.packages {
        for path in &package.paths {
            let name = path.strip_prefix("usr/lib/tmpfiles.d/");
            if name.is_none_or(|name| name.strip_suffix(".conf").is_none()) {
                continue;
            }
            let Some(text) = ctx.tree.read(path) else { continue };
            for (number, statement) in (1..).zip(String::from_utf8_lossy(text).lines()) {
                let done = match parse(statement) {
                    Ok(None) => Ok(()),
                    Ok(Some(line)) => apply(ctx, accounts, &line, &mut effect),
                    Err(reason) => Err(reason),
                };
                if let Err(reason) = done {
                    effect.not_reproduced.push(NotReproduced {
                        package: package.name.clone(),
                        script: format!("/{path}"),
                        line: number,
                        statement: statement.trim().chars().take(200).collect(),
                        reason,
                    });
                }
            }
        }
    }
    effect
}

fn apply(
    ctx: &EffectContext<'_>,
    accounts: &Directory,
    line: &Line,
    effect: &mut Effect,
) -> Result<(), String> {
    let top = line.path.split('/').next().unwrap_or_default();
    if ["tmp", "dev", "proc", "sys"].contains(&top) {
        return Ok(());
    }
    let (uid, gid) = owner(accounts, line)?;
    let follows = matches!(line.kind, 'd' | 'D' | 'v' | 'q' | 'Q' | 'z' | 'Z');
    let path = if follows { ctx.tree.resolve(&line.path) } else { ctx.tree.resolve_parent(&line.path) };
    let path = path.map_err(|error| error.to_string())?;
    let found = ctx.tree.get(&path);
    let (uid_or_root, gid_or_root) = (uid.unwrap_or(0), gid.unwrap_or(0));
    let mode = |default| line.mode.unwrap_or(default);
    match (line.kind, found.map(|node| &node.entry.kind)) {
        ('d' | 'D' | 'v' | 'q' | 'Q', None) => effect.changes.push(Change::Directory {
            path,
            mode: mode(0o755),
            uid: uid_or_root,
            gid: gid_or_root,
        }),
        ('d' | 'D' | 'v' | 'q' | 'Q', Some(EntryKind::Directory)) | ('z', Some(_)) => {
            adjust(line, path, uid, gid, effect);
        }
        ('Z', Some(_)) => {
            let below: Vec<String> =
                ctx.tree.descendants(&path).map(|node| node.entry.path.clone()).collect();
            for path in std::iter::once(path).chain(below) {
                adjust(line, path, uid, gid, effect);
            }
        }
        ('f', None) | ('F', None | Some(EntryKind::File { .. })) => effect.changes.push(Change::File {
            path,
            content: line.argument.clone().unwrap_or_default().into_bytes(),
            mode: mode(0o644),
            uid: uid_or_root,
            gid: gid_or_root,
        }),
        ('L', None) => effect.changes.push(Change::Symlink { path, target: line.argument_or_factory() }),
        ('L', Some(EntryKind::File { .. } | EntryKind::Symlink { .. })) if line.replaces => {
            effect.changes.push(Change::Symlink { path, target: line.argument_or_factory() });
        }
        ('C', None) => {
            let from = line.argument_or_factory();
            let Some(source) = ctx.tree.lookup(&from) else { return Ok(()) };
            if !matches!(source.entry.kind, EntryKind::File { .. }) {
                return Err("a directory is not copied".to_owned());
            }
            effect.changes.push(Change::Copy {
                path,
                kind: source.entry.kind.clone(),
                source: source.source.clone(),
                mode: mode(source.entry.mode),
                uid: uid_or_root,
                gid: gid_or_root,
            });
        }
        _ => {}
    }
    Ok(())
}

/// Returns the ids of the user and the group that a line names.
fn owner(accounts: &Directory, line: &Line) -> Result<(Option<u64>, Option<u64>), String> {
    let id = |name: &Option<String>, find: &dyn Fn(&str) -> Option<u32>| match name {
        None => Ok(None),
        Some(name) => {
            find(name).map(|id| Some(u64::from(id))).ok_or_else(|| format!("`{name}` is no account"))
        }
    };
    Ok((id(&line.user, &|name| accounts.uid(name))?, id(&line.group, &|name| accounts.gid(name))?))
}

fn adjust(line: &Line, path: String, uid: Option<u64>, gid: Option<u64>, effect: &mut Effect) {
    let mode = line.mode.filter(|_| !line.only_new_mode);
    if mode.is_some() || uid.is_some() || gid.is_some() {
        effect.changes.push(Change::Metadata { path, mode, uid, gid });
    }
}

#[cfg(test)]
mod tests;
