//! Why accounts cannot be added as asked.

/// Why a request about accounts cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProblem {
    /// A name that these files cannot hold.
    #[error("account name `{name}` is empty, too long or has a character that account files cannot hold")]
    Name {
        /// The name.
        name: String,
    },
    /// A user that is there with other numbers.
    #[error("user `{name}` is there with the ids {existing}, but the document asks for {uid}{}", Gid(*.gid))]
    UserDiffers {
        /// Name.
        name: String,
        /// Asked for.
        uid: u32,
        /// Asked for.
        gid: Option<u32>,
        /// Uid and gid that are there.
        existing: String,
    },
    /// A user id that another user has.
    #[error("user id {uid} of user `{name}` belongs to user `{holder}`")]
    UidTaken {
        /// Name.
        name: String,
        /// Asked for.
        uid: u32,
        /// Who has it.
        holder: String,
    },
    /// A group that is there with another number.
    #[error("group `{name}` is there with the id {}, but the document asks for {gid}", .existing.map_or_else(String::new, |gid| gid.to_string()))]
    GroupDiffers {
        /// Name.
        name: String,
        /// Asked for.
        gid: u32,
        /// What is there; nothing where the line cannot be read.
        existing: Option<u32>,
    },
    /// A group id that another group has.
    #[error("group id {gid} of group `{name}` belongs to group `{holder}`")]
    GidTaken {
        /// Name.
        name: String,
        /// Asked for.
        gid: u32,
        /// Who has it.
        holder: String,
    },
    /// A member that is no user.
    #[error("group `{group}` names the member `{user}`, which is no user")]
    Member {
        /// Group.
        group: String,
        /// Member.
        user: String,
    },
    /// The container's user is unknown.
    #[error("`runs-as` names `{name}`, which is no {what}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// `user` or `group`.
        what: &'static str,
        /// Names that are there.
        known: Vec<String>,
    },
    /// The container would run as root without having said so.
    #[error("`runs-as: {name}` is root, but `root: true` is not set")]
    Root {
        /// What was asked for.
        name: String,
    },
}

impl AccountProblem {
    /// Returns what the reader of the message can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Root { .. } => Some("set `root: true` under `accounts`, or choose another user".to_owned()),
            Self::UidTaken { holder, .. } | Self::GidTaken { holder, .. } => {
                Some(format!("use `{holder}`, or another id"))
            }
            Self::Unknown { known, .. } if !known.is_empty() => {
                Some(format!("the image has `{}`", known.join("`, `")))
            }
            Self::Member { user, .. } => Some(format!("add `{user}` to `users`")),
            _ => None,
        }
    }
}

struct Gid(Option<u32>);

impl std::fmt::Display for Gid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |gid| write!(f, ":{gid}"))
    }
}
