//! Versions: the order is one.

#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::fuzz_target;
use temper_deb::compare_versions;

fuzz_target!(|text: &str| {
    let mut words = text.splitn(3, |c: char| c.is_whitespace());
    let [a, b, c] = std::array::from_fn(|_| words.next().unwrap_or_default());
    assert_eq!(compare_versions(a, a), Ordering::Equal);
    assert_eq!(compare_versions(a, b), compare_versions(b, a).reverse());
    if compare_versions(a, b) != Ordering::Greater && compare_versions(b, c) != Ordering::Greater {
        assert_ne!(compare_versions(a, c), Ordering::Greater, "{a:?} {b:?} {c:?}");
    }
});
