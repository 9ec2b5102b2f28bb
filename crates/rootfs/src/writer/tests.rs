//! Segments and layers: what they hold, and that their bytes depend on nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use temper_oci::{Compression, Digest, Entry, EntryKind, Record, ScanLimits, ScanMode, scan_tar};

use super::*;
use crate::layer_writer::{JoinError, LayerWriter, recompress};
use crate::segment::WRITER_VERSION;
use crate::tree::{Node, Origin};

const TIME: i64 = 1_700_000_000;
const FORMS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

fn entry(path: &str, kind: EntryKind) -> Entry {
    let mode = if kind == EntryKind::Directory { 0o755 } else { 0o644 };
    Entry { path: path.to_owned(), kind, mode, uid: 0, gid: 0, mtime: TIME - 5, xattrs: BTreeMap::new() }
}

fn node(path: &str, kind: EntryKind) -> Node {
    Node { entry: entry(path, kind), linked_to: None, origin: Origin::Document, source: Source::None }
}

fn file(path: &str, content: &[u8]) -> Node {
    let kind = EntryKind::File { size: content.len() as u64, digest: Digest::of(content) };
    Node { source: Source::Inline(content.into()), ..node(path, kind) }
}

fn symlink(path: &str, target: &str) -> Node {
    node(path, EntryKind::Symlink { target: target.to_owned() })
}

/// Bytes that compress neither to nothing nor not at all.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"the quick brown fox jumps over it"[(state % 33) as usize]
    };
    std::iter::repeat_with(step).take(size).collect()
}

/// A segment with every kind of entry and every reason for an extended header.
fn varied() -> Vec<Node> {
    let long = format!("usr/{}/{}", "d".repeat(120), "é".repeat(60));
    let mut capable = file("usr/bin/ping", &noise(1, 200_000));
    capable.entry.mode = 0o4755;
    capable.entry.xattrs.insert("security.capability".to_owned(), vec![1, 0, 0, 2, 0, b'\n', b'=']);
    capable.entry.xattrs.insert("user.note".to_owned(), b"x".to_vec());
    let mut owned = file("srv/data", b"data");
    (owned.entry.uid, owned.entry.gid, owned.entry.mtime) = (4_000_000, 65_532, TIME + 99);
    let mut linked = file("usr/bin/pong", &noise(1, 200_000));
    linked.linked_to = Some("usr/bin/ping".to_owned());
    (linked.entry.mode, linked.entry.xattrs) = (capable.entry.mode, capable.entry.xattrs.clone());
    let mut old = file("srv/old", b"");
    old.entry.mtime = -7;
    vec![
        node("usr", EntryKind::Directory),
        node("usr/bin", EntryKind::Directory),
        node("srv", EntryKind::Directory),
        capable,
        linked,
        owned,
        old,
        symlink("bin", "usr/bin"),
        symlink("usr/long", &"t/".repeat(80)),
        file(&long, b"long name"),
        file(&format!("usr/{}/{}", "p".repeat(90), "n".repeat(90)), b"split name"),
        node("srv/pipe", EntryKind::Fifo),
    ]
}

fn written(nodes: &[Node], removed: &[&str], options: &WriteOptions) -> (SegmentRecord, Vec<u8>) {
    let segment = Segment::new(nodes, removed.iter().copied(), TIME);
    let mut bytes = Vec::new();
    let record = write_segment(&segment, &(), options, &mut bytes).expect("writes");
    assert_eq!(record.digest, Digest::of(&bytes));
    assert_eq!(record.uncompressed_size_bytes, segment.uncompressed_size_bytes());
    (record, bytes)
}

fn layer(
    segments: &[(SegmentRecord, Vec<u8>)],
    form: Compression,
) -> (crate::layer_writer::LayerRecord, Vec<u8>) {
    let mut layer = LayerWriter::new(form, Vec::new());
    for (record, bytes) in segments {
        layer.append(record, bytes.as_slice()).expect("joins");
    }
    layer.finish().expect("ends")
}

fn decoded(blob: &[u8], form: Compression) -> Vec<u8> {
    let mut archive = Vec::new();
    form.decoder(blob).expect("starts").read_to_end(&mut archive).expect("decodes");
    archive
}

