//! Commands of scripts that change only the shell itself, or ask only what the tree can answer.

use super::Argument;
use super::condition::{self, Truth};
use super::doubts::Stop;
use super::queries;
use super::syntax::Simple;
use super::walk::Walker;

impl Walker<'_> {
    /// Runs what changes only the shell itself, or asks only what the tree can answer.
    pub(super) fn builtin(&mut self, simple: &Simple, words: &[Argument]) -> Option<Truth> {
        let known: Vec<Option<&str>> = words.iter().map(Argument::known).collect();
        let tree = self.ctx.tree;
        Some(match known.as_slice() {
            [Some("false")] => Truth::No,
            [Some("["), .., Some("]")] => condition::test(tree, &words[1..words.len() - 1]),
            [Some("[[" | "test"), ..] => condition::test(tree, &words[1..]),
            [Some("exit"), status @ ..] => self.exit(status.first().copied().flatten()),
            [Some("return"), status @ ..] => self.end_function(status),
            [Some(word @ ("break" | "continue")), levels @ ..] => self.end_round(word, levels),
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
            [Some("umask"), Some(mask)] => {
                self.umask =
                    u32::from_str_radix(mask, 8).ok().filter(|mask| *mask <= 0o777).unwrap_or(self.umask);
                Truth::Yes
            }
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
            [Some("id"), options @ .., Some(name)]
                if options.iter().flatten().all(|o| o.starts_with('-')) =>
            {
                condition::has_account(tree, "passwd", name)
            }
            [Some("dpkg"), Some("--compare-versions"), Some(left), Some(operator), Some(right)] => {
                condition::compare_versions(left, operator, right)
            }
            [Some(name), ..] if queries::is_query(name, words) => {
                queries::answer(tree, &self.calls, name, words)
            }
            [Some("command"), Some("-v"), Some(name)] | [Some("which" | "type"), Some(name)] => {
                (self.functions.contains_key(name) || condition::program(tree, name).is_some()).into()
            }
            [Some(name), ..] if name.starts_with("db_") => {
                self.environment.variables.insert("RET".to_owned(), None);
                if *name == "db_get" { Truth::Unknown } else { Truth::Yes }
            }
            [Some(":" | "true" | "echo" | "printf" | "cat" | "set" | "trap" | "hash"), ..] => Truth::Yes,
            _ => return None,
        })
    }

    /// Ends the round of a loop, or the loop.
    fn end_round(&mut self, word: &str, levels: &[Option<&str>]) -> Truth {
        if !matches!(levels, [] | [Some("1")]) {
            self.doubts.add(Stop::Script, format!("it comes after a `{word}` through several loops"));
        }
        self.stop_at(if word == "continue" { Stop::Round } else { Stop::Loop });
        Truth::Yes
    }

    /// Ends the function with a status, if one is given; it is unknown where the word is.
    fn end_function(&mut self, status: &[Option<&str>]) -> Truth {
        let truth = match status {
            [] | [Some("0"), ..] => Truth::Yes,
            [Some(_), ..] => Truth::No,
            [None, ..] => Truth::Unknown,
        };
        self.stop_at(Stop::Function(truth));
        truth
    }

    /// Ends the script; a failing end in doubt is taken as not reached, since installations succeed.
    fn exit(&mut self, status: Option<&str>) -> Truth {
        let is_failure = status.is_some_and(|status| status != "0");
        if !(is_failure && self.doubts.any().is_some()) {
            self.stop_at(Stop::Script);
        }
        Truth::Yes
    }

    fn stop_at(&mut self, stop: Stop) {
        self.stop = Some(self.doubts.stop(stop));
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
