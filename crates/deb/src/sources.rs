//! Lists of package archives: what apt's configuration names, see
//! [sources.list(5)](https://manpages.debian.org/sources.list.5).

use crate::control::{Stanza, stanzas};

/// Archives of binary packages that one line or stanza names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AptSource<'a> {
    /// Addresses.
    pub uris: Vec<&'a str>,
    /// Suites.
    pub suites: Vec<&'a str>,
    /// Components.
    pub components: Vec<&'a str>,
}

/// Reads a file of lines `deb [options] address suite component…`; other lines are passed over.
pub fn lines(text: &str) -> impl Iterator<Item = AptSource<'_>> {
    text.lines().filter_map(of_line)
}

/// Reads a file of stanzas up to the first damaged one; disabled ones and those without the type `deb` are passed over.
pub fn deb822(text: &str) -> impl Iterator<Item = AptSource<'_>> {
    stanzas(text).map_while(Result::ok).filter(is_used).map(|stanza| {
        let words = |field| stanza.find(field).unwrap_or_default().split_ascii_whitespace().collect();
        AptSource { uris: words("URIs"), suites: words("Suites"), components: words("Components") }
    })
}

fn of_line(line: &str) -> Option<AptSource<'_>> {
    let line = line.split('#').next().unwrap_or_default();
    let rest = line.trim_start().strip_prefix("deb")?;
    let rest = rest.starts_with([' ', '\t']).then(|| rest.trim_start())?;
    let rest = match rest.strip_prefix('[') {
        Some(options) => options.split_once(']')?.1,
        None => rest,
    };
    let mut words = rest.split_ascii_whitespace();
    let uris = vec![words.next()?];
    Some(AptSource { uris, suites: words.next().into_iter().collect(), components: words.collect() })
}

fn is_used(stanza: &Stanza<'_>) -> bool {
    let is_enabled = !stanza.find("Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    is_enabled && stanza.find("Types").unwrap_or_default().split_ascii_whitespace().any(|kind| kind == "deb")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown<'a>(sources: impl Iterator<Item = AptSource<'a>>) -> Vec<String> {
        let one = |source: AptSource<'_>| {
            [source.uris, source.suites, source.components].map(|words| words.join(",")).join(" ")
        };
        sources.map(one).collect()
    }

    #[test]
    fn both_forms_name_the_same() {
        let text = "# deb http://a sid main\n deb\t[ arch=amd64 trusted=no ] http://b trixie main contrib # why\n\
            deb-src http://c trixie main\ndebian http://d sid main\ndeb http://e ./\n";
        assert_eq!(shown(lines(text)), ["http://b trixie main,contrib", "http://e ./ "]);
        let text = "Types: deb-src deb\nURIs: http://b\n http://c\nSuites: trixie trixie-updates\n\
            Components: main contrib\n\nTypes: deb-src\nURIs: http://d\n\n\
            Enabled: No\nTypes: deb\nURIs: http://e\n";
        assert_eq!(shown(deb822(text)), ["http://b,http://c trixie,trixie-updates main,contrib"]);
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in "(deb|Types: deb\nURIs:)?[ -~\\[\\]#\n\té]{0,60}") {
            let _ = (lines(&text).count(), deb822(&text).count());
        }
    }
}
