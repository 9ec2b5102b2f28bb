//! The certificates of a document: PEM text of its own, and PEM files of artifacts.

use temper_oci::{Digest, EntryKind, ScanLimits, visit_files};
use temper_rootfs::contents::{ArchiveName, Contents};
use temper_rootfs::effects::ca_certificates::is_certificate;
use temper_rootfs::tree::{Source, Tree};

use crate::finding::{Finding, Findings};
use crate::packages::Archives;
use crate::recipe::{CertificateSource, Recipe, WantedCertificate};

/// Certificates are short; a longer file is none.
const CERTIFICATE_BYTES_MAX: u64 = 1 << 20;

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// One certificate.
pub(super) struct Certificate {
    /// Name of its file, from its content.
    pub(super) name: String,
    pub(super) pem: String,
    /// Where the document says so.
    pub(super) at: String,
}

/// Returns the certificates in the document's order; what cannot be read is a problem.
pub(super) fn read(
    recipe: &Recipe,
    artifacts: &[Tree],
    archives: &Archives<'_>,
    findings: &mut Findings,
) -> Vec<Certificate> {
    let mut certificates = Vec::new();
    for wanted in &recipe.certificates {
        let text = match &wanted.source {
            CertificateSource::Pem(text) => Some(text.clone()),
            CertificateSource::Artifact { reference, path } => {
                let position = recipe.artifacts.iter().position(|artifact| artifact.reference == *reference);
                let tree = position.and_then(|position| artifacts.get(position));
                tree.and_then(|tree| read_file(tree, path, archives))
            }
        };
        let found = text.as_deref().map(split).unwrap_or_default();
        // One that cannot be read would make the whole bundle unreadable for some programs.
        if found.is_empty() || !found.iter().all(|pem| is_certificate(pem.as_bytes())) {
            findings.problem(unreadable(wanted));
        }
        certificates.extend(found.into_iter().map(|pem| {
            let name = format!("temper-{}.crt", Digest::of(&pem).short());
            Certificate { name, pem, at: wanted.at.clone() }
        }));
    }
    certificates
}

fn unreadable(wanted: &WantedCertificate) -> Finding {
    let message = match &wanted.source {
        CertificateSource::Pem(_) => "holds no PEM certificate that can be read".to_owned(),
        CertificateSource::Artifact { reference, path } => {
            format!("artifact `{reference}` has no PEM certificate that can be read at `/{path}`")
        }
    };
    Finding::at(&wanted.at, message).hint(format!("a certificate begins with `{PEM_BEGIN}`"))
}

/// Splits PEM text into its certificates.
fn split(text: &str) -> Vec<String> {
    let mut certificates = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(PEM_BEGIN) {
        let Some(length) = rest[start..].find(PEM_END) else { break };
        let end = start + length + PEM_END.len();
        certificates.push(format!("{}\n", &rest[start..end]));
        rest = &rest[end..];
    }
    certificates
}

/// Reads a small text file of an artifact.
fn read_file(tree: &Tree, path: &str, archives: &Archives<'_>) -> Option<String> {
    if let Some(bytes) = tree.read(path) {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let node = tree.lookup(path)?;
    let (EntryKind::File { size, .. }, Source::Layer { blob, member }) = (&node.entry.kind, &node.source)
    else {
        return None;
    };
    if *size > CERTIFICATE_BYTES_MAX {
        return None;
    }
    let mut bytes = Vec::new();
    let reader = archives.open(ArchiveName::Layer(*blob)).ok()?;
    visit_files(reader, &ScanLimits::default(), &|path| path == member, &mut |_, content| {
        bytes.clear();
        content.read_to_end(&mut bytes).map(drop)
    })
    .ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn certificates_are_told_apart() {
        let one = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
        let two = "# name\n-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----";
        let both = split(&format!("{one}{two}"));
        assert_eq!(both, [one, "-----BEGIN CERTIFICATE-----\nBB\n-----END CERTIFICATE-----\n"]);
        assert_eq!(split("-----BEGIN CERTIFICATE-----\nAA"), [""; 0]);
    }
}
