//! The fields of a package stanza that are looked for while an index is read.

/// Number of [`Field`]s.
pub(super) const FIELD_COUNT: usize = NAMES.len();

/// A known field; its number is its place in a record's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Package,
    Version,
    Architecture,
    Status,
    MultiArch,
    Essential,
    Protected,
    /// The older spelling of `Protected`.
    Important,
    Priority,
    Section,
    Source,
    PreDepends,
    Depends,
    Conflicts,
    Breaks,
    Replaces,
    Provides,
    Recommends,
    Suggests,
    Enhances,
    Filename,
    Size,
    Sha256,
    InstalledSize,
    Description,
}

const NAMES: [(&str, Field); 25] = [
    ("Package", Field::Package),
    ("Version", Field::Version),
    ("Architecture", Field::Architecture),
    ("Status", Field::Status),
    ("Multi-Arch", Field::MultiArch),
    ("Essential", Field::Essential),
    ("Protected", Field::Protected),
    ("Important", Field::Important),
    ("Priority", Field::Priority),
    ("Section", Field::Section),
    ("Source", Field::Source),
    ("Pre-Depends", Field::PreDepends),
    ("Depends", Field::Depends),
    ("Conflicts", Field::Conflicts),
    ("Breaks", Field::Breaks),
    ("Replaces", Field::Replaces),
    ("Provides", Field::Provides),
    ("Recommends", Field::Recommends),
    ("Suggests", Field::Suggests),
    ("Enhances", Field::Enhances),
    ("Filename", Field::Filename),
    ("Size", Field::Size),
    ("SHA256", Field::Sha256),
    ("Installed-Size", Field::InstalledSize),
    ("Description", Field::Description),
];

impl Field {
    /// Finds a field by its name in any case. Called for every line of an index.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let candidates: &[Self] = match name.len() {
            4 => &[Self::Size],
            6 => &[Self::Sha256, Self::Source, Self::Breaks, Self::Status],
            7 => &[Self::Package, Self::Version, Self::Depends, Self::Section],
            8 => &[
                Self::Filename,
                Self::Priority,
                Self::Provides,
                Self::Replaces,
                Self::Suggests,
                Self::Enhances,
            ],
            9 => &[Self::Conflicts, Self::Essential, Self::Protected, Self::Important],
            10 => &[Self::MultiArch, Self::Recommends],
            11 => &[Self::Description, Self::PreDepends],
            12 => &[Self::Architecture],
            14 => &[Self::InstalledSize],
            _ => &[],
        };
        candidates.iter().copied().find(|field| name.eq_ignore_ascii_case(field.name().as_bytes()))
    }

    pub(super) fn name(self) -> &'static str {
        NAMES[self as usize].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for (position, (name, field)) in NAMES.into_iter().enumerate() {
            assert_eq!(field as usize, position, "{name}");
            assert_eq!(Field::of(name.as_bytes()), Some(field), "{name}");
            assert_eq!(Field::of(name.to_ascii_lowercase().as_bytes()), Some(field), "{name}");
        }
        assert_eq!(Field::of(b"Maintainer"), None);
    }
}
