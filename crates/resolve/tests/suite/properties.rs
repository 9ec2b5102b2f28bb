//! Properties that hold for any archive.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use temper_deb::index::{PackageIndex, PackageRecord};
use temper_deb::status::StatusDatabase;
use temper_deb::{Relation, groups};
use temper_resolve::{IndexSource, Inputs, Request, Resolution, ResolveError, Universe, Wanted, resolve};

use crate::stanza::{Facts, Versions, index_text};

/// Archives of up to eight packages and three virtual names, with any relations between them.
fn any_archive() -> impl Strategy<Value = BTreeMap<String, Versions>> {
    let name = || proptest::sample::select(vec!["a", "b", "c", "d", "e", "f", "g", "h", "v", "w", "x"]);
    let relation = move || {
        (name(), proptest::option::weighted(0.2, "(>=|=|<<) [12]")).prop_map(|(name, constraint)| {
            constraint.map_or(name.to_owned(), |text| format!("{name} ({text})"))
        })
    };
    let group = move || proptest::collection::vec(relation(), 1..3).prop_map(|all| all.join(" | "));
    let provided = || proptest::sample::select(vec!["v", "w", "x", "v (= 2)"]).prop_map(str::to_owned);
    let facts = (
        "[12]",
        proptest::collection::vec(group(), 0..3),
        proptest::collection::vec(relation(), 0..2),
        proptest::collection::vec(provided(), 0..2),
    );
    let facts = facts.prop_map(|(version, depends, conflicts, provides)| Facts {
        version: Some(version),
        depends,
        conflicts,
        provides,
        ..Facts::default()
    });
    proptest::collection::btree_map("[a-h]", facts.prop_map(|facts| Versions::One(Box::new(facts))), 1..8)
}

fn run(archive: &BTreeMap<String, Versions>, install: &[&str]) -> Option<Resolution> {
    attempt(archive, install).ok()
}

fn attempt(archive: &BTreeMap<String, Versions>, install: &[&str]) -> Result<Resolution, ResolveError> {
    let index = Arc::new(PackageIndex::parse(index_text(archive)).unwrap());
    let universe = Universe::new("amd64", vec![IndexSource::new(index, "trixie", "main")]);
    let installed = StatusDatabase::default();
    let inputs = Inputs { universe: &universe, installed: &installed, other_architectures: &[] };
    let install = install.iter().map(|name| Wanted::new(name)).collect();
    resolve(&inputs, &Request { install, ..Request::default() })
}

fn satisfies(record: &PackageRecord<'_>, relation: &Relation<'_>) -> bool {
    let own = record.name() == relation.name && relation.accepts(record.version());
    own || record.provided().any(|(name, version)| {
        name == relation.name
            && (relation.constraint.is_none() || version.is_some_and(|version| relation.accepts(version)))
    })
}

proptest! {
    #[test]
    fn what_is_chosen_is_complete_and_free_of_conflicts(archive in any_archive(), wanted in "[a-h]", second in "[a-h]") {
        let Some(resolution) = run(&archive, &[&wanted, &second]) else { return Ok(()) };
        let records: Vec<_> = resolution.install.iter().map(|chosen| chosen.record()).collect();
        prop_assert!(records.iter().any(|record| record.name() == wanted));
        prop_assert!(records.is_sorted_by_key(PackageRecord::name));
        for record in &records {
            for group in groups(record.depends()) {
                let is_satisfied = group.alternatives().flatten().any(|relation| {
                    records.iter().any(|other| satisfies(other, &relation))
                });
                prop_assert!(is_satisfied, "{record:?} lacks {group}");
            }
            for relation in groups(record.conflicts()).flat_map(|group| group.alternatives().flatten()) {
                let clash = records.iter().find(|other| other.name() != record.name() && satisfies(other, &relation));
                prop_assert!(clash.is_none(), "{record:?} conflicts with {clash:?}");
            }
        }
    }

    #[test]
    fn configure_order_has_every_package_once(archive in any_archive(), wanted in "[a-h]") {
        let Some(resolution) = run(&archive, &[&wanted]) else { return Ok(()) };
        let mut order = resolution.configure_order();
        order.sort_unstable();
        prop_assert_eq!(order, (0..resolution.install.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_package_that_needs_nothing_is_always_installable(archive in any_archive()) {
        for (name, versions) in &archive {
            let Versions::One(facts) = versions else { continue };
            if facts.depends.is_empty() {
                let resolution = run(&archive, &[name]).unwrap();
                prop_assert_eq!(resolution.install.len(), 1);
            }
        }
    }
}

/// So many packages that one attempt ends: the limit is told as what it is, not as deep nesting.
#[test]
fn an_attempt_that_grows_without_end_is_given_up() {
    let many: Vec<String> = (0..100_001).map(|number| format!("p{number}")).collect();
    let mut archive: BTreeMap<String, Versions> =
        many.iter().map(|name| (name.clone(), Versions::One(Box::default()))).collect();
    let app = Facts { depends: many, ..Facts::default() };
    archive.insert("app".to_owned(), Versions::One(Box::new(app)));
    let error = attempt(&archive, &["app"]).unwrap_err().to_string();
    assert!(error.contains("came up after 100000 packages had been tried, which is the limit"), "{error}");
}
