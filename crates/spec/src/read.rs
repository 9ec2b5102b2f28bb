//! From tree to types: fields read themselves, and every problem is kept, not only the first.
//!
//! [`Read`] is to this crate what `Deserialize` is elsewhere, with three differences: it goes on after a
//! problem, it knows where each value stands in the text, and the same implementation describes itself as
//! JSON Schema, so that parser and schema accept the same keys.

pub(crate) mod record;
mod report;
pub(crate) mod word;

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator, json_schema};

use temper_oci::Platform;

use crate::yaml::{Node, Style, Value};

pub(crate) use report::{At, Positions, Report};

/// A type that a value of a document can become.
pub(crate) trait Read: Sized {
    /// Whether a key with such a value must be written.
    const REQUIRED: bool = true;

    /// What a check of the value sees.
    type Checked: ?Sized;

    /// Reads a value; `None` means that at least one problem was reported.
    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self>;

    /// What the field is when its key is not written; `None` exactly where the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// Returns what there is to check, if anything.
    fn checked(&self) -> Option<&Self::Checked>;

    /// Says whether printing the field would say nothing.
    fn is_absent(&self) -> bool {
        false
    }

    /// Describes what [`Read::read`] accepts.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// Checks a value beyond its type.
pub(crate) type Check<T> = fn(&<T as Read>::Checked, &At<'_>, &mut Report);

/// Returns the text of a scalar; anything else is a problem.
pub(crate) fn text<'n>(node: &'n Node, at: &At<'_>, report: &mut Report) -> Option<&'n str> {
    match &node.value {
        Value::Scalar(text, _) if !node.is_null() => Some(text),
        Value::Scalar(..) => {
            report.problem_with_hint(
                at,
                "has no value",
                "write \"\" for an empty text, or leave out the key",
            );
            None
        }
        _ => {
            report.problem(at, format!("is {}, it must be text", node.kind()));
            None
        }
    }
}

impl Read for String {
    type Checked = str;

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        text(node, at, report).map(str::to_owned)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl Read for u32 {
    type Checked = Self;

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let text = text(node, at, report)?;
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        if number.is_none() {
            report.problem(at, format!("`{text}` is not a whole number from 0 to {}", u32::MAX));
        }
        number
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "minimum": 0, "maximum": u32::MAX, "pattern": "^[0-9]+$" })
    }
}

impl Read for bool {
    const REQUIRED: bool = false;

    type Checked = Self;

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        match text(node, at, report)? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            other => {
                report.problem(at, format!("`{other}` is neither `true` nor `false`"));
                None
            }
        }
    }

    fn absent() -> Option<Self> {
        Some(false)
    }

    fn is_absent(&self) -> bool {
        !self
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean" }, { "enum": ["true", "false"] }] })
    }
}

impl Read for Platform {
    type Checked = Self;

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let text = text(node, at, report)?;
        text.parse()
            .map_err(|error: temper_oci::ParsePlatformError| {
                report.problem_with_hint(at, error.to_string(), "write `linux/amd64` or `linux/arm64`");
            })
            .ok()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["linux/amd64", "linux/arm64"] })
    }
}

impl<T: Read> Read for Option<T> {
    const REQUIRED: bool = false;

    type Checked = T::Checked;

    fn checked(&self) -> Option<&Self::Checked> {
        self.as_ref().and_then(T::checked)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        T::read(node, at, report).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: Read> Read for Vec<T> {
    const REQUIRED: bool = false;

    type Checked = [T];

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let Value::Sequence(items) = &node.value else {
            let problem = report.problem(at, format!("is {}, it must be a list", node.kind()));
            if let Value::Scalar(text, _) = &node.value {
                problem.hint = Some(format!("write it as a list: [{text}]"));
            }
            return None;
        };
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let at = at.index(index);
                report.locate(&at, item.position);
                T::read(item, &at, report)
            })
            .collect();
        // Without its bad items the others would have other indexes, and later problems false paths.
        read.into_iter().collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let items = T::schema(generator);
        json_schema!({ "type": ["array", "null"], "items": items })
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    const REQUIRED: bool = false;

    type Checked = Self;

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            report.problem(at, format!("is {}, it must be a mapping of names to values", node.kind()));
            return None;
        };
        let read: Vec<(String, Option<T>)> = entries
            .iter()
            .map(|entry| {
                let at = at.key(&entry.key);
                report.locate(&at, entry.position);
                (entry.key.clone(), T::read(&entry.value, &at, report))
            })
            .collect();
        read.into_iter().map(|(key, value)| Some((key, value?))).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let values = T::schema(generator);
        json_schema!({ "type": ["object", "null"], "additionalProperties": values })
    }
}

/// Any value at all, kept as it is.
impl Read for Node {
    const REQUIRED: bool = false;

    type Checked = Self;

    fn checked(&self) -> Option<&Self::Checked> {
        Some(self)
    }

    fn read(node: &Node, _: &At<'_>, _: &mut Report) -> Option<Self> {
        Some(node.clone())
    }

    fn absent() -> Option<Self> {
        Some(Self::scalar("", Style::Plain))
    }

    fn is_absent(&self) -> bool {
        self.is_null()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}
