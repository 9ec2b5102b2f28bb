//! Runs every effect in a fixed order and joins what they change.

use std::collections::BTreeMap;

use super::users::AccountOptions;
use super::{Change, Effect, EffectContext, alternatives, ca_certificates, commands, localtime, shells};
use super::{scripts, statoverride, tmpfiles, users};
use crate::merge::Merge;
use crate::tree::Tree;

/// Packages whose scripts do nothing but what the effects here compute.
const NATIVE: &[&str] = &["base-passwd", "ca-certificates", "dpkg", "passwd", "tzdata"];

/// Computes one effect.
type Step<'s> = &'s dyn Fn(&EffectContext<'_>) -> Effect;

/// Runs the effects: accounts, file commands of scripts, alternatives, certificates, shells, time zone, `tmpfiles.d`,
/// overrides. Each sees what the ones before it changed; accounts come first, since owners are named by them, and
/// overrides last, since they win.
///
/// The result has at most one change for each path, sorted by path, and one [`Change::Metadata`] after it at most. A
/// path that an artifact or the document gives is never changed.
pub fn run(ctx: &EffectContext<'_>, options: &AccountOptions) -> JoinedEffects {
    let scripts = scripts::Scripts::read(ctx);
    let mut runner = Runner { tree: ctx.tree.clone(), joined: Effect::default(), changes: BTreeMap::new() };
    let (effect, accounts) = users::users(ctx, &scripts, options);
    runner.join(ctx, "accounts", effect);
    let steps: [(&'static str, Step<'_>); 7] = [
        ("scripts", &|ctx| commands::commands(ctx, &scripts, &accounts)),
        ("alternatives", &|ctx| alternatives::alternatives(ctx, &scripts)),
        ("certificates", &ca_certificates::ca_certificates),
        ("shells", &|ctx| shells::shells(ctx, &scripts)),
        ("time zone", &localtime::localtime),
        ("tmpfiles.d", &|ctx| tmpfiles::tmpfiles(ctx, &accounts)),
        ("statoverride", &|ctx| statoverride::statoverride(ctx, &scripts, &accounts)),
    ];
    for (name, step) in steps {
        let effect = step(&EffectContext { tree: &runner.tree, ..*ctx });
        runner.join(ctx, name, effect);
    }
    let mut joined = runner.joined;
    joined.not_reproduced.extend(scripts::not_reproduced::not_reproduced(&scripts));
    joined.not_reproduced.retain(|item| !NATIVE.contains(&item.package.as_str()));
    joined.not_reproduced.sort();
    joined.not_reproduced.dedup();
    let changes = runner.changes.into_values().flat_map(Joined::into_changes);
    let (names, changes) = changes.unzip();
    joined.changes = changes;
    JoinedEffects { effect: joined, names }
}

/// What all effects together give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedEffects {
    /// Everything in one.
    pub effect: Effect,
    /// The name of the effect that makes each change, in the order of the changes.
    names: Vec<&'static str>,
}

impl JoinedEffects {
    /// Lists the changes in order, each with the name of the effect that makes it.
    pub fn changes(&self) -> impl Iterator<Item = (&str, &Change)> + Clone {
        self.names.iter().copied().zip(&self.effect.changes)
    }
}

struct Runner {
    /// The tree with everything that was changed so far.
    tree: Tree,
    joined: Effect,
    changes: BTreeMap<String, Joined>,
}

/// What becomes of one path.
#[derive(Default)]
struct Joined {
    made: Option<(&'static str, Change)>,
    metadata: Option<(&'static str, Change)>,
}

impl Joined {
    fn into_changes(self) -> impl Iterator<Item = (&'static str, Change)> {
        self.made.into_iter().chain(self.metadata)
    }
}

impl Runner {
    fn join(&mut self, ctx: &EffectContext<'_>, name: &'static str, effect: Effect) {
        for change in effect.changes {
            if Merge::new(&mut self.tree).change(&change, name, ctx.time) {
                self.record(name, change);
            }
        }
        self.joined.not_reproduced.extend(effect.not_reproduced);
        self.joined.warnings.extend(effect.warnings);
        self.joined.accounts.users.extend(effect.accounts.users);
        self.joined.accounts.groups.extend(effect.accounts.groups);
        self.joined.accounts.members.extend(effect.accounts.members);
    }

    /// Notes a change; of a path that is changed twice the last effect that makes it anew is the one that counts.
    fn record(&mut self, name: &'static str, change: Change) {
        let joined = self.changes.entry(change.path().to_owned()).or_default();
        match (&change, &mut joined.made, &mut joined.metadata) {
            (Change::Metadata { mode, uid, gid, .. }, made, metadata) => {
                match made.as_mut().or(metadata.as_mut()) {
                    Some((_, before)) => before.set_metadata(*mode, *uid, *gid),
                    None => *metadata = Some((name, change)),
                }
            }
            (_, made, metadata) => {
                *metadata = None;
                *made = Some((name, change));
            }
        }
    }
}

impl Change {
    /// Returns the path that changes.
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. }
            | Self::Copy { path, .. }
            | Self::Symlink { path, .. }
            | Self::Directory { path, .. }
            | Self::Metadata { path, .. }
            | Self::Remove { path } => path,
        }
    }

    /// Takes over owner and mode; links and removals have none.
    fn set_metadata(&mut self, new_mode: Option<u32>, new_uid: Option<u64>, new_gid: Option<u64>) {
        match self {
            Self::File { mode, uid, gid, .. }
            | Self::Copy { mode, uid, gid, .. }
            | Self::Directory { mode, uid, gid, .. } => {
                *mode = new_mode.unwrap_or(*mode);
                *uid = new_uid.unwrap_or(*uid);
                *gid = new_gid.unwrap_or(*gid);
            }
            Self::Metadata { mode, uid, gid, .. } => {
                *mode = new_mode.or(*mode);
                *uid = new_uid.or(*uid);
                *gid = new_gid.or(*gid);
            }
            Self::Symlink { .. } | Self::Remove { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
