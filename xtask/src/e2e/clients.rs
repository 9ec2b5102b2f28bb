//! The programs that people have: each pushes, finds, signs, moves and removes what it is made for.
//!
//! Every program runs in every [`Place`]: the registry as it is, with TLS and accounts, and behind a proxy.

mod accounts;
mod buildah;
mod cosign;
mod crane;
mod full_disk;
mod helm;
mod nginx;
mod oras;
mod place;
mod podman;
mod skopeo;

use anyhow::{Result, ensure};

use crate::e2e::clients::place::Place;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::free_address;

/// What a program does in a place.
type Check = fn(&Scenario, &Place, &Sample) -> Result<()>;

const PROGRAMS: &[(&str, Check)] = &[
    ("skopeo", skopeo::check),
    ("podman", podman::check),
    ("buildah", buildah::check),
    ("crane", crane::check),
    ("oras", oras::check),
    ("cosign2", cosign::check_2),
    ("cosign3", cosign::check_3),
    ("helm", helm::check),
];

/// A small image for two platforms.
pub(crate) struct Sample {
    /// `oci:DIR:TAG`.
    pub(crate) layout: String,
    /// The index's digest.
    pub(crate) digest: String,
}

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let sample = scenario.setup("buildah_makes_an_image_for_two_platforms", || {
        let layout = buildah::sample(scenario, &scenario.path("sample"))?;
        let inspected = image::json(&scenario.temper().args(["validate", "--json", &layout]).succeeds()?)?;
        let digest = image::text(&inspected, "digest")?.to_owned();
        image::validate(scenario, &layout, &digest)?;
        Ok(Sample { layout, digest })
    })?;
    let data = scenario.path("data");
    let arguments = ["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()];
    let server = scenario.setup("serve_answers", || scenario.serve(&arguments))?;
    check_all(scenario, &sample, &Place::plain(scenario, "plain", server.address().to_string())?);
    drop(server);
    scenario.check("a_full_disk_is_told_in_words", || full_disk::check(scenario, &sample));

    let server = scenario.setup("serve_answers_over_tls", || accounts::serve_with_tls(scenario))?;
    let host = format!("localhost:{}", server.address().port());
    let own = Place::plain(scenario, "tls", host)?.with_private_authority(scenario);
    let own = own.with_login(accounts::ADMIN);
    check_all(scenario, &sample, &own);
    accounts::check_rights(scenario, &own, &sample)?;
    drop(server);

    let address = free_address()?;
    let server =
        scenario.setup("serve_answers_behind_a_proxy", || accounts::serve_behind(scenario, address))?;
    let proxy = scenario.setup("nginx_answers", || nginx::serve(scenario, address, server.address()))?;
    // The registry itself listens at a number; only the proxy has this name.
    let host = format!("localhost:{}", proxy.address().port());
    let behind = Place::plain(scenario, "behind_nginx", host)?.with_private_authority(scenario);
    let behind = behind.with_login(accounts::ADMIN);
    check_all(scenario, &sample, &behind);
    check_strangers(scenario, &behind);
    Ok(())
}

/// Who does not trust the certificate, or did not log in, gets nothing.
fn check_strangers(scenario: &Scenario, behind: &Place) {
    scenario.check("a_client_without_the_authority_refuses", || {
        let list = scenario.tool("crane")?.args(["ls", &behind.reference("for-crane")]);
        ensure_says(&list.fails()?.stderr, "unknown authority")
    });
    scenario.check("a_client_that_did_not_log_in_is_refused", || {
        let stranger = Place::plain(scenario, "stranger", behind.host().to_owned())?;
        let stranger = stranger.with_private_authority(scenario);
        let list = stranger.tool(scenario, "crane")?.args(["ls", &behind.reference("for-crane")]);
        ensure_says(&list.fails()?.stderr, "UNAUTHORIZED: authentication is required")
    });
}

fn check_all(scenario: &Scenario, sample: &Sample, place: &Place) {
    for (program, check) in PROGRAMS {
        let name = format!("{program}_{}", place.name());
        scenario.check(&name, || check(scenario, place, sample));
    }
}

/// Makes a small image for two platforms, and returns its layout.
pub(crate) fn sample_layout(scenario: &Scenario) -> Result<String> {
    buildah::sample(scenario, &scenario.path("sample"))
}

/// Puts the sample into a repository of the place and returns its reference.
fn push_sample(scenario: &Scenario, place: &Place, sample: &Sample, repository: &str) -> Result<String> {
    let reference = place.reference(repository);
    let to = format!("docker://{reference}");
    let copy =
        place.container_tool(scenario, "skopeo")?.args(["copy", "--quiet", "--all", "--preserve-digests"]);
    copy.args(place.tls_options(&["--dest-tls-verify=false"])).args([&sample.layout, &to]).succeeds()?;
    Ok(reference)
}

/// A manifest or index of the place, as it was pushed.
fn raw_manifest(scenario: &Scenario, place: &Place, reference: &str) -> Result<String> {
    let inspect = place.container_tool(scenario, "skopeo")?.args(["inspect", "--raw"]);
    inspect
        .args(place.tls_options(&["--tls-verify=false"]))
        .args([format!("docker://{reference}")])
        .succeeds()
}

/// What a program printed contains this.
fn ensure_says(output: &str, expected: &str) -> Result<()> {
    ensure!(output.contains(expected), "`{expected}` is missing in `{output}`");
    Ok(())
}
