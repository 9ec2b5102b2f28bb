//! Good package files in every form, and a table of bad ones with the error of each.

use std::error::Error as _;
use std::io::Read;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};
use temper_testkit::{Compression, Deb, deb::container};

use super::*;

fn hello() -> Deb {
    Deb::new("hello", "1.0-1")
        .depends("libc6")
        .file("usr/bin/hello", 0o755, b"#!/bin/sh\necho hello\n")
        .symlink("usr/bin/hi", "hello")
        .conffile("etc/hello.conf", b"greeting=hello\n")
        .script("postinst", "#!/bin/sh\nset -e\n")
        .script("config", "#!/bin/sh\n")
        .control_file("triggers", 0o644, b"interest-noawait /usr/share/hello\n")
}

fn open(bytes: &[u8]) -> Result<Package<&[u8]>, PackageError> {
    Package::open(bytes, &PackageLimits::default())
}

/// A control archive with entries of the caller's making: name, type, content.
fn control_archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn with_control(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    container(&[
        ("debian-binary", b"2.0\n"),
        ("control.tar", &control_archive(entries)),
        ("data.tar", &[0; 1024]),
    ])
}

#[test]
fn every_compression_gives_the_same_package() {
    for compression in Compression::ALL {
        let deb = hello().compression(compression);
        let bytes = deb.build();
        let (control, mut data) = open(&bytes).unwrap().into_parts();
        assert_eq!(control.control, deb.control(), "{compression:?}");
        let names: Vec<_> = control.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["conffiles", "config", "md5sums", "postinst", "triggers"]);
        assert_eq!(control.files["postinst"].mode, 0o755);
        let scripts: Vec<_> = control.scripts().collect();
        assert_eq!(scripts[0], ("config", "#!/bin/sh\n".into()));
        assert_eq!(scripts[1], ("postinst", "#!/bin/sh\nset -e\n".into()));
        assert_eq!(
            control.md5sums().unwrap(),
            "d604a220708aa59433ba410986cd4ffa  usr/bin/hello\n".to_owned()
        );
        assert_eq!(
            control.conffiles(),
            [Conffile { path: "/etc/hello.conf".into(), remove_on_upgrade: false }]
        );
        let mut archive = Vec::new();
        data.read_to_end(&mut archive).unwrap();
        assert_eq!(archive, deb.data_archive(), "{compression:?}");
    }
}

#[test]
fn conffiles_may_carry_a_flag() {
    let deb = hello().control_file("conffiles", 0o644, b"/etc/a\nremove-on-upgrade /etc/b\n\n");
    let bytes = deb.build();
    let conffiles = open(&bytes).unwrap().control().conffiles();
    let shown: Vec<_> = conffiles.iter().map(|c| (c.path.as_str(), c.remove_on_upgrade)).collect();
    assert_eq!(shown, [("/etc/a", false), ("/etc/b", true)]);
}

#[test]
fn reserved_members_and_later_minor_versions_are_passed_over() {
    let control = control_archive(&[("./control", EntryType::Regular, b"Package: a\n")]);
    let bytes = container(&[
        ("debian-binary", b"2.1\nmore\n"),
        ("_gpgorigin", b"x"),
        ("control.tar", &control),
        ("_other", b"odd"),
        ("data.tar", b"files"),
        ("later", b"ignored"),
    ]);
    let (control, mut data) = open(&bytes).unwrap().into_parts();
    assert_eq!(control.control, "Package: a\n");
    let mut text = String::new();
    data.read_to_string(&mut text).unwrap();
    assert_eq!(text, "files");
}

#[test]
fn old_lzma_members_are_read() {
    let options = liblzma::stream::LzmaOptions::new_preset(1).unwrap();
    let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
    let mut compressed = Vec::new();
    liblzma::read::XzEncoder::new_stream(&b"files"[..], stream).read_to_end(&mut compressed).unwrap();
    let control = control_archive(&[("control", EntryType::Regular, b"Package: a\n")]);
    let bytes =
        container(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar.lzma", &compressed)]);
    let mut text = String::new();
    open(&bytes).unwrap().into_parts().1.read_to_string(&mut text).unwrap();
    assert_eq!(text, "files");
}

#[test]
fn bad_containers_are_told_apart() {
    let check = |bytes: &[u8], expected: &str| {
        let error = open(bytes).err().expect(expected);
        assert_eq!(error.to_string(), expected);
    };
    let good = hello().compression(Compression::None).build();
    let version = ("debian-binary", &b"2.0\n"[..]);
    let control_bytes = control_archive(&[("control", EntryType::Regular, b"Package: a\n")]);
    let control = ("control.tar", &control_bytes[..]);
    let magic = "file is no Debian package: it does not begin with `!<arch>`";
    check(b"", magic);
    check(b"\x7fELF and so on", magic);
    check(b"!<arch>\n", "package ends before member `debian-binary`");
    check(&good[..40], "header of member 1 is damaged");
    check(&good[..200], "package ends within member `control.tar`");
    let mut damaged = good.clone();
    damaged[8 + 58] = b'x';
    check(&damaged, "header of member 1 is damaged");
    let mut negative = good;
    negative[8 + 48..8 + 50].copy_from_slice(b"-4");
    check(&negative, "header of member 1 is damaged");
    check(&container(&[control]), "package has member `control.tar` where `debian-binary` is expected");
    check(&container(&[("debian-binary", b"0.939\n")]), "package format is `0.939`, but only 2.x is read");
    check(&container(&[("debian-binary", b"2.")]), "package format is `2.`, but only 2.x is read");
    check(&container(&[version]), "package ends before member `control.tar`");
    check(
        &container(&[version, version]),
        "package has member `debian-binary` where `control.tar` is expected",
    );
    check(&container(&[version, control]), "package ends before member `data.tar`");
    check(
        &container(&[version, control, control]),
        "package has member `control.tar` where `data.tar` is expected",
    );
    check(
        &container(&[version, ("data.tar", b""), control]),
        "package has member `data.tar` where `control.tar` is expected",
    );
    check(
        &container(&[version, ("control.tar.bz2", b"")]),
        "compression of member `control.tar.bz2` is not supported",
    );
    check(
        &container(&[version, control, ("data.tar.bz2", b"")]),
        "compression of member `data.tar.bz2` is not supported",
    );
}

#[test]
fn bad_control_archives_are_told_apart() {
    let check = |entries: &[(&str, EntryType, &[u8])], expected: &str| {
        let error = open(&with_control(entries)).err().expect(expected);
        assert_eq!(error.to_string(), expected);
    };
    let control = ("./control", EntryType::Regular, &b"Package: a\n"[..]);
    check(&[], "control archive has no file `control`");
    for path in ["../control", "/control", "./a/b", "./..", "./.hidden", "a\nb", "./"] {
        let expected = format!("control archive has entry `{path}`, which is no plain file name");
        check(&[control, (path, EntryType::Regular, b"")], &expected);
    }
    check(
        &[("./sub/", EntryType::Directory, b"")],
        "control archive has entry `./sub/`, which is no plain file name",
    );
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo, EntryType::Directory]
    {
        check(
            &[("./postinst", kind, b"")],
            "control archive has entry `./postinst`, which is no regular file",
        );
    }
    check(&[control, control], "control archive has file `control` twice");
    check(&[("control", EntryType::Regular, b"Maintainer: \xe9\n")], "file `control` is not UTF-8");
    let large = vec![b'x'; (1 << 20) + 1];
    check(&[("control", EntryType::Regular, &large)], "file `control` is larger than 1048576 bytes");
    let many: Vec<_> = (0..1025).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), EntryType::Regular, &b""[..])).collect();
    check(&many, "control archive has more than 1024 entries");
}

