//! Why a file is no package, or not one that is read.

use std::io;

/// Why a package cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error("package cannot be read")]
    Read(#[source] io::Error),
    #[error("file is no Debian package: it does not begin with `!<arch>`")]
    Magic,
    #[error("header of member {number} is damaged")]
    Header { number: usize },
    #[error("package ends within member `{member}`")]
    Truncated { member: String },
    #[error("package ends before member `{expected}`")]
    MissingMember { expected: &'static str },
    #[error("package has member `{found}` where `{expected}` is expected")]
    Member { found: String, expected: &'static str },
    #[error("package format is `{found}`, but only 2.x is read")]
    Format { found: String },
    #[error("compression of member `{member}` is not supported")]
    Compression { member: String },
    #[error("member `{member}` cannot be decompressed")]
    Decompress {
        member: String,
        #[source]
        source: io::Error,
    },
    #[error("member `{member}` is larger than {limit} bytes after decompression")]
    TooLarge { member: String, limit: u64 },
    #[error("control archive is damaged")]
    ControlArchive(#[source] io::Error),
    #[error("control archive has entry `{path}`, which is no plain file name")]
    ControlPath { path: String },
    #[error("control archive has entry `{path}`, which is no regular file")]
    ControlKind { path: String },
    #[error("control archive has file `{path}` twice")]
    ControlDuplicate { path: String },
    #[error("control archive has more than {limit} entries")]
    ControlEntries { limit: usize },
    #[error("control archive has no file `control`")]
    ControlMissing,
    #[error("file `control` is larger than {limit} bytes")]
    StanzaTooLarge { limit: u64 },
    #[error("file `control` is not UTF-8")]
    StanzaText,
}

impl PackageError {
    /// Takes a package's error out of what a read of its data returned; any other becomes [`PackageError::Read`].
    pub fn from_io(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(Self::Read)
    }

    /// The error of a read within a member: the container's own, a decoder's, or the source's.
    pub(super) fn in_member(member: &str, error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(source) if is_of_decoder(&source) => Self::Decompress { member: member.to_owned(), source },
            Err(source) => Self::Read(source),
        }
    }
}

/// Decoders report bad input by these kinds; everything else comes from below them.
fn is_of_decoder(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, OutOfMemory, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | Other | OutOfMemory | UnexpectedEof)
}

impl From<PackageError> for io::Error {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Read(source) => source,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
