//! Where the bases and artifacts of a provenance are found: on this machine, beside the image, where they came from.

use std::collections::BTreeSet;

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
    /// The repository of the image whose inputs are looked for, and those that the command line names.
    repositories: Vec<Reference>,
    /// The layouts among these.
    layouts: Vec<Blobs>,
    /// Whether this machine's own copies come first; they have no signatures.
    own_first: bool,
}

impl<'a> Places<'a> {
    /// Returns the places for what an image was made of: its own, and others that may have it.
    ///
    /// `own_first` takes what is on this machine before what is not.
    pub(crate) fn of(
        workspace: &'a Workspace,
        image: &str,
        others: &[String],
        own_first: bool,
    ) -> Result<Self, anyhow::Error> {
        let mut places = Self { workspace, repositories: Vec::new(), layouts: Vec::new(), own_first };
        for place in std::iter::once(image).chain(others.iter().map(String::as_str)) {
            match locate::layout_blobs(place)? {
                Some(layout) => places.layouts.push(layout),
                None => places.repositories.push(locate::reference(place)?.without_identifier()),
            }
        }
        Ok(places)
    }

    /// Asks registries; the last failure counts where none of them has the image.
    fn remote(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        let mut failure = None;
        let Workspace { runtime, registry, .. } = self.workspace;
        for repository in candidates(&self.repositories, input) {
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

    /// Looks for an image on this machine, with every layer or only with its documents.
    fn own(&self, input: &Input, with_layers: bool) -> Option<Box<dyn ImageSource + '_>> {
        let stores = self.layouts.iter().chain([&self.workspace.blobs]);
        let image = stores.filter_map(|blobs| {
            let document = read(blobs, &input.digest)?;
            let root = document.descriptor();
            is_complete(blobs, &document, with_layers)
                .then(|| StoredImage::new(format!("{}@{}", input.name, input.digest), blobs.clone(), root))
        });
        image.map(|image| Box::new(image) as Box<dyn ImageSource>).next()
    }
}

impl Inputs for Places<'_> {
    fn image(&self, input: &Input) -> Result<Option<Box<dyn ImageSource + '_>>, External> {
        if self.own_first
            && let Some(own) = self.own(input, true)
        {
            return Ok(Some(own));
        }
        match self.remote(input) {
            Ok(Some(image)) => Ok(Some(image)),
            // A build keeps the layers of its own platforms alone.
            result => self.own(input, false).map_or(result, |own| Ok(Some(own))),
        }
    }
}

/// Lists the repositories that may have an input: the given ones, and those that the provenance names, there and in the
/// registries of the given ones.
fn candidates(given: &[Reference], input: &Input) -> Vec<Reference> {
    let mut found = given.to_vec();
    for name in [Some(&input.name), input.location.as_ref()].into_iter().flatten() {
        let Ok(named) = name.parse::<Reference>() else { continue };
        let names_registry = Reference::names_registry(name);
        // A name without registry is one of the image's own, not one of the registry that clients would add.
        let repository =
            if names_registry { named.repository().to_owned() } else { locate::without_tag(name) };
        found.extend(given.iter().filter_map(|own| Reference::new(own.registry(), &repository).ok()));
        if names_registry {
            found.push(named.without_identifier());
        }
    }
    let mut known = BTreeSet::new();
    found.retain(|reference| known.insert(reference.clone()));
    found
}

fn read(blobs: &Blobs, digest: &Digest) -> Option<ImageDocument> {
    let bytes = blobs.read(digest, DOCUMENT_BYTES_MAX as u64).ok()?;
    ImageDocument::parse(bytes, None).ok()
}

/// Says whether the documents below a document are there, and the layers if they are wanted.
fn is_complete(blobs: &Blobs, document: &ImageDocument, with_layers: bool) -> bool {
    let has = |child: &Descriptor| blobs.contains(&child.digest).is_some();
    match document {
        ImageDocument::Manifest(manifest) => {
            has(&manifest.config) && (!with_layers || manifest.layers.iter().all(has))
        }
        ImageDocument::Index(index) => index.images().all(|(_, entry)| {
            read(blobs, &entry.digest).is_some_and(|manifest| is_complete(blobs, &manifest, with_layers))
        }),
    }
}

#[cfg(test)]
mod tests {
    use temper_attest::provenance::Role;

    use super::*;

    #[test]
    fn inputs_are_looked_for_beside_the_image_and_where_they_came_from() {
        let check = |given: &str, name: &str, location: Option<&str>, expected: &[&str]| {
            let given: Vec<Reference> =
                given.split_whitespace().map(|text| text.parse().expect("is a reference")).collect();
            let input = Input {
                role: Role::Base,
                name: name.to_owned(),
                uri: String::new(),
                digest: Digest::of(name),
                platform: None,
                location: location.map(str::to_owned),
            };
            let found: Vec<String> = candidates(&given, &input).iter().map(Reference::to_string).collect();
            assert_eq!(found, expected, "{given:?} {name} {location:?}");
        };
        check("a.example/acme/app", "acme/base", None, &["a.example/acme/app", "a.example/acme/base"]);
        check(
            "a.example/acme/app",
            "b.example/acme/base",
            Some("b.example/acme/base:1"),
            &["a.example/acme/app", "a.example/acme/base", "b.example/acme/base"],
        );
        check("", "acme/base", Some("acme/base:1"), &[]);
        check("", "b.example/acme/base", None, &["b.example/acme/base"]);
    }
}
