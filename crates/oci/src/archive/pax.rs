//! Records of a pax extended header.
//!
//! Follows [POSIX pax, "pax Extended Header"](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03).
//! Values are bytes: extended attributes may hold newlines and zeros.

use std::collections::BTreeMap;

use crate::scan::ScanError;

const XATTR_PREFIX: &str = "SCHILY.xattr.";
const SPARSE_PREFIX: &str = "GNU.sparse.";

/// Key and value pairs; of a repeated key the last stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PaxRecords(BTreeMap<String, Vec<u8>>);

impl PaxRecords {
    /// Parses `length key=value\n` records; nothing if one of them is malformed.
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut records = BTreeMap::new();
        while !bytes.is_empty() {
            let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
            let digits = std::str::from_utf8(&bytes[..space]).ok()?;
            let length: usize =
                digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?.parse().ok()?;
            let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let key = std::str::from_utf8(&record[..equals]).ok().filter(|key| !key.is_empty())?;
            records.insert(key.to_owned(), record[equals + 1..].to_vec());
            bytes = &bytes[length..];
        }
        Some(Self(records))
    }

    /// Returns a value; an empty one means that the header's own field stands.
    pub(super) fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key).filter(|value| !value.is_empty()).cloned()
    }

    /// Returns a value as a decimal number.
    pub(super) fn number(&self, key: &'static str, offset: u64) -> Result<Option<u64>, ScanError> {
        let parse = |value: &Vec<u8>| {
            let text = std::str::from_utf8(value).ok()?;
            text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)?.parse().ok()
        };
        self.convert(key, offset, parse)
    }

    /// Returns a value as whole seconds, a fraction cut downwards.
    pub(super) fn seconds(&self, key: &'static str, offset: u64) -> Result<Option<i64>, ScanError> {
        let parse = |value: &Vec<u8>| {
            let text = std::str::from_utf8(value).ok()?;
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let is_fraction = fraction.bytes().all(|byte| byte.is_ascii_digit());
            let seconds: i64 = is_fraction.then_some(whole)?.parse().ok()?;
            let is_below = whole.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
            seconds.checked_sub(i64::from(is_below))
        };
        self.convert(key, offset, parse)
    }

    fn convert<T>(
        &self,
        key: &'static str,
        offset: u64,
        parse: impl Fn(&Vec<u8>) -> Option<T>,
    ) -> Result<Option<T>, ScanError> {
        match self.0.get(key).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => parse(value).map(Some).ok_or(ScanError::Number { offset, field: key }),
        }
    }

    /// Returns the extended attributes by full name.
    pub(super) fn xattrs(&self) -> BTreeMap<String, Vec<u8>> {
        let named = |(key, value): (&String, &Vec<u8>)| {
            let name = key.strip_prefix(XATTR_PREFIX).filter(|name| !name.is_empty())?;
            Some((name.to_owned(), value.clone()))
        };
        self.0.iter().filter_map(named).collect()
    }

    /// Says whether the records describe a sparse file.
    pub(super) fn is_sparse(&self) -> bool {
        self.0.keys().any(|key| key.starts_with(SPARSE_PREFIX))
    }

    /// Refuses a global header whose records some readers apply to every member and container runtimes pass over.
    pub(super) fn check_global(&self, offset: u64) -> Result<(), ScanError> {
        let changes = |key: &&String| {
            matches!(key.as_str(), "path" | "linkpath" | "size" | "uid" | "gid" | "mtime")
                || key.starts_with(SPARSE_PREFIX)
                || key.starts_with(XATTR_PREFIX)
        };
        match self.0.keys().find(changes) {
            Some(key) => Err(ScanError::GlobalExtension { offset, key: key.clone() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PaxRecords;

    #[test]
    fn values_are_bytes_and_malformed_records_are_refused() {
        let records = PaxRecords::parse(b"32 SCHILY.xattr.security.x=a\nb\0\n12 path=a/b\n").expect("parses");
        assert_eq!(records.xattrs()["security.x"], b"a\nb\0");
        assert_eq!(records.bytes("path").as_deref(), Some(b"a/b".as_slice()));
        for bad in [
            "12 path=a/b",
            "13 path=a/b\n",
            "+12 path=a/\n",
            "6 a=b\n6",
            "0 a=b\n",
            "5 ab\n",
            " ",
            "99999999999999999999 a=b\n",
        ] {
            assert_eq!(PaxRecords::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn times_are_cut_downwards() {
        for (text, expected) in
            [("1.9", Some(1)), ("-1.5", Some(-2)), ("-1.0", Some(-1)), ("7", Some(7)), ("x", None)]
        {
            let record = format!("{} mtime={text}\n", 10 + text.len());
            let records = PaxRecords::parse(record.as_bytes());
            let seconds = records.expect("parses").seconds("mtime", 0).ok().flatten();
            assert_eq!(seconds, expected, "{text}");
        }
    }
}
