//! The build key: a digest over every resolved input. Two builds with one key have one result.

use serde::Serialize;
use temper_oci::{Compression, Digest};
use temper_rootfs::segment::WRITER_VERSION;

use crate::composer::Request;
use crate::composition::Composition;
use crate::image::Image;

/// Changes with every change of the rules of composition that changes results.
pub(crate) const RULES_VERSION: u32 = 2;

#[derive(Serialize)]
struct Inputs<'a> {
    rules_version: u32,
    writer_version: u32,
    document: &'a str,
    compression: String,
    base: Option<Digest>,
    base_name: Option<&'a str>,
    artifacts: Vec<Digest>,
    platforms: Vec<PlatformInputs>,
}

#[derive(Serialize)]
struct PlatformInputs {
    platform: String,
    packages: Vec<(String, Digest)>,
    removed: Vec<String>,
    ids: Vec<(String, u32)>,
}

/// Returns the key of a request whose packages are chosen.
pub(crate) fn build_key(
    request: &Request<'_>,
    base: Option<&Image>,
    artifacts: &[Image],
    compositions: &[Composition],
    compression: Compression,
) -> Digest {
    let platforms = compositions.iter().map(|composition| {
        let mut packages: Vec<_> = composition
            .choice
            .install
            .iter()
            .map(|package| (package.name.clone(), package.file.digest))
            .collect();
        packages.sort();
        let ids = &composition.automatic_ids;
        PlatformInputs {
            platform: composition.platform.to_string(),
            packages,
            removed: composition.choice.remove.iter().map(|package| package.name.clone()).collect(),
            ids: ids.users.iter().chain(&ids.groups).map(|(name, id)| (name.clone(), *id)).collect(),
        }
    });
    let inputs = Inputs {
        rules_version: RULES_VERSION,
        writer_version: WRITER_VERSION,
        document: &request.recipe.document,
        compression: compression.to_string(),
        base: base.map(Image::digest),
        base_name: request.base_name.as_deref(),
        artifacts: artifacts.iter().map(Image::digest).collect(),
        platforms: platforms.collect(),
    };
    Digest::of(serde_json::to_vec(&inputs).expect("plain structs always serialize"))
}
