//! Foreign bytes never panic and never take more than they may; what is written is read again.

use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;
use temper_oci::{
    Compression, Descriptor, Digest, ImageConfig, ImageDocument, Platform, Reference, ScanLimits, ScanMode,
    compression, media_type, normalize_path, scan_tar, validate, visit_files,
};
use temper_testkit::elf::Elf;
use temper_testkit::image::{Image, Layer};

fn archive() -> Vec<u8> {
    Layer::new()
        .directory("usr")
        .file("usr/app", 0o755, elf())
        .xattr("user.x", b"1\n2")
        .file(&format!("usr/{}", "n".repeat(120)), 0o644, "#!/bin/sh\n")
        .hardlink("b", "usr/app")
        .whiteout("gone")
        .to_tar()
}

fn elf() -> Vec<u8> {
    let program = Elf::program("/lib/ld.so").needs("libc.so.6", &["GLIBC_2.34", "GLIBC_2.38"]);
    program.needs("libm.so.6", &["GLIBC_2.2.5"]).defines("X_1").defines("X_2").runpath("/opt").to_bytes()
}

fn small_limits() -> ScanLimits {
    ScanLimits { uncompressed_bytes_max: 1 << 20, ..ScanLimits::default() }
}

proptest! {
    #[test]
    fn archives_with_changed_bytes_are_read_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
        let mut tar = archive();
        for (place, byte) in changes {
            let place = place.index(tar.len());
            // Changed fields must pass the checksum to reach the parser behind it.
            tar[place] = byte;
            let header = place / 512 * 512;
            let sum: u32 = tar[header..header + 148].iter().chain(&tar[header + 156..header + 512]).map(|byte| u32::from(*byte)).sum();
            if !(148..156).contains(&(place % 512)) && tar[header + 257..header + 262] == *b"ustar" {
                tar[header + 148..header + 156].copy_from_slice(format!("{:06o}\0 ", sum + 256).as_bytes());
            }
        }
        let limits = small_limits();
        for mode in [ScanMode::Layer, ScanMode::Package] {
            if let Ok(scan) = scan_tar(tar.as_slice(), mode, &limits) {
                prop_assert_eq!(scan.diff_id, Digest::of(&tar));
            }
        }
        let _ = visit_files(tar.as_slice(), &limits, &|_| true, &mut |_, reader| reader.read_to_end(&mut Vec::new()).map(drop));
    }

    #[test]
    fn damaged_elf_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let mut bytes = elf();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        for length in [bytes.len(), cut.index(bytes.len())] {
            let tar = Layer::new().file("a", 0o755, &bytes[..length]).to_tar();
            prop_assert!(scan_tar(tar.as_slice(), ScanMode::Layer, &ScanLimits::default()).is_ok());
        }
    }

    #[test]
    fn references_are_read_again(text in "[a-z0-9.:/@_A-Z-]{0,40}|\\PC{0,20}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
        }
    }

    #[test]
    fn digests_platforms_and_paths_are_read_again(text in "(sha256|sha512|x):[0-9a-f]{60,66}|[a-z/0-9]{0,20}|[./a]{0,12}") {
        if let Ok(digest) = text.parse::<Digest>() {
            prop_assert_eq!(digest.to_string(), text.clone());
        }
        if let Ok(platform) = text.parse::<Platform>() {
            prop_assert_eq!(platform.to_string().parse::<Platform>(), Ok(platform));
        }
        if let Some(path) = normalize_path(&text) {
            prop_assert_eq!(normalize_path(&path), Some(path.clone()));
            prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
        }
    }

    #[test]
    fn documents_and_configs_never_panic(place in any::<prop::sample::Index>(), with in "[\"{}\\[\\]:,0-9a-z]{0,4}", cut in 0usize..6) {
        let mut blobs = BTreeMap::new();
        let image = Image::new(&Platform::linux("amd64")).layer(&Layer::new(), Compression::Gzip);
        image.config(|config| config.set_label("a", "b")).build(&mut |digest, bytes| drop(blobs.insert(digest, bytes)));
        for bytes in blobs.values() {
            let place = place.index(bytes.len());
            let end = bytes.len().min(place + cut);
            let changed = [&bytes[..place], with.as_bytes(), &bytes[end..]].concat();
            if let Ok(document) = ImageDocument::parse(changed.clone(), None) {
                prop_assert_eq!(document.digest(), Digest::of(&changed));
                validate(&BTreeMap::new(), &document.descriptor(), &ScanLimits::default());
            }
            if let Ok(config) = ImageConfig::parse(&changed) {
                prop_assert_eq!(ImageConfig::parse(&config.to_bytes()).expect("is read again"), config);
            }
        }
    }

    #[test]
    fn compressed_streams_never_panic(start in prop::sample::select(vec![&b"\x1f\x8b"[..], b"\x28\xb5\x2f\xfd", b""]), rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [start, &rest].concat();
        if let Ok((_, reader)) = compression::decoder(bytes.as_slice()) {
            let _ = reader.take(1 << 20).read_to_end(&mut Vec::new());
        }
        let root = Descriptor::of(media_type::OCI_MANIFEST, &bytes);
        let blobs = BTreeMap::from([(root.digest, bytes)]);
        prop_assert_eq!(validate(&blobs, &root, &small_limits()).len(), 1);
    }
}
