//! Times in documents: RFC 3339 in UTC.

use jiff::Timestamp;

use crate::problem::ApiError;

/// Writes a time that the hub keeps in microseconds since 1970.
pub(crate) fn text(micros: i64) -> String {
    let time = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH);
    // Seconds are enough for people and scripts, and compare as text.
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// Reads a time that a document has in `field`.
pub(crate) fn parse(field: &str, text: &str) -> Result<i64, ApiError> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_microsecond).map_err(|error| {
        ApiError::request(format!("`{field}` is no time: {error}"))
            .with_hint("write it as `2027-01-31T00:00:00Z`")
    })
}
