//! Control files, package indexes, status databases.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_deb::control::{Stanza, stanzas};
use temper_deb::groups;
use temper_deb::index::PackageIndex;
use temper_deb::status::StatusDatabase;

fuzz_target!(|text: &str| {
    let _ = stanzas(text).count();
    if let Ok(stanza) = Stanza::parse(text) {
        for field in stanza.fields() {
            assert_eq!(stanza.find(field.name).is_some(), true, "{}", field.name);
        }
    }
    if let Ok(index) = PackageIndex::parse(text.to_owned()) {
        for record in index.records() {
            let _ = (
                record.multi_arch(),
                record.priority(),
                record.source(),
                record.size_bytes(),
                record.filename(),
            );
            let _ = record.provided().count();
            for group in groups(record.depends()) {
                let _ = group.alternatives().count();
            }
            assert!(index.text()[record.offset()..].starts_with(record.stanza()));
        }
    }
    let file = Some(text.to_owned());
    if let Ok(status) = StatusDatabase::parse(file, vec![("a".to_owned(), text.to_owned())]) {
        let _ = status.render_status(|_| true, &[]);
    }
});
