//! Where the bases and artifacts of a provenance are found: on this machine, beside the image, where they came from.

use temper_attest::provenance::Input;
use temper_compose::{External, ImageSource, Inputs};
use temper_fetch::engine::RegistryImage;
use temper_oci::document::DOCUMENT_BYTES_MAX;
use temper_oci::{Descriptor, Digest, ImageDocument, Reference};
use temper_store::blobs::Blobs;
use temper_store::engine::StoredImage;

use crate::locate;
use crate::workspace::Workspace;

/// The places where inputs are looked for.
pub(crate) struct Places<'a> {
    workspace: &'a Workspace,
    /// The repository of the image whose inputs are looked for.
    repository: Option<Reference>,
    /// Its layout.
    layout: Option<Blobs>,
    /// Whether this machine's own copies come first; they have no signatures.
    own_first: bool,
}

impl<'a> Places<'a> {
    /// Returns the places for what an image was made of; `own_first` takes what is on this machine before what is not.
    pub(crate) fn of(workspace: &'a Workspace, image: &str, own_first: bool) -> Self {
        let layout = locate::layout_of(image).ok();
        let repository = if layout.is_none() { locate::reference(image).ok() } else { None };
        Self { workspace, repository, layout, own_first }
    }

    /// Lists the repositories that may have an input: the image's own, and those that the provenance names, in the
    /// image's registry too.
    fn repositories(&self, input: &Input) -> Vec<Reference> {
        let mut found: Vec<Reference> = self.repository.iter().map(Reference::without_identifier).collect();
        for name in [Some(&input.name), input.location.as_ref()].into_iter().flatten() {
            let Ok(named) = name.parse::<Reference>() else { continue };
            if let Some(own) = &self.repository {
                let repository = if Reference::names_registry(name) {
                    named.repository().to_owned()
                } else {
                    locate::without_tag(name)
                };
                found.extend(Reference::new(own.registry(), &repository));
            }
            if Reference::names_registry(name) {
                found.push(named.without_identifier());
            }
        }
        let mut known = Vec::new();
        found.retain(|reference| {
            let is_new = !known.contains(reference);
            known.push(reference.clone());
            is_new
        });
        found
    }

    /// Asks registries; the last failure counts where none of them has the image.
    fn remote(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        let mut failure = None;
        let Workspace { runtime, registry, .. } = self.workspace;
        for repository in self.repositories(input) {
            let reference = repository.with_digest(input.digest);
            match runtime.block_on(registry.find_manifest(&reference)) {
                Ok(Some(_)) => {
                    let shown = reference.to_string();
                    let image = RegistryImage::new(runtime.clone(), registry.clone(), reference, shown);
                    return Ok(Some(Box::new(image)));
                }
                Ok(None) => {}
                Err(error) => {
                    let hint = error.hint();
                    let message = format!("`{reference}` cannot be looked for");
                    failure = Some(External::new(message, error).with_hint(hint));
                }
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Looks for an image with all its blobs on this machine.
    fn own(&self, input: &Input) -> Option<Box<dyn ImageSource + '_>> {
        let stores = self.layout.iter().chain([&self.workspace.blobs]);
        let image = stores.filter_map(|blobs| {
            let document = read(blobs, &input.digest)?;
            let root = document.descriptor();
            is_complete(blobs, &document)
                .then(|| StoredImage::new(format!("{}@{}", input.name, input.digest), blobs.clone(), root))
        });
        image.map(|image| Box::new(image) as Box<dyn ImageSource>).next()
    }
}

impl Inputs for Places<'_> {
    fn image(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        if self.own_first
            && let Some(own) = self.own(input)
        {
            return Ok(Some(own));
        }
        match self.remote(input) {
            Ok(Some(image)) => Ok(Some(image)),
            result => self.own(input).map_or(result, |own| Ok(Some(own))),
        }
    }
}

fn read(blobs: &Blobs, digest: &Digest) -> Option<ImageDocument> {
    let bytes = blobs.read(digest, DOCUMENT_BYTES_MAX as u64).ok()?;
    ImageDocument::parse(bytes, None).ok()
}

/// Says whether everything that a document names is there.
fn is_complete(blobs: &Blobs, document: &ImageDocument) -> bool {
    let has = |child: &&Descriptor| blobs.contains(&child.digest).is_some();
    match document {
        ImageDocument::Manifest(_) => document.children().iter().all(has),
        ImageDocument::Index(index) => index.images().all(|(_, entry)| {
            read(blobs, &entry.digest).is_some_and(|manifest| manifest.children().iter().all(has))
        }),
    }
}
