//! Why a build runs.

use serde::{Deserialize, Serialize};
use temper_oci::Digest;

/// How many packages a cause names in words.
const NAMED_MAX: usize = 3;

/// Why a target is looked at, and built where an input has changed. A build has one or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Cause {
    /// The customization is new.
    Created,
    /// Its document was changed.
    Edited,
    /// A tag of the base moved.
    Base {
        /// The repository, `acme/dhi-python`.
        repository: String,
        /// The tag.
        tag: String,
        /// Where it pointed, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Digest>,
        /// Where it points; nothing where it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<Digest>,
    },
    /// A tag of an artifact moved.
    Artifact {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// Where it pointed, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<Digest>,
        /// Where it points; nothing where it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<Digest>,
    },
    /// A package archive offers something else.
    Package {
        /// What changed in what this target has from it; empty before that was looked at.
        #[serde(default)]
        changed: Vec<PackageChange>,
    },
    /// A chart has a new version.
    Chart {
        /// The chart's repository.
        repository: String,
        /// The version's tag.
        tag: String,
    },
    /// Somebody asked for it.
    Manual {
        /// Who.
        by: String,
    },
}

/// A package with another version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// The version that is in the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The version that would be taken now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

impl Cause {
    /// Names the kind in one word, as filters and log fields have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Edited => "edited",
            Self::Base { .. } => "base",
            Self::Artifact { .. } => "artifact",
            Self::Package { .. } => "package",
            Self::Chart { .. } => "chart",
            Self::Manual { .. } => "manual",
        }
    }

    /// Says whether somebody waits for the result; such builds go before those that the watch asks for.
    pub fn is_by_hand(&self) -> bool {
        matches!(self, Self::Created | Self::Edited | Self::Manual { .. })
    }

    /// Tells the cause in words.
    pub fn sentence(&self) -> String {
        match self {
            Self::Created => "the customization was created".to_owned(),
            Self::Edited => "the customization was edited".to_owned(),
            Self::Base { repository, tag, old, new } => moved("base", repository, tag, *old, *new),
            Self::Artifact { repository, tag, old, new } => moved("artifact", repository, tag, *old, *new),
            Self::Package { changed } if changed.is_empty() => "a package archive was updated".to_owned(),
            Self::Package { changed } => packages(changed),
            Self::Chart { repository, tag } => format!("chart `{repository}` has version `{tag}`"),
            Self::Manual { by } => format!("`{by}` asked for it"),
        }
    }

    /// Adds a cause to others: what is said already is not said twice, and a tag that moved twice moved once.
    pub fn merge(causes: &mut Vec<Self>, more: Self) {
        for known in causes.iter_mut() {
            if known.absorb(&more) {
                return;
            }
        }
        causes.push(more);
    }

    /// Takes the newer state of the same thing; says whether it is the same thing.
    fn absorb(&mut self, more: &Self) -> bool {
        match (self, more) {
            (
                Self::Base { repository, tag, new, .. },
                Self::Base { repository: other, tag: other_tag, new: newer, .. },
            )
            | (
                Self::Artifact { repository, tag, new, .. },
                Self::Artifact { repository: other, tag: other_tag, new: newer, .. },
            ) if repository == other && tag == other_tag => {
                *new = *newer;
                true
            }
            (Self::Package { changed }, Self::Package { changed: more }) => {
                changed.extend(more.iter().cloned());
                changed.sort();
                changed.dedup();
                true
            }
            (known, more) => known == more,
        }
    }
}

fn moved(what: &str, repository: &str, tag: &str, old: Option<Digest>, new: Option<Digest>) -> String {
    let short = |digest: Option<Digest>| digest.map_or_else(|| "nothing".to_owned(), |one| one.short());
    format!("{what} `{repository}:{tag}` moved from {} to {}", short(old), short(new))
}

fn packages(changed: &[PackageChange]) -> String {
    let named = changed.iter().take(NAMED_MAX).map(|one| match (&one.old, &one.new) {
        (Some(old), Some(new)) => format!("{} {old} → {new}", one.name),
        (None, Some(new)) => format!("{} {new} is new", one.name),
        (_, None) => format!("{} is gone", one.name),
    });
    let named: Vec<String> = named.collect();
    let more = changed.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("packages changed: {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(old: &str, new: &str) -> Cause {
        let digest = |text: &str| Some(Digest::of(text));
        Cause::Base {
            repository: "acme/python".to_owned(),
            tag: "3.13".to_owned(),
            old: digest(old),
            new: digest(new),
        }
    }

    #[test]
    fn causes_of_a_burst_become_one() {
        let mut causes = vec![base("a", "b")];
        Cause::merge(&mut causes, base("b", "c"));
        Cause::merge(&mut causes, Cause::Package { changed: Vec::new() });
        Cause::merge(&mut causes, Cause::Edited);
        Cause::merge(&mut causes, Cause::Edited);
        assert_eq!(causes, [base("a", "c"), Cause::Package { changed: Vec::new() }, Cause::Edited]);
    }

    #[test]
    fn causes_are_kept_as_text() {
        let change = PackageChange { name: "libc6".to_owned(), old: Some("1".to_owned()), new: None };
        for cause in [
            Cause::Created,
            base("a", "b"),
            Cause::Package { changed: vec![change] },
            Cause::Manual { by: "ada".to_owned() },
        ] {
            let text = serde_json::to_string(&cause).expect("is JSON");
            assert_eq!(serde_json::from_str::<Cause>(&text).expect("is read back"), cause);
            assert!(text.contains(&format!("\"kind\":\"{}\"", cause.kind())), "{text}");
        }
    }

    #[test]
    fn sentences_name_what_changed() {
        let change = |name: &str, old: Option<&str>, new: Option<&str>| PackageChange {
            name: name.to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        };
        let changed = vec![
            change("a", Some("1"), Some("2")),
            change("b", None, Some("3")),
            change("c", Some("1"), None),
        ];
        let cause = Cause::Package { changed };
        assert_eq!(cause.sentence(), "packages changed: a 1 → 2, b 3 is new, c is gone");
        assert!(base("a", "b").sentence().starts_with("base `acme/python:3.13` moved from "));
    }
}
