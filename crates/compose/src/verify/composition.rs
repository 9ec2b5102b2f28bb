//! The composition record of a platform against every path, variable and account of the image.

use std::collections::BTreeMap;

use temper_attest::predicate;
use temper_oci::EntryKind;
use temper_rootfs::tree::Tree;

use crate::composition_record::CompositionRecord;
use crate::image::PlatformImage;
use crate::verify::report::{Report, counted};
use crate::verify::{Target, Verified, attached};

/// Paths that are told of one record; one wrong layer would else fill the report.
const PATHS_MAX: usize = 5;

/// Checks every composition record of a platform.
pub(super) fn check(verified: &Verified<'_>, image: &PlatformImage, target: &Target, report: &mut Report) {
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
        recorded.extend(group.files.iter().map(|(path, digest)| (path.as_str(), Some(digest.as_str()))));
        recorded.extend(group.others.iter().map(|path| (path.as_str(), None)));
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