fn dump(archive: &[u8]) -> String {
    let scan = scan_tar(archive, ScanMode::Layer, &ScanLimits::default()).expect("scans");
    let lines = scan.records.iter().map(|record| match record {
        Record::Whiteout(path) => format!("gone {path}\n"),
        Record::Opaque(path) => format!("opaque {path}\n"),
        Record::Entry(entry) => {
            let what = match &entry.kind {
                EntryKind::File { size, digest } => format!("{size} {}", digest.short()),
                EntryKind::Symlink { target } | EntryKind::Hardlink { target } => format!("-> {target}"),
                kind => kind.word().to_owned(),
            };
            let xattrs: Vec<&String> = entry.xattrs.keys().collect();
            let (mode, uid, gid, age) = (entry.mode, entry.uid, entry.gid, TIME - entry.mtime);
            format!("{} {mode:o} {uid}:{gid} T-{age} {what} {xattrs:?}\n", entry.path)
        }
    });
    lines.collect()
}

#[test]
fn every_entry_is_read_back_as_it_was() {
    let (long, split) = (
        format!("usr/{}/{}", "d".repeat(120), "é".repeat(60)),
        format!("usr/{}/{}", "p".repeat(90), "n".repeat(90)),
    );
    let expected = format!(
        "bin 644 0:0 T-5 -> usr/bin []\n\
         etc gone\n\
         srv 755 0:0 T-5 directory []\n\
         srv/data 644 4000000:65532 T-0 4 3a6eb0790f39 []\n\
         srv/old 644 0:0 T-1700000007 0 e3b0c44298fc []\n\
         srv/pipe 644 0:0 T-5 named pipe []\n\
         usr 755 0:0 T-5 directory []\n\
         usr/bin 755 0:0 T-5 directory []\n\
         usr/bin/ping 4755 0:0 T-5 200000 {} [\"security.capability\", \"user.note\"]\n\
         usr/bin/pong 4755 0:0 T-5 -> usr/bin/ping []\n\
         {long} 644 0:0 T-5 9 {} []\n\
         usr/long 644 0:0 T-5 -> {} []\n\
         {split} 644 0:0 T-5 10 {} []\n",
        Digest::of(noise(1, 200_000)).short(),
        Digest::of("long name").short(),
        "t/".repeat(80),
        Digest::of("split name").short(),
    )
    .replace("etc gone\n", "gone etc/motd\n");
    for form in FORMS {
        let (record, blob) = layer(&[written(&varied(), &["etc/motd"], &WriteOptions::new(form))], form);
        let archive = decoded(&blob, form);
        assert_eq!((record.digest, record.size_bytes), (Digest::of(&blob), blob.len() as u64));
        assert_eq!(
            (record.diff_id, record.uncompressed_size_bytes),
            (Digest::of(&archive), archive.len() as u64)
        );
        assert_eq!(dump(&archive), expected, "{form}");
    }
}

#[test]
fn bytes_depend_on_neither_workers_nor_order() {
    for form in FORMS {
        let expected = written(&varied(), &["a", "b/c"], &WriteOptions::new(form));
        let mut nodes = varied();
        for workers in 1..=4 {
            nodes.rotate_left(3);
            let workers = NonZeroU32::new(workers).expect("not zero");
            let options = WriteOptions { workers, ..WriteOptions::new(form) };
            assert_eq!(written(&nodes, &["b/c", "a"], &options), expected, "{form} {workers}");
        }
    }
}

#[test]
fn bytes_do_not_depend_on_write_sizes() {
    let content = noise(7, 3_000_000);
    for form in FORMS {
        let compressed = |size: usize| {
            let mut encoder = Encoder::new(form, NonZeroU32::MIN, Vec::new()).expect("starts");
            content.chunks(size).for_each(|part| encoder.write_all(part).expect("writes"));
            encoder.finish().expect("finishes")
        };
        let expected = compressed(content.len());
        for size in [1000, 65_536, 65_537, 1_000_003] {
            assert!(compressed(size) == expected, "{form} {size}");
        }
    }
}

/// If this test fails, the writer's bytes changed: raise `WRITER_VERSION` and put the new digests here.
#[test]
fn bytes_are_those_of_this_writer_version() {
    let digests = FORMS.map(|form| {
        let big = file("usr/lib/big", &noise(3, 2_000_000));
        let nodes = [varied(), vec![big]].concat();
        layer(&[written(&nodes, &["etc/motd"], &WriteOptions::new(form))], form).0.digest.short()
    });
    assert_eq!(
        (WRITER_VERSION, digests.each_ref().map(String::as_str)),
        (1, ["9ba682289609", "878eadc513b4", "5928a2e8b5dd"]),
        "bytes changed"
    );
}

