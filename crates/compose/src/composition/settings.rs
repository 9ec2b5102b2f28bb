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
    let pairs = |config: &ImageConfig| -> Vec<(String, String)> {
        let split =
            |text: &String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        config.env().iter().filter_map(split).collect()
    };
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
    let path =
        environment.iter().find(|variable| variable.name == "PATH").map(|variable| variable.value.as_str());
    let path = path.unwrap_or(environment::DEFAULT_PATH);
    let finder = |tree| programs::Programs { tree, path, work_dir: &system.work_dir.value };
    let (before, after) = (finder(base_tree), finder(tree));
    command::apply(
        (&entrypoint, &cmd),
        recipe.entrypoint.as_ref(),
        recipe.cmd.as_ref(),
        &|word| after.has(word),
        &|word| before.has(word),
        findings,
    )
}
