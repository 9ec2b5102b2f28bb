//! The packages of one platform: chosen once for an archive's state, a base's database and a request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use temper_deb::status::StatusDatabase;
use temper_oci::Digest;
use temper_resolve::{
    Action, Chosen, ForbidMode, Inputs, Problem, Request, Resolution, ResolveError, Universe, Wanted, resolve,
};

use crate::archive::{Archive, PackageFile, PackageSource, Snapshot};
use crate::blob_store::Cache;
use crate::error::{ComposeError, External};
use crate::finding::{Finding, Findings};
use crate::plan::{PackageLine, WaivedLine};
use crate::recipe::Recipe;

/// Kind of the cache entries that hold choices; the number changes with their form or with the rules of resolution.
const CACHE_KIND: &str = "choice-3";

/// What is installed, upgraded and removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// Packages whose files are needed, in the order in which they are configured: dependencies first.
    pub install: Vec<ChosenPackage>,
    /// Packages that go, by name.
    pub remove: Vec<RemovedPackage>,
    /// Dependencies that the image does without: package, relation, the forbidden names.
    pub waived: Vec<WaivedRelation>,
    /// Forbidden names that changed nothing, each with names of the archive that are spelled almost so.
    pub idle: Vec<(String, Vec<String>)>,
}

/// A package that is installed or upgraded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChosenPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// The version that it replaces.
    pub from_version: Option<String>,
    /// Why it was chosen, in words.
    pub reason: String,
    /// Whether the document names it.
    pub is_requested: bool,
    /// Its file.
    pub file: PackageFile,
    /// Size of its files as it states it, in KiB.
    pub installed_size_kib: u64,
}

/// A package of the base that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
}

/// A dependency that the image does without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaivedRelation {
    /// The package that has it.
    pub package: String,
    /// The dependency as it stands in the archive.
    pub relation: String,
    /// The forbidden packages that alone could satisfy it.
    pub forbidden: Vec<String>,
}

impl Choice {
    /// Lists what changes, by name, as the plan shows it.
    pub(crate) fn lines(&self) -> Vec<PackageLine> {
        let installed = self.install.iter().map(|package| PackageLine {
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
            action: if package.from_version.is_some() { "upgrade" } else { "install" }.to_owned(),
            from_version: package.from_version.clone(),
            reason: package.reason.clone(),
            size_bytes: package.file.size_bytes,
            installed_size_kib: package.installed_size_kib,
        });
        let removed = self.remove.iter().map(|package| PackageLine {
            name: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
            action: "remove".to_owned(),
            from_version: None,
            reason: "the document forbids it".to_owned(),
            size_bytes: 0,
            installed_size_kib: 0,
        });
        let mut lines: Vec<PackageLine> = installed.chain(removed).collect();
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        lines
    }

    /// Lists the dependencies that the image does without, by package.
    pub(crate) fn waived_lines(&self) -> Vec<WaivedLine> {
        let lines = self.waived.iter().map(|waived| WaivedLine {
            package: waived.package.clone(),
            relation: waived.relation.clone(),
            forbidden: waived.forbidden.clone(),
        });
        lines.collect()
    }
}

/// Where packages are chosen from.
#[derive(Clone, Copy)]
pub(crate) struct Chooser<'a> {
    pub(crate) archive: &'a dyn Archive,
    pub(crate) cache: &'a dyn Cache,
    pub(crate) sources: &'a [PackageSource],
    /// Debian's name of the architecture.
    pub(crate) architecture: &'a str,
    /// The other architectures of the image, to tell where a missing package exists.
    pub(crate) others: &'a [&'static str],
}

impl Chooser<'_> {
    /// Chooses the packages of one architecture; what stands against it goes to `findings`.
    pub(crate) fn choose(
        &self,
        recipe: &Recipe,
        installed: &StatusDatabase,
        findings: &mut Findings,
    ) -> Result<(Snapshot, Choice), ComposeError> {
        let snapshot = self.archive.snapshot(self.sources, self.architecture)?;
        let Some(request) = request(recipe, findings) else { return Ok((snapshot, Choice::default())) };
        if let Some(bytes) = self.cache.get(CACHE_KIND, &key(&snapshot, installed, &request))
            && let Ok(choice) = postcard::from_bytes(&bytes)
        {
            warn(&choice, recipe, findings);
            return Ok((snapshot, choice));
        }
        let (snapshot, universe) = self.archive.universe(&snapshot)?;
        match self.resolve(&universe, installed, &request) {
            Ok(resolution) => {
                let choice = read(&resolution, &snapshot)?;
                warn(&choice, recipe, findings);
                if let Ok(bytes) = postcard::to_allocvec(&choice) {
                    let key = key(&snapshot, installed, &request);
                    self.cache.put(CACHE_KIND, &key, &bytes).map_err(ComposeError::store("keep a choice"))?;
                }
                Ok((snapshot, choice))
            }
            Err(error) => {
                report(&error, recipe, findings);
                Ok((snapshot, Choice::default()))
            }
        }
    }

    /// Resolves; the other architectures are looked into only where a package is missing.
    fn resolve(
        &self,
        universe: &Universe,
        installed: &StatusDatabase,
        request: &Request,
    ) -> Result<Resolution, ResolveError> {
        let inputs = Inputs { universe, installed, other_architectures: &[] };
        resolve(&inputs, request).or_else(|error| {
            let is_missing = |problem: &Problem| matches!(problem, Problem::NotFound { .. });
            if !error.problems.iter().any(is_missing) {
                return Err(error);
            }
            let others: Vec<Arc<Universe>> =
                self.others.iter().filter_map(|other| self.universe_of(other).ok()).collect();
            let others: Vec<&Universe> = others.iter().map(|universe| &**universe).collect();
            resolve(&Inputs { other_architectures: &others, ..inputs }, request)
        })
    }

    fn universe_of(&self, architecture: &str) -> Result<Arc<Universe>, External> {
        let snapshot = self.archive.snapshot(self.sources, architecture)?;
        Ok(self.archive.universe(&snapshot)?.1)
    }
}

