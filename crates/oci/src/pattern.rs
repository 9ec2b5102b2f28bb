//! Patterns of repository names and tags, as operators write them.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Longest pattern in bytes: no name or tag is longer.
const PATTERN_BYTES_MAX: usize = 255;

/// A pattern: `?` is one character, `*` any number of them, neither is a slash; `**` is anything, slashes too.
///
/// `acme/*` holds `acme/python` and not `acme/team/python`; `acme/**` holds both, and not `acme`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

/// A text that no repository name or tag could match, so it is not what its writer meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pattern of names: letters, digits, `.`, `_`, `-`, `/`, `*` and `?`, at most 255")]
pub struct ParsePatternError(String);

impl FromStr for Pattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/*?".contains(&byte);
        if text.is_empty() || text.len() > PATTERN_BYTES_MAX || !text.bytes().all(is_good) {
            return Err(ParsePatternError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Pattern {
    /// Says whether a whole name matches, in time of at most both lengths multiplied.
    pub fn matches(&self, name: &str) -> bool {
        let mut rest = self.0.as_bytes();
        // `reached[end]`: what was read of the pattern holds the first `end` bytes of the name.
        let mut reached = vec![false; name.len() + 1];
        reached[0] = true;
        while let Some((piece, after)) = Piece::read(rest) {
            piece.advance(&mut reached, name.as_bytes());
            rest = after;
        }
        reached[name.len()]
    }
}

/// What a pattern is made of.
#[derive(Clone, Copy)]
enum Piece {
    Byte(u8),
    One,
    Many { slashes: bool },
}

impl Piece {
    fn read(pattern: &[u8]) -> Option<(Self, &[u8])> {
        Some(match pattern {
            [] => return None,
            [b'*', b'*', rest @ ..] => (Self::Many { slashes: true }, rest),
            [b'*', rest @ ..] => (Self::Many { slashes: false }, rest),
            [b'?', rest @ ..] => (Self::One, rest),
            [byte, rest @ ..] => (Self::Byte(*byte), rest),
        })
    }

    fn advance(self, reached: &mut [bool], name: &[u8]) {
        match self {
            Self::Many { slashes } => {
                for (index, byte) in name.iter().enumerate() {
                    reached[index + 1] |= reached[index] && (slashes || *byte != b'/');
                }
            }
            one => {
                for (index, byte) in name.iter().enumerate().rev() {
                    let fits = match one {
                        Self::Byte(wanted) => wanted == *byte,
                        _ => *byte != b'/',
                    };
                    reached[index + 1] = reached[index] && fits;
                }
                reached[0] = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pattern;

    #[test]
    fn patterns_hold_whole_names() {
        for (pattern, holds, holds_not) in [
            ("acme/python", &["acme/python"][..], &["acme/python3", "acme", "x/acme/python"][..]),
            ("acme/*", &["acme/a", "acme/"], &["acme", "acme/a/b", "bcme/a"]),
            ("acme/**", &["acme/a", "acme/a/b"], &["acme", "acmeX"]),
            ("**", &["", "a", "a/b"], &[]),
            ("*", &["", "a"], &["a/b"]),
            ("v?.*", &["v1.", "v1.2.3"], &["v.1", "v12.3", "v1"]),
            ("*-rc*-*", &["1-rc1-x", "-rc-"], &["1-rc1", "rc1-x"]),
            ("a**b", &["ab", "a/b", "a/x/b"], &["a/b/c"]),
            ("???", &["abc"], &["ab", "abcd", "a/b"]),
        ] {
            let parsed: Pattern = pattern.parse().expect(pattern);
            for name in holds {
                assert!(parsed.matches(name), "{pattern} holds {name}");
            }
            for name in holds_not {
                assert!(!parsed.matches(name), "{pattern} does not hold {name}");
            }
        }
        for bad in ["", "a b", "[a]", "a:b", "é", &"a".repeat(256)] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_without_wildcards_is_a_name(name in "[a-z/.]{1,20}", other in "[a-z/.]{1,20}") {
            let pattern: Pattern = name.parse().expect("is a pattern");
            prop_assert!(pattern.matches(&name));
            prop_assert_eq!(pattern.matches(&other), name == other);
        }

        #[test]
        fn stars_hold_what_stands_between(start in "[a-z]{0,5}", middle in "[a-z/]{0,9}", end in "[a-z]{0,5}") {
            let name = format!("{start}{middle}{end}");
            let parse = |text: String| text.parse::<Pattern>().expect("is a pattern");
            let (deep, flat) = (parse(format!("{start}**{end}")), parse(format!("{start}*{end}")));
            prop_assert!(deep.matches(&name));
            prop_assert_eq!(flat.matches(&name), !middle.contains('/'));
        }
    }
}
