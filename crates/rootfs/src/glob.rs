//! Shell patterns: `*`, `?` and bracket expressions, matched against whole texts.
//!
//! See [POSIX shell, 2.14](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html). A slash is a
//! character like any other; who matches paths parts them before. Character classes (`[[:alpha:]]`) are not known. The
//! patterns of documents are a language of their own, see [`crate::pattern`].

use crate::pattern::matches_runs;

/// A pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Any number of any characters.
    Run,
    Any,
    One(char),
    /// Ranges of a bracket expression.
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Reads a pattern in which a backslash takes the meaning from the next character.
    pub(crate) fn parse(text: &str) -> Self {
        let mut characters = text.chars();
        let mut quoted = Vec::new();
        while let Some(character) = characters.next() {
            quoted.push(match character {
                '\\' => (characters.next().unwrap_or('\\'), true),
                other => (other, false),
            });
        }
        Self::of(&quoted)
    }

    /// Reads a pattern of characters, each with whether it is quoted and so stands for itself.
    pub(crate) fn of(characters: &[(char, bool)]) -> Self {
        let mut rest = characters;
        let mut tokens = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            tokens.push(match first {
                ('*', false) => Token::Run,
                ('?', false) => Token::Any,
                ('[', false) => class(&mut rest).unwrap_or(Token::One('[')),
                (other, _) => Token::One(*other),
            });
        }
        Self { tokens }
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.matches_characters(&text.chars().collect::<Vec<_>>())
    }

    /// Whether all these characters match.
    pub(crate) fn matches_characters(&self, text: &[char]) -> bool {
        matches_runs(&self.tokens, text, |token| *token == Token::Run, |token, one| token.matches(*one))
    }
}

impl Token {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::Run => false,
            Self::Any => true,
            Self::One(one) => *one == character,
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&character)) != *is_negated
            }
        }
    }
}

/// Reads a bracket expression after its first bracket; `None`, with nothing taken, if it does not end.
fn class(rest: &mut &[(char, bool)]) -> Option<Token> {
    let mut ahead = *rest;
    let is_negated = matches!(ahead.first(), Some(('!' | '^', false)));
    if is_negated {
        ahead = &ahead[1..];
    }
    let mut ranges = Vec::new();
    loop {
        let ((first, is_quoted), after) = ahead.split_first()?;
        // A closing bracket right at the start is a member.
        if *first == ']' && !is_quoted && !ranges.is_empty() {
            *rest = after;
            return Some(Token::Class { is_negated, ranges });
        }
        let (last, after) = match after {
            [('-', false), (last, is_quoted), after @ ..] if *last != ']' || *is_quoted => (last, after),
            _ => (first, after),
        };
        ranges.push((*first, *last));
        ahead = after;
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn whole_texts_match() {
        for (glob, text, expected) in [
            ("configure", "configure", true),
            ("*", "", true),
            ("", "", true),
            ("a", "", false),
            ("abort-*", "abort-upgrade", true),
            ("*.conf", "a.conf.bak", false),
            ("/usr/*/x", "/usr/a/b/x", true),
            ("l?bc*", "libc", true),
            ("[0-9]*", "8.4", true),
            ("[!0-9]*", "8.4", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("[", "[", true),
            ("[a", "[a", true),
            ("[a", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("é?", "éü", true),
        ] {
            assert_eq!(Glob::parse(glob).matches(text), expected, "{glob} {text}");
        }
    }

    #[test]
    fn hostile_patterns_end_soon() {
        assert!(!Glob::parse(&format!("{}b", "a*".repeat(200))).matches(&"a".repeat(4000)));
        assert!(!Glob::parse(&"[a".repeat(2_000)).matches("a"));
    }
}
