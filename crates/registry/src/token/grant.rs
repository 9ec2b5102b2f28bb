//! What a token grants.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::scope::ScopeAction;
use crate::access::Action;
use crate::directory::Right;
use crate::name::RepositoryName;

/// One entry of a token's claim `access`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Granted {
    /// Grants the list of repositories, which shows everybody no more than they may know.
    pub(crate) fn catalog() -> Self {
        Self { kind: "registry".to_owned(), name: "catalog".to_owned(), actions: vec!["*".to_owned()] }
    }

    /// Grants of the wanted actions those that the right holds.
    pub(crate) fn repository(
        name: &RepositoryName,
        wanted: &BTreeSet<ScopeAction>,
        right: Option<Right>,
    ) -> Self {
        let needed = |action| match action {
            ScopeAction::Pull => Right::Read,
            ScopeAction::Push => Right::Write,
            ScopeAction::Delete | ScopeAction::All => Right::Admin,
        };
        let all = [ScopeAction::Pull, ScopeAction::Push, ScopeAction::Delete, ScopeAction::All];
        let is_wanted = |action| wanted.contains(&action) || wanted.contains(&ScopeAction::All);
        let actions = all.into_iter().filter(|action| is_wanted(*action) && right >= Some(needed(*action)));
        Self {
            kind: "repository".to_owned(),
            name: name.to_string(),
            actions: actions.map(|action| action.as_str().to_owned()).collect(),
        }
    }
}

/// All that a token grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants(Vec<Granted>);

impl Grants {
    pub(crate) fn new(granted: Vec<Granted>) -> Self {
        Self(granted)
    }

    /// Says whether an action in a repository is granted. The list of repositories is open to every token.
    pub(crate) fn allow(&self, repository: &RepositoryName, action: Action) -> bool {
        let wanted = match action {
            Action::List => return true,
            Action::Pull => ScopeAction::Pull,
            Action::Push => ScopeAction::Push,
            Action::Delete => ScopeAction::Delete,
        };
        self.0.iter().any(|granted| {
            granted.kind == "repository"
                && granted.name == repository.as_str()
                && granted.actions.iter().any(|action| {
                    matches!(ScopeAction::parse(action), Some(found) if found == wanted || found == ScopeAction::All)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_what_is_wanted_and_held() {
        use ScopeAction::{All, Delete, Pull, Push};
        let name = RepositoryName::parse("a/b").expect("is a name");
        for (wanted, right, expected) in [
            (&[Pull, Push][..], None, &[][..]),
            (&[Pull, Push], Some(Right::Read), &["pull"]),
            (&[Pull, Push], Some(Right::Write), &["pull", "push"]),
            (&[Pull], Some(Right::Admin), &["pull"]),
            (&[Delete], Some(Right::Write), &[]),
            (&[All], Some(Right::Write), &["pull", "push"]),
            (&[All], Some(Right::Admin), &["pull", "push", "delete", "*"]),
        ] {
            let granted = Granted::repository(&name, &wanted.iter().copied().collect(), right);
            assert_eq!(granted.actions, expected, "{wanted:?} {right:?}");
            let grants = Grants::new(vec![granted]);
            assert_eq!(grants.allow(&name, Action::Push), expected.contains(&"push"));
            let other = RepositoryName::parse("a/c").expect("is a name");
            assert!(!grants.allow(&other, Action::Pull));
        }
    }
}
