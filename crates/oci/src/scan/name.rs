//! From the raw members of an archive to entries: names, whiteouts, types.

use crate::archive::Member;
use crate::scan::{PathProblem, ScanError, ScanLimits, ScanMode, check_limit};
use crate::{Digest, Entry, EntryKind, normalize_path};

/// Prefix of names that remove what lies below, see the
/// [image specification, "Whiteouts"](https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts).
const WHITEOUT: &str = ".wh.";
/// Prefix of the metadata that AUFS left in layers; runtimes pass over it.
const WHITEOUT_META: &str = ".wh..wh.";
const OPAQUE: &str = ".wh..wh..opq";
const COMPONENT_BYTES_MAX: usize = 255;

/// What a member's name means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name {
    Path(String),
    Whiteout(String),
    Opaque(String),
    /// The root directory, or metadata of a union file system.
    Ignored,
}

/// Brings a member's name into one form and recognises whiteouts.
pub(super) fn name_of(member: &Member, mode: ScanMode, limits: &ScanLimits) -> Result<Name, ScanError> {
    let refuse = |problem| ScanError::Path { path: member.path_lossy(), problem };
    let path = text(&member.path, limits).and_then(|text| normal(&text)).map_err(refuse)?;
    if path.is_empty() {
        return if kind_word(member) == "directory" {
            Ok(Name::Ignored)
        } else {
            Err(refuse(PathProblem::Empty))
        };
    }
    if mode == ScanMode::Package {
        if path.contains('\n') {
            return Err(refuse(PathProblem::Newline));
        }
        if path.split('/').any(|component| component.starts_with(WHITEOUT)) {
            return Err(refuse(PathProblem::Whiteout));
        }
        return Ok(Name::Path(path));
    }
    layer_name(path).map_err(refuse)
}

fn layer_name(path: String) -> Result<Name, PathProblem> {
    let (parent, base) = path.rsplit_once('/').unwrap_or(("", &path));
    if parent.split('/').any(|component| component.starts_with(WHITEOUT_META)) {
        return Ok(Name::Ignored);
    }
    if parent.split('/').any(|component| component.starts_with(WHITEOUT)) {
        return Err(PathProblem::Whiteout);
    }
    if base == OPAQUE {
        return Ok(Name::Opaque(parent.to_owned()));
    }
    if base.starts_with(WHITEOUT_META) {
        return Ok(Name::Ignored);
    }
    match base.strip_prefix(WHITEOUT) {
        // `.wh..` would remove the directory itself, `.wh...` its parent.
        Some("" | "." | "..") => Err(PathProblem::Whiteout),
        Some(name) if parent.is_empty() => Ok(Name::Whiteout(name.to_owned())),
        Some(name) => Ok(Name::Whiteout(format!("{parent}/{name}"))),
        None => Ok(Name::Path(path)),
    }
}

/// Makes the entry; a file's digest is a placeholder until its content was read.
pub(super) fn entry_of(
    member: Member,
    path: String,
    mode: ScanMode,
    limits: &ScanLimits,
) -> Result<Entry, ScanError> {
    let kind = kind_of(&member, &path, limits)?;
    let word = kind.word();
    let is_device = matches!(kind, EntryKind::CharacterDevice { .. } | EntryKind::BlockDevice { .. });
    if is_device && mode == ScanMode::Package {
        return Err(ScanError::Forbidden { path, word });
    }
    if !matches!(kind, EntryKind::File { .. }) && member.size_bytes > 0 {
        return Err(ScanError::Content { path, word, size_bytes: member.size_bytes });
    }
    for (field, id) in [("uid", member.uid), ("gid", member.gid)] {
        check_limit(field, id, u64::from(u32::MAX), 0)?;
    }
    let xattr_bytes = member.xattrs.iter().map(|(name, value)| (name.len() + value.len()) as u64).sum();
    check_limit("xattr_bytes_max", xattr_bytes, limits.xattr_bytes_max, 0)?;
    Ok(Entry {
        path,
        kind,
        mode: member.mode,
        uid: member.uid,
        gid: member.gid,
        mtime: member.mtime,
        xattrs: member.xattrs,
    })
}

/// Says whether a member is a regular file.
pub(super) fn is_file(member: &Member) -> bool {
    kind_word(member) == "file"
}

fn kind_word(member: &Member) -> &'static str {
    match member.type_flag {
        // Archives older than POSIX mark a directory by a slash at the end of its name.
        0 | b'0' if member.path.ends_with(b"/") => "directory",
        0 | b'0' | b'7' => "file",
        b'5' => "directory",
        _ => "other",
    }
}

fn kind_of(member: &Member, path: &str, limits: &ScanLimits) -> Result<EntryKind, ScanError> {
    let refuse = |problem| ScanError::Target {
        path: path.to_owned(),
        target: String::from_utf8_lossy(&member.link).into_owned(),
        problem,
    };
    let (major, minor) = member.device;
    Ok(match (kind_word(member), member.type_flag) {
        ("file", _) => EntryKind::File { size: member.size_bytes, digest: Digest::Sha256([0; 32]) },
        ("directory", _) => EntryKind::Directory,
        (_, b'1') => {
            let target = text(&member.link, limits).and_then(|text| normal(&text)).map_err(refuse)?;
            if target.is_empty() {
                return Err(refuse(PathProblem::Empty));
            }
            EntryKind::Hardlink { target }
        }
        (_, b'2') => EntryKind::Symlink { target: text(&member.link, limits).map_err(refuse)? },
        (_, b'3') => EntryKind::CharacterDevice { major, minor },
        (_, b'4') => EntryKind::BlockDevice { major, minor },
        (_, b'6') => EntryKind::Fifo,
        (_, type_flag) => return Err(ScanError::Kind { path: path.to_owned(), type_flag }),
    })
}

fn text(bytes: &[u8], limits: &ScanLimits) -> Result<String, PathProblem> {
    if bytes.is_empty() {
        return Err(PathProblem::Empty);
    }
    if bytes.len() as u64 > limits.path_bytes_max {
        return Err(PathProblem::Length);
    }
    if bytes.contains(&0) {
        return Err(PathProblem::Nul);
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| PathProblem::Encoding)
}

fn normal(text: &str) -> Result<String, PathProblem> {
    let path = normalize_path(text).ok_or(PathProblem::Parent)?;
    if path.split('/').any(|component| component.len() > COMPONENT_BYTES_MAX) {
        return Err(PathProblem::Length);
    }
    Ok(path)
}
