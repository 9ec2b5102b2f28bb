//! `temper validate`: does an image hold what its manifests say?

use std::process::ExitCode;

use temper_oci::validate::{Violation, validate};
use temper_oci::{Digest, ScanLimits};

use crate::cli;
use crate::locate;
use crate::printing;

/// Validates an image of a layout.
pub(crate) fn run(options: &cli::Validate, json: bool) -> Result<ExitCode, anyhow::Error> {
    let layout = options.image.strip_prefix("oci:").unwrap_or(&options.image);
    let image = locate::layout_image(layout)?;
    let root = image.root_descriptor();
    let violations = validate(image.blobs(), root, &ScanLimits::default());
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    let text = || render(&root.digest, &lines);
    printing::print(json, &serde_json::json!({ "digest": root.digest, "violations": lines }), text)?;
    Ok(if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(digest: &Digest, violations: &[String]) -> String {
    match violations {
        [] => format!("{digest} is valid\n"),
        violations => violations.join("\n") + "\n",
    }
}
