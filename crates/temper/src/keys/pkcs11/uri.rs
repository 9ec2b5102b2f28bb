//! Addresses of keys in tokens: `pkcs11:token=signing;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so`.
//!
//! Follows [RFC 7512](https://www.rfc-editor.org/rfc/rfc7512), §2.3 and §2.4. What names no key but a library
//! (`library-…`, `module-name`) is refused, since nothing here would look at it.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// What every address begins with.
const SCHEME: &str = "pkcs11:";
/// Longest address in bytes.
pub(crate) const URI_BYTES_MAX: usize = 4096;

/// Which key of which token, and how to get at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uri {
    /// Attributes of the token.
    pub(super) token: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) slot_id: Option<u64>,
    /// The key's label.
    pub(super) object: Option<String>,
    /// The key's id.
    pub(super) id: Option<Vec<u8>>,
    pub(super) module_path: Option<PathBuf>,
    pub(super) pin: Pin,
}

/// Where the PIN comes from.
#[derive(Clone, Debug, Default)]
pub(crate) enum Pin {
    /// The address does not say.
    #[default]
    Unsaid,
    /// The address holds it.
    Value(SecretString),
    /// A file holds it.
    Source(PathBuf),
}

/// Why a text is not the address of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseUriError {
    #[error("it does not begin with `{SCHEME}`")]
    Scheme,
    #[error("it is longer than {URI_BYTES_MAX} bytes")]
    Length,
    #[error("`{0}` is no attribute with a value")]
    Attribute(String),
    #[error("attribute `{0}` is not known")]
    Unknown(String),
    #[error("attribute `{0}` stands in it twice")]
    Twice(String),
    #[error("attribute `{0}` has a wrong value")]
    Value(String),
    #[error("it names no key: neither `object` nor `id`")]
    NoKey,
}

impl Uri {
    /// Says whether a text means a key in a token.
    pub(crate) fn is_uri(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Says whether the address can be kept: nobody reads a PIN in it.
    pub(crate) fn has_pin(&self) -> bool {
        matches!(self.pin, Pin::Value(_))
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ParseUriError> {
        let bytes = undo_escapes(value).ok_or_else(|| ParseUriError::Value(name.to_owned()))?;
        if name == "id" {
            return once(name, &mut self.id, bytes);
        }
        let wrong = || ParseUriError::Value(name.to_owned());
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        match name {
            "token" => once(name, &mut self.token, text),
            "manufacturer" => once(name, &mut self.manufacturer, text),
            "model" => once(name, &mut self.model, text),
            "serial" => once(name, &mut self.serial, text),
            "object" => once(name, &mut self.object, text),
            "slot-id" => once(name, &mut self.slot_id, text.parse().map_err(|_| wrong())?),
            "module-path" => once(name, &mut self.module_path, PathBuf::from(text)),
            "pin-value" => self.set_pin(name, Pin::Value(text.into())),
            "pin-source" => {
                let path = text.strip_prefix("file:").unwrap_or(&text);
                // What follows would be the program that prints it: no process is started.
                if path.starts_with('|') || path.is_empty() {
                    return Err(wrong());
                }
                self.set_pin(name, Pin::Source(path.into()))
            }
            "type" if text == "private" => Ok(()),
            "type" => Err(wrong()),
            _ => Err(ParseUriError::Unknown(name.to_owned())),
        }
    }

    fn set_pin(&mut self, name: &str, pin: Pin) -> Result<(), ParseUriError> {
        match self.pin {
            Pin::Unsaid => {
                self.pin = pin;
                Ok(())
            }
            _ => Err(ParseUriError::Twice(name.to_owned())),
        }
    }
}

fn once<T>(name: &str, field: &mut Option<T>, value: T) -> Result<(), ParseUriError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseUriError::Twice(name.to_owned())),
    }
}

impl std::str::FromStr for Uri {
    type Err = ParseUriError;

