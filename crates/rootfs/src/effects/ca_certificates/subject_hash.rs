//! The subject hash by which OpenSSL finds a certificate in a directory.
//!
//! `X509_NAME_hash_ex` takes SHA-1 over the name in a canonical form and reads its first four bytes as a little-endian
//! number. The canonical form is the sequence of relative names without the outer SEQUENCE header, where each
//! character string is UTF-8, without blanks at its ends, with inner blanks folded to one space, in ASCII lower case
//! ([X509_NAME_hash_ex(3)](https://docs.openssl.org/master/man3/X509_NAME_hash/)).

use sha1::{Digest as _, Sha1};

const SET: u8 = 0x31;
const SEQUENCE: u8 = 0x30;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// Returns the hash of a name given as DER (`SEQUENCE OF RelativeDistinguishedName`).
pub fn subject_hash(name: &[u8]) -> Option<u32> {
    let (tag, mut relative_names, _) = element(name)?;
    if tag != SEQUENCE {
        return None;
    }
    let mut canonical = Vec::new();
    while !relative_names.is_empty() {
        let (tag, attributes, rest) = element(relative_names)?;
        if tag != SET {
            return None;
        }
        canonical.extend(wrap(SET, &canonical_attributes(attributes)?));
        relative_names = rest;
    }
    let hash = Sha1::digest(&canonical);
    Some(u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]))
}

fn canonical_attributes(mut attributes: &[u8]) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    while !attributes.is_empty() {
        let (tag, attribute, rest) = element(attributes)?;
        if tag != SEQUENCE {
            return None;
        }
        let (_, _, value) = element(attribute)?;
        let mut content = attribute[..attribute.len() - value.len()].to_vec();
        let (tag, text, _) = element(value)?;
        if is_text(tag) {
            content.extend(wrap(UTF8_STRING, canonical_text(&text_of(tag, text)?).as_bytes()));
        } else {
            content.extend(value);
        }
        encoded.push(wrap(SEQUENCE, &content));
        attributes = rest;
    }
    // DER orders the members of a SET OF.
    encoded.sort();
    Some(encoded.concat())
}

/// Returns whether a value of this type is brought into the canonical form; others stay as they are.
fn is_text(tag: u8) -> bool {
    matches!(
        tag,
        UTF8_STRING
            | PRINTABLE_STRING
            | T61_STRING
            | IA5_STRING
            | VISIBLE_STRING
            | UNIVERSAL_STRING
            | BMP_STRING
    )
}

/// Reads a character string; `None` for broken text.
fn text_of(tag: u8, bytes: &[u8]) -> Option<String> {
    let wide = |size: usize| {
        let number = |chunk: &[u8]| chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let valid = bytes.len().is_multiple_of(size);
        let text: Option<String> = bytes.chunks(size).map(|chunk| char::from_u32(number(chunk))).collect();
        text.filter(|_| valid)
    };
    match tag {
        UTF8_STRING => String::from_utf8(bytes.to_vec()).ok(),
        BMP_STRING => wide(2),
        UNIVERSAL_STRING => wide(4),
        // OpenSSL takes the bytes of the others as Latin-1.
        _ => Some(bytes.iter().copied().map(char::from).collect()),
    }
}

fn canonical_text(text: &str) -> String {
    let blank = |character: char| matches!(character, ' ' | '\t'..='\r');
    let words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
    words.join(" ").to_ascii_lowercase()
}

/// Splits one DER element off: its tag, its content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (length, rest) = rest.split_at_checked(count)?;
        (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    if content.len() < 0x80 {
        bytes.push(content.len() as u8);
    } else {
        let length = (content.len() as u64).to_be_bytes();
        let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
        bytes.push(0x80 | length.len() as u8);
        bytes.extend(length);
    }
    bytes.extend(content);
    bytes
}
