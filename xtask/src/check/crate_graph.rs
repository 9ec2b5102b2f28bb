//! Which crate may use which: the layers of ARCHITECTURE.md as a table that a test compares with the manifests.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::Workspace;

/// A crate of the workspace, with what its `[dependencies]` may name.
struct Rule {
    name: &'static str,
    /// The crates of the workspace that it may use.
    uses: &'static [&'static str],
    /// What it must not know.
    ignorant_of: &'static [&'static [&'static str]],
}

/// Clients and servers of any network protocol, and the runtimes that drive them.
const NETWORK: &[&str] = &["axum", "http-auth", "hyper", "reqwest", "tokio", "tower", "tower-http"];
/// Databases.
const SQL: &[&str] = &["sqlx"];
/// Randomness and the surroundings of a process. A calendar is none of it: that nothing reads the clock, a lint keeps.
const SURROUNDINGS: &[&str] = &["dirs", "docker_credential", "getrandom", "rand", "tempfile"];
/// What faces a person or an HTTP client.
const DOORS: &[&str] = &["askama", "axum", "clap", "indicatif", "tower-http"];

const PURE: &[&[&str]] = &[NETWORK, SQL, SURROUNDINGS, DOORS];

/// One row per crate, in the order of the layers: formats, engine, adapters, doors, entry, then what stands beside.
const RULES: &[Rule] = &[
    Rule { name: "temper-spec", uses: &["temper-oci"], ignorant_of: PURE },
    Rule { name: "temper-oci", uses: &[], ignorant_of: PURE },
    Rule { name: "temper-deb", uses: &[], ignorant_of: PURE },
    Rule { name: "temper-resolve", uses: &["temper-deb"], ignorant_of: PURE },
    Rule { name: "temper-rootfs", uses: &["temper-deb", "temper-oci"], ignorant_of: PURE },
    Rule { name: "temper-attest", uses: &["temper-deb", "temper-oci"], ignorant_of: PURE },
    Rule {
        name: "temper-compose",
        uses: &[
            "temper-attest",
            "temper-deb",
            "temper-oci",
            "temper-resolve",
            "temper-rootfs",
            "temper-spec",
        ],
        ignorant_of: PURE,
    },
    Rule {
        name: "temper-fetch",
        uses: &[
            "temper-attest",
            "temper-compose",
            "temper-deb",
            "temper-oci",
            "temper-resolve",
            "temper-rootfs",
            "temper-spec",
        ],
        ignorant_of: &[SQL, DOORS],
    },
    Rule {
        name: "temper-store",
        uses: &[
            "temper-compose",
            "temper-deb",
            "temper-oci",
            "temper-resolve",
            "temper-rootfs",
            "temper-spec",
        ],
        ignorant_of: &[DOORS],
    },
    Rule {
        name: "temper-hub",
        uses: &[
            "temper-attest",
            "temper-compose",
            "temper-deb",
            "temper-fetch",
            "temper-oci",
            "temper-spec",
            "temper-store",
        ],
        ignorant_of: &[SQL, DOORS],
    },
    Rule { name: "temper-registry", uses: &["temper-oci", "temper-store"], ignorant_of: &[SQL] },
    Rule { name: "temper-web", uses: &["temper-hub", "temper-oci", "temper-spec"], ignorant_of: &[SQL] },
    Rule {
        name: "temper",
        uses: &[
            "temper-attest",
            "temper-compose",
            "temper-deb",
            "temper-fetch",
            "temper-hub",
            "temper-oci",
            "temper-registry",
            "temper-resolve",
            "temper-rootfs",
            "temper-spec",
            "temper-store",
            "temper-web",
        ],
        ignorant_of: &[SQL],
    },
    Rule { name: "temper-testkit", uses: &["temper-deb", "temper-oci"], ignorant_of: &[SQL] },
    Rule { name: "xtask", uses: &[], ignorant_of: &[SQL] },
];

/// What a crate's manifest names under `[dependencies]` and `[build-dependencies]`.
type Graph = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn findings(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(compare(&graph(&workspace.metadata()?)?))
}

/// Tests may use what they like, so development dependencies are left out.
fn graph(metadata: &Value) -> Result<Graph> {
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let mut graph = Graph::new();
    for package in packages {
        let name = package["name"].as_str().context("a package without name")?;
        let dependencies = package["dependencies"].as_array().context("a package without dependencies")?;
        let names = dependencies
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .filter_map(|dependency| dependency["name"].as_str())
            .map(str::to_owned)
            .collect();
        graph.insert(name.to_owned(), names);
    }
    Ok(graph)
}

fn compare(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(|rule| !graph.contains_key(rule.name)) {
        findings.push(format!("the table names crate `{}`, which the workspace does not have", rule.name));
    }
    for (name, dependencies) in graph {
        let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
            findings.push(format!("crate `{name}` stands in no row of the table"));
            continue;
        };
        for dependency in dependencies {
            if graph.contains_key(dependency) && !rule.uses.contains(&dependency.as_str()) {
                findings.push(format!("crate `{name}` may not use crate `{dependency}`"));
            }
            if rule.ignorant_of.iter().any(|group| group.contains(&dependency.as_str())) {
                findings.push(format!("crate `{name}` must not know `{dependency}`"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, dependency: &str) -> Vec<String> {
        let mut graph: Graph = RULES.iter().map(|rule| (rule.name.to_owned(), BTreeSet::new())).collect();
        graph.entry(name.to_owned()).or_default().insert(dependency.to_owned());
        compare(&graph)
    }

    #[test]
    fn the_workspace_follows_the_table() {
        let workspace = Workspace::find().unwrap();
        assert_eq!(findings(&workspace).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn violations_are_found() {
        assert_eq!(with("temper-compose", "temper-rootfs"), Vec::<String>::new());
        assert_eq!(
            with("temper-oci", "temper-store"),
            ["crate `temper-oci` may not use crate `temper-store`"]
        );
        assert_eq!(with("temper-spec", "reqwest"), ["crate `temper-spec` must not know `reqwest`"]);
        assert_eq!(with("temper-new", "serde"), ["crate `temper-new` stands in no row of the table"]);
    }
}
