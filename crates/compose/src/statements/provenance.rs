//! The record of a build: what was asked for, what was read, and what decided the bytes beside that.

use temper_attest::Inventory;
use temper_attest::provenance::{BuildRecord, Input, Request as RecordedRequest, Role, Settings};
use temper_oci::{Digest, Platform};
use temper_rootfs::segment::WRITER_VERSION;

use crate::archive::PackageSource;
use crate::build_key::RULES_VERSION;
use crate::composer::{Planned, Request};
use crate::composition::Composition;
use crate::image::Image;
use crate::recorded;
use crate::statements::sources::{location, purl, repository};
use crate::statements::{BuildContext, BuildKind};

/// Returns the record of a build; `inventories` are those of the platforms, in the order of the compositions.
pub(super) fn build_record(
    planned: &Planned<'_>,
    request: &Request<'_>,
    build_key: Digest,
    inventories: &[&Inventory],
    context: &BuildContext<'_>,
) -> BuildRecord {
    let kind = if request.base.is_some() { BuildKind::Customization } else { BuildKind::Definition };
    BuildRecord {
        build_type: kind.build_type().to_owned(),
        builder: context.builder.clone(),
        request: RecordedRequest { document: context.document.clone(), target: context.target.clone() },
        settings: Settings {
            temper_version: context.temper_version.clone(),
            writer_version: WRITER_VERSION.to_string(),
            rules_version: RULES_VERSION.to_string(),
            build_key,
            base_name: planned.base_name.clone(),
            artifacts: planned.artifacts.iter().map(Image::digest).collect(),
            platforms: recorded::settings(&planned.compositions),
        },
        inputs: inputs(planned, request, inventories, context),
        invocation: context.invocation.clone(),
        started_on: context.started_on.clone(),
        finished_on: context.finished_on.clone(),
    }
}

fn inputs(
    planned: &Planned<'_>,
    request: &Request<'_>,
    inventories: &[&Inventory],
    context: &BuildContext<'_>,
) -> Vec<Input> {
    let platforms: Vec<&Platform> = planned.compositions.iter().map(|one| &one.platform).collect();
    let mut inputs = Vec::new();
    if let Some(base) = &planned.base {
        let name = request.destination.as_deref().unwrap_or(&base.reference);
        let place = (repository(base, name, context), location(base, context));
        inputs.extend(image(Role::Base, base, place, &platforms));
    }
    for (wanted, artifact) in request.recipe.artifacts.iter().zip(&planned.artifacts) {
        let repository = repository(artifact, &wanted.reference, context);
        let place = (repository, location(artifact, context));
        inputs.extend(image(Role::Artifact, artifact, place, &platforms));
    }
    for (composition, inventory) in planned.compositions.iter().zip(inventories) {
        inputs.extend(archives(composition));
        inputs.extend(packages(composition, inventory));
    }
    inputs.sort();
    inputs.dedup();
    inputs
}

/// An image with its manifests of the platforms that were built.
fn image(
    role: Role,
    image: &Image,
    (repository, location): (String, Option<String>),
    platforms: &[&Platform],
) -> Vec<Input> {
    let input = |digest: Digest, platform: Option<Platform>| Input {
        role,
        name: repository.clone(),
        uri: purl(&repository, digest),
        digest,
        platform,
        location: location.clone(),
    };
    let found = platforms.iter().filter_map(|platform| image.find(platform));
    let manifests = found.map(|found| input(found.manifest.digest(), Some(found.platform.clone())));
    [input(image.digest(), None)].into_iter().chain(manifests).collect()
}

/// The signed indexes that packages were chosen from.
fn archives(composition: &Composition) -> Vec<Input> {
    let Some(snapshot) = &composition.snapshot else { return Vec::new() };
    let releases = snapshot.sources.iter().zip(&snapshot.releases);
    let input = |(source, digest): (&PackageSource, &Digest)| Input {
        role: Role::Archive,
        name: format!("{} {}", source.suite, source.components.join(" ")),
        uri: format!("{}/dists/{}/InRelease", source.uri.trim_end_matches('/'), source.suite),
        digest: *digest,
        platform: None,
        location: None,
    };
    releases.map(input).collect()
}

/// The package files, with the place that each was taken from.
fn packages(composition: &Composition, inventory: &Inventory) -> Vec<Input> {
    let sources = composition.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.sources);
    let inputs = composition.choice.install.iter().filter_map(|chosen| {
        let is_meant = |package: &&temper_attest::inventory::Package| {
            package.name == chosen.name && package.architecture == chosen.architecture
        };
        let package = inventory.packages.iter().find(is_meant)?;
        let source = sources.get(chosen.file.source);
        Some(Input {
            role: Role::Package,
            name: chosen.name.clone(),
            uri: inventory.package_purl(package).to_string(),
            digest: chosen.file.digest,
            platform: Some(composition.platform.clone()),
            location: source
                .map(|source| format!("{}/{}", source.uri.trim_end_matches('/'), chosen.file.path)),
        })
    });
    inputs.collect()
}
