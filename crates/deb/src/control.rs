//! Control data: stanzas of `Name: value` fields, see [deb822(5)].
//!
//! The parser keeps raw values and their order, because a package database repeats fields byte for byte. It is
//! for small files (a package's control file, a release, a source list); big indexes have a parser of their own
//! in [`index`](crate::index).
//!
//! [deb822(5)]: https://manpages.debian.org/deb822.5

use std::collections::BTreeSet;

/// One field as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as written; names are compared without case.
    pub name: &'a str,
    /// The text after the colon without the white space at both ends. Lines after the first keep their indent.
    pub value: &'a str,
}

/// A run of fields that ends at an empty line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stanza<'a> {
    fields: Vec<Field<'a>>,
}

/// Why a text is no control data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("line {line} is indented, but no field stands before it")]
    Continuation { line: usize },
    #[error("line {line} has no field name before a colon")]
    Name { line: usize },
    #[error("field `{field}` on line {line} stands twice in its stanza")]
    Duplicate { field: String, line: usize },
    #[error("the text has no stanza")]
    Empty,
    #[error("line {line} begins a second stanza where only one belongs")]
    Second { line: usize },
    #[error("field `{field}` is missing")]
    Missing { field: &'static str },
}

/// The stanzas of a text in order. After an error the iterator ends.
pub fn stanzas(text: &str) -> Stanzas<'_> {
    Stanzas { text, offset: 0, line: 0 }
}

/// Iterator made by [`stanzas`].
#[derive(Clone, Debug)]
pub struct Stanzas<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
}

impl<'a> Stanza<'a> {
    /// Reads a text of exactly one stanza, as a package's control file is.
    pub fn parse(text: &'a str) -> Result<Self, ControlError> {
        let mut all = stanzas(text);
        let stanza = all.next().ok_or(ControlError::Empty)??;
        match all.next() {
            None => Ok(stanza),
            Some(Ok(_)) => Err(ControlError::Second { line: all.line }),
            Some(Err(error)) => Err(error),
        }
    }

    /// The fields in the order of the file.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The value of a field, whose name is compared without case.
    pub fn find(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The value of a field that has to be there and not empty.
    pub fn get(&self, name: &'static str) -> Result<&'a str, ControlError> {
        self.find(name).filter(|value| !value.is_empty()).ok_or(ControlError::Missing { field: name })
    }

    /// The lines of a multi-line field without their indent; the text on the first line comes first if there is any.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let value = self.find(name).unwrap_or_default();
        value.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty())
    }
}

impl<'a> Stanzas<'a> {
    /// The next line without its newline, or `None` at the end.
    fn peek(&self) -> Option<&'a str> {
        let rest = &self.text[self.offset..];
        if rest.is_empty() { None } else { rest.split('\n').next() }
    }

    fn advance(&mut self, line: &str) {
        self.offset = (self.offset + line.len() + 1).min(self.text.len());
        self.line += 1;
    }

    fn skip_between(&mut self) {
        while let Some(line) = self.peek().filter(|line| is_blank(line) || line.starts_with('#')) {
            self.advance(line);
        }
    }

    fn read(&mut self) -> Result<Stanza<'a>, ControlError> {
        let mut fields = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(line) = self.peek().filter(|line| !is_blank(line)) {
            if line.starts_with('#') {
                self.advance(line);
                continue;
            }
            let (field, number) = (self.read_field(line)?, self.line);
            if !seen.insert(field.name.to_ascii_lowercase()) {
                return Err(ControlError::Duplicate { field: field.name.to_owned(), line: number });
            }
            fields.push(field);
        }
        Ok(Stanza { fields })
    }

    /// Reads a field that begins at `first`, with the lines that continue it and comments between those.
    fn read_field(&mut self, first: &'a str) -> Result<Field<'a>, ControlError> {
        let number = self.line + 1;
        if first.starts_with([' ', '\t']) {
            return Err(ControlError::Continuation { line: number });
        }
        let colon = first.find(':').ok_or(ControlError::Name { line: number })?;
        let name = first[..colon].trim_end();
        if name.is_empty() || name.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()) {
            return Err(ControlError::Name { line: number });
        }
        let start = self.offset + colon + 1;
        let mut end = self.offset + first.len();
        self.advance(first);
        let mut ahead = self.clone();
        while let Some(line) = ahead.peek().filter(|line| !is_blank(line)) {
            let continues = line.starts_with([' ', '\t']);
            if !continues && !line.starts_with('#') {
                break;
            }
            let line_end = ahead.offset + line.len();
            ahead.advance(line);
            if continues {
                end = line_end;
                *self = ahead.clone();
            }
        }
        Ok(Field { name, value: self.text[start..end].trim() })
    }
}

/// An empty line, or one of white space only, which old databases have between stanzas.
fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Result<Stanza<'a>, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_between();
        self.peek()?;
        let stanza = self.read();
        if stanza.is_err() {
            self.offset = self.text.len();
        }
        Some(stanza)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTROL: &str = "Package: jq\nversion: 1.7.1\nDescription: a filter\n for JSON\n .\n more\nConffiles:\n /etc/a 12\n /etc/b 34\n";

    #[test]
    fn keeps_order_and_raw_values() {
        let stanza = Stanza::parse(CONTROL).unwrap();
        let names: Vec<_> = stanza.fields().iter().map(|field| field.name).collect();
        assert_eq!(names, ["Package", "version", "Description", "Conffiles"]);
        assert_eq!(stanza.find("VERSION"), Some("1.7.1"));
        assert_eq!(stanza.find("description"), Some("a filter\n for JSON\n .\n more"));
        assert_eq!(stanza.lines("Conffiles").collect::<Vec<_>>(), ["/etc/a 12", "/etc/b 34"]);
        assert_eq!(stanza.get("Section").unwrap_err().to_string(), "field `Section` is missing");
    }

    #[test]
    fn separates_stanzas_and_passes_over_comments() {
        let text = "# a list\n\nA: 1\n# inside\nB:\n x\n# between\n y\n \n\n\nA: 2\n#end";
        let all: Vec<_> = stanzas(text).map(Result::unwrap).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].lines("B").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(all[1].find("A"), Some("2"));
        assert_eq!(stanzas("\n\n# only a comment\n").count(), 0);
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, message) in [
            ("", "the text has no stanza"),
            ("A: 1\n\nB: 2\n", "line 3 begins a second stanza where only one belongs"),
            (" x\n", "line 1 is indented, but no field stands before it"),
            ("A: 1\nword\n", "line 2 has no field name before a colon"),
            ("A: 1\n: x\n", "line 2 has no field name before a colon"),
            ("A: 1\na: 2\n", "field `a` on line 2 stands twice in its stanza"),
        ] {
            assert_eq!(Stanza::parse(text).unwrap_err().to_string(), message, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in "[ -~\n\té]{0,80}") {
            prop_assert!(stanzas(&text).count() <= text.len());
        }

        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec("[!-~]([ -~]{0,8}[!-~])?(\n [!-~]{1,5})?", 1..6)) {
            let lines: Vec<String> = values.iter().enumerate().map(|(at, value)| format!("F{at}: {value}\n")).collect();
            let text = lines.concat();
            let stanza = Stanza::parse(&text).unwrap();
            let found: Vec<_> = stanza.fields().iter().map(|field| field.value).collect();
            prop_assert_eq!(found, values);
        }
    }
}
