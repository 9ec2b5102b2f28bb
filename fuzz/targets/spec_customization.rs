//! Customization documents.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_spec::Customization;

fuzz_target!(|text: &str| {
    if let Err(problems) = Customization::parse(text) {
        let _ = problems.to_string();
    }
});
