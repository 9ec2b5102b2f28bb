//! The images of `temper quickstart` as material of the other suites: made once in a run, by the first suite that asks.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::apt::Mirror;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

/// Names that the quickstart gives.
pub(crate) const REPOSITORY: &str = "acme/dhi-python";
pub(crate) const AUTHORITY: &str = "acme/private-ca:v1";

/// What the quickstart left behind.
pub(crate) struct Example {
    /// The data folder, warm: what it was made of is in it.
    pub(crate) data: PathBuf,
    /// A layout with the uncustomized base, tag `image`.
    pub(crate) base: String,
    /// A layout with the artifact of the private authority, tag `image`.
    pub(crate) authority: String,
    /// The digest of the customized image.
    pub(crate) digest: String,
}

/// Runs the quickstart in `data` and returns the object that it prints.
pub(crate) fn quickstart(scenario: &Scenario, data: &Path) -> Result<Value> {
    mirror_answers(scenario)?;
    let output =
        scenario.temper().args(["quickstart", "--once", "--json", "--data-dir"]).args([data]).succeeds()?;
    image::json(&output)
}

/// Fails with the address where the machine's own mirror does not answer, before a build fails over it.
fn mirror_answers(scenario: &Scenario) -> Result<()> {
    let needed = "these tests need a Debian mirror in the machine's apt sources";
    let release = format!("{}/dists/trixie/InRelease", Mirror::of_this_machine().context(needed)?.archive);
    let options = ["--silent", "--show-error", "--fail", "--head", "--location", "--retry", "2"];
    let answer = scenario.tool("curl")?.args(options).args([&release]).succeeds();
    answer.map(drop).with_context(|| format!("{needed}, and {release} does not answer"))
}

/// The data folder that suites share.
pub(crate) fn shared_data(scenario: &Scenario) -> PathBuf {
    scenario.shared_path("data")
}

/// Makes what is not there yet, and copies the images that suites start from into layouts of this suite.
pub(crate) fn example(scenario: &Scenario) -> Result<Example> {
    let data = shared_data(scenario);
    let made = quickstart(scenario, &data)?;
    let server = scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()])?;
    let address = server.address();
    let copy = |name: &str, path: &str| {
        let reference = format!("{address}/{path}");
        let (digest, _) = image::inspect(scenario, &reference).with_context(|| reference.clone())?;
        let directory = image::pull(scenario, &reference, name, &digest)?;
        Ok::<_, anyhow::Error>(format!("{}:image", image::layout(&directory)))
    };
    let base = copy("base", &format!("{REPOSITORY}:3.13"))?;
    let authority = copy("authority", AUTHORITY)?;
    let digest = image::text(&made, "digest")?.to_owned();
    Ok(Example { data, base, authority, digest })
}