#[test]
fn a_chain_of_segments_holds_what_one_segment_holds() {
    let nodes = varied();
    for form in FORMS {
        let options = WriteOptions::new(form);
        let one = layer(&[written(&nodes, &[], &options)], form);
        let mut sorted = nodes.clone();
        sorted.sort_by(|a, b| a.entry.path.cmp(&b.entry.path));
        let parts: Vec<_> = sorted.chunks(9).map(|part| written(part, &[], &options)).collect();
        let many = layer(&parts, form);
        assert_eq!(many.0.diff_id, one.0.diff_id, "{form}");
        assert_eq!(decoded(&many.1, form), decoded(&one.1, form));
    }
}

#[test]
fn a_layer_in_another_form_keeps_its_diff_id() {
    let nodes = varied();
    let zstd = layer(&[written(&nodes, &[], &WriteOptions::new(Compression::Zstd))], Compression::Zstd);
    let archive = decoded(&zstd.1, Compression::Zstd);
    for form in FORMS {
        let (record, blob) = recompress(archive.as_slice(), form, Vec::new()).expect("writes");
        assert_eq!((record.diff_id, record.uncompressed_size_bytes), (zstd.0.diff_id, archive.len() as u64));
        assert_eq!((record.digest, record.size_bytes), (Digest::of(&blob), blob.len() as u64));
        assert!(decoded(&blob, form) == archive, "{form}");
    }
}

#[test]
fn keys_follow_what_decides_the_bytes() {
    let key = |nodes: &[Node], form| Segment::new(nodes, [], TIME).key(form);
    let one = file("a", b"1");
    let moved = Node { source: Source::None, origin: Origin::Base, ..one.clone() };
    let mut executable = one.clone();
    executable.entry.mode = 0o755;
    let expected = key(std::slice::from_ref(&one), Compression::Zstd);
    assert_eq!(key(&[moved], Compression::Zstd), expected);
    for (nodes, form) in [
        (vec![one.clone()], Compression::Gzip),
        (vec![executable], Compression::Zstd),
        (vec![file("a", b"2")], Compression::Zstd),
        (vec![one, file("b", b"1")], Compression::Zstd),
    ] {
        assert_ne!(key(&nodes, form), expected);
    }
}

#[test]
fn names_of_one_file_stay_links_only_while_they_agree() {
    let linked = |path: &str, mode, origin: Origin| {
        let mut node = file(path, b"same");
        node.linked_to = Some("z".to_owned());
        (node.entry.mode, node.origin) = (mode, origin);
        node
    };
    let nodes = [
        linked("a", 0o644, Origin::Document),
        linked("b", 0o644, Origin::Document),
        linked("c", 0o600, Origin::Document),
        linked("d", 0o644, Origin::Base),
        file("e", b"same"),
        file("z", b"same"),
    ];
    let (_, blob) = layer(&[written(&nodes, &[], &WriteOptions::new(Compression::None))], Compression::None);
    let kinds: Vec<String> = dump(&blob)
        .lines()
        .map(|line| line.split(' ').skip(4).take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let copy = format!("4 {}", Digest::of("same").short());
    assert_eq!(kinds, [copy.as_str(), "-> a", &copy, &copy, &copy, "-> a"]);
}

/// Archives in memory that count how often they are opened.
struct Counted(BTreeMap<ArchiveName, Vec<u8>>, AtomicUsize);

impl Contents for Counted {
    fn open(&self, archive: ArchiveName) -> io::Result<Box<dyn Read + Send + '_>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.open(archive)
    }
}

/// Puts files into one archive each by the number of their archive, and returns nodes that name them there.
fn archived(files: &[(u8, String, Vec<u8>)]) -> (Counted, Vec<Node>) {
    let mut archives: BTreeMap<ArchiveName, tar::Builder<Vec<u8>>> = BTreeMap::new();
    let mut nodes = Vec::new();
    for (archive, path, content) in files {
        let digest = Digest::of([*archive]);
        let builder =
            archives.entry(ArchiveName::Layer(digest)).or_insert_with(|| tar::Builder::new(Vec::new()));
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        builder.append_data(&mut header, format!("./{path}"), content.as_slice()).expect("appends");
        let mut node = file(path, content);
        node.source = Source::Layer { blob: digest, member: path.clone() };
        nodes.push(node);
    }
    let archives = archives.into_iter().map(|(name, builder)| (name, builder.into_inner().expect("ends")));
    (Counted(archives.collect(), AtomicUsize::new(0)), nodes)
}

