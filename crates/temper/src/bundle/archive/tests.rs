//! Archives of layouts: the way there and back, and names that no layout has.

use super::*;

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Written into the header as it is: the library would refuse some of these names.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).expect("appends");
    }
    tar.into_inner().expect("ends")
}

#[test]
fn a_layout_survives_the_way_through_an_archive() {
    let folder = tempfile::tempdir().expect("makes a folder");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let layout = Layout::create(&from, Durability::Relaxed).expect("makes a layout");
    let digest = layout.blobs().put(b"content").expect("puts");
    let archives = [folder.path().join("1.tar"), folder.path().join("2.tar")];
    for archive in &archives {
        pack(&from, archive).expect("packs");
    }
    let [first, second] = archives.map(|path| fs::read(path).expect("reads"));
    assert!(first == second, "two archives of one layout differ");
    unpack(&folder.path().join("1.tar"), &to).expect("unpacks");
    let layout = Layout::open(&to, Durability::Relaxed).expect("is a layout");
    assert_eq!(layout.blobs().read(&digest, 100).expect("reads"), b"content");
}

#[test]
fn only_the_files_of_a_layout_are_read() {
    let index: (&str, &[u8]) = ("index.json", br#"{"schemaVersion":2,"manifests":[]}"#);
    let digest = Digest::of(b"content");
    let blob = format!("blobs/sha256/{}", digest.hex());
    let long = vec![b' '; VERSION_BYTES_MAX as usize + 1];
    for (entries, expected) in [
        (vec![index, (blob.as_str(), b"content")], ""),
        (vec![(blob.as_str(), b"content")], "it has no `index.json`"),
        (vec![index, (blob.as_str(), b"changed")], "digest"),
        (vec![index, ("../evil", b"x")], "a layout has no entry `../evil`"),
        (vec![index, ("/etc/passwd", b"x")], "a layout has no entry `/etc/passwd`"),
        (vec![index, ("blobs/sha256/../../evil", b"x")], "a layout has no entry `blobs/sha256/../../evil`"),
        (vec![index, ("oci-layout", &long)], "larger than 1024 bytes"),
    ] {
        let folder = tempfile::tempdir().expect("makes a folder");
        let path = folder.path().join("bundle.tar");
        fs::write(&path, archive(&entries)).expect("writes");
        let result = unpack(&path, &folder.path().join("layout"));
        let said = result.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(
            if expected.is_empty() { said.is_empty() } else { said.contains(expected) },
            "{expected}: {said}"
        );
        assert!(!folder.path().join("evil").exists());
    }
}
