//! A second machine: it has nothing but a public key, and builds again what the first one published.
//!
//! Every command of a suite that builds an image into a registry or a layout is followed by this: another Temper with an
//! empty data folder and another home reproduces the image from there. What `temper quickstart` publishes nobody serves
//! yet; the suite `reproduce` does the same with it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::e2e::client::Client;
use crate::e2e::image;
use crate::e2e::scenario::Scenario;

/// A machine that trusts a key and has nothing.
pub(crate) struct Second<'a> {
    scenario: &'a Scenario<'a>,
    pub(crate) home: PathBuf,
    key: String,
}

impl<'a> Second<'a> {
    /// Makes an empty home; `key` is a public key, a file or an address.
    pub(crate) fn new(scenario: &'a Scenario<'a>, name: &str, key: String) -> Result<Self> {
        let home = scenario.path(name);
        ensure!(!home.exists(), "`{}` is not new", home.display());
        fs::create_dir_all(&home).context("making a home")?;
        Ok(Self { scenario, home, key })
    }

    /// Lets this machine reach no package archive: the option that says so.
    pub(crate) fn without_archives(&self) -> Result<[String; 2]> {
        let config = self.home.join("config.yaml");
        let nobody = "http://127.0.0.1:9/debian";
        fs::write(&config, format!("mirrors: {{debian: \"{nobody}\", debian-security: \"{nobody}\"}}\n"))?;
        Ok(["--config".to_owned(), config.display().to_string()])
    }

    /// A command of this machine about an image.
    pub(crate) fn temper(&self, command: &str, reference: &str) -> Client<'a> {
        let data = self.home.join("data");
        let client = self.scenario.temper().env("HOME", &self.home);
        client.args([command, reference, "--json", "--key", &self.key, "--data-dir"]).args([&data])
    }

    pub(crate) fn verifies(&self, reference: &str) -> Result<Value> {
        let report = image::json(&self.temper("verify", reference).succeeds()?)?;
        ensure!(report["verified"] == true, "{report:#}");
        Ok(report)
    }

    /// Builds an image again, with its inputs from where it is, and from `places`.
    pub(crate) fn reproduces(&self, reference: &str, places: &[String]) -> Result<()> {
        let options: Vec<&str> = places.iter().flat_map(|place| ["--input", place]).collect();
        self.reproduces_with(reference, &options)
    }

    /// Builds an image again from what is there, without any package archive.
    pub(crate) fn reproduces_alone(&self, reference: &str) -> Result<()> {
        let options = self.without_archives()?;
        self.reproduces_with(reference, &options.each_ref().map(String::as_str))
    }

    fn reproduces_with(&self, reference: &str, options: &[&str]) -> Result<()> {
        let result = image::json(&self.temper("reproduce", reference).args(options).succeeds()?)?;
        ensure!(result["outcome"] == "identical", "{result:#}");
        ensure!(result["digest"] == result["rebuilt"], "{result:#}");
        Ok(())
    }
}

/// Reproduces what a command line of the program has published, if it publishes anything; counts as a test.
pub(crate) fn reproduce_published(scenario: &Scenario, words: &[String], printed: &str) -> Result<()> {
    let Some(build) = Build::read(words) else { return Ok(()) };
    let printed = image::json(printed)
        .with_context(|| format!("without `--json` nobody knows what `{}` publishes", words.join(" ")))?;
    let images = printed["images"].as_array().cloned().unwrap_or_else(|| vec![printed.clone()]);
    for published in &images {
        let reference = image::text(published, "reference")?;
        let name = reference.rsplit('/').next().unwrap_or_default().replace(['.', ':', '-', '@'], "_");
        // A failure has been counted and shown where it happened.
        let _ = scenario.setup(&format!("{name}_is_reproduced"), || {
            let second = Second::new(scenario, &scenario.numbered("second"), build.key()?)?;
            second.reproduces(reference, &build.inputs())?;
            fs::remove_dir_all(&second.home).context("removing a home")
        });
    }
    Ok(())
}

/// The options of a command that builds and signs an image.
struct Build<'a>(&'a [String]);

impl<'a> Build<'a> {
    fn read(words: &'a [String]) -> Option<Self> {
        let options = match words {
            [build, options @ ..] if build == "build" => options,
            [catalog, build, options @ ..] if catalog == "catalog" && build == "build" => options,
            _ => return None,
        };
        let asks = ["--help", "--no-sign"];
        (!options.iter().any(|option| asks.contains(&option.as_str()))).then_some(Self(options))
    }

    fn values(&self, option: &str) -> impl Iterator<Item = &'a str> {
        let positions = self.0.iter().zip(self.0.iter().skip(1));
        positions.filter(move |(name, _)| *name == option).map(|(_, value)| value.as_str())
    }

    /// The layouts that the image was made from: they are where their owner has them.
    fn inputs(&self) -> Vec<String> {
        let artifacts = self.values("--artifact").filter_map(|value| Some(value.split_once('=')?.1));
        let places = self.values("--base").chain(artifacts).filter(|place| place.starts_with("oci:"));
        places.map(str::to_owned).collect()
    }

    /// The public half of the key that signs.
    fn key(&self) -> Result<String> {
        let file = match self.values("--key").next() {
            Some(file) if !file.starts_with("pkcs11:") => Path::new(file).with_extension("pub"),
            // The suites bring a token's key into the keyring first.
            _ => self.newest_key()?,
        };
        Ok(file.display().to_string())
    }

    fn newest_key(&self) -> Result<PathBuf> {
        let data = self.values("--data-dir").next().context("a build names its data folder")?;
        let folder = Path::new(data).join("keys");
        let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        let number = |name: &str| name.strip_suffix(".pub")?.parse::<u32>().ok();
        let numbers = entries.filter_map(|entry| number(&entry.ok()?.file_name().to_string_lossy()));
        let newest = numbers.max().with_context(|| format!("{} has no keys", folder.display()))?;
        Ok(folder.join(format!("{newest}.pub")))
    }
}
