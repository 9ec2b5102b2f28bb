//! Signed indexes: the signature around the text.

#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use temper_deb::release::Release;
use temper_fetch::openpgp::{Keyring, verify_detached, verify_inrelease};
use temper_fuzz::parts;

static KEYRING: LazyLock<Keyring> = LazyLock::new(Keyring::debian_archive);

fuzz_target!(|input: &[u8]| {
    let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    if let Ok(verified) = verify_inrelease(input, &KEYRING, time) {
        let _ = Release::parse(&verified.text);
    }
    let [text, signature] = parts(input);
    let _ = verify_detached(text, signature, &KEYRING, time);
    let _ = Keyring::parse("k", input);
});
