//! Relations between packages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_deb::{Relation, groups};

fuzz_target!(|text: &str| {
    for group in groups(text) {
        for relation in group.alternatives().flatten() {
            let _ = relation.accepts("1:2.3-4");
        }
    }
    let _ = Relation::parse(text);
});
