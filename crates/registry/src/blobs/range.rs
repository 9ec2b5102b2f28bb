//! The header `Range` of a request for a blob.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: there is no header, or one that may be ignored.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that the blob does not have.
    Outside,
}

/// Reads a header for a blob of this size; several ranges at once are ignored, as
/// [RFC 9110 §14.2](https://www.rfc-editor.org/rfc/rfc9110#section-14.2) allows.
pub(crate) fn wanted(header: Option<&str>, size_bytes: u64) -> Wanted {
    let Some((first, last)) = header
        .and_then(|header| header.strip_prefix("bytes="))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::All;
    };
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size_bytes),
        (Some(first), None) if last.is_empty() => first..size_bytes,
        (None, Some(count)) if first.is_empty() => size_bytes.saturating_sub(count)..size_bytes,
        // Upside down: no client means the whole blob by that.
        (Some(_), Some(_)) => return Wanted::Outside,
        _ => return Wanted::All,
    };
    if part.is_empty() { Wanted::Outside } else { Wanted::Part(part) }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, wanted};

    #[test]
    fn ranges_are_cut_to_the_blob() {
        for (header, size_bytes, expected) in [
            ("bytes=0-3", 10, Wanted::Part(0..4)),
            ("bytes=9-20", 10, Wanted::Part(9..10)),
            ("bytes=4-", 10, Wanted::Part(4..10)),
            ("bytes=-4", 10, Wanted::Part(6..10)),
            ("bytes=-40", 10, Wanted::Part(0..10)),
            ("bytes=0-99999999999999999999999", 10, Wanted::Part(0..10)),
            ("bytes=10-", 10, Wanted::Outside),
            ("bytes=10-12", 10, Wanted::Outside),
            ("bytes=-0", 10, Wanted::Outside),
            ("bytes=0-0", 0, Wanted::Outside),
            ("bytes=4-3", 10, Wanted::Outside),
            ("bytes=0-1,4-5", 10, Wanted::All),
            ("bytes=+1-2", 10, Wanted::All),
            ("lines=0-1", 10, Wanted::All),
            ("bytes=-", 10, Wanted::All),
            ("bytes", 10, Wanted::All),
        ] {
            assert_eq!(wanted(Some(header), size_bytes), expected, "{header} of {size_bytes}");
        }
        assert_eq!(wanted(None, 10), Wanted::All);
    }
}
