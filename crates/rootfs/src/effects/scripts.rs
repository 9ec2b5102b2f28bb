//! What maintainer scripts call when a package is installed, read from their text; nothing is executed.
//!
//! A script is walked as `dpkg` would run it for a first installation or an upgrade: the arguments, constant
//! variables, functions, loops over known words and tests of files are followed; what only a run could tell is
//! unknown, and so is everything that depends on it ([policy, chapter 6](https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html)).

mod builtin;
pub(crate) mod condition;
mod describe;
mod doubts;
mod expand;
pub(crate) mod not_reproduced;
mod pattern;
mod queries;
mod syntax;
mod walk;
mod words;
mod world;

use std::sync::Arc;

use super::{EffectContext, EffectPackage, NotReproduced};

/// Scripts longer than this are not read.
const SCRIPT_BYTES_MAX: usize = 1 << 20;
/// How many characters of a statement are shown.
const STATEMENT_CHARACTERS_MAX: usize = 200;

/// A command that a script calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Package name.
    pub package: Arc<str>,
    /// Script name, `postinst`.
    pub script: Arc<str>,
    /// Line number in the script, from 1.
    pub line: usize,
    /// The statement as written.
    pub statement: String,
    /// The command's name and its arguments.
    pub words: Vec<Argument>,
    /// Files that its redirections write.
    pub writes: Vec<Argument>,
    /// Permission bits that new files and directories do not get.
    pub umask: u32,
    /// Why it is not sure that it is called at all.
    pub doubt: Option<String>,
}

/// One word of a [`Call`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Its value.
    Known(String),
    /// Its text in the script, where only a run could tell the value.
    Unknown(String),
}

impl Argument {
    /// Returns the value if it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl Call {
    /// Returns the command's name without its directory, empty if it is not known.
    pub fn name(&self) -> &str {
        let name = self.words.first().and_then(Argument::known).unwrap_or_default();
        name.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the arguments if all are known and the call is sure, else why not.
    pub fn arguments(&self) -> Result<Vec<&str>, String> {
        if let Some(doubt) = &self.doubt {
            return Err(doubt.clone());
        }
        let known = |argument: &'_ Argument| match argument {
            Argument::Known(_) => Ok(()),
            Argument::Unknown(raw) => Err(format!("the value of `{raw}` is only known when the script runs")),
        };
        self.words.iter().try_for_each(known)?;
        Ok(self.words.iter().skip(1).filter_map(Argument::known).collect())
    }

    /// Says that this call is left out.
    pub fn not_reproduced(&self, reason: impl Into<String>) -> NotReproduced {
        NotReproduced {
            package: self.package.to_string(),
            script: self.script.to_string(),
            line: self.line,
            statement: self.statement.trim().chars().take(STATEMENT_CHARACTERS_MAX).collect(),
            reason: reason.into(),
        }
    }
}

/// What the scripts of the added packages call.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    /// In the order in which `dpkg` would run them: every `preinst`, then every `postinst`.
    pub calls: Vec<Call>,
    /// Scripts that could not be read.
    pub not_reproduced: Vec<NotReproduced>,
}

impl Scripts {
    /// Reads the scripts that an installation runs.
    pub fn read(ctx: &EffectContext<'_>) -> Self {
        let mut scripts = Self::default();
        for name in ["preinst", "postinst"] {
            for package in ctx.packages {
                for (_, text) in package.scripts.iter().filter(|(script, _)| script == name) {
                    scripts.read_script(ctx, package, name, text);
                }
            }
        }
        scripts
    }

    fn read_script(&mut self, ctx: &EffectContext<'_>, package: &EffectPackage, script: &str, text: &str) {
        let problem = if text.len() > SCRIPT_BYTES_MAX {
            Some((1, format!("the script is longer than {SCRIPT_BYTES_MAX} bytes")))
        } else if !is_shell(text) {
            Some((1, "the script is not a shell script".to_owned()))
        } else {
            match syntax::parse(text) {
                Ok(commands) => {
                    self.calls.extend(walk::walk(ctx, package, script, &commands));
                    None
                }
                Err(error) => Some((error.line, format!("the script is not understood: {}", error.problem))),
            }
        };
        let Some((line, reason)) = problem else { return };
        let statement = text.lines().nth(line - 1).unwrap_or_default();
        self.not_reproduced.push(NotReproduced {
            package: package.name.clone(),
            script: script.to_owned(),
            line,
            statement: statement.trim().chars().take(STATEMENT_CHARACTERS_MAX).collect(),
            reason,
        });
    }

    /// Lists the calls of some commands.
    pub fn of<'a>(&'a self, names: &'a [&'a str]) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| names.contains(&call.name()))
    }
}

fn is_shell(text: &str) -> bool {
    let Some(interpreter) = text.lines().next().and_then(|line| line.strip_prefix("#!")) else { return true };
    let program = interpreter.split_whitespace().next().unwrap_or_default();
    matches!(program.rsplit('/').next(), Some("sh" | "dash" | "bash"))
}

#[cfg(test)]
mod tests;
