//! Dependencies that an image does without, taken out of what its package database says.
//!
//! An image from a definition leaves packages out that others ask for. Its database must not ask for them either:
//! `apt` would refuse to add anything before it has repaired what is missing on purpose.

use std::fmt::Write as _;
use std::sync::Arc;

use temper_deb::control::Stanza;
use temper_rootfs::package_index::PackageIndex;

use crate::choice::WaivedRelation;

/// Returns the index of a package without its waived dependencies.
pub(super) fn without(index: &Arc<PackageIndex>, waived: &[WaivedRelation]) -> Arc<PackageIndex> {
    let relations: Vec<&str> = waived
        .iter()
        .filter(|waived| waived.package == index.name())
        .map(|waived| waived.relation.as_str())
        .collect();
    if relations.is_empty() {
        return Arc::clone(index);
    }
    Arc::new(PackageIndex { control: edit(&index.control, &relations), ..PackageIndex::clone(index) })
}

fn edit(control: &str, relations: &[&str]) -> String {
    let Ok(stanza) = Stanza::parse(control) else { return control.to_owned() };
    let mut edited = String::with_capacity(control.len());
    for field in stanza.fields() {
        if !["depends", "pre-depends"].contains(&field.name.to_ascii_lowercase().as_str()) {
            let _ = writeln!(edited, "{}: {}", field.name, field.value);
            continue;
        }
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let kept: Vec<String> = field
            .value
            .split(',')
            .map(words)
            .filter(|group| !group.is_empty() && !relations.iter().any(|relation| words(relation) == *group))
            .collect();
        if !kept.is_empty() {
            let _ = writeln!(edited, "{}: {}", field.name, kept.join(", "));
        }
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::edit;

    #[test]
    fn waived_dependencies_are_taken_out() {
        let control = "Package: a\nPre-Depends: awk\nDepends: b (>= 1), debconf (>= 0.5) | debconf-2.0,\n c\nDescription: d\n e\n";
        let edited = edit(control, &["awk", "debconf (>= 0.5) | debconf-2.0"]);
        assert_eq!(edited, "Package: a\nDepends: b (>= 1), c\nDescription: d\n e\n");
    }
}
