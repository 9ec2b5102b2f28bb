//! A look at an upstream repository: what is there and not here comes in, what is gone there goes.
//!
//! Image by image: blobs, manifests, everything that is attached to them, and the tags last. So a look that ends in the
//! middle leaves complete images only, and the next one takes up what is missing. Nothing is written for what is equal.

mod closure;
mod fault;
mod progress;
#[cfg(test)]
mod tests;
mod transfer;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};

use temper_attest::carrier::Claim;
use temper_attest::{Limits, PublicKey};
use temper_oci::{Digest, Pattern};
use temper_store::records::{Micros, RefusedTag, UpstreamTag};

use self::closure::Closure;
use crate::error::HubError;
use crate::images::Images;

pub(crate) use self::fault::{Fault, fault};
pub use self::progress::Progress;
pub(crate) use self::upstream::{Upstream, subject_of};

/// Which tags come in, and whose signature they need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Those that come in; all where empty.
    pub(crate) allow: Vec<Pattern>,
    /// Those of them that stay out.
    pub(crate) deny: Vec<Pattern>,
    /// One of these must have signed what comes in, where there are any.
    pub(crate) keys: Vec<PublicKey>,
}

impl Rules {
    fn wants(&self, tag: &str) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(tag));
        (self.allow.is_empty() || matches(&self.allow)) && !matches(&self.deny)
    }
}

/// What a look must know and remember of the mirror.
pub(crate) trait Journal: Sync {
    /// Lists the tags of the repository that builds own.
    fn held(&self) -> Result<BTreeSet<String>, HubError>;

    /// Lists the tags that the mirror wrote.
    fn written(&self) -> Result<Vec<UpstreamTag>, HubError>;

    /// Notes tags that are about to be written.
    fn note(&self, tags: &[UpstreamTag]) -> Result<(), HubError>;

    /// Forgets tags that are gone.
    fn forget(&self, tags: &[String]) -> Result<(), HubError>;

    /// Is told how far the look has come; fails where it must not go on.
    fn progress(&self, progress: &Progress) -> Result<(), HubError>;

    /// Tells the time.
    fn now(&self) -> Micros;
}

/// One look.
pub(crate) struct Look<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) images: &'a dyn Images,
    /// The repository that is kept equal.
    pub(crate) repository: &'a str,
    pub(crate) rules: &'a Rules,
    pub(crate) journal: &'a dyn Journal,
}

/// How a look ended that came to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// What was done.
    pub(crate) progress: Progress,
    /// The tags that are left out, and why, in lexical order.
    pub(crate) refused: Vec<RefusedTag>,
}

/// What became of an image.
enum Outcome {
    Equal,
    Taken,
    Refused(String),
}

