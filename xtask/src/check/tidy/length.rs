//! The length of files and functions, tests left out.
//!
//! The text is read by its indentation, which rustfmt guarantees: a function ends at the first line that is its
//! own indentation and a closing brace.

use std::path::Path;

use crate::check::tidy::exceptions::Exceptions;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

const QUALIFIERS: &[&str] = &["pub", "const", "async", "unsafe", "extern"];

/// The file and each function that is longer than the rule and its exception allow.
pub(crate) fn findings(file: &Path, text: &str, exceptions: &mut Exceptions) -> Vec<String> {
    if is_test(file) {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").collect();
    let path = file.display().to_string();
    let mut findings = Vec::new();
    let limit = exceptions.limit(&path, lines.len(), FILE_LINES_MAX);
    if lines.len() > limit {
        findings.push(format!("{path}: {} lines before the tests, {limit} at most", lines.len()));
    }
    for (start, name, length) in functions(&lines) {
        let limit = exceptions.limit(&format!("{path}::{name}"), length, FUNCTION_LINES_MAX);
        if length > limit {
            findings.push(format!("{path}:{start}: `{name}` has {length} lines, {limit} at most"));
        }
    }
    findings
}

fn is_test(file: &Path) -> bool {
    let in_folder = file.components().any(|component| component.as_os_str() == "tests");
    in_folder || file.file_stem().is_some_and(|stem| stem == "tests")
}

/// Line number, name and length of each function, nested ones included.
fn functions<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str, usize)> {
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line.trim_start()) else { continue };
        let indentation = &line[..line.len() - line.trim_start().len()];
        let end = lines[index..].iter().position(|&line| line.strip_prefix(indentation) == Some("}"));
        if let Some(end) = end {
            found.push((index + 1, name, end + 1));
        }
    }
    found
}

fn function_name(declaration: &str) -> Option<&str> {
    let mut rest = declaration;
    while let Some((word, after)) = rest.split_once(' ') {
        if word == "fn" {
            return after.split(['(', '<']).next().filter(|_| !declaration.ends_with([';', '}']));
        }
        let word = word.split('(').next().unwrap_or_default();
        if !QUALIFIERS.contains(&word) {
            return None;
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured() {
        let text = "pub(crate) async fn long<T>(\n    a: T,\n) {\n    one();\n}\nfn short() {}\nimpl A {\n    \
                    fn inner(&self) {\n        two();\n    }\n}\n";
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(functions(&lines), [(1, "long", 5), (8, "inner", 3)]);
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let mut exceptions = Exceptions::default();
        let long = "\n".repeat(401);
        let check =
            |path: &str, text: &str, exceptions: &mut Exceptions| findings(Path::new(path), text, exceptions);
        let expected = ["a.rs: 401 lines before the tests, 400 at most"];
        assert_eq!(check("a.rs", &long, &mut exceptions), expected);
        assert!(check("a.rs", &format!("#[cfg(test)]\n{long}"), &mut exceptions).is_empty());
        assert!(check("crates/a/tests/b.rs", &long, &mut exceptions).is_empty());
    }
}
