//! Package files: ar, compression, control and data members.

#![no_main]

use std::io::Read as _;

use libfuzzer_sys::fuzz_target;
use temper_deb::package::{Package, PackageLimits};
use temper_fuzz::small;
use temper_oci::{ScanMode, scan_tar};

fuzz_target!(|input: &[u8]| {
    let limits = PackageLimits {
        control_bytes_max: 4 << 20,
        data_bytes_max: 16 << 20,
        decoder_bytes_max: 32 << 20,
        ..PackageLimits::default()
    };
    if let Ok(package) = Package::open(input, &limits) {
        let (_, mut data) = package.into_parts();
        let _ = scan_tar(&mut data, ScanMode::Package, &small());
        let _ = std::io::copy(&mut data.take(32 << 20), &mut std::io::sink());
    }
});
