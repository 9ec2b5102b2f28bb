//! Watching package archives: whose choice of packages can have another result.
//!
//! A choice depends on the packages that were taken, on those that they mention, and on whoever provides these. Their
//! records make a fingerprint; where it stays the same, nothing needs to be looked at.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use temper_compose::{Archive, External, PackageSource};
use temper_deb::groups;
use temper_oci::Digest;
use temper_store::records::PackageWatch;

use super::may_run;
use crate::cause::Cause;
use crate::error::HubError;
use crate::hub::Hub;
use crate::mirrors::definition_subject;

/// What packages were chosen from, for one platform, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The suites, in their order.
    pub sources: Vec<PackageSource>,
    /// Debian's name of the architecture.
    pub architecture: String,
    /// Names of the packages that were wanted, and of those that were taken for them.
    pub names: BTreeSet<String>,
}

/// What is asked for, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Asked {
    sources: Vec<Source>,
    architecture: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Source {
    uri: String,
    suite: String,
    components: Vec<String>,
    keyring: String,
}

impl Asked {
    fn of(choice: &Choice) -> Self {
        let source = |source: &PackageSource| Source {
            uri: source.uri.clone(),
            suite: source.suite.clone(),
            components: source.components.clone(),
            keyring: source.keyring.clone(),
        };
        Self {
            sources: choice.sources.iter().map(source).collect(),
            architecture: choice.architecture.clone(),
        }
    }

