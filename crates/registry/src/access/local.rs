//! Access on one machine: everybody pulls, and this machine pushes.

use super::{Access, AccessRequest, Action, Actor, Decision, DecisionFuture, PolicyFuture};
use crate::name::RepositoryName;
use crate::policy::RepositoryPolicy;

/// The form without accounts: anonymous pull, and push and delete from this machine.
///
/// What is this machine, [`crate::Frontage`] finds out.
#[derive(Clone, Copy, Debug)]
pub struct LocalAccess {
    /// Whether programs of this machine push.
    pub push_from_loopback: bool,
}

impl LocalAccess {
    fn judge(self, request: &AccessRequest<'_>) -> Decision {
        let is_ours = self.push_from_loopback && request.is_local;
        match request.target {
            Some((_, Action::Push | Action::Delete)) if !is_ours => Decision::Denied,
            _ => Decision::Allowed(Actor::Anonymous),
        }
    }
}

impl Access for LocalAccess {
    fn decide<'a>(&'a self, request: AccessRequest<'a>) -> DecisionFuture<'a> {
        Box::pin(std::future::ready(Ok(self.judge(&request))))
    }

    fn policy<'a>(&'a self, _: &'a RepositoryName) -> PolicyFuture<'a> {
        Box::pin(std::future::ready(Ok(RepositoryPolicy { public: true, ..RepositoryPolicy::default() })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_pulls_and_this_machine_pushes() {
        let name = RepositoryName::parse("acme/python").expect("is a name");
        for (push_from_loopback, is_local, action, expected) in [
            (true, true, Some(Action::Push), true),
            (true, false, Some(Action::Push), false),
            (true, false, Some(Action::Pull), true),
            (true, false, None, true),
            (false, true, Some(Action::Delete), false),
            (false, true, Some(Action::List), true),
        ] {
            let decision = LocalAccess { push_from_loopback }.judge(&AccessRequest {
                peer: None,
                is_local,
                origin: "http://localhost",
                authorization: Some("Basic ???"),
                target: action.map(|action| (&name, action)),
            });
            let wanted = if expected { Decision::Allowed(Actor::Anonymous) } else { Decision::Denied };
            assert_eq!(decision, wanted, "{push_from_loopback} {is_local} {action:?}");
        }
    }
}
