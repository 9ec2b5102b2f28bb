//! The plan as text for people.

use std::fmt::Write as _;

use temper_compose::{Effective, Finding, Plan, PlatformPlan, Setting};
use temper_oci::Platform;

use crate::failure::Problem;
use crate::printing::counted;

/// How many files of artifacts and the document are shown; there may be very many of them.
const FILES_MAX: usize = 20;

/// How many rows of a long list are shown before it is cut; `--json` has them all.
const ROWS_MAX: usize = 60;

/// Renders a plan.
pub(crate) fn render(plan: &Plan) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Plan for {}", plan.name);
    if let Some(base) = &plan.base {
        let _ = writeln!(text, "  base         {} ({})", base.reference, base.digest);
    }
    for artifact in &plan.artifacts {
        let _ = writeln!(text, "  artifact     {} ({})", artifact.reference, artifact.digest);
    }
    if let Some(destination) = &plan.destination {
        let _ = writeln!(text, "  destination  {destination}");
    }
    if !plan.tags.is_empty() {
        let _ = writeln!(text, "  tags         {}", plan.tags.join(", "));
    }
    let _ = writeln!(text, "  compression  {}", plan.compression);
    for lost in &plan.platforms_lost {
        let _ = writeln!(text, "  without      {}: {}", lost.platform, lost.reason);
    }
    for platform in &plan.platforms {
        platform_text(&mut text, platform);
    }
    if !(plan.findings.warnings.is_empty() && plan.findings.problems.is_empty()) {
        text.push_str("\nall platforms\n");
    }
    findings(&mut text, "warnings", &plan.findings.warnings);
    findings(&mut text, "problems", &plan.findings.problems);
    text
}

fn platform_text(text: &mut String, plan: &PlatformPlan) {
    let _ = writeln!(text, "\n{}", plan.platform);
    packages(text, plan);
    rows(
        text,
        "does without",
        plan.waived.iter().map(|w| format!("`{}`, which {} needs", w.relation, w.package)),
    );
    setting(text, "user", &plan.user);
    setting(text, "work-dir", &plan.work_dir);
    command(text, "entrypoint", &plan.entrypoint);
    command(text, "cmd", &plan.cmd);
    rows(
        text,
        "environment",
        plan.environment.iter().map(|v| format!("{}={}  ({})", v.name, v.value, v.origin)),
    );
    rows(
        text,
        "accounts",
        plan.accounts.iter().map(|a| format!("{} {} {}  ({})", a.kind, a.name, a.id, a.origin)),
    );
    rows(
        text,
        "collisions",
        plan.collisions.iter().map(|c| format!("{}: {} over {} ({})", c.path, c.winner, c.loser, c.kind)),
    );
    files(text, plan);
    generated(text, plan);
    rows(text, "removed", plan.removed.iter().cloned());
    layers(text, plan);
    rows(
        text,
        "not reproduced",
        plan.not_reproduced.iter().map(|n| format!("{} {}: {} ({})", n.package, n.at, n.statement, n.reason)),
    );
    findings(text, "warnings", &plan.findings.warnings);
    findings(text, "problems", &plan.findings.problems);
}

fn packages(text: &mut String, plan: &PlatformPlan) {
    let size: u64 = plan.packages.iter().map(|package| package.size_bytes).sum();
    if plan.packages.is_empty() {
        return;
    }
    let _ = writeln!(text, "  packages     {} to change, {}", plan.packages.len(), bytes(size));
    for package in plan.packages.iter().take(ROWS_MAX) {
        let sign = match package.action.as_str() {
            "install" => '+',
            "remove" => '-',
            _ => '~',
        };
        let from = package.from_version.as_ref().map(|from| format!(" (from {from})")).unwrap_or_default();
        let _ = writeln!(text, "    {sign} {} {}{from}  {}", package.name, package.version, package.reason);
    }
    cut(text, plan.packages.len(), ROWS_MAX);
}

