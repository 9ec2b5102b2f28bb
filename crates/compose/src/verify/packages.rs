//! The package files of a provenance against what the signed archive lists now.

use temper_attest::provenance::{ChosenPackage, PlatformSettings};
use temper_resolve::Universe;

use crate::archive::{Archive, PackageSource};
use crate::image::PlatformImage;
use crate::verify::Target;
use crate::verify::report::{Report, counted, sentence};

/// Names of packages that are listed in one line.
const NAMES_MAX: usize = 5;

/// Compares every package that was unpacked with the archive, as far as that still lists its version.
pub(super) fn against_archive(
    archive: Option<&dyn Archive>,
    image: &PlatformImage,
    target: &Target,
    settings: &PlatformSettings,
    report: &mut Report,
) {
    if settings.install.is_empty() {
        return;
    }
    let what = format!("{}: whether the archive lists the package files", target.at);
    let Some(archive) = archive else { return report.skip(what, "no archive was asked") };
    let architecture = image.platform.debian_architecture().unwrap_or_default();
    let sources: Vec<PackageSource> = settings.sources.iter().map(PackageSource::from).collect();
    let universe =
        archive.snapshot(&sources, architecture).and_then(|snapshot| Ok(archive.universe(&snapshot)?.1));
    let universe = match universe {
        Ok(universe) => universe,
        Err(error) => return report.skip(what, sentence(&error)),
    };
    let (mut listed, mut gone) = (0, Vec::new());
    for package in &settings.install {
        match compare(&universe, package) {
            Comparison::Equal => listed += 1,
            Comparison::Gone => gone.push(format!("`{} {}`", package.name, package.version)),
            Comparison::Other(found) => {
                let message = format!(
                    "the archive lists `{} {}` with the digest `sha256:{found}`, the provenance has `{}`",
                    package.name, package.version, package.digest
                );
                let at = format!("{}, provenance: internalParameters.platforms.install", target.at);
                report.fail(at, message);
            }
        }
    }
    if listed > 0 {
        let files = counted(listed, "package file has", "package files have");
        report.prove(format!("{}: {files} the digest that the signed archive lists", target.at));
    }
    if !gone.is_empty() {
        let count = gone.len();
        gone.truncate(NAMES_MAX);
        let more = if count > NAMES_MAX { " and others" } else { "" };
        let what = format!("{}: whether the archive had {}{more}", target.at, gone.join(", "));
        report.skip(what, "the archive does not list this version any more");
    }
}

enum Comparison {
    Equal,
    Gone,
    /// The digest that the archive lists, in hexadecimal digits.
    Other(String),
}

fn compare(universe: &Universe, package: &ChosenPackage) -> Comparison {
    let versions = universe.find(&package.name).map(|(_, record)| record);
    let same = versions.filter(|record| {
        record.version() == package.version && record.architecture() == package.architecture
    });
    let digests: Vec<&str> = same.filter_map(|record| record.sha256()).collect();
    match digests.first() {
        None => Comparison::Gone,
        Some(_) if digests.contains(&package.digest.hex().as_str()) => Comparison::Equal,
        Some(other) => Comparison::Other((*other).to_owned()),
    }
}
