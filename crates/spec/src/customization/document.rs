//! The document as it is written, before both forms become one.

use std::collections::BTreeMap;

use temper_oci::Platform;

use crate::read::record::record;
use crate::read::{At, Report};

use super::{
    Accounts, Arguments, Certificate, Compression, Contents, Customization, File, Overrides,
    ReferenceMapping, Target, check,
};

record! {
    /// A customization of hardened images, or of a Helm chart.
    pub(crate) struct Document {
        /// Given by Temper: absent on create, required on edit.
        id: Option<String> = "id";
        /// Name that people see; the suffix is derived from it.
        name: Option<String> = "name", check check::name;
        /// What is added to each tag behind `_`; derived from the name if absent.
        suffix: Option<String> = "suffix", check check::suffix;
        /// Where results go and what they are made from.
        targets: Option<Vec<Target>> = "targets", check check::targets;
        /// Older form: catalog repository of the only target.
        source: Option<String> = "source";
        /// Older form: destination of the only target.
        destination: Option<String> = "destination", check check::repository;
        /// Older form: tag definition id of the only target.
        tag_definition_id: Option<String> = "tag_definition_id" | "tag-definition-id", check check::definition_id;
        /// Older form: the suffix with its leading `_`.
        tag_suffix: Option<String> = "tag_suffix" | "tag-suffix", check check::tag_suffix;
        /// Packages and artifacts to add.
        contents: Contents = "contents", default Contents::EMPTY;
        /// Static files, also called scripts; never executed by a build.
        paths: Vec<File> = "paths" | "scripts", check check::files;
        /// Users, groups, and who runs the container.
        accounts: Option<Accounts> = "accounts";
        /// Environment variables.
        environment: BTreeMap<String, String> = "environment" | "env", check check::environment;
        /// Labels of the image's config.
        labels: BTreeMap<String, String> = "labels", check check::metadata;
        /// Annotations of index and manifests.
        annotations: BTreeMap<String, String> = "annotations", check check::metadata;
        /// Words appended to the base's entrypoint, or `replace` or `prepend`.
        entrypoint: Option<Arguments> = "entrypoint";
        /// Words appended to the base's cmd, or `replace` or `prepend`.
        cmd: Option<Arguments> = "cmd";
        /// Absolute path of the working directory.
        work_dir: Option<String> = "work-dir" | "workdir" | "working-dir", check check::absolute;
        /// Signal that stops a container.
        stop_signal: Option<String> = "stop-signal" | "stopsignal", check check::stop_signal;
        /// Platforms to build, at least one; all that the base has if absent.
        platforms: Option<Vec<Platform>> = "platforms", check check::platforms;
        /// Compression of layers; the base's if absent.
        compression: Option<Compression> = "compression";
        /// Certificates that join the system's bundle: PEM text, or a file of an artifact.
        certificates: Vec<Certificate> = "certificates";
        /// Charts only: image references to replace.
        reference_mappings: Vec<ReferenceMapping> = "reference_mappings" | "reference-mappings";
    }
}

impl Document {
    /// Brings the older form and the overrides into the one form that everything after this knows.
    pub(super) fn resolve(self, overrides: &Overrides, report: &mut Report) -> Customization {
        let name = overrides.name.clone().or(self.name.clone());
        if name.is_none() {
            missing("name", "give the customization a name; its tags end with it", report);
        }
        let suffix = self.resolve_suffix(report);
        let targets = self.resolve_targets(overrides, report);
        Customization {
            id: self.id,
            name: name.unwrap_or_default(),
            suffix,
            targets,
            contents: self.contents,
            paths: self.paths,
            accounts: self.accounts,
            environment: self.environment,
            labels: self.labels,
            annotations: self.annotations,
            entrypoint: self.entrypoint,
            cmd: self.cmd,
            work_dir: self.work_dir,
            stop_signal: self.stop_signal,
            platforms: self.platforms,
            compression: self.compression,
            certificates: self.certificates,
            reference_mappings: self.reference_mappings,
        }
    }

    fn resolve_suffix(&self, report: &mut Report) -> Option<String> {
        match (&self.suffix, &self.tag_suffix) {
            (Some(_), Some(_)) => {
                report.problem_with_hint(
                    &At::ROOT.key("tag_suffix"),
                    "stands beside `suffix`, which says the same",
                    "keep `suffix`",
                );
                None
            }
            (Some(suffix), None) => Some(suffix.clone()),
            (None, tag_suffix) => {
                tag_suffix.as_deref().and_then(|suffix| suffix.strip_prefix('_')).map(str::to_owned)
            }
        }
    }

    fn resolve_targets(&self, overrides: &Overrides, report: &mut Report) -> Vec<Target> {
        let older = self.source.is_some() || self.destination.is_some() || self.tag_definition_id.is_some();
        if older && self.targets.is_some() {
            for (key, given) in [
                ("source", &self.source),
                ("destination", &self.destination),
                ("tag_definition_id", &self.tag_definition_id),
            ] {
                if given.is_some() {
                    let hint = "move it into the entry of `targets` that it belongs to";
                    report.problem_with_hint(&At::ROOT.key(key), "stands beside `targets`", hint);
                }
            }
        }
        let mut targets = self.targets.clone().unwrap_or_default();
        if targets.is_empty() && (older || overrides.destination.is_some()) {
            targets.extend(self.older_target(overrides, report));
        } else if let [target] = targets.as_mut_slice() {
            override_target(target, overrides);
        } else if overrides.destination.is_some() || overrides.tag_definition_id.is_some() {
            report
                .problem(&At::ROOT.key("targets"), "has several entries, which cannot be overridden as one");
        }
        if targets.is_empty() && report.is_clean(&["targets", "source", "destination", "tag_definition_id"]) {
            missing("targets", "name at least one `destination` with its `tag_definition_id`", report);
        }
        targets
    }

    fn older_target(&self, overrides: &Overrides, report: &mut Report) -> Option<Target> {
        let before = report.count();
        let destination = overrides.destination.clone().or(self.destination.clone());
        let definition = overrides.tag_definition_id.clone().or(self.tag_definition_id.clone());
        for (key, given) in [("destination", &destination), ("tag_definition_id", &definition)] {
            if given.is_none() && report.is_clean(&[key]) {
                missing(key, "a target needs `destination` and `tag_definition_id`", report);
            }
        }
        (report.count() == before).then(|| Target {
            destination: destination.unwrap_or_default(),
            source: self.source.clone(),
            tag_definition_id: definition,
            tag: None,
            tags: Vec::new(),
        })
    }
}

fn override_target(target: &mut Target, overrides: &Overrides) {
    if let Some(destination) = &overrides.destination {
        target.destination.clone_from(destination);
    }
    if let Some(id) = &overrides.tag_definition_id {
        target.tag_definition_id = Some(id.clone());
        target.tag = None;
        target.tags.clear();
    }
}

fn missing(key: &str, hint: &str, report: &mut Report) {
    report.problem_with_hint(&At::ROOT.key(key), "is missing", hint);
}
