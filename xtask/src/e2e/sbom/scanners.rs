//! What scanners find in an image, and in its SBOMs.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::e2e::image;
use crate::e2e::sbom::packages::{Packages, different_qualifiers, of_grype, of_spdx, of_syft};
use crate::e2e::sbom::{Sboms, read};
use crate::e2e::scenario::Scenario;

pub(super) fn check(scenario: &Scenario, reference: &str, sboms: &Sboms) {
    let Sboms { architecture, spdx, cyclonedx } = sboms;
    scenario.check(&format!("syft_finds_the_same_packages_in_the_files_of_{architecture}"), || {
        syft_finds_the_same(scenario, reference, architecture, &read(spdx)?)
    });
    scenario.check(&format!("syft_reads_the_same_packages_from_the_sboms_of_{architecture}"), || {
        syft_reads_the_same(scenario, &[spdx, cyclonedx], &read(spdx)?)
    });
    scenario.check(&format!("grype_finds_every_package_of_the_sboms_of_{architecture}"), || {
        grype_finds_the_same(scenario, &[spdx, cyclonedx], &read(spdx)?)
    });
}

/// Unpacks a platform's image and lets Syft look at its files: it must find the packages of the SBOM and no other.
fn syft_finds_the_same(scenario: &Scenario, reference: &str, architecture: &str, spdx: &Value) -> Result<()> {
    let root = unpack(scenario, reference, architecture)?;
    let found = syft(scenario, &["scan", &format!("dir:{}", root.display())])?;
    let (ours, theirs) = (of_spdx(spdx)?, of_syft(&found)?);
    ensure_same(&ours, &theirs)?;
    let different = different_qualifiers(&ours, &theirs);
    println!("  {} packages; different qualifiers: {different:?}", ours.len());
    ensure!(different.is_empty(), "the qualifiers {different:?} differ");
    Ok(())
}

/// Gives Grype a database in which every source package of the distribution has a vulnerability: it must find every package
/// of the SBOMs, which it does by distribution, name, version and source package, and no other.
fn grype_finds_the_same(scenario: &Scenario, sboms: &[&PathBuf], spdx: &Value) -> Result<()> {
    let ours = of_spdx(spdx)?;
    let cache = scenario.path(scenario.numbered("grype"));
    let database = scenario.tool("grype-database")?.args([cache.join("6").as_path(), sboms[0]]);
    database.succeeds()?;
    for sbom in sboms {
        let mut grype =
            scenario.tool("grype")?.args([&format!("sbom:{}", sbom.display()), "--output", "json"]);
        grype = grype.env("GRYPE_DB_CACHE_DIR", &cache);
        for variable in
            ["DB_AUTO_UPDATE", "DB_VALIDATE_AGE", "DB_REQUIRE_UPDATE_CHECK", "CHECK_FOR_APP_UPDATE"]
        {
            grype = grype.env(&format!("GRYPE_{variable}"), "false");
        }
        let theirs = of_grype(&image::json(&grype.succeeds()?)?)?;
        ensure_same(&ours, &theirs)?;
        println!("  Grype finds {} packages of {}", theirs.len(), sbom.display());
    }
    Ok(())
}

/// Lets Syft read the SBOMs.
fn syft_reads_the_same(scenario: &Scenario, sboms: &[&PathBuf], spdx: &Value) -> Result<()> {
    let ours = of_spdx(spdx)?;
    for sbom in sboms {
        let read = syft(scenario, &["convert", &sbom.display().to_string()])?;
        ensure_same(&ours, &of_syft(&read)?)?;
        ensure!(read["distro"]["id"] == "debian", "the distribution is {}", read["distro"]);
    }
    Ok(())
}

fn syft(scenario: &Scenario, arguments: &[&str]) -> Result<Value> {
    let syft = scenario.tool("syft")?.args(arguments).args(["--quiet", "--output", "json"]);
    image::json(&syft.env("SYFT_CHECK_FOR_APP_UPDATE", "false").succeeds()?)
}

fn ensure_same(ours: &Packages, theirs: &Packages) -> Result<()> {
    let only = |these: &Packages, others: &Packages| -> Vec<String> {
        these.iter().filter(|(key, _)| !others.contains_key(*key)).map(|(_, purl)| purl.clone()).collect()
    };
    let (missing, added) = (only(theirs, ours), only(ours, theirs));
    ensure!(
        missing.is_empty() && added.is_empty(),
        "only the scanner has {missing:?}, only the SBOM has {added:?}"
    );
    Ok(())
}

fn unpack(scenario: &Scenario, reference: &str, architecture: &str) -> Result<PathBuf> {
    let directory = scenario.path(format!("{architecture}-layout"));
    image::copy_variant(
        scenario,
        architecture,
        &format!("docker://{reference}"),
        &format!("{}:image", image::layout(&directory)),
    )?;
    let bundle = scenario.path(format!("{architecture}-bundle"));
    let source = format!("{}:image", directory.display());
    let unpack = scenario.tool("umoci")?.args(["unpack", "--image", &source]).args([Path::new(&bundle)]);
    unpack.succeeds()?;
    Ok(bundle.join("rootfs"))
}
