//! Order, names and bytes of the cache.

use std::cmp::Ordering;
use std::sync::Arc;

use proptest::prelude::*;
use temper_oci::{Digest, ElfFacts, Facts};

use super::libraries::{Library, compare_names};
use super::*;
use crate::effects::testing::put;

/// A tree whose files with these paths are x86-64 libraries with these sonames.
fn tree(lines: &[&str], libraries: &[(&str, Option<&str>)]) -> Tree {
    let mut tree = Tree::default();
    put(&mut tree, lines);
    let mut facts = Facts::default();
    for (path, soname) in libraries {
        put(&mut tree, &[path]);
        let soname = soname.map(str::to_owned);
        let elf = ElfFacts { machine: 62, is_64: true, is_dynamic: true, soname, ..ElfFacts::default() };
        facts.elf.insert(Digest::of(path), elf);
    }
    tree.add_facts(Arc::new(facts));
    tree
}

fn listing(tree: &Tree) -> Vec<String> {
    let line = |library: Library| format!("{} {}", library.soname, library.path);
    libraries_of(tree, "amd64").into_iter().map(line).collect()
}

#[test]
fn directories_are_searched_once_under_their_first_name() {
    let tree = tree(
        &[
            "lib -> usr/lib",
            "etc/ld.so.conf = include ld.so.conf.d/*.conf\n/opt/b/ # last\n",
            "etc/ld.so.conf.d/b.conf = /opt/a\n/lib/x\n/usr/lib/x\n",
            "etc/ld.so.conf.d/a.conf = include /etc/ld.so.conf.d/a.conf\n/opt/missing\n",
            "etc/ld.so.conf.d/a.conf.old = /opt/no\n",
        ],
        &[
            ("usr/lib/x/liba.so.1", Some("liba.so.1")),
            ("opt/a/glibc-hwcaps/x86-64-v3/liba.so.1.5", Some("liba.so.1")),
            ("opt/a/liba.so.1", Some("liba.so.1")),
            ("opt/b/libb.so", None),
            ("opt/no/libno.so", None),
            ("usr/lib/libc.so.6", Some("libc.so.6")),
            ("usr/lib/x/plugins/libp.so", None),
        ],
    );
    assert_eq!(
        listing(&tree),
        [
            "liba.so.1 /opt/a/liba.so.1",
            "liba.so.1 /opt/a/glibc-hwcaps/x86-64-v3/liba.so.1.5",
            "liba.so.1 /lib/x/liba.so.1",
            "libb.so /opt/b/libb.so",
            "libc.so.6 /lib/libc.so.6",
        ]
    );
}

