//! The time of an image: the newest of what goes into it, never the clock's.

/// Reads a time as image configs write it ([RFC 3339](https://www.rfc-editor.org/rfc/rfc3339)), in whole seconds since the epoch.
pub(crate) fn parse(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// Writes seconds since the epoch as image configs do.
pub(crate) fn format(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::{format, parse};

    #[test]
    fn times_round_trip_in_whole_seconds() {
        assert_eq!(parse("2026-03-04T05:06:07.891Z"), Some(1_772_600_767));
        assert_eq!(parse("2026-03-04T06:06:07+01:00"), Some(1_772_600_767));
        assert_eq!(format(1_772_600_767), "2026-03-04T05:06:07Z");
        assert_eq!(parse("yesterday"), None);
    }
}
