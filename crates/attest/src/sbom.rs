//! SBOMs: an inventory in the two formats that scanners read.
//!
//! Both say the same: every package with both ways of naming its source (the `upstream` of a package URL, which Grype
//! reads, and Trivy's own fields), the operating system that holds them, artifacts, and files. Both are
//! deterministic: their time is the image's, their identity comes from its digest.

mod cyclonedx;
mod spdx;
mod uuid;

use serde_json::Value;

use crate::inventory::Inventory;

impl Inventory {
    /// The document in [SPDX 2.3](https://spdx.github.io/spdx-spec/v2.3/), the predicate of [`crate::predicate::SPDX`].
    pub fn to_spdx(&self) -> Value {
        spdx::document(self)
    }

    /// The document in [CycloneDX 1.6](https://cyclonedx.org/docs/1.6/json/), the predicate of [`crate::predicate::CYCLONEDX`].
    pub fn to_cyclonedx(&self) -> Value {
        cyclonedx::document(self)
    }

    /// The identity of a document about the image: the same for one image, one format and one release of the tool.
    pub(crate) fn document_uuid(&self, format: &str) -> String {
        let (tool, purl) = (&self.tool, self.image.purl());
        uuid::of_url(&format!("{purl}#{format}/{}/{}", tool.name, tool.version))
    }
}

/// A Debian version in the three parts that Trivy wants: epoch, upstream version, revision.
fn version_parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}
