//! The provenance of an image, compared with the image as a whole: subjects, platforms, tags, annotations.

use std::collections::BTreeSet;

use temper_attest::provenance::{BuildRecord, Input, ProvenanceError, Role};
use temper_attest::{Statement, predicate};
use temper_oci::{Digest, ImageDocument, Platform, Reference};

use crate::statements::BuildKind;
use crate::verify::attached::Found;
use crate::verify::report::{Report, sentence};
use crate::verify::{Subject, Target, Verified};

const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// A provenance that a trusted key signed.
pub(super) struct Provenance {
    pub(super) record: BuildRecord,
    /// The repositories that the image was built for: the document's, and those that the subjects are named by.
    repositories: BTreeSet<String>,
}

/// Reads every provenance that a trusted key signed, each once.
pub(super) fn read_all(targets: &[Target], found: &[Found], report: &mut Report) -> Vec<Provenance> {
    let mut statements: Vec<(&Target, &Statement)> = Vec::new();
    for (target, found) in targets.iter().zip(found) {
        let own = found.statements.iter();
        for statement in own.filter(|statement| statement.predicate_type == predicate::SLSA_PROVENANCE) {
            if statements.iter().all(|(_, known)| *known != statement) {
                statements.push((target, statement));
            }
        }
    }
    let mut records = Vec::new();
    for (target, statement) in statements {
        subjects(targets, target, statement, report);
        match read(statement) {
            Ok(record) => {
                let names = statement.subject.iter().filter_map(|subject| subject.name.as_deref());
                let names = names.map(|name| name.split('?').next().unwrap_or(name));
                let destination = record.request.target.destination.as_str();
                let repositories = names.chain([destination]).map(without_registry).collect();
                records.push(Provenance { record, repositories });
            }
            Err(error @ ProvenanceError::BuildType { .. }) => {
                report.skip(format!("{}, provenance", target.at), sentence(&error));
            }
            Err(error) => report.fail(format!("{}, provenance", target.at), sentence(&error)),
        }
    }
    records
}

/// Reads a provenance of any kind of build.
pub(crate) fn read(statement: &Statement) -> Result<BuildRecord, ProvenanceError> {
    let read = |kind: BuildKind| BuildRecord::from_statement(statement, kind.build_type());
    match read(BuildKind::Customization) {
        Err(ProvenanceError::BuildType { .. }) => read(BuildKind::Definition),
        result => result,
    }
}

/// A provenance is about the whole image: its index and each of its platforms.
fn subjects(targets: &[Target], at: &Target, statement: &Statement, report: &mut Report) {
    if targets.iter().all(|target| !target.is_index) {
        return;
    }
    for target in targets.iter().filter(|target| !statement.is_about(target.descriptor.digest)) {
        let message = format!("`{}` of `{}` is not among them", target.descriptor.digest, target.at);
        report.fail(format!("{}, provenance: subject", at.at), message);
    }
    for subject in &statement.subject {
        if targets.iter().all(|target| !subject.is(target.descriptor.digest)) {
            let name = subject.name.as_deref().unwrap_or("a manifest without name");
            let message = format!("it names `{name}`, which the index does not have");
            report.fail(format!("{}, provenance: subject", at.at), message);
        }
    }
}

/// Compares a record with what the index and the manifests say of themselves.
pub(super) fn check(verified: &Verified<'_>, record: &BuildRecord, report: &mut Report) {
    let image = &verified.image;
    let recorded: BTreeSet<&Platform> = record.settings.platforms.keys().collect();
    if let ImageDocument::Index(index) = &image.root {
        let own: Vec<Platform> = image.platforms();
        for platform in recorded.iter().filter(|platform| !own.contains(platform)) {
            let at = "index, provenance: internalParameters.platforms";
            report.fail(at, format!("it names `{platform}`, which the index does not have"));
        }
        let base = find(record, Role::Base, None).map(|input| input.digest);
        annotations("index", &index.annotations, record, base, report);
    }
    for platform in &image.platforms {
        let at = platform.platform.to_string();
        if !recorded.contains(&platform.platform) {
            let at = format!("{at}, provenance: internalParameters.platforms");
            report.fail(at, "it does not name the platform");
        }
        let base = find(record, Role::Base, Some(&platform.platform)).map(|input| input.digest);
        annotations(&at, &platform.manifest.annotations, record, base, report);
    }
    compare_inputs(record, report);
}

