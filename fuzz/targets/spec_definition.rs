//! Definitions of hardened images.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_spec::Definition;

fuzz_target!(|text: &str| {
    if let Err(problems) = Definition::parse("python/debian-13/3.13", text) {
        let _ = problems.to_string();
    }
});
