//! Debian package versions and their order.
//!
//! A version is `[epoch:]upstream[-revision]`, see [deb-version(7)] and [policy §5.6.12].
//! The text is kept as written; only comparison interprets it.
//!
//! [deb-version(7)]: https://manpages.debian.org/deb-version.7
//! [policy §5.6.12]: https://www.debian.org/doc/debian-policy/ch-controlfields.html#version

use std::cmp::Ordering;

/// Orders two version texts as dpkg does, without allocating.
///
/// Any two texts have an order; texts outside the grammar compare by the same rules.
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let (left, right) = (Parts::of(left), Parts::of(right));
    compare_part(left.epoch.as_bytes(), right.epoch.as_bytes())
        .then_with(|| compare_part(left.upstream.as_bytes(), right.upstream.as_bytes()))
        .then_with(|| compare_part(left.revision.as_bytes(), right.revision.as_bytes()))
}

struct Parts<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self { epoch, upstream, revision }
    }
}

/// Alternates between runs of non-digits, compared by [`weight`], and runs of digits, compared as numbers.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        while left.first().is_some_and(|byte| !byte.is_ascii_digit())
            || right.first().is_some_and(|byte| !byte.is_ascii_digit())
        {
            match weight(left.first()).cmp(&weight(right.first())) {
                Ordering::Equal => (left, right) = (&left[1..], &right[1..]),
                unequal => return unequal,
            }
        }
        let (left_number, right_number) = (take_number(&mut left), take_number(&mut right));
        match left_number.len().cmp(&right_number.len()).then_with(|| left_number.cmp(right_number)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

/// `~` sorts before the end of the part, letters before all other characters.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// Splits the leading digits off and drops their leading zeros, so that length decides first.
fn take_number<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, tail) = rest.split_at(end);
    *rest = tail;
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn follows_the_order_of_the_manual_page() {
        for (left, expected, right) in [
            ("1.0", "=", "0:1.0-0"),
            ("1.0", "=", "1.0-0"),
            ("1.00", "=", "1.0"),
            ("1.0-", "=", "1.0"),
            ("0:2", "<", "1:1"),
            ("1:1", ">", "2"),
            ("1.9", "<", "1.10"),
            ("1.0~rc1", "<", "1.0"),
            ("1.0~~", "<", "1.0~~a"),
            ("1.0~~a", "<", "1.0~"),
            ("1.0~", "<", "1.0"),
            ("1.0", "<", "1.0a"),
            ("1.0a", "<", "1.0+"),
            ("1.0-1", "<", "1.0-1+b1"),
            ("1.0-1~deb13u1", "<", "1.0-1"),
            ("1.0-1+deb13u1", ">", "1.0-1+b1"),
            ("2.41-12+deb13u4", ">", "2.41-12"),
            ("1.2.3-a-1", ">", "1.2.3-1"),
            ("8.14.1-2+deb13u7", ">", "8.14.1-2+deb13u5"),
            ("1:1.3.dfsg+really1.3.1-1+b1", ">", "1:1.2.13.dfsg-1"),
            ("00012", "=", "12"),
            ("99999999999999999999999", "<", "100000000000000000000000"),
            ("a", ">", "1"),
            ("1a1", "<", "1a2"),
        ] {
            let found = match compare_versions(left, right) {
                Ordering::Less => "<",
                Ordering::Equal => "=",
                Ordering::Greater => ">",
            };
            assert_eq!(found, expected, "`{left}` against `{right}`");
        }
    }

    fn any_version() -> impl Strategy<Value = String> {
        "([0-9]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?"
    }

    proptest! {
        #[test]
        fn order_is_total(a in any_version(), b in any_version(), c in any_version()) {
            let (ab, bc, ac) = (compare_versions(&a, &b), compare_versions(&b, &c), compare_versions(&a, &c));
            prop_assert_eq!(compare_versions(&b, &a), ab.reverse());
            if ab == bc || bc == Ordering::Equal {
                prop_assert_eq!(ac, ab);
            }
            if ab == Ordering::Equal {
                prop_assert_eq!(ac, bc);
            }
        }

        #[test]
        fn any_text_has_an_order(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(compare_versions(&a, &b), compare_versions(&b, &a).reverse());
            prop_assert_eq!(compare_versions(&a, &a), Ordering::Equal);
        }
    }
}