impl Look<'_> {
    /// Makes the repository equal to its upstream. Blocks.
    ///
    /// # Errors
    ///
    /// Only for what concerns the whole upstream, or passes by itself; what is wrong with an image is in the report.
    pub(crate) fn run(&self) -> Result<Report, HubError> {
        let mut report = Report::default();
        let groups = self.wanted(&mut report)?;
        let local = self.images.tags(self.repository)?;
        for (digest, tags) in groups {
            self.journal.progress(&report.progress)?;
            let refusal = match self.image(digest, &tags, &local, &mut report.progress) {
                Ok(Outcome::Refused(reason)) => Some(reason),
                Ok(outcome) => {
                    report.progress.images_taken += u64::from(matches!(outcome, Outcome::Taken));
                    None
                }
                Err(error) if fault(&error) == Fault::Image => Some(sentence(&error)),
                Err(error) => return Err(error),
            };
            report.progress.tags_done += tags.len() as u64;
            if let Some(reason) = refusal {
                let refused = tags.into_iter().map(|tag| RefusedTag { tag, reason: reason.clone() });
                report.refused.extend(refused);
            }
        }
        self.remove_gone(&mut report.progress)?;
        report.refused.sort_by(|one, other| one.tag.cmp(&other.tag));
        report.progress.tags_refused = report.refused.len() as u64;
        self.journal.progress(&report.progress)?;
        Ok(report)
    }

    /// Asks where the wanted tags point; those of one digest are one image.
    fn wanted(&self, report: &mut Report) -> Result<BTreeMap<Digest, Vec<String>>, HubError> {
        let held = self.journal.held()?;
        let is_wanted = |tag: &&String| subject_of(tag).is_none() && self.rules.wants(tag);
        let mut groups: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for tag in self.upstream.tags().iter().filter(is_wanted) {
            if held.contains(tag) {
                report.progress.tags_held += 1;
                continue;
            }
            // A tag may go between the list and the question.
            let Some(head) = self.upstream.head(tag)? else { continue };
            groups.entry(head.digest).or_default().push(tag.clone());
            report.progress.tags += 1;
        }
        Ok(groups)
    }

    fn image(
        &self,
        digest: Digest,
        tags: &[String],
        local: &BTreeMap<String, Digest>,
        progress: &mut Progress,
    ) -> Result<Outcome, HubError> {
        let destination = self.images.destination(self.repository)?;
        let moving = tags.iter().any(|tag| local.get(tag) != Some(&digest));
        let mut closure = Closure::new(self.upstream, &*destination, local);
        let root = closure.root(digest)?;
        if moving && !self.rules.keys.is_empty() && !self.is_signed(&root)? {
            return Ok(Outcome::Refused("no trusted key signed it".to_owned()));
        }
        closure.attachments()?;
        let definition = if moving { closure.definition()? } else { None };
        transfer::blobs(&closure, progress, self.journal)?;
        // A customization may have come meanwhile and own some of them.
        let held = self.journal.held()?;
        let is_due = |tag: &&String| local.get(*tag) != Some(&digest) && !held.contains(*tag);
        let moved: Vec<String> = tags.iter().filter(is_due).cloned().collect();
        if moved.is_empty() && !closure.has_news() {
            transfer::lists(&closure)?;
            return Ok(Outcome::Equal);
        }
        let now = self.journal.now();
        let seen = |tag: &String, digest, tag_definition_id| {
            let tag = tag.clone();
            UpstreamTag { tag, digest, tag_definition_id, seen_at: now }
        };
        let mut noted: Vec<UpstreamTag> =
            moved.iter().map(|tag| seen(tag, digest, definition.clone())).collect();
        noted.extend(closure.tagged().map(|(tag, item)| seen(tag, item.descriptor.digest, None)));
        self.journal.note(&noted)?;
        self.journal.progress(progress)?;
        transfer::documents(&closure, &moved)?;
        progress.tags_moved += moved.len() as u64;
        Ok(Outcome::Taken)
    }

    /// Says whether one of the keys signed the manifest or index that the tags point to.
    fn is_signed(&self, root: &temper_oci::Descriptor) -> Result<bool, HubError> {
        let attached = self.upstream.attached(root)?;
        let limits = Limits::default();
        Ok(self.rules.keys.iter().any(|key| {
            let verification = attached.verify(root.digest, key, &limits);
            verification.proofs.iter().any(|proof| proof.claim == Claim::Signature)
        }))
    }

    /// Removes the tags that this mirror wrote, that are where it left them, and that are gone upstream.
    fn remove_gone(&self, progress: &mut Progress) -> Result<(), HubError> {
        // A repository is seldom emptied; a registry that lost its lists is met more often.
        if self.upstream.tags().is_empty() {
            return Ok(());
        }
        let mut gone = self.journal.written()?;
        gone.retain(|tag| !self.upstream.tags().contains(&tag.tag));
        if gone.is_empty() {
            return Ok(());
        }
        let (held, local) = (self.journal.held()?, self.images.tags(self.repository)?);
        let is_ours =
            |tag: &&UpstreamTag| !held.contains(&tag.tag) && local.get(&tag.tag) == Some(&tag.digest);
        let removed: Vec<String> = gone.iter().filter(is_ours).map(|tag| tag.tag.clone()).collect();
        self.images.remove_tags(self.repository, &removed)?;
        let forgotten: Vec<String> = gone.into_iter().map(|tag| tag.tag).collect();
        self.journal.forget(&forgotten)?;
        progress.tags_removed += removed.len() as u64;
        Ok(())
    }
}

/// Writes an error with its causes in one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}
