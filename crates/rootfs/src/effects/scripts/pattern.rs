//! Shell patterns with `*`, `?` and bracket expressions, matched against known text.
//!
//! See [POSIX shell, 2.14](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html);
//! character classes (`[[:alpha:]]`) are not supported and match nothing.

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
        let text: Vec<char> = text.chars().collect();
        self.matches_characters(&text)
    }

    /// Removes the shortest or longest match at the start or end of a text.
    pub(crate) fn trim(&self, text: &str, start: bool, longest: bool) -> String {
        let characters: Vec<char> = text.chars().collect();
        let count = characters.len();
        let split = |removed: usize| {
            if start { characters.split_at(removed) } else { characters.split_at(count - removed) }
        };
        let fits = |removed: &usize| {
            let (head, tail) = split(*removed);
            self.matches_characters(if start { head } else { tail })
        };
        let removed = if longest { (0..=count).rev().find(fits) } else { (0..=count).find(fits) };
        let (head, tail) = split(removed.unwrap_or(0));
        (if start { tail } else { head }).iter().collect()
    }

    fn matches_characters(&self, text: &[char]) -> bool {
        let (mut at, mut here) = (0, 0);
        // Where the last star stands, and the text position that it was tried at.
        let mut star: Option<(usize, usize)> = None;
        loop {
            let step = match self.characters.get(at) {
                Some(('*', false)) => {
                    star = Some((at, here));
                    at += 1;
                    continue;
                }
                Some(_) if here < text.len() => self.one(at, text[here]),
                None if here == text.len() => return true,
                _ => None,
            };
            match (step, star) {
                (Some(next), _) => (at, here) = (next, here + 1),
                (None, Some((star_at, tried))) if tried < text.len() => {
                    star = Some((star_at, tried + 1));
                    (at, here) = (star_at + 1, tried + 1);
                }
                _ => return false,
            }
        }
    }

    /// Matches one character; returns where the pattern goes on.
    fn one(&self, at: usize, character: char) -> Option<usize> {
        match self.characters[at] {
            ('?', false) => Some(at + 1),
            ('[', false) => self.bracket(at, character),
            (expected, _) => (expected == character).then_some(at + 1),
        }
    }

    fn bracket(&self, at: usize, character: char) -> Option<usize> {
        let negated = matches!(self.characters.get(at + 1), Some(('!' | '^', false)));
        let first = at + 1 + usize::from(negated);
        // A closing bracket right at the start is a member.
        let length = self.characters.get(first + 1..)?.iter().position(|(c, _)| *c == ']')?;
        let members = &self.characters[first..=first + length];
        let mut found = false;
        let mut index = 0;
        while let Some((low, _)) = members.get(index) {
            let range = members.get(index + 1) == Some(&('-', false)) && index + 2 < members.len();
            let high = if range { members[index + 2].0 } else { *low };
            found |= (*low..=high).contains(&character);
            index += if range { 3 } else { 1 };
        }
        (found != negated).then_some(first + length + 2)
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
    fn whole_texts_match() {
        for (glob, text, expected) in [
            ("configure", "configure", true),
            ("*", "", true),
            ("abort-*", "abort-upgrade", true),
            ("*.conf", "a.conf.bak", false),
            ("a?c", "abc", true),
            ("[0-9]*", "8.4", true),
            ("[!0-9]*", "8.4", false),
            ("*a*b", "xaxbxb", true),
            ("[", "[", false),
        ] {
            assert_eq!(pattern(glob).matches(text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn ends_are_trimmed() {
        assert_eq!(pattern("/*").trim("/a/b/c", false, false), "/a/b");
        assert_eq!(pattern("*/").trim("/a/b/c", true, true), "c");
        assert_eq!(pattern("*/").trim("/a/b/c", true, false), "a/b/c");
        assert_eq!(pattern(".x").trim("abc", false, true), "abc");
    }
}
