//! The package sets that are compared.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

const LIST: &str = "xtask/data/oracle-sets.txt";

/// The sets in the order of the list, each as the entries of `contents.packages`.
pub(crate) fn read(workspace: &Workspace, filter: Option<&str>) -> Result<Vec<Vec<String>>> {
    let text = fs::read_to_string(workspace.root().join(LIST)).with_context(|| format!("reading {LIST}"))?;
    let mut sets = parse(&text);
    sets.retain(|set| filter.is_none_or(|word| set.iter().any(|package| package.contains(word))));
    Ok(sets)
}

fn parse(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .filter(|set: &Vec<String>| !set.is_empty())
        .collect()
}

/// The same request in apt's words: `!name` is `name-`.
pub(crate) fn apt_requests(set: &[String]) -> Vec<String> {
    set.iter()
        .map(|package| package.strip_prefix('!').map_or_else(|| package.clone(), |name| format!("{name}-")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_lines_without_comments() {
        let sets = parse("# clients\ncurl  jq\n\n!perl git\n");
        assert_eq!(sets, [vec!["curl", "jq"], vec!["!perl", "git"]]);
        assert_eq!(apt_requests(&sets[1]), ["perl-", "git"]);
    }
}
