//! The syntax tree of a maintainer script, a POSIX shell subset.
//!
//! Follows [POSIX shell, 2.9 and 2.10](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html).

use super::words::{SyntaxError, Token, Word, tokens};

/// Compound commands may nest this deep.
const DEPTH_MAX: usize = 48;

/// A command of any form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Assignments, words, redirections.
    Simple(Simple),
    /// `if`, with each condition and what it guards; the last without condition is `else`.
    If(Vec<(Vec<Command>, Vec<Command>)>, Vec<Command>),
    /// `case`, with each arm's patterns.
    Case(Word, Vec<(Vec<Word>, Vec<Command>)>),
    /// `for name in words`; without words over the arguments.
    For(String, Option<Vec<Word>>, Vec<Command>),
    /// `while` and `until`.
    Loop(Vec<Command>, Vec<Command>),
    /// `name() { … }`.
    Function(String, Vec<Command>),
    /// `{ … }`, or `( … )` where the flag is set.
    Group(Vec<Command>, bool),
    /// `! command`.
    Not(Box<Command>),
    /// `a && b`.
    And(Box<Command>, Box<Command>),
    /// `a || b`.
    Or(Box<Command>, Box<Command>),
    /// `a | b | c`.
    Pipe(Vec<Command>),
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    /// Line of its first word, from 1.
    pub(crate) line: usize,
    /// `name=value` in front of the words.
    pub(crate) assignments: Vec<(String, Word)>,
    /// The command and its arguments.
    pub(crate) words: Vec<Word>,
    /// Files that redirections write.
    pub(crate) writes: Vec<Word>,
}

/// Parses a whole script.
pub(crate) fn parse(script: &str) -> Result<Vec<Command>, SyntaxError> {
    let mut parser = Parser { tokens: tokens(script)?, position: 0, depth: 0 };
    let commands = parser.list(&[])?;
    if parser.position < parser.tokens.len() {
        return Err(parser.error("a command was expected"));
    }
    Ok(commands)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    position: usize,
    depth: usize,
}

