//! The side of buildah: a Containerfile with apt, chroot isolation, overlay storage of its own.

use std::fs;

use anyhow::{Context, Result};

use crate::apt::Apt;
use crate::bench::compose::bed::{Bed, Services};
use crate::bench::compose::customization::{ARTIFACT, CERTIFICATE, PACKAGES};
use crate::bench::measure::{Sample, measure};
use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// As in Debian's own images: apt's binary caches would be most of the new layer.
const NO_CACHES: &str = "Dir::Cache::pkgcache \"\"; Dir::Cache::srcpkgcache \"\";\n";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Puts the base and the artifact into the registry, and base and packages into buildah's reach.
pub(crate) fn prepare(workspace: &Workspace, bed: &Bed) -> Result<()> {
    write_apt_configuration(workspace, bed)?;
    let base = bed.reference("acme/base:latest");
    Invocation::new("skopeo")
        .args(["copy", "--quiet", "--all", "--dest-tls-verify=false"])
        .arg(format!("oci:{}", bed.base.display()))
        .arg(format!("docker://{base}"))
        .run()?;
    push_artifact(bed)?;
    buildah(bed).args(["pull", "--quiet", "--tls-verify=false", &base]).output()?;
    let container = buildah(bed).args(["from", "--pull-never", &base]).output()?;
    let container = container.trim();
    for command in [vec!["update"], [vec!["install", "--download-only"], PACKAGES.to_vec()].concat()] {
        buildah(bed)
            .args(["run", "--user=root", "--isolation=chroot"])
            .args(volumes(bed))
            .args([container, "--", "apt-get", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(command)
            .output()?;
    }
    buildah(bed).args(["rm", container]).output().map(drop)
}

/// Builds and pushes; the push goes to a repository of its own unless the layers are known there too.
pub(crate) fn build(bed: &Bed, services: &Services, run: usize, layers_known: bool) -> Result<Sample> {
    let repository = if layers_known { "acme/buildah-0".to_owned() } else { format!("acme/buildah-{run}") };
    let tag = bed.reference(&repository);
    let cache = if layers_known { "--layers" } else { "--no-cache" };
    let build = buildah(bed)
        .args(["build", "--quiet", "--layers", cache, "--pull-never", "--isolation=chroot", "--format=oci"])
        .args(volumes(bed))
        .args(["--tag", &tag])
        .arg(bed.path("context"));
    let push = buildah(bed).args(["push", "--quiet", "--tls-verify=false", &tag]);
    let scratch = bed.path("time");
    let built = measure(build, &services.relay, &scratch)?;
    Ok(built.then(&measure(push, &services.relay, &scratch)?))
}

fn buildah(bed: &Bed) -> Invocation {
    Invocation::new("buildah")
        .arg("--root")
        .arg(bed.path("buildah"))
        .arg("--runroot")
        .arg(bed.path("buildah-run"))
        .args(["--storage-driver", "overlay"])
        .env("DEBIAN_FRONTEND", "noninteractive")
}

/// The machine's mirror, the indexes and the package files, outside of the image.
fn volumes(bed: &Bed) -> Vec<String> {
    [("apt", "/etc/apt"), ("lists", "/var/lib/apt/lists"), ("archives", "/var/cache/apt/archives")]
        .map(|(folder, inside)| format!("--volume={}:{inside}", bed.path(folder).display()))
        .to_vec()
}

/// A folder for `/etc/apt` that names the machine's mirror.
fn write_apt_configuration(workspace: &Workspace, bed: &Bed) -> Result<()> {
    for folder in ["apt/apt.conf.d", "apt/preferences.d", "lists/partial", "archives/partial"] {
        fs::create_dir_all(bed.path(folder))?;
    }
    let apt = Apt::open(workspace, "trixie", "amd64")?;
    let sources = fs::read_to_string(apt.sources())?.replace(KEYRING, "/etc/apt/archive-keyring.gpg");
    fs::copy(KEYRING, bed.path("apt/archive-keyring.gpg")).context("copying the archive's keyring")?;
    fs::write(bed.path("apt/sources.list"), sources)?;
    let settings = Apt::machine_settings()? + NO_CACHES;
    fs::write(bed.path("apt/apt.conf.d/machine"), settings)?;
    Ok(())
}

/// An image from scratch with the certificate as its only file.
fn push_artifact(bed: &Bed) -> Result<()> {
    let container = buildah(bed).args(["from", "scratch"]).output()?;
    let container = container.trim();
    let inside = format!("/{CERTIFICATE}");
    buildah(bed)
        .args(["copy", "--quiet", container])
        .arg(bed.path("context/example.crt"))
        .arg(inside)
        .output()?;
    let reference = bed.reference(ARTIFACT);
    buildah(bed).args(["commit", "--quiet", "--format=oci", "--rm", container, &reference]).output()?;
    buildah(bed).args(["push", "--quiet", "--tls-verify=false", &reference]).output().map(drop)
}
