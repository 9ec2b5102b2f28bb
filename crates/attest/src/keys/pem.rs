//! The textual encoding of keys, see [RFC 7468](https://www.rfc-editor.org/rfc/rfc7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::keys::{KEY_BYTES_MAX, KeyError};

/// Digits of Base64 on one line.
const LINE: usize = 64;

/// Reads the first block of a text: its label and its bytes.
pub(super) fn decode(text: &str) -> Result<(String, Vec<u8>), KeyError> {
    if text.len() > KEY_BYTES_MAX {
        return Err(KeyError::Length { size_bytes: text.len() });
    }
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(KeyError::Pem)?;
    let (label, rest) = rest.split_once("-----").ok_or(KeyError::Pem)?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----")).ok_or(KeyError::Pem)?;
    let digits: String = body.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(digits).map_err(|_| KeyError::Pem)?;
    Ok((label.to_owned(), bytes))
}

/// Writes one block.
pub(super) fn encode(label: &str, bytes: &[u8]) -> String {
    let digits = STANDARD.encode(bytes);
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    lines.extend(
        (0..digits.len()).step_by(LINE).map(|start| digits[start..digits.len().min(start + LINE)].to_owned()),
    );
    lines.push(format!("-----END {label}-----\n"));
    lines.join("\n")
}
