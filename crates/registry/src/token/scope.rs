//! Scopes: what a client wants a token for.
//!
//! See [token scope](https://distribution.github.io/distribution/spec/auth/scope/).

use std::collections::{BTreeMap, BTreeSet};

use crate::name::RepositoryName;

/// Repositories that one token may be asked for: a push mounts from a few others.
const SCOPES_MAX: usize = 100;

/// What a client may want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ScopeAction {
    Pull,
    Push,
    Delete,
    /// `*`.
    All,
}

impl ScopeAction {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pull" => Self::Pull,
            "push" => Self::Push,
            "delete" => Self::Delete,
            "*" => Self::All,
            _ => return None,
        })
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::All => "*",
        }
    }
}

/// One thing that a token is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// `repository:<name>:<actions>`.
    Repository { name: RepositoryName, actions: BTreeSet<ScopeAction> },
    /// `registry:catalog:*`.
    Catalog,
}

impl Scope {
    /// Reads scopes, each text one or several with spaces between; `None` where there are too many.
    ///
    /// What this server does not have is left out: it is not granted either way. Scopes of one repository are
    /// joined.
    pub(crate) fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<Vec<Self>> {
        let mut repositories: BTreeMap<RepositoryName, BTreeSet<ScopeAction>> = BTreeMap::new();
        let mut has_catalog = false;
        let scopes = texts.into_iter().flat_map(|text| text.split(' ')).filter(|text| !text.is_empty());
        for (count, scope) in scopes.enumerate() {
            if count == SCOPES_MAX {
                return None;
            }
            match read(scope) {
                Some(Self::Catalog) => has_catalog = true,
                Some(Self::Repository { name, actions }) => {
                    repositories.entry(name).or_default().extend(actions);
                }
                None => {}
            }
        }
        let catalog = has_catalog.then_some(Self::Catalog);
        let repositories = repositories.into_iter().map(|(name, actions)| Self::Repository { name, actions });
        Some(catalog.into_iter().chain(repositories).collect())
    }
}

fn read(text: &str) -> Option<Scope> {
    let (kind, rest) = text.split_once(':')?;
    // From the end: a name may hold a port.
    let (name, actions) = rest.rsplit_once(':')?;
    match kind.split_once('(').map_or(kind, |(kind, _class)| kind) {
        "repository" => {
            let actions = actions.split(',').filter_map(ScopeAction::parse).collect();
            Some(Scope::Repository { name: RepositoryName::parse(name)?, actions })
        }
        "registry" if name == "catalog" && actions == "*" => Some(Scope::Catalog),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repository(name: &str, actions: &[ScopeAction]) -> Scope {
        let name = RepositoryName::parse(name).expect("is a name");
        Scope::Repository { name, actions: actions.iter().copied().collect() }
    }

    #[test]
    fn scopes_are_joined_and_unknown_ones_left_out() {
        use ScopeAction::{All, Delete, Pull, Push};
        for (texts, expected) in [
            (&["repository:a/b:pull"][..], vec![repository("a/b", &[Pull])]),
            (
                &["repository:a:push,pull", "repository:a:delete"],
                vec![repository("a", &[Pull, Push, Delete])],
            ),
            (&["repository:b:pull repository:a:*"], vec![repository("a", &[All]), repository("b", &[Pull])]),
            (&["repository(plugin):a:pull"], vec![repository("a", &[Pull])]),
            (&["repository:a:fly"], vec![repository("a", &[])]),
            (&["registry:catalog:*"], vec![Scope::Catalog]),
            (
                &[
                    "",
                    " ",
                    "a",
                    "a:b",
                    "repository:A:pull",
                    "repository::pull",
                    "registry:x:*",
                    "user:a:pull",
                ],
                vec![],
            ),
            (&["repository:../a:pull", "repository:host:5000/a:pull"], vec![]),
        ] {
            assert_eq!(Scope::parse_all(texts.iter().copied()), Some(expected), "{texts:?}");
        }
        assert_eq!(Scope::parse_all(["repository:a:pull"; 101]), None);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(repository|registry|:|,|pull|\\*|a|/| |[ -~é]){0,12}") {
            let scopes = Scope::parse_all([text.as_str()]).expect("is short");
            prop_assert!(scopes.len() <= text.split(' ').count());
        }
    }
}
