//! Entrypoint and cmd: words that are appended to the base's, put before them, or take their place.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::read::record::nearest;
use crate::read::{At, Read, Report};
use crate::yaml::{Node, Value};

/// What a customization does to the base's entrypoint or cmd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// The words follow the base's: `[--flag]`.
    Append(Vec<String>),
    /// The words stand before the base's: `{prepend: [tini, --]}`.
    Prepend(Vec<String>),
    /// The words take the place of the base's: `{replace: [sleep]}`; none at all removes them.
    Replace(Vec<String>),
}

impl Arguments {
    const KEYS: [&'static str; 3] = ["replace", "prepend", "append"];

    /// Returns the words.
    pub fn words(&self) -> &[String] {
        match self {
            Self::Append(words) | Self::Prepend(words) | Self::Replace(words) => words,
        }
    }
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, words) = match self {
            Self::Append(words) => return words.serialize(serializer),
            Self::Prepend(words) => ("prepend", words),
            Self::Replace(words) => ("replace", words),
        };
        let mut mapping = serializer.serialize_map(Some(1))?;
        mapping.serialize_entry(key, words)?;
        mapping.end()
    }
}

impl Read for Arguments {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            return Vec::read(node, at, report).map(Self::Append);
        };
        let [entry] = entries.as_slice() else {
            report.problem(at, "takes exactly one of `replace`, `prepend` and `append`");
            return None;
        };
        let at = at.key(&entry.key);
        report.locate(&at, entry.position);
        let make = match entry.key.as_str() {
            "replace" => Self::Replace,
            "prepend" => Self::Prepend,
            "append" => Self::Append,
            other => {
                let problem = report.problem(&at, format!("unknown key `{other}`"));
                let meant = nearest(other, Self::KEYS.into_iter()).unwrap_or("replace");
                problem.hint = Some(format!("did you mean `{meant}`?"));
                return None;
            }
        };
        Vec::read(&entry.value, &at, report).map(make)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let words = Vec::<String>::schema(generator);
        let object = |key: &str| {
            serde_json::json!({
                "type": "object", "properties": { key: words }, "required": [key], "additionalProperties": false,
            })
        };
        json_schema!({ "anyOf": [words, object("replace"), object("prepend"), object("append")] })
    }
}
