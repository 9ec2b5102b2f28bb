//! The same inputs give the same bytes, whoever builds, where, and in whatever order the archive answers.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::e2e::example::{AUTHORITY, Example, example};
use crate::e2e::image;
use crate::e2e::scenario::Scenario;
use crate::e2e::slow_mirror::SlowMirror;

/// Everything around a build that must not show in its result.
struct Surroundings {
    name: &'static str,
    time_zone: &'static str,
    locale: &'static str,
    umask: &'static str,
    workers: &'static str,
    config: Option<PathBuf>,
}

/// The digests of one pass.
#[derive(Debug, PartialEq, Eq)]
struct Digests {
    base: String,
    customized: String,
}

pub(crate) fn suite(scenario: &Scenario) -> Result<()> {
    let example = scenario.setup("the_quickstart_is_there", || example(scenario))?;
    let plain = Surroundings {
        name: "plain",
        time_zone: "UTC",
        locale: "C",
        umask: "022",
        workers: "1",
        config: None,
    };
    let plain = scenario.setup("one_worker_builds", || build(scenario, &example, &plain))?;
    let mirror = scenario.setup("the_slow_mirror_answers", || SlowMirror::start(scenario))?;
    let config = scenario.setup("the_slow_mirror_is_configured", || configure(scenario, &mirror))?;
    let strange = Surroundings {
        name: "strange",
        time_zone: "Pacific/Chatham",
        locale: "tr_TR.UTF-8",
        umask: "077",
        workers: "3",
        config: Some(config),
    };
    let strange = scenario.setup("three_workers_build", || build(scenario, &example, &strange))?;

    scenario.check("the_slow_mirror_was_used", || {
        let answers = mirror.answers();
        ensure!(answers > 50, "the slow mirror gave {answers} answers only");
        Ok(())
    });
    scenario.check("both_give_the_same_digests", || {
        ensure!(plain == strange, "{plain:?} and {strange:?}");
        Ok(())
    });
    scenario.check("the_quickstart_gives_them_too", || {
        ensure!(plain.customized == example.digest, "{plain:?}, the quickstart gives {}", example.digest);
        Ok(())
    });
    Ok(())
}

/// Builds base and customization in processes of their own, from an empty data folder, and validates both.
fn build(scenario: &Scenario, example: &Example, surroundings: &Surroundings) -> Result<Digests> {
    let folder = scenario.path(surroundings.name);
    fs::create_dir_all(folder.join("home")).context("making a home")?;
    let base = image::layout(&folder.join("base"));
    let customized = image::layout(&folder.join("customized"));
    let document = scenario.repository_path("examples/quickstart.yaml");
    let artifact = format!("{AUTHORITY}={}", example.authority);
    let run = |arguments: &[&str], output: &str| {
        let mut client = scenario.temper().args(arguments).args(["--json", "--output", output]);
        client = client.args(["--workers", surroundings.workers, "--data-dir"]).args([folder.join("data")]);
        if let Some(config) = &surroundings.config {
            client = client.args(["--config".as_ref(), config.as_os_str()]);
        }
        client = client.env("HOME", folder.join("home")).env("TZ", surroundings.time_zone);
        client = client.env("LANG", surroundings.locale).env("LC_ALL", surroundings.locale);
        let built = image::json(&client.umask(surroundings.umask).succeeds()?)?;
        let digest = image::text(&built, "digest")?.to_owned();
        image::validate(scenario, output, &digest)?;
        Ok::<_, anyhow::Error>(digest)
    };
    Ok(Digests {
        base: run(&["catalog", "build", "python/debian-13/3.13"], &base)?,
        customized: run(
            &["build", &document.to_string_lossy(), "--base", &base, "--artifact", &artifact],
            &customized,
        )?,
    })
}

fn configure(scenario: &Scenario, mirror: &SlowMirror) -> Result<PathBuf> {
    let config = scenario.path("config.yaml");
    let address = mirror.address();
    let text = format!(
        "mirrors:\n  debian: http://{address}/debian\n  debian-security: http://{address}/debian-security\n"
    );
    fs::write(&config, text).context("writing a configuration")?;
    Ok(config)
}
