//! From a customization document and options to what composition is asked for.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::anyhow;
use temper_compose::{ImageSource, Planned, Recipe, Request};
use temper_oci::Reference;
use temper_oci::reference::TAG_BYTES_MAX;
use temper_spec::customization::{TagLine, Target};
use temper_spec::yaml::Limits;
use temper_spec::{Customization, Parsed};

use crate::catalog::Catalog;
use crate::cli::Source;
use crate::failure::{Failure, Problem};
use crate::ids;
use crate::locate;
use crate::printing::counted;
use crate::workspace::Workspace;

/// Longest document in bytes: what its parser takes.
const DOCUMENT_BYTES_MAX: u64 = Limits::DEFAULT.bytes_max as u64;

/// One target of a document, with its sources opened.
pub(crate) struct Opened {
    pub(crate) recipe: Recipe,
    /// The document, as it was submitted.
    pub(crate) document: String,
    /// The definition that tells the tags, where the target names one.
    pub(crate) tag_definition_id: Option<String>,
    pub(crate) base: Box<dyn ImageSource>,
    pub(crate) artifacts: Vec<Box<dyn ImageSource>>,
    /// The repository as the document names it.
    pub(crate) destination: String,
    pub(crate) base_name: String,
    pub(crate) tags: Vec<String>,
    /// Names the builds that follow each other, whatever their tags are: destination, tags of the base, suffix.
    pub(crate) line: String,
}

impl Opened {
    /// Plans the image.
    pub(crate) fn plan<'a>(&self, workspace: &'a Workspace) -> Result<Planned<'a>, anyhow::Error> {
        Ok(workspace.composer().plan(&self.request(workspace)?)?)
    }

    /// Returns what composition is asked for.
    pub(crate) fn request(&self, workspace: &Workspace) -> Result<Request<'_>, anyhow::Error> {
        Ok(Request {
            recipe: &self.recipe,
            base: Some(&*self.base),
            artifacts: &self.artifacts,
            destination: Some(self.destination.clone()),
            base_name: Some(self.base_name.clone()),
            tags: self.tags.clone(),
            automatic_ids: ids::read(&workspace.folder, &self.line)?,
            choices: BTreeMap::new(),
        })
    }
}

/// Reads a document, and opens base and artifacts of each of its targets.
pub(crate) fn open(workspace: &Workspace, source: &Source) -> Result<Vec<Opened>, anyhow::Error> {
    let submitted = Submitted::read(&source.file)?;
    let document = &submitted.document;
    if document.is_chart() {
        return Err(Failure::usage(anyhow!(
            "`{}` customizes a chart, which is not built yet",
            document.name
        ))
        .into());
    }
    if document.targets.len() > 1 && source.base.is_some() {
        return Err(Failure::usage(anyhow!(
            "`--base` names one image, and the document has {} targets",
            document.targets.len()
        ))
        .hint("leave `--base` out, so that each target is its own base")
        .into());
    }
    let catalog = Catalog::read(source.catalog.as_deref())?;
    document
        .targets
        .iter()
        .map(|target| open_target(workspace, source, &catalog, &submitted, target))
        .collect()
}

/// A document as somebody wrote it.
struct Submitted {
    text: String,
    document: Parsed<Customization>,
}

impl Submitted {
    /// Reads a customization document from a file, or from standard input for `-`.
    fn read(file: &Path) -> Result<Self, anyhow::Error> {
        let shown = file.display();
        let text = read_text(file).map_err(|error| {
            let hint = unreadable(&error);
            let error = anyhow::Error::new(error).context(format!("customization `{shown}` cannot be read"));
            Failure::usage(error).hint_if(hint)
        })?;
        if text.len() as u64 > DOCUMENT_BYTES_MAX {
            let error = anyhow!("customization `{shown}` has more than {DOCUMENT_BYTES_MAX} bytes");
            let hint = "put large files into an artifact, an image whose files are copied in";
            return Err(Failure::failed(error).hint(hint).into());
        }
        let document = Customization::parse(&text).map_err(|problems| {
            let count = counted(problems.0.len(), "problem", "problems");
            let error = anyhow!("customization `{shown}` has {count}");
            Failure::failed(error).problems(problems.0.iter().map(Problem::from))
        })?;
        Ok(Self { text, document })
    }
}

/// Reads one byte more than a document may have, if there is one.
fn read_text(file: &Path) -> io::Result<String> {
    let input: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(std::fs::File::open(file)?) };
    let mut bytes = Vec::new();
    input.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        // The limit may stand inside of a letter; the text is refused by its length.
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error.utf8_error()))
}

