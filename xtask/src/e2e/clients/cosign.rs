//! cosign, both versions in use: signatures and attestations by a key in a file, nothing of them anywhere else.

use std::fs;

use anyhow::{Result, ensure};

use super::{Sample, ensure_says, push_sample};
use crate::e2e::client::Client;
use crate::e2e::clients::place::Place;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

const PREDICATE: &str = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}"#;

/// Version 2 keeps signatures under tags, and as referrers on request.
pub(crate) fn check_2(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let cosign = Cosign::new(scenario, place, sample, "cosign", &["--tlog-upload=false"])?;
    cosign.signs_and_attests()?;
    let tags = place.tool(scenario, "crane")?.args(["ls", &cosign.repository]).succeeds()?;
    ensure_says(&tags, ".sig")?;
    ensure_says(&tags, ".att")?;
    let sign =
        cosign.command(&["sign", "--yes", "--tlog-upload=false", "--registry-referrers-mode=oci-1-1"])?;
    let sign = sign.env("COSIGN_EXPERIMENTAL", "1").args(["--key", &cosign.key, &cosign.subject]);
    sign.succeeds()?;
    ensure!(cosign.referrers()? == 1);
    let verify = cosign.command(&["verify", "--insecure-ignore-tlog", "--experimental-oci11"])?;
    verify.args(["--key", &cosign.public_key, &cosign.subject]).succeeds().map(drop)
}

/// Version 3 writes bundles, as referrers.
pub(crate) fn check_3(scenario: &Scenario, place: &Place, sample: &Sample) -> Result<()> {
    let options = ["--use-signing-config=false", "--tlog-upload=false"];
    let cosign = Cosign::new(scenario, place, sample, "cosign3", &options)?;
    cosign.signs_and_attests()?;
    ensure!(cosign.referrers()? == 2, "a signature and an attestation");
    let tags = place.tool(scenario, "crane")?.args(["ls", &cosign.repository]).succeeds()?;
    ensure!(tags.trim() == "one", "referrers need no tags: {tags}");
    Ok(())
}

/// A pair of keys and something to sign.
struct Cosign<'a> {
    scenario: &'a Scenario<'a>,
    place: &'a Place,
    program: &'static str,
    options: Vec<&'static str>,
    key: String,
    public_key: String,
    repository: String,
    subject: String,
}

impl<'a> Cosign<'a> {
    fn new(
        scenario: &'a Scenario<'a>,
        place: &'a Place,
        sample: &Sample,
        program: &'static str,
        options: &[&'static str],
    ) -> Result<Self> {
        let prefix = place.path(program).display().to_string();
        place.log_in(|| place.container_tool(scenario, "skopeo").map(|skopeo| skopeo.args(["login"])))?;
        push_sample(scenario, place, sample, &format!("for-{program}:one"))?;
        let repository = place.reference(&format!("for-{program}"));
        let cosign = Self {
            scenario,
            place,
            program,
            options: options.to_vec(),
            key: format!("{prefix}.key"),
            public_key: format!("{prefix}.pub"),
            subject: format!("{repository}@{}", sample.digest),
            repository,
        };
        place.keep_login(|| cosign.command(&["login"]))?;
        cosign.command(&["generate-key-pair", "--output-key-prefix", &prefix])?.succeeds()?;
        Ok(cosign)
    }

    fn command(&self, arguments: &[&str]) -> Result<Client<'a>> {
        Ok(self.place.tool(self.scenario, self.program)?.env("COSIGN_PASSWORD", "").args(arguments))
    }

    fn signs_and_attests(&self) -> Result<()> {
        self.command(&["sign", "--yes", "--key", &self.key])?
            .args(&self.options)
            .args([&self.subject])
            .succeeds()?;
        let predicate = self.place.path("predicate.json");
        fs::write(&predicate, PREDICATE)?;
        let attest =
            self.command(&["attest", "--yes", "--key", &self.key, "--type=openvex", "--predicate"])?;
        attest.args([&predicate]).args(&self.options).args([&self.subject]).succeeds()?;

        let public = ["--insecure-ignore-tlog", "--key", &self.public_key];
        let verified =
            self.command(&["verify", "--output=json"])?.args(public).args([&self.subject]).succeeds()?;
        ensure_says(&verified, "sha256:")?;
        let verify = self.command(&["verify-attestation", "--type=openvex"])?.args(public);
        verify.args([&self.subject]).succeeds()?;
        self.command(&["tree", &self.subject])?.succeeds().map(drop)
    }

    /// How many manifests refer to the subject.
    fn referrers(&self) -> Result<usize> {
        let discover = self.place.tool(self.scenario, "oras")?.args(["discover", "--format=json"]);
        let output = discover.args([self.place.plain_http(), self.subject.as_str()]).succeeds()?;
        let found = image::json(&output)?;
        let list = found.get("referrers").or_else(|| found.get("manifests"));
        Ok(list.and_then(|list| list.as_array()).map_or(0, Vec::len))
    }
}