#[test]
fn passes_over_an_archive_are_as_few_as_the_buffer_allows() {
    let names: Vec<String> = (0..10).map(|at| format!("f{at}")).collect();
    let sorted: Vec<_> = names.iter().map(|name| (0, name.clone(), noise(2, 1000))).collect();
    let reversed: Vec<_> = sorted.iter().rev().cloned().collect();
    let woven: Vec<_> =
        names.iter().zip((0..2).cycle()).map(|(name, at)| (at, name.clone(), noise(2, 1000))).collect();
    for (files, buffer_bytes_max, expected) in [
        (&sorted, 1_000_000, 1),
        (&sorted, 1000, 1),
        (&sorted, 10, 1),
        (&reversed, 1_000_000, 1),
        (&reversed, 5000, 2),
        (&reversed, 10, 10),
        (&woven, 1_000_000, 2),
        (&woven, 5000, 3),
    ] {
        let (contents, nodes) = archived(files);
        let options = WriteOptions { buffer_bytes_max, ..WriteOptions::new(Compression::None) };
        let segment = Segment::new(&nodes, [], TIME);
        let mut bytes = Vec::new();
        write_segment(&segment, &contents, &options, &mut bytes).expect("writes");
        let inline: Vec<Node> = files.iter().map(|(_, path, content)| file(path, content)).collect();
        assert!(bytes == written(&inline, &[], &WriteOptions::new(Compression::None)).1);
        assert_eq!(contents.1.into_inner(), expected, "{buffer_bytes_max}");
    }
}

#[test]
fn contents_that_are_not_what_their_index_says_are_refused() {
    let check = |change: &dyn Fn(&mut Node), buffer_bytes_max: u64, expected: &str| {
        let (contents, mut nodes) = archived(&[(0, "a".to_owned(), noise(1, 100))]);
        change(&mut nodes[0]);
        let options = WriteOptions { buffer_bytes_max, ..WriteOptions::new(Compression::None) };
        let segment = Segment::new(&nodes, [], TIME);
        let error = write_segment(&segment, &contents, &options, io::sink()).expect_err("fails");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let other = |node: &mut Node| node.entry.kind = EntryKind::File { size: 100, digest: Digest::of("b") };
    check(&other, 1000, "has no file `a` with the content of `/a`");
    check(&other, 10, "content of `/a` has digest");
    check(&|node| node.source = Source::Inline(noise(2, 100).into()), 1000, "content of `/a` has digest");
    check(&|node| node.source = Source::None, 1000, "file `/a` has no source");
    let elsewhere = |node: &mut Node| {
        node.source = Source::Package { archive: Digest::of([0]), member: "a".to_owned() };
    };
    check(&elsewhere, 1000, "cannot be opened");
}

#[test]
fn stored_segments_that_changed_are_refused() {
    for form in FORMS {
        let (record, bytes) = written(&varied(), &[], &WriteOptions::new(form));
        let append = |record: &SegmentRecord, bytes: &[u8]| {
            LayerWriter::new(form, io::sink()).append(record, bytes).expect_err("fails")
        };
        let cut = append(&record, &bytes[..bytes.len() - 1]);
        assert!(matches!(cut, JoinError::Differs { .. } | JoinError::Segment { .. }), "{cut}");
        let longer = SegmentRecord { uncompressed_size_bytes: record.uncompressed_size_bytes + 1, ..record };
        assert!(matches!(append(&longer, &bytes), JoinError::Length { .. }));
        // Two members where the record knows one would hide what the second holds.
        let twice = [bytes.as_slice(), &bytes].concat();
        let twice_record = SegmentRecord { digest: Digest::of(&twice), ..record };
        assert!(!matches!(append(&twice_record, &twice), JoinError::Differs { .. }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_archive_order_and_buffer_give_the_same_bytes(
        sizes in proptest::collection::vec((0_u8..3, 0_usize..4000), 1..20),
        shift in 0_usize..20,
        buffer_bytes_max in 0_u64..6000,
    ) {
        let mut files: Vec<_> = sizes.iter().enumerate()
            .map(|(at, (archive, size))| (*archive, format!("d/f{at}"), noise(at as u64, *size)))
            .collect();
        let inline: Vec<Node> = files.iter().map(|(_, path, content)| file(path, content)).collect();
        let len = files.len();
        files.rotate_left(shift % len);
        let (contents, nodes) = archived(&files);
        let options = WriteOptions { buffer_bytes_max, ..WriteOptions::new(Compression::Zstd) };
        let mut bytes = Vec::new();
        write_segment(&Segment::new(&nodes, [], TIME), &contents, &options, &mut bytes).expect("writes");
        prop_assert!(bytes == written(&inline, &[], &options).1);
    }
}