fn unreadable(error: &io::Error) -> Option<String> {
    Some(match error.kind() {
        ErrorKind::NotFound => {
            "`temper customization prepare` prints a document to start from; `-` reads standard input"
                .to_owned()
        }
        ErrorKind::IsADirectory => "name a file in the folder".to_owned(),
        ErrorKind::InvalidData => "save it as UTF-8".to_owned(),
        _ => return None,
    })
}

fn open_target(
    workspace: &Workspace,
    source: &Source,
    catalog: &Catalog,
    submitted: &Submitted,
    target: &Target,
) -> Result<Opened, anyhow::Error> {
    let document = &submitted.document.value;
    let base_tags = base_tags(catalog, target)?;
    let first = base_tags.first().ok_or_else(|| anyhow!("target `{}` has no tags", target.destination))?;
    let base_name = format!("{}:{first}", target.destination);
    let base = match &source.base {
        Some(base) => locate::source(workspace, base)?,
        None => locate::source(workspace, &on_server(source, &base_name, "--base")?)?,
    };
    let recipe = Recipe::from(document);
    let artifacts =
        recipe.artifacts.iter().map(|artifact| open_artifact(workspace, source, &artifact.reference));
    Ok(Opened {
        base,
        artifacts: artifacts.collect::<Result<_, _>>()?,
        recipe,
        document: submitted.text.clone(),
        tag_definition_id: match target.line() {
            TagLine::Definition(id) => Some(id.to_owned()),
            TagLine::Tags(_) => None,
        },
        destination: target.destination.clone(),
        base_name,
        line: line(document, target),
        tags: customized_tags(document, &base_tags)?,
    })
}

fn line(document: &Customization, target: &Target) -> String {
    let of_base = match target.line() {
        TagLine::Tags(tags) => tags.join(" "),
        TagLine::Definition(id) => id.to_owned(),
    };
    format!("{} {}", target.destination, document.tag_for(&of_base))
}

/// Returns the tags of the base that a target follows.
fn base_tags(catalog: &Catalog, target: &Target) -> Result<Vec<String>, anyhow::Error> {
    match target.line() {
        TagLine::Tags(tags) => Ok(tags.into_iter().map(str::to_owned).collect()),
        TagLine::Definition(id) => {
            let definition = catalog.get(id).map_err(|error| {
                Failure::failed(error.context(format!("the tags of `{}` are not known", target.destination)))
                    .hint("name the tag itself (`tag: \"3.13\"`), or the folder of definitions (`--catalog DIR`)")
            })?;
            Ok(definition.document.tags.clone())
        }
    }
}

fn customized_tags(document: &Customization, base_tags: &[String]) -> Result<Vec<String>, anyhow::Error> {
    let tags: Vec<String> = base_tags.iter().map(|tag| document.tag_for(tag)).collect();
    match tags.iter().find(|tag| tag.len() > TAG_BYTES_MAX) {
        Some(long) => Err(Failure::failed(anyhow!("tag `{long}` is longer than {TAG_BYTES_MAX} characters"))
            .hint("choose a shorter `suffix`")
            .into()),
        None => Ok(tags),
    }
}

fn open_artifact(
    workspace: &Workspace,
    source: &Source,
    name: &str,
) -> Result<Box<dyn ImageSource>, anyhow::Error> {
    let named = source.artifact.iter().filter_map(|text| text.split_once("=oci:"));
    if let Some((_, layout)) = named.clone().find(|(artifact, _)| *artifact == name) {
        return Ok(Box::new(locate::layout_image(layout)?));
    }
    locate::source(workspace, &on_server(source, name, "--artifact")?)
}

/// Returns the reference of a repository that the document names without a registry host.
fn on_server(source: &Source, name: &str, option: &str) -> Result<String, anyhow::Error> {
    if Reference::names_registry(name) {
        return Ok(name.to_owned());
    }
    let server = source.server.as_deref().ok_or_else(|| {
        Failure::usage(anyhow!("`{name}` has no registry host"))
            .hint(format!("name the server (`--server HOST:PORT`), or the image itself (`{option}`)"))
    })?;
    let server = server.trim_start_matches("http://").trim_start_matches("https://").trim_end_matches('/');
    Ok(format!("{server}/{name}"))
}

/// Returns where an image goes that has no `--output`: the target's repository on the server.
pub(crate) fn default_output(source: &Source, destination: &str) -> Result<String, anyhow::Error> {
    on_server(source, destination, "--output")
}
