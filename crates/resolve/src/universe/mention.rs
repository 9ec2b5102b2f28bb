//! Where an archive's indexes mention a name for the first time.
//!
//! apt numbers packages in the order in which its cache meets their names, as a stanza of their own or in a relation of
//! another one, and the number decides between providers that are equal otherwise. The order is found by searching the
//! text, because it is needed for a handful of names and keeping it would mean to read every relation of the archive.

use std::sync::PoisonError;

use memchr::memmem;

use super::{RecordId, Universe};

/// The relationship fields in the order in which apt reads those of a stanza, after the stanza's own name.
const FIELDS: [&str; 9] = [
    "Pre-Depends",
    "Depends",
    "Conflicts",
    "Breaks",
    "Recommends",
    "Suggests",
    "Replaces",
    "Enhances",
    "Provides",
];

/// A place in the order of first mention: source, stanza, field, byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mention {
    source: usize,
    stanza: usize,
    field: usize,
    byte: usize,
}

impl Universe {
    /// The first mention of the package whose record is `id`. A search takes milliseconds, so its result is kept.
    pub(crate) fn first_mention(&self, id: RecordId) -> Mention {
        let mut mentions = self.mentions.lock().unwrap_or_else(PoisonError::into_inner);
        *mentions.entry(id).or_insert_with(|| self.find_first_mention(id))
    }

    fn find_first_mention(&self, id: RecordId) -> Mention {
        let name = self.record(id).name();
        let found = self.sources.iter().enumerate().find_map(|(source, facts)| {
            let own = self.find_in_source(name, source).map(|record| record.offset());
            find_in_text(facts.index.text(), name, source, own)
        });
        found.unwrap_or(Mention { source: self.sources.len(), stanza: 0, field: 0, byte: id.0 as usize })
    }
}

/// The first mention in a text where the name's own stanza, if there is one, begins at `own`.
fn find_in_text(text: &str, name: &str, source: usize, own: Option<usize>) -> Option<Mention> {
    let own_mention = own.map(|stanza| Mention { source, stanza, field: 0, byte: 0 });
    let searched = &text[..own.unwrap_or(text.len())];
    let mut first: Option<Mention> = None;
    for byte in memmem::find_iter(searched.as_bytes(), name.as_bytes()) {
        let Some((stanza, field)) = relation_at(text, byte, name.len()) else { continue };
        let mention = Mention { source, stanza, field, byte };
        match first {
            Some(before) if before.stanza != stanza => break,
            Some(before) if before < mention => {}
            _ => first = Some(mention),
        }
    }
    first.or(own_mention)
}

/// Stanza and field of a hit, if it is a whole name in a relationship field.
fn relation_at(text: &str, byte: usize, length: usize) -> Option<(usize, usize)> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let bytes = text.as_bytes();
    let whole = (byte == 0 || !is_name(bytes[byte - 1]))
        && bytes.get(byte + length).is_none_or(|next| !is_name(*next));
    if !whole {
        return None;
    }
    let mut start = text[..byte].rfind('\n').map_or(0, |newline| newline + 1);
    while start > 0 && matches!(bytes[start], b' ' | b'\t') {
        start = text[..start - 1].rfind('\n').map_or(0, |newline| newline + 1);
    }
    let (field, _) = text[start..byte].split_once(':')?;
    let rank = FIELDS.iter().position(|known| known.eq_ignore_ascii_case(field))?;
    let stanza = text[..byte].rfind("\n\n").map_or(0, |gap| gap + 2);
    Some((stanza, rank + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Package: first
Provides: late
Depends: early (>= 1) | libearly, late
Description: about own

Package: own
Depends: early

Package: early
";

    #[test]
    fn fields_count_in_the_order_of_apt_and_descriptions_not_at_all() {
        let mention = |name, own: Option<&str>| {
            let own = own.map(|stanza| TEXT.find(stanza).unwrap());
            find_in_text(TEXT, name, 0, own).map(|found| (found.stanza, found.field))
        };
        let own = TEXT.find("Package: own").unwrap();
        assert_eq!(mention("own", Some("Package: own")), Some((own, 0)));
        assert_eq!(mention("early", Some("Package: early")), Some((0, 2)));
        assert_eq!(mention("late", None), Some((0, 2)));
        assert_eq!(mention("absent", None), None);
        assert!(find_in_text(TEXT, "early", 0, None) < find_in_text(TEXT, "late", 0, None));
    }
}
