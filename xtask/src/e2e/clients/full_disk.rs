//! A disk that is full: every program shows the words, and once there is room the registry takes images again.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::{Sample, ensure_says, push_sample};
use crate::e2e::clients::place::Place;
use crate::e2e::crash::content::Random;
use crate::e2e::scenario::Scenario;
use crate::invocation::Invocation;

/// The disk of the registry, which has room for its database and for the sample.
const DISK: &str = "size=24m";
/// What does not fit.
const LARGE_BYTES: usize = 40 << 20;
/// What people are to read.
const WORDS: &str = "the registry's disk is full";

pub(super) fn check(scenario: &Scenario, sample: &Sample) -> Result<()> {
    let disk = scenario.path("small-disk");
    fs::create_dir_all(&disk)?;
    let mount = Invocation::new("mount").args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(&disk);
    if !mount.capture()?.succeeded() {
        println!("skipped: only an administrator mounts a small disk");
        return Ok(());
    }
    let mounted = Mounted(disk);
    let data = mounted.0.join("data");
    let server = scenario.serve(&["serve".as_ref(), "--data-dir".as_ref(), data.as_os_str()])?;
    let place = Place::plain(scenario, "full_disk", server.address().to_string())?;
    let (file, archive) = large_image(scenario, &place)?;

    let crane = place.tool(scenario, "crane")?.args(["push".as_ref(), archive.as_os_str()]);
    ensure_says(&crane.args([place.reference("by-crane:1")]).fails()?.stderr, WORDS)?;
    let skopeo = place.container_tool(scenario, "skopeo")?.args(["copy", "--dest-tls-verify=false"]);
    let from = format!("docker-archive:{}", archive.display());
    let to = format!("docker://{}", place.reference("by-skopeo:1"));
    ensure_says(&skopeo.args([from, to]).fails()?.stderr, WORDS)?;
    let oras = place.tool(scenario, "oras")?.args(["push", place.plain_http(), "--disable-path-validation"]);
    let file = file.display().to_string();
    ensure_says(&oras.args([place.reference("by-oras:1"), file]).fails()?.stderr, WORDS)?;

    push_sample(scenario, &place, sample, "small:1")?;
    let staged = fs::read_dir(data.join("registry/uploads"))?.count();
    ensure!(staged == 0, "{staged} uploads take up the disk");
    Ok(())
}

/// Makes a file that no compression makes small, and an image whose one layer it is.
fn large_image(scenario: &Scenario, place: &Place) -> Result<(PathBuf, PathBuf)> {
    let (file, archive) = (place.path("large"), place.path("large.tar"));
    let mut random = Random::new(1);
    let bytes: Vec<u8> = (0..LARGE_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    fs::write(&file, bytes)?;
    let append =
        place.tool(scenario, "crane")?.args(["append", "--new_tag=large:1", "--new_layer"]).args([&file]);
    append.args(["--output".as_ref(), archive.as_os_str()]).succeeds()?;
    Ok((file, archive))
}

/// A disk that goes with the check.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // What cannot be unmounted now is unmounted before the next run.
        let _ = Invocation::new("umount").arg("--lazy").arg(&self.0).capture();
    }
}
