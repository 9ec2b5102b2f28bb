//! Walks a script's syntax tree along the branches that an installation takes, and collects the calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::{self, Truth};
use super::expand::{Environment, Value};
use super::syntax::{Command, Simple};
use super::words::Word;
use super::{Argument, Call};
use crate::effects::{EffectContext, EffectPackage};

/// Commands walked in one script at most; a script that needs more is cut there, and what follows is unknown.
const STEPS_MAX: usize = 50_000;
/// Functions may call each other this deep.
const DEPTH_MAX: usize = 24;
/// A condition is shown with at most this many characters.
const REASON_CHARACTERS_MAX: usize = 80;

/// Lists what a script calls.
pub(super) fn walk(
    ctx: &EffectContext<'_>,
    package: &EffectPackage,
    script: &str,
    commands: &[Command],
) -> Vec<Call> {
    let mut walker = Walker {
        ctx,
        package: package.name.as_str().into(),
        script: script.into(),
        environment: environment(package, script),
        functions: BTreeMap::new(),
        calls: Vec::new(),
        doubts: Doubts::default(),
        stop: None,
        depth: 0,
        steps: 0,
    };
    walker.list(commands);
    walker.calls
}

fn environment(package: &EffectPackage, script: &str) -> Environment {
    let known = |value: &str| Some(value.to_owned());
    let previous = package.previous_version.clone();
    let arguments = match (script, previous) {
        ("preinst", None) => vec![known("install")],
        ("preinst", previous) => vec![known("upgrade"), previous],
        (_, previous) => vec![known("configure"), Some(previous.unwrap_or_default())],
    };
    let variables = [
        ("DPKG_ROOT", ""),
        ("DPKG_FORCE", ""),
        ("DPKG_MAINTSCRIPT_PACKAGE", package.name.as_str()),
        ("DPKG_MAINTSCRIPT_NAME", script),
        ("DPKG_MAINTSCRIPT_ARCH", package.architecture.as_str()),
        ("DEBIAN_FRONTEND", "noninteractive"),
    ];
    Environment { variables: variables.map(|(name, value)| (name.to_owned(), known(value))).into(), arguments }
}

/// Why a command may not be reached, by what ends the doubt.
#[derive(Clone, Debug, Default)]
struct Doubts {
    /// The branch.
    branch: Option<String>,
    /// The loop, which may have been left before.
    iteration: Option<String>,
    /// The function, which may have been left before.
    function: Option<String>,
    /// The script, which may have ended before.
    script: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Iteration,
    Function(Truth),
    Script,
}

struct Walker<'a> {
    ctx: &'a EffectContext<'a>,
    package: Arc<str>,
    script: Arc<str>,
    environment: Environment,
    functions: BTreeMap<&'a str, &'a [Command]>,
    calls: Vec<Call>,
    doubts: Doubts,
    stop: Option<Stop>,
    depth: usize,
    steps: usize,
}

impl<'a> Walker<'a> {
    fn list(&mut self, commands: &'a [Command]) -> Truth {
        let mut truth = Truth::Yes;
        for command in commands {
            truth = self.command(command);
            if self.stop.is_some() {
                break;
            }
        }
        truth
    }

