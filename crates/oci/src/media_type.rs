//! Media types of manifests, configs and layers.
//!
//! Follows the [OCI image specification, "Media Types"](https://github.com/opencontainers/image-spec/blob/main/media-types.md)
//! and Docker's [image manifest version 2, schema 2](https://github.com/distribution/distribution/blob/main/docs/content/spec/manifest-v2-2.md).

use crate::compression::Compression;

/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// An uncompressed OCI layer.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// An OCI layer, gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// An OCI layer, zstd.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// The empty JSON object that stands where an artifact has no config.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// A Docker manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// A Docker manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// An uncompressed Docker layer.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// A Docker layer, gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// A Docker layer, zstd, as some tools write it.
pub const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";

/// Everything that a client of a registry accepts where it asks for an image, best first.
pub const ACCEPTED: &[&str] = &[OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST];

/// What a media type says a blob or manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An index or manifest list.
    Index,
    /// An image manifest.
    Manifest,
    /// An image config.
    Config,
    /// A layer with this compression.
    Layer(Compression),
    /// A layer that is not distributed with its image; refused everywhere.
    ForeignLayer,
    /// Docker's first manifest schema; refused everywhere.
    Schema1,
    /// Anything else: artifacts, attestations, charts.
    Other,
}

/// Returns what a media type stands for; parameters after `;` do not count.
pub fn role(media_type: &str) -> Role {
    match media_type.split(';').next().unwrap_or("").trim() {
        OCI_INDEX | DOCKER_INDEX => Role::Index,
        OCI_MANIFEST | DOCKER_MANIFEST => Role::Manifest,
        OCI_CONFIG | DOCKER_CONFIG => Role::Config,
        OCI_LAYER | DOCKER_LAYER => Role::Layer(Compression::None),
        OCI_LAYER_GZIP | DOCKER_LAYER_GZIP => Role::Layer(Compression::Gzip),
        OCI_LAYER_ZSTD | DOCKER_LAYER_ZSTD => Role::Layer(Compression::Zstd),
        other if other.starts_with("application/vnd.docker.distribution.manifest.v1+") => Role::Schema1,
        other
            if other.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar")
                || other.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar") =>
        {
            Role::ForeignLayer
        }
        _ => Role::Other,
    }
}

/// Returns the OCI media type of a layer with this compression.
pub fn layer(compression: Compression) -> &'static str {
    match compression {
        Compression::None => OCI_LAYER,
        Compression::Gzip => OCI_LAYER_GZIP,
        Compression::Zstd => OCI_LAYER_ZSTD,
    }
}

#[cfg(test)]
mod tests {
    use super::{Compression, Role, layer, role};

    #[test]
    fn roles_are_recognised() {
        for (media_type, expected) in [
            (super::DOCKER_LAYER_GZIP, Role::Layer(Compression::Gzip)),
            (super::OCI_LAYER_ZSTD, Role::Layer(Compression::Zstd)),
            ("application/vnd.oci.image.index.v1+json; charset=utf-8", Role::Index),
            ("application/vnd.docker.distribution.manifest.v1+prettyjws", Role::Schema1),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Role::ForeignLayer),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Role::ForeignLayer),
            ("application/vnd.in-toto+json", Role::Other),
        ] {
            assert_eq!(role(media_type), expected, "{media_type}");
        }
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            assert_eq!(role(layer(compression)), Role::Layer(compression));
        }
    }
}
