//! The side of Temper: `temper build` with a data folder that holds the packages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::bench::compose::bed::{Bed, Services};
use crate::bench::measure::{Sample, measure};
use crate::invocation::Invocation;
use crate::temper::Temper;

/// Folders of the data folder that hold what a build computed, not what it knows of the base.
const DERIVED: &[&str] = &["cache/choice-1", "cache/layer-1", "cache/package-index", "cache/segment-1"];

/// One build with network fills a data folder; what it computed is then taken out of a copy.
pub(crate) fn prepare(temper: &Temper, bed: &Bed) -> Result<()> {
    build(temper, bed, &bed.path("known"), &bed.base, "acme/temper-prepare").output()?;
    copy(&bed.path("known"), &bed.path("fetched"))?;
    for folder in DERIVED {
        let folder = bed.path("fetched").join(folder);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    patched_base(bed)
}

/// The packages and the base are there; no layer was ever computed.
pub(crate) fn cold(temper: &Temper, bed: &Bed, services: &Services, run: usize) -> Result<Sample> {
    let data = bed.path(&format!("cold-{run}"));
    copy(&bed.path("fetched"), &data)?;
    let repository = format!("acme/temper-{run}");
    // Base and result share a repository, as a mirrored image and its customization do.
    mirror_base(bed, &repository)?;
    measure(build(temper, bed, &data, &bed.base, &repository), &services.relay, &bed.path("time"))
}

/// The same build once more.
pub(crate) fn known(temper: &Temper, bed: &Bed, services: &Services, _run: usize) -> Result<Sample> {
    let command = build(temper, bed, &bed.path("cold-0"), &bed.base, "acme/temper-0");
    measure(command, &services.relay, &bed.path("time"))
}

/// The same customization over a base with one more layer.
pub(crate) fn base_patched(temper: &Temper, bed: &Bed, services: &Services, run: usize) -> Result<Sample> {
    let data = bed.path(&format!("patched-{run}"));
    copy(&bed.path("cold-0"), &data)?;
    let command = build(temper, bed, &data, &bed.path("patched"), "acme/temper-0");
    measure(command, &services.relay, &bed.path("time"))
}

fn build(temper: &Temper, bed: &Bed, data: &Path, base: &Path, repository: &str) -> Invocation {
    let output = bed.reference(repository);
    // The other side signs nothing and states nothing.
    temper
        .command()
        .env("HOME", bed.path("home"))
        .arg("build")
        .arg(bed.path("customization.yaml"))
        .args(["--base", &format!("oci:{}", base.display()), "--output", &output, "--json", "--data-dir"])
        .arg(data)
        .args(["--server", &bed.address(), "--no-sign"])
}

/// Puts the base into a repository of the registry.
fn mirror_base(bed: &Bed, repository: &str) -> Result<()> {
    Invocation::new("skopeo")
        .args(["copy", "--quiet", "--all", "--dest-tls-verify=false"])
        .arg(format!("oci:{}", bed.base.display()))
        .arg(format!("docker://{}:base", bed.reference(repository)))
        .output()
        .map(drop)
}

/// The base with a file added on top, as an OCI layout.
fn patched_base(bed: &Bed) -> Result<()> {
    let layout = bed.path("patched");
    let copy = |from: PathBuf| {
        Invocation::new("skopeo")
            .args(["copy", "--quiet"])
            .arg(format!("oci:{}", from.display()))
            .arg(format!("oci:{}:latest", layout.display()))
    };
    copy(bed.base.clone()).output()?;
    fs::write(bed.path("patch"), "a security fix\n")?;
    Invocation::new("umoci")
        .args(["insert", "--image"])
        .arg(format!("{}:latest", layout.display()))
        .arg(bed.path("patch"))
        .arg("/usr/share/patch")
        .output()
        .map(drop)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    Invocation::new("cp").args(["--archive", "--reflink=auto"]).arg(from).arg(to).output().map(drop)
}
