//! The conformance suite of the OCI distribution specification against `temper serve`.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::e2e::scenario::Scenario;

/// How often the suite ended a test in which way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    total: usize,
    failed: usize,
    errors: usize,
    skipped: usize,
    /// What the suite's configuration leaves out.
    disabled: usize,
}

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let data = scenario.path("data");
    let arguments = ["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()];
    let server = scenario.setup("serve_answers", || scenario.serve(&arguments))?;
    let registry = server.address().to_string();
    scenario.check("version_1_1_as_configured_by_default", || conforms(scenario, &registry, "1.1"));
    scenario.check("the_version_to_come_and_what_is_off_by_default", || conforms(scenario, &registry, "dev"));
    Ok(())
}

/// Runs the whole suite against the specification's `version`: nothing fails, nothing is skipped.
fn conforms(scenario: &Scenario, registry: &str, version: &str) -> Result<()> {
    let results = scenario.path(format!("results-{version}"));
    let run = scenario.tool("oci-conformance")?;
    let run = run.env("OCI_VERSION", version).env("OCI_REGISTRY", registry).env("OCI_TLS", "disabled");
    let ended = run.env("OCI_RESULTS_DIR", &results).succeeds();
    let report = fs::read_to_string(results.join("junit.xml")).context("the suite left no report");
    let counts = counts(&report?)?;
    println!("conformance {version}: {counts:?}; report.html is in {}", results.display());
    ended?;
    let Counts { total, failed, errors, skipped, disabled: _ } = counts;
    ensure!(total > 500, "the suite ran only {total} tests");
    ensure!((failed, errors, skipped) == (0, 0, 0), "not all passed: {counts:?}");
    Ok(())
}

/// Reads the attributes of the report's outermost element; those that are zero are left out there.
fn counts(junit: &str) -> Result<Counts> {
    let (_, rest) = junit.split_once("<testsuites ").context("the report has no `testsuites`")?;
    let (head, _) = rest.split_once('>').context("the report is cut off")?;
    let count = |name: &str| {
        let attribute =
            head.split_ascii_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix("=\""));
        attribute.map_or(Ok(0), |value| value.trim_end_matches('"').parse()).context("a count is no number")
    };
    Ok(Counts {
        total: count("tests")?,
        failed: count("failures")?,
        errors: count("errors")?,
        skipped: count("skipped")?,
        disabled: count("disabled")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let junit = "<testsuites time=\"9.1\" tests=\"856\" failures=\"7\" disabled=\"2\">\n  <testsuite tests=\"1\">";
        let expected = Counts { total: 856, failed: 7, errors: 0, skipped: 0, disabled: 2 };
        assert_eq!(counts(junit).unwrap(), expected);
        assert!(counts("<html>").is_err());
    }
}
