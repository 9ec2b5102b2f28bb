//! The image config of the result: the base's JSON with what the recipe sets, everything unknown kept.

use temper_oci::{HistoryEntry, ImageConfig, Platform};
use temper_rootfs::layer_writer::LayerRecord;

use crate::command::Commands;
use crate::environment::Variable;
use crate::time;

/// What the recipe makes of a config.
pub(crate) struct ConfigInput<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) base: Option<&'a ImageConfig>,
    pub(crate) time: i64,
    pub(crate) environment: &'a [Variable],
    pub(crate) commands: &'a Commands,
    pub(crate) user: &'a str,
    pub(crate) work_dir: &'a str,
    pub(crate) stop_signal: Option<&'a str>,
    pub(crate) labels: &'a [(String, String)],
    pub(crate) ports: &'a [String],
    pub(crate) volumes: &'a [String],
}

/// Returns the config without the new layers.
pub(crate) fn edit(input: &ConfigInput<'_>) -> ImageConfig {
    let mut config = input.base.cloned().unwrap_or_else(|| ImageConfig::new(input.platform));
    config.set_created(&time::format(input.time));
    let environment: Vec<String> =
        input.environment.iter().map(|variable| format!("{}={}", variable.name, variable.value)).collect();
    if environment != config.env() {
        config.set_env(&environment);
    }
    let (entrypoint, cmd) = (&input.commands.entrypoint.value, &input.commands.cmd.value);
    if config.entrypoint().unwrap_or_default() != *entrypoint {
        config.set_entrypoint((!entrypoint.is_empty()).then_some(entrypoint));
    }
    if config.cmd().unwrap_or_default() != *cmd {
        config.set_cmd((!cmd.is_empty()).then_some(cmd));
    }
    if config.user().unwrap_or_default() != input.user {
        config.set_user(input.user);
    }
    if config.working_dir().unwrap_or_default() != input.work_dir {
        config.set_working_dir(input.work_dir);
    }
    if let Some(signal) = input.stop_signal {
        config.set_stop_signal(signal);
    }
    for (name, value) in input.labels {
        config.set_label(name, value);
    }
    config.add_exposed_ports(input.ports);
    config.add_volumes(input.volumes);
    config
}

/// Adds written layers, with a line of history each where the history tells of the layers below.
pub(crate) fn add_layers(config: &mut ImageConfig, time: i64, layers: &[(String, LayerRecord)]) {
    let below = config.diff_ids().len();
    let told = config.history().iter().filter(|entry| !entry.empty_layer).count();
    if told == below {
        let mut history = config.history().to_vec();
        history.extend(layers.iter().map(|(name, _)| HistoryEntry {
            created: Some(time::format(time)),
            created_by: Some(format!("temper: {name}")),
            ..HistoryEntry::default()
        }));
        config.set_history(history);
    }
    let mut diff_ids = config.diff_ids().to_vec();
    diff_ids.extend(layers.iter().map(|(_, record)| record.diff_id));
    config.set_diff_ids(diff_ids);
}
