//! Why an archive is refused.

use std::fmt;
use std::io;

/// Why an archive cannot be taken as a layer or package.
///
/// Offsets are bytes from the start of the uncompressed archive.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The stream, or the decompression below it, failed.
    #[error("archive cannot be read")]
    Read(#[source] io::Error),
    /// The stream ends inside a member.
    #[error("archive ends at byte {offset} in the middle of an entry")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// A header's checksum is wrong.
    #[error("archive header at byte {offset} has a wrong checksum")]
    Checksum {
        /// Where the header stands.
        offset: u64,
    },
    /// One zero block, where the end of an archive has two.
    #[error("archive has a single zero block at byte {offset} before more entries")]
    LoneZeroBlock {
        /// Where the block stands.
        offset: u64,
    },
    /// A header field does not hold a number, or one that is out of range.
    #[error("archive header before byte {offset} has a bad `{field}`")]
    Number {
        /// Where the header ends.
        offset: u64,
        /// Name of the field.
        field: &'static str,
    },
    /// An extended header cannot be parsed.
    #[error("extended header at byte {offset} is malformed")]
    Extension {
        /// Where its records start.
        offset: u64,
    },
    /// A member has two extended headers or two long names.
    #[error("extended header before byte {offset} stands twice for one entry")]
    RepeatedExtension {
        /// Where the second ends.
        offset: u64,
    },
    /// A global header changes what later members are.
    #[error("global header before byte {offset} sets `{key}`, which readers disagree about")]
    GlobalExtension {
        /// Where the header ends.
        offset: u64,
        /// The record's key.
        key: String,
    },
    /// A name cannot be a path of an image.
    #[error("archive entry `{path}` {problem}")]
    Path {
        /// The name, lossily decoded.
        path: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// A link's text cannot be a target.
    #[error("link target `{target}` of archive entry `{path}` {problem}")]
    Target {
        /// The link's path.
        path: String,
        /// The text, lossily decoded.
        target: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// A sparse file; container runtimes do not agree about them.
    #[error("archive entry `{path}` is a sparse file, which is not supported")]
    Sparse {
        /// The file's path.
        path: String,
    },
    /// A type flag that no image specification names.
    #[error("archive entry `{path}` has the unknown type flag {type_flag:#04x}")]
    Kind {
        /// The entry's path.
        path: String,
        /// The flag.
        type_flag: u8,
    },
    /// Something that packages must not hold.
    #[error("archive entry `{path}` is a {word}, which a package must not hold")]
    Forbidden {
        /// The entry's path.
        path: String,
        /// What it is.
        word: &'static str,
    },
    /// Content after a header whose type has none.
    #[error("archive entry `{path}` is a {word} with {size_bytes} bytes of content")]
    Content {
        /// The entry's path.
        path: String,
        /// What it is.
        word: &'static str,
        /// Length of the content.
        size_bytes: u64,
    },
    /// More than [`ScanLimits`](crate::scan::ScanLimits) allows.
    #[error("archive exceeds the limit `{limit}` at byte {offset}: {value} is more than {max}")]
    Limit {
        /// Name of the field of `ScanLimits`.
        limit: &'static str,
        /// What the archive has.
        value: u64,
        /// What is allowed.
        max: u64,
        /// Where it was noticed.
        offset: u64,
    },
    /// The receiver of a file's content failed.
    #[error("content of `{path}` cannot be passed on")]
    Visit {
        /// The file's path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ScanError {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Sparse { .. } => Some("rebuild the archive without `--sparse`".to_owned()),
            Self::Limit { .. } => Some(
                "the limit is fixed: make the archive smaller, or split it over several layers".to_owned(),
            ),
            _ => None,
        }
    }
}

/// What is wrong with a path or a link's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathProblem {
    /// It is empty, or names the root where something else is needed.
    Empty,
    /// It has a `..` component.
    Parent,
    /// It has a zero byte.
    Nul,
    /// It has a newline, which no package database can hold.
    Newline,
    /// It is not UTF-8.
    Encoding,
    /// It is longer than allowed, or one component is longer than 255 bytes.
    Length,
    /// It uses the `.wh.` names that mean removal, in a place where they have no meaning.
    Whiteout,
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Parent => "has a `..` component",
            Self::Nul => "has a zero byte",
            Self::Newline => "has a newline",
            Self::Encoding => "is not UTF-8",
            Self::Length => "is too long",
            Self::Whiteout => "uses the reserved prefix `.wh.`",
        })
    }
}
