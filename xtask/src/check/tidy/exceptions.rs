//! The list of files and functions that are longer than the rule: it may only shrink.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

const LIST: &str = "xtask/data/long.txt";

/// The listed places with the length each may have at most, in lines.
#[derive(Default)]
pub(crate) struct Exceptions {
    lines_max: BTreeMap<String, usize>,
    used: Vec<String>,
}

impl Exceptions {
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let text =
            fs::read_to_string(workspace.root().join(LIST)).with_context(|| format!("reading {LIST}"))?;
        Self::parse(&text)
    }

    /// `PLACE LINES` each line; `#` begins a comment.
    fn parse(text: &str) -> Result<Self> {
        let mut exceptions = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (place, lines) = line.rsplit_once(' ').with_context(|| format!("`{line}` in {LIST}"))?;
            let lines = lines.parse().with_context(|| format!("`{line}` in {LIST}"))?;
            exceptions.lines_max.insert(place.trim().to_owned(), lines);
        }
        Ok(exceptions)
    }

    /// The length that `place` may have: that of the list if it stands there, else `rule`.
    pub(crate) fn limit(&mut self, place: &str, lines: usize, rule: usize) -> usize {
        let Some(&listed) = self.lines_max.get(place) else { return rule };
        if lines > rule {
            self.used.push(place.to_owned());
        }
        listed.max(rule)
    }

    /// Entries that no longer name anything too long.
    pub(crate) fn unused(&self) -> Vec<String> {
        self.lines_max
            .keys()
            .filter(|place| !self.used.contains(place))
            .map(|place| format!("{LIST}: `{place}` is no longer too long; take it off the list"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_raises_the_limit_until_it_is_no_longer_needed() {
        let mut exceptions = Exceptions::parse("# long\na.rs 450\nb.rs 500\n").unwrap();
        assert_eq!(exceptions.limit("a.rs", 430, 400), 450);
        assert_eq!(exceptions.limit("b.rs", 390, 400), 500);
        assert_eq!(exceptions.limit("c.rs", 390, 400), 400);
        assert_eq!(
            exceptions.unused(),
            [format!("{LIST}: `b.rs` is no longer too long; take it off the list")]
        );
    }
}
