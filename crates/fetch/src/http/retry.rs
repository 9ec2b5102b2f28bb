//! Retrying: which failures pass by themselves, and how long to wait for that.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How often and how patiently a request is repeated.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// Requests in all, the first included; at least one is made.
    pub attempts: u32,
    /// Wait after the first failure; doubles with each further one.
    pub first: Duration,
    /// Longest computed wait.
    pub longest: Duration,
    /// Longest wait that a server may ask for by `Retry-After`; who asks for more is not tried again.
    pub longest_wish: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            longest_wish: Duration::from_mins(2),
        }
    }
}

impl Backoff {
    /// Returns how long to wait after failure number `failed` (from 1), or nothing when it was the last try.
    ///
    /// The server's wish (`Retry-After`) replaces the computed wait, or ends the attempts when it is too long: to
    /// come back earlier than asked only makes a rate limit last.
    pub fn delay(&self, failed: u32, wish: Option<Duration>) -> Option<Duration> {
        if failed >= self.attempts || wish.is_some_and(|wish| wish > self.longest_wish) {
            return None;
        }
        let doubled = self.first.saturating_mul(2u32.saturating_pow(failed.saturating_sub(1)));
        Some(wish.unwrap_or(doubled.min(self.longest)))
    }
}

/// Tells whether a later attempt may get another status: time-outs, rate limits and server failures.
pub fn is_transient_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Tells whether a request failed on the way (connection refused, reset or silent) rather than by its own fault.
pub fn is_transient_error(error: &reqwest::Error) -> bool {
    error.is_timeout()
        || error.is_connect()
        || error.is_body()
        || error.is_decode()
        || (error.is_request() && !error.is_builder() && !error.is_redirect())
}

/// Returns the wait that a response asks for: seconds, or a date taken relative to its own `Date`.
///
/// Follows [RFC 9110 §10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3). A date without a `Date` header
/// is ignored: it would need a clock.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
    let sent = date(headers.get(DATE)?.to_str().ok()?)?;
    u64::try_from(date(value)? - sent).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let backoff = Backoff {
            attempts: 4,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(3),
            longest_wish: Duration::from_secs(9),
        };
        let delays: Vec<_> = (1..=4).map(|failed| backoff.delay(failed, None).map(|d| d.as_secs())).collect();
        assert_eq!(delays, [Some(1), Some(2), Some(3), None]);
        assert_eq!(backoff.delay(1, Some(Duration::from_secs(2))), Some(Duration::from_secs(2)));
        assert_eq!(backoff.delay(1, Some(Duration::from_secs(9))), Some(Duration::from_secs(9)));
        assert_eq!(backoff.delay(1, Some(Duration::from_secs(10))), None);
    }

    #[test]
    fn retry_after_takes_seconds_or_a_date() {
        let check = |retry: &'static str, date: Option<&'static str>, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(retry));
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_static(date));
            }
            assert_eq!(retry_after(&headers).map(|wait| wait.as_secs()), expected, "{retry} {date:?}");
        };
        check("7", None, Some(7));
        check("soon", None, None);
        let sent = "Wed, 21 Oct 2015 07:28:00 GMT";
        check("Wed, 21 Oct 2015 07:29:30 GMT", Some(sent), Some(90));
        check("Wed, 21 Oct 2015 07:29:30 GMT", None, None);
        check("Wed, 21 Oct 2015 07:27:00 GMT", Some(sent), None);
    }
}
