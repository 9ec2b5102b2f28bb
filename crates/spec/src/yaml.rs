//! YAML as a tree of texts with positions.
//!
//! A scalar keeps the characters as they were written: `tag: 1.20` is the text `1.20` and `mode: 0755` the
//! text `0755`, whatever a YAML schema would make of them. What a text means is decided by the field that
//! reads it. Comments, anchors and the difference between flow and block notation are not kept.
//!
//! [`parse()`] follows YAML 1.2.2 with these exceptions, all of them refused: duplicate keys, keys that are not
//! scalars, tags outside the core schema, more than one document, and whatever exceeds [`Limits`].

mod parse;
mod print;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

pub use parse::parse;
pub use print::print;

/// Bounds of a document that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the text in bytes.
    pub bytes_max: usize,
    /// Nesting of lists and mappings.
    pub depth_max: usize,
    /// Scalars, lists and mappings, counted after aliases are replaced by what they name.
    pub nodes_max: usize,
    /// Length of a key in bytes.
    pub key_bytes_max: usize,
}

impl Limits {
    /// Enough for ten times the largest document of the public catalog (66 KB).
    pub const DEFAULT: Self =
        Self { bytes_max: 1 << 20, depth_max: 64, nodes_max: 100_000, key_bytes_max: 512 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The beginning of a text, also used for trees that have no text.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; other readers of YAML may take it for a number, a truth value or nothing.
    Plain,
    /// In quotes or as a block; always text.
    Quoted,
}

/// A value of a document. Equality is that of the content; positions do not count.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value begins.
    pub position: Position,
    /// What it is.
    pub value: Value,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, and how it was written.
    Scalar(String, Style),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the text; no key twice.
    Mapping(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key begins.
    pub position: Position,
    /// The key's text.
    pub key: String,
    /// Its value.
    pub value: Node,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Node {}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl Eq for Entry {}

impl Node {
    /// Makes a scalar without a position, plain where no reader of YAML could take it for anything but text.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let style = if print::is_plain_text(&text) { Style::Plain } else { Style::Quoted };
        Self::scalar(text, style)
    }

    /// Makes a scalar without a position.
    pub fn scalar(text: impl Into<String>, style: Style) -> Self {
        Self { position: Position::START, value: Value::Scalar(text.into(), style) }
    }

    /// Makes a list without a position.
    pub fn sequence(items: impl IntoIterator<Item = Self>) -> Self {
        Self { position: Position::START, value: Value::Sequence(items.into_iter().collect()) }
    }

    /// Makes a mapping without positions; the caller answers for unique keys.
    pub fn mapping(entries: impl IntoIterator<Item = (String, Self)>) -> Self {
        let entries =
            entries.into_iter().map(|(key, value)| Entry { position: Position::START, key, value }).collect();
        Self { position: Position::START, value: Value::Mapping(entries) }
    }

    /// Makes the tree of a JSON value.
    pub fn from_json(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::scalar("null", Style::Plain),
            Json::Bool(value) => Self::scalar(value.to_string(), Style::Plain),
            Json::Number(value) => Self::scalar(value.to_string(), Style::Plain),
            Json::String(value) => Self::text(value),
            Json::Array(items) => Self::sequence(items.iter().map(Self::from_json)),
            Json::Object(fields) => {
                Self::mapping(fields.iter().map(|(key, value)| (key.clone(), Self::from_json(value))))
            }
        }
    }

    /// Says whether nothing is written here, or a word that YAML reads as nothing.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, Style::Plain)
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns the value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
            }
            _ => None,
        }
    }

    /// Names the kind of value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar(..) => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Scalar(text, _) => serializer.serialize_str(text),
            Value::Sequence(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(item)?;
                }
                sequence.end()
            }
            Value::Mapping(entries) => {
                let mut mapping = serializer.serialize_map(Some(entries.len()))?;
                for entry in entries {
                    mapping.serialize_entry(&entry.key, &entry.value)?;
                }
                mapping.end()
            }
        }
    }
}
