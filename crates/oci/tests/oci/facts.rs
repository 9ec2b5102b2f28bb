//! What is known of contents.

use temper_oci::{Digest, ElfFacts, LayerIndex, Scan, ScanLimits, ScanMode, scan_tar};
use temper_testkit::elf::Elf;
use temper_testkit::image::Layer;

fn scan(layer: &Layer) -> Scan {
    scan_tar(layer.to_tar().as_slice(), ScanMode::Layer, &ScanLimits::default()).expect("scans")
}

#[test]
fn small_files_that_composition_reads_are_kept() {
    let big = vec![b'x'; (1 << 20) + 1];
    let layer = Layer::new()
        .file("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\n")
        .file("srv/passwd", 0o644, "other")
        .file("etc/ld.so.conf.d/big.conf", 0o644, &big)
        .file("var/lib/dpkg/status", 0o644, &big);
    let scan = scan(&layer);
    let mut kept: Vec<usize> = scan.facts.kept.values().map(Vec::len).collect();
    kept.sort_unstable();
    // The same big content is kept for the path that allows it.
    assert_eq!(kept, [26, big.len()]);
    assert_eq!(scan.diff_id, Digest::of(layer.to_tar()));
    assert_eq!(scan.uncompressed_size_bytes, layer.to_tar().len() as u64);
    let index = LayerIndex::from(scan);
    let bytes = postcard::to_allocvec(&index).expect("is written");
    assert_eq!(postcard::from_bytes::<LayerIndex>(&bytes).expect("is read"), index);
}

#[test]
fn interpreter_lines_are_cut_and_trimmed() {
    let long = format!("#!/bin/{}", "x".repeat(300));
    for (content, expected) in [
        ("#!/bin/sh\necho", Some("/bin/sh")),
        ("#! /usr/bin/env -S python3  \r\n", Some("/usr/bin/env -S python3")),
        ("#!/bin/sh", Some("/bin/sh")),
        (long.as_str(), Some(&long[2..258])),
        ("#!\n", None),
        ("# !/bin/sh", None),
        ("", None),
    ] {
        let scan = scan(&Layer::new().file("a", 0o755, content));
        let line = scan.facts.interpreters.get(&Digest::of(content)).map(String::as_str);
        assert_eq!(line, expected, "{content:?}");
    }
}

#[test]
fn elf_files_name_what_they_need() {
    let library = Elf::library("libx.so.1")
        .needs("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34"])
        .needs("libm.so.6", &[])
        .needs("libz.so.1", &["ZLIB_1"])
        .defines("X_1")
        .defines("X_2")
        .runpath("$ORIGIN/../lib")
        .machine(183)
        .to_bytes();
    let program = Elf::program("/lib64/ld-linux-x86-64.so.2").to_bytes();
    let scan = scan(&Layer::new().file("usr/lib/libx.so.1", 0o644, &library).file("app", 0o755, &program));
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
    let expected = ElfFacts {
        machine: 183,
        is_64: true,
        is_dynamic: true,
        flags: 0,
        soname: Some("libx.so.1".to_owned()),
        needed: owned(&["libc.so.6", "libm.so.6", "libz.so.1"]),
        interpreter: None,
        runpath: Some("$ORIGIN/../lib".to_owned()),
        versions_defined: owned(&["X_1", "X_2"]),
        versions_needed: vec![
            ("libc.so.6".to_owned(), owned(&["GLIBC_2.2.5", "GLIBC_2.34"])),
            ("libz.so.1".to_owned(), owned(&["ZLIB_1"])),
        ],
    };
    assert_eq!(scan.facts.elf[&Digest::of(&library)], expected);
    let program = &scan.facts.elf[&Digest::of(&program)];
    assert_eq!(program.interpreter.as_deref(), Some("/lib64/ld-linux-x86-64.so.2"));
    assert_eq!((program.machine, &program.soname, program.needed.len()), (62, &None, 0));
}

/// The test's own program is one that a real linker wrote.
#[test]
fn real_elf_files_are_read() {
    let bytes = std::fs::read(std::env::current_exe().expect("the test has a path")).expect("can be read");
    let scan = scan(&Layer::new().file("usr/bin/test", 0o755, &bytes));
    let facts = &scan.facts.elf[&Digest::of(&bytes)];
    assert!(facts.is_dynamic && !facts.needed.is_empty() && facts.interpreter.is_some(), "{facts:?}");
    assert!(facts.versions_needed.iter().all(|(file, _)| facts.needed.contains(file)), "{facts:?}");
}

#[test]
fn damaged_elf_files_have_no_facts() {
    let bytes = Elf::library("libx.so.1").needs("libc.so.6", &["GLIBC_2.34"]).to_bytes();
    for length in [4, 16, 64, 120, 200, bytes.len() - 1] {
        let scan = scan(&Layer::new().file("a", 0o755, &bytes[..length]));
        assert!(scan.facts.elf.is_empty(), "{length} bytes");
    }
}
