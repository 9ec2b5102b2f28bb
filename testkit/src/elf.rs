//! Fake ELF files: a header, what the dynamic linker reads, and no code.
//!
//! ```
//! use temper_testkit::elf::Elf;
//!
//! let library = Elf::library("libhello.so.1").needs("libc.so.6", &["GLIBC_2.34"]).to_bytes();
//! assert!(library.starts_with(b"\x7fELF"));
//! ```

const HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;

/// A 64-bit little-endian file that is loaded at the address 0.
#[derive(Clone, Debug)]
pub struct Elf {
    machine: u16,
    soname: Option<String>,
    interpreter: Option<String>,
    needed: Vec<(String, Vec<String>)>,
    defined: Vec<String>,
    runpath: Option<String>,
}

impl Elf {
    /// Starts a shared library for x86-64.
    pub fn library(soname: &str) -> Self {
        let soname = Some(soname.to_owned());
        Self {
            machine: 62,
            soname,
            interpreter: None,
            needed: Vec::new(),
            defined: Vec::new(),
            runpath: None,
        }
    }

    /// Starts a program for x86-64 with its dynamic linker.
    pub fn program(interpreter: &str) -> Self {
        Self { soname: None, interpreter: Some(interpreter.to_owned()), ..Self::library("") }
    }

    /// Sets the machine number, 183 for 64-bit ARM.
    #[must_use]
    pub fn machine(self, machine: u16) -> Self {
        Self { machine, ..self }
    }

    /// Adds a needed library with the versions needed of it.
    #[must_use]
    pub fn needs(mut self, library: &str, versions: &[&str]) -> Self {
        self.needed.push((library.to_owned(), versions.iter().map(ToString::to_string).collect()));
        self
    }

    /// Adds a version that the library defines.
    #[must_use]
    pub fn defines(mut self, version: &str) -> Self {
        self.defined.push(version.to_owned());
        self
    }

    /// Sets where needed libraries are looked for first.
    #[must_use]
    pub fn runpath(self, path: &str) -> Self {
        Self { runpath: Some(path.to_owned()), ..self }
    }

    /// Returns the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let segments = 2 + u64::from(self.interpreter.is_some());
        let mut body = Body { start: HEADER_BYTES + segments * PROGRAM_HEADER_BYTES, bytes: Vec::new() };
        let interpreter = self.interpreter.as_ref().map(|path| body.put(&[path.as_bytes(), b"\0"].concat()));
        let mut strings = vec![0];
        let mut dynamic = Vec::new();
        for (library, _) in &self.needed {
            dynamic.push((1, intern(&mut strings, library)));
        }
        dynamic.extend(self.soname.iter().map(|name| (14, intern(&mut strings, name))));
        dynamic.extend(self.runpath.iter().map(|path| (29, intern(&mut strings, path))));
        if !self.defined.is_empty() {
            let (address, _) = body.put(&self.definitions(&mut strings));
            dynamic.extend([(0x6fff_fffc, address), (0x6fff_fffd, self.defined.len() as u64 + 1)]);
        }
        let versioned: Vec<_> = self.needed.iter().filter(|(_, versions)| !versions.is_empty()).collect();
        if !versioned.is_empty() {
            let (address, _) = body.put(&needs(&versioned, &mut strings));
            dynamic.extend([(0x6fff_fffe, address), (0x6fff_ffff, versioned.len() as u64)]);
        }
        let (address, size) = body.put(&strings);
        dynamic.extend([(5, address), (10, size), (0, 0)]);
        let dynamic = dynamic.iter().flat_map(|(tag, value): &(u64, u64)| [*tag, *value]);
        let dynamic = body.put(&dynamic.flat_map(u64::to_le_bytes).collect::<Vec<u8>>());
        let end = body.start + body.bytes.len() as u64;
        let mut file = self.header(segments as u16);
        file.extend(program_header(1, (0, end)));
        file.extend(program_header(2, dynamic));
        file.extend(interpreter.into_iter().flat_map(|place| program_header(3, place)));
        file.extend(body.bytes);
        file
    }

    fn header(&self, segments: u16) -> Vec<u8> {
        let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend([3_u16, self.machine].iter().flat_map(|half| half.to_le_bytes()));
        header.extend(1_u32.to_le_bytes());
        header.extend([0, HEADER_BYTES, 0].iter().flat_map(|word: &u64| word.to_le_bytes()));
        header.extend(0_u32.to_le_bytes());
        let sizes = [HEADER_BYTES as u16, PROGRAM_HEADER_BYTES as u16, segments, 64, 0, 0];
        header.extend(sizes.iter().flat_map(|half| half.to_le_bytes()));
        header
    }

    fn definitions(&self, strings: &mut Vec<u8>) -> Vec<u8> {
        let base = self.soname.clone().unwrap_or_default();
        let names = std::iter::once(&base).chain(&self.defined);
        let last = self.defined.len();
        let mut bytes = Vec::new();
        for (position, name) in names.enumerate() {
            let next: u32 = if position == last { 0 } else { 28 };
            let halves = [1, u16::from(position == 0), position as u16 + 1, 1];
            bytes.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
            let words = [0, 20, next, intern(strings, name) as u32, 0];
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        }
        bytes
    }
}

struct Body {
    start: u64,
    bytes: Vec<u8>,
}

impl Body {
    /// Appends a part at a multiple of eight; returns its address and length.
    fn put(&mut self, part: &[u8]) -> (u64, u64) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let address = self.start + self.bytes.len() as u64;
        self.bytes.extend(part);
        (address, part.len() as u64)
    }
}

fn needs(libraries: &[&(String, Vec<String>)], strings: &mut Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (position, (library, versions)) in libraries.iter().enumerate() {
        let next = if position + 1 == libraries.len() { 0 } else { 16 * (versions.len() as u32 + 1) };
        bytes.extend([1, versions.len() as u16].iter().flat_map(|half| half.to_le_bytes()));
        let words = [intern(strings, library) as u32, 16, next];
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        for (place, version) in versions.iter().enumerate() {
            let next = if place + 1 == versions.len() { 0 } else { 16 };
            let words = [0, 0, intern(strings, version) as u32, next];
            bytes.extend(words.iter().flat_map(|word: &u32| word.to_le_bytes()));
        }
    }
    bytes
}

fn intern(strings: &mut Vec<u8>, text: &str) -> u64 {
    let offset = strings.len() as u64;
    strings.extend(text.as_bytes());
    strings.push(0);
    offset
}

fn program_header(kind: u32, (offset, size): (u64, u64)) -> Vec<u8> {
    let mut header = [kind, 4].iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    header.extend([offset, offset, offset, size, size, 8].iter().flat_map(|word| word.to_le_bytes()));
    header
}