fn layers(text: &mut String, plan: &PlatformPlan) {
    let _ = writeln!(text, "  layers");
    for layer in &plan.layers {
        let size = match (layer.size_bytes, layer.content_size_bytes) {
            (Some(size), _) => bytes(size),
            (None, Some(content)) => format!("{} before compression", bytes(content)),
            (None, None) => String::new(),
        };
        let digest = layer.digest.map(|digest| format!(" {}", digest.short())).unwrap_or_default();
        let _ = writeln!(text, "    {} {}{digest}  {size}", layer.action, layer.name);
    }
}

/// Counts what artifacts and the document bring, and lists the first of it.
fn files(text: &mut String, plan: &PlatformPlan) {
    if plan.files.is_empty() {
        return;
    }
    let _ = writeln!(text, "  files        {}", plan.files.len());
    for file in plan.files.iter().take(FILES_MAX) {
        let target = file.target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
        let slash = if file.kind == "directory" { "/" } else { "" };
        let _ = writeln!(
            text,
            "    {}{slash}{target} {} {}:{}  ({})",
            file.path, file.mode, file.uid, file.gid, file.origin
        );
    }
    cut(text, plan.files.len(), FILES_MAX);
}

/// Lists computed files; the many files of the package database are only counted.
fn generated(text: &mut String, plan: &PlatformPlan) {
    let is_database = |path: &str| path.starts_with("/var/lib/dpkg/") || path.starts_with("/var/lib/apt/");
    let (database, others): (Vec<_>, Vec<_>) =
        plan.generated.iter().partition(|line| is_database(&line.path));
    let mut lines: Vec<String> =
        others.iter().map(|line| format!("{} ({})", line.path, line.effect)).collect();
    if !database.is_empty() {
        lines.push(format!("{} of the package database", counted(database.len(), "file", "files")));
    }
    rows(text, "generated", lines.into_iter());
}

fn setting(text: &mut String, name: &str, setting: &Setting) {
    if !setting.value.is_empty() {
        let _ = writeln!(text, "  {name:<12} {}  ({})", setting.value, setting.origin);
    }
}

fn command(text: &mut String, name: &str, command: &Effective) {
    if !command.value.is_empty() {
        let _ = writeln!(text, "  {name:<12} {:?}  ({})", command.value, command.origin);
    }
}

fn rows(text: &mut String, title: &str, rows: impl ExactSizeIterator<Item = String>) {
    let count = rows.len();
    if count == 0 {
        return;
    }
    let _ = writeln!(text, "  {title}");
    for row in rows.take(ROWS_MAX) {
        let _ = writeln!(text, "    {row}");
    }
    cut(text, count, ROWS_MAX);
}

fn cut(text: &mut String, count: usize, shown: usize) {
    if count > shown {
        let _ = writeln!(text, "    … and {} more (--json shows all)", count - shown);
    }
}

/// Lists problems or warnings, each with its place in the document and its hint.
fn findings(text: &mut String, title: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(text, "  {title}");
    for finding in findings {
        let place = if finding.path.is_empty() { String::new() } else { format!("`{}`: ", finding.path) };
        let _ = writeln!(text, "    {place}{}", finding.message);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "      hint: {hint}");
        }
    }
}

/// Lists warnings, each with the platform that it is about, if it is about one.
pub(crate) fn warnings<'a>(list: impl Iterator<Item = (Option<&'a Platform>, &'a Finding)>) -> String {
    let mut text = String::new();
    for (platform, finding) in list {
        let _ = writeln!(text, "warning: {}", Problem::of_plan(platform, finding));
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
    }
    text
}

/// Writes a number of bytes for people, in the units that `docker` uses.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "";
    for next in UNITS {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 10.0 { format!("{value:.2} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_short() {
        for (count, expected) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (12_345, "12.3 kB"), (25_000_000, "25.0 MB")]
        {
            assert_eq!(bytes(count), expected);
        }
    }
}
