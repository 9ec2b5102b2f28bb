//! The composition record of a platform against every path, variable and account of the image, and each origin
//! against the layer that has the path and the provenance.

use std::collections::BTreeMap;

use temper_attest::predicate;
use temper_attest::provenance::{BuildRecord, PlatformSettings, Role};
use temper_oci::{Digest, EntryKind};
use temper_rootfs::tree::{Source, Tree};

use crate::composition_record::{CompositionRecord, PathOrigin};
use crate::image::PlatformImage;
use crate::verify::report::{Report, counted};
use crate::verify::{Target, Verified, attached};

/// Paths that are told of one record; one wrong layer would else fill the report.
const PATHS_MAX: usize = 5;

/// Checks every composition record of a platform.
pub(super) fn check(
    verified: &Verified<'_>,
    image: &PlatformImage,
    target: &Target,
    records: &[&BuildRecord],
    report: &mut Report,
) {
    let Some(tree) = verified.tree(image, usize::MAX) else { return };
    for statement in verified.statements(target, predicate::COMPOSITION) {
        let at = format!("{}, {}", target.at, attached::name(predicate::COMPOSITION));
        let record = match CompositionRecord::from_statement(statement) {
            Some(Ok(record)) => record,
            Some(Err(error)) => {
                report.fail(at, format!("it cannot be read: {error}"));
                continue;
            }
            None => continue,
        };
        let failed = report.failed.len();
        if record.platform != image.platform {
            report.fail(format!("{at}: platform"), format!("it is `{}`", record.platform));
        }
        let paths = compare_paths(&record, &tree, &at, report);
        compare_origins(&record, image, &tree, records, &at, report);
        compare_accounts(&record, &tree, &at, report);
        compare_config(&record, image, &at, report);
        if report.failed.len() == failed {
            let paths = counted(paths, "path has", "paths have");
            report.prove(format!("{at}: {paths} an origin and the digest that it says"));
        }
    }
}

/// Returns how many paths were compared.
fn compare_paths(record: &CompositionRecord, tree: &Tree, at: &str, report: &mut Report) -> usize {
    let mut recorded: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for group in &record.origins {
        let files = group.files.iter().map(|(path, digest)| (path.as_str(), Some(digest.as_str())));
        for (path, digest) in files.chain(group.others.iter().map(|path| (path.as_str(), None))) {
            if recorded.insert(path, digest).is_some() {
                report.fail(format!("{at}: `{path}`"), "it has several origins");
            }
        }
    }
    let count = recorded.len();
    let mut wrong = Vec::new();
    for node in tree.nodes() {
        let path = format!("/{}", node.entry.path);
        let digest = match node.entry.kind {
            EntryKind::File { digest, .. } => Some(digest.hex()),
            _ => None,
        };
        match recorded.remove(path.as_str()) {
            Some(recorded) if recorded == digest.as_deref() => {}
            Some(Some(recorded)) => {
                wrong.push((path, format!("the image has other content than `{recorded}`")));
            }
            Some(None) => wrong.push((path, "the image has a file here, the record none".to_owned())),
            None => wrong.push((path, "the image has it, the record does not".to_owned())),
        }
    }
    wrong.extend(recorded.keys().map(|path| ((*path).to_owned(), "the image does not have it".to_owned())));
    wrong.sort();
    let count_wrong = wrong.len();
    for (path, message) in wrong.into_iter().take(PATHS_MAX) {
        report.fail(format!("{at}: `{path}`"), message);
    }
    if count_wrong > PATHS_MAX {
        report.fail(at, format!("{} differ too", counted(count_wrong - PATHS_MAX, "path", "paths")));
    }
    count
}

