//! What is computed from the final tree: accounts, working directory, package database, `ld.so.cache`.

use std::collections::BTreeSet;
use std::sync::Arc;

use temper_oci::ImageConfig;
use temper_rootfs::accounts::{AccountOutcome, AccountRequest, add_accounts, has_user, ids_of};
use temper_rootfs::draft::Draft;
use temper_rootfs::effects::ld_so_cache::ld_so_cache;
use temper_rootfs::effects::users::{AccountAdditions, AccountOptions};
use temper_rootfs::merge::{Merge, Metadata, PackageSource};
use temper_rootfs::package_database::{PackageDatabase, write_package_database};
use temper_rootfs::package_index::PackageIndex;
use temper_rootfs::tree::{Origin, Tree};

use crate::composer::AutomaticIds;
use crate::composition::stages::{Ground, Stages};
use crate::composition::{Owned, programs, report, waived};
use crate::finding::{Finding, Findings};
use crate::image::PlatformImage;
use crate::plan::{AccountLine, Setting};
use crate::recipe::Recipe;

/// The system layer, and the settings that go with it.
pub(super) struct System {
    pub(super) draft: Draft,
    pub(super) user: Setting,
    pub(super) work_dir: Setting,
    pub(super) accounts: Vec<AccountLine>,
}

/// Returns the numbers that are taken before packages get theirs.
pub(super) fn account_options(
    recipe: &Recipe,
    tree: &Tree,
    automatic: Option<&AutomaticIds>,
) -> AccountOptions {
    let AccountRequest { users, groups, .. } = &recipe.accounts;
    // A user that is added without a group gets one of its own; a group that the document names itself comes later.
    let own = users.iter().filter(|user| user.gid.is_none() && !has_user(tree, &user.name));
    let own = own.map(|user| (user.name.clone(), user.uid));
    let automatic = automatic.cloned().unwrap_or_default();
    AccountOptions {
        document_users: users
            .iter()
            .map(|user| (user.name.clone(), (user.uid, user.gid.unwrap_or(user.uid))))
            .collect(),
        document_groups: own.chain(groups.iter().map(|group| (group.name.clone(), group.gid))).collect(),
        previous_users: automatic.users,
        previous_groups: automatic.groups,
    }
}

/// Computes the system layer onto the tree.
pub(super) fn compute(
    ground: &Ground<'_>,
    stages: &mut Stages,
    recipe: &Recipe,
    base: Option<&PlatformImage>,
    findings: &mut Findings,
) -> System {
    let base_config = base.map(|image| &image.config);
    let time = ground.time;
    let base_user = base_config.and_then(ImageConfig::user).unwrap_or_default().to_owned();
    let accounts = add_accounts(&stages.tree, &stages.effect.accounts, &recipe.accounts, &base_user, time);
    for problem in &accounts.problems {
        let mut finding = Finding::at("accounts", problem.to_string());
        finding.hint = problem.hint();
        findings.problem(finding);
    }
    for warning in &accounts.warnings {
        findings.warning(Finding::at("accounts", warning.clone()));
    }
    let user = match &accounts.run_user {
        Some(user) => Setting { value: user.clone(), origin: "customization".to_owned() },
        None if base_user.is_empty() => Setting::default(),
        None => Setting { value: base_user, origin: "base".to_owned() },
    };
    let lines = account_lines(recipe, &stages.effect.accounts, &accounts);
    let work_dir = work_dir(recipe, base_config);
    let mut merge = Merge::new(&mut stages.tree);
    accounts.put(&mut merge, time);
    let before = merge.problems().len();
    make_work_dir(&mut merge, &work_dir, &user, time, findings);
    let of_work_dir = before..merge.problems().len();
    write_database(&mut merge, ground, &stages.owned, findings);
    if stages.drafts.iter().any(|(_, draft)| !draft.is_empty()) {
        put_ld_so_cache(&mut merge, ground);
    }
    let draft = merge.finish();
    for (position, problem) in draft.problems.iter().enumerate() {
        let at = if of_work_dir.contains(&position) { "work-dir" } else { "" };
        findings.problem(report::finding(at, problem));
    }
    System { draft, user, work_dir, accounts: lines }
}

