//! Why an operation was not done.

use temper_compose::{ComposeError, External};
use temper_spec::Problems;
use temper_store::records::RecordsError;

use crate::secrets::SecretsError;

/// Why an operation was not done; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no such thing, or the caller may not know of it.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// What kind of thing: `organization`, `repository`, `customization`.
        kind: &'static str,
        /// How the caller named it.
        name: String,
    },
    /// The caller must say who they are.
    #[error("log in first")]
    Unauthenticated,
    /// What the caller shows proves nothing; the reason is in the log.
    #[error("name or password is wrong")]
    WrongPassword,
    /// What the caller shows is no access token or session, or has ended.
    #[error("the access token or session does not hold")]
    WrongToken,
    /// So many log in at once that this one must come again.
    #[error("too many log in at once")]
    Busy,
    /// The caller may know of it, and not do this.
    #[error("{action} needs {needed}")]
    Forbidden {
        /// What was wanted, as a noun: `mirroring into organization acme`.
        action: String,
        /// What is missing: `an owner of the organization`.
        needed: String,
    },
    /// It stands in the way of something that is there.
    #[error("{message}")]
    Conflict {
        /// What stands in the way of what.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Somebody else changed it since the caller read it.
    #[error("{kind} `{name}` was changed since it was read")]
    Stale {
        /// What kind of thing.
        kind: &'static str,
        /// Which one.
        name: String,
    },
    /// What was sent is wrong; all problems at once.
    #[error("{subject} has problems")]
    Invalid {
        /// What was sent: `the customization`.
        subject: String,
        /// Everything that is wrong with it.
        problems: Problems,
    },
    /// A plan or build failed.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// A registry, archive or disk failed.
    #[error(transparent)]
    External(#[from] External),
    /// The records failed.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

impl HubError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthenticated => Some("`temper login` asks for name and password".to_owned()),
            Self::WrongToken => {
                Some("it may have expired or been revoked: `temper login` begins a new session".to_owned())
            }
            Self::Busy => Some("try again in a few seconds".to_owned()),
            Self::Conflict { hint, .. } => hint.clone(),
            Self::Stale { .. } => Some("read it again, and make the change there".to_owned()),
            Self::External(error) => error.hint.clone(),
            Self::Records(error) => error.hint(),
            Self::NotFound { .. }
            | Self::WrongPassword
            | Self::Forbidden { .. }
            | Self::Invalid { .. }
            | Self::Compose(_) => None,
        }
    }
}

impl From<SecretsError> for HubError {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Busy => Self::Busy,
            SecretsError::Failed(error) => Self::External(error),
        }
    }
}
