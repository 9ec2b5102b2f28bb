//! The libraries that `ldconfig` finds in a directory, one for each soname.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use temper_oci::{ElfFacts, EntryKind};

use super::directories::Directory;
use crate::tree::{Node, Tree};

/// One line of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Library {
    /// Name that programs ask for.
    pub(super) soname: String,
    /// Absolute path that they get.
    pub(super) path: String,
    /// Kind of library, see [`flags`].
    pub(super) flags: i32,
    /// The name below `glibc-hwcaps`, if it is in such a directory.
    pub(super) hwcaps: Option<String>,
    /// The file whose soname link is missing.
    pub(super) link_to: Option<String>,
}

struct Candidate {
    name: String,
    is_link: bool,
    flags: i32,
}

/// Lists the libraries of one directory.
///
/// Files are named `lib*.so*`, `ld-*.so*`, `ld.so.*` or `ld64.so.*`. A link counts under its own name if that is the
/// soname or the name for the linker (`libx.so` of `libx.so.1`), else as a file. Of equal sonames a file beats a link,
/// then the higher name wins.
pub(super) fn libraries(tree: &Tree, architecture: &str, directory: &Directory) -> Vec<Library> {
    let mut found: BTreeMap<String, Candidate> = BTreeMap::new();
    for node in tree.children(&directory.path) {
        let name = &node.entry.path[directory.path.len() + 1..];
        let Some((elf, mut is_link)) = library(tree, node, name) else { continue };
        let Some(flags) = flags(architecture, elf) else { continue };
        let mut soname = elf.soname.as_deref().unwrap_or(name);
        if is_link && name != soname && !(name.strip_suffix(".so").is_some() && soname.starts_with(name)) {
            is_link = false;
        }
        if is_link {
            soname = name;
        }
        let wins = found.get(soname).is_none_or(|known| {
            (!is_link && known.is_link)
                || (is_link == known.is_link && compare_names(&known.name, name) == Ordering::Less)
        });
        if wins {
            found.insert(soname.to_owned(), Candidate { name: name.to_owned(), is_link, flags });
        }
    }
    let library = |(soname, candidate): (String, Candidate)| {
        let in_hwcaps = directory.hwcaps.is_some();
        let file = if in_hwcaps { &candidate.name } else { &soname };
        let is_missing = || tree.lookup(&format!("{}/{soname}", directory.path)).is_none();
        let needs_link = !in_hwcaps && !candidate.is_link && candidate.name != soname && is_missing();
        Library {
            path: format!("{}/{file}", directory.name),
            link_to: needs_link.then(|| candidate.name.clone()),
            soname,
            flags: candidate.flags,
            hwcaps: directory.hwcaps.clone(),
        }
    };
    found.into_iter().map(library).collect()
}

fn library<'a>(tree: &'a Tree, node: &Node, name: &str) -> Option<(&'a ElfFacts, bool)> {
    let is_library = ((name.starts_with("lib") || name.starts_with("ld-")) && name.contains(".so"))
        || name.starts_with("ld.so.")
        || name.starts_with("ld64.so.");
    let is_temporary = [".dpkg-new", ".dpkg-tmp"].iter().any(|end| name.ends_with(end)) || name.contains(';');
    if !is_library || is_temporary {
        return None;
    }
    let is_link = matches!(node.entry.kind, EntryKind::Symlink { .. });
    let file = if is_link { tree.lookup(&node.entry.path)? } else { node };
    let EntryKind::File { digest, .. } = &file.entry.kind else { return None };
    let elf = tree.elf(digest).filter(|elf| elf.is_dynamic)?;
    Some((elf, is_link))
}

/// Returns the kind of a library as the `ldconfig` of an architecture writes it: the low byte is 3 for glibc, the next
/// one names the architecture (`sysdeps/generic/ldconfig.h` of glibc). `None` for those of other machines.
fn flags(architecture: &str, elf: &ElfFacts) -> Option<i32> {
    /// `EF_ARM_ABI_FLOAT_HARD`.
    const ARM_HARD_FLOAT: u32 = 0x400;
    const MACHINE_386: u16 = 3;
    const MACHINE_PPC64: u16 = 21;
    const MACHINE_S390: u16 = 22;
    const MACHINE_ARM: u16 = 40;
    const MACHINE_X86_64: u16 = 62;
    const MACHINE_AARCH64: u16 = 183;
    const MACHINE_RISCV: u16 = 243;
    Some(match (architecture, elf.machine, elf.is_64) {
        ("amd64" | "i386" | "x32", MACHINE_X86_64, true) => 0x0303,
        ("amd64" | "i386" | "x32", MACHINE_X86_64, false) => 0x0803,
        ("amd64" | "i386" | "x32", MACHINE_386, false) => 0x0003,
        ("arm64", MACHINE_AARCH64, true) => 0x0a03,
        ("arm64" | "armhf" | "armel", MACHINE_ARM, false) if elf.flags & ARM_HARD_FLOAT != 0 => 0x0903,
        ("arm64" | "armhf" | "armel", MACHINE_ARM, false) => 0x0b03,
        ("riscv64", MACHINE_RISCV, true) => 0x1003,
        ("s390x", MACHINE_S390, true) => 0x0403,
        ("ppc64el", MACHINE_PPC64, true) => 0x0503,
        _ => return None,
    })
}

/// Compares names as `_dl_cache_libcmp` of glibc does: runs of digits by their number, which follow all else.
pub(super) fn compare_names(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        let byte = |bytes: &[u8]| bytes.first().copied().unwrap_or(0);
        let (first, second) = (byte(left), byte(right));
        match (first.is_ascii_digit(), second.is_ascii_digit()) {
            (true, true) => {
                let order = number(&mut left).cmp(&number(&mut right));
                if order != Ordering::Equal {
                    return order;
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            _ if first != second || first == 0 => return (first.cast_signed()).cmp(&second.cast_signed()),
            _ => (left, right) = (&left[1..], &right[1..]),
        }
    }
}

fn number(bytes: &mut &[u8]) -> i32 {
    let mut number = 0_i32;
    while let Some((digit, rest)) = bytes.split_first().filter(|(digit, _)| digit.is_ascii_digit()) {
        number = number.wrapping_mul(10).wrapping_add(i32::from(*digit - b'0'));
        *bytes = rest;
    }
    number
}
