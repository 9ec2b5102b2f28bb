//! Paths, names, ranges and queries of requests to the registry.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_registry::fuzzing;

fuzz_target!(|text: &str| fuzzing::request(text));
