//! `cargo xtask check`: everything about the code that needs no test run.

mod backend;
mod crate_graph;
mod dependencies;
mod tidy;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::generate;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Steps to run [default: all]
    steps: Vec<String>,
}

/// One step: its name and a function that returns what is wrong, one line each.
struct Step {
    name: &'static str,
    run: fn(&Workspace) -> Result<Vec<String>>,
}

/// In the order of their speed, so that the cheap mistakes show first.
const STEPS: &[Step] = &[
    Step { name: "format", run: format },
    Step { name: "tidy", run: tidy::findings },
    Step { name: "crate-graph", run: crate_graph::findings },
    Step { name: "lock", run: lock },
    Step { name: "backend", run: backend::findings },
    Step { name: "dependencies", run: dependencies::findings },
    Step { name: "lint", run: lint },
    Step { name: "document", run: document },
    Step { name: "generated", run: generated },
];

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    for name in &arguments.steps {
        if !STEPS.iter().any(|step| step.name == name) {
            let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
            bail!("`{name}` is no step of the check; the steps are {}", known.join(", "));
        }
    }
    let mut failed = Vec::new();
    for step in STEPS {
        if !arguments.steps.is_empty() && !arguments.steps.iter().any(|name| name == step.name) {
            continue;
        }
        let start = Instant::now();
        let findings = (step.run)(workspace).unwrap_or_else(|error| vec![format!("{error:#}")]);
        let verdict = if findings.is_empty() { "ok" } else { "FAILED" };
        println!("check {} ... {verdict} ({:.1} s)", step.name, start.elapsed().as_secs_f64());
        for finding in &findings {
            println!("  {finding}");
        }
        if !findings.is_empty() {
            failed.push(step.name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("these steps of the check failed: {}", failed.join(", "))
}

fn format(workspace: &Workspace) -> Result<Vec<String>> {
    workspace.cargo().args(["fmt", "--all", "--check"]).run()?;
    Ok(Vec::new())
}

fn lock(workspace: &Workspace) -> Result<Vec<String>> {
    workspace.cargo().args(["fetch", "--quiet", "--locked"]).run()?;
    Ok(Vec::new())
}

fn lint(workspace: &Workspace) -> Result<Vec<String>> {
    workspace
        .cargo()
        .args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])
        .run()?;
    Ok(Vec::new())
}

fn document(workspace: &Workspace) -> Result<Vec<String>> {
    let doc =
        workspace.cargo().args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings").run()?;
    Ok(Vec::new())
}

fn generated(workspace: &Workspace) -> Result<Vec<String>> {
    let stale = generate::stale(workspace)?;
    let message = |name: &std::path::PathBuf| {
        format!("{}/{} is not what `cargo xtask generate` writes", generate::REFERENCE, name.display())
    };
    Ok(stale.iter().map(message).collect())
}
