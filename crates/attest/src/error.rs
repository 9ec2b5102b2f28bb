//! What can be wrong with a signed document.

use temper_oci::Digest;

use crate::keys::SignatureError;

/// Why bytes are not a statement, an envelope, a bundle or a payload that Temper believes.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Over a bound of [`Limits`](crate::Limits).
    #[error("{document} has {found} {unit}, more than {max}")]
    Limit {
        /// What was read.
        document: &'static str,
        /// How many it has.
        found: usize,
        /// The bound.
        max: usize,
        /// What was counted.
        unit: &'static str,
    },
    /// Not JSON of the right form.
    #[error("{document} cannot be parsed")]
    Json {
        /// What was expected.
        document: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A field that is text in Base64 is not.
    #[error("`{field}` of the {document} is not Base64")]
    Base64 {
        /// What was read.
        document: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The document says that it is something else.
    #[error("{document} has the type `{found}`, expected `{expected}`")]
    Type {
        /// What was read.
        document: &'static str,
        /// What it says.
        found: String,
        /// What can be read here.
        expected: &'static str,
    },
    /// A bundle holds exactly one signature.
    #[error("bundle has {0} signatures, exactly one is allowed")]
    Signatures(usize),
    /// A bundle's signature names no key in its envelope.
    #[error("signature of the bundle has the key id `{0}`, which cosign refuses")]
    KeyId(String),
    /// An envelope without signature.
    #[error("envelope has no signature")]
    Unsigned,
    /// No signature is by the key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The document speaks of something else.
    #[error("{document} is about {found}, not about `{expected}`")]
    Subject {
        /// What was read.
        document: &'static str,
        /// What it speaks of.
        found: String,
        /// What was asked for.
        expected: Digest,
    },
}

impl FormatError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Signature(_) => {
                Some("another key may have made it; give the key that the publisher names".to_owned())
            }
            Self::Type { document: "statement" | "bundle", .. } => {
                Some("attest again with a current release of cosign".to_owned())
            }
            _ => None,
        }
    }
}

/// Refuses what is over a bound.
pub(crate) fn check_limit(
    document: &'static str,
    unit: &'static str,
    found: usize,
    max: usize,
) -> Result<(), FormatError> {
    if found > max { Err(FormatError::Limit { document, found, max, unit }) } else { Ok(()) }
}

/// Parses JSON whose length is within a bound.
pub(crate) fn parse_json<T: serde::de::DeserializeOwned>(
    document: &'static str,
    bytes: &[u8],
    bytes_max: usize,
) -> Result<T, FormatError> {
    check_limit(document, "bytes", bytes.len(), bytes_max)?;
    serde_json::from_slice(bytes).map_err(|source| FormatError::Json { document, source })
}
