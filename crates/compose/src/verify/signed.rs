//! Single statements of an image, read only where a trusted key signed them.

use temper_attest::provenance::{BuildRecord, ProvenanceError};
use temper_attest::{Limits, PublicKey, Statement, predicate};
use temper_oci::Descriptor;

use crate::composition_record::CompositionRecord;
use crate::error::{ComposeError, External};
use crate::image::ImageSource;
use crate::verify::records;

/// Reads the provenance of an image, by its index or the manifest of a platform, that one of the keys signed.
pub fn provenance(image: &dyn ImageSource, keys: &[PublicKey]) -> Result<BuildRecord, ComposeError> {
    let target = image.root()?.descriptor();
    let statement = find(image, &target, predicate::SLSA_PROVENANCE, "provenance", keys)?;
    let record = records::read(&statement).map_err(|error| {
        let hint = error.hint();
        External::new(format!("provenance of `{}` cannot be used", image.reference()), error).with_hint(hint)
    });
    Ok(record?)
}

/// Reads the provenance of a statement whose signature was checked.
pub fn read_provenance(statement: &Statement) -> Result<BuildRecord, ProvenanceError> {
    records::read(statement)
}

/// Reads the composition record of a platform's manifest that one of the keys signed.
pub fn composition_record(
    image: &dyn ImageSource,
    manifest: &Descriptor,
    keys: &[PublicKey],
) -> Result<CompositionRecord, ComposeError> {
    let what = "composition record";
    let statement = find(image, manifest, predicate::COMPOSITION, what, keys)?;
    let record = CompositionRecord::from_statement(&statement);
    let record = record.and_then(Result::ok).ok_or_else(|| External {
        message: format!("composition record of `{}` cannot be read", image.reference()),
        hint: Some("a newer Temper may have written it".to_owned()),
        source: None,
    });
    Ok(record?)
}

fn find(
    image: &dyn ImageSource,
    target: &Descriptor,
    predicate_type: &str,
    what: &str,
    keys: &[PublicKey],
) -> Result<Statement, ComposeError> {
    let attached = image.attachments().map(|place| place.attached(target)).transpose()?.unwrap_or_default();
    let limits = Limits::default();
    let verifications = keys.iter().map(|key| attached.verify(target.digest, key, &limits));
    let found = verifications
        .flat_map(|verification| {
            verification.statements(predicate_type).into_iter().cloned().collect::<Vec<_>>()
        })
        .next();
    let missing = || External {
        message: format!("no {what} of `{}` is signed by a given key", image.reference()),
        hint: Some(format!(
            "`temper verify {}` tells what is attached; name the key of its publisher with `--key`",
            image.reference()
        )),
        source: None,
    };
    Ok(found.ok_or_else(missing)?)
}
