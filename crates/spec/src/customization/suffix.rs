//! Suffixes: what a customization adds to tags.

/// Length that a tag can have, in characters
/// ([OCI distribution specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests)).
pub const TAG_LENGTH_MAX: usize = 128;

/// Returns the suffix that a name gives: lower case, runs of other characters than `[a-z0-9]` become `-`.
///
/// Empty when nothing of the name remains, as with a Chinese one; then the document must give a suffix.
pub fn derive_suffix(name: &str) -> String {
    name.to_ascii_lowercase()
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// Returns the letters and digits of a name that its derived suffix would lose, each once, in the order of the text.
///
/// They are what people read the name by: `café` must not become `caf` unseen. Combining marks count as letters.
pub(crate) fn lost_letters(name: &str) -> Vec<char> {
    let is_letter =
        |character: &char| character.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(character);
    let mut lost = Vec::new();
    for character in name.chars().filter(|character| !character.is_ascii() && is_letter(character)) {
        if !lost.contains(&character) {
            lost.push(character);
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::{derive_suffix, lost_letters};

    #[test]
    fn letters_that_no_tag_can_have_are_found() {
        for (name, lost) in [
            ("golang – with git!", ""),
            ("café crème, café", "éè"),
            ("cafe\u{301}", "\u{301}"),
            ("加固 v2", "加固"),
            ("v²", "²"),
        ] {
            assert_eq!(lost_letters(name).into_iter().collect::<String>(), lost, "{name:?}");
        }
    }

    #[test]
    fn names_become_suffixes() {
        for (name, suffix) in [
            ("golang with git", "golang-with-git"),
            ("Custom", "custom"),
            ("  (Python)  3.13 + curl!", "python-3-13-curl"),
            ("under_score", "under-score"),
            ("加固镜像", ""),
            ("加固 v2", "v2"),
            ("", ""),
        ] {
            assert_eq!(derive_suffix(name), suffix, "{name:?}");
        }
    }
}
