//! Patterns as words of a script make them, some characters quoted.

use crate::glob::Glob;

/// A pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Characters, each with whether it is quoted.
    characters: Vec<(char, bool)>,
}

impl Pattern {
    /// Appends text; quoted text stands for itself.
    pub(crate) fn push(&mut self, text: &str, quoted: bool) {
        self.characters.extend(text.chars().map(|character| (character, quoted)));
    }

    /// Returns whether any of its characters is special.
    pub(crate) fn is_glob(&self) -> bool {
        self.characters.iter().any(|(character, quoted)| !quoted && matches!(character, '*' | '?' | '['))
    }

    /// Splits the pattern of a path into those of its components.
    pub(crate) fn components(&self) -> Vec<Self> {
        let components = self.characters.split(|(character, _)| *character == '/');
        let components = components.filter(|characters| !characters.is_empty());
        components.map(|characters| Self { characters: characters.to_vec() }).collect()
    }

    /// Returns the text that it stands for without special characters.
    pub(crate) fn text(&self) -> String {
        self.characters.iter().map(|(character, _)| character).collect()
    }

    /// Returns whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.glob().matches(text)
    }

    /// Removes the shortest or longest match at the start or end of a text.
    pub(crate) fn trim(&self, text: &str, start: bool, longest: bool) -> String {
        let glob = self.glob();
        let characters: Vec<char> = text.chars().collect();
        let count = characters.len();
        let split = |removed: usize| {
            if start { characters.split_at(removed) } else { characters.split_at(count - removed) }
        };
        let fits = |removed: &usize| {
            let (head, tail) = split(*removed);
            glob.matches_characters(if start { head } else { tail })
        };
        let removed = if longest { (0..=count).rev().find(fits) } else { (0..=count).find(fits) };
        let (head, tail) = split(removed.unwrap_or(0));
        (if start { tail } else { head }).iter().collect()
    }

    fn glob(&self) -> Glob {
        Glob::of(&self.characters)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        pattern.push(text, false);
        pattern
    }

    #[test]
    fn quoted_text_stands_for_itself() {
        let mut pattern = pattern("a*");
        pattern.push("*", true);
        assert!(pattern.matches("ab*") && !pattern.matches("abc"));
    }

    #[test]
    fn ends_are_trimmed() {
        assert_eq!(pattern("/*").trim("/a/b/c", false, false), "/a/b");
        assert_eq!(pattern("*/").trim("/a/b/c", true, true), "c");
        assert_eq!(pattern("*/").trim("/a/b/c", true, false), "a/b/c");
        assert_eq!(pattern(".x").trim("abc", false, true), "abc");
    }
}
