//! Commands as short text, for reasons and statements.

use super::syntax::{Command, Simple};

/// A condition is shown with at most this many characters.
const REASON_CHARACTERS_MAX: usize = 80;

/// Says on which command something depends.
pub(super) fn depends_on(command: &Command) -> String {
    format!("it depends on `{}`", describe(command))
}

/// Shows the last of some commands, whose result counts.
pub(super) fn describe_list(commands: &[Command]) -> String {
    commands.last().map(describe).unwrap_or_default()
}

fn describe(command: &Command) -> String {
    let text = match command {
        Command::Simple(simple) => describe_simple(simple),
        Command::Not(inner) => format!("! {}", describe(inner)),
        Command::And(left, right) => format!("{} && {}", describe(left), describe(right)),
        Command::Or(left, right) => format!("{} || {}", describe(left), describe(right)),
        Command::Pipe(commands) => commands.iter().map(describe).collect::<Vec<_>>().join(" | "),
        Command::Group(body, _) | Command::Function(_, body) => describe_list(body),
        Command::If(..) | Command::Case(..) | Command::For(..) | Command::Loop(..) => "…".to_owned(),
    };
    text.chars().take(REASON_CHARACTERS_MAX).collect()
}

/// Shows a simple command as written.
pub(super) fn describe_simple(simple: &Simple) -> String {
    let assignments = simple.assignments.iter().map(|(_, word)| word.raw.as_str());
    let words = simple.words.iter().map(|word| word.raw.as_str());
    let mut text: Vec<String> = assignments.chain(words).map(str::to_owned).collect();
    text.extend(simple.writes.iter().map(|word| format!("> {}", word.raw)));
    text.join(" ")
}
