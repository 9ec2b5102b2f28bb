//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, with the stable compiler.
//!
//! libFuzzer needs counters in the code, which the compiler's stable options give; a sanitizer, which they do not, is
//! for memory errors, and our crates have no unsafe code. What a run finds stays in the corpus beside the build
//! results, so that the next run begins there.

mod seeds;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::invocation::Invocation;
use crate::workspace::Workspace;

/// Counters for edges, the places they belong to, and operands of comparisons.
const FLAGS: &str = "--cfg fuzzing \
     -Cpasses=sancov-module \
     -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What ends a target as a failure: one input that takes this long, or this much memory.
const INPUT_SECONDS_MAX: u32 = 10;
const MEMORY_MIB_MAX: u32 = 2048;

/// Longest input in bytes; parsers differ in what they do with structure, rarely with length.
const INPUT_BYTES_MAX: u32 = 16 << 10;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Targets to run, or the beginning of their names: `deb`, `oci_reference` [default: all]
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Run one input that a target failed with
    #[arg(long, value_name = "FILE")]
    reproduce: Option<PathBuf>,
    /// List the targets
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let targets = wanted(workspace, &arguments.targets)?;
    if arguments.list {
        for target in &targets {
            println!("{target}");
        }
        return Ok(());
    }
    let programs = build(workspace, &targets)?;
    if let Some(input) = &arguments.reproduce {
        let [target] = targets.as_slice() else { bail!("name the one target that failed with this input") };
        return Invocation::new(programs.join(target)).arg(input).run();
    }
    let mut failed = Vec::new();
    for target in &targets {
        if let Err(error) = fuzz(workspace, &programs, target, arguments.seconds) {
            println!("{error:#}");
            failed.push(target.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("these targets failed: {}; `cargo xtask fuzz TARGET --reproduce FILE` shows how", failed.join(", "))
}

/// The targets whose names begin with one of these words, in the order of their names.
fn wanted(workspace: &Workspace, words: &[String]) -> Result<Vec<String>> {
    let folder = workspace.root().join("fuzz/targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    for word in words {
        if !names.iter().any(|name| name.starts_with(word)) {
            bail!("`{word}` begins no target's name; the targets are {}", names.join(", "));
        }
    }
    names.retain(|name| words.is_empty() || words.iter().any(|word| name.starts_with(word)));
    Ok(names)
}

/// Builds targets, and HTTP and OpenPGP only for those that need them; returns the folder of the programs.
fn build(workspace: &Workspace, targets: &[String]) -> Result<PathBuf> {
    let host = Invocation::new("rustc").args(["--print", "host-tuple"]).output()?;
    let host = host.trim();
    let output = workspace.scratch("fuzz").join("build");
    let mut cargo = workspace.cargo().directory(&workspace.root().join("fuzz"));
    // Named so that build scripts and macros, which run on the host too, get no counters.
    cargo = cargo.args(["build", "--release", "--quiet", "--target", host, "--target-dir"]).arg(&output);
    for target in targets {
        cargo = cargo.args(["--bin", target]);
    }
    if targets.iter().any(|target| target.starts_with("fetch") || target.starts_with("registry")) {
        cargo = cargo.args(["--features", "network"]);
    }
    cargo.env("RUSTFLAGS", FLAGS).run()?;
    Ok(output.join(host).join("release"))
}

fn fuzz(workspace: &Workspace, programs: &Path, target: &str, seconds: u32) -> Result<()> {
    let scratch = workspace.scratch("fuzz");
    let (corpus, seeds) = (scratch.join("corpus").join(target), scratch.join("seeds").join(target));
    let artifacts = scratch.join("artifacts").join(target);
    for folder in [&corpus, &seeds, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    for (number, seed) in seeds::of(target).iter().enumerate() {
        fs::write(seeds.join(number.to_string()), seed).context("writing a seed")?;
    }
    Invocation::new(programs.join(target))
        .args([corpus, seeds])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .args(["-verbosity=0", "-print_final_stats=1"])
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_seeds_and_every_seed_a_target() {
        let workspace = Workspace::find().expect("is there");
        let targets = wanted(&workspace, &[]).expect("lists");
        assert!(targets.len() > 10, "{targets:?}");
        for target in &targets {
            assert!(!seeds::of(target).is_empty(), "{target} begins from nothing");
        }
        let manifest = fs::read_to_string(workspace.root().join("fuzz/Cargo.toml")).expect("reads");
        for target in &targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in the manifest");
        }
        assert_eq!(wanted(&workspace, &["oci_ref".to_owned()]).expect("knows it"), ["oci_reference"]);
        assert!(wanted(&workspace, &["nothing".to_owned()]).is_err());
    }
}
