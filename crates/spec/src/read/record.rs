//! Mappings with known keys: one list of fields makes the type, its reader, its printer and its schema.

use schemars::{Schema, json_schema};
use serde_json::{Map, Value as Json};

use crate::yaml::{Entry, Node, Position, Value};

use super::{At, Check, Read, Report};

/// A key of a record and its other spellings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The spelling that is printed and that paths use.
    pub(crate) name: &'static str,
    /// Other words that mean the same.
    pub(crate) also: &'static [&'static str],
    /// Whether the key may be left out.
    pub(crate) required: bool,
    /// Lines of documentation.
    pub(crate) documentation: &'static [&'static str],
}

impl Key {
    /// Returns every spelling that is read, the canonical one first.
    ///
    /// A key with other spellings is one that tools write differently; there `-` and `_` count as one.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let mut spellings = vec![self.name.to_owned()];
        for word in std::iter::once(&self.name).chain(self.also) {
            for spelling in [(*word).to_owned(), word.replace('-', "_"), word.replace('_', "-")] {
                if !self.also.is_empty() && !spellings.contains(&spelling) {
                    spellings.push(spelling);
                }
            }
        }
        spellings
    }

    fn matches(&self, written: &str) -> bool {
        self.name == written
            || (!self.also.is_empty() && self.spellings().iter().any(|known| known == written))
    }
}

/// The fields of a mapping while it is read.
pub(crate) struct Fields<'n> {
    /// Each known key that is written, with its value.
    written: Vec<(&'static str, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// Opens a mapping and reports unknown keys and keys given in two spellings.
    pub(crate) fn open(
        node: &'n Node,
        keys: &'static [Key],
        at: &At<'_>,
        report: &mut Report,
    ) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let names: Vec<String> = keys.iter().take(4).map(|key| format!("`{}`", key.name)).collect();
            report.problem(
                at,
                format!("is {}, it must be a mapping with keys such as {}", node.kind(), names.join(", ")),
            );
            return None;
        };
        let mut written: Vec<(&'static str, &'n Node)> = Vec::new();
        for Entry { position, key, value } in entries {
            match keys.iter().find(|known| known.matches(key)) {
                None => unknown(key, *position, keys, at, report),
                Some(known) if written.iter().any(|(name, _)| *name == known.name) => {
                    let at = at.key(key);
                    report.locate(&at, *position);
                    report.problem(&at, format!("says again what `{}` says", known.name));
                }
                Some(known) => {
                    let scalar = matches!(value.value, Value::Scalar(..)) && !value.is_null();
                    report.locate(&at.key(known.name), if scalar { value.position } else { *position });
                    written.push((known.name, value));
                }
            }
        }
        Some(Self { written })
    }

    /// Reads one field: the written value, else the default, else a problem.
    pub(crate) fn take<T: Read>(
        &self,
        key: &str,
        default: Option<T>,
        check: Option<Check<T>>,
        at: &At<'_>,
        report: &mut Report,
    ) -> Option<T> {
        let here = at.key(key);
        let default = default.or_else(T::absent);
        let written = self.written.iter().find(|(name, _)| *name == key).map(|(_, node)| *node);
        match written {
            Some(node) if !(node.is_null() && default.is_some()) => {
                let before = report.count();
                match T::read(node, &here, report) {
                    Some(value) => {
                        let check = check.filter(|_| report.count() == before);
                        if let (Some(check), Some(value)) = (check, value.checked()) {
                            check(value, &here, report);
                        }
                        Some(value)
                    }
                    None => default,
                }
            }
            _ if default.is_some() => default,
            Some(_) => {
                report.problem(&here, "has no value");
                None
            }
            None => {
                report.problem(&here, "is missing");
                None
            }
        }
    }
}

