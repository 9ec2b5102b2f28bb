//! Headers and bodies of answers of foreign registries, and credential files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_fetch::fuzzing;
use temper_fuzz::parts;

fuzz_target!(|input: &[u8]| {
    let [header, body] = parts(input);
    fuzzing::headers(header);
    fuzzing::bodies(body);
});
