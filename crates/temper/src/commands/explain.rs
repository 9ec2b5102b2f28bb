//! `temper explain`: where does a file, a variable or a user of an image come from?

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;
use temper_attest::PublicKey;
use temper_attest::provenance::{Input, Role};
use temper_compose::composition_record::PathOrigin;
use temper_compose::image::PlatformImage;
use temper_compose::{CompositionRecord, Image, Inputs, verify};
use temper_oci::{Descriptor, ImageDocument, Manifest, Platform};

use crate::cli;
use crate::failure::Failure;
use crate::inputs::Places;
use crate::printing;
use crate::workspace::Workspace;
use crate::{locate, trust};

/// The reference of a base, as an image's manifest names it.
const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// The digest of the base's manifest for the same platform.
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Most bases below each other that are asked.
const BASES_MAX: usize = 8;

/// One thing of an image, and where it comes from.
#[derive(Serialize)]
struct Explanation {
    /// The path, variable or user.
    name: String,
    platform: Platform,
    /// Digest of a file's content, value of a variable, number of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// One sentence without a period.
    origin: String,
    /// The same in fields, of a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<PathOrigin>,
    /// What the base, which is an image of its own, says about the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<Box<Explanation>>,
}

/// Explains one thing.
pub(crate) fn run(
    workspace: &Workspace,
    options: &cli::Explain,
    json: bool,
) -> Result<ExitCode, anyhow::Error> {
    let keys = trust::keys(workspace, &options.trust)?;
    let source = locate::source(workspace, &options.image)?;
    let image = Image::load(&*source)?;
    let platform = find_platform(&image, options.platform.as_ref())?;
    let record = verify::composition_record(&*source, &platform.descriptor(), &keys)?;
    let explained = match (&options.path, &options.env, &options.user) {
        (Some(path), _, _) => {
            let inputs = Places::of(workspace, &options.image, &[], false)?;
            explain_path(&record, &platform.manifest, path).map(|explained| {
                let bases = Bases { inputs: &inputs, keys: &keys };
                bases.deepen(explained, &platform.manifest, BASES_MAX)
            })
        }
        (_, Some(name), _) => explain_variable(&record, name),
        (_, _, name) => explain_user(&record, name.as_deref().unwrap_or_default()),
    };
    let explained = explained.ok_or_else(|| {
        let shown = options.path.as_ref().or(options.env.as_ref()).or(options.user.as_ref());
        let shown = shown.map_or("", String::as_str);
        Failure::failed(anyhow!("`{}` for `{}` has no `{shown}`", image.reference, platform.platform))
    })?;
    workspace.progress.finish();
    printing::print(json, &explained, || render(&explained))?;
    Ok(ExitCode::SUCCESS)
}

fn find_platform<'a>(
    image: &'a Image,
    wanted: Option<&Platform>,
) -> Result<&'a PlatformImage, anyhow::Error> {
    let found = match wanted {
        Some(platform) => image.find(platform),
        None => image.platforms.first(),
    };
    found.ok_or_else(|| {
        let names: Vec<String> = image.platforms().iter().map(ToString::to_string).collect();
        let wanted = wanted.map(ToString::to_string).unwrap_or_default();
        let error = anyhow!("`{}` is not there for platform `{wanted}`", image.reference);
        Failure::usage(error).hint(format!("it is there for {}", names.join(", "))).into()
    })
}

fn explain_path(record: &CompositionRecord, manifest: &Manifest, path: &str) -> Option<Explanation> {
    let path = format!("/{}", path.trim_matches('/'));
    // In a merged `/usr` the record has no path below `/bin`, which is a link.
    let merged = format!("/usr{path}");
    let (name, (source, digest)) =
        [path, merged].into_iter().find_map(|path| Some((path.clone(), record.find(&path)?)))?;
    Some(Explanation {
        name,
        platform: record.platform.clone(),
        value: digest.map(|hex| format!("sha256:{hex}")),
        origin: sentence(source, manifest.annotations.get(BASE_NAME)),
        source: Some(source.clone()),
        base: None,
    })
}