/// Makes the request of a recipe; `None` where a version is asked for in a way that Debian does not know.
fn request(recipe: &Recipe, findings: &mut Findings) -> Option<Request> {
    let mut is_understood = true;
    let install = recipe.packages.iter().map(|package| {
        if let Some(constraint) = &package.constraint
            && constraint.relation.sign() != "="
        {
            is_understood = false;
            findings.problem(
                Finding::at(
                    &package.at,
                    format!(
                        "`{}` asks for a range of versions, which Debian images do not have",
                        package.name
                    ),
                )
                .hint(format!("name the exact version: `{}=VERSION`", package.name)),
            );
        }
        let version = package.constraint.as_ref().map(|constraint| constraint.version.clone());
        Wanted { name: package.name.clone(), version }
    });
    let install = install.collect();
    let forbid = recipe.forbidden.iter().map(|package| package.name.clone()).collect();
    let forbid_mode = if recipe.waives_forbidden { ForbidMode::Waive } else { ForbidMode::Refuse };
    is_understood.then_some(Request { install, forbid, forbid_mode })
}

fn key(snapshot: &Snapshot, installed: &StatusDatabase, request: &Request) -> Digest {
    let status = Digest::of(installed.status().text());
    let directory = Digest::of(installed.directory().text());
    Digest::of(format!("{}\n{status}\n{directory}\n{request:?}", snapshot.key))
}

fn read(resolution: &Resolution, snapshot: &Snapshot) -> Result<Choice, ComposeError> {
    let order = resolution.configure_order().into_iter();
    let install =
        order.map(|position| package(&resolution.install[position], snapshot)).collect::<Result<_, _>>()?;
    let remove = resolution.remove.iter().map(|package| RemovedPackage {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
    });
    let waived = resolution.waived.iter().map(|waived| WaivedRelation {
        package: waived.package.clone(),
        relation: waived.relation.clone(),
        forbidden: waived.forbidden.clone(),
    });
    let idle = resolution.idle.iter().map(|idle| (idle.name.clone(), idle.nearest.clone()));
    Ok(Choice { install, remove: remove.collect(), waived: waived.collect(), idle: idle.collect() })
}

fn package(chosen: &Chosen, snapshot: &Snapshot) -> Result<ChosenPackage, ComposeError> {
    let record = chosen.record();
    let digest = record.sha256().and_then(|hex| format!("sha256:{hex}").parse().ok());
    let source = snapshot.sources.get(chosen.source);
    let (Some(_), Some(path), Some(size_bytes), Some(digest)) =
        (source, record.filename(), record.size_bytes(), digest)
    else {
        let message = format!(
            "package index of `{}` has no file, size or SHA-256 for `{}`",
            chosen.suite,
            record.name()
        );
        return Err(External { message, hint: None, source: None }.into());
    };
    Ok(ChosenPackage {
        name: record.name().to_owned(),
        version: record.version().to_owned(),
        architecture: record.architecture().to_owned(),
        from_version: match &chosen.action {
            Action::Install => None,
            Action::Upgrade { from } => Some(from.clone()),
        },
        reason: chosen.reason.to_string(),
        is_requested: matches!(chosen.reason, temper_resolve::Reason::Requested),
        file: PackageFile {
            name: record.name().to_owned(),
            source: chosen.source,
            path: path.to_owned(),
            size_bytes,
            digest,
        },
        installed_size_kib: record.installed_size_kib().unwrap_or_default(),
    })
}

/// Tells which forbidden names changed nothing: a typing error would else never be seen.
fn warn(choice: &Choice, recipe: &Recipe, findings: &mut Findings) {
    for (name, nearest) in &choice.idle {
        let wanted = recipe.forbidden.iter().find(|package| package.name == *name);
        let at = wanted.map_or("contents.packages", |package| package.at.as_str());
        let message = format!(
            "`!{name}` changes nothing: the base has no package `{name}`, and nothing chosen needs it"
        );
        let mut finding = Finding::at(at, message);
        if !nearest.is_empty() {
            finding = finding.hint(format!("did you mean `!{}`?", nearest.join("` or `!")));
        }
        findings.warning(finding);
    }
}

/// Tells each problem at the place of the document that names the package.
fn report(error: &ResolveError, recipe: &Recipe, findings: &mut Findings) {
    for problem in &error.problems {
        let wanted = recipe.packages.iter().chain(&recipe.forbidden);
        let at = wanted
            .filter(|package| package.name == package_of(problem))
            .map(|package| package.at.clone())
            .next();
        let mut finding =
            Finding::at(at.unwrap_or_else(|| "contents.packages".to_owned()), problem.to_string());
        finding.hint = problem.hint();
        findings.problem(finding);
    }
}

/// Returns the package that a problem is about.
fn package_of(problem: &Problem) -> &str {
    match problem {
        Problem::NotFound { name, .. }
        | Problem::VersionNotFound { name, .. }
        | Problem::Downgrade { name, .. }
        | Problem::Virtual { name, .. }
        | Problem::Contradiction { name }
        | Problem::TwoVersions { name, .. }
        | Problem::Unsatisfiable { name, .. }
        | Problem::Breaks { name, .. }
        | Problem::StillNeeded { name, .. } => name,
    }
}
