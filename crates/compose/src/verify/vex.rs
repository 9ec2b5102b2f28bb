//! The OpenVEX documents of a platform against the image: its packages, and reasons where they reassure.

use std::collections::BTreeSet;

use temper_attest::provenance::BuildRecord;
use temper_attest::vex::Judged;
use temper_attest::{Limits, VexDocument, predicate};
use temper_rootfs::installed::read_database;

use crate::image::PlatformImage;
use crate::verify::report::{Report, counted, sentence};
use crate::verify::{Target, Verified, attached};

/// Checks every OpenVEX document of a platform.
pub(super) fn check(
    verified: &Verified<'_>,
    image: &PlatformImage,
    target: &Target,
    records: &[&BuildRecord],
    report: &mut Report,
) {
    let Some(tree) = verified.tree(image, usize::MAX) else { return };
    let Ok(database) = read_database(&tree) else { return };
    let owned = |(name, version): (&str, &str)| (name.to_owned(), version.to_owned());
    let packages = database.installed().map(|record| {
        (record.name().to_owned(), record.version().to_owned(), record.architecture().to_owned())
    });
    let packages: BTreeSet<(String, String, String)> = packages.collect();
    let sources: BTreeSet<(String, String)> =
        database.installed().map(|record| owned(record.source())).collect();
    let digests = [target.descriptor.digest, verified.image.digest()];
    let repository = records.first().map_or("", |record| record.request.target.destination.as_str());
    let judged = Judged { digests: &digests, repository, packages: &packages, sources: &sources };
    for statement in verified.statements(target, predicate::OPENVEX) {
        let at = format!("{}, {}", target.at, attached::name(predicate::OPENVEX));
        match VexDocument::from_predicate(&statement.predicate, &Limits::default()) {
            Ok(document) => tell(&document, &judged, &at, report),
            Err(error) => report.fail(at, sentence(&error)),
        }
    }
}

fn tell(document: &VexDocument, judged: &Judged<'_>, at: &str, report: &mut Report) {
    let faults = document.judge(judged);
    if faults.is_empty() {
        report.prove(match document.statements.len() {
            0 => format!("{at}: it speaks of no vulnerability"),
            count => {
                let said = counted(count, "vulnerability", "vulnerabilities");
                format!("{at}: about this image and packages that it has, {said}, reassuring with a reason")
            }
        });
    }
    for (field, fault) in faults {
        report.fail(format!("{at}: {field}"), fault.to_string());
    }
}
