//! What the dynamic linker would read of an ELF file.
//!
//! Follows the [System V ABI, "Dynamic Linking"](https://gabi.xinuos.com/elf/08-dynamic.html) and the
//! [LSB, "Symbol Versioning"](https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html).
//! Only program headers are used: sections may be stripped.

use object::elf::{self, FileHeader32, FileHeader64};
use object::pod::Pod;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, pod};

use crate::ElfFacts;

/// Names that one file may need or define; a file with more is taken as damaged.
const NAMES_MAX: usize = 16_384;
/// Length of one such name in bytes.
const NAME_BYTES_MAX: usize = 4096;
/// The version definition that stands for the file itself.
const VERSION_IS_BASE: u16 = 1;
/// A version whose absence the dynamic linker only warns about.
const VERSION_IS_WEAK: u16 = 2;

/// Reads an executable or shared library; nothing for other ELF files and for damaged ones.
pub(super) fn read(bytes: &[u8]) -> Option<ElfFacts> {
    match FileKind::parse(bytes).ok()? {
        FileKind::Elf32 => File::<FileHeader32<Endianness>>::parse(bytes)?.facts().ok(),
        FileKind::Elf64 => File::<FileHeader64<Endianness>>::parse(bytes)?.facts().ok(),
        _ => None,
    }
}

/// Returns the length of all names in bytes, as a measure of what the facts occupy.
pub(super) fn size_bytes(facts: &ElfFacts) -> u64 {
    let single = [&facts.soname, &facts.interpreter, &facts.runpath].into_iter().flatten();
    let needed = facts.versions_needed.iter().flat_map(|(file, names)| std::iter::once(file).chain(names));
    let names = single.chain(&facts.needed).chain(&facts.versions_defined).chain(needed);
    // Each name also costs its place in the vector.
    names.map(|name| name.len() as u64 + 24).sum()
}

/// The file contradicts itself or a bound of this module.
struct Damaged;

struct File<'data, Elf: FileHeader> {
    bytes: &'data [u8],
    header: &'data Elf,
    endian: Elf::Endian,
    segments: &'data [Elf::ProgramHeader],
}

/// The entries of the dynamic section that matter here; addresses and counts as stored.
#[derive(Default)]
struct Dynamic {
    strings: Option<(u64, u64)>,
    needed: Vec<u64>,
    soname: Option<u64>,
    rpath: Option<u64>,
    runpath: Option<u64>,
    versions_defined: Option<u64>,
    versions_needed: Option<u64>,
}

