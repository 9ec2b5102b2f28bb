//! The public catalog, where `TEMPER_DHI_CATALOG` names a folder that holds it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use temper_spec::Definition;

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test and the census of the catalog are said aloud")]
fn every_definition_of_the_public_catalog_is_read_and_printed() {
    let Some(root) = std::env::var_os("TEMPER_DHI_CATALOG").map(PathBuf::from) else {
        eprintln!("skipped: TEMPER_DHI_CATALOG does not name a folder with the public catalog");
        return;
    };
    let (mut images, mut charts, mut buildable) = (0, 0, 0);
    let mut obstacles: BTreeMap<String, usize> = BTreeMap::new();
    for folder in ["image", "chart"] {
        for path in definitions(&root.join(folder)) {
            let text = fs::read_to_string(&path).expect("readable");
            let id = path.strip_prefix(root.join(folder)).expect("below").with_extension("");
            let definition = Definition::parse(&id.to_string_lossy(), &text)
                .unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display()))
                .value;
            let back = Definition::parse(&definition.id, &definition.to_yaml()).expect("its own print").value;
            assert_eq!(back, definition, "{}", path.display());
            assert!(definition.distribution().is_some(), "{}", path.display());
            *if definition.is_chart() { &mut charts } else { &mut images } += 1;
            let found = definition.not_buildable();
            buildable += usize::from(found.is_empty());
            for obstacle in found {
                let key: String = obstacle.chars().filter(|character| !character.is_ascii_digit()).collect();
                *obstacles.entry(key).or_default() += 1;
            }
        }
    }
    eprintln!("{images} images, {charts} charts, {buildable} can be built; obstacles: {obstacles:#?}");
    assert!(images > 0 && charts > 0, "no definition below {}", root.display());
}

/// Finds the files that begin with a front end's line, in the order of their paths.
fn definitions(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(definitions(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml")
            && fs::read(&path).expect("readable").starts_with(b"# syntax=")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}
