//! Archives, honest and hostile.

use tar::EntryType::{
    Block, Char, Continuous, Directory, Fifo, GNULongName, GNUSparse, Regular, Symlink, XGlobalHeader,
    XHeader,
};
use temper_oci::{ScanError, ScanLimits, ScanMode, scan_tar, visit_files};
use temper_testkit::image::{Layer, pax_record};
use temper_testkit::tree_dump::{tar_dump, tree_dump};

fn scan(tar: &[u8], mode: ScanMode) -> Result<String, ScanError> {
    scan_tar(tar, mode, &ScanLimits::default()).map(|scan| tree_dump(&scan.records))
}

#[test]
fn every_kind_of_entry_is_recorded() {
    let long = "a".repeat(120);
    let layer = Layer::new()
        .directory(".")
        .directory("./usr")
        .file("/usr//app", 0o104_755, "hello")
        .owned(10, 20)
        .xattr("security.capability", b"\x01\0\n\x02")
        .symlink("bin", "/usr/bin/../bin")
        .hardlink("usr/app2", "./usr/app")
        .character_device("dev/null", 1, 3)
        .member(b"dev/loop", Block, 0o660, b"", b"")
        .member(b"run/fifo", Fifo, 0o600, b"", b"")
        .member(b"old/", Regular, 0o700, b"", b"")
        .member(b"contiguous", Continuous, 0o600, b"", b"x")
        .file(&format!("usr/{long}/x"), 0o644, "")
        .symlink("long", &long)
        .whiteout("etc/gone")
        .whiteout("gone")
        .opaque("var")
        .file("usr/.wh..wh.plnk/1.2", 0o644, "")
        .file(".wh..wh.aufs", 0o644, "");
    let expected = format!(
        "usr  dir 0755 0:0
usr/app  file 4755 10:20 5 2cf24dba +security.capability
bin  link 0777 0:0 -> /usr/bin/../bin
usr/app2  hard 0644 0:0 = usr/app
dev/null  char 0666 0:0 1,3
dev/loop  block 0660 0:0 0,0
run/fifo  fifo 0600 0:0
old  dir 0700 0:0
contiguous  file 0600 0:0 1 2d711642
usr/{long}/x  file 0644 0:0 0 e3b0c442
long  link 0777 0:0 -> {long}
etc/gone  whiteout
gone  whiteout
var  opaque
"
    );
    assert_eq!(tar_dump(&layer.to_tar()), expected);
}

#[test]
fn gnu_long_names_and_pax_values_count() {
    let name = format!("d/{}", "n".repeat(150));
    let pax = [pax_record("mtime", b"-1.5"), pax_record("uid", b"4000000000")].concat();
    let layer = Layer::new()
        .member(b"././@LongLink", GNULongName, 0, b"", format!("{name}\0").as_bytes())
        .file("short", 0o644, "")
        .member(b"pax", XHeader, 0, b"", &pax)
        .file("b", 0o644, "");
    let records = scan_tar(layer.to_tar().as_slice(), ScanMode::Layer, &ScanLimits::default());
    let text = tree_dump(&records.expect("scans").records);
    assert_eq!(text, format!("{name}  file 0644 0:0 0 e3b0c442\nb  file 0644 4000000000:0 0 e3b0c442\n"));
}

#[test]
fn hostile_archives_are_refused() {
    let file = |path: &[u8]| Layer::new().member(path, Regular, 0o644, b"", b"");
    let pax = |records: &[u8]| Layer::new().member(b"pax", XHeader, 0, b"", records).file("a", 0o644, "");
    let cases: Vec<(Layer, &str)> = vec![
        (file(b"../etc/passwd"), "archive entry `../etc/passwd` has a `..` component"),
        (file(b"a/../../b"), "archive entry `a/../../b` has a `..` component"),
        (pax(&pax_record("path", b"a\0b")), "archive entry `a\0b` has a zero byte"),
        (file(b"caf\xe9"), "archive entry `caf\u{fffd}` is not UTF-8"),
        (file(b"./."), "archive entry `./.` is empty"),
        (file(b"a/.wh."), "archive entry `a/.wh.` uses the reserved prefix `.wh.`"),
        (file(b".wh.."), "archive entry `.wh..` uses the reserved prefix `.wh.`"),
        (file(b"a/.wh..."), "archive entry `a/.wh...` uses the reserved prefix `.wh.`"),
        (file(b".wh.a/b"), "archive entry `.wh.a/b` uses the reserved prefix `.wh.`"),
        (pax(&pax_record("path", &[b'a'; 300])), "is too long"),
        (Layer::new().hardlink("a", "../b"), "link target `../b` of archive entry `a` has a `..` component"),
        (Layer::new().hardlink("a", "/"), "link target `/` of archive entry `a` is empty"),
        (Layer::new().symlink("a", ""), "link target `` of archive entry `a` is empty"),
        (Layer::new().member(b"a", Symlink, 0, b"b", b"x"), "is a symbolic link with 1 bytes of content"),
        (Layer::new().member(b"a", Directory, 0, b"", b"x"), "is a directory with 1 bytes of content"),
        (
            Layer::new().member(b"a", GNUSparse, 0, b"", b""),
            "archive entry `a` is a sparse file, which is not supported",
        ),
        (
            pax(&pax_record("GNU.sparse.major", b"1")),
            "archive entry `a` is a sparse file, which is not supported",
        ),
        (Layer::new().member(b"a", tar::EntryType::new(b'V'), 0, b"", b""), "unknown type flag 0x56"),
        (pax(b"9 a=b\n"), "extended header at byte 512 is malformed"),
        (pax(&pax_record("size", b"-1")), "has a bad `size`"),
        (pax(&pax_record("uid", b"9999999999")), "limit `uid`"),
        (
            Layer::new()
                .member(b"p", XHeader, 0, b"", b"6 a=b\n")
                .member(b"p", XHeader, 0, b"", b"6 a=b\n")
                .file("a", 0, ""),
            "stands twice for one entry",
        ),
        (Layer::new().member(b"p", XHeader, 0, b"", b"6 a=b\n"), "in the middle of an entry"),
        (Layer::new().member(b"g", XGlobalHeader, 0, b"", &pax_record("path", &[b'a'; 10])), "sets `path`"),
        (file(b"a").xattr("user.big", &vec![0; 200_000]), "limit `xattr_bytes_max`"),
        (Layer::new().member(b"p", XHeader, 0, b"", &vec![b'0'; 2 << 20]), "limit `extension_bytes_max`"),
    ];
    for (layer, expected) in cases {
        let error = scan(&layer.to_tar(), ScanMode::Layer).expect_err(expected);
        assert!(error.to_string().contains(expected), "`{error}` is not `{expected}`");
    }
}

