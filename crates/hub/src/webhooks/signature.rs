//! Signatures of webhooks: HMAC-SHA256 over the body, checked in constant time.

use std::fmt::Write as _;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};

/// The header that outgoing webhooks carry their signature in, and incoming ones theirs.
pub const SIGNATURE_HEADER: &str = "x-temper-signature-256";

/// What stands before the hexadecimal digits.
const PREFIX: &str = "sha256=";

/// Signs a body: `sha256=` and hexadecimal digits.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&Key::new(HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().fold(PREFIX.to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Says whether a signature is that of a body, in a time that does not depend on where they differ.
pub(super) fn is_signed(secret: &str, body: &[u8], signature: &str) -> bool {
    let Some(tag) = signature.strip_prefix(PREFIX).and_then(bytes) else { return false };
    hmac::verify(&Key::new(HMAC_SHA256, secret.as_bytes()), body, &tag).is_ok()
}

/// Says whether two secrets are equal, in a time that does not depend on where they differ.
pub(super) fn is_equal(secret: &str, other: &str) -> bool {
    // Both are digested first, so that not even their lengths show.
    let key = Key::new(HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, other.as_bytes());
    hmac::verify(&key, secret.as_bytes(), tag.as_ref()).is_ok()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        // Test case 2 of https://www.rfc-editor.org/rfc/rfc4231#section-4.3.
        let signature = sign("Jefe", b"what do ya want for nothing?");
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature, expected);
    }

    #[test]
    fn only_the_signature_of_the_body_counts() {
        let check = |secret: &str, body: &str, signature: &str, expected: bool| {
            assert_eq!(is_signed(secret, body.as_bytes(), signature), expected, "{body} {signature}");
        };
        let good = sign("secret", b"body");
        check("secret", "body", &good, true);
        check("secret", "body", &good.to_uppercase().replace("SHA256=", "sha256="), true);
        check("secret", "other", &good, false);
        check("other", "body", &good, false);
        check("secret", "body", good.trim_start_matches(PREFIX), false);
        check("secret", "body", &good[..good.len() - 2], false);
        check("secret", "body", "sha256=", false);
        check("secret", "body", &format!("sha256={}", "é".repeat(32)), false);
        check("secret", "body", "", false);
    }

    #[test]
    fn secrets_are_compared() {
        assert!(is_equal("one", "one"));
        assert!(!is_equal("one", "two"));
        assert!(!is_equal("one", ""));
    }
}
