//! Single values of an accounts file.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use temper_oci::{Digest, Pattern};

use crate::read::{At, Read, Report, text};
use crate::yaml::{Node, Value};

/// Which tags stay where they were first put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImmutableTags {
    /// None.
    None,
    /// Every one.
    All,
    /// Those that match.
    #[serde(untagged)]
    Patterns(Vec<Pattern>),
}

impl Read for ImmutableTags {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        if let Value::Sequence(_) = node.value {
            return Vec::<Pattern>::read(node, at, report).map(Self::Patterns);
        }
        match text(node, at, report)? {
            "all" => Some(Self::All),
            "none" => Some(Self::None),
            other => {
                let message = format!("`{other}` is none of `all`, `none` or a list of patterns");
                report.problem_with_hint(at, message, format!("write it as a list: [\"{other}\"]"));
                None
            }
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let patterns = Vec::<Pattern>::schema(generator);
        json_schema!({ "anyOf": [{ "enum": ["all", "none"] }, patterns] })
    }
}

impl Read for Pattern {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let text = text(node, at, report)?;
        let parsed = text.parse();
        if let Err(error) = &parsed {
            let error: &temper_oci::ParsePatternError = error;
            report.problem(at, error.to_string());
        }
        parsed.ok()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "pattern": "^[A-Za-z0-9._/*?-]{1,255}$" })
    }
}

macro_rules! hashed {
    (
        $(#[doc = $documentation:literal])* $name:ident, $is_one:ident, $example:literal, $kind:literal, $hint:literal
    ) => {
        $(#[doc = $documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl Read for $name {
            type Checked = Self;

            fn checked(&self) -> Option<&Self> {
                Some(self)
            }

            fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
                let text = text(node, at, report)?;
                if !$is_one(text) {
                    // Perhaps the secret itself stands there, so it is not repeated.
                    report.problem_with_hint(at, concat!("is not ", $kind), $hint);
                    return None;
                }
                Some(Self(text.to_owned()))
            }

            fn schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "examples": [$example] })
            }
        }
    };
}

hashed!(
    /// The argon2id hash of a password.
    PasswordText, is_argon2id, "$argon2id$…", "the argon2id hash of a password", "`temper account hash` makes one"
);

hashed!(
    /// The digest of an access token.
    TokenDigestText, is_sha256, "sha256:…", "the digest of an access token", "`temper account token` makes a token and its digest"
);

/// Says whether a text has the form `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`; what the numbers may be is not a matter
/// of form.
fn is_argon2id(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_base64 = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
    };
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", costs, salt, hash] = parts.as_slice() else { return false };
    let costs: Vec<_> = costs.split(',').filter_map(|cost| cost.split_once('=')).collect();
    let [("m", memory), ("t", rounds), ("p", lanes)] = costs.as_slice() else { return false };
    [memory, rounds, lanes].into_iter().all(|number| is_number(number)) && is_base64(salt) && is_base64(hash)
}

fn is_sha256(text: &str) -> bool {
    text.starts_with("sha256:") && text.parse::<Digest>().is_ok()
}