    fn from_str(text: &str) -> Result<Self, ParseUriError> {
        let rest = text.strip_prefix(SCHEME).ok_or(ParseUriError::Scheme)?;
        if text.len() > URI_BYTES_MAX {
            return Err(ParseUriError::Length);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        // An address may have `&` before its `?`, but who writes it there means what belongs behind.
        if let Some((before, _)) = path.split_once('&') {
            let name = before.rsplit(';').next().and_then(|attribute| attribute.split('=').next());
            return Err(ParseUriError::Value(name.unwrap_or_default().to_owned()));
        }
        let attributes = path.split(';').chain(query.split('&'));
        for attribute in attributes.filter(|attribute| !attribute.is_empty()) {
            // The value may be a PIN: an attribute that cannot be read is shown up to its name at most.
            let shown = || attribute.split('=').next().unwrap_or_default().to_owned();
            let (name, value) = attribute.split_once('=').ok_or_else(|| ParseUriError::Attribute(shown()))?;
            uri.set(name, value)?;
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err(ParseUriError::NoKey);
        }
        Ok(uri)
    }
}

/// The address for people: token and key, never a PIN.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        let slot = self.slot_id.map(|slot| slot.to_string());
        let escaped: fn(&u8) -> String = |byte| format!("%{byte:02x}");
        let id = self.id.as_ref().map(|id| id.iter().map(escaped).collect::<Vec<_>>().concat());
        let shown = [
            ("token", &self.token),
            ("serial", &self.serial),
            ("slot-id", &slot),
            ("object", &self.object),
            ("id", &id),
        ];
        let shown = shown.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
        f.write_str(&shown.collect::<Vec<_>>().join(";"))
    }
}

/// Undoes `%41`; the specification writes everything else as it is.
fn undo_escapes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            byte => byte,
        });
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

/// The module of an address, or the one that is used where it names none.
pub(super) fn module<'a>(uri: &'a Uri, default: Option<&'a Path>) -> Option<&'a Path> {
    uri.module_path.as_deref().or(default)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn parse(text: &str) -> Result<Uri, ParseUriError> {
        text.parse()
    }

    #[test]
    fn an_address_names_token_key_module_and_pin() {
        let uri = parse(
            "pkcs11:token=The%20Token;manufacturer=m;model=x;serial=1;slot-id=7;object=release;id=%01%fF;type=private\
             ?module-path=/usr/lib/m.so&pin-source=file:/run/pin",
        )
        .expect("parses");
        assert_eq!((uri.token.as_deref(), uri.slot_id), (Some("The Token"), Some(7)));
        assert_eq!((uri.object.as_deref(), uri.id.as_deref()), (Some("release"), Some(&[1, 255][..])));
        assert_eq!(uri.module_path.as_deref(), Some(Path::new("/usr/lib/m.so")));
        assert!(matches!(&uri.pin, Pin::Source(path) if path == Path::new("/run/pin")));
        assert_eq!(uri.to_string(), "pkcs11:token=The Token;serial=1;slot-id=7;object=release;id=%01%ff");
        let uri = parse("pkcs11:object=a?pin-value=1%32").expect("parses");
        assert!(matches!(&uri.pin, Pin::Value(pin) if pin.expose_secret() == "12"));
    }

    #[test]
    fn what_is_no_address_says_why() {
        let long = format!("pkcs11:object={}", "a".repeat(URI_BYTES_MAX));
        for (text, expected) in [
            ("cosign.key", "it does not begin with `pkcs11:`"),
            ("pkcs11:", "it names no key: neither `object` nor `id`"),
            ("pkcs11:token=a", "it names no key: neither `object` nor `id`"),
            ("pkcs11:object=a;object=b", "attribute `object` stands in it twice"),
            ("pkcs11:object=a?pin-value=1&pin-source=/x", "attribute `pin-source` stands in it twice"),
            ("pkcs11:object=a;colour=red", "attribute `colour` is not known"),
            ("pkcs11:object=a?module-name=softhsm2", "attribute `module-name` is not known"),
            ("pkcs11:object=%4", "attribute `object` has a wrong value"),
            ("pkcs11:object=%zz", "attribute `object` has a wrong value"),
            ("pkcs11:object=%ff", "attribute `object` has a wrong value"),
            ("pkcs11:object=a;type=cert", "attribute `type` has a wrong value"),
            ("pkcs11:object=a;slot-id=x", "attribute `slot-id` has a wrong value"),
            ("pkcs11:object=a?pin-source=|cat", "attribute `pin-source` has a wrong value"),
            ("pkcs11:token=a;object=b&pin-value=1", "attribute `object` has a wrong value"),
            ("pkcs11:object", "`object` is no attribute with a value"),
            (&long, "it is longer than 4096 bytes"),
        ] {
            assert_eq!(parse(text).expect_err(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn no_pin_is_printed() {
        let uri = parse("pkcs11:object=a?pin-value=314159").expect("parses");
        assert!(uri.has_pin());
        assert!(!format!("{uri:?} {uri}").contains("314159"));
        let error = parse("pkcs11:object=a?pin-value=%3314159%").expect_err("is wrong");
        assert!(!format!("{error:?} {error}").contains("14159"));
    }
}
