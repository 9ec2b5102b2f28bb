//! docs/benchmarks.md: a section for each benchmark, each with its own date.

use std::fs;

use anyhow::{Context, Result};

use crate::report::{machine, today};
use crate::workspace::Workspace;

const PAGE: &str = "docs/benchmarks.md";
const HEAD: &str = "# Benchmarks\n";

/// Puts a section in the place of the one with the same title, or at the end.
pub(crate) fn write_section(
    workspace: &Workspace,
    title: &str,
    introduction: &str,
    table: &str,
) -> Result<()> {
    let file = workspace.root().join(PAGE);
    let page = fs::read_to_string(&file).with_context(|| format!("reading {PAGE}"))?;
    let section = format!("\n## {title}\n\n{introduction}\n\n{}, {}.\n\n{table}", today()?, machine()?);
    fs::write(&file, with_section(&page, title, &section)).with_context(|| format!("writing {PAGE}"))
}

fn with_section(page: &str, title: &str, section: &str) -> String {
    let mut sections: Vec<String> = page.split("\n## ").skip(1).map(|text| format!("\n## {text}")).collect();
    let heading = format!("\n## {title}\n");
    match sections.iter_mut().find(|text| text.starts_with(&heading)) {
        Some(place) => section.clone_into(place),
        None => sections.push(section.to_owned()),
    }
    // What was cut before the line of a heading has lost its last line break.
    let sections = sections.iter().map(|text| format!("{}\n", text.trim_end()));
    std::iter::once(HEAD.to_owned()).chain(sections).collect()
}

#[cfg(test)]
mod tests {
    use super::with_section;

    #[test]
    fn a_section_is_put_in_its_place() {
        let page = "# Benchmarks\n\n## One\n\nold\n\n## Two\n\nkept\n";
        let changed = with_section(page, "One", "\n## One\n\nnew\n");
        assert_eq!(changed, "# Benchmarks\n\n## One\n\nnew\n\n## Two\n\nkept\n");
        assert_eq!(
            with_section(&changed, "Three", "\n## Three\n\nx\n"),
            format!("{changed}\n## Three\n\nx\n")
        );
        assert_eq!(with_section(&changed, "Two", "\n## Two\n\nkept\n"), changed);
    }
}
