//! One entry of a file system, as metadata: what a layer, a package or a tree says about a path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Everything a tar header says about one path; file content is named by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is, relative to the root: no leading or trailing slash, no empty, `.` or `..` component.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky, at most `0o7777`.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u64,
    /// Numeric group.
    pub gid: u64,
    /// Modification time, seconds since the epoch.
    pub mtime: i64,
    /// Extended attributes by full name (`security.capability`), raw values.
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

/// The type of an [`Entry`] with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Content length in bytes.
        size: u64,
        /// Digest of the content.
        digest: Digest,
    },
    /// A directory.
    Directory,
    /// A symbolic link; the target is stored as written.
    Symlink {
        /// Link text, absolute or relative.
        target: String,
    },
    /// A second name of an earlier file of the same archive.
    Hardlink {
        /// Path of the first name, in the form of [`Entry::path`].
        target: String,
    },
    /// A character device.
    CharacterDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

impl EntryKind {
    /// Returns the word for this kind that plans and messages use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Directory => "directory",
            Self::Symlink { .. } => "symbolic link",
            Self::Hardlink { .. } => "hard link",
            Self::CharacterDevice { .. } => "character device",
            Self::BlockDevice { .. } => "block device",
            Self::Fifo => "named pipe",
        }
    }
}

/// Brings a path as archives write it (`./usr/bin/`, `/usr/bin`) into the form of [`Entry::path`].
///
/// Returns an empty string for the root itself, and `None` for a path that has a `..` component or a NUL byte.
pub fn normalize_path(path: &str) -> Option<String> {
    if path.contains('\0') {
        return None;
    }
    let mut normal = String::with_capacity(path.len());
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => return None,
            name => {
                if !normal.is_empty() {
                    normal.push('/');
                }
                normal.push_str(name);
            }
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::normalize_path;

    #[test]
    fn paths_take_one_form() {
        for (given, expected) in [
            ("./usr//bin/", Some("usr/bin")),
            ("/etc/passwd", Some("etc/passwd")),
            ("./", Some("")),
            ("a/../b", None),
            ("a\0b", None),
        ] {
            assert_eq!(normalize_path(given).as_deref(), expected, "{given:?}");
        }
    }
}
