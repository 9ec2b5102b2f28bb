//! Reads what `apt-get --simulate` says it would do.

use std::fmt;

use anyhow::{Context, Result, bail};

/// What happens to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Install,
    Upgrade,
    Remove,
}

impl Action {
    /// The word of a plan for this action.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        match word {
            "install" => Ok(Self::Install),
            "upgrade" => Ok(Self::Upgrade),
            "remove" => Ok(Self::Remove),
            other => bail!("`{other}` is no action of a plan"),
        }
    }
}

/// One package of the answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Choice {
    pub(crate) name: String,
    /// Empty for a removal.
    pub(crate) version: String,
    /// The package's own: `all`, or that of the platform; empty for a removal.
    pub(crate) architecture: String,
    pub(crate) action: Action,
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, architecture, action } = self;
        match action {
            Action::Install => write!(formatter, "{name}={version} [{architecture}]"),
            Action::Upgrade => write!(formatter, "~{name}={version} [{architecture}]"),
            Action::Remove => write!(formatter, "-{name}"),
        }
    }
}

/// The choices, sorted by name.
pub(crate) fn parse(output: &str) -> Result<Vec<Choice>> {
    let mut choices = Vec::new();
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("Inst ") {
            choices.push(installed(rest).with_context(|| format!("apt said `{line}`"))?);
        } else if let Some(rest) = line.strip_prefix("Remv ") {
            let name = rest.split([' ', ':']).next().unwrap_or_default().to_owned();
            choices.push(Choice {
                name,
                version: String::new(),
                architecture: String::new(),
                action: Action::Remove,
            });
        }
    }
    choices.sort();
    Ok(choices)
}

/// `NAME [OLD] (VERSION ORIGIN [ARCHITECTURE]) …`, where `[OLD]` stands only in an upgrade.
fn installed(rest: &str) -> Result<Choice> {
    let (head, tail) = rest.split_once('(').context("no version")?;
    let (inside, _) = tail.split_once(')').context("no end of the version")?;
    let name = head.split([' ', ':']).next().unwrap_or_default().to_owned();
    let version = inside.split(' ').next().unwrap_or_default().to_owned();
    let architecture = inside.rsplit_once('[').map(|(_, last)| last.trim_end_matches(']').to_owned());
    let action = if head.contains('[') { Action::Upgrade } else { Action::Install };
    Ok(Choice { name, version, architecture: architecture.context("no architecture")?, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, expected: &[&str]) {
        let choices: Vec<String> = parse(output).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(choices, expected);
    }

    #[test]
    fn an_answer_is_read() {
        check(
            "NOTE: This is only a simulation!\n\
             Remv old [1.0]\n\
             Inst libc6 [2.41-1] (2.41-2 Debian:13.1/stable [amd64]) []\n\
             Inst ca-certificates (20250419 Debian:13.1/stable, Debian-Security:13/stable-security [all])\n\
             Conf libc6 (2.41-2 Debian:13.1/stable [amd64])\n",
            &["ca-certificates=20250419 [all]", "~libc6=2.41-2 [amd64]", "-old"],
        );
    }

    #[test]
    fn a_line_without_version_is_an_error() {
        assert!(parse("Inst curl\n").is_err());
    }
}