/// Makes the links that the loader looks for, and puts its cache of libraries, unless the one that stands there says the same.
fn put_ld_so_cache(merge: &mut Merge<'_>, ground: &Ground<'_>) {
    let libc_bin = ground.packages.version("libc-bin", ground.architecture);
    if let Some(cache) = ld_so_cache(merge.tree(), ground.architecture, libc_bin.as_deref()) {
        for link in &cache.links {
            merge.change(link, "ld.so.cache", ground.time);
        }
        let metadata = Metadata::of_root(0o644, ground.time);
        merge.put_computed("etc/ld.so.cache", &cache.content, metadata, "ld.so.cache");
    }
}

fn work_dir(recipe: &Recipe, base_config: Option<&ImageConfig>) -> Setting {
    let base = base_config.and_then(ImageConfig::working_dir).unwrap_or_default();
    match &recipe.work_dir {
        Some(path) => Setting { value: path.clone(), origin: "customization".to_owned() },
        None if base.is_empty() => Setting::default(),
        None => Setting { value: base.to_owned(), origin: "base".to_owned() },
    }
}

/// Makes a missing working directory, owned by the user that the image runs as.
fn make_work_dir(
    merge: &mut Merge<'_>,
    work_dir: &Setting,
    user: &Setting,
    time: i64,
    findings: &mut Findings,
) {
    let path = work_dir.value.trim_matches('/');
    if path.is_empty() || programs::is_directory(merge.tree(), path) {
        return;
    }
    if let Some(node) = merge.tree().lookup(path) {
        let message = format!("`{}` is a {}, not a directory", work_dir.value, node.entry.kind.word());
        return findings.problem(
            Finding::at("work-dir", message).hint("choose another `work-dir`, or another path for it"),
        );
    }
    let (uid, gid) = ids_of(merge.tree(), &user.value);
    let metadata = Metadata { mode: 0o755, uid: uid.into(), gid: gid.into(), mtime: time };
    merge.put_directory(path, metadata, Origin::Document);
}

fn write_database(merge: &mut Merge<'_>, ground: &Ground<'_>, owned: &Owned, findings: &mut Findings) {
    let packages = ground.packages;
    let indexes: Vec<Arc<PackageIndex>> =
        packages.indexes.iter().map(|index| waived::without(index, &packages.choice.waived)).collect();
    let files = packages.choice.install.iter().map(|package| package.file.digest);
    let sources: Vec<PackageSource<'_>> =
        files.zip(&indexes).map(|(archive, index)| PackageSource { archive, index }).collect();
    let unrequested = packages.choice.install.iter().filter(|package| !package.is_requested);
    let automatic: BTreeSet<String> = unrequested.map(|package| package.name.clone()).collect();
    let database = PackageDatabase {
        installed: &packages.installed,
        packages: &sources,
        owned,
        removals: &packages.removals(),
        automatic: &automatic,
        architecture: ground.architecture,
        time: ground.time,
    };
    if let Err(error) = write_package_database(merge, &database) {
        findings.problem(Finding::at("contents.packages", error.to_string()));
    }
}

/// Lists the users and groups that are added, with who wants them.
fn account_lines(recipe: &Recipe, added: &AccountAdditions, accounts: &AccountOutcome) -> Vec<AccountLine> {
    let line = |kind: &str, name: &str, id: u32, origin: &str| AccountLine {
        kind: kind.to_owned(),
        name: name.to_owned(),
        id: id.into(),
        origin: origin.to_owned(),
    };
    let wanted = &recipe.accounts;
    let user_id = |name: &str| wanted.users.iter().find(|user| user.name == name).map_or(0, |user| user.uid);
    let group_id = |name: &str| {
        let group = wanted.groups.iter().find(|group| group.name == name).map(|group| group.gid);
        group.unwrap_or_else(|| user_id(name))
    };
    let mut lines: Vec<AccountLine> = added
        .users
        .iter()
        .map(|user| line("user", &user.name, user.uid, &format!("package {}", user.package)))
        .collect();
    lines.extend(
        added
            .groups
            .iter()
            .map(|group| line("group", &group.name, group.gid, &format!("package {}", group.package))),
    );
    lines.extend(accounts.users_added.iter().map(|name| line("user", name, user_id(name), "customization")));
    lines.extend(
        accounts.groups_added.iter().map(|name| line("group", name, group_id(name), "customization")),
    );
    lines
}
