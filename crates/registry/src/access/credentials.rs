//! What the header `Authorization` holds.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;

/// Longest user name in bytes.
const USER_BYTES_MAX: usize = 256;

/// Longest password or access token in bytes: hashing time grows with it.
const SECRET_BYTES_MAX: usize = 1024;

/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a client says to prove who it is.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// A user name with a password or an access token, [RFC 7617](https://www.rfc-editor.org/rfc/rfc7617).
    Basic {
        /// Who it claims to be.
        user: String,
        /// The proof.
        secret: SecretString,
    },
    /// A token of the token service, [RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1).
    Bearer(SecretString),
}

impl Credentials {
    /// Reads the header's value; `None` where it is of another scheme or form.
    pub(crate) fn parse(authorization: &str) -> Option<Self> {
        let (scheme, rest) = authorization.trim().split_once(' ')?;
        let rest = rest.trim_start();
        if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            return Some(Self::Bearer(rest.into()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(BASE64.decode(rest).ok()?).ok()?;
        let (user, secret) = pair.split_once(':')?;
        Self::basic(user, secret)
    }

    /// Takes a pair that may be one.
    pub(crate) fn basic(user: &str, secret: &str) -> Option<Self> {
        let fits = (1..=USER_BYTES_MAX).contains(&user.len())
            && (1..=SECRET_BYTES_MAX).contains(&secret.len())
            && !user.chars().chain(secret.chars()).any(char::is_control);
        fits.then(|| Self::Basic { user: user.to_owned(), secret: secret.into() })
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn other_forms_are_none() {
        let encode = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic ???",
            "Bearer",
            "Bearer ",
            "Digest a=b",
            "Basic =",
            "BasicYTpi",
            &encode(""),
            &encode("alice"),
            &encode(":secret"),
            &encode("alice:"),
            &encode("al\nice:s"),
            &encode(&format!("{}:s", "a".repeat(257))),
            &encode(&format!("a:{}", "s".repeat(1025))),
        ] {
            assert!(Credentials::parse(header).is_none(), "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read(user in "[^:\\p{Cc}]{1,20}", secret in "\\P{Cc}{1,40}", scheme in "[Bb][Aa][Ss][Ii][Cc]") {
            let pair = format!("{user}:{secret}");
            for encoded in [STANDARD.encode(&pair), STANDARD_NO_PAD.encode(&pair)] {
                let Some(Credentials::Basic { user: read, secret: proof }) =
                    Credentials::parse(&format!("{scheme} {encoded}"))
                else {
                    return Err(TestCaseError::fail("is Basic"));
                };
                prop_assert_eq!((read.as_str(), proof.expose_secret()), (user.as_str(), secret.as_str()));
                let shown = format!("{proof:?}");
                prop_assert!(shown.contains("REDACTED"));
            }
        }

        #[test]
        fn any_header_is_answered(header in "((?i)basic|bearer)? ?[ -~é]{0,60}") {
            let _ = Credentials::parse(&header);
        }
    }
}
