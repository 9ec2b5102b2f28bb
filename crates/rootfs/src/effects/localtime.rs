//! `/etc/localtime`, which `tzdata` makes where it is missing.
//!
//! It leads to `/usr/share/zoneinfo/Etc/UTC`, the answer of an installation without questions
//! ([localtime(5)](https://manpages.debian.org/localtime.5)).

use super::{Change, Effect, EffectContext};

const LOCALTIME: &str = "etc/localtime";
const UTC: &str = "/usr/share/zoneinfo/Etc/UTC";

/// Makes the link where `tzdata` is added and the tree has no time zone.
pub fn localtime(ctx: &EffectContext<'_>) -> Effect {
    let is_added = ctx.packages.iter().any(|package| package.name == "tzdata");
    let mut effect = Effect::default();
    if is_added && ctx.tree.get(LOCALTIME).is_none() && ctx.tree.lookup(UTC).is_some() {
        effect.changes.push(Change::Symlink { path: LOCALTIME.to_owned(), target: UTC.to_owned() });
    }
    effect
}
