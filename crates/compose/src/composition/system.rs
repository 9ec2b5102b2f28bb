//! What is computed from the final tree: accounts, working directory, package database, `ld.so.cache`.

use temper_oci::ImageConfig;
use temper_rootfs::draft::Draft;
use temper_rootfs::effects::Effect;
use temper_rootfs::effects::ld_so_cache::ld_so_cache;
use temper_rootfs::effects::users::AccountOptions;
use temper_rootfs::merge::{Merge, Metadata};
use temper_rootfs::tree::{Origin, Tree};

use crate::composer::AutomaticIds;
use crate::composition::{Owned, Packages, programs};
use crate::finding::Findings;
use crate::plan::{AccountLine, Setting};
use crate::recipe::Recipe;

/// What the system files are computed from.
pub(super) struct SystemInput<'a> {
    pub(super) tree: &'a mut Tree,
    pub(super) recipe: &'a Recipe,
    pub(super) packages: &'a Packages,
    pub(super) owned: &'a Owned,
    pub(super) effect: &'a Effect,
    pub(super) base_config: Option<&'a ImageConfig>,
    pub(super) architecture: &'a str,
    pub(super) time: i64,
    pub(super) findings: &'a mut Findings,
}

/// The system layer, and the settings that go with it.
pub(super) struct System {
    pub(super) draft: Draft,
    pub(super) user: Setting,
    pub(super) work_dir: Setting,
    pub(super) accounts: Vec<AccountLine>,
}

/// Returns the numbers that are taken before packages get theirs.
pub(super) fn account_options(recipe: &Recipe, automatic: &AutomaticIds) -> AccountOptions {
    let users = recipe.accounts.users.iter();
    AccountOptions {
        document_users: users
            .map(|user| (user.name.clone(), (user.uid, user.gid.unwrap_or(user.uid))))
            .collect(),
        document_groups: recipe.accounts.groups.iter().map(|group| (group.name.clone(), group.gid)).collect(),
        previous_users: automatic.users.clone(),
        previous_groups: automatic.groups.clone(),
    }
}

/// Computes the system layer onto the tree.
pub(super) fn compute(input: &mut SystemInput<'_>) -> System {
    let base_user = input.base_config.and_then(ImageConfig::user).unwrap_or_default().to_owned();
    let user =
        Setting { origin: if base_user.is_empty() { "" } else { "base" }.to_owned(), value: base_user };
    let work_dir = work_dir(input);
    let mut merge = Merge::new(input.tree);
    if !work_dir.value.is_empty() && !programs::is_directory(merge.tree(), &work_dir.value) {
        let metadata = Metadata::of_root(0o755, input.time);
        merge.put_directory(work_dir.value.trim_matches('/'), metadata, Origin::Document);
    }
    let libc_bin = input.packages.version("libc-bin");
    if let Some(cache) = ld_so_cache(merge.tree(), input.architecture, libc_bin.as_deref()) {
        let metadata = Metadata::of_root(0o644, input.time);
        merge.put_file("etc/ld.so.cache", &cache, metadata, Origin::Generated("ld.so.cache".to_owned()));
    }
    System { draft: merge.finish(), user, work_dir, accounts: Vec::new() }
}

fn work_dir(input: &SystemInput<'_>) -> Setting {
    let base = input.base_config.and_then(ImageConfig::working_dir).unwrap_or_default();
    match &input.recipe.work_dir {
        Some(path) => Setting { value: path.clone(), origin: "customization".to_owned() },
        None if base.is_empty() => Setting::default(),
        None => Setting { value: base.to_owned(), origin: "base".to_owned() },
    }
}
