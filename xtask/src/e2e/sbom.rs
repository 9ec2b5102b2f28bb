//! The SBOMs of a built image: valid to those who made the formats, and listing what scanners find in the image.

mod packages;
mod scanners;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::e2e::example::{self, REPOSITORY};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

/// Names each format as cosign does, and gives it a file.
const FORMATS: [(&str, &str); 2] = [("spdxjson", "spdx.json"), ("cyclonedx", "cdx.json")];

/// Validates by the schema of the document's own version, and fails on what the schema does not know.
const VALIDATE_CYCLONEDX: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(error) if error else 0)
";

/// The SBOMs of one platform of the example.
struct Sboms {
    architecture: &'static str,
    spdx: PathBuf,
    cyclonedx: PathBuf,
}

/// Validates the SBOMs.
pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    for_each_platform(scenario, |_, sboms| check(scenario, sboms))
}

/// Compares the SBOMs with what scanners find. Building the scanners takes long, so this runs only when it is named.
pub(crate) fn scanners(scenario: &Scenario) -> Result<()> {
    for_each_platform(scenario, |reference, sboms| scanners::check(scenario, reference, sboms))
}

fn for_each_platform(scenario: &Scenario, check: impl Fn(&str, &Sboms)) -> Result<()> {
    let example = scenario.setup("the_quickstart_is_there", || example::example(scenario))?;
    let arguments = ["serve".as_ref(), "--data-dir".as_ref(), example.data.as_os_str()];
    let server = scenario.setup("serve_answers", || scenario.serve(&arguments))?;
    let reference = format!("{}/{REPOSITORY}:3.13_custom", server.address());
    let key = scenario.setup("the_key_is_shown", || key(scenario, &example.data))?;
    for architecture in ["amd64", "arm64"] {
        let sboms = scenario.setup(&format!("cosign_gives_the_sboms_of_{architecture}"), || {
            download(scenario, &key, &reference, architecture)
        })?;
        check(&reference, &sboms);
    }
    Ok(())
}

fn check(scenario: &Scenario, sboms: &Sboms) {
    let Sboms { architecture, spdx, cyclonedx } = sboms;
    let named = |name: &str| format!("{name}_{architecture}");
    scenario.check(&named("pyspdxtools_accepts_the_spdx_document_of"), || {
        scenario.tool("pyspdxtools")?.args(["--infile".as_ref(), spdx.as_os_str()]).succeeds().map(drop)
    });
    scenario.check(&named("ntia_checker_misses_nothing_for"), || {
        let output = scenario.tool("ntia-checker")?.args([spdx]).succeeds()?;
        ensure!(output.contains("Conformant: True"), "{output}");
        Ok(())
    });
    scenario.check(&named("the_cyclonedx_schema_accepts_the_document_of"), || {
        let arguments = ["-c".as_ref(), VALIDATE_CYCLONEDX.as_ref(), cyclonedx.as_os_str()];
        scenario.tool("python-cyclonedx")?.args(arguments).succeeds().map(drop)
    });
    scenario.check(&named("both_formats_list_the_same_packages_for"), || {
        let (spdx, cyclonedx) =
            (packages::of_spdx(&read(spdx)?)?, packages::of_cyclonedx(&read(cyclonedx)?)?);
        ensure!(spdx == cyclonedx && spdx.len() > 40, "{spdx:#?} and {cyclonedx:#?}");
        Ok(())
    });
}

fn key(scenario: &Scenario, data: &Path) -> Result<PathBuf> {
    let key = scenario.path("temper.pub");
    let shown = scenario.temper().args(["key", "show", "--data-dir"]).args([data]).succeeds()?;
    fs::write(&key, shown).context("writing a public key")?;
    Ok(key)
}

/// Verifies the attestations of a platform's manifest, and writes their predicates to files.
fn download(scenario: &Scenario, key: &Path, reference: &str, architecture: &'static str) -> Result<Sboms> {
    let digest = image::platform_digest(scenario, reference, architecture)?;
    let subject = format!("{}@{digest}", reference.rsplit_once(':').context("a reference without tag")?.0);
    let mut paths = Vec::new();
    for (kind, file) in FORMATS {
        let options =
            ["verify-attestation", "--insecure-ignore-tlog", "--allow-http-registry", "--type", kind];
        let verify = scenario.tool("cosign")?.args(options).args(["--key".as_ref(), key.as_os_str()]);
        let output = verify.args([&subject]).succeeds()?;
        let envelope = image::json(output.lines().next().context("cosign printed nothing")?)?;
        let statement = STANDARD.decode(image::text(&envelope, "payload")?).context("decoding a payload")?;
        let statement: Value = serde_json::from_slice(&statement).context("reading a statement")?;
        let path = scenario.path(format!("{architecture}.{file}"));
        fs::write(&path, statement["predicate"].to_string()).context("writing an SBOM")?;
        paths.push(path);
    }
    let [spdx, cyclonedx] = paths.try_into().ok().context("one file for each format")?;
    Ok(Sboms { architecture, spdx, cyclonedx })
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    image::json(&text)
}
