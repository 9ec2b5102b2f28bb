//! Package indexes: the `Packages` files of an archive, and every other list of package stanzas.
//!
//! An index of Debian's main archive is 56 MB of text with 69,000 stanzas. It is read once, by lines: a record is a
//! table of places in the text, about 200 bytes, and fields are interpreted when somebody asks. The fields are those of
//! the [repository format] and of [policy §5.6].
//!
//! [repository format]: https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices
//! [policy §5.6]: https://www.debian.org/doc/debian-policy/ch-controlfields.html#list-of-fields

mod field;
mod record;

use memchr::{memchr, memchr_iter};

use field::FIELD_COUNT;

pub(crate) use field::Field;
pub use record::{MultiArch, PackageRecord, Priority};

/// Bytes of one index, because places in it are kept in 32 bits.
pub const INDEX_BYTES_MAX: usize = u32::MAX as usize - 1;

/// The stanzas of one index and the text they stand in.
#[derive(Debug, Default)]
pub struct PackageIndex {
    text: String,
    records: Vec<Places>,
}

/// Why a text is no package index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("the index has {length} bytes, the limit is {INDEX_BYTES_MAX}")]
    TooLarge { length: usize },
    #[error("line {line} of the index is no field")]
    Line { line: usize },
    #[error("the stanza that ends before line {line} of the index has no field `{field}`")]
    Missing { line: usize, field: &'static str },
}

/// Where a stanza and its known fields stand in the text.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    stanza: Span,
    fields: [Span; FIELD_COUNT],
}

/// A range of bytes; empty means that the field is absent.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

impl PackageIndex {
    /// Reads an index whose stanzas all have a name, a version, and an architecture.
    pub fn parse(text: String) -> Result<Self, IndexError> {
        Self::parse_with(text, &[Field::Package, Field::Version, Field::Architecture])
    }

    /// Reads stanzas that all have the `required` fields.
    pub(crate) fn parse_with(text: String, required: &[Field]) -> Result<Self, IndexError> {
        if text.len() > INDEX_BYTES_MAX {
            return Err(IndexError::TooLarge { length: text.len() });
        }
        // Debian's stanzas have 820 bytes on average; the estimate saves the growth of a large table.
        let mut records = Vec::with_capacity(text.len() / 800 + 1);
        let mut reader = Reader::default();
        let bytes = text.as_bytes();
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes).chain([bytes.len()]) {
            reader.line += 1;
            if let Some(places) = reader.read_line(bytes, start, end, required)? {
                records.push(places);
            }
            start = end + 1;
        }
        records.extend(reader.finish(bytes.len(), required)?);
        Ok(Self { text, records })
    }

    /// Number of stanzas.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the index has no stanza.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The whole text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The record at a position below [`len`](Self::len), in the order of the text.
    pub fn find(&self, position: usize) -> Option<PackageRecord<'_>> {
        self.records.get(position).map(|places| PackageRecord::new(&self.text, places))
    }

    /// All records in the order of the text.
    pub fn records(&self) -> impl ExactSizeIterator<Item = PackageRecord<'_>> + DoubleEndedIterator + Clone {
        self.records.iter().map(|places| PackageRecord::new(&self.text, places))
    }
}

/// The state between two lines.
#[derive(Default)]
struct Reader {
    line: usize,
    places: Places,
    inside: bool,
    /// The field that an indented line continues, if it is a known one.
    last: Option<Field>,
}

impl Reader {
    fn read_line(
        &mut self,
        bytes: &[u8],
        start: usize,
        end: usize,
        required: &[Field],
    ) -> Result<Option<Places>, IndexError> {
        let line = &bytes[start..end];
        match line {
            [] | b"\r" => return self.finish(start, required),
            [b' ' | b'\t', ..] => {
                if !self.inside {
                    return Err(IndexError::Line { line: self.line });
                }
                if let Some(field) = self.last {
                    self.places.fields[field as usize].end = (start + line.trim_ascii_end().len()) as u32;
                }
            }
            [b'#', ..] => {}
            _ => {
                let colon = memchr(b':', line).ok_or(IndexError::Line { line: self.line })?;
                if !self.inside {
                    self.inside = true;
                    self.places.stanza.start = start as u32;
                }
                self.last =
                    Field::of(&line[..colon]).filter(|field| self.places.fields[*field as usize].end == 0);
                if let Some(field) = self.last {
                    let value = line[colon + 1..].trim_ascii_start();
                    let value_start = end - value.len();
                    let value_end = value_start + value.trim_ascii_end().len();
                    self.places.fields[field as usize] =
                        Span { start: value_start as u32, end: value_end as u32 };
                }
            }
        }
        Ok(None)
    }

    /// Ends the stanza before `end`, if one is open.
    fn finish(&mut self, end: usize, required: &[Field]) -> Result<Option<Places>, IndexError> {
        if !self.inside {
            return Ok(None);
        }
        let mut places = std::mem::take(&mut self.places);
        self.inside = false;
        self.last = None;
        places.stanza.end = end as u32;
        match required.iter().find(|field| places.fields[**field as usize].end == 0) {
            Some(field) => Err(IndexError::Missing { line: self.line, field: field.name() }),
            None => Ok(Some(places)),
        }
    }
}

#[cfg(test)]
mod tests;