    fn command(&mut self, command: &'a Command) -> Truth {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            self.doubts.script = Some("the script takes too many steps to follow".to_owned());
            self.stop = Some(Stop::Script);
            return Truth::Unknown;
        }
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::If(arms, otherwise) => self.if_clause(arms, otherwise),
            Command::Case(subject, arms) => self.case_clause(subject, arms),
            Command::For(name, words, body) => self.for_clause(name, words.as_deref(), body),
            Command::Loop(condition, body) => {
                let reason = format!("it stands in a loop on `{}`", describe_list(condition));
                self.loop_body(&reason, |walker| {
                    walker.list(condition);
                    walker.list(body);
                });
                Truth::Unknown
            }
            Command::Function(name, body) => {
                self.functions.insert(name, body);
                Truth::Yes
            }
            Command::Group(body, false) => self.list(body),
            Command::Group(body, true) => self.subshell(|walker| walker.list(body)),
            Command::Not(inner) => self.command(inner).not(),
            Command::And(left, right) => match self.command(left) {
                Truth::Yes if self.stop.is_none() => self.command(right),
                Truth::Unknown => self.maybe(&depends_on(left), |walker| drop(walker.command(right))),
                truth => truth,
            },
            Command::Or(left, right) => match self.command(left) {
                Truth::No if self.stop.is_none() => self.command(right),
                Truth::Unknown => {
                    let mut right_truth = Truth::Unknown;
                    self.maybe(&depends_on(left), |walker| right_truth = walker.command(right));
                    if right_truth == Truth::Yes { Truth::Yes } else { Truth::Unknown }
                }
                truth => truth,
            },
            Command::Pipe(commands) => commands.iter().fold(Truth::Yes, |_, command| {
                self.subshell(|walker| walker.command(command));
                Truth::Unknown
            }),
        }
    }

    fn subshell(&mut self, body: impl FnOnce(&mut Self) -> Truth) -> Truth {
        let environment = self.environment.clone();
        let truth = body(self);
        self.environment = environment;
        self.stop = None;
        truth
    }

    /// Walks what only a run could tell whether it is reached; afterwards, variables that it sets are unknown.
    fn maybe(&mut self, reason: &str, body: impl FnOnce(&mut Self)) -> Truth {
        let before = self.environment.variables.clone();
        let branch = self.doubts.branch.clone();
        self.doubts.branch.get_or_insert_with(|| reason.to_owned());
        body(self);
        self.doubts.branch = branch;
        for (name, value) in &mut self.environment.variables {
            if before.get(name) != Some(value) {
                *value = None;
            }
        }
        let left = || Some(reason.to_owned());
        match self.stop.take() {
            None => {}
            Some(Stop::Iteration) => self.doubts.iteration = left(),
            Some(Stop::Function(_)) => self.doubts.function = left(),
            Some(Stop::Script) => self.doubts.script = left(),
        }
        Truth::Unknown
    }

    fn if_clause(&mut self, arms: &'a [(Vec<Command>, Vec<Command>)], otherwise: &'a [Command]) -> Truth {
        let Some(((condition, body), rest)) = arms.split_first() else { return self.list(otherwise) };
        let truth = self.list(condition);
        if self.stop.is_some() {
            return truth;
        }
        match truth {
            Truth::Yes => self.list(body),
            Truth::No => self.if_clause(rest, otherwise),
            Truth::Unknown => {
                let reason = format!("it depends on `{}`", describe_list(condition));
                self.maybe(&reason, |walker| drop(walker.list(body)));
                self.maybe(&reason, |walker| drop(walker.if_clause(rest, otherwise)))
            }
        }
    }

    fn case_clause(&mut self, subject: &'a Word, arms: &'a [(Vec<Word>, Vec<Command>)]) -> Truth {
        let value = self.value(subject);
        let reason = format!("it depends on the value of `{}`", subject.raw);
        for (patterns, body) in arms {
            let mut truth = Truth::No;
            for word in patterns {
                let answers = |text: &str| substitute(self.ctx, text);
                truth = match (&value, self.environment.pattern(word, &answers)) {
                    (Some(value), Some(pattern)) if pattern.matches(value) => Truth::Yes,
                    (Some(_), Some(_)) => truth,
                    _ => Truth::Unknown,
                };
                if truth == Truth::Yes {
                    return self.list(body);
                }
            }
            if truth == Truth::Unknown {
                self.maybe(&reason, |walker| drop(walker.list(body)));
            }
        }
        if value.is_some() { Truth::Yes } else { Truth::Unknown }
    }

    fn for_clause(&mut self, name: &str, words: Option<&'a [Word]>, body: &'a [Command]) -> Truth {
        let values = match words {
            Some(words) => self.expand(words),
            None => {
                let unknown = || Argument::Unknown("$@".to_owned());
                let values = self.environment.arguments.iter();
                values.map(|value| value.clone().map_or_else(unknown, Argument::Known)).collect()
            }
        };
        let iteration = self.doubts.iteration.take();
        for value in values {
            let known = value.known().map(str::to_owned);
            self.environment.variables.insert(name.to_owned(), known);
            match value {
                Argument::Known(_) => drop(self.list(body)),
                Argument::Unknown(raw) => {
                    let reason = format!("it is repeated for each of `{raw}`");
                    self.loop_body(&reason, |walker| drop(walker.list(body)));
                }
            }
            if self.stop == Some(Stop::Iteration) {
                self.stop = None;
                break;
            }
            if self.stop.is_some() {
                break;
            }
        }
        self.doubts.iteration = iteration;
        Truth::Yes
    }

    /// Walks a body that runs an unknown number of times: what it assigns is unknown from the start.
    fn loop_body(&mut self, reason: &str, body: impl Fn(&mut Self)) {
        let (calls, doubts) = (self.calls.len(), self.doubts.clone());
        let iteration = self.doubts.iteration.take();
        self.maybe(reason, &body);
        self.calls.truncate(calls);
        self.doubts.clone_from(&doubts);
        self.maybe(reason, &body);
        self.doubts.iteration = iteration;
    }

    fn value(&self, word: &Word) -> Value {
        self.environment.value(word, &|text| substitute(self.ctx, text))
    }

    fn expand(&self, words: &[Word]) -> Vec<Argument> {
        self.environment.arguments(words, &|text| substitute(self.ctx, text))
    }

    fn simple(&mut self, simple: &'a Simple) -> Truth {
        let words = self.expand(&simple.words);
        if words.is_empty() {
            let mut truth = Truth::Yes;
            for (name, word) in &simple.assignments {
                let value = self.value(word);
                if value.is_none() {
                    truth = Truth::Unknown;
                }
                self.environment.variables.insert(name.clone(), value);
            }
            self.emit(simple, words, true);
            return if simple.words.is_empty() { truth } else { Truth::Unknown };
        }
        let name = words[0].known().unwrap_or_default();
        if let Some(body) = self.functions.get(name).copied() {
            self.emit(simple, Vec::new(), true);
            return self.function(body, &words[1..]);
        }
        match self.builtin(simple, &words) {
            Some(truth) => {
                self.emit(simple, words, true);
                truth
            }
            None => {
                // An installation that succeeds has seen its changes succeed.
                let is_change = super::not_reproduced::is_change(name);
                self.emit(simple, words, false);
                if is_change { Truth::Yes } else { Truth::Unknown }
            }
        }
    }

    fn function(&mut self, body: &'a [Command], arguments: &[Argument]) -> Truth {
        if self.depth == DEPTH_MAX {
            return Truth::Unknown;
        }
        self.depth += 1;
        let arguments = arguments.iter().map(|argument| argument.known().map(str::to_owned)).collect();
        let arguments = std::mem::replace(&mut self.environment.arguments, arguments);
        let doubt = self.doubts.function.take();
        let mut truth = self.list(body);
        if let Some(Stop::Function(returned)) = self.stop {
            self.stop = None;
            truth = returned;
        }
        if self.doubts.function.is_some() {
            truth = Truth::Unknown;
        }
        self.doubts.function = doubt;
        self.environment.arguments = arguments;
        self.depth -= 1;
        truth
    }

    /// Records a call; of a builtin only what its redirections write.
    fn emit(&mut self, simple: &Simple, words: Vec<Argument>, is_builtin: bool) {
        let writes: Vec<Argument> = self.expand(&simple.writes);
        let writes: Vec<Argument> =
            writes.into_iter().filter(|path| !path.known().is_some_and(|path| path.starts_with("/dev/"))).collect();
        if is_builtin && writes.is_empty() {
            return;
        }
        let doubts = &self.doubts;
        let doubt = doubts.branch.as_ref().or(doubts.iteration.as_ref());
        let doubt = doubt.or(doubts.function.as_ref()).or(doubts.script.as_ref());
        self.calls.push(Call {
            package: Arc::clone(&self.package),
            script: Arc::clone(&self.script),
            line: simple.line,
            statement: describe_simple(simple),
            words,
            writes,
            doubt: doubt.cloned(),
        });
    }

    /// Runs what changes only the shell itself, or asks only what the tree can answer.
    fn builtin(&mut self, simple: &Simple, words: &[Argument]) -> Option<Truth> {
        let known: Vec<Option<&str>> = words.iter().map(Argument::known).collect();
        let tree = self.ctx.tree;
        Some(match known.as_slice() {
            [Some(":" | "true" | "echo" | "printf" | "cat" | "umask" | "trap" | "hash"), ..] => Truth::Yes,
            [Some("false")] => Truth::No,
            [Some("["), .., Some("]")] => condition::test(tree, &words[1..words.len() - 1]),
            [Some("[[" | "test"), ..] => condition::test(tree, &words[1..]),
            [Some("exit"), status @ ..] => self.exit(status.first().copied().flatten()),
            [Some("return"), status @ ..] => {
                let truth = match status.first() {
                    None | Some(Some("0")) => Truth::Yes,
                    Some(Some(_)) => Truth::No,
                    Some(None) => Truth::Unknown,
                };
                self.stop = Some(Stop::Function(truth));
                truth
            }
            [Some("break" | "continue"), ..] => {
                self.stop = Some(Stop::Iteration);
                Truth::Yes
            }
            [Some("shift"), count @ ..] => {
                let count = count.first().map_or(Some(1), |count| count.and_then(|count| count.parse().ok()));
                let arguments = &mut self.environment.arguments;
                arguments.drain(..count.unwrap_or(usize::MAX).min(arguments.len()));
                Truth::Yes
            }
            [Some("set"), Some("--"), values @ ..] => {
                self.environment.arguments = values.iter().map(|value| value.map(str::to_owned)).collect();
                Truth::Yes
            }
            [Some("set"), ..] => Truth::Yes,
            [Some("export" | "local" | "readonly" | "declare" | "typeset"), ..] => self.declare(simple),
            [Some("unset"), names @ ..] => {
                for name in names.iter().flatten() {
                    self.environment.variables.insert((*name).to_owned(), Some(String::new()));
                }
                Truth::Yes
            }
            [Some("read"), names @ ..] => {
                for name in names.iter().flatten() {
                    self.environment.variables.insert((*name).to_owned(), None);
                }
                Truth::Unknown
            }
            [Some("getent"), Some(database @ ("passwd" | "group")), Some(name)] => {
                condition::has_account(tree, database, name)
            }
            [Some("id"), options @ .., Some(name)] if options.iter().flatten().all(|o| o.starts_with('-')) => {
                condition::has_account(tree, "passwd", name)
            }
            [Some("dpkg"), Some("--compare-versions"), Some(left), Some(operator), Some(right)] => {
                condition::compare_versions(left, operator, right)
            }
            [Some("dpkg-statoverride"), .., Some("--list"), Some(path)] => condition::has_override(tree, path),
            [Some("command"), Some("-v"), Some(name)] | [Some("which" | "type"), Some(name)] => {
                (self.functions.contains_key(name) || condition::program(tree, name).is_some()).into()
            }
            [Some(name), ..] if name.starts_with("db_") => {
                self.environment.variables.insert("RET".to_owned(), None);
                if *name == "db_get" { Truth::Unknown } else { Truth::Yes }
            }
            _ => return None,
        })
    }

    /// Ends the script; a failing end in doubt is taken as not reached, since installations succeed.
    fn exit(&mut self, status: Option<&str>) -> Truth {
        let is_failure = status.is_some_and(|status| status != "0");
        let doubtful = self.doubts.branch.is_some();
        if !(is_failure && doubtful) {
            self.stop = Some(Stop::Script);
        }
        Truth::Yes
    }

    fn declare(&mut self, simple: &Simple) -> Truth {
        for word in simple.words.iter().skip(1) {
            let Some((name, _)) = word.raw.split_once('=') else { continue };
            let value = self.value(word);
            let value = value.and_then(|text| text.split_once('=').map(|(_, value)| value.to_owned()));
            self.environment.variables.insert(name.to_owned(), value);
        }
        Truth::Yes
    }
}

/// Answers the command substitutions whose output the tree or the platform determines.
fn substitute(ctx: &EffectContext<'_>, text: &str) -> Value {
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["dpkg", "--print-architecture"] => Some(ctx.architecture.to_owned()),
        ["command", "-v", name] | ["which", name] if !name.contains(['$', '"', '\'']) => {
            Some(condition::program(ctx.tree, name).unwrap_or_default())
        }
        _ => None,
    }
}

fn depends_on(command: &Command) -> String {
    format!("it depends on `{}`", describe(command))
}

fn describe_list(commands: &[Command]) -> String {
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

fn describe_simple(simple: &Simple) -> String {
    let assignments = simple.assignments.iter().map(|(_, word)| word.raw.as_str());
    let words = simple.words.iter().map(|word| word.raw.as_str());
    let mut text: Vec<String> = assignments.chain(words).map(str::to_owned).collect();
    text.extend(simple.writes.iter().map(|word| format!("> {}", word.raw)));
    text.join(" ")
}
