//! The names under which the storage has bytes.

use std::fmt;

use temper_oci::Digest;

/// Longest id of an upload.
const UPLOAD_ID_LENGTH_MAX: usize = 64;

/// A key, `sha256/<hex>.<upload>`: the digest for people who look into the storage, the upload to make it unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageKey {
    text: String,
    /// Where the upload's id begins.
    upload: usize,
}

impl StorageKey {
    /// Makes the key for what this upload brings. The id must be one that [`StorageKey::is_upload_id`] knows.
    pub fn new(digest: Digest, upload: &str) -> Self {
        let mut text = format!("{}/{}.", digest.algorithm(), digest.hex());
        let begin = text.len();
        text.push_str(upload);
        Self { text, upload: begin }
    }

    /// Reads a key, `None` where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, upload) = text.split_once('.')?;
        let digest: Digest = name.replacen('/', ":", 1).parse().ok()?;
        Self::is_upload_id(upload).then(|| Self::new(digest, upload))
    }

    /// Says whether a text can be an upload's id: letters and digits only, so that it is safe as a file name.
    pub fn is_upload_id(text: &str) -> bool {
        (1..=UPLOAD_ID_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the id of the upload that brought the bytes.
    pub fn upload(&self) -> &str {
        &self.text[self.upload..]
    }
}

impl fmt::Display for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_and_nothing_else_is() {
        let key = StorageKey::new(Digest::of("a"), "0aZ");
        assert_eq!(StorageKey::parse(key.as_str()), Some(key.clone()));
        assert_eq!(key.upload(), "0aZ");
        let hex = Digest::of("a").hex();
        for bad in [
            String::new(),
            format!("sha256/{hex}"),
            format!("sha256/{hex}."),
            format!("sha256/{hex}.a/b"),
            format!("sha256/{hex}.a.b"),
            format!("sha256/../{hex}.a"),
            format!("sha256:{hex}.a/"),
            format!("sha256/{}.a", &hex[1..]),
            format!("sha256/{hex}.{}", "a".repeat(65)),
        ] {
            assert_eq!(StorageKey::parse(&bad), None, "{bad}");
        }
    }
}
