//! Reproduction: the same build once more, from nothing but its provenance, and what differs.
//!
//! The document, the digests of base and artifacts, and the packages that were chosen stand in the provenance; no
//! archive is asked what it offers today. What comes out must have the digest of the image that was published.

mod compare;
mod differences;
mod scratch;

use serde::Serialize;
use temper_attest::provenance::{BuildRecord, Input, Role};
use temper_oci::{Digest, ImageDocument, ScanLimits, Violation, validate};
use temper_rootfs::segment::WRITER_VERSION;
use temper_spec::{Customization, Definition};

use crate::build_key::RULES_VERSION;
use crate::composer::{Composer, Request};
use crate::error::{ComposeError, External};
use crate::image::{Image, ImageSource};
use crate::inputs::Inputs;
use crate::publish::BuiltImage;
use crate::recipe::Recipe;
use crate::recorded::{self, RecordedChoice, recorded_ids};
use crate::reproduce::differences::both;
use crate::reproduce::scratch::Scratch;
use crate::statements::BuildKind;
use crate::verify::contents::Contents;
use crate::verify::report::sentence;

pub use differences::Difference;

/// What building again gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reproduction {
    /// The published image as it was asked for.
    pub reference: String,
    /// Digest of the published index.
    pub digest: Digest,
    /// Digest of the index that was built now.
    pub rebuilt: Digest,
    /// How far both agree.
    pub outcome: Outcome,
    /// Versions of rules and encoders, where they are not those of the first build.
    pub versions: Vec<Difference>,
    /// What differs, the first place of each document and layer.
    pub differences: Vec<Difference>,
}

/// How far two builds agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Bit for bit.
    Identical,
    /// Other encoders wrote the layers, and all diff ids and configs are equal.
    SameContent,
    /// They differ.
    Different,
}

impl Reproduction {
    /// Says whether the published image is what its provenance says, as far as these encoders can show it.
    pub fn is_reproduced(&self) -> bool {
        self.outcome != Outcome::Different
    }
}

impl Composer<'_> {
    /// Builds an image again as its provenance says, and compares the two.
    ///
    /// Package files are taken from the store where they are there, else from where they were taken the first time;
    /// each is compared with its digest. Afterwards the blobs of the new image are in the store.
    ///
    /// # Errors
    ///
    /// An input that is not to be had any more ends it. A result that differs is no error.
    pub fn reproduce(
        &self,
        image: &dyn ImageSource,
        record: &BuildRecord,
        inputs: &dyn Inputs,
    ) -> Result<Reproduction, ComposeError> {
        let root = image.root()?;
        let damage = damage(image, &root);
        let published = Image::load_below(image, root)?;
        // A layer of this machine's cache would be the one that was published, and prove nothing.
        let scratch = Scratch::over(self.cache);
        let composer = Composer { cache: &scratch, ..*self };
        let (rebuilt, keys) = composer.rebuild(record, inputs)?;
        let comparison =
            compare::Comparison { composer: self, image, published: &published, rebuilt: &rebuilt };
        let mut differences = damage;
        differences.extend(comparison.differences()?);
        let versions = versions(record);
        if versions.is_empty() {
            differences.extend(keys);
        }
        let rebuilt = comparison.rebuilt_digest();
        let outcome = if published.digest() == rebuilt && differences.is_empty() {
            Outcome::Identical
        } else if !versions.is_empty() && comparison.has_equal_contents() {
            Outcome::SameContent
        } else {
            Outcome::Different
        };
        Ok(Reproduction {
            reference: published.reference.clone(),
            digest: published.digest(),
            rebuilt,
            outcome,
            versions,
            differences,
        })
    }

    /// Builds again, and compares the keys of the build and of its layers.
    fn rebuild(
        &self,
        record: &BuildRecord,
        inputs: &dyn Inputs,
    ) -> Result<(BuiltImage, Vec<Difference>), ComposeError> {
        let recipe = recipe(record)?;
        let base = record.inputs.iter().find(|input| input.role == Role::Base && input.platform.is_none());
        let base = base.map(|input| open(input, inputs)).transpose()?;
        let artifacts = artifacts(record, &recipe, inputs)?;
        let settings = &record.settings.platforms;
        let choices =
            settings.iter().map(|(platform, one)| (platform.clone(), RecordedChoice::read(platform, one)));
        let ids = settings.iter().map(|(platform, settings)| (platform.clone(), recorded_ids(settings)));
        let target = &record.request.target;
        let planned = self.plan(&Request {
            recipe: &recipe,
            base: base.as_deref(),
            artifacts: &artifacts,
            destination: Some(target.destination.clone()),
            base_name: record.settings.base_name.clone(),
            tags: target.tags.clone(),
            automatic_ids: ids.collect(),
            choices: choices.collect(),
        })?;
        let mut keys = Vec::new();
        if let Some(own) = planned.plan.build_key.filter(|own| *own != record.settings.build_key) {
            let message = both(&record.settings.build_key.to_string(), &own.to_string());
            keys.push(Difference { at: "provenance: internalParameters.buildKey".to_owned(), message });
        }
        for (platform, own) in recorded::settings(&planned.compositions) {
            let recorded = settings.get(&platform).map(|settings| settings.layer_keys.as_slice());
            if recorded != Some(own.layer_keys.as_slice()) {
                let at = format!("{platform}, provenance: internalParameters.platforms.layerKeys");
                let shown = |keys: &[Digest]| keys.iter().map(Digest::short).collect::<Vec<_>>().join(" ");
                let message = both(&shown(recorded.unwrap_or_default()), &shown(&own.layer_keys));
                keys.push(Difference { at, message });
            }
        }
        Ok((self.build(&planned)?, keys))
    }
}

