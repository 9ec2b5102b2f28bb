//! What is stated about a built image: its provenance, what is in it, what is known of its vulnerabilities, and where
//! each of its paths comes from.
//!
//! Everything is read from the composed trees, so a statement says what the image is, not what was asked for. Stating
//! twice gives equal bytes, apart from who ran the build when. Beside the image it is the version of Temper, the name of
//! the repository, and in VEX what is known on that day, that decide them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use temper_attest::provenance::{BuildRecord, Builder, Target};
use temper_attest::vex::{self, Dropped};
use temper_attest::{Inventory, PublicKey, Statement, Subject, VexDocument, predicate};
use temper_oci::{Descriptor, Digest, ImageConfig};

use crate::composer::{Composer, Planned, Request};
use crate::composition::Composition;
use crate::composition_record::CompositionRecord;
use crate::error::{ComposeError, External};
use crate::image::Image;
use crate::publish::{BuiltImage, BuiltManifest};
use crate::time;
use crate::verify::report::sentence;

mod inventory;
mod licences;
mod packages;
mod provenance;
mod record;
mod sources;

/// What is told of a build beside what composition knows.
#[derive(Clone, Debug)]
pub struct BuildContext<'a> {
    /// Registry and repository of the result, `registry.example.com/acme/nginx`.
    pub repository: String,
    /// The document, as it was submitted.
    pub document: String,
    /// The target of the document.
    pub target: Target,
    /// Who builds.
    pub builder: Builder,
    /// Version of Temper.
    pub temper_version: String,
    /// Address of the build.
    pub invocation: String,
    /// When the build began, in RFC 3339.
    pub started_on: String,
    /// When it ended, in RFC 3339.
    pub finished_on: String,
    /// Keys whose word about a base is passed on under the own key.
    pub trusted_keys: Vec<PublicKey>,
    /// VEX documents about the result.
    pub vex: &'a [VexDocument],
}

/// The kinds of builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildKind {
    /// An image that is made from a base by a customization document.
    Customization,
    /// An image that is made from nothing by a definition.
    Definition,
}

/// Everything that is stated about an image.
#[derive(Clone, Debug)]
pub struct Statements {
    /// The manifests of the platforms with what is attached to each, in the order of the index.
    pub platforms: Vec<(Descriptor, Vec<Statement>)>,
    /// What is attached to the index: the same without the composition records, so that its tags lead to it.
    pub index: Vec<Statement>,
    /// The time of the image, in RFC 3339.
    pub created: String,
    /// The record that the provenance is made of.
    pub record: BuildRecord,
    /// What of the base's VEX does not hold any more.
    pub dropped: Vec<Dropped>,
    /// What of the own VEX is about something that no platform is or has: vulnerability and product.
    pub unknown: Vec<(String, String)>,
    /// Why nothing is passed on of what is attached to the base or an artifact, where it cannot be read.
    pub unread: Vec<String>,
}

/// One platform with what is stated about it.
struct Stated {
    inventory: Inventory,
    record: CompositionRecord,
    vex: VexDocument,
    dropped: Vec<Dropped>,
    unknown: Vec<(String, String)>,
    unread: Vec<External>,
}

impl BuildKind {
    /// The build type of the provenance; docs/provenance.md describes it.
    pub fn build_type(self) -> &'static str {
        match self {
            Self::Customization => "urn:temper:build-type:customization:v1",
            Self::Definition => "urn:temper:build-type:definition:v1",
        }
    }
}

impl BuildContext<'_> {
    /// The organization, which is the first part of the repository's name.
    fn supplier(&self) -> String {
        let name = &self.target.destination;
        let name = if temper_oci::Reference::names_registry(name) {
            name.split_once('/').map_or(name.as_str(), |(_, name)| name)
        } else {
            name
        };
        name.split('/').next().unwrap_or(name).to_owned()
    }
}

impl Composer<'_> {
    /// States what an image is that was built from a plan.
    ///
    /// `request` is the one that was planned; base and artifacts are asked for what is attached to them.
    pub fn state(
        &self,
        planned: &Planned<'_>,
        request: &Request<'_>,
        image: &BuiltImage,
        context: &BuildContext<'_>,
    ) -> Result<Statements, ComposeError> {
        let Some(build_key) = planned.plan.build_key else {
            return Err(ComposeError::Problems(Box::new(planned.plan.clone())));
        };
        context.vex.iter().try_for_each(refuse_defects)?;
        let platforms = planned.compositions.par_iter().zip(&image.manifests);
        let index = image.index.digest;
        let stated = platforms
            .map(|(one, manifest)| platform(self, planned, request, one, (manifest, index), context));
        let stated: Vec<Stated> = stated.collect::<Result<_, _>>()?;
        let inventories: Vec<&Inventory> = stated.iter().map(|one| &one.inventory).collect();
        let record = provenance::build_record(planned, request, build_key, &inventories, context);
        let provenance = record.statement(subjects(image, context));
        let mut index = vec![provenance.clone()];
        let mut platforms = Vec::new();
        for (one, manifest) in stated.iter().zip(&image.manifests) {
            let both = statements(one, manifest, image, context);
            index.extend(both.iter().cloned());
            let mut own = vec![provenance.clone()];
            own.extend(both);
            own.push(one.record.statement(subject(manifest, context)));
            platforms.push((manifest.descriptor.clone(), own));
        }
        let newest = planned.compositions.iter().map(|composition| composition.time).max().unwrap_or(0);
        Ok(Statements {
            platforms,
            index,
            created: time::format(newest),
            record,
            dropped: once(stated.iter().flat_map(|one| one.dropped.clone())),
            unknown: unknown(&stated),
            unread: once(stated.iter().flat_map(|one| &one.unread).map(|error| sentence(error))),
        })
    }
}

