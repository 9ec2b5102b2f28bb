//! The program as it first meets a person: its version, its exit codes.

use anyhow::{Result, ensure};

use crate::e2e::scenario::Scenario;

#[expect(clippy::unnecessary_wraps, reason = "every suite has the same signature")]
pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    scenario.check("the_version_is_printed", || {
        let output = scenario.temper().args(["--version"]).succeeds()?;
        ensure!(output.starts_with("temper "), "`{output}` names no program");
        Ok(())
    });
    scenario.check("a_usage_error_exits_with_2", || {
        let captured = scenario.temper().args(["no-such-command"]).exits_with(2)?;
        ensure!(
            captured.stderr.contains("no-such-command"),
            "`{}` does not name the mistake",
            captured.stderr
        );
        Ok(())
    });
    Ok(())
}
