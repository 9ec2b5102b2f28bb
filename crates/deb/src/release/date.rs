//! Dates of release files.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads `Sat, 06 Sep 2025 09:36:42 UTC` as seconds since the epoch.
///
/// The zone is `UTC`, `GMT`, `Z` or `+0000`, the only ones that the repository format allows; the name of the day
/// is not checked against the date. Years 1970 to 9999.
pub fn parse_date(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [weekday, day, month, year, time, zone] = words.as_slice() else { return None };
    if weekday.len() != 4 || !weekday.ends_with(',') || !matches!(*zone, "UTC" | "GMT" | "Z" | "+0000") {
        return None;
    }
    let month = MONTHS.iter().position(|name| name == month)?;
    let (day, year) = (number(day, 1..=31)?, number(year, 1970..=9999)?);
    if day > days_of_month(year, month) {
        return None;
    }
    let mut parts = time.split(':');
    let (hours, minutes) = (number(parts.next()?, 0..=23)?, number(parts.next()?, 0..=59)?);
    // 60 is a leap second.
    let seconds = number(parts.next()?, 0..=60)?;
    if parts.next().is_some() {
        return None;
    }
    let days =
        days_before_year(year) + (0..month).map(|month| days_of_month(year, month)).sum::<i64>() + day - 1;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

fn number(digits: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_number = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| is_number && range.contains(number))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, counted from 0.
fn days_of_month(year: i64, month: usize) -> i64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// Days from 1970 to the beginning of a year.
fn days_before_year(year: i64) -> i64 {
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969)
}