/// A name must mean this image: the repository that it was built for, and a tag that one of its builds gave its index.
pub(super) fn check_name(
    provenances: &[Provenance],
    subject: &Subject<'_>,
    targets: &[Target],
    report: &mut Report,
) {
    if provenances.is_empty() {
        return;
    }
    let built_for: BTreeSet<&String> = provenances.iter().flat_map(|one| &one.repositories).collect();
    match subject.repository {
        Some(repository) if built_for.iter().any(|name| *name == repository) => {
            report.prove(format!("built for repository `{repository}`"));
        }
        Some(repository) => {
            let message = format!("the image was built for {}, not for `{repository}`", list(built_for));
            report.fail("provenance: externalParameters.target.destination", message);
        }
        None => report.skip("the repository that it was built for", "none was asked for by name"),
    }
    let Some(tag) = subject.tag else { return };
    if targets.iter().all(|target| !target.is_index) {
        let message = "it names the manifest of one platform, not the index that the provenance is about";
        return report.fail(format!("tag `{tag}`"), message);
    }
    let tags: BTreeSet<&String> =
        provenances.iter().flat_map(|one| &one.record.request.target.tags).collect();
    if tags.iter().any(|own| *own == tag) {
        return report.prove(format!("tag `{tag}` is one that the build gave"));
    }
    let message = format!("it names another image now: the build of this one gave {}", list(tags));
    report.fail(format!("tag `{tag}`, provenance: externalParameters.target.tags"), message);
}

fn list(names: BTreeSet<&String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn without_registry(name: &str) -> String {
    let path =
        name.split_once('/').filter(|_| Reference::names_registry(name)).map_or(name, |(_, path)| path);
    path.to_owned()
}

fn annotations(
    at: &str,
    own: &std::collections::BTreeMap<String, String>,
    record: &BuildRecord,
    base: Option<Digest>,
    report: &mut Report,
) {
    let base = base.map(|digest| digest.to_string());
    let name = record.settings.base_name.clone().filter(|_| base.is_some());
    for (key, expected) in [(BASE_DIGEST, base), (BASE_NAME, name)] {
        let found = own.get(key);
        if found != expected.as_ref() {
            let shown =
                |value: Option<&String>| value.map_or("nothing".to_owned(), |value| format!("`{value}`"));
            let message = format!("it is {}, the provenance says {}", shown(found), shown(expected.as_ref()));
            report.fail(format!("{at}: annotations.`{key}`"), message);
        }
    }
}

/// What was unpacked and what was read must be the same files.
fn compare_inputs(record: &BuildRecord, report: &mut Report) {
    for (platform, settings) in &record.settings.platforms {
        let inputs = record.inputs.iter().filter(|input| input.role == Role::Package);
        let read: BTreeSet<(&str, Digest)> = inputs
            .filter(|input| input.platform.as_ref() == Some(platform))
            .map(|input| (input.name.as_str(), input.digest))
            .collect();
        let unpacked: BTreeSet<(&str, Digest)> =
            settings.install.iter().map(|package| (package.name.as_str(), package.digest)).collect();
        for (name, digest) in read.symmetric_difference(&unpacked) {
            let (there, missing) = if read.contains(&(*name, *digest)) {
                ("resolvedDependencies", "internalParameters.platforms.install")
            } else {
                ("internalParameters.platforms.install", "resolvedDependencies")
            };
            let message = format!("`{name}` with the digest `{digest}` is in {there} only");
            report.fail(format!("{platform}, provenance: {missing}"), message);
        }
    }
}

/// Finds an input of a role for a platform, or the one for all.
pub(super) fn find<'a>(
    record: &'a BuildRecord,
    role: Role,
    platform: Option<&Platform>,
) -> Option<&'a Input> {
    record.inputs.iter().find(|input| input.role == role && input.platform.as_ref() == platform)
}
