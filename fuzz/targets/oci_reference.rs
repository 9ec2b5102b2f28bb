//! References, digests, platforms.

#![no_main]

use libfuzzer_sys::fuzz_target;
use temper_oci::{Digest, Platform, Reference};

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        let written = reference.to_string();
        assert_eq!(
            written.parse::<Reference>().as_ref(),
            Ok(&reference),
            "{text:?} is written as {written:?}"
        );
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse().as_ref(), Ok(&platform), "{text:?}");
    }
});