const CLOSING: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position).map(|(_, token)| token)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.position).or(self.tokens.last()).map_or(1, |(line, _)| *line)
    }

    fn error(&self, problem: &'static str) -> SyntaxError {
        SyntaxError { line: self.line(), problem }
    }

    fn at_operator(&self, operator: &str) -> bool {
        matches!(self.peek(), Some(Token::Operator(found)) if *found == operator)
    }

    fn at_word(&self, text: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word.bare() == Some(text))
    }

    fn take_operator(&mut self, operator: &str) -> bool {
        let found = self.at_operator(operator);
        self.position += usize::from(found);
        found
    }

    fn take_word(&mut self, text: &str) -> bool {
        let found = self.at_word(text);
        self.position += usize::from(found);
        found
    }

    fn expect_word(&mut self, text: &str, problem: &'static str) -> Result<(), SyntaxError> {
        if self.take_word(text) { Ok(()) } else { Err(self.error(problem)) }
    }

    fn any_word(&mut self) -> Result<Word, SyntaxError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.position += 1;
                Ok(word)
            }
            _ => Err(self.error("a word was expected")),
        }
    }

    fn skip_newlines(&mut self) {
        while matches!(self.peek(), Some(Token::Newline)) {
            self.position += 1;
        }
    }

    fn skip_separators(&mut self) {
        while matches!(self.peek(), Some(Token::Newline | Token::Operator(";" | "&"))) {
            self.position += 1;
        }
    }

    /// Reads commands until a closing word, a closing operator, or the end.
    fn list(&mut self, operators: &[&str]) -> Result<Vec<Command>, SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("commands nest too deep"));
        }
        let mut commands = Vec::new();
        loop {
            self.skip_separators();
            let closed = match self.peek() {
                None => true,
                Some(Token::Operator(found)) => operators.contains(found),
                Some(Token::Word(word)) => word.bare().is_some_and(|text| CLOSING.contains(&text)),
                _ => false,
            };
            if closed {
                self.depth -= 1;
                return Ok(commands);
            }
            commands.push(self.and_or()?);
        }
    }

    fn and_or(&mut self) -> Result<Command, SyntaxError> {
        let mut left = self.pipeline()?;
        loop {
            let is_and = self.at_operator("&&");
            if !is_and && !self.at_operator("||") {
                return Ok(left);
            }
            self.position += 1;
            self.skip_newlines();
            let right = Box::new(self.pipeline()?);
            left = if is_and { Command::And(left.into(), right) } else { Command::Or(left.into(), right) };
        }
    }

    fn pipeline(&mut self) -> Result<Command, SyntaxError> {
        let mut negated = false;
        while self.take_word("!") {
            negated = !negated;
        }
        let mut commands = vec![self.command()?];
        while self.take_operator("|") {
            self.skip_newlines();
            commands.push(self.command()?);
        }
        let command = if commands.len() == 1 { commands.remove(0) } else { Command::Pipe(commands) };
        Ok(if negated { Command::Not(command.into()) } else { command })
    }

    fn command(&mut self) -> Result<Command, SyntaxError> {
        let word = match self.peek() {
            Some(Token::Word(word)) => word.bare().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let command = match word.as_str() {
            "if" => self.if_clause()?,
            "case" => self.case_clause()?,
            "for" => self.for_clause()?,
            "while" | "until" => self.loop_clause()?,
            "{" => self.group()?,
            "function" => {
                self.position += 1;
                let name = self.any_word()?.raw;
                if self.take_operator("(") && !self.take_operator(")") {
                    return Err(self.error("a function has no parameters"));
                }
                self.function(name)?
            }
            "[[" => return self.extended_test(),
            _ if self.take_operator("(") => {
                let body = self.list(&[")"])?;
                if !self.take_operator(")") {
                    return Err(self.error("a parenthesis is not closed"));
                }
                Command::Group(body, true)
            }
            _ => return self.simple_or_function(),
        };
        self.skip_redirections(command)
    }

    /// Keeps what redirections of a compound command write as a command of its own in front.
    fn skip_redirections(&mut self, command: Command) -> Result<Command, SyntaxError> {
        let mut written = Simple { line: self.line(), ..Simple::default() };
        while let Some(Token::Redirection { writes }) = self.peek() {
            let writes = *writes;
            self.position += 1;
            let target = self.any_word()?;
            if writes {
                written.writes.push(target);
            }
        }
        if written.writes.is_empty() {
            return Ok(command);
        }
        Ok(Command::Group(vec![Command::Simple(written), command], false))
    }

    fn if_clause(&mut self) -> Result<Command, SyntaxError> {
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        while self.take_word("if") || self.take_word("elif") {
            let condition = self.list(&[])?;
            self.expect_word("then", "`then` is missing")?;
            arms.push((condition, self.list(&[])?));
        }
        if self.take_word("else") {
            otherwise = self.list(&[])?;
        }
        self.expect_word("fi", "`fi` is missing")?;
        Ok(Command::If(arms, otherwise))
    }

    fn case_clause(&mut self) -> Result<Command, SyntaxError> {
        self.position += 1;
        let subject = self.any_word()?;
        self.skip_newlines();
        self.expect_word("in", "`in` is missing")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines();
            if self.take_word("esac") {
                return Ok(Command::Case(subject, arms));
            }
            self.take_operator("(");
            let mut patterns = vec![self.any_word()?];
            while self.take_operator("|") {
                patterns.push(self.any_word()?);
            }
            if !self.take_operator(")") {
                return Err(self.error("a pattern is not closed"));
            }
            arms.push((patterns, self.list(&[";;"])?));
            self.take_operator(";;");
        }
    }

    fn for_clause(&mut self) -> Result<Command, SyntaxError> {
        self.position += 1;
        let name = self.any_word()?.raw;
        self.skip_newlines();
        let words = if self.take_word("in") {
            let mut words = Vec::new();
            while matches!(self.peek(), Some(Token::Word(_))) {
                words.push(self.any_word()?);
            }
            Some(words)
        } else {
            None
        };
        self.skip_separators();
        Ok(Command::For(name, words, self.do_clause()?))
    }

    fn loop_clause(&mut self) -> Result<Command, SyntaxError> {
        self.position += 1;
        let condition = self.list(&[])?;
        Ok(Command::Loop(condition, self.do_clause()?))
    }

    fn do_clause(&mut self) -> Result<Vec<Command>, SyntaxError> {
        self.expect_word("do", "`do` is missing")?;
        let body = self.list(&[])?;
        self.expect_word("done", "`done` is missing")?;
        Ok(body)
    }

    fn group(&mut self) -> Result<Command, SyntaxError> {
        self.position += 1;
        let body = self.list(&[])?;
        self.expect_word("}", "`}` is missing")?;
        Ok(Command::Group(body, false))
    }

    fn function(&mut self, name: String) -> Result<Command, SyntaxError> {
        self.skip_newlines();
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("commands nest too deep"));
        }
        let body = self.command()?;
        self.depth -= 1;
        Ok(Command::Function(name, vec![body]))
    }

    /// Reads `[[ … ]]` as one command whose operators are words.
    fn extended_test(&mut self) -> Result<Command, SyntaxError> {
        let mut simple = Simple { line: self.line(), ..Simple::default() };
        while !self.at_word("]]") {
            match self.peek() {
                None => return Err(self.error("`]]` is missing")),
                Some(Token::Word(word)) => simple.words.push(word.clone()),
                // No builtin understands the operators, so that such a test has no known result.
                Some(_) => simple.words.push(Word { raw: "…".to_owned(), ..Word::default() }),
            }
            self.position += 1;
        }
        self.position += 1;
        Ok(Command::Simple(simple))
    }

    fn simple_or_function(&mut self) -> Result<Command, SyntaxError> {
        let mut simple = Simple { line: self.line(), ..Simple::default() };
        let start = self.position;
        loop {
            match self.peek() {
                Some(Token::Redirection { writes }) => {
                    let writes = *writes;
                    self.position += 1;
                    let target = self.any_word()?;
                    if writes {
                        simple.writes.push(target);
                    }
                }
                Some(Token::Word(_)) => {
                    let word = self.any_word()?;
                    match assignment(&word) {
                        Some(assignment) if simple.words.is_empty() => simple.assignments.push(assignment),
                        _ => simple.words.push(word),
                    }
                }
                Some(Token::Operator("(")) if self.position == start + 1 && simple.words.len() == 1 => {
                    self.position += 1;
                    if !self.take_operator(")") {
                        return Err(self.error("a function has no parameters"));
                    }
                    return self.function(simple.words.remove(0).raw);
                }
                _ => break,
            }
        }
        if self.position == start {
            return Err(self.error("a command was expected"));
        }
        Ok(Command::Simple(simple))
    }
}

/// Splits `name=value`.
fn assignment(word: &Word) -> Option<(String, Word)> {
    use super::words::Part;
    let Some(Part::Text { text, quoted: false }) = word.parts.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let valid = !name.is_empty()
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        && !name.as_bytes()[0].is_ascii_digit();
    valid.then(|| {
        let mut parts = word.parts.clone();
        parts[0] = Part::Text { text: value.to_owned(), quoted: false };
        (name.to_owned(), Word { parts, raw: word.raw.clone(), line: word.line })
    })
}