/// What says less than it must is not signed.
fn refuse_defects(document: &VexDocument) -> Result<(), External> {
    let Some((position, defect)) = document.defects().into_iter().next() else { return Ok(()) };
    let message = format!("VEX document `{}` is not valid: statements[{position}]: {defect}", document.id);
    Err(External { message, hint: defect.hint(), source: None })
}

/// States everything about one platform that is read from its tree.
fn platform(
    composer: &Composer<'_>,
    planned: &Planned<'_>,
    request: &Request<'_>,
    composition: &Composition,
    (manifest, index): (&BuiltManifest, Digest),
    context: &BuildContext<'_>,
) -> Result<Stated, ComposeError> {
    let platform = &composition.platform;
    let mut unread = Vec::new();
    let artifacts = sources::artifacts(request, &planned.artifacts, platform, context, &mut unread);
    let wanted = request.recipe.artifacts.iter().zip(&planned.artifacts);
    let by_reference: BTreeMap<&str, Digest> = wanted
        .filter_map(|(wanted, image)| Some((&*wanted.reference, image.find(platform)?.manifest.digest())))
        .collect();
    let digest = manifest.descriptor.digest;
    let inventory = inventory::inventory(composer, planned, composition, digest, artifacts, context)?;
    let mut own = Vec::new();
    let mut unknown = Vec::new();
    for document in context.vex {
        let found = vex::own(document, &inventory, index);
        own.extend(found.statements);
        unknown.extend(found.unknown);
    }
    let documents = sources::base_vex(request.base, planned.base.as_ref(), platform, context);
    let documents = documents.unwrap_or_else(|error| {
        unread.push(error);
        Vec::new()
    });
    let base = vex_base(planned, composition, request, context);
    let inherited = vex::inherit(&documents, &base, &inventory, &own);
    Ok(Stated {
        record: record::composition_record(composition, &by_reference),
        inventory,
        vex: inherited.document,
        dropped: inherited.dropped,
        unknown,
        unread,
    })
}

/// Returns the base as VEX documents name it.
fn vex_base(
    planned: &Planned<'_>,
    composition: &Composition,
    request: &Request<'_>,
    context: &BuildContext<'_>,
) -> vex::Base {
    let manifest = composition.base.as_ref().map(|base| base.manifest.digest());
    let index = planned.base.as_ref().map(Image::digest);
    let all = planned.base.iter().flat_map(|base| &base.platforms).map(|one| one.manifest.digest());
    let name = request.destination.as_deref().unwrap_or_default();
    let repositories = planned.base.as_ref().map(|base| sources::repository(base, name, context));
    vex::Base {
        digests: manifest.into_iter().chain(index).collect(),
        others: all.filter(|digest| manifest != Some(*digest)).collect(),
        repositories: repositories.into_iter().collect(),
        packages: inventory::base_packages(&composition.installed.database),
        runs_alike: composition
            .base
            .as_ref()
            .is_none_or(|base| runs_alike(&base.config, &composition.config)),
    }
}

/// Says whether two images start the same program in the same way.
fn runs_alike(base: &ImageConfig, image: &ImageConfig) -> bool {
    let environment = |config: &ImageConfig| config.env().into_iter().collect::<BTreeSet<String>>();
    (base.entrypoint(), base.cmd(), base.user(), base.working_dir())
        == (image.entrypoint(), image.cmd(), image.user(), image.working_dir())
        && environment(base) == environment(image)
}

/// Returns what is attached to both a platform's manifest and the index.
fn statements(
    stated: &Stated,
    manifest: &BuiltManifest,
    image: &BuiltImage,
    context: &BuildContext<'_>,
) -> Vec<Statement> {
    let subjects = || vec![subject(manifest, context), Subject::new(&context.repository, image.index.digest)];
    vec![
        Statement::new(subjects(), predicate::SPDX, stated.inventory.to_spdx()),
        Statement::new(subjects(), predicate::CYCLONEDX, stated.inventory.to_cyclonedx()),
        Statement::new(subjects(), predicate::OPENVEX, stated.vex.to_predicate()),
    ]
}

fn subjects(image: &BuiltImage, context: &BuildContext<'_>) -> Vec<Subject> {
    let index = Subject::new(&context.repository, image.index.digest);
    let platforms = image.manifests.iter().map(|manifest| subject(manifest, context));
    [index].into_iter().chain(platforms).collect()
}

fn subject(manifest: &BuiltManifest, context: &BuildContext<'_>) -> Subject {
    Subject::platform(&context.repository, &manifest.platform, manifest.descriptor.digest)
}

/// Sorts what several platforms have to tell, each thing once.
fn once<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<T>>().into_iter().collect()
}

/// Returns what is unknown on every platform: a package may be on one and not on another.
fn unknown(stated: &[Stated]) -> Vec<(String, String)> {
    let Some((first, others)) = stated.split_first() else { return Vec::new() };
    let is_everywhere = |one: &&(String, String)| others.iter().all(|other| other.unknown.contains(one));
    first.unknown.iter().filter(is_everywhere).cloned().collect()
}