    fn sources(&self) -> Vec<PackageSource> {
        let source = |source: &Source| PackageSource {
            uri: source.uri.clone(),
            suite: source.suite.clone(),
            components: source.components.clone(),
            keyring: source.keyring.clone(),
        };
        self.sources.iter().map(source).collect()
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An archive as it is now.
struct Offered {
    snapshot: String,
    archive: Arc<dyn Archive>,
    asked: Asked,
}

impl Offered {
    fn look(archive: Arc<dyn Archive>, asked: Asked) -> Result<Self, External> {
        let snapshot = archive.snapshot(&asked.sources(), &asked.architecture)?.key.to_string();
        Ok(Self { snapshot, archive, asked })
    }

    /// Returns what a choice depends on, and the fingerprint of that; for each list of names.
    fn fingerprints(&self, lists: &[Vec<String>]) -> Result<Vec<String>, External> {
        let snapshot = self.archive.snapshot(&self.asked.sources(), &self.asked.architecture)?;
        let (_, universe) = self.archive.universe(&snapshot)?;
        let fingerprint = |names: &Vec<String>| {
            let mut text = String::new();
            for name in names {
                for (source, record) in universe.find(name).chain(universe.providing(name)) {
                    let (suite, digest) = (&source.suite, record.sha256().unwrap_or_default());
                    let (package, version) = (record.name(), record.version());
                    let _ = writeln!(text, "{name} {suite} {package} {version} {digest}");
                }
            }
            Digest::of(text).to_string()
        };
        Ok(lists.iter().map(fingerprint).collect())
    }

    /// Adds what packages mention to their names.
    fn mentioned(&self, names: &BTreeSet<String>) -> Result<Vec<String>, External> {
        let snapshot = self.archive.snapshot(&self.asked.sources(), &self.asked.architecture)?;
        let (_, universe) = self.archive.universe(&snapshot)?;
        let mut all = names.clone();
        for name in names {
            for (_, record) in universe.find(name) {
                let relations = groups(record.depends()).chain(groups(record.pre_depends()));
                let mentioned =
                    relations.flat_map(|group| group.alternatives().flatten().collect::<Vec<_>>());
                all.extend(mentioned.map(|relation| relation.name.to_owned()));
            }
        }
        Ok(all.into_iter().collect())
    }
}

impl Hub {
    /// Notes what the choice of a build's packages depends on; the watch looks at its subject when that changes.
    pub async fn watch_packages(&self, subject: &str, choices: &[Choice]) -> Result<(), HubError> {
        let watch = self.records().watch();
        let mut watches = Vec::new();
        for choice in choices.iter().filter(|choice| !choice.names.is_empty()) {
            let (archive, asked, names) =
                (Arc::clone(&self.config().archive), Asked::of(choice), choice.names.clone());
            let text = asked.text();
            let looked = self.blocking(move || {
                let offered = Offered::look(archive, asked)?;
                let names = offered.mentioned(&names)?;
                let fingerprint = offered.fingerprints(std::slice::from_ref(&names))?.remove(0);
                Ok((offered.snapshot, names, fingerprint))
            });
            let (snapshot, names, fingerprint) = looked.await?;
            let fingerprint = match watch.archive_seen(&text).await? {
                Some(seen) if seen == snapshot => fingerprint,
                // The archive has moved on, perhaps since the choice was made: the next look finds out.
                Some(_) => String::new(),
                None => {
                    watch.note_archive(&text, &snapshot, self.now()).await?;
                    fingerprint
                }
            };
            let names = serde_json::to_string(&names).unwrap_or_default();
            watches.push(PackageWatch { target_id: subject.to_owned(), archive: text, names, fingerprint });
        }
        watch.set_package_watches(subject, &watches).await?;
        Ok(())
    }

    /// Looks at all archives that choices depend on; one that cannot be reached keeps no other from being looked at.
    pub async fn watch_archives(&self) -> Result<(), HubError> {
        self.records().watch().forget_gone().await?;
        let mut failure = None;
        for archive in self.records().watch().archives().await? {
            if let Err(error) = self.watch_archive(&archive).await {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    async fn watch_archive(&self, text: &str) -> Result<(), HubError> {
        let Ok(asked) = serde_json::from_str::<Asked>(text) else { return Ok(()) };
        let watch = self.records().watch();
        let archive = Arc::clone(&self.config().archive);
        let offered = Arc::new(self.blocking(move || Ok(Offered::look(archive, asked)?)).await?);
        let seen = watch.archive_seen(text).await?;
        let mut watches = watch.package_watches(text).await?;
        if seen.as_ref() == Some(&offered.snapshot) {
            watches.retain(|watch| watch.fingerprint.is_empty());
        }
        if watches.is_empty() {
            return Ok(watch.note_archive(text, &offered.snapshot, self.now()).await?);
        }
        let names = |watch: &PackageWatch| serde_json::from_str(&watch.names).unwrap_or_default();
        let lists: Vec<Vec<String>> = watches.iter().map(names).collect();
        let now_offered = Arc::clone(&offered);
        let fingerprints = self.blocking(move || Ok(now_offered.fingerprints(&lists)?)).await?;
        let changed: Vec<(PackageWatch, String)> =
            watches.into_iter().zip(fingerprints).filter(|(watch, now)| watch.fingerprint != *now).collect();
        self.packages_changed(&changed).await?;
        for (changed, fingerprint) in &changed {
            watch.set_fingerprint(&changed.target_id, text, fingerprint).await?;
        }
        watch.note_archive(text, &offered.snapshot, self.now()).await?;
        Ok(())
    }

    async fn packages_changed(&self, changed: &[(PackageWatch, String)]) -> Result<(), HubError> {
        let (cause, now) = (Cause::Package { changed: Vec::new() }, self.now());
        let mut noticed = Vec::new();
        for (watch, _) in changed {
            match watch.target_id.split_once(' ') {
                None => noticed.push(self.noticed(watch.target_id.clone(), &cause, now)),
                Some((repository, id)) => self.definition_changed(repository, id, &cause).await?,
            }
        }
        self.records().watch().notice(&noticed, now, |settings| may_run(settings, now)).await?;
        self.queue().wake();
        Ok(())
    }

    async fn definition_changed(&self, repository: &str, id: &str, cause: &Cause) -> Result<(), HubError> {
        let Some(mirror) = self.records().mirrors().of_repository(repository).await? else { return Ok(()) };
        let subject = definition_subject(repository, id);
        let watch = self.records().watch();
        watch.notice_definition(&self.new_id(), repository, &subject, self.now()).await?;
        self.queue_definition(&mirror, id, cause.clone()).await
    }
}
