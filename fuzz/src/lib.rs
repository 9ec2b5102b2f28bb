//! What fuzz targets share: splitting their input, and trees that hold it.

use temper_oci::{Digest, LayerIndex, ScanLimits, ScanMode, scan_tar};
use temper_rootfs::tree::Tree;

/// Splits an input into `COUNT` parts at its zero bytes; missing parts are empty, the last holds the rest.
pub fn parts<const COUNT: usize>(input: &[u8]) -> [&[u8]; COUNT] {
    let mut split = input.splitn(COUNT, |byte| *byte == 0);
    std::array::from_fn(|_| split.next().unwrap_or_default())
}

/// Limits under which a short input cannot make a long run.
pub fn small() -> ScanLimits {
    ScanLimits {
        entries_max: 10_000,
        uncompressed_bytes_max: 8 << 20,
        kept_bytes_max: 4 << 20,
        facts_bytes_max: 4 << 20,
        elf_bytes_max: 1 << 20,
        ..ScanLimits::default()
    }
}

/// Makes the tree of a layer with these files, by the way that a layer takes.
pub fn tree(files: &[(&str, &[u8])]) -> Tree {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, path, *content).expect("is written to memory");
    }
    let bytes = archive.into_inner().expect("is written to memory");
    let scan = scan_tar(bytes.as_slice(), ScanMode::Layer, &ScanLimits::default()).expect("is a layer");
    Tree::stack([(Digest::of(&bytes), &LayerIndex::from(scan))])
}
