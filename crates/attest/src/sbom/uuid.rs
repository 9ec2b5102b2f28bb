//! Identifiers that are made from names, see [RFC 9562, section 5.5](https://www.rfc-editor.org/rfc/rfc9562#section-5.5).

use sha1::{Digest as _, Sha1};

/// The namespace of URLs, `6ba7b811-9dad-11d1-80b4-00c04fd430c8`.
const URL_NAMESPACE: u128 = 0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8;

/// The version 5 identifier of a URL, in its usual form.
pub(super) fn of_url(url: &str) -> String {
    let hash = Sha1::new().chain_update(URL_NAMESPACE.to_be_bytes()).chain_update(url).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn identifiers_follow_the_specification() {
        // The value that every implementation's own tests have for this URL.
        assert_eq!(super::of_url("http://python.org/"), "4c565f0d-3f5a-5890-b41b-20cf47701c5e");
    }
}