/// Reads everything that is published: equal digests say nothing of bytes that are served in their place.
fn damage(image: &dyn ImageSource, root: &ImageDocument) -> Vec<Difference> {
    let contents = Contents::new(image, root);
    let violations = validate(&contents, &root.descriptor(), &ScanLimits::default());
    let difference = |violation: Violation| Difference {
        at: format!("published {}", violation.at),
        message: sentence(&violation.problem),
    };
    violations.into_iter().map(difference).collect()
}

/// Reads the document of a provenance.
fn recipe(record: &BuildRecord) -> Result<Recipe, ComposeError> {
    let text = &record.request.document;
    let failed = |problems: temper_spec::Problems| {
        let hint = "a newer Temper may read it";
        External::new("the document of the provenance cannot be read", problems)
            .with_hint(Some(hint.to_owned()))
    };
    if record.build_type == BuildKind::Definition.build_type() {
        let id = record.request.target.tag_definition_id.as_deref().unwrap_or_default();
        let definition = Definition::parse(id, text).map_err(failed)?;
        return Ok(Recipe::from(&definition.value));
    }
    let document = Customization::parse(text).map_err(failed)?;
    Ok(Recipe::from(&document.value))
}

/// Opens the artifacts in the order of the document.
fn artifacts<'a>(
    record: &BuildRecord,
    recipe: &Recipe,
    inputs: &'a dyn Inputs,
) -> Result<Vec<Box<dyn ImageSource + 'a>>, ComposeError> {
    let (wanted, recorded) = (recipe.artifacts.len(), record.settings.artifacts.len());
    if wanted != recorded {
        let message =
            format!("the document names {wanted} artifacts, the provenance has digests of {recorded}");
        return Err(External { message, hint: None, source: None }.into());
    }
    let open_one = |digest: &Digest| {
        let mut images = record.inputs.iter().filter(|input| input.role == Role::Artifact);
        let input = images.find(|input| input.digest == *digest).ok_or_else(|| External {
            message: format!("artifact `{digest}` is not among the dependencies of the provenance"),
            hint: None,
            source: None,
        })?;
        open(input, inputs)
    };
    record.settings.artifacts.iter().map(open_one).collect()
}

fn open<'a>(input: &Input, inputs: &'a dyn Inputs) -> Result<Box<dyn ImageSource + 'a>, ComposeError> {
    let found = inputs.image(input)?;
    Ok(found.ok_or_else(|| External {
        message: format!(
            "{} `{}@{}` is not to be found any more",
            input.role.as_str(),
            input.name,
            input.digest
        ),
        hint: Some("name a layout or repository that has it with `--input`".to_owned()),
        source: None,
    })?)
}

/// Tells versions that are not those of the first build.
fn versions(record: &BuildRecord) -> Vec<Difference> {
    let settings = &record.settings;
    let own = [
        ("writerVersion", &settings.writer_version, WRITER_VERSION.to_string()),
        ("rulesVersion", &settings.rules_version, RULES_VERSION.to_string()),
    ];
    let other = own.into_iter().filter(|(_, recorded, own)| *recorded != own);
    other
        .map(|(field, recorded, own)| {
            let at = format!("provenance: internalParameters.{field}");
            Difference { at, message: format!("it is {recorded}, this Temper has {own}") }
        })
        .collect()
}
