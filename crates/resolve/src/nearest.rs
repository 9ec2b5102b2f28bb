//! Names that somebody may have meant.

/// Suggestions given at most.
const SUGGESTIONS_MAX: usize = 3;

/// The names that are most like `wanted`, the nearest first; none if all are far away.
pub(crate) fn nearest_names(wanted: &str, names: &[&str]) -> Vec<String> {
    // A typing error is one letter in four at most; more and the suggestion is a guess.
    let limit = (wanted.chars().count() / 4).clamp(1, 3);
    let mut found: Vec<(usize, &str)> = names
        .iter()
        .filter(|name| name.len().abs_diff(wanted.len()) <= limit)
        .map(|name| (strsim::damerau_levenshtein(wanted, name), *name))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    found.sort_unstable();
    found.into_iter().take(SUGGESTIONS_MAX).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_differs_by_a_slip() {
        let names = ["curl", "carl", "nginx", "nginx-extras", "python3", "libcurl4t64"];
        for (wanted, expected) in [
            ("culr", &["curl"][..]),
            ("curll", &["curl"]),
            ("ngnix", &["nginx"]),
            ("nginx-extra", &["nginx-extras"]),
            ("pyhton3", &["python3"]),
            ("crl", &["carl", "curl"]),
            ("something-else", &[]),
        ] {
            assert_eq!(nearest_names(wanted, &names), expected, "{wanted}");
        }
    }
}
