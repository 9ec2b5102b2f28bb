//! What holds in a repository, whoever asks: visibility, immutable tags, quota, retention.
//!
//! The registry asks [`crate::Access::policy`] for it, through [`crate::Registry::policy`].

use std::time::Duration;

use temper_oci::Pattern;
use temper_oci::reference::is_attachment_tag;
use temper_store::records::{Quota, QuotaScope};

use crate::name::RepositoryName;

/// The rules of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryPolicy {
    /// Whether everybody pulls, without an account.
    pub public: bool,
    /// Which tags stay where they were first put.
    pub immutable_tags: ImmutableTags,
    /// Most bytes of all blobs and manifests that the repository shows, each counted once; `None` is no bound.
    pub quota_bytes: Option<u64>,
    /// Most bytes of all repositories of the organization, each blob counted once; `None` is no bound.
    pub organization_quota_bytes: Option<u64>,
    /// What is kept that no tag holds.
    pub retention: Retention,
}

impl RepositoryPolicy {
    /// Returns the quotas that hold for a repository: its own, and that of the first part of its name.
    pub(crate) fn quotas(&self, repository: &RepositoryName) -> Vec<Quota> {
        let name = repository.as_str();
        let organization = name.split_once('/').map_or(name, |(organization, _)| organization);
        let own = self.quota_bytes.map(|limit_bytes| {
            let scope = QuotaScope::Repository(name.to_owned());
            Quota { scope, limit_bytes }
        });
        let common = self.organization_quota_bytes.map(|limit_bytes| {
            let scope = QuotaScope::Organization(organization.to_owned());
            Quota { scope, limit_bytes }
        });
        own.into_iter().chain(common).collect()
    }
}

/// Which tags are immutable: once pushed, they are neither moved nor removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ImmutableTags {
    /// Every tag moves.
    #[default]
    None,
    /// No tag moves.
    All,
    /// The tags that match one of these do not move.
    Patterns(Vec<Pattern>),
}

impl ImmutableTags {
    /// Says whether a tag stays where it was first put.
    ///
    /// A tag that is made from a digest never does: what is attached to an image grows with every key that signs it.
    pub fn holds(&self, tag: &str) -> bool {
        if is_attachment_tag(tag) {
            return false;
        }
        match self {
            Self::None => false,
            Self::All => true,
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.matches(tag)),
        }
    }
}

/// What the collector keeps beside what is held: tagged manifests, entries of kept indexes, and referrers of kept
/// subjects.
///
/// A manifest that nothing holds is kept while it is one of the newest, or young. Pods that are pinned by digest
/// keep working so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many of the newest manifests that nothing holds are kept in a repository.
    pub newest: u32,
    /// How long a manifest that nothing holds is kept after its push, or after its last tag left it; never less than [`Self::AGE_MIN`].
    pub age: Duration,
}

impl Retention {
    /// However short the retention, what was pushed so lately is kept: its tag, index or subject may follow.
    pub const AGE_MIN: Duration = Duration::from_hours(24);
}

impl Default for Retention {
    /// The last 10, and 90 days.
    fn default() -> Self {
        Self { newest: 10, age: Duration::from_hours(90 * 24) }
    }
}

#[cfg(test)]
mod tests {
    use super::ImmutableTags;

    #[test]
    fn immutable_tags_are_all_none_or_those_of_a_pattern() {
        let patterns = ["v*", "????-??-??"].map(|text| text.parse().expect("is a pattern")).to_vec();
        let patterns = ImmutableTags::Patterns(patterns);
        assert!(ImmutableTags::All.holds("latest") && !ImmutableTags::None.holds("v1"));
        let digest = format!("sha256-{}", "0".repeat(64));
        for tag in [digest.clone(), format!("{digest}.sig"), format!("{digest}.att")] {
            assert!(!ImmutableTags::All.holds(&tag), "{tag}");
        }
        assert!(ImmutableTags::All.holds(&format!("{digest}.sbom")) && ImmutableTags::All.holds("sha256-0"));
        assert!(patterns.holds("v1.2") && patterns.holds("2026-01-31") && !patterns.holds("latest"));
    }
}
