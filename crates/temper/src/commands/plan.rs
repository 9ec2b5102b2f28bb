//! `temper plan`: everything that a build would do.

use std::process::ExitCode;

use crate::cli;
use crate::workspace::Workspace;
use crate::{plan_text, printing, request};

/// Prints the plan of each target; fails where one has problems.
pub(crate) fn run(workspace: &Workspace, options: &cli::Plan, json: bool) -> Result<ExitCode, anyhow::Error> {
    let opened = request::open(workspace, &options.source)?;
    let mut plans = Vec::new();
    for target in &opened {
        plans.push(target.plan(workspace)?.plan);
    }
    workspace.progress.finish();
    let has_problems = plans.iter().any(temper_compose::Plan::has_problems);
    let text = || plans.iter().map(plan_text::render).collect::<Vec<_>>().join("\n");
    match plans.as_slice() {
        [plan] => printing::print(json, plan, text)?,
        plans => printing::print(json, &serde_json::json!({ "plans": plans }), text)?,
    }
    Ok(if has_problems { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
