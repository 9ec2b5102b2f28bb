//! Shell text cut into tokens: words with their quoting and expansions, operators, redirections.
//!
//! Follows [POSIX shell, 2.2 and 2.3](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html).
//! Deliberately not supported: aliases, arithmetic (an expansion of unknown value), process substitution.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word.
    Word(Word),
    /// A control operator: `;`, `;;`, `&`, `&&`, `|`, `||`, `(`, `)`.
    Operator(&'static str),
    /// The end of a line.
    Newline,
    /// A redirection, without its target word; `true` where it writes to a file.
    Redirection {
        /// Whether the next word names a file that is written.
        writes: bool,
    },
}

/// A word before expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its pieces in order.
    pub(crate) parts: Vec<Part>,
    /// As it stands in the script.
    pub(crate) raw: String,
    /// Line of its first character, from 1.
    pub(crate) line: usize,
}

/// A piece of a [`Word`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text that stands for itself.
    Text {
        /// The text, quotes and escapes removed.
        text: String,
        /// Whether it was quoted, so that `*`, `?` and `[` in it are plain characters.
        quoted: bool,
    },
    /// `$name`, `${name}`, `${name:-default}`.
    Variable {
        /// Variable name, digits, or one of `@*#?$!-`.
        name: String,
        /// What follows the name inside braces, as written: `:-default`, `%pattern`.
        modifier: String,
        /// Whether it stands inside double quotes.
        quoted: bool,
    },
    /// `$(…)` or backquotes, with the text between them.
    Command {
        /// The text between.
        text: String,
        /// Whether it stands inside double quotes.
        quoted: bool,
    },
}

impl Word {
    /// Returns the text of a word that has neither quotes nor expansions, as reserved words must.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}

/// Where a script stops being understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub(crate) struct SyntaxError {
    /// Line number from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) problem: &'static str,
}

/// Cuts a script into tokens, each with its line.
pub(crate) fn tokens(script: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    let mut lexer =
        Lexer { text: script, position: 0, line: 1, tokens: Vec::new(), here_documents: Vec::new() };
    while lexer.token()? {}
    Ok(lexer.tokens)
}

/// Parses text as one word, for the default in `${name:-default}`.
pub(crate) fn word(text: &str, quoted: bool) -> Option<Word> {
    let mut lexer = Lexer { text, position: 0, line: 1, tokens: Vec::new(), here_documents: Vec::new() };
    let mut word = Word { raw: text.to_owned(), ..Word::default() };
    while lexer.peek().is_some() {
        lexer.piece(&mut word.parts, quoted).ok()?;
    }
    Some(word)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: usize,
    tokens: Vec<(usize, Token)>,
    /// Here-documents whose body begins at the next line: delimiter, and whether leading tabs go.
    here_documents: Vec<(String, bool)>,
}

