//! Source files that no module names: the compiler never reads them, so nothing else would notice.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Roots of a crate, which cargo finds by their names.
const ROOTS: &[&str] = &["lib.rs", "main.rs", "build.rs"];

pub(crate) fn findings(root: &Path, files: &BTreeSet<PathBuf>) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_module(file)) {
        let parents: Vec<PathBuf> =
            parents(file).into_iter().filter(|parent| files.contains(parent)).collect();
        let mut named = false;
        for parent in &parents {
            named |= names(&fs::read_to_string(root.join(parent))?, file);
        }
        if !named {
            findings.push(format!("{}: no module names this file", file.display()));
        }
    }
    Ok(findings)
}

/// Whether the file is a module of a crate rather than the root of one.
///
/// `tests/a.rs` beside `src` is a crate of its own, `src/tests/a.rs` belongs to a module `tests`.
fn is_module(file: &Path) -> bool {
    let has = |name: &str| file.components().any(|part| part.as_os_str() == name);
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    let is_source =
        file.extension().is_some_and(|extension| extension == "rs") && (has("src") || has("tests"));
    let is_root = ROOTS.iter().any(|name| file.ends_with(name));
    let stands_alone = folder == "bin" || (folder == "tests" && !has("src"));
    is_source && !is_root && !stands_alone
}

/// The files that can declare the module of `file`.
fn parents(file: &Path) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut parents = vec![folder.with_extension("rs"), folder.join("mod.rs")];
    parents.extend(["lib.rs", "main.rs"].map(|name| folder.join(name)));
    parents
}

fn names(parent: &str, file: &Path) -> bool {
    let Some(module) = file.file_stem().and_then(|stem| stem.to_str()) else { return false };
    let declaration = format!("mod {module};");
    parent.lines().any(|line| line.ends_with(&declaration))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_told_from_modules() {
        let modules = ["crates/a/src/b.rs", "crates/a/src/b/c.rs", "crates/a/tests/main/c.rs"];
        assert!(modules.iter().all(|file| is_module(Path::new(file))));
        let roots =
            ["crates/a/src/lib.rs", "crates/a/tests/b.rs", "crates/a/tests/a/main.rs", "crates/a/build.rs"];
        assert!(!roots.iter().any(|file| is_module(Path::new(file))));
    }

    #[test]
    fn a_declaration_names_the_file() {
        assert!(names("//! A.\npub(crate) mod b;\n", Path::new("src/b.rs")));
        assert!(!names("mod bc;\n", Path::new("src/b.rs")));
        assert_eq!(parents(Path::new("src/b/c.rs"))[0], Path::new("src/b.rs"));
    }
}
