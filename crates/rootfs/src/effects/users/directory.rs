//! The names and ids of users and groups while packages add theirs.

use std::collections::{BTreeMap, BTreeSet};

use super::AccountOptions;
use crate::accounts::table::{Line, Table};

/// Ids of accounts by name, and which ids are free.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Uid and gid by user name.
    pub users: BTreeMap<String, (u32, u32)>,
    /// Gid by group name.
    pub groups: BTreeMap<String, u32>,
    /// Gids of the document's users, which need not belong to a group that is known.
    reserved_gids: BTreeSet<u32>,
    previous_users: BTreeMap<String, u32>,
    previous_groups: BTreeMap<String, u32>,
}

/// The automatic ids of system accounts.
const SYSTEM: std::ops::RangeInclusive<u32> = 100..=999;
/// Those of `useradd --system`, whose default begins one later.
const USERADD_SYSTEM: std::ops::RangeInclusive<u32> = 101..=999;

/// How an automatic id is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Automatic {
    /// `adduser`: the first free one from 100 up.
    Up,
    /// `systemd-sysusers`: from 999 down, free as uid and as gid.
    Down,
    /// `useradd`: below the lowest that is taken, else from 999 down.
    BelowLowest,
}

impl Directory {
    /// Starts with the accounts of the given files and those of the document.
    pub(super) fn new(passwd: &str, group: &str, options: &AccountOptions) -> Self {
        let name = |line: Line<'_>| line.field(0).to_owned();
        let (passwd, group) = (Table::parse(passwd.as_bytes()), Table::parse(group.as_bytes()));
        let users = passwd.lines().filter_map(|line| Some((name(line), (line.number(2)?, line.number(3)?))));
        let groups = group.lines().filter_map(|line| Some((name(line), line.number(2)?)));
        let (mut users, mut groups): (BTreeMap<_, _>, BTreeMap<_, _>) = (users.collect(), groups.collect());
        users.extend(options.document_users.clone());
        groups.extend(options.document_groups.clone());
        let (previous_users, previous_groups) =
            (options.previous_users.clone(), options.previous_groups.clone());
        let reserved_gids = options.document_users.values().map(|(_, gid)| *gid).collect();
        Self { users, groups, reserved_gids, previous_users, previous_groups }
    }

    /// Returns the uid that a name or number stands for; `root` is 0 in every tree.
    pub fn uid(&self, user: &str) -> Option<u32> {
        self.users.get(user).map(|(uid, _)| *uid).or_else(|| number(user))
    }

    /// Returns the gid that a name or number stands for; `root` is 0 in every tree.
    pub fn gid(&self, group: &str) -> Option<u32> {
        self.groups.get(group).copied().or_else(|| number(group))
    }

    fn uids(&self) -> BTreeSet<u32> {
        self.users.values().map(|(uid, _)| *uid).collect()
    }

    fn gids(&self) -> BTreeSet<u32> {
        self.groups.values().chain(&self.reserved_gids).copied().collect()
    }

    /// Finds a uid for a new user: that of the last build, the fixed one that is wished for, an automatic one; each if
    /// it is free. `None` if every automatic one is taken. What others had in the last build is automatic for nobody:
    /// they may come later.
    pub(super) fn free_uid(&self, name: &str, wish: Option<u32>, how: Automatic) -> Option<u32> {
        let (mut uids, gids) = (self.uids(), self.gids());
        let own = self.groups.get(name);
        let previous = self.previous_users.get(name).copied();
        if let Some(uid) = [previous, wish].into_iter().flatten().find(|uid| !uids.contains(uid)) {
            return Some(uid);
        }
        uids.extend(self.previous_users.values());
        match how {
            Automatic::Down => {
                let is_free = |uid: &u32| !uids.contains(uid) && (!gids.contains(uid) || own == Some(uid));
                own.copied().filter(is_free).or_else(|| SYSTEM.rev().find(is_free))
            }
            _ => find(how, &uids),
        }
    }

    /// Finds a gid for a new group, as [`Self::free_uid`] does.
    pub(super) fn free_gid(&self, name: &str, wish: Option<u32>, how: Automatic) -> Option<u32> {
        let (uids, mut gids) = (self.uids(), self.gids());
        let previous = self.previous_groups.get(name).copied();
        if let Some(gid) = [previous, wish].into_iter().flatten().find(|gid| !gids.contains(gid)) {
            return Some(gid);
        }
        gids.extend(self.previous_groups.values());
        match how {
            Automatic::Down => {
                let own = self.users.get(name).map(|(uid, _)| *uid);
                let is_free = |gid: &u32| !gids.contains(gid) && (!uids.contains(gid) || own == Some(*gid));
                SYSTEM.rev().find(is_free)
            }
            _ => find(how, &gids),
        }
    }
}

fn number(name: &str) -> Option<u32> {
    if name == "root" { Some(0) } else { name.parse().ok() }
}

fn find(how: Automatic, taken: &BTreeSet<u32>) -> Option<u32> {
    let is_free = |id: &u32| !taken.contains(id);
    if how == Automatic::Up {
        return SYSTEM.into_iter().find(is_free);
    }
    let below = taken.range(USERADD_SYSTEM).next().map_or(*USERADD_SYSTEM.end(), |lowest| lowest - 1);
    let below = Some(below).filter(|id| USERADD_SYSTEM.contains(id));
    below.or_else(|| USERADD_SYSTEM.rev().find(is_free))
}
