//! One platform of an image against its provenance: the base's layers, and the packages of the database.

use std::collections::BTreeMap;

use temper_attest::provenance::{BuildRecord, PlatformSettings, Role};
use temper_oci::{Document, ImageConfig, Manifest};
use temper_rootfs::installed::read_database;
use temper_rootfs::tree::Tree;

use crate::image::PlatformImage;
use crate::verify::report::{Report, counted, sentence};
use crate::verify::{Target, Verified, packages, records};

/// Checks what a record says of a platform.
pub(super) fn check(
    verified: &Verified<'_>,
    image: &PlatformImage,
    target: &Target,
    record: &BuildRecord,
    report: &mut Report,
) {
    let Some(settings) = record.settings.platforms.get(&image.platform) else { return };
    let (layers, added) = (image.manifest.layers.len(), settings.layer_keys.len());
    let Some(below) = layers.checked_sub(added) else {
        let message = format!("the manifest has {layers} layers, the provenance adds {added}");
        return report.fail(format!("{}, manifest: layers", target.at), message);
    };
    let has_base = records::find(record, Role::Base, None).is_some();
    if !has_base && below > 0 {
        let message = format!("{layers} layers, of which the provenance, which names no base, knows {added}");
        return report.fail(format!("{}, manifest: layers", target.at), message);
    }
    if has_base {
        base_layers(verified, image, target, record, below, report);
    }
    check_packages(verified, image, target, settings, below, report);
    packages::against_archive(verified.verifier.archive, image, target, settings, report);
}

/// The layers below those that were added must be the base's, in the base's order.
fn base_layers(
    verified: &Verified<'_>,
    image: &PlatformImage,
    target: &Target,
    record: &BuildRecord,
    below: usize,
    report: &mut Report,
) {
    let Some(input) = records::find(record, Role::Base, Some(&image.platform)) else {
        let at = format!("{}, provenance: resolvedDependencies", target.at);
        return report.fail(at, "the base's manifest for the platform is missing");
    };
    let what = format!("{}: whether its lowest layers are those of base `{}`", target.at, input.digest);
    let source = match verified.verifier.inputs.image(input) {
        Ok(Some(source)) => source,
        Ok(None) => return report.skip(what, "the base is not to be found any more"),
        Err(error) => return report.skip(what, sentence(&error)),
    };
    let base = source.root().map_err(|error| sentence(&error)).and_then(|root| {
        if root.digest() != input.digest {
            return Err(format!("what is there has the digest `{}`", root.digest()));
        }
        let manifest = Document::<Manifest>::parse(root.bytes().clone()).map_err(|error| sentence(&error))?;
        let config = source.document(&manifest.config).map_err(|error| sentence(&error))?;
        let config = ImageConfig::parse(&config).map_err(|error| sentence(&error))?;
        Ok((manifest, config))
    });
    let (manifest, config) = match base {
        Ok(base) => base,
        Err(why) => return report.skip(what, why),
    };
    if manifest.layers.len() != below {
        let message =
            format!("{below} layers are below those that were added, the base has {}", manifest.layers.len());
        return report.fail(format!("{}, manifest: layers", target.at), message);
    }
    for (position, (own, layer)) in image.manifest.layers.iter().zip(&manifest.layers).enumerate() {
        let diff_ids = (image.config.diff_ids().get(position), config.diff_ids().get(position));
        // A layer may be there in another compression; its content is the same then.
        if own.digest != layer.digest && (diff_ids.0.is_none() || diff_ids.0 != diff_ids.1) {
            let message = format!("`{}` is not the base's `{}`", own.digest, layer.digest);
            return report.fail(format!("{}, manifest: layers[{position}]", target.at), message);
        }
    }
    let layers = match below {
        1 => "its lowest layer is the base's".to_owned(),
        count => format!("its {count} lowest layers are the base's"),
    };
    report.prove(format!("{}: {layers}, `{}`", target.at, input.digest));
}

/// The packages of the image are the base's, without the removed ones, and those that the provenance names.
fn check_packages(
    verified: &Verified<'_>,
    image: &PlatformImage,
    target: &Target,
    settings: &PlatformSettings,
    below: usize,
    report: &mut Report,
) {
    let (Some(base), Some(tree)) = (verified.tree(image, below), verified.tree(image, usize::MAX)) else {
        return;
    };
    let at = format!("{}, package database", target.at);
    let (Ok(before), Ok(after)) = (read_database(&base), read_database(&tree)) else {
        return report.fail(at, "it cannot be read");
    };
    let mut expected: BTreeMap<(String, String), String> = BTreeMap::new();
    for record in before.installed() {
        let key = (record.name().to_owned(), record.architecture().to_owned());
        expected.insert(key, record.version().to_owned());
    }
    for removed in &settings.remove {
        expected.remove(&(removed.name.clone(), removed.architecture.clone()));
    }
    for chosen in &settings.install {
        // A package may change between its own architecture and `all`.
        expected
            .retain(|(name, _), version| *name != chosen.name || chosen.replaces.as_ref() != Some(version));
        expected.insert((chosen.name.clone(), chosen.architecture.clone()), chosen.version.clone());
    }
    let mut count = 0;
    let mut is_right = true;
    for record in after.installed() {
        count += 1;
        let key = (record.name().to_owned(), record.architecture().to_owned());
        let version = record.version();
        match expected.remove(&key) {
            Some(expected) if expected == version => {}
            Some(expected) => {
                is_right = false;
                let message =
                    format!("`{}` has version {version}, base and provenance say {expected}", key.0);
                report.fail(at.clone(), message);
            }
            None => {
                is_right = false;
                let message = format!("`{} {version}` is neither the base's nor in the provenance", key.0);
                report.fail(at.clone(), message);
            }
        }
    }
    for ((name, _), version) in expected {
        is_right = false;
        report.fail(at.clone(), format!("`{name} {version}` of base or provenance is missing"));
    }
    if is_right {
        let added = settings.install.len();
        let of_base = count - added.min(count);
        let names = if below == 0 {
            format!("{} of the database, all named by the provenance", counted(count, "package", "packages"))
        } else {
            let packages = counted(count, "package", "packages");
            format!("{packages} of the database, {of_base} of the base and {added} named by the provenance")
        };
        report.prove(format!("{}: {names}", target.at));
    }
}

impl Verified<'_> {
    /// Stacks the lowest layers of a platform, as many as there are; nothing where one could not be read.
    pub(super) fn tree(&self, image: &PlatformImage, count: usize) -> Option<Tree> {
        let layers = image.manifest.layers.iter().take(count);
        let indexes: Option<Vec<_>> =
            layers.map(|layer| Some((layer.digest, self.indexes.get(&layer.digest)?))).collect();
        Some(Tree::stack(indexes?))
    }
}
