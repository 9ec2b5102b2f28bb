//! `temper validate`: does an image hold what its manifests say?

use std::process::ExitCode;

use temper_compose::ImageSource;
use temper_oci::validate::{Violation, validate};
use temper_oci::{Digest, ScanLimits};

use crate::cli;
use crate::locate;
use crate::printing::{self, counted};

/// Validates an image of a layout.
pub(crate) fn run(options: &cli::Validate, json: bool) -> Result<ExitCode, anyhow::Error> {
    let layout = options.image.strip_prefix("oci:").unwrap_or(&options.image);
    let image = locate::layout_image(layout)?;
    let root = image.root_descriptor();
    let violations = validate(image.blobs(), root, &ScanLimits::default());
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    let reference = image.reference();
    let text = || render(reference, &root.digest, &lines);
    let shown = serde_json::json!({ "reference": reference, "digest": root.digest, "violations": lines });
    printing::print(json, &shown, text)?;
    Ok(if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn render(reference: &str, digest: &Digest, violations: &[String]) -> String {
    if violations.is_empty() {
        return format!("`{reference}` is valid\n  digest  {digest}\n");
    }
    let count = counted(violations.len(), "violation", "violations");
    format!(
        "`{reference}` has {count}\n  digest  {digest}\n  {}\nhint: copy or build the image again; its layout is damaged or incomplete\n",
        violations.join("\n  ")
    )
}
