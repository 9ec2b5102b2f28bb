//! Layers: compression, tar, names, contents.

#![no_main]

use std::io::Read as _;

use libfuzzer_sys::fuzz_target;
use temper_fuzz::small;
use temper_oci::{ScanMode, compression, scan_tar, visit_files};

fuzz_target!(|input: &[u8]| {
    let limits = small();
    for mode in [ScanMode::Layer, ScanMode::Package] {
        if let Ok(scan) = scan_tar(input, mode, &limits) {
            assert_eq!(scan.uncompressed_size_bytes, input.len() as u64);
        }
    }
    let _ = visit_files(input, &limits, &|_| true, &mut |_, content| {
        std::io::copy(content, &mut std::io::sink()).map(drop)
    });
    if let Ok((_, reader)) = compression::decoder(input) {
        let _ = scan_tar(reader.take(16 << 20), ScanMode::Layer, &limits);
    }
});