const OPERATORS: [&str; 9] = ["&&", "||", ";;", ";", "&", "|", "(", ")", "\n"];
/// Longest first; those of bash are in, so that its scripts do not fall apart.
const REDIRECTIONS: [(&str, bool); 13] = [
    ("<<<", false),
    ("<<-", false),
    ("&>>", true),
    ("<<", false),
    (">>", true),
    ("<&", false),
    (">&", false),
    ("<>", true),
    (">|", true),
    ("&>", true),
    ("<(", false),
    ("<", false),
    (">", true),
];

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position += character.len_utf8();
        if character == '\n' {
            self.line += 1;
        }
        Some(character)
    }

    fn error(&self, problem: &'static str) -> SyntaxError {
        SyntaxError { line: self.line, problem }
    }

    /// Reads one token; `false` at the end.
    fn token(&mut self) -> Result<bool, SyntaxError> {
        while self.rest().starts_with([' ', '\t', '\r']) || self.rest().starts_with("\\\n") {
            if self.advance() == Some('\\') {
                self.advance();
            }
        }
        if self.rest().starts_with('#') {
            while self.peek().is_some_and(|next| next != '\n') {
                self.advance();
            }
        }
        if self.peek().is_none() {
            return Ok(false);
        }
        let line = self.line;
        if let Some((operator, writes)) = REDIRECTIONS.iter().find(|(text, _)| self.rest().starts_with(text))
        {
            self.redirection(operator, *writes)?;
        } else if let Some(operator) = OPERATORS.iter().find(|text| self.rest().starts_with(**text)) {
            for _ in 0..operator.len() {
                self.advance();
            }
            if *operator == "\n" {
                self.tokens.push((line, Token::Newline));
                self.skip_here_documents();
            } else {
                self.tokens.push((line, Token::Operator(operator)));
            }
        } else {
            let word = self.word()?;
            // The digits of `2>` belong to the redirection.
            let descriptor = self.rest().starts_with(['<', '>'])
                && word.bare().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            if !descriptor {
                self.tokens.push((line, Token::Word(word)));
            }
        }
        Ok(true)
    }

    fn redirection(&mut self, operator: &str, writes: bool) -> Result<(), SyntaxError> {
        if operator == "<(" {
            return Err(self.error("process substitution is not supported"));
        }
        self.position += operator.len();
        self.tokens.push((self.line, Token::Redirection { writes }));
        if operator == "<<" || operator == "<<-" {
            while self.rest().starts_with([' ', '\t']) {
                self.advance();
            }
            let word = self.word()?;
            let delimiter = word.parts.iter().fold(String::new(), |mut all, part| {
                match part {
                    Part::Text { text, .. } | Part::Command { text, .. } => all.push_str(text),
                    Part::Variable { name, .. } => all.push_str(name),
                }
                all
            });
            self.here_documents.push((delimiter, operator == "<<-"));
            self.tokens.push((word.line, Token::Word(word)));
        }
        Ok(())
    }

    fn skip_here_documents(&mut self) {
        for (delimiter, tabs) in std::mem::take(&mut self.here_documents) {
            while self.peek().is_some() {
                let start = self.position;
                while self.advance().is_some_and(|character| character != '\n') {}
                let line = self.text[start..self.position].trim_end_matches('\n');
                if (if tabs { line.trim_start_matches('\t') } else { line }) == delimiter {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Result<Word, SyntaxError> {
        let start = self.position;
        let mut word = Word { line: self.line, ..Word::default() };
        while let Some(next) = self.peek() {
            if matches!(next, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') {
                break;
            }
            self.piece(&mut word.parts, false)?;
        }
        if self.position == start {
            return Err(self.error("a word is missing"));
        }
        word.raw = self.text[start..self.position].to_owned();
        Ok(word)
    }

    /// Reads one quoted string, expansion, escape, or character.
    fn piece(&mut self, parts: &mut Vec<Part>, in_quotes: bool) -> Result<(), SyntaxError> {
        match self.advance() {
            Some('\'') if !in_quotes => {
                let text = self.until('\'')?;
                parts.push(Part::Text { text, quoted: true });
            }
            Some('"') if !in_quotes => {
                parts.push(Part::Text { text: String::new(), quoted: true });
                while self.peek() != Some('"') {
                    if self.peek().is_none() {
                        return Err(self.error("a double quote is not closed"));
                    }
                    self.piece(parts, true)?;
                }
                self.advance();
            }
            Some('\\') => match self.advance() {
                Some('\n') | None => {}
                Some(next) if in_quotes && !matches!(next, '$' | '`' | '"' | '\\') => {
                    push_text(parts, '\\', true);
                    push_text(parts, next, true);
                }
                Some(next) => push_text(parts, next, true),
            },
            Some('$') => self.expansion(parts, in_quotes)?,
            Some('`') => {
                let text = self.until('`')?;
                parts.push(Part::Command { text, quoted: in_quotes });
            }
            Some(other) => push_text(parts, other, in_quotes),
            None => {}
        }
        Ok(())
    }

    fn until(&mut self, end: char) -> Result<String, SyntaxError> {
        let mut text = String::new();
        loop {
            match self.advance() {
                None => return Err(self.error("a quote is not closed")),
                Some(character) if character == end => return Ok(text),
                Some('\\') if end == '`' => text.extend(self.advance()),
                Some(character) => text.push(character),
            }
        }
    }

    fn expansion(&mut self, parts: &mut Vec<Part>, quoted: bool) -> Result<(), SyntaxError> {
        match self.peek() {
            Some('(') => {
                self.advance();
                let text = self.balanced('(', ')')?;
                parts.push(Part::Command { text, quoted });
            }
            Some('{') => {
                self.advance();
                let text = self.balanced('{', '}')?;
                let (name, modifier) = split_name(&text);
                parts.push(Part::Variable { name: name.to_owned(), modifier: modifier.to_owned(), quoted });
            }
            Some(first) if first == '_' || first.is_ascii_alphanumeric() || "@*#?$!-".contains(first) => {
                let length = name_length(self.rest());
                let name = self.rest()[..length].to_owned();
                self.position += length;
                parts.push(Part::Variable { name, modifier: String::new(), quoted });
            }
            _ => push_text(parts, '$', quoted),
        }
        Ok(())
    }

    /// Reads up to the closing mate of a bracket that was just read; quotes hide brackets.
    fn balanced(&mut self, open: char, close: char) -> Result<String, SyntaxError> {
        let start = self.position;
        let mut depth = 1;
        loop {
            let Some(character) = self.advance() else {
                return Err(self.error("an expansion is not closed"));
            };
            match character {
                '\\' => drop(self.advance()),
                '\'' if open == '(' => drop(self.until('\'')?),
                '"' => while !matches!(self.advance(), Some('"') | None) {},
                _ if character == open => depth += 1,
                _ if character == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(self.text[start..self.position - 1].to_owned());
            }
        }
    }
}

fn push_text(parts: &mut Vec<Part>, character: char, quoted: bool) {
    match parts.last_mut() {
        Some(Part::Text { text, quoted: before }) if *before == quoted => text.push(character),
        _ => parts.push(Part::Text { text: character.into(), quoted }),
    }
}

/// Length of the variable name that a text begins with.
fn name_length(text: &str) -> usize {
    match text.bytes().next() {
        Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
            text.bytes().take_while(|byte| *byte == b'_' || byte.is_ascii_alphanumeric()).count()
        }
        Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => 1,
        _ => 0,
    }
}

/// Splits the inside of `${…}`; a form without a leading name (`${#x}`) is a name of its own that nobody knows.
fn split_name(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let length = if digits > 0 { digits } else { name_length(text) };
    text.split_at(length)
}
