//! The list of referrers under the fallback tag, for destinations that keep none: one writer for each subject.
//!
//! Follows the [OCI distribution specification, "Referrers Tag Schema"](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema).

use temper_attest::carrier::{Publication, fallback_tag};
use temper_oci::{Digest, ImageDocument};

use crate::error::External;
use crate::publish::Destination;

/// How often the list is put where others keep putting theirs over it.
const TRIES_MAX: usize = 5;

/// Lists the referrers of a publication under the fallback tag of their subject, where the destination keeps no list.
///
/// Whoever attaches something calls this once for each subject, after the referrers are there. What others have listed
/// stays; a list that somebody put over this one before it was read again is joined with it.
pub fn list_referrers(
    destination: &dyn Destination,
    subject: Digest,
    publication: &Publication,
) -> Result<(), External> {
    if publication.fallback.is_none() || destination.referrers(&subject)?.is_some() {
        return Ok(());
    }
    let tag = fallback_tag(subject);
    for _ in 0..TRIES_MAX {
        let current = match destination.tagged(&tag)? {
            Some(ImageDocument::Index(index)) => Some(index),
            _ => None,
        };
        let Some(list) = publication.fallback_over(subject, current) else { return Ok(()) };
        destination.put_attachment(&list.descriptor, &list.bytes.into(), &tag)?;
    }
    Err(External {
        message: format!("the list of referrers of `{subject}` changes all the time"),
        hint: Some("another program writes it too; publish again when it has ended".to_owned()),
        source: None,
    })
}
