//! The stanza that dpkg writes into `status` for an installed package, byte for byte.

use std::borrow::Cow;

use crate::control::{ControlError, Stanza};
use crate::relation::{Relation, groups};

/// The fields in dpkg's own order; all others follow in the order of the control file. What the database says about
/// the installation itself (status, conffiles) comes from elsewhere, so the control file's value is not used.
const ORDER: [&str; 24] = [
    "Package",
    "Essential",
    "Protected",
    STATUS,
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
    "Enhances",
    CONFFILES,
];
const STATUS: &str = "Status";
const CONFFILES: &str = "Conffiles";

/// Fields of an archive's index, which dpkg keeps elsewhere.
const ARCHIVE: [&str; 3] = ["Filename", "Size", "MD5sum"];

/// Makes the stanza of a package from its control file and its conffiles, each an absolute path with the MD5 of the
/// file on disk in hexadecimal. The stanza ends with a newline and has no empty line after it.
pub fn status_stanza(control: &str, conffiles: &[(&str, &str)]) -> Result<String, ControlError> {
    let control = Stanza::parse(control)?;
    control.get("Package")?;
    control.get("Version")?;
    let mut text = String::new();
    for name in ORDER {
        match name {
            STATUS => write_field(&mut text, STATUS, "install ok installed"),
            CONFFILES => write_conffiles(&mut text, conffiles),
            _ => {
                if let Some(value) = control.find(name).and_then(|value| as_dpkg_writes(name, value)) {
                    write_field(&mut text, name, &value);
                }
            }
        }
    }
    if let Some(description) = control.find("Description") {
        write_field(&mut text, "Description", description);
    }
    let is_known = |name: &str| {
        ORDER.iter().chain(&ARCHIVE).chain(&["Description"]).any(|known| known.eq_ignore_ascii_case(name))
    };
    for field in control.fields().iter().filter(|field| !is_known(field.name) && !field.value.is_empty()) {
        write_field(&mut text, field.name, field.value);
    }
    Ok(text)
}

/// The value of the field `Package` of a stanza that [`status_stanza`] made.
pub(super) fn package_of(stanza: &str) -> &str {
    stanza.lines().find_map(|line| line.strip_prefix("Package:")).unwrap_or_default().trim()
}

/// dpkg writes parsed values, not the text it read; `None` where it writes nothing.
fn as_dpkg_writes<'a>(name: &str, value: &'a str) -> Option<Cow<'a, str>> {
    match name {
        _ if value.is_empty() => None,
        "Essential" | "Protected" => value.eq_ignore_ascii_case("yes").then_some(Cow::Borrowed("yes")),
        "Multi-Arch" => (!value.eq_ignore_ascii_case("no")).then_some(Cow::Borrowed(value)),
        "Version" => Some(Cow::Borrowed(without_zero_epoch(value))),
        "Replaces" | "Provides" | "Depends" | "Pre-Depends" | "Recommends" | "Suggests" | "Breaks"
        | "Conflicts" | "Enhances" => Some(rewrite_relations(value)),
        _ => Some(Cow::Borrowed(value)),
    }
}

/// One line, with `, ` between groups and ` | ` between alternatives. A field that cannot be read stays as it is.
fn rewrite_relations(value: &str) -> Cow<'_, str> {
    let rewritten: Result<Vec<_>, _> = groups(value)
        .map(|group| {
            let alternatives: Result<Vec<_>, _> = group
                .alternatives()
                .map(|relation| relation.map(|relation| write_relation(&relation)))
                .collect();
            alternatives.map(|alternatives| alternatives.join(" | "))
        })
        .collect();
    rewritten.map_or(Cow::Borrowed(value), |groups| Cow::Owned(groups.join(", ")))
}

fn write_relation(relation: &Relation<'_>) -> String {
    let mut relation = *relation;
    if let Some(constraint) = &mut relation.constraint {
        constraint.version = without_zero_epoch(constraint.version);
    }
    relation.to_string()
}

/// An epoch of zero is written only where the rest would look as if it had an epoch.
fn without_zero_epoch(version: &str) -> &str {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte == b'0') && !rest.contains(':') => rest,
        _ => version,
    }
}

fn write_field(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push(':');
    // dpkg puts no space before a value that begins on the next line.
    if !value.starts_with('\n') {
        text.push(' ');
    }
    text.push_str(value);
    text.push('\n');
}

fn write_conffiles(text: &mut String, conffiles: &[(&str, &str)]) {
    if conffiles.is_empty() {
        return;
    }
    text.push_str("Conffiles:\n");
    for (path, md5) in conffiles {
        text.extend([" ", path, " ", md5, "\n"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_the_order_of_dpkg() {
        let control = "\
Package: nano
Version: 0:8.4-1
Architecture: amd64
Homepage: https://www.nano-editor.org/
Maintainer: Nobody <nobody@example.org>
Installed-Size: 2952
Essential: no
Multi-Arch: no
Depends: libc6(>=2.38),
 libncursesw6 (>= 6) | x:any
Section: editors
Priority: optional
Filename: pool/nano.deb
Original-Maintainer: Somebody
Description: small editor
 for text
 .
 and more
Conflicts: pico (<< 0:1)
";
        let expected = "\
Package: nano
Status: install ok installed
Priority: optional
Section: editors
Installed-Size: 2952
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Version: 8.4-1
Depends: libc6 (>= 2.38), libncursesw6 (>= 6) | x:any
Conflicts: pico (<< 1)
Conffiles:
 /etc/nanorc 0123456789abcdef0123456789abcdef
Description: small editor
 for text
 .
 and more
Homepage: https://www.nano-editor.org/
Original-Maintainer: Somebody
";
        let conffiles = [("/etc/nanorc", "0123456789abcdef0123456789abcdef")];
        assert_eq!(status_stanza(control, &conffiles).unwrap(), expected);
    }

    #[test]
    fn essential_and_protected_are_written_when_set() {
        let control = "Package: bash\nProtected: yes\nEssential: YES\nVersion: 1:5\nMulti-Arch: foreign\n";
        assert_eq!(
            status_stanza(control, &[]).unwrap(),
            "Package: bash\nEssential: yes\nProtected: yes\nStatus: install ok installed\nMulti-Arch: foreign\nVersion: 1:5\n"
        );
    }

    #[test]
    fn a_control_file_needs_a_name_and_a_version() {
        let error = status_stanza("Package: a\n", &[]).unwrap_err();
        assert_eq!(error.to_string(), "field `Version` is missing");
    }
}