fn unknown(key: &str, position: Position, keys: &'static [Key], at: &At<'_>, report: &mut Report) {
    let here = at.key(key);
    report.locate(&here, position);
    let problem = report.problem(&here, format!("unknown key `{key}`"));
    problem.hint = nearest(key, keys.iter().map(|known| known.name)).map_or_else(
        || {
            let names: Vec<&str> = keys.iter().map(|known| known.name).collect();
            Some(format!("known keys: {}", names.join(", ")))
        },
        |name| Some(format!("did you mean `{name}`?")),
    );
}

/// Returns the name that a mistyped one most probably means.
pub(crate) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.7;
    names
        .map(|name| (strsim::jaro_winkler(&written.to_lowercase(), name), name))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// Makes the schema of a record; other spellings stand beside their key, as deprecated.
pub(crate) fn schema(documentation: &[&str], keys: &[Key], values: Vec<Schema>) -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (key, value) in keys.iter().zip(values) {
        let spellings = key.spellings();
        if key.required {
            let any: Vec<Json> =
                spellings.iter().map(|spelling| serde_json::json!({ "required": [spelling] })).collect();
            required.push(if any.len() == 1 { any[0].clone() } else { serde_json::json!({ "anyOf": any }) });
        }
        for spelling in spellings {
            let mut property = value.clone();
            property.insert("description".to_owned(), paragraph(key.documentation).into());
            if spelling != key.name {
                property.insert("deprecated".to_owned(), true.into());
            }
            properties.insert(spelling, property.to_value());
        }
    }
    let mut schema = json_schema!({
        "description": paragraph(documentation),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema.insert("allOf".to_owned(), required.into());
    }
    schema
}

fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Declares a mapping with known keys.
///
/// Each row is `field: Type = "key" | "other spelling", default VALUE, check FUNCTION;`, where all after the
/// key is optional. The check of the whole record runs when all of it could be read.
macro_rules! record {
    (
        $(#[doc = $documentation:literal])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $field_documentation:literal])*
                $field:ident : $type:ty = $key:literal $(| $also:literal)*
                    $(, default $default:expr)? $(, check $check:path)?;
            )*
        }
        $(check $whole:path)?
    ) => {
        $(#[doc = $documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        $visibility struct $name {
            $(
                $(#[doc = $field_documentation])*
                #[serde(rename = $key, skip_serializing_if = "crate::read::Read::is_absent")]
                pub $field: $type,
            )*
        }

        impl $name {
            pub(crate) const KEYS: &'static [$crate::read::record::Key] = &[$(
                $crate::read::record::Key {
                    name: $key,
                    also: &[$($also),*],
                    required: $crate::read::record::record!(@required $type $(, $default)?),
                    documentation: &[$($field_documentation),*],
                },
            )*];
        }

        impl $crate::read::Read for $name {
            type Checked = Self;

            fn checked(&self) -> Option<&Self> {
                Some(self)
            }

            fn read(
                node: &$crate::yaml::Node,
                at: &$crate::read::At<'_>,
                report: &mut $crate::read::Report,
            ) -> Option<Self> {
                let before = report.count();
                let fields = $crate::read::record::Fields::open(node, Self::KEYS, at, report)?;
                $(
                    let $field = fields.take::<$type>(
                        $key,
                        $crate::read::record::record!(@option $($default)?),
                        $crate::read::record::record!(@option $($check)?),
                        at,
                        report,
                    );
                )*
                let record = Self { $($field: $field?),* };
                if report.count() == before {
                    let check: Option<$crate::read::Check<Self>> =
                        $crate::read::record::record!(@option $($whole)?);
                    if let Some(check) = check {
                        check(&record, at, report);
                    }
                }
                Some(record)
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Self>()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let values = vec![$(<$type as $crate::read::Read>::schema(generator)),*];
                $crate::read::record::schema(&[$($documentation),*], Self::KEYS, values)
            }
        }
    };
    (@required $type:ty) => { <$type as $crate::read::Read>::REQUIRED };
    (@required $type:ty, $default:expr) => { false };
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
    (@option $value:path) => { Some($value) };
}
pub(crate) use record;
