//! Trust: what Temper signs and says is verified with everybody's programs, in registries with and without a
//! referrers API, and anything changed is refused.

mod attestation;
mod bundle;
mod cosign;
mod keys;
mod published;
mod tamper;

use anyhow::{Result, ensure};

use crate::docker_registry::DockerRegistry;
use crate::e2e::example::example;
use crate::e2e::scenario::Scenario;
use crate::e2e::server::free_address;
use crate::e2e::trust::cosign::{COSIGNS, Cosign};
use crate::e2e::trust::published::Published;

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let example = scenario.setup("the_images_are_there", || example(scenario))?;
    scenario.setup("both_versions_of_cosign_are_there", || print_versions(scenario))?;
    let data = example.data.as_os_str();

    let server = scenario
        .setup("serve_answers", || scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), data]))?;
    let own = scenario.setup("the_quickstart_is_signed", || {
        Published::of(scenario, &server.address().to_string(), &example.data)
    })?;
    check_all(scenario, "the_embedded_registry", &own);
    attestation::check(scenario, &own, &example.data);
    scenario.check("cosign_takes_the_key_from_the_server", || {
        let url = format!("http://{}/keyring/latest.pub", server.address());
        for program in COSIGNS {
            Cosign::new(scenario, program, &url).verify(&own.by_tag())?;
        }
        Ok(())
    });

    let address = free_address()?;
    let folder = scenario.path("docker-registry");
    let _registry = scenario.setup("docker_registry_answers", || {
        DockerRegistry::start(&scenario.tool_path("docker-registry")?, &folder, address)
    })?;
    let foreign = scenario.setup("an_image_is_signed_into_docker_registry", || {
        Published::build(scenario, &example, &address.to_string())
    })?;
    check_all(scenario, "docker_registry", &foreign);
    let server = scenario.setup("an_empty_registry_answers", || {
        let data = scenario.path("inside");
        scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()])
    })?;
    bundle::check(scenario, &foreign, &example.data, &server.address().to_string());
    tamper::check(scenario, &foreign, &folder);
    keys::check(scenario, &address.to_string())?;
    bundle::check_strangers(scenario, &foreign, &example.data);
    Ok(())
}

fn print_versions(scenario: &Scenario) -> Result<()> {
    for program in COSIGNS {
        let version = Cosign::new(scenario, program, "").version()?;
        println!("  {program} is {version}");
    }
    Ok(())
}

/// Both versions, all names of the image, all types; and who has another key gets nothing.
fn check_all(scenario: &Scenario, place: &str, published: &Published) {
    for program in COSIGNS {
        let cosign = Cosign::new(scenario, program, &published.key);
        scenario.check(&format!("{program}_verifies_everything_in_{place}"), || {
            for name in published.names() {
                cosign.verify(&name)?;
                for kind in cosign::TYPES {
                    cosign.verify_attestation(&name, kind)?;
                }
            }
            Ok(())
        });
        scenario.check(&format!("{program}_refuses_another_key_in_{place}"), || {
            let stranger = Cosign::new(scenario, program, &cosign.other_key()?);
            stranger.refuses(&published.by_tag())?;
            stranger.refuses_attestation(&published.by_tag(), cosign::TYPES[0])
        });
    }
    scenario.check(&format!("the_trees_show_everything_in_{place}"), || shows(scenario, published));
}

/// What oras and cosign list.
fn shows(scenario: &Scenario, published: &Published) -> Result<()> {
    let bundles = published.discover(scenario)?;
    // A signature, provenance, and for each of the two platforms two SBOMs and a VEX document, at least.
    ensure!(bundles.len() >= 5, "oras finds {} bundles", bundles.len());
    for kind in [cosign::SIGNATURE].iter().chain(cosign::PREDICATE_TYPES) {
        ensure!(bundles.iter().any(|found| found == kind), "oras finds no `{kind}` in {bundles:?}");
    }
    let tree = Cosign::new(scenario, "cosign3", "").tree(&published.by_tag())?;
    for kind in cosign::PREDICATE_TYPES {
        ensure!(tree.contains(kind), "cosign3 tree shows no `{kind}`: {tree}");
    }
    let tree = Cosign::new(scenario, "cosign", "").tree(&published.by_tag())?;
    ensure!(tree.contains(".sig") && tree.contains(".att"), "cosign tree shows {tree}");
    Ok(())
}
