//! The gzip encoder: its bytes are part of every image digest, so no dependency may switch it to a C library.

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const EXPECTED: &str = "zlib-rs";

/// The feature of flate2 that each of its C libraries turns on, and that wins over the expected encoder.
const C_LIBRARY: &str = "any_c_zlib";

pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>> {
    let tree = workspace.cargo().args([
        "tree",
        "--workspace",
        "--edges=features",
        "--invert=flate2",
        "--prefix=none",
        "--target=all",
    ]);
    judge(&tree.output()?)
}

fn judge(tree: &str) -> Result<Vec<String>> {
    let enabled: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.strip_prefix("flate2 feature \""))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    if !tree.contains("flate2 v") {
        bail!("cargo tree does not know flate2");
    }
    let mut findings = Vec::new();
    if !enabled.contains(&EXPECTED) {
        findings.push(format!("flate2 is built without `{EXPECTED}`"));
    }
    if enabled.contains(&C_LIBRARY) {
        findings.push("flate2 is built with a C library, which changes the bytes of gzip layers".to_owned());
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tree: &str, expected: &[&str]) {
        assert_eq!(judge(tree).unwrap(), expected);
    }

    #[test]
    fn only_the_expected_encoder_passes() {
        check("flate2 v1.1.11\nflate2 feature \"any_zlib\"\nflate2 feature \"zlib-rs\"\n", &[]);
        check("flate2 v1.1.11\n", &["flate2 is built without `zlib-rs`"]);
        check(
            "flate2 v1.1.11\nflate2 feature \"zlib-rs\" (*)\nflate2 feature \"any_c_zlib\"\n",
            &["flate2 is built with a C library, which changes the bytes of gzip layers"],
        );
    }
}
