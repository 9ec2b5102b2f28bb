//! Predicate types: what a statement says about its subjects.
//!
//! The texts are the ones that `cosign verify-attestation --type` knows; a version appended to them would make
//! `--type cyclonedx`, `openvex` and `spdxjson` find nothing.

/// [SLSA provenance, version 1](https://slsa.dev/spec/v1.0/provenance).
pub const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// [SPDX](https://spdx.github.io/spdx-spec/v2.3/), as JSON.
pub const SPDX: &str = "https://spdx.dev/Document";
/// [CycloneDX](https://cyclonedx.org/docs/1.6/json/), as JSON.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// [OpenVEX](https://github.com/openvex/spec).
pub const OPENVEX: &str = "https://openvex.dev/ns";
/// The signature itself, as cosign 3 writes it: a statement with an empty predicate.
pub const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// Temper's composition record: where each path, variable and account of an image comes from.
pub const COMPOSITION: &str = "urn:temper:composition:v1";
