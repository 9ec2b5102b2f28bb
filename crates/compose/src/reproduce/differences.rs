//! The first place in which two documents or two layers differ.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use temper_oci::{LayerIndex, Record};

/// Longest value in characters that is shown.
const SHOWN_MAX: usize = 80;

/// One difference between a published image and the one that was built again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The document, or the layer with the path, and the field: `linux/amd64, layer 2, etc/passwd: mode`.
    pub at: String,
    /// What is published, and what was built.
    pub message: String,
}

/// Finds the first field in which two JSON values differ, and what both have there.
pub(super) fn first_field(published: &Value, rebuilt: &Value) -> Option<(String, String)> {
    if published == rebuilt {
        return None;
    }
    match (published, rebuilt) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let field = |name: &String| {
                let value = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or_default();
                let (rest, message) = first_field(&value(one), &value(other))?;
                Some((join(name, &rest), message))
            };
            names.into_iter().find_map(field)
        }
        (Value::Array(one), Value::Array(other)) => {
            let length = one.len().max(other.len());
            (0..length).find_map(|position| {
                let value = |list: &Vec<Value>| list.get(position).cloned().unwrap_or_default();
                let (rest, message) = first_field(&value(one), &value(other))?;
                Some((join(&format!("[{position}]"), &rest), message))
            })
        }
        _ => Some((String::new(), both(&published.to_string(), &rebuilt.to_string()))),
    }
}

fn join(name: &str, rest: &str) -> String {
    let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
    format!("{name}{dot}{rest}")
}

/// Says what is published and what was built.
pub(super) fn both(published: &str, rebuilt: &str) -> String {
    let shown = |text: &str| {
        let end = text.char_indices().nth(SHOWN_MAX).map_or(text.len(), |(end, _)| end);
        format!("`{}{}`", &text[..end], if end < text.len() { "…" } else { "" })
    };
    format!("published is {}, built was {}", shown(published), shown(rebuilt))
}

/// Finds the first path in which two layers differ, with the field.
pub(super) fn first_path(published: &LayerIndex, rebuilt: &LayerIndex) -> Option<(String, String)> {
    let (one, other) = (&published.records, &rebuilt.records);
    let position =
        (0..one.len().max(other.len())).find(|position| one.get(*position) != other.get(*position))?;
    match (one.get(position), other.get(position)) {
        (Some(one), Some(other)) if path(one) == path(other) => {
            let (one, other) = (fields(one), fields(other));
            let (field, message) = first_field(&one, &other).unwrap_or_default();
            Some((join_path(&one, &field), message))
        }
        (Some(one), Some(other)) if path(one) < path(other) => Some((path(one), both(&kind(one), "nothing"))),
        (Some(_) | None, Some(other)) => Some((path(other), both("nothing", &kind(other)))),
        (Some(one), None) => Some((path(one), both(&kind(one), "nothing"))),
        (None, None) => None,
    }
}

fn join_path(record: &Value, field: &str) -> String {
    let path = record["path"].as_str().unwrap_or_default();
    if field.is_empty() { path.to_owned() } else { format!("{path}: {field}") }
}

fn path(record: &Record) -> String {
    match record {
        Record::Entry(entry) => entry.path.clone(),
        Record::Whiteout(path) | Record::Opaque(path) => path.clone(),
    }
}

fn kind(record: &Record) -> String {
    match record {
        Record::Entry(_) => "an entry",
        Record::Whiteout(_) | Record::Opaque(_) => "a removal",
    }
    .to_owned()
}

/// The record as JSON, its path at the top.
fn fields(record: &Record) -> Value {
    match record {
        Record::Entry(entry) => serde_json::to_value(entry).unwrap_or_default(),
        removal => serde_json::json!({ "path": path(removal), "removal": format!("{removal:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::first_field;

    #[test]
    fn the_first_field_is_named() {
        let check = |one: Value, other: Value, expected: Option<(&str, &str)>| {
            let found = first_field(&one, &other);
            let found = found.as_ref().map(|(at, message)| (at.as_str(), message.as_str()));
            assert_eq!(found, expected, "{one} {other}");
        };
        check(json!({"a": [1, 2]}), json!({"a": [1, 2]}), None);
        check(
            json!({"a": {"b": [1, 2]}}),
            json!({"a": {"b": [1, 3]}}),
            Some(("a.b[1]", "published is `2`, built was `3`")),
        );
        check(json!([{"x": 1}]), json!([{"x": "1"}]), Some(("[0].x", "published is `1`, built was `\"1\"`")));
        check(json!({"a": 1}), json!({"b": 1}), Some(("a", "published is `1`, built was `null`")));
    }
}