#[test]
fn damage_within_members_names_the_member() {
    let control = control_archive(&[("control", EntryType::Regular, b"Package: a\n")]);
    for (name, bytes) in
        [("data.tar.gz", &b"no gzip"[..]), ("data.tar.xz", b"no xz at all"), ("data.tar.zst", b"nothing")]
    {
        let bytes = container(&[("debian-binary", b"2.0\n"), ("control.tar", &control), (name, bytes)]);
        let (_, mut data) = open(&bytes).unwrap().into_parts();
        let error = PackageError::from_io(data.read_to_end(&mut Vec::new()).unwrap_err());
        assert_eq!(error.to_string(), format!("member `{name}` cannot be decompressed"));
        assert!(error.source().is_some());
    }
    let cut = container(&[("debian-binary", b"2.0\n"), ("control.tar", &control[..700])]);
    assert_eq!(open(&cut).err().unwrap().to_string(), "control archive is damaged");
}

#[test]
fn a_package_that_is_cut_anywhere_is_refused() {
    for compression in Compression::ALL {
        let bytes = hello().compression(compression).build();
        for length in 0..bytes.len() - 1 {
            let read = open(&bytes[..length]).and_then(|package| {
                let mut data = package.into_parts().1;
                data.read_to_end(&mut Vec::new()).map_err(PackageError::from_io)
            });
            assert!(read.is_err(), "{compression:?} cut at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn bombs_are_stopped_by_size_and_by_ratio() {
    let limits =
        PackageLimits { control_bytes_max: 100_000, data_bytes_max: 200_000, ..PackageLimits::default() };
    let zeros = vec![0; 300_000];
    for compression in Compression::ALL {
        let control = hello().compression(compression).control_file("symbols", 0o644, &zeros).build();
        let suffix = compression.suffix();
        assert_eq!(
            Package::open(&control[..], &limits).err().unwrap().to_string(),
            format!("member `control.tar{suffix}` is larger than 100000 bytes after decompression")
        );
        let data = hello().compression(compression).file("zeros", 0o644, &zeros).build();
        let mut data = Package::open(&data[..], &limits).unwrap().into_parts().1;
        let error = PackageError::from_io(io::copy(&mut data, &mut io::sink()).unwrap_err());
        assert_eq!(
            error.to_string(),
            format!("member `data.tar{suffix}` is larger than 200000 bytes after decompression")
        );
    }
    let limits = PackageLimits::default();
    assert_eq!(limits.allowance(10, limits.data_bytes_max), 64 << 20);
    assert_eq!(limits.allowance(1 << 20, limits.data_bytes_max), 1000 << 20);
    assert_eq!(limits.allowance(u64::MAX, limits.data_bytes_max), limits.data_bytes_max);
}

#[test]
fn decoders_with_large_dictionaries_are_refused() {
    let limits = PackageLimits { decoder_bytes_max: 100_000, ..PackageLimits::default() };
    let bytes = hello().build();
    let error = Package::open(&bytes[..], &limits).err().unwrap();
    assert_eq!(error.to_string(), "member `control.tar.xz` cannot be decompressed");
}

fn read_everything(bytes: &[u8]) {
    let limits = PackageLimits { data_bytes_max: 1 << 20, ..PackageLimits::default() };
    if let Ok(package) = Package::open(bytes, &limits) {
        let (control, mut data) = package.into_parts();
        let _ = control.conffiles();
        let _ = io::copy(&mut data, &mut io::sink());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
        read_everything(&[b"!<arch>\n", &bytes[..]].concat());
    }

    #[test]
    fn damaged_packages_never_panic(
        form in 0..4usize,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = hello().compression(Compression::ALL[form]).build();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_everything(&bytes);
    }
}