impl<'data, Elf: FileHeader<Endian = Endianness>> File<'data, Elf> {
    fn parse(bytes: &'data [u8]) -> Option<Self> {
        let header = Elf::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let is_loaded = matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN);
        let segments = is_loaded.then(|| header.program_headers(endian, bytes).ok())??;
        Some(Self { bytes, header, endian, segments })
    }

    fn facts(&self) -> Result<ElfFacts, Damaged> {
        let mut facts = ElfFacts {
            machine: self.header.e_machine(self.endian).0,
            is_64: self.header.is_class_64(),
            is_dynamic: self.header.e_type(self.endian) == elf::ET_DYN,
            flags: self.header.e_flags(self.endian).0,
            interpreter: self.interpreter()?,
            ..ElfFacts::default()
        };
        let dynamic = self.dynamic()?;
        let Some((address, size)) = dynamic.strings else { return Ok(facts) };
        let strings = self.at(address)?;
        let strings = &strings[..strings.len().min(usize::try_from(size).map_err(|_| Damaged)?)];
        let string = |offset: u64| name(strings, offset);
        facts.needed = dynamic.needed.into_iter().map(string).collect::<Result<_, _>>()?;
        facts.soname = dynamic.soname.map(string).transpose()?;
        facts.runpath = dynamic.runpath.or(dynamic.rpath).map(string).transpose()?;
        if let Some(address) = dynamic.versions_defined {
            facts.versions_defined = self.versions_defined(self.at(address)?, strings)?;
        }
        if let Some(address) = dynamic.versions_needed {
            facts.versions_needed = self.versions_needed(self.at(address)?, strings)?;
        }
        Ok(facts)
    }

    fn interpreter(&self) -> Result<Option<String>, Damaged> {
        for segment in self.segments {
            if let Some(path) = segment.interpreter(self.endian, self.bytes).map_err(|_| Damaged)? {
                return text(path).map(Some);
            }
        }
        Ok(None)
    }

    fn dynamic(&self) -> Result<Dynamic, Damaged> {
        let mut found = Dynamic::default();
        let (mut strings, mut strings_size) = (None, None);
        let entries =
            self.segments.iter().find_map(|segment| segment.dynamic(self.endian, self.bytes).transpose());
        for entry in entries.transpose().map_err(|_| Damaged)?.unwrap_or_default() {
            let value: u64 = entry.d_val(self.endian).into();
            match entry.d_tag(self.endian) {
                elf::DT_NULL => break,
                elf::DT_NEEDED => found.needed.push(value),
                elf::DT_STRTAB => strings = Some(value),
                elf::DT_STRSZ => strings_size = Some(value),
                elf::DT_SONAME => found.soname = Some(value),
                elf::DT_RPATH => found.rpath = Some(value),
                elf::DT_RUNPATH => found.runpath = Some(value),
                elf::DT_VERDEF => found.versions_defined = Some(value),
                elf::DT_VERNEED => found.versions_needed = Some(value),
                _ => {}
            }
        }
        found.strings = strings.zip(strings_size);
        if found.needed.len() <= NAMES_MAX { Ok(found) } else { Err(Damaged) }
    }

    /// Returns the bytes of the file from an address to the end of its segment.
    fn at(&self, address: u64) -> Result<&'data [u8], Damaged> {
        let from = |segment: &'data Elf::ProgramHeader| {
            let start: u64 = segment.p_vaddr(self.endian).into();
            let skip = usize::try_from(address.checked_sub(start)?).ok()?;
            let is_loaded = segment.p_type(self.endian) == elf::PT_LOAD;
            let data = is_loaded.then(|| segment.data(self.endian, self.bytes).ok())??;
            data.get(skip..).filter(|rest| !rest.is_empty())
        };
        self.segments.iter().find_map(from).ok_or(Damaged)
    }

    fn versions_defined(&self, mut bytes: &[u8], strings: &[u8]) -> Result<Vec<String>, Damaged> {
        let mut names = Vec::new();
        for _ in 0..NAMES_MAX {
            let definition: &elf::Verdef<Endianness> = record(bytes)?;
            if definition.vd_flags.get(self.endian).0 & VERSION_IS_BASE == 0 {
                // The first name is the version's own, the others are those that it inherits from.
                let first: &elf::Verdaux<Endianness> =
                    record(from(bytes, definition.vd_aux.get(self.endian))?)?;
                names.push(name(strings, first.vda_name.get(self.endian).into())?);
            }
            match definition.vd_next.get(self.endian) {
                0 => return Ok(names),
                next => bytes = from(bytes, next)?,
            }
        }
        Err(Damaged)
    }

    fn versions_needed(
        &self,
        mut bytes: &[u8],
        strings: &[u8],
    ) -> Result<Vec<(String, Vec<String>)>, Damaged> {
        let mut files: Vec<(String, Vec<String>)> = Vec::new();
        let mut names_left = NAMES_MAX;
        loop {
            let need: &elf::Verneed<Endianness> = record(bytes)?;
            let mut names = Vec::new();
            let mut auxiliary = from(bytes, need.vn_aux.get(self.endian))?;
            for _ in 0..need.vn_cnt.get(self.endian) {
                names_left = names_left.checked_sub(1).ok_or(Damaged)?;
                let version: &elf::Vernaux<Endianness> = record(auxiliary)?;
                if version.vna_flags.get(self.endian).0 & VERSION_IS_WEAK == 0 {
                    names.push(name(strings, version.vna_name.get(self.endian).into())?);
                }
                auxiliary = from(auxiliary, version.vna_next.get(self.endian))?;
            }
            files.push((name(strings, need.vn_file.get(self.endian).into())?, names));
            names_left = names_left.checked_sub(1).ok_or(Damaged)?;
            match need.vn_next.get(self.endian) {
                0 => return Ok(files),
                next => bytes = from(bytes, next)?,
            }
        }
    }
}

fn record<T: Pod>(bytes: &[u8]) -> Result<&T, Damaged> {
    pod::from_bytes(bytes).map(|(record, _)| record).map_err(|()| Damaged)
}

fn from(bytes: &[u8], offset: u32) -> Result<&[u8], Damaged> {
    bytes.get(offset as usize..).ok_or(Damaged)
}

fn name(strings: &[u8], offset: u64) -> Result<String, Damaged> {
    let start = usize::try_from(offset).map_err(|_| Damaged)?;
    let rest = strings.get(start..).ok_or(Damaged)?;
    let rest = &rest[..rest.len().min(NAME_BYTES_MAX)];
    text(&rest[..rest.iter().position(|byte| *byte == 0).ok_or(Damaged)?])
}

fn text(bytes: &[u8]) -> Result<String, Damaged> {
    let short = if bytes.len() <= NAME_BYTES_MAX { bytes } else { return Err(Damaged) };
    std::str::from_utf8(short).map(str::to_owned).map_err(|_| Damaged)
}
