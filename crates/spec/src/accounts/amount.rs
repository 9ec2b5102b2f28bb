//! Bytes, ages and ends as people write them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{At, Read, Report, text};
use crate::yaml::Node;

/// A number of bytes: `500MiB`, `2TB`, `1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

/// A time that something is old: `12h`, `90d`, `6w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub Duration);

/// A moment at which something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry(pub Timestamp);

const BYTE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

const AGE_UNITS: &[(&str, u64)] = &[("h", 3600), ("d", 24 * 3600), ("w", 7 * 24 * 3600)];

/// Reads a whole number with a unit.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

macro_rules! read {
    ($name:ident, $parse:expr, $message:literal, $hint:literal, $schema:expr) => {
        impl Read for $name {
            type Checked = Self;

            fn checked(&self) -> Option<&Self> {
                Some(self)
            }

            fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
                let text = text(node, at, report)?;
                let parse: fn(&str) -> Option<Self> = $parse;
                let parsed = parse(text);
                if parsed.is_none() {
                    report.problem_with_hint(at, format!("`{text}` {}", $message), $hint);
                }
                parsed
            }

            fn schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

read!(
    ByteCount,
    |text| amount(text, BYTE_UNITS).map(Self),
    "is not a number of bytes",
    "write a whole number with a unit such as `MB`, `GB`, `MiB` or `GiB`",
    json_schema!({ "type": ["string", "integer"], "examples": ["50GiB"] })
);

read!(
    Age,
    |text| amount(text, AGE_UNITS).map(Duration::from_secs).map(Self),
    "is not an age",
    "write a whole number of hours, days or weeks: `12h`, `90d`, `6w`",
    json_schema!({ "type": "string", "pattern": "^[0-9]+ ?[hdw]$", "examples": ["90d"] })
);

read!(
    Expiry,
    |text| match text.parse::<Date>() {
        Ok(date) if text.len() == "2027-01-31".len() =>
            date.in_tz("UTC").ok().map(|begin| Self(begin.timestamp())),
        _ => text.parse().ok().map(Self),
    },
    "is neither a day nor a time",
    "write `2027-01-31`, or a time with its offset, `2027-01-31T12:00:00Z`",
    json_schema!({ "type": "string", "examples": ["2027-01-31", "2027-01-31T12:00:00Z"] })
);

impl Serialize for ByteCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl Serialize for Age {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}h", self.0.as_secs() / 3600))
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_numbers_with_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("5GB", Some(5_000_000_000)),
            ("50 GiB", Some(50 << 30)),
            ("1TiB", Some(1 << 40)),
            ("", None),
            ("GiB", None),
            ("1.5GiB", None),
            ("-1", None),
            ("5 gib", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(amount(text, BYTE_UNITS), expected, "{text}");
        }
        for (text, expected) in [("12h", Some(43200)), ("90d", Some(7_776_000)), ("90", None), ("1y", None)] {
            assert_eq!(amount(text, AGE_UNITS), expected, "{text}");
        }
    }
}
