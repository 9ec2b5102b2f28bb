//! The bytes of `ld.so.cache` in the format of glibc 2.33 and later (`sysdeps/generic/dl-cache.h` of glibc).
//!
//! All numbers are written for little-endian machines. Header, 48 bytes: magic, count of libraries, length of the
//! strings, flags 2 (little endian), offset of the extensions. Libraries, 24 bytes each: flags, offsets of soname and
//! path, 0, hwcaps. Then the strings, then the extensions: the hwcaps names and the name of the generator.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::libraries::{Library, compare_names};

const MAGIC: &[u8; 20] = b"glibc-ld.so.cache1.1";
const HEADER_BYTES: usize = 48;
const LIBRARY_BYTES: usize = 24;
const LITTLE_ENDIAN: u32 = 2;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
const SECTION_BYTES: usize = 16;
const TAG_GENERATOR: u32 = 0;
const TAG_HWCAPS: u32 = 1;
/// Marks the hwcaps field of a library as an index into the names.
const HWCAPS_EXTENSION: u64 = 1 << 62;

/// Writes a cache; libraries of equal rank stay in the given order.
pub(super) fn write(mut libraries: Vec<Library>, generator: Option<&str>) -> Vec<u8> {
    libraries.sort_by(rank);
    let hwcaps: BTreeSet<&str> = libraries.iter().filter_map(|library| library.hwcaps.as_deref()).collect();
    let hwcaps: Vec<&str> = hwcaps.into_iter().collect();
    let names = libraries.iter().flat_map(|library| [library.soname.as_str(), library.path.as_str()]);
    let start = HEADER_BYTES + libraries.len() * LIBRARY_BYTES;
    let (strings, offsets) = string_table(names.chain(hwcaps.iter().copied()).collect(), start);
    let extension_offset = (start + strings.len()).next_multiple_of(4);

    let mut bytes = MAGIC.to_vec();
    let extensions = extensions(&hwcaps, &offsets, generator, extension_offset);
    let header_offset = if extensions.is_empty() { 0 } else { extension_offset };
    for number in [libraries.len(), strings.len(), LITTLE_ENDIAN as usize, header_offset, 0, 0, 0] {
        bytes.extend((number as u32).to_le_bytes());
    }
    for library in &libraries {
        bytes.extend(library.flags.to_le_bytes());
        bytes.extend(offsets[library.soname.as_str()].to_le_bytes());
        bytes.extend(offsets[library.path.as_str()].to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        let index = library.hwcaps.as_deref().and_then(|name| hwcaps.iter().position(|known| *known == name));
        bytes.extend(index.map_or(0, |index| HWCAPS_EXTENSION | index as u64).to_le_bytes());
    }
    bytes.extend(strings);
    if !extensions.is_empty() {
        bytes.resize(extension_offset, 0);
        bytes.extend(extensions);
    }
    bytes
}

/// Orders libraries: higher names first, then higher flags, then those in hwcaps directories by their names.
fn rank(left: &Library, right: &Library) -> Ordering {
    let by_hwcaps = match (&left.hwcaps, &right.hwcaps) {
        (Some(left), Some(right)) => left.cmp(right),
        (left, right) => right.is_some().cmp(&left.is_some()),
    };
    compare_names(&right.soname, &left.soname).then(right.flags.cmp(&left.flags)).then(by_hwcaps)
}

/// Lays out strings so that one that ends another shares its bytes; returns the offset of each from the file's start.
fn string_table(strings: BTreeSet<&str>, start: usize) -> (Vec<u8>, BTreeMap<&str, u32>) {
    let mut strings: Vec<&str> = strings.into_iter().collect();
    // Descending by the reversed string, so that a longer string stands right before its ends.
    strings.sort_by(|left, right| right.bytes().rev().cmp(left.bytes().rev()));
    let mut bytes: Vec<u8> = Vec::new();
    let mut offsets = BTreeMap::new();
    let mut previous = "";
    for string in strings {
        if !previous.ends_with(string) || previous.is_empty() {
            bytes.extend(string.as_bytes());
            bytes.push(0);
        }
        offsets.insert(string, (start + bytes.len() - 1 - string.len()) as u32);
        previous = string;
    }
    (bytes, offsets)
}

fn extensions(
    hwcaps: &[&str],
    offsets: &BTreeMap<&str, u32>,
    generator: Option<&str>,
    offset: usize,
) -> Vec<u8> {
    let count = usize::from(generator.is_some()) + usize::from(!hwcaps.is_empty());
    if count == 0 {
        return Vec::new();
    }
    let hwcaps_offset = offset + 8 + count * SECTION_BYTES;
    let generator_offset = hwcaps_offset + hwcaps.len() * 4;
    let mut bytes = Vec::new();
    let mut numbers =
        |numbers: &[usize]| bytes.extend(numbers.iter().flat_map(|n| (*n as u32).to_le_bytes()));
    numbers(&[EXTENSION_MAGIC as usize, count]);
    if let Some(generator) = generator {
        numbers(&[TAG_GENERATOR as usize, 0, generator_offset, generator.len()]);
    }
    if !hwcaps.is_empty() {
        numbers(&[TAG_HWCAPS as usize, 0, hwcaps_offset, hwcaps.len() * 4]);
    }
    for name in hwcaps {
        numbers(&[offsets[name] as usize]);
    }
    bytes.extend(generator.unwrap_or_default().as_bytes());
    bytes
}

/// Reads the generator's name from a cache.
pub(super) fn generator(cache: &[u8]) -> Option<&str> {
    let number =
        |at: usize| Some(u32::from_le_bytes(cache.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize);
    if !cache.starts_with(MAGIC) {
        return None;
    }
    let extensions = number(32)?;
    if extensions == 0 || number(extensions)? != EXTENSION_MAGIC as usize {
        return None;
    }
    let count = number(extensions.checked_add(4)?)?.min(16);
    for index in 0..count {
        let section = extensions + 8 + index * SECTION_BYTES;
        if number(section)? == TAG_GENERATOR as usize {
            let (start, length) = (number(section + 8)?, number(section + 12)?);
            return std::str::from_utf8(cache.get(start..start.checked_add(length)?)?).ok();
        }
    }
    None
}