#[test]
fn packages_hold_less_than_layers() {
    for (layer, expected) in [
        (Layer::new().file("a/.wh.b", 0o644, ""), "uses the reserved prefix `.wh.`"),
        (Layer::new().directory(".wh..wh.x"), "uses the reserved prefix `.wh.`"),
        (
            Layer::new().character_device("dev/null", 1, 3),
            "is a character device, which a package must not hold",
        ),
        (Layer::new().member(b"b", Block, 0, b"", b""), "is a block device, which a package must not hold"),
        (Layer::new().file("a\nb", 0o644, ""), "has a newline"),
    ] {
        let error = scan(&layer.to_tar(), ScanMode::Package).expect_err("is refused");
        assert!(error.to_string().contains(expected), "`{error}` is not `{expected}`");
    }
    let fine = Layer::new().directory(".").file("./usr/bin/x", 0o755, "").member(b"f", Char, 0, b"", b"");
    assert!(scan(&fine.to_tar(), ScanMode::Layer).is_ok());
}

#[test]
fn ends_of_archives() {
    let tar = Layer::new().file("a", 0o644, "abc").to_tar();
    let whole = "a  file 0644 0:0 3 ba7816bf\n";
    let joined = [&tar[..1024], &[0; 512], &tar[..1024]].concat();
    for (bytes, expected) in [
        (tar[..1024].to_vec(), Ok(whole)),
        (tar[..1024 + 512].to_vec(), Ok(whole)),
        (tar[..515].to_vec(), Ok(whole)),
        (tar[..600].to_vec(), Err("archive ends at byte 600 in the middle of an entry")),
        ([tar.clone(), vec![1; 100]].concat(), Ok(whole)),
        (tar[..1000].to_vec(), Err("archive ends at byte 1000 in the middle of an entry")),
        (tar[..100].to_vec(), Err("archive ends at byte 100 in the middle of an entry")),
        (joined, Err("archive has a single zero block at byte 1024 before more entries")),
        (vec![1; 512], Err("archive header at byte 0 has a wrong checksum")),
        (Vec::new(), Ok("")),
    ] {
        let scanned = scan(&bytes, ScanMode::Layer).map_err(|error| error.to_string());
        assert_eq!(scanned, expected.map(str::to_owned).map_err(str::to_owned), "{} bytes", bytes.len());
    }
}

#[test]
fn limits_are_named() {
    let tar = Layer::new().file("etc/passwd", 0o644, "root").file("b", 0o644, "#!/bin/sh -e").to_tar();
    let limits = ScanLimits::default;
    for (limits, expected) in [
        (ScanLimits { entries_max: 1, ..limits() }, "entries_max"),
        (ScanLimits { uncompressed_bytes_max: 1500, ..limits() }, "uncompressed_bytes_max"),
        (ScanLimits { kept_bytes_max: 3, ..limits() }, "kept_bytes_max"),
        (ScanLimits { facts_bytes_max: 3, ..limits() }, "facts_bytes_max"),
    ] {
        let error = scan_tar(tar.as_slice(), ScanMode::Layer, &limits).expect_err("is refused");
        assert!(matches!(error, ScanError::Limit { limit, .. } if limit == expected), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.starts_with("the limit is fixed")));
    }
    let short = ScanLimits { path_bytes_max: 3, ..limits() };
    let error = scan_tar(tar.as_slice(), ScanMode::Layer, &short).expect_err("is refused");
    assert_eq!(error.to_string(), "archive entry `etc/passwd` is too long");
}

#[test]
fn wanted_files_are_streamed() {
    let layer =
        Layer::new().directory("a").file("./a/x", 0o644, "one").file("b", 0o644, "two").hardlink("c", "b");
    let tar = layer.file("d", 0o644, vec![7; 100_000]).to_tar();
    let mut seen = Vec::new();
    let limits = ScanLimits::default();
    visit_files(tar.as_slice(), &limits, &|path| path != "b", &mut |path, reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        seen.push((path.to_owned(), bytes.len()));
        Ok(())
    })
    .expect("visits");
    assert_eq!(seen, [("a/x".to_owned(), 3), ("d".to_owned(), 100_000)]);
    let failed = visit_files(tar.as_slice(), &limits, &|path| path == "d", &mut |_, _| {
        Err(std::io::Error::other("disk is full"))
    });
    assert!(matches!(failed, Err(ScanError::Visit { path, .. }) if path == "d"));
    let cut = visit_files(&tar[..tar.len() - 5000], &limits, &|_| true, &mut |_, reader| {
        std::io::copy(reader, &mut std::io::sink()).map(drop)
    });
    assert!(matches!(cut, Err(ScanError::Truncated { .. })));
}
