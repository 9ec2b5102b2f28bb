//! The order in which chosen packages are configured: what a package depends on comes before it.

use std::collections::{BTreeMap, BTreeSet};

use temper_deb::index::PackageRecord;
use temper_deb::{Relation, groups};

use crate::resolution::Resolution;

impl Resolution {
    /// Positions in [`install`](Self::install), dependencies first.
    ///
    /// Packages that depend on each other in a circle stand together, by name. Every alternative of a dependency that
    /// is among the packages counts, as dpkg waits for any that satisfies.
    pub fn configure_order(&self) -> Vec<usize> {
        let records: Vec<_> = self.install.iter().map(super::resolution::Chosen::record).collect();
        let needs = needs_of(&records);
        let mut order = Circles::new(&needs).find();
        for circle in &mut order {
            circle.sort_by_key(|position| records[*position].name());
        }
        order.into_iter().flatten().collect()
    }
}

/// For each record the positions of those that satisfy its dependencies, by name.
fn needs_of(records: &[PackageRecord<'_>]) -> Vec<Vec<usize>> {
    let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, record) in records.iter().enumerate() {
        names.entry(record.name()).or_default().push(position);
        for (name, _) in record.provided() {
            names.entry(name).or_default().push(position);
        }
    }
    let satisfies = |position: usize, relation: &Relation<'_>| {
        let record = &records[position];
        (record.name() == relation.name && relation.accepts(record.version()))
            || record.provided().any(|(name, version)| {
                name == relation.name
                    && (relation.constraint.is_none()
                        || version.is_some_and(|version| relation.accepts(version)))
            })
    };
    let needs = |record: &PackageRecord<'_>| {
        let all = groups(record.pre_depends()).chain(groups(record.depends()));
        let mut found = BTreeSet::new();
        for relation in all.flat_map(|group| group.alternatives().flatten()) {
            let positions = names.get(relation.name).into_iter().flatten().copied();
            found.extend(positions.filter(|position| satisfies(*position, &relation)));
        }
        found.into_iter().collect()
    };
    records.iter().map(needs).collect()
}

/// Strongly connected components by Tarjan's algorithm, with a stack of its own instead of recursion.
struct Circles<'a> {
    needs: &'a [Vec<usize>],
    /// The number of each visited position, in the order of the visits.
    visited: Vec<Option<usize>>,
    /// The lowest number reachable.
    lowest: Vec<usize>,
    open: Vec<usize>,
    is_open: Vec<bool>,
    count: usize,
    found: Vec<Vec<usize>>,
}

impl<'a> Circles<'a> {
    fn new(needs: &'a [Vec<usize>]) -> Self {
        let length = needs.len();
        Self {
            needs,
            visited: vec![None; length],
            lowest: vec![0; length],
            open: Vec::new(),
            is_open: vec![false; length],
            count: 0,
            found: Vec::new(),
        }
    }

    fn find(mut self) -> Vec<Vec<usize>> {
        for start in 0..self.needs.len() {
            if self.visited[start].is_none() {
                self.visit(start);
            }
        }
        self.found
    }

    fn visit(&mut self, start: usize) {
        let mut path = vec![(start, 0)];
        self.enter(start);
        while let Some((position, next)) = path.pop() {
            if let Some(need) = self.needs[position].get(next).copied() {
                path.push((position, next + 1));
                match self.visited[need] {
                    None => {
                        self.enter(need);
                        path.push((need, 0));
                    }
                    Some(number) if self.is_open[need] => {
                        self.lowest[position] = self.lowest[position].min(number);
                    }
                    Some(_) => {}
                }
                continue;
            }
            if let Some((parent, _)) = path.last() {
                self.lowest[*parent] = self.lowest[*parent].min(self.lowest[position]);
            }
            if Some(self.lowest[position]) == self.visited[position] {
                self.close(position);
            }
        }
    }

    fn enter(&mut self, position: usize) {
        self.visited[position] = Some(self.count);
        self.lowest[position] = self.count;
        self.count += 1;
        self.open.push(position);
        self.is_open[position] = true;
    }

    fn close(&mut self, root: usize) {
        let start = self.open.iter().rposition(|position| *position == root).unwrap_or(0);
        let circle = self.open.split_off(start);
        for position in &circle {
            self.is_open[*position] = false;
        }
        self.found.push(circle);
    }
}