/// Where the bases of images are asked.
struct Bases<'a> {
    inputs: &'a dyn Inputs,
    keys: &'a [PublicKey],
}

impl Bases<'_> {
    /// Adds what the base says of a path that comes from it; one that is gone or unsigned says nothing.
    fn deepen(&self, explained: Explanation, manifest: &Manifest, bases_max: usize) -> Explanation {
        let is_of_base = matches!(explained.source, Some(PathOrigin::Base { .. }));
        if !is_of_base || bases_max == 0 {
            return explained;
        }
        let base = self.ask(&explained.name, manifest, bases_max);
        Explanation { base: base.map(Box::new), ..explained }
    }

    fn ask(&self, path: &str, manifest: &Manifest, bases_max: usize) -> Option<Explanation> {
        let name = manifest.annotations.get(BASE_NAME)?;
        let input = Input {
            role: Role::Base,
            name: locate::without_tag(name),
            uri: String::new(),
            digest: manifest.annotations.get(BASE_DIGEST)?.parse().ok()?,
            platform: None,
            location: None,
        };
        let source = self.inputs.image(&input).ok()??;
        let ImageDocument::Manifest(base) = source.root().ok()? else { return None };
        let descriptor = Descriptor::new(base.media_type(), base.digest(), base.bytes().len() as u64);
        let record = verify::composition_record(&*source, &descriptor, self.keys).ok()?;
        let explained = explain_path(&record, &base, path)?;
        Some(self.deepen(explained, &base, bases_max - 1))
    }
}

fn explain_variable(record: &CompositionRecord, name: &str) -> Option<Explanation> {
    let variable = record.environment.iter().find(|variable| variable.name == name)?;
    Some(Explanation {
        name: name.to_owned(),
        platform: record.platform.clone(),
        value: Some(variable.value.clone()),
        origin: match variable.origin.as_str() {
            "base" => "the base sets it".to_owned(),
            "customization" => "the customization document sets it".to_owned(),
            artifact => format!("artifact `{artifact}` sets it"),
        },
        source: None,
        base: None,
    })
}

/// A group where no user has the name.
fn explain_user(record: &CompositionRecord, name: &str) -> Option<Explanation> {
    let account = record.users.iter().chain(&record.groups).find(|account| account.name == name)?;
    Some(Explanation {
        name: name.to_owned(),
        platform: record.platform.clone(),
        value: Some(account.id.to_string()),
        origin: match account.origin.as_str() {
            "base" => "the base has it".to_owned(),
            "customization" => "the customization document adds it".to_owned(),
            package => format!("{package} adds it"),
        },
        source: None,
        base: None,
    })
}

fn sentence(origin: &PathOrigin, base: Option<&String>) -> String {
    match origin {
        PathOrigin::Base { layer, package } => {
            let mut text = base.map_or("of the base".to_owned(), |base| format!("of base `{base}`"));
            if let Some(package) = package {
                let _ = write!(text, ", there of package `{package}`");
            }
            if let Some(layer) = layer {
                let _ = write!(text, ", layer `{layer}`");
            }
            text
        }
        PathOrigin::Package { package, digest } => {
            let mut text = format!("of package `{package}`");
            if let Some(digest) = digest {
                let _ = write!(text, ", file `{digest}`");
            }
            text
        }
        PathOrigin::Artifact { reference, digest } => {
            let mut text = format!("of artifact `{reference}`");
            if let Some(digest) = digest {
                let _ = write!(text, ", manifest `{digest}`");
            }
            text
        }
        PathOrigin::Document => "the document itself writes it".to_owned(),
        PathOrigin::Effect { name } => format!("generated as installing packages would: {name}"),
    }
}

fn render(explanation: &Explanation) -> String {
    let Explanation { name, platform, value, origin, .. } = explanation;
    let mut text = format!("{name} ({platform})\n  origin  {origin}\n");
    let mut base = &explanation.base;
    while let Some(explained) = base {
        let _ = writeln!(text, "  there   {}", explained.origin);
        base = &explained.base;
    }
    if let Some(value) = value {
        let _ = writeln!(text, "  value   {value}");
    }
    text
}