/// What is of the base must be in its layers, everything else in those above; packages and artifacts are the
/// provenance's.
fn compare_origins(
    record: &CompositionRecord,
    image: &PlatformImage,
    tree: &Tree,
    records: &[&BuildRecord],
    at: &str,
    report: &mut Report,
) {
    let settings = records.iter().filter_map(|record| record.settings.platforms.get(&image.platform));
    let settings: Vec<&PlatformSettings> = settings.collect();
    let Some(added) = settings.first().map(|settings| settings.layer_keys.len()) else { return };
    let below = image.manifest.layers.len().saturating_sub(added);
    let is_of_base = |blob: &Digest| image.manifest.layers[..below].iter().any(|layer| layer.digest == *blob);
    let mut wrong = Vec::new();
    for group in &record.origins {
        if !is_known(&group.origin, records, &settings) {
            let words = serde_json::to_string(&group.origin).unwrap_or_default();
            report.fail(format!("{at}: origins"), format!("{words} is not in the provenance"));
        }
        let says_base = matches!(group.origin, PathOrigin::Base { .. });
        for path in group.files.keys() {
            let Some(node) = tree.get(path.trim_start_matches('/')) else { continue };
            if let Source::Layer { blob, .. } = &node.source
                && is_of_base(blob) != says_base
            {
                wrong.push((path, blob));
            }
        }
    }
    for (path, blob) in wrong.into_iter().take(PATHS_MAX) {
        let message = format!("layer `{blob}`, which has it, is of another origin than the record says");
        report.fail(format!("{at}: `{path}`"), message);
    }
}

/// Says whether packages and artifacts of an origin are those of a provenance.
fn is_known(origin: &PathOrigin, records: &[&BuildRecord], settings: &[&PlatformSettings]) -> bool {
    match origin {
        PathOrigin::Package { package, digest } => {
            let mut chosen = settings.iter().flat_map(|settings| &settings.install);
            chosen
                .any(|one| format!("{} {}", one.name, one.version) == *package && Some(one.digest) == *digest)
        }
        PathOrigin::Artifact { digest, .. } => {
            let mut inputs = records.iter().flat_map(|record| &record.inputs);
            inputs.any(|input| input.role == Role::Artifact && Some(input.digest) == *digest)
        }
        PathOrigin::Base { .. } | PathOrigin::Document | PathOrigin::Effect { .. } => true,
    }
}

fn compare_accounts(record: &CompositionRecord, tree: &Tree, at: &str, report: &mut Report) {
    for (field, path, recorded) in
        [("users", "etc/passwd", &record.users), ("groups", "etc/group", &record.groups)]
    {
        let text = tree.read(path).map(String::from_utf8_lossy).unwrap_or_default();
        let own: Vec<String> = text.lines().filter_map(account).collect();
        let said: Vec<String> = recorded.iter().map(|one| format!("{} {}", one.name, one.id)).collect();
        let position =
            (0..own.len().max(said.len())).find(|position| own.get(*position) != said.get(*position));
        if let Some(position) = position {
            let shown =
                |list: &[String]| list.get(position).map_or("nothing".to_owned(), |one| format!("`{one}`"));
            let message = format!("it is {}, `/{path}` says {}", shown(&said), shown(&own));
            report.fail(format!("{at}: {field}[{position}]"), message);
        }
    }
}

/// Reads name and number of a line of accounts.
fn account(line: &str) -> Option<String> {
    let mut fields = line.split(':');
    let (name, id) = (fields.next()?, fields.nth(1)?.parse::<u32>().ok()?);
    Some(format!("{name} {id}"))
}

fn compare_config(record: &CompositionRecord, image: &PlatformImage, at: &str, report: &mut Report) {
    let config = &image.config;
    let variables: Vec<String> =
        record.environment.iter().map(|variable| format!("{}={}", variable.name, variable.value)).collect();
    let list = |words: Option<Vec<String>>| words.unwrap_or_default();
    for (field, recorded, own) in [
        ("environment", variables, config.env()),
        ("entrypoint", record.entrypoint.value.clone(), list(config.entrypoint())),
        ("cmd", record.cmd.value.clone(), list(config.cmd())),
        ("user", vec![record.user.value.clone()], vec![config.user().unwrap_or_default().to_owned()]),
        (
            "workDir",
            vec![record.work_dir.value.clone()],
            vec![config.working_dir().unwrap_or_default().to_owned()],
        ),
    ] {
        if recorded != own {
            let message = format!("it is `{}`, the config says `{}`", recorded.join(" "), own.join(" "));
            report.fail(format!("{at}: {field}"), message);
        }
    }
}
