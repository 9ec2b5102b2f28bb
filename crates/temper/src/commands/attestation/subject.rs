//! The image that attestations are about: which manifest is meant, and what is attached to it.

use anyhow::{Error, anyhow};
use temper_attest::carrier::{Attached, Listed};
use temper_compose::ImageSource;
use temper_oci::{Descriptor, Digest, ImageDocument, Platform};

use super::limits;
use crate::cli::AttestedImage;
use crate::failure::Failure;
use crate::locate;
use crate::workspace::Workspace;

/// An image and one of its platforms.
pub(super) struct Subject {
    /// Its repository or layout, without a tag.
    pub(super) reference: String,
    /// The index, or the manifest where there is no index.
    pub(super) root: ImageDocument,
    /// The manifest that is meant.
    descriptor: Descriptor,
    /// Which platform it is for; nothing where the image has no index.
    pub(super) platform: Option<Platform>,
    source: Box<dyn ImageSource>,
}

/// Finds the manifest that the command line means.
pub(super) fn open(workspace: &Workspace, options: &AttestedImage) -> Result<Subject, Error> {
    let source = locate::source(workspace, &options.image)?;
    let root = source.root()?;
    let (platform, descriptor) = match &root {
        ImageDocument::Manifest(_) => (None, root.descriptor()),
        ImageDocument::Index(index) => {
            let own = Platform::linux(architecture());
            let wanted = options.platform.as_ref().unwrap_or(&own);
            // Who names no platform is content with any where this machine's is missing.
            let any = || index.images().next().filter(|_| options.platform.is_none());
            let found = index.images().find(|(platform, _)| platform == wanted).or_else(any);
            let Some((platform, descriptor)) = found else {
                let known: Vec<String> = index.images().map(|(platform, _)| platform.to_string()).collect();
                let error = anyhow!("image `{}` has no platform `{wanted}`", options.image);
                return Err(Failure::failed(error).hint(format!("it has: {}", known.join(", "))).into());
            };
            (Some(platform), descriptor.clone())
        }
    };
    let reference = locate::without_tag(&options.image);
    Ok(Subject { reference, root, descriptor, platform, source })
}

impl Subject {
    /// The digest of the manifest that is meant.
    pub(super) fn digest(&self) -> Digest {
        self.descriptor.digest
    }

    /// The manifest for people.
    pub(super) fn shown(&self) -> String {
        let platform = self.platform.as_ref().map_or_else(String::new, |platform| format!(" ({platform})"));
        format!("{}@{}{platform}", self.reference, self.digest())
    }

    /// Everything that is attached to the index, or to the manifest where there is no index.
    pub(super) fn root_attached(&self) -> Result<Attached, Error> {
        self.attached(&self.root.descriptor())
    }

    /// What is attached to the manifest that is meant.
    pub(super) fn attested(&self) -> Result<Vec<Listed>, Error> {
        self.listed(&self.descriptor)
    }

    /// Finds what is meant by the digest of a referrer or a blob, at the first manifest of the image that has it.
    pub(super) fn find(&self, digest: Digest) -> Result<Vec<Listed>, Error> {
        let mut places = vec![self.descriptor.clone(), self.root.descriptor()];
        if let ImageDocument::Index(index) = &self.root {
            places.extend(index.images().map(|(_, descriptor)| descriptor.clone()));
        }
        for place in places {
            let mut listed = self.listed(&place)?;
            listed.retain(|listed| listed.manifest == digest || listed.blob == digest);
            if !listed.is_empty() {
                return Ok(listed);
            }
        }
        Ok(Vec::new())
    }

    fn attached(&self, target: &Descriptor) -> Result<Attached, Error> {
        let place = self.source.attachments();
        Ok(place.map(|place| place.attached(target)).transpose()?.unwrap_or_default())
    }

    fn listed(&self, target: &Descriptor) -> Result<Vec<Listed>, Error> {
        Ok(self.attached(target)?.list(target.digest, &limits()))
    }
}

/// This machine's architecture, in the words of images.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}
