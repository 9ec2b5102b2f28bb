//! Release files and their dates.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_deb::release::{Release, parse_date};

fuzz_target!(|text: &str| {
    let _ = Release::parse(text);
    let _ = parse_date(text);
});
