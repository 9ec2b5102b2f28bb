//! Walks a script's syntax tree along the branches that an installation takes, and collects the calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::Truth;
use super::describe::{depends_on, describe_list, describe_simple};
use super::doubts::{Doubts, Stop};
use super::expand::{Environment, Value};
use super::syntax::{Command, Simple};
use super::words::Word;
use super::{Argument, Call};
use crate::effects::{EffectContext, EffectPackage};

/// Commands walked in one script at most; a script that needs more is cut there, and what follows is unknown.
const STEPS_MAX: usize = 50_000;
/// Functions may call each other this deep.
const DEPTH_MAX: usize = 24;

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
        umask: 0o022,
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
        ("DEBCONF_USE_CDEBCONF", ""),
    ];
    Environment {
        variables: variables.map(|(name, value)| (name.to_owned(), known(value))).into(),
        arguments,
    }
}

/// The state at one point of a script.
pub(super) struct Walker<'a> {
    /// What effects see.
    pub(super) ctx: &'a EffectContext<'a>,
    package: Arc<str>,
    script: Arc<str>,
    /// Variables and arguments.
    pub(super) environment: Environment,
    /// Functions by name.
    pub(super) functions: BTreeMap<&'a str, &'a [Command]>,
    /// What was called so far.
    pub(super) calls: Vec<Call>,
    /// Why this point may not be reached.
    pub(super) doubts: Doubts,
    /// What ends here.
    pub(super) stop: Option<Stop>,
    /// Permission bits that new files do not get.
    pub(super) umask: u32,
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
                    walker.list(body)
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
                Truth::Unknown => self.maybe(&depends_on(left), |walker| walker.command(right)),
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
        let (environment, umask) = (self.environment.clone(), self.umask);
        let truth = body(self);
        (self.environment, self.umask) = (environment, umask);
        self.stop = None;
        truth
    }

    /// Walks what only a run could tell whether it is reached; afterwards, variables that it sets are unknown.
    fn maybe<R>(&mut self, reason: &str, body: impl FnOnce(&mut Self) -> R) -> Truth {
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
        if let Some(stop) = self.stop.take() {
            self.doubts.add(stop, reason.to_owned());
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
                self.maybe(&reason, |walker| walker.list(body));
                self.maybe(&reason, |walker| walker.if_clause(rest, otherwise))
            }
        }
    }

    fn case_clause(&mut self, subject: &'a Word, arms: &'a [(Vec<Word>, Vec<Command>)]) -> Truth {
        let value = self.value(subject);
        let reason = format!("it depends on the value of `{}`", subject.raw);
        for (patterns, body) in arms {
            let mut truth = Truth::No;
            for word in patterns {
                truth = match (&value, self.environment.pattern(word, self.ctx)) {
                    (Some(value), Some(pattern)) if pattern.matches(value) => Truth::Yes,
                    (Some(_), Some(_)) => truth,
                    _ => Truth::Unknown,
                };
                if truth == Truth::Yes {
                    return self.list(body);
                }
            }
            if truth == Truth::Unknown {
                self.maybe(&reason, |walker| walker.list(body));
            }
        }
        if value.is_some() { Truth::Yes } else { Truth::Unknown }
    }

    fn for_clause(&mut self, name: &str, words: Option<&'a [Word]>, body: &'a [Command]) -> Truth {
        let values = if let Some(words) = words {
            self.expand(words)
        } else {
            let unknown = || Argument::Unknown("$@".to_owned());
            let values = self.environment.arguments.iter();
            values.map(|value| value.clone().map_or_else(unknown, Argument::Known)).collect()
        };
        let outer = self.enter();
        for value in values {
            let known = value.known().map(str::to_owned);
            self.environment.variables.insert(name.to_owned(), known);
            match value {
                Argument::Known(_) => {
                    self.list(body);
                }
                Argument::Unknown(raw) => {
                    let reason = format!("it is repeated for each of `{raw}`");
                    let left = self.loop_body(&reason, |walker| walker.list(body));
                    self.doubts.iteration = self.doubts.iteration.take().or(left);
                }
            }
            self.doubts.round = None;
            match self.stop {
                None => continue,
                Some(Stop::Round) => {
                    self.stop = None;
                    continue;
                }
                Some(Stop::Loop) => self.stop = None,
                Some(Stop::Function(_) | Stop::Script) => {}
            }
            break;
        }
        let function = self.doubts.function.take();
        self.leave(outer);
        self.doubts.function = self.doubts.function.take().or(function);
        Truth::Yes
    }

    fn enter(&mut self) -> Doubts {
        let inner = self.doubts.inner();
        std::mem::replace(&mut self.doubts, inner)
    }

    /// Takes the doubts of before; one that the whole script is left stays.
    fn leave(&mut self, outer: Doubts) {
        let inner = std::mem::replace(&mut self.doubts, outer);
        self.doubts.script = inner.script;
    }

    /// Walks a body that runs an unknown number of times: what it assigns is unknown from the start. Returns why it may
    /// leave the loop.
    fn loop_body<R>(&mut self, reason: &str, body: impl Fn(&mut Self) -> R) -> Option<String> {
        let calls = self.calls.len();
        let mut left = None;
        for _ in 0..2 {
            self.calls.truncate(calls);
            let outer = self.enter();
            self.maybe(reason, &body);
            let function = self.doubts.function.take();
            left = self.doubts.iteration.take();
            self.leave(outer);
            self.doubts.function = self.doubts.function.take().or(function);
        }
        left
    }

    pub(super) fn value(&self, word: &Word) -> Value {
        self.environment.value(word, self.ctx)
    }

    fn expand(&self, words: &[Word]) -> Vec<Argument> {
        self.environment.arguments(words, self.ctx)
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
        if let Some(truth) = self.builtin(simple, &words) {
            self.emit(simple, words, true);
            return truth;
        }
        // An installation that succeeds has seen its changes succeed.
        let is_change = super::not_reproduced::is_change(name);
        self.emit(simple, words, false);
        if is_change { Truth::Yes } else { Truth::Unknown }
    }

    fn function(&mut self, body: &'a [Command], arguments: &[Argument]) -> Truth {
        if self.depth == DEPTH_MAX {
            return Truth::Unknown;
        }
        self.depth += 1;
        let arguments = arguments.iter().map(|argument| argument.known().map(str::to_owned)).collect();
        let arguments = std::mem::replace(&mut self.environment.arguments, arguments);
        let outer = self.enter();
        let mut truth = self.list(body);
        if let Some(Stop::Function(returned)) = self.stop {
            self.stop = None;
            truth = returned;
        }
        if self.doubts.function.is_some() {
            truth = Truth::Unknown;
        }
        self.leave(outer);
        self.environment.arguments = arguments;
        self.depth -= 1;
        truth
    }

    /// Records a call; of a builtin only what its redirections write.
    fn emit(&mut self, simple: &Simple, words: Vec<Argument>, is_builtin: bool) {
        let writes: Vec<Argument> = self.expand(&simple.writes);
        let writes: Vec<Argument> = writes
            .into_iter()
            .filter(|path| !path.known().is_some_and(|path| path.starts_with("/dev/")))
            .collect();
        if is_builtin && writes.is_empty() {
            return;
        }
        let doubt = self.doubts.any().cloned();
        self.calls.push(Call {
            package: Arc::clone(&self.package),
            script: Arc::clone(&self.script),
            line: simple.line,
            statement: describe_simple(simple),
            words,
            writes,
            umask: self.umask,
            doubt,
        });
    }
}
