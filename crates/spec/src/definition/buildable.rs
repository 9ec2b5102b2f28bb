//! What keeps a definition from being built here.
//!
//! Temper runs no build pipeline and fetches nothing but packages, so it builds what is made of packages,
//! accounts, paths with their content in the definition, and settings.

use crate::yaml::{Node, Value};

use super::{Definition, Family, LayerOutput, PathType, expand_ports};
use crate::customization::check::forbidden_in_path;

/// Lists the obstacles, each beginning with the key it is about.
pub(super) fn obstacles(definition: &Definition) -> Vec<String> {
    let document = &definition.document;
    let contents = &document.contents;
    let mut found = Vec::new();
    let mut note = |obstacle: bool, text: &str| {
        if obstacle {
            found.push(text.to_owned());
        }
    };
    note(definition.is_chart(), "`variant`: charts are customized, not built");
    note(!document.includes.is_empty(), "`includes`: other files of the catalog are not read");
    note(document.output == Some(LayerOutput::Squashed), "`output`: images are not squashed");
    note(!contents.builds.is_empty(), "`contents.builds`: build pipelines are not run");
    note(!contents.files.is_empty(), "`contents.files`: files are not fetched from addresses");
    note(!contents.artifacts.is_empty(), "`contents.artifacts`: images are not copied into a definition");
    if !definition.is_chart() {
        found.extend(distribution(definition));
    }
    found.extend(paths(definition));
    found.extend(ports(definition));
    found.extend(variables(definition));
    found
}

fn distribution(definition: &Definition) -> Option<String> {
    match definition.distribution() {
        Some(distribution) if distribution.family == Family::Debian => {
            let repositories = &definition.document.contents.repositories;
            let foreign = repositories.iter().position(|repository| repository.as_debian().is_none());
            foreign.map(|index| format!("`contents.repositories[{index}]`: is not a repository of Debian"))
        }
        Some(distribution) => {
            Some(format!("`contents.repositories`: {distribution} is not built, only Debian is"))
        }
        None => Some("`contents.repositories`: names no release of a known distribution".to_owned()),
    }
}

fn paths(definition: &Definition) -> Vec<String> {
    let mut found = Vec::new();
    for (index, entry) in definition.document.paths.iter().enumerate() {
        if entry.condition.is_some() {
            found.push(format!("`paths[{index}].if`: conditions are not evaluated"));
        }
        if entry.recursive {
            found.push(format!("`paths[{index}].recursive`: only the path itself is changed"));
        }
        let path = &entry.path;
        if !path.starts_with('/') {
            found.push(format!("`paths[{index}].path`: `{}` is not absolute", path.escape_debug()));
        } else if let Some(reason) = forbidden_in_path(path) {
            found.push(format!("`paths[{index}].path`: `{}` {reason}", path.escape_debug()));
        } else if path.trim_matches('/').is_empty() {
            found.push(format!("`paths[{index}].path`: `{path}` is the root itself"));
        }
        if entry.source.is_none() && entry.kind == PathType::Symlink {
            found.push(format!("`paths[{index}].source`: is missing, a symlink needs a target"));
        }
        if entry.source.is_some() && entry.kind != PathType::Symlink {
            found.push(format!("`paths[{index}].source`: other files of the catalog are not read"));
        }
    }
    found
}

fn ports(definition: &Definition) -> impl Iterator<Item = String> {
    let ports = definition.document.ports.iter().enumerate();
    // A variable has an obstacle of its own.
    let wrong = ports.filter(|(_, text)| expand_ports(text).is_none() && !text.contains("${"));
    wrong.map(|(index, text)| {
        let text = text.escape_debug();
        format!("`ports[{index}]`: `{text}` is not a port, such as `8080`, `53/udp` or `4510-4559`")
    })
}

/// Finds values of variables that a finished definition would have in their place.
fn variables(definition: &Definition) -> Vec<String> {
    const BUILD_ONLY: [&str; 2] = ["vars", "track"];
    const OBSTACLES: [&str; 3] = ["contents.builds", "contents.files", "contents.artifacts"];
    let Value::Mapping(entries) = &definition.tree.value else { return Vec::new() };
    let names: Vec<String> = definition.document.vars.keys().map(|name| format!("${{{name}}}")).collect();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| !BUILD_ONLY.contains(&entry.key.as_str())) {
        visit(&entry.key, &entry.value, &mut |path, text| {
            let is_obstacle_itself = OBSTACLES.iter().any(|key| path.starts_with(key));
            if !is_obstacle_itself && names.iter().any(|name| text.contains(name)) {
                found.push(format!("`{path}`: variables are not filled in"));
            }
        });
    }
    found
}

fn visit(path: &str, node: &Node, found: &mut impl FnMut(&str, &str)) {
    match &node.value {
        Value::Scalar(text, _) => found(path, text),
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(&format!("{path}[{index}]"), item, found);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                visit(&format!("{path}.{}", entry.key), &entry.value, found);
            }
        }
    }
}
