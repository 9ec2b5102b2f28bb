//! `/etc/shells` and `/var/lib/shells.state`, merged from the lists that packages ship.
//!
//! As [update-shells(8)](https://manpages.debian.org/update-shells.8) does: the packaged shells are the lines of
//! `/usr/share/debianutils/shells` and of every file in `shells.d`, in byte order of the names, each followed by the
//! name that it has once the links of its directory are followed. `/etc/shells` keeps its comments, the packaged
//! shells and what was added by hand (it is not in the state), loses what is in the state but no longer packaged, and
//! gains what is packaged but not in the state (that was removed by hand). The state is the packaged shells.
//!
//! A literal `add-shell` call of a script adds its shells at the end
//! ([add-shell(8)](https://manpages.debian.org/add-shell.8)).

use super::scripts::Scripts;
use super::{Change, Effect, EffectContext};
use crate::tree::Tree;

const TEMPLATE: &str = "usr/share/debianutils/shells";
const FRAGMENTS: &str = "usr/share/debianutils/shells.d";
const SHELLS: &str = "etc/shells";
const STATE: &str = "var/lib/shells.state";

/// Recomputes the list of login shells.
pub fn shells(ctx: &EffectContext<'_>, scripts: &Scripts) -> Effect {
    let mut effect = Effect::default();
    let before = text(ctx.tree, SHELLS);
    let mut after = before.clone();
    let is_updated = sources(ctx.tree) != sources(ctx.base) && ctx.tree.lookup(TEMPLATE).is_some();
    if is_updated {
        let packaged = packaged(ctx.tree);
        let state = text(ctx.tree, STATE).unwrap_or_default();
        let current = after.unwrap_or_else(|| text(ctx.tree, TEMPLATE).unwrap_or_default());
        after = Some(merge(&current, &packaged, &state));
        let content = packaged.iter().fold(String::new(), |content, shell| content + shell + "\n");
        if content != state {
            effect.changes.push(file(STATE, content));
        }
    }
    for call in scripts.of(&["add-shell"]) {
        match call.arguments() {
            Ok(shells) => after = Some(add(ctx.tree, after.unwrap_or_default(), &shells)),
            Err(reason) => effect.not_reproduced.push(call.not_reproduced(reason)),
        }
    }
    if let Some(after) = after.filter(|after| before.as_ref() != Some(after)) {
        effect.changes.push(file(SHELLS, after));
    }
    effect
}

fn file(path: &str, content: String) -> Change {
    Change::File { path: path.to_owned(), content: content.into_bytes(), mode: 0o644, uid: 0, gid: 0 }
}

fn text(tree: &Tree, path: &str) -> Option<String> {
    tree.read(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// The contents that the list is made from, in order.
fn sources(tree: &Tree) -> Vec<String> {
    let fragments = tree.children(FRAGMENTS).map(|node| node.entry.path.as_str());
    std::iter::once(TEMPLATE).chain(fragments).filter_map(|path| text(tree, path)).collect()
}

fn packaged(tree: &Tree) -> Vec<String> {
    let mut packaged: Vec<String> = Vec::new();
    for source in sources(tree) {
        for line in source.lines() {
            let shell = without_comment(line);
            let Some((directory, name)) = shell.rsplit_once('/') else { continue };
            let real = tree.resolve(directory).map(|directory| format!("/{directory}/{name}"));
            for shell in std::iter::once(shell.to_owned()).chain(real) {
                if !packaged.contains(&shell) {
                    packaged.push(shell);
                }
            }
        }
    }
    packaged
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

fn merge(current: &str, packaged: &[String], state: &str) -> String {
    let in_state = |shell: &str| state.lines().any(|line| without_comment(line) == shell);
    let is_packaged = |shell: &str| packaged.iter().any(|known| known == shell);
    let mut merged = String::new();
    let mut kept: Vec<&str> = Vec::new();
    for line in current.lines() {
        let shell = without_comment(line);
        let stays = shell.is_empty() || ((is_packaged(shell) || !in_state(shell)) && !kept.contains(&shell));
        if stays {
            merged = merged + line + "\n";
            kept.push(shell);
        }
    }
    for shell in packaged {
        if !kept.contains(&shell.as_str()) && !in_state(shell) {
            merged = merged + shell + "\n";
        }
    }
    merged
}

/// Adds shells and their names below `/usr`, as `add-shell` does, unless the list has them.
fn add(tree: &Tree, mut current: String, shells: &[&str]) -> String {
    for shell in shells.iter().filter(|shell| shell.starts_with('/')) {
        let real = shell
            .rsplit_once('/')
            .and_then(|(directory, name)| Some(format!("/{}/{name}", tree.resolve(directory).ok()?)));
        for shell in std::iter::once((*shell).to_owned()).chain(real) {
            if !current.lines().any(|line| line == shell) {
                current = current + &shell + "\n";
            }
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_local_additions_stay_and_local_removals_too() {
        let packaged = ["/bin/sh", "/usr/bin/sh", "/bin/zsh"].map(str::to_owned);
        let current = "# comment\n/bin/sh\n/opt/mine\n/bin/gone\n/bin/sh\n";
        let state = "/bin/sh\n/usr/bin/sh\n/bin/gone\n";
        assert_eq!(merge(current, &packaged, state), "# comment\n/bin/sh\n/opt/mine\n/bin/zsh\n");
    }
}
