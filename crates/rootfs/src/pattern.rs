//! Patterns of paths: `*` and `?` within one component, `**` across any number of them.

/// A pattern in the form of `Entry::path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    components: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; slashes at both ends and empty or `.` components do not count.
    pub(crate) fn parse(text: &str) -> Self {
        let components = text.split('/').filter(|component| !matches!(*component, "" | "."));
        Self { components: components.map(str::to_owned).collect() }
    }

    /// The path itself, if the pattern has no special characters.
    pub(crate) fn literal(&self) -> Option<String> {
        let is_plain = self.components.iter().all(|component| !component.contains(['*', '?']));
        is_plain.then(|| self.components.join("/"))
    }

    /// Whether the pattern matches the path or a directory above it; the empty pattern matches everything.
    pub(crate) fn matches_or_contains(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        (0..=path.len()).any(|length| matches_all(&self.components, &path[..length]))
    }
}

/// Matches components against components, with `**` for any run of them.
fn matches_all(pattern: &[String], path: &[&str]) -> bool {
    let is_same = |pattern: &String, component: &&str| matches_one(pattern, component);
    matches_runs(pattern, path, |component| component == "**", is_same)
}

/// Matches characters of one component, with `*` for any run of them.
fn matches_one(pattern: &str, component: &str) -> bool {
    let (pattern, component): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), component.chars().collect());
    matches_runs(&pattern, &component, |character| *character == '*', |a, b| *a == '?' || a == b)
}

/// Matches in at most the product of both lengths: after a mismatch only the last run grows.
pub(crate) fn matches_runs<P, T>(
    pattern: &[P],
    text: &[T],
    is_run: impl Fn(&P) -> bool,
    is_same: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut run: Option<(usize, usize)> = None;
    while read < text.len() {
        if at < pattern.len() && is_run(&pattern[at]) {
            run = Some((at, read));
            at += 1;
        } else if at < pattern.len() && is_same(&pattern[at], &text[read]) {
            at += 1;
            read += 1;
        } else if let Some((start, taken)) = run {
            run = Some((start, taken + 1));
            (at, read) = (start + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(is_run)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_paths_and_what_is_below() {
        for (pattern, path, expected) in [
            ("/etc/ssl/certs", "etc/ssl/certs", true),
            ("etc/ssl/certs/", "etc/ssl/certs/a/b.pem", true),
            ("etc/ssl/certs", "etc/ssl/certs2", false),
            ("etc/ssl/certs", "etc/ssl", false),
            ("etc/*/certs", "etc/ssl/certs/a", true),
            ("etc/*/certs", "etc/ssl/x/certs", false),
            ("etc/**/certs", "etc/ssl/x/certs", true),
            ("etc/**/certs", "etc/certs", true),
            ("**/*.so.?", "usr/lib/a.so.1", true),
            ("**/*.so.?", "usr/lib/a.so.12", false),
            ("**/*.so.?", "a.so.é", true),
            ("usr/lib/*", "usr/lib", false),
            ("usr/lib/*", "usr/lib/a/b", true),
            ("usr/lib/**", "usr/lib/a/b", true),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybzcd", false),
            ("/", "anything/at/all", true),
            ("**", "x", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(Pattern::parse(pattern).matches_or_contains(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn hostile_patterns_end_soon() {
        let pattern = Pattern::parse(&format!("{}b", "a*".repeat(200)));
        assert!(!pattern.matches_or_contains(&"a".repeat(4000)));
        let deep = Pattern::parse(&format!("{}b", "**/".repeat(200)));
        assert!(!deep.matches_or_contains(&vec!["a"; 500].join("/")));
    }
}
