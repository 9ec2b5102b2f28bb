//! Copyright files as Debian packages have them, and the expressions they become.

use proptest::prelude::*;
use temper_attest::{Licence, Limits};

const FORMAT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";

fn read(text: &str) -> Option<String> {
    Licence::from_copyright(text, &Limits::default()).map(|licence| licence.expression().to_owned())
}

fn read_line(line: &str) -> Option<String> {
    read(&format!("{FORMAT}\nFiles: *\nCopyright: someone\nLicense: {line}\n The text.\n"))
}

#[test]
fn short_names_become_identifiers() {
    for (line, expected) in [
        ("Expat", "MIT"),
        ("MIT", "MIT"),
        ("curl", "curl"),
        ("Apache-2", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("BSL-1", "BSL-1.0"),
        ("CC0", "CC0-1.0"),
        ("GPL-1+", "GPL-1.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL-3.0-only", "GPL-3.0-only"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("LGPLv2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("Artistic", "Artistic-1.0-Perl"),
        ("public-domain", "LicenseRef-public-domain"),
        ("GPL", "LicenseRef-GPL"),
        ("Foo_1+", "LicenseRef-Foo-1-or-later"),
    ] {
        assert_eq!(read_line(line).as_deref(), Some(expected), "{line}");
    }
}

#[test]
fn the_grammar_has_commas_and_exceptions() {
    for (line, expected) in [
        ("GPL-2+ or Expat", "GPL-2.0-or-later OR MIT"),
        ("Expat and ISC or GPL-2", "GPL-2.0-only OR (ISC AND MIT)"),
        ("GPL-1+ or Artistic, and BSD-3-clause", "BSD-3-Clause AND (Artistic-1.0-Perl OR GPL-1.0-or-later)"),
        ("Expat, or ISC and Zlib", "MIT OR (ISC AND Zlib)"),
        ("Perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
        ("Perl or Expat", "Artistic-1.0-Perl OR GPL-1.0-or-later OR MIT"),
        ("Expat and Expat", "MIT"),
        ("GPL-3+ with Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("Apache-2.0 with LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("GPL-2+ with OpenSSL exception", "LicenseRef-GPL-2-or-later-with-OpenSSL-exception"),
    ] {
        assert_eq!(read_line(line).as_deref(), Some(expected), "{line}");
    }
    for prose in ["", "Permission to use, copy, modify", "see below.", "Expat or", "GPL-2+ (with exceptions)"]
    {
        assert_eq!(read_line(prose), None, "{prose}");
    }
}

#[test]
fn all_stanzas_count_and_prose_is_not_guessed_at() {
    let text = format!(
        "{FORMAT}Upstream-Name: x\nLicense: Zlib\n\nFiles: *\nCopyright: a\nLicense: GPL-2+\n\nFiles: debian/*\nCopyright: b\nLicense: Expat\n Text.\n\nLicense: GPL-2+\n On Debian systems …\n"
    );
    assert_eq!(read(&text).as_deref(), Some("GPL-2.0-or-later AND MIT"));
    assert_eq!(read(&format!("{FORMAT}License: Zlib\n")).as_deref(), Some("Zlib"));
    for text in [
        "",
        "This package was debianized by someone.\n\nLicense:\n\nGPL\n",
        "Format: http://example.com/other\n\nFiles: *\nLicense: MIT\n",
        FORMAT,
        &format!("{FORMAT}\nFiles: *\nCopyright: a\n"),
        &format!("{FORMAT}\nFiles: *\nLicense: MIT\nLicense: ISC\n"),
        &format!("{FORMAT}\nFiles: a\nLicense: MIT\n\nFiles: b\nLicense: do what you like\n"),
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let tight = Limits { copyright_bytes_max: 10, ..Limits::default() };
    assert_eq!(Licence::from_copyright(&format!("{FORMAT}License: Zlib\n"), &tight), None);
}

#[test]
fn unknown_names_are_kept_beside_their_references() {
    let text = format!("{FORMAT}\nFiles: *\nLicense: Expat and Foo_1+\n");
    let licence = Licence::from_copyright(&text, &Limits::default()).unwrap();
    assert_eq!(licence.references().collect::<Vec<_>>(), [("LicenseRef-Foo-1-or-later", "Foo_1+")]);
}

proptest! {
    #[test]
    fn any_file_is_read_or_not(text in "(Format: dep5\n\n)?(Files: x\n)?(License: [A-Za-z0-9+., -]{0,60}\n)?.{0,80}") {
        if let Some(expression) = read(&text) {
            prop_assert!(spdx_parses(&expression), "{}", expression);
        }
    }

    #[test]
    fn any_expression_is_valid(line in "(Expat|GPL-2\\+|Foo|Perl|Artistic)((, and|, or| and| or) (ISC|BSD-x|Perl|GPL-3 with Font exception)){0,6}") {
        let expression = read_line(&line).unwrap();
        prop_assert!(spdx_parses(&expression), "{}", expression);
    }
}

fn spdx_parses(expression: &str) -> bool {
    spdx::Expression::parse(expression).is_ok()
}
