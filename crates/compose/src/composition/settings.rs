//! Environment, entrypoint and cmd of the result, and the config that they go into.

use temper_oci::{ImageConfig, Platform};
use temper_rootfs::tree::Tree;

use crate::command::{self, Commands};
use crate::composition::system::System;
use crate::composition::{PlatformInput, programs};
use crate::config::ConfigInput;
use crate::environment::{self, ArtifactEnvironment, Variable};
use crate::finding::Findings;
use crate::image::PlatformImage;
use crate::recipe::Recipe;

/// The effective settings of the result.
pub(super) struct Settings {
    pub(super) environment: Vec<Variable>,
    pub(super) commands: Commands,
}

impl Settings {
    /// Works out the settings on the trees of the base and of the result.
    pub(super) fn read(
        recipe: &Recipe,
        base: Option<&PlatformImage>,
        input: &PlatformInput<'_>,
        (base_tree, tree): (&Tree, &Tree),
        system: &System,
        findings: &mut Findings,
    ) -> Self {
        let environment = merge_environment(recipe, base, input, tree);
        let commands = apply_commands(recipe, base, (base_tree, tree), &environment, system, findings);
        Self { environment, commands }
    }

    /// Returns what the config is edited with.
    pub(super) fn config_input<'a>(
        &'a self,
        recipe: &'a Recipe,
        base: Option<&'a PlatformImage>,
        platform: &'a Platform,
        time: i64,
        system: &'a System,
    ) -> ConfigInput<'a> {
        ConfigInput {
            platform,
            base: base.map(|image| &image.config),
            time,
            environment: &self.environment,
            commands: &self.commands,
            user: &system.user.value,
            work_dir: &system.work_dir.value,
            stop_signal: recipe.stop_signal.as_deref(),
            labels: &recipe.labels,
            ports: &recipe.ports,
            volumes: &recipe.volumes,
        }
    }
}

fn merge_environment(
    recipe: &Recipe,
    base: Option<&PlatformImage>,
    input: &PlatformInput<'_>,
    tree: &Tree,
) -> Vec<Variable> {
    // Of an artifact that only holds certificates nothing else is taken.
    let artifacts = recipe.artifacts.iter().zip(input.artifacts);
    let artifacts = artifacts.filter(|(wanted, _)| !wanted.includes.is_empty()).filter_map(|(_, image)| {
        let variables = pairs(&image.find(input.platform)?.config);
        Some(ArtifactEnvironment { artifact: image.reference.clone(), variables })
    });
    let artifacts: Vec<_> = artifacts.collect();
    let base = base.map(|base| pairs(&base.config)).unwrap_or_default();
    environment::merge(&base, &artifacts, &recipe.environment, &|path| programs::is_directory(tree, path))
}

fn apply_commands(
    recipe: &Recipe,
    base: Option<&PlatformImage>,
    (base_tree, tree): (&Tree, &Tree),
    environment: &[Variable],
    system: &System,
    findings: &mut Findings,
) -> Commands {
    let entrypoint = base.and_then(|base| base.config.entrypoint()).unwrap_or_default();
    let cmd = base.and_then(|base| base.config.cmd()).unwrap_or_default();
    let after_path =
        path(environment.iter().map(|variable| (variable.name.as_str(), variable.value.as_str())));
    let after = programs::Programs { tree, path: &after_path, work_dir: &system.work_dir.value };
    // What the base could start is asked of the base's own settings: the new ones may be what takes it away.
    let own = base.map(|base| pairs(&base.config)).unwrap_or_default();
    let before_path = path(own.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let work_dir = base.and_then(|base| base.config.working_dir()).unwrap_or_default();
    let before = programs::Programs { tree: base_tree, path: &before_path, work_dir };
    command::apply(
        (&entrypoint, &cmd),
        recipe.entrypoint.as_ref(),
        recipe.cmd.as_ref(),
        &|word| after.has(word),
        &|word| before.has(word),
        findings,
    )
}

fn pairs(config: &ImageConfig) -> Vec<(String, String)> {
    let split = |text: &String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    config.env().iter().filter_map(split).collect()
}

/// Returns the effective `PATH` of some variables.
fn path<'a>(mut variables: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let own = variables.find(|(name, _)| *name == "PATH").map(|(_, value)| value);
    own.unwrap_or(environment::DEFAULT_PATH).to_owned()
}
