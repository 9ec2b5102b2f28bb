//! Segments: the independently compressed pieces that layers are joined from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use temper_oci::{Compression, Digest, DigestHasher, Entry, EntryKind};

use crate::tar_header;
use crate::tree::{Node, Source};

/// Names the rules and encoders that decide the bytes of a segment; it changes only when bytes change.
pub const WRITER_VERSION: u32 = 1;

/// Permission bits of the empty files that stand for removed paths; readers never apply them.
const WHITEOUT_MODE: u32 = 0o644;

/// What one segment writes: entries in the order of their paths, so that parents come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    pub(crate) members: Vec<Member>,
}

/// One entry of a segment and where its bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) entry: Entry,
    pub(crate) source: Source,
}

/// What is known of a written segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// The segment's key, see [`Segment::key`].
    pub key: Digest,
    /// Digest of the compressed bytes.
    pub digest: Digest,
    /// Length of the compressed bytes.
    pub size_bytes: u64,
    /// Length of the archive part in it.
    pub uncompressed_size_bytes: u64,
}

/// What decides the bytes of a segment.
#[derive(Serialize)]
struct KeyInput<'a> {
    writer_version: u32,
    compression: Compression,
    entries: Vec<&'a Entry>,
}

impl Segment {
    /// Makes a segment of nodes and removed paths, in any order; times are clamped to `time`.
    ///
    /// Names of one file become hard links of the first of them, as far as they stand in this segment and agree in
    /// metadata and content. A removed path becomes an empty `.wh.` file, mode 0644
    /// ([image specification, "Whiteouts"](https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts)).
    pub fn new<'a>(
        nodes: impl IntoIterator<Item = &'a Node>,
        removed: impl IntoIterator<Item = &'a str>,
        time: i64,
    ) -> Self {
        let mut nodes: Vec<&Node> = nodes.into_iter().collect();
        nodes.sort_by(|a, b| a.entry.path.cmp(&b.entry.path));
        let mut firsts: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
        let mut members: Vec<Member> =
            nodes.into_iter().map(|node| member(node, &mut firsts, time)).collect();
        members.extend(removed.into_iter().map(|path| whiteout(path, time)));
        members.sort_by(|a, b| a.entry.path.cmp(&b.entry.path));
        Self { members }
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns the key: equal keys mean equal bytes.
    ///
    /// It covers metadata and content digests of all entries, the compression and the [`WRITER_VERSION`], but not
    /// where the bytes come from.
    pub fn key(&self, compression: Compression) -> Digest {
        let entries = self.members.iter().map(|member| &member.entry).collect();
        let input = KeyInput { writer_version: WRITER_VERSION, compression, entries };
        let hasher = postcard::to_io(&input, DigestHasher::sha256());
        hasher.expect("plain structs always serialize and a hasher takes all bytes").finish()
    }

    /// Lists the package files that content is copied from, each as often as it is.
    pub fn package_files(&self) -> impl Iterator<Item = Digest> {
        self.members.iter().filter_map(|member| match &member.source {
            Source::Package { archive, .. } => Some(*archive),
            _ => None,
        })
    }

    /// Returns the length of the archive part before compression, known without any content.
    pub fn uncompressed_size_bytes(&self) -> u64 {
        let mut header = Vec::new();
        let sizes = self.members.iter().map(|member| {
            header.clear();
            tar_header::append_header(&member.entry, &mut header);
            header.len() as u64 + member.content_bytes().next_multiple_of(tar_header::BLOCK_BYTES as u64)
        });
        sizes.sum()
    }
}

impl Member {
    /// Number of content bytes that follow the header.
    pub(crate) fn content_bytes(&self) -> u64 {
        match self.entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        }
    }
}

/// Makes the member of one node; `firsts` holds, by the name that an archive gave a file, the nodes written so far.
fn member<'a>(node: &'a Node, firsts: &mut BTreeMap<&'a str, Vec<&'a Node>>, time: i64) -> Member {
    let mut entry = node.entry.clone();
    entry.mtime = entry.mtime.min(time);
    if !matches!(entry.kind, EntryKind::File { .. }) {
        return Member { entry, source: Source::None };
    }
    let group = firsts.entry(node.linked_to.as_deref().unwrap_or(&node.entry.path)).or_default();
    if let Some(first) = group.iter().find(|first| is_same_file(first, node)) {
        entry.kind = EntryKind::Hardlink { target: first.entry.path.clone() };
        entry.xattrs.clear();
        return Member { entry, source: Source::None };
    }
    group.push(node);
    Member { entry, source: node.source.clone() }
}

/// Whether two nodes of one group can still be names of one file.
fn is_same_file(first: &Node, second: &Node) -> bool {
    let (a, b) = (&first.entry, &second.entry);
    first.origin == second.origin
        && a.kind == b.kind
        && (a.mode, a.uid, a.gid, a.mtime) == (b.mode, b.uid, b.gid, b.mtime)
        && a.xattrs == b.xattrs
}

fn whiteout(path: &str, time: i64) -> Member {
    let path = match path.rsplit_once('/') {
        Some((parent, name)) => format!("{parent}/.wh.{name}"),
        None => format!(".wh.{path}"),
    };
    let entry = Entry {
        path,
        kind: EntryKind::File { size: 0, digest: Digest::of(b"") },
        mode: WHITEOUT_MODE,
        uid: 0,
        gid: 0,
        mtime: time,
        xattrs: BTreeMap::new(),
    };
    Member { entry, source: Source::Inline([].into()) }
}
