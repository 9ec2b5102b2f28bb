//! The order in which an archive's indexes mention names for the first time.
//!
//! apt numbers packages in the order in which its cache meets their names, as a stanza of their own or in a relation of
//! another one, and the number decides between providers that are equal otherwise. Reading every relation of an archive
//! takes some tens of milliseconds, so it is done for the first such decision and not before.

use temper_deb::index::PackageRecord;

use super::Universe;

/// For the packages that provide something, when their name is mentioned first.
#[derive(Debug)]
pub(super) struct Mentions {
    /// Hashes of names with their ranks, at the place that the hash's low bits say or the next free one. A hash of 64
    /// bits stands for its name: no two names of an archive share one. A free place has a hash of zero.
    places: Vec<(u64, u32)>,
}

impl Universe {
    /// A number that is higher the later the indexes mention a name; the highest for one that provides nothing.
    pub(crate) fn first_mention(&self, name: &str) -> u32 {
        let mentions = self.mentions.get_or_init(|| Mentions::read(self));
        mentions.find(hash(name))
    }
}

impl Mentions {
    fn read(universe: &Universe) -> Self {
        let providers = || universe.fitting_records().filter(|record| !record.provides().is_empty());
        // A quarter of the places is used, so that most other names meet a free place at once.
        let mut mentions =
            Self { places: vec![(0, u32::MAX); (providers().count() * 4).next_power_of_two()] };
        for record in providers() {
            let place = mentions.place(hash(record.name()));
            mentions.places[place].0 = hash(record.name());
        }
        let mut count = 0;
        let mut mention = |name| {
            let place = mentions.place(name);
            let (_, rank) = mentions.places.get_mut(place).filter(|(hash, _)| *hash == name)?;
            if *rank == u32::MAX {
                *rank = count;
                count += 1;
            }
            Some(())
        };
        for record in universe.fitting_records() {
            mention(hash(record.name()));
            for field in relations(&record) {
                for_each_name(field, |name| _ = mention(name));
            }
        }
        mentions
    }

    fn find(&self, name: u64) -> u32 {
        self.places[self.place(name)].1
    }

    /// Where a hash stands or would stand.
    fn place(&self, name: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut place = name as usize & mask;
        while !matches!(self.places[place].0, hash if hash == 0 || hash == name) {
            place = (place + 1) & mask;
        }
        place
    }
}

/// The relationship fields in the order in which apt reads those of a stanza.
fn relations<'a>(record: &PackageRecord<'a>) -> [&'a str; 9] {
    [
        record.pre_depends(),
        record.depends(),
        record.conflicts(),
        record.breaks(),
        record.recommends(),
        record.suggests(),
        record.replaces(),
        record.enhances(),
        record.provides(),
    ]
}

/// Calls `visit` with the hash of each name in a relationship field.
fn for_each_name(field: &str, mut visit: impl FnMut(u64)) {
    for relation in field.as_bytes().split(|byte| matches!(byte, b',' | b'|')) {
        let relation = relation.trim_ascii_start();
        let is_end = |byte: &u8| matches!(byte, b' ' | b'(' | b':' | b'\t' | b'\n');
        let end = relation.iter().position(is_end).unwrap_or(relation.len());
        visit(hash_bytes(&relation[..end]));
    }
}

fn hash(name: &str) -> u64 {
    hash_bytes(name.as_bytes())
}

/// FNV-1a, which is never zero for the names of packages.
fn hash_bytes(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use temper_deb::index::PackageIndex;

    use crate::source::IndexSource;

    use super::*;

    const TEXT: &str = "\
Package: first
Version: 1
Architecture: all
Provides: late, x
Depends: early:any (>= 1) | libearly,
 third(= 1)
Description: about own

Package: own
Version: 1
Architecture: all
Provides: x
Depends: early

Package: late
Version: 1
Architecture: all
Provides: x

Package: third
Version: 1
Architecture: all
Provides: x

Package: early
Version: 1
Architecture: all
Provides: x
";

    #[test]
    fn fields_count_in_the_order_of_apt_and_descriptions_not_at_all() {
        let index = Arc::new(PackageIndex::parse(TEXT.to_owned()).unwrap());
        let universe = Universe::new("amd64", vec![IndexSource::new(index, "trixie", "main")]);
        let mut names = ["absent", "early", "first", "late", "own", "third"];
        names.sort_by_key(|name| universe.first_mention(name));
        assert_eq!(names, ["first", "early", "third", "late", "own", "absent"]);
    }
}
