//! Compares the two answers, and writes the page that keeps the result.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};

use crate::apt::Answer;
use crate::oracle::closure::Traits;
use crate::report::{Table, today};
use crate::workspace::Workspace;

const PAGE: &str = "docs/oracle.md";

/// The most differences that one line names.
const DIFFERENCES_SHOWN: usize = 6;

/// Both answers to one set on one platform.
pub(crate) struct Comparison {
    pub(crate) set: String,
    pub(crate) architecture: &'static str,
    pub(crate) traits: Traits,
    pub(crate) apt: Answer,
    /// `None` when only apt was asked.
    pub(crate) temper: Option<Answer>,
}

impl Comparison {
    /// Whether both chose the same, or both refused.
    pub(crate) fn is_equal(&self) -> bool {
        match (&self.apt, &self.temper) {
            (Answer::Choices(apt), Some(Answer::Choices(temper))) => apt == temper,
            (Answer::Refused(_), Some(Answer::Refused(_))) => true,
            _ => false,
        }
    }

    /// One line for the terminal.
    pub(crate) fn line(&self) -> String {
        let verdict = if self.temper.is_none() {
            "apt only"
        } else if self.is_equal() {
            "equal"
        } else {
            "DIFFERENT"
        };
        format!("{verdict} {} {}: {} {}", self.architecture, self.set, self.count(), self.differences())
    }

    fn is_hard(&self) -> bool {
        self.traits.or_group || self.traits.virtual_package
    }

    fn count(&self) -> String {
        match &self.apt {
            Answer::Choices(choices) => choices.len().to_string(),
            Answer::Refused(_) => "refused".to_owned(),
        }
    }

    fn differences(&self) -> String {
        match (&self.apt, &self.temper) {
            (Answer::Choices(apt), Some(Answer::Choices(temper))) => {
                let ours: BTreeSet<String> = temper.iter().map(ToString::to_string).collect();
                let theirs: BTreeSet<String> = apt.iter().map(ToString::to_string).collect();
                let missing = theirs.difference(&ours).map(|choice| format!("apt only: {choice}"));
                let added = ours.difference(&theirs).map(|choice| format!("temper only: {choice}"));
                missing.chain(added).take(DIFFERENCES_SHOWN).collect::<Vec<_>>().join("; ")
            }
            (_, None) | (Answer::Refused(_), Some(Answer::Refused(_))) => String::new(),
            (Answer::Refused(words), Some(Answer::Choices(_))) => format!("apt refuses: {}", one_line(words)),
            (Answer::Choices(_), Some(Answer::Refused(words))) => {
                format!("temper refuses: {}", one_line(words))
            }
        }
    }
}

/// How many answers were compared, were hard, and are equal.
pub(crate) fn summary(comparisons: &[Comparison]) -> String {
    let sets: BTreeSet<&str> = comparisons.iter().map(|comparison| comparison.set.as_str()).collect();
    let hard: BTreeSet<&str> = comparisons
        .iter()
        .filter(|comparison| comparison.is_hard())
        .map(|comparison| comparison.set.as_str())
        .collect();
    let equal = comparisons.iter().filter(|comparison| comparison.is_equal()).count();
    format!(
        "{} sets ({} with an or-group or a virtual package), {} answers, {equal} equal",
        sets.len(),
        hard.len(),
        comparisons.len()
    )
}

/// Writes the page.
pub(crate) fn write(workspace: &Workspace, comparisons: &[Comparison]) -> Result<()> {
    let mut table = Table::new(&["packages", "platform", "apt", "or-group", "virtual", "result"]);
    let mark = |is_set: bool| if is_set { "yes" } else { "" }.to_owned();
    for comparison in comparisons {
        let differences = comparison.differences().replace('|', "\\|");
        table.row(vec![
            comparison.set.clone(),
            comparison.architecture.to_owned(),
            comparison.count(),
            mark(comparison.traits.or_group),
            mark(comparison.traits.virtual_package),
            if comparison.is_equal() { "equal".to_owned() } else { format!("different: {differences}") },
        ]);
    }
    let text = format!(
        "# The same packages as apt\n\n\
         Each set of `xtask/data/oracle-sets.txt` was asked of apt (`apt-get --simulate --no-install-recommends \
         install`) and of `temper plan` over the package database of the catalog's python image, Debian 13, with the \
         archive of that day. Equal means the same names, versions, architectures and actions, or a refusal by both. \
         The column *apt* counts the packages of apt's answer. Written by `cargo xtask oracle`.\n\n\
         {}: {}.\n\n{}",
        today()?,
        summary(comparisons),
        table.markdown()
    );
    let file = workspace.root().join(PAGE);
    fs::write(&file, text).with_context(|| format!("writing {PAGE}"))
}

fn one_line(words: &str) -> String {
    words.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
