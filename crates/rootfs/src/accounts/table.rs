//! A file of lines whose fields are separated by colons; the first is the name.

/// The lines of a file. Those that nobody changes stay byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    lines: Vec<Vec<u8>>,
    is_changed: bool,
}

/// A line that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a>(&'a str);

impl Table {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let lines = if bytes.is_empty() {
            Vec::new()
        } else {
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
        };
        Self { lines, is_changed: false }
    }

    /// Returns the content if it differs from what was parsed.
    pub(crate) fn changed(&self) -> Option<Vec<u8>> {
        let ends = self.lines.iter().flat_map(|line| line.iter().chain(b"\n")).copied();
        self.is_changed.then(|| ends.collect())
    }

    pub(crate) fn find(&self, name: &str) -> Option<Line<'_>> {
        self.lines().find(|line| line.field(0) == name)
    }

    /// Returns the name of the first line with this number in its third field.
    pub(crate) fn name_of(&self, id: u32) -> Option<&str> {
        self.lines().find(|line| line.number(2) == Some(id)).map(|line| line.field(0))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.lines().map(|line| line.field(0))
    }

    /// Adds a line, before the lines of network services, which end with everybody else.
    pub(crate) fn push(&mut self, line: &str) {
        let is_service = |line: &&Vec<u8>| line.starts_with(b"+") || line.starts_with(b"-");
        let services = self.lines.iter().rev().take_while(is_service).count();
        self.lines.insert(self.lines.len() - services, line.as_bytes().to_vec());
        self.is_changed = true;
    }

    /// Adds an item to a list separated by commas, unless it is in it.
    pub(crate) fn add_to_list(&mut self, name: &str, field: usize, item: &str) {
        let is_meant = |line: &&mut Vec<u8>| line.split(|byte| *byte == b':').next() == Some(name.as_bytes());
        let Some(line) = self.lines.iter_mut().find(is_meant) else { return };
        let Ok(text) = str::from_utf8(line) else { return };
        let mut fields: Vec<String> = text.split(':').map(str::to_owned).collect();
        let Some(list) = fields.get_mut(field) else { return };
        if list.split(',').any(|existing| existing == item) {
            return;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(item);
        *line = fields.join(":").into_bytes();
        self.is_changed = true;
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let is_comment = |line: &&str| line.starts_with(['#', '+', '-']) || line.is_empty();
        let texts = self.lines.iter().filter_map(|line| str::from_utf8(line).ok());
        texts.filter(move |line| !is_comment(line)).map(Line)
    }
}

impl<'a> Line<'a> {
    pub(crate) fn field(self, index: usize) -> &'a str {
        self.0.split(':').nth(index).unwrap_or_default()
    }

    pub(crate) fn number(self, index: usize) -> Option<u32> {
        self.field(index).parse().ok()
    }

    /// Third and fourth field as written.
    pub(crate) fn ids(self) -> String {
        format!("{}:{}", self.field(2), self.field(3))
    }
}

/// Whether a text can stand as a name in these files: no separator, white space or control character, no leading sign.
pub(crate) fn is_plain(name: &str) -> bool {
    let is_plain = |character: char| {
        !matches!(character, ':' | ',' | '/' | '#') && !character.is_whitespace() && !character.is_control()
    };
    !name.is_empty() && name.len() <= 256 && !name.starts_with(['-', '+']) && name.chars().all(is_plain)
}