#[test]
fn files_that_include_each_other_are_read_once() {
    let each = "include /etc/ld.so.conf.d/*.conf\n";
    let mut lines = vec![format!("etc/ld.so.conf = {each}"), "opt/23/".to_owned()];
    lines.extend(
        (0..24).map(|number| format!("etc/ld.so.conf.d/{number:02}.conf = {each}/opt/{number:02}\n")),
    );
    let tree = tree(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let names = directories::configured(&tree);
    // The first file reads all others before it names its own directory.
    assert_eq!((names.len(), &*names[0], &*names[23]), (24, "/opt/23", "/opt/00"));
    let directories: Vec<String> = directories::directories(&tree).into_iter().map(|it| it.name).collect();
    assert_eq!(directories, ["/opt/23"]);
}

#[test]
fn links_count_under_their_own_name_only_as_sonames_or_for_the_linker() {
    let mut tree = tree(
        &[
            "usr/lib/liba.so.1 -> liba.so.1.2",
            "usr/lib/liba.so -> liba.so.1",
            "usr/lib/libalias.so.9 -> liba.so.1.2",
            "usr/lib/libnone.so.1 -> missing",
            "usr/lib/notes.so.txt",
            "usr/lib/liba.so.1-gdb.py",
        ],
        &[
            ("usr/lib/liba.so.1.2", Some("liba.so.1")),
            ("usr/lib/libb.so.2.9", Some("libb.so.2")),
            ("usr/lib/libb.so.2.10", Some("libb.so.2")),
            ("usr/lib/libc.so.1;5f", Some("libc.so.1")),
            ("usr/lib/ld-linux.so.2", Some("ld-linux.so.2")),
            ("usr/lib/other.so", Some("other.so")),
        ],
    );
    assert_eq!(
        listing(&tree),
        [
            "ld-linux.so.2 /usr/lib/ld-linux.so.2",
            "liba.so /usr/lib/liba.so",
            "liba.so.1 /usr/lib/liba.so.1",
            "libb.so.2 /usr/lib/libb.so.2",
        ]
    );
    let links = |tree: &Tree| ld_so_cache(tree, "amd64", Some("2.41-12")).expect("is needed").links;
    let link = Change::Symlink { path: "usr/lib/libb.so.2".into(), target: "libb.so.2.10".into() };
    assert_eq!(links(&tree), [link]);
    tree.get_mut("usr/lib/libb.so.2.10").expect("is there").origin = Origin::Base;
    assert_eq!(links(&tree), []);
}

#[test]
fn names_compare_by_their_numbers() {
    for (left, right, expected) in [
        ("liba.so.9", "liba.so.10", Ordering::Less),
        ("liba.so.1", "liba.so", Ordering::Greater),
        ("liba1.so", "liba-x.so", Ordering::Greater),
        ("liba.so.01", "liba.so.1", Ordering::Equal),
        ("liba", "libb", Ordering::Less),
        ("lib", "lib", Ordering::Equal),
    ] {
        assert_eq!(compare_names(left, right), expected, "{left} {right}");
        assert_eq!(compare_names(right, left), expected.reverse(), "{right} {left}");
    }
}

fn library(soname: &str, path: &str, hwcaps: Option<&str>) -> Library {
    let hwcaps = hwcaps.map(str::to_owned);
    Library { soname: soname.into(), path: path.into(), flags: 0x0303, hwcaps, link_to: None }
}

#[test]
fn strings_share_their_ends_and_hwcaps_come_first() {
    let libraries = vec![
        library("liba.so.1", "/lib/liba.so.1", None),
        library("liba.so.1", "/lib/glibc-hwcaps/v3/liba.so.1", Some("v3")),
        library("libb.so.2", "/lib/libb.so.2", None),
    ];
    let bytes = format::write(libraries, Some("demo"));
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let text = |at: u32| {
        let rest = &bytes[at as usize..];
        let end = rest.iter().position(|byte| *byte == 0).expect("strings end");
        String::from_utf8_lossy(&rest[..end]).into_owned()
    };
    let row = |index: usize| {
        let at = 48 + 24 * index;
        (text(number(at + 4)), text(number(at + 8)), number(at + 20))
    };
    assert_eq!(number(20), 3);
    assert_eq!(row(0), ("libb.so.2".into(), "/lib/libb.so.2".into(), 0));
    assert_eq!(row(1), ("liba.so.1".into(), "/lib/glibc-hwcaps/v3/liba.so.1".into(), 1 << 30));
    assert_eq!(row(2), ("liba.so.1".into(), "/lib/liba.so.1".into(), 0));
    let strings = "v3\0/lib/libb.so.2\0/lib/liba.so.1\0/lib/glibc-hwcaps/v3/liba.so.1\0";
    assert_eq!(String::from_utf8_lossy(&bytes[48 + 72..48 + 72 + number(24) as usize]), strings);
    assert_eq!(format::generator(&bytes), Some("demo"));
    assert_eq!(bytes.len() as u32, number(32) + 8 + 32 + 4 + 4);
}

#[test]
fn a_cache_is_made_only_where_it_is_needed() {
    let default = "etc/ld.so.conf = /usr/local/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu\n";
    let library = [("usr/lib/libc.so.6", Some("libc.so.6"))];
    let made = |lines: &[&str], version| ld_so_cache(&tree(lines, &library), "amd64", version);
    assert_eq!(made(&[default, "lib/x86_64-linux-gnu/"], None), None);
    assert_eq!(made(&["etc/ld.so.conf = /opt/lib\n"], None), None);
    assert!(made(&["etc/ld.so.conf = /opt/lib\n", "opt/lib/"], None).is_some());
    assert!(made(&["etc/ld.so.cache = old"], None).is_some());
    let bytes = made(&[], Some("2.41-12")).expect("libc-bin is there").content;
    assert_eq!(
        format::generator(&bytes),
        Some("ldconfig (Debian GLIBC 2.41-12) stable release version 2.41")
    );
    assert_eq!(
        generator(Some("ldconfig (Ubuntu GLIBC 2.39-0) stable release version 2.39"), Some("2.40-1")),
        Some("ldconfig (Ubuntu GLIBC 2.40-1) stable release version 2.40".to_owned())
    );
}

proptest! {
    #[test]
    fn the_generator_of_any_bytes_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
        let mut cache = b"glibc-ld.so.cache1.1".to_vec();
        cache.extend(bytes);
        format::generator(&cache);
    }

    #[test]
    fn names_have_a_total_order(names in proptest::collection::vec("[a.0-9-]{0,6}", 3)) {
        let order = |left: usize, right: usize| compare_names(&names[left], &names[right]);
        prop_assert_eq!(order(0, 1), order(1, 0).reverse());
        if order(0, 1) != Ordering::Greater && order(1, 2) != Ordering::Greater {
            prop_assert_ne!(order(0, 2), Ordering::Greater);
        }
    }
}
