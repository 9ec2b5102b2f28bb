//! What installing packages does beyond unpacking them, computed from the tree; no script is ever executed.

pub mod alternatives;
pub mod ca_certificates;
pub mod commands;
pub mod ld_so_cache;
pub mod localtime;
mod run;
pub mod scripts;
pub mod shells;
pub mod statoverride;
#[cfg(test)]
mod testing;
pub mod tmpfiles;
pub mod users;

pub use ld_so_cache::{LdSoCache, ld_so_cache};
pub use run::{JoinedEffects, run};
pub use users::{AccountAdditions, AccountOptions, GroupAddition, UserAddition};

use temper_oci::EntryKind;

use crate::tree::{Source, Tree};

/// An installed or added package, as an effect sees it.
#[derive(Clone, Debug, Default)]
pub struct EffectPackage {
    /// Package name.
    pub name: String,
    /// Package architecture as its control file says.
    pub architecture: String,
    /// Version.
    pub version: String,
    /// The base's version, where the package is upgraded.
    pub previous_version: Option<String>,
    /// Maintainer scripts by name (`preinst`, `postinst`, …), as text.
    pub scripts: Vec<(String, String)>,
    /// Paths that the package owns, in the form of `Entry::path`, resolved to where they stand in the tree.
    pub paths: Vec<String>,
}

/// What an effect sees.
#[derive(Clone, Copy, Debug)]
pub struct EffectContext<'a> {
    /// The tree of base, added packages, artifacts and document paths, with nothing generated yet.
    pub tree: &'a Tree,
    /// The tree of the base alone.
    pub base: &'a Tree,
    /// Added or upgraded packages in configure order (dependencies first).
    pub packages: &'a [EffectPackage],
    /// Whether the base or the additions carry a dpkg database in `status` form.
    pub has_dpkg: bool,
    /// Debian architecture of the platform.
    pub architecture: &'a str,
    /// Time of generated entries, seconds since the epoch; also the day of account ageing fields.
    pub time: i64,
}

/// One change that an effect makes. Paths are in the form of `Entry::path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file with this content; parents are made 0755 root:root where they are missing.
    File {
        /// Where.
        path: String,
        /// What.
        content: Vec<u8>,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u64,
        /// Group.
        gid: u64,
    },
    /// A file with the content that another file had when the effect saw it.
    Copy {
        /// Where.
        path: String,
        /// What the other file is.
        kind: EntryKind,
        /// Where its bytes are.
        source: Source,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u64,
        /// Group.
        gid: u64,
    },
    /// A symbolic link, 0777 root:root.
    Symlink {
        /// Where.
        path: String,
        /// Link text.
        target: String,
    },
    /// A directory.
    Directory {
        /// Where.
        path: String,
        /// Permission bits.
        mode: u32,
        /// Owner.
        uid: u64,
        /// Group.
        gid: u64,
    },
    /// Another owner, group or mode for a path that is there.
    Metadata {
        /// Where.
        path: String,
        /// New permission bits.
        mode: Option<u32>,
        /// New owner.
        uid: Option<u64>,
        /// New group.
        gid: Option<u64>,
    },
    /// A path that goes away (a stale hash link, an alternative that lost its last choice).
    Remove {
        /// Where.
        path: String,
    },
}

/// Something that a package's script would do and Temper does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotReproduced {
    /// Package name.
    pub package: String,
    /// Script name, `postinst`.
    pub script: String,
    /// Line number in the script, from 1.
    pub line: usize,
    /// The statement, trimmed, at most 200 characters.
    pub statement: String,
    /// Why it is not reproduced.
    pub reason: String,
}

/// What one effect gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Changes in order.
    pub changes: Vec<Change>,
    /// Users and groups to add.
    pub accounts: AccountAdditions,
    /// What was left out.
    pub not_reproduced: Vec<NotReproduced>,
    /// Warnings for the plan, each one sentence.
    pub warnings: Vec<String>,
}
