//! Certificates that join the system's bundle.

use schemars::{Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::read::record::record;
use crate::read::{At, Read, Report};
use crate::yaml::{Node, Value};

use super::check;

/// Where the certificates come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// The PEM text itself, one certificate or more.
    Pem(String),
    /// A PEM file of an artifact.
    Artifact(ArtifactFile),
}

record! {
    /// A file of an artifact.
    pub struct ArtifactFile {
        /// Reference of the artifact, in the namespace of the destination.
        artifact: String = "artifact", check check::reference;
        /// Path of the file in the artifact; a leading slash is optional.
        path: String = "path", check check::artifact_path;
    }
}

impl Serialize for Certificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pem(text) => serializer.serialize_str(text),
            Self::Artifact(file) => file.serialize(serializer),
        }
    }
}

impl Read for Certificate {
    type Checked = Self;

    fn checked(&self) -> Option<&Self> {
        Some(self)
    }

    fn read(node: &Node, at: &At<'_>, report: &mut Report) -> Option<Self> {
        if matches!(node.value, Value::Mapping(_)) {
            return ArtifactFile::read(node, at, report).map(Self::Artifact);
        }
        let text = String::read(node, at, report)?;
        let before = report.count();
        check_pem(&text, at, report);
        (report.count() == before).then_some(Self::Pem(text))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let file = ArtifactFile::schema(generator);
        schemars::json_schema!({ "anyOf": [
            { "type": "string", "pattern": "-----BEGIN CERTIFICATE-----" },
            file,
        ] })
    }
}

/// Looks at the frame of the PEM text only; whether it holds certificates is seen when the bundle is made.
fn check_pem(text: &str, at: &At<'_>, report: &mut Report) {
    if text.contains("PRIVATE KEY-----") {
        report.problem_with_hint(at, "holds a private key", "give the certificate only");
        return;
    }
    let begins = text.matches("-----BEGIN CERTIFICATE-----").count();
    if begins == 0 || begins != text.matches("-----END CERTIFICATE-----").count() {
        report.problem_with_hint(
            at,
            "is not a PEM certificate",
            "give the text from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----` as a block (`|`), \
             or {artifact: …, path: …}",
        );
    }
}
