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

#[cfg(test)]
mod tests {
    use super::derive_suffix;

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
