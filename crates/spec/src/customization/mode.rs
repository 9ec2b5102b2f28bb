//! File modes as people write them.

use std::fmt;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{At, Read, Report, text};
use crate::yaml::Node;

/// Permission bits of a file, at most `07777`; written in octal, with or without quotes and leading zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u32);

impl Mode {
    /// Readable by all, writable by the owner.
    pub const FILE: Self = Self(0o644);

    /// All bits that a mode can have.
    pub const MAX: u32 = 0o7777;

    /// Returns the mode of the bits, if they are permission bits.
    pub fn new(bits: u32) -> Option<Self> {
        (bits <= Self::MAX).then_some(Self(bits))
    }

    /// Returns the permission bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Read for Mode {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        let text = text(node, at, report)?;
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let octal = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let mode = if octal { u32::from_str_radix(digits, 8).ok().and_then(Self::new) } else { None };
        if mode.is_none() {
            report.problem_with_hint(
                at,
                format!("mode `{text}` is not octal, or above `07777`"),
                "write permissions as in `chmod`, for example \"0755\"",
            );
        }
        mode
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^(0o)?[0-7]{1,5}$", "examples": ["0644", "0755"] })
    }
}
