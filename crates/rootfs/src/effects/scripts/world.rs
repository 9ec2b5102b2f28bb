//! What scripts ask the system, answered from the tree and the platform.

use super::condition;
use super::expand::Value;
use super::pattern::Pattern;
use crate::effects::EffectContext;

/// Paths that one pattern expands to at most.
const MATCHES_MAX: usize = 1_000;

/// What the tree and the platform answer.
pub(crate) trait World {
    /// The output of a command world, given as the text between its brackets.
    fn substitute(&self, command: &str) -> Value;
    /// The paths that an absolute pattern matches, sorted.
    fn matching(&self, pattern: &Pattern) -> Vec<String>;
}

impl World for EffectContext<'_> {
    fn substitute(&self, command: &str) -> Value {
        match command.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["dpkg", "--print-architecture"] => Some(self.architecture.to_owned()),
            ["command", "-v", name] | ["which", name] if !name.contains(['$', '"', '\'']) => {
                Some(condition::program(self.tree, name).unwrap_or_default())
            }
            _ => None,
        }
    }

    fn matching(&self, pattern: &Pattern) -> Vec<String> {
        let mut found = vec![String::new()];
        for component in pattern.components() {
            let mut next = Vec::new();
            for parent in &found {
                if !component.is_glob() {
                    next.push(format!("{parent}/{}", component.text()));
                    continue;
                }
                let Ok(directory) = self.tree.resolve(parent) else { continue };
                let skip = if directory.is_empty() { 0 } else { directory.len() + 1 };
                let names = self.tree.children(&directory).map(|node| &node.entry.path[skip..]);
                let names = names.filter(|name| !name.starts_with('.') && component.matches(name));
                next.extend(names.map(|name| format!("{parent}/{name}")));
            }
            next.truncate(MATCHES_MAX);
            found = next;
        }
        found.retain(|path| self.tree.resolve_parent(path).is_ok_and(|path| self.tree.get(&path).is_some()));
        found
    }
}
