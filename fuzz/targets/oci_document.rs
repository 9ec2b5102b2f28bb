//! Manifests, indexes, configs.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_fuzz::parts;
use temper_oci::{ImageConfig, ImageDocument};

fuzz_target!(|input: &[u8]| {
    let [media_type, document] = parts(input);
    let media_type = std::str::from_utf8(media_type).ok().filter(|text| !text.is_empty());
    if let Ok(document) = ImageDocument::parse(document.to_vec(), media_type) {
        let _ = document.children();
        let again = match &document {
            ImageDocument::Index(index) => index.to_bytes(),
            ImageDocument::Manifest(manifest) => manifest.to_bytes(),
        };
        ImageDocument::parse(again, Some(document.media_type())).expect("what we write we read");
    }
    if let Ok(config) = ImageConfig::parse(document) {
        ImageConfig::parse(&config.to_bytes()).expect("what we write we read");
    }
});
