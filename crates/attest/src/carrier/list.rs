//! What is attached, whoever signed it.

use temper_oci::Digest;

use crate::carrier::verify::envelope;
use crate::carrier::{Attached, Carrier};
use crate::statement::Subject;
use crate::{Envelope, Limits, Statement};

/// A statement as it is attached; nothing is verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// How it is attached.
    pub carrier: Carrier,
    /// The manifest that carries it: a referrer, or the one of all attestations behind the legacy tag.
    pub manifest: Digest,
    /// The blob that holds it.
    pub blob: Digest,
    /// The statement with its signatures, which [`Envelope::verify`] checks; [`Envelope::statement`] reads it whole.
    pub envelope: Envelope,
    /// What kind of thing is said.
    pub predicate_type: String,
    /// What is spoken of.
    pub subject: Vec<Subject>,
}

impl Attached {
    /// Lists the statements about a target, referrers first; what cannot be read, or speaks of something else, is
    /// left out. Strangers may attach a lot: one statement is parsed at a time, and what it says is not kept.
    pub fn list(&self, target: Digest, limits: &Limits) -> Vec<Listed> {
        let referrers = self.referrers.iter().map(|attachment| (Carrier::Referrer, attachment));
        let legacy = self.attestations.iter().map(|attachment| (Carrier::LegacyTag, attachment));
        let mut listed = Vec::new();
        for (carrier, attachment) in referrers.chain(legacy) {
            for (layer, content) in attachment.layers() {
                let Some(Ok(envelope)) = envelope(layer, content, limits) else { continue };
                let Ok(statement) = envelope.statement(limits) else { continue };
                if statement.is_about(target) {
                    let (manifest, blob) = (attachment.manifest().digest(), layer.digest);
                    let Statement { predicate_type, subject, .. } = statement;
                    listed.push(Listed { carrier, manifest, blob, envelope, predicate_type, subject });
                }
            }
        }
        listed
    }
}
