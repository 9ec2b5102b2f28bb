//! The wording of problems: one sentence for each, whose parts follow the chain of needs.

use std::fmt;

use super::{Obstacle, Problem, Refusal};

/// Alternatives beyond this number are counted, not told: a virtual package may have dozens of providers.
const ALTERNATIVES_TOLD: usize = 4;

/// Packages that need a forbidden one beyond this number are counted, not told.
const NEEDS_TOLD: usize = 4;

/// Levels of a chain of needs at which all alternatives are told; deeper down it is the first one alone.
const LEVELS_WIDE: usize = 2;

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_refusal(formatter, self, 0)
    }
}

fn write_refusal(formatter: &mut fmt::Formatter<'_>, refusal: &Refusal, level: usize) -> fmt::Result {
    match refusal {
        Refusal::Needs { package, relation, alternatives, .. } => {
            write!(formatter, "`{package}` needs `{relation}`, but ")?;
            let told = if level < LEVELS_WIDE { ALTERNATIVES_TOLD } else { 1 };
            for (position, obstacle) in alternatives.iter().take(told).enumerate() {
                formatter.write_str(if position == 0 { "" } else { ", and " })?;
                write_obstacle(formatter, obstacle, level + 1)?;
            }
            match alternatives.len().saturating_sub(told) {
                0 => Ok(()),
                1 => formatter.write_str(", and one more alternative fails"),
                more => write!(formatter, ", and {more} more alternatives fail"),
            }
        }
        Refusal::Conflict { package, declared_by, relation, with, because } if declared_by == package => {
            write!(formatter, "`{package}` cannot stand beside `{relation}`, which `{with}` is ({because})")
        }
        Refusal::Conflict { package, with, relation, because, .. } => {
            write!(formatter, "`{with}` ({because}) cannot stand beside `{relation}`, which `{package}` is")
        }
        Refusal::Depth { package } => write!(formatter, "the dependencies of `{package}` nest too deep"),
        Refusal::Steps { package, steps } => {
            write!(formatter, "`{package}` came up after {steps} packages had been tried, which is the limit")
        }
    }
}

fn write_obstacle(formatter: &mut fmt::Formatter<'_>, obstacle: &Obstacle, level: usize) -> fmt::Result {
    match obstacle {
        Obstacle::NotFound { name } => write!(formatter, "no package is or provides `{name}`"),
        Obstacle::Version { name, candidate, .. } => {
            write!(formatter, "the candidate of `{name}` is version `{candidate}`")
        }
        Obstacle::Unprovided { name } => {
            write!(formatter, "no package provides `{name}` in that version and architecture")
        }
        Obstacle::Forbidden { name } => write!(formatter, "`{name}` is forbidden"),
        Obstacle::Refused { refusal, .. } => write_refusal(formatter, refusal, level),
    }
}

pub(super) fn needs(needs: &[(String, String)]) -> String {
    let told: Vec<_> = needs
        .iter()
        .take(NEEDS_TOLD)
        .map(|(package, relation)| format!("installed package `{package}` needs `{relation}`"))
        .collect();
    let told = told.join(", and ");
    match needs.len().saturating_sub(NEEDS_TOLD) {
        0 => told,
        1 => format!("{told}, and one more installed package needs it"),
        more => format!("{told}, and {more} more installed packages need it"),
    }
}

pub(super) fn list(problems: &[Problem]) -> String {
    let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}

pub(super) fn suites(suites: &[String]) -> String {
    if suites.is_empty() { "any index".to_owned() } else { quoted(suites) }
}

pub(super) fn quoted(names: &[String]) -> String {
    join(names, ", ")
}

pub(super) fn any_of(names: &[String]) -> String {
    join(names, " or ")
}

fn join(names: &[String], separator: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(separator)
}
