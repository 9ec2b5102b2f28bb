//! The recipe of a customization document.

use temper_oci::normalize_path;
use temper_rootfs::accounts::{AccountRequest, GroupRequest, UserRequest};
use temper_spec::customization::{self as spec, Customization, PackageRequest};

use super::{
    CertificateSource, PathContent, Recipe, WantedArtifact, WantedCertificate, WantedPackage, WantedPath,
    compression, pairs,
};

/// Permission bits of a home directory.
const HOME_MODE: u32 = 0o755;

impl From<&Customization> for Recipe {
    fn from(document: &Customization) -> Self {
        let (packages, forbidden) = packages(document);
        Self {
            name: document.name.clone(),
            document: document.to_yaml(),
            packages,
            forbidden,
            artifacts: artifacts(document),
            paths: document.paths.iter().enumerate().filter_map(|(index, file)| path(index, file)).collect(),
            certificates: certificates(document),
            accounts: document.accounts.as_ref().map(accounts).unwrap_or_default(),
            environment: pairs(&document.environment),
            labels: pairs(&document.labels),
            annotations: pairs(&document.annotations),
            entrypoint: document.entrypoint.clone(),
            cmd: document.cmd.clone(),
            work_dir: document.work_dir.clone(),
            stop_signal: document.stop_signal.clone(),
            platforms: document.platforms.clone(),
            compression: document.compression.map(compression),
            ..Self::default()
        }
    }
}

/// Splits the requests into packages to add and packages to do without.
fn packages(document: &Customization) -> (Vec<WantedPackage>, Vec<WantedPackage>) {
    let mut added = Vec::new();
    let mut forbidden = Vec::new();
    for (index, request) in document.contents.packages.iter().enumerate() {
        let at = format!("contents.packages[{index}]");
        match request {
            PackageRequest::Add { name, constraint } => {
                added.push(WantedPackage { name: name.clone(), constraint: constraint.clone(), at });
            }
            PackageRequest::Forbid { name } => {
                forbidden.push(WantedPackage { name: name.clone(), constraint: None, at });
            }
        }
    }
    (added, forbidden)
}

fn artifacts(document: &Customization) -> Vec<WantedArtifact> {
    let artifacts = document.contents.artifacts.iter().enumerate();
    let wanted = artifacts.map(|(index, artifact)| WantedArtifact {
        reference: artifact.name.clone(),
        includes: artifact.includes.clone(),
        excludes: artifact.excludes.clone(),
        at: format!("contents.artifacts[{index}]"),
    });
    let mut wanted: Vec<WantedArtifact> = wanted.collect();
    // An artifact that only holds certificates is read all the same.
    for certificate in certificates(document) {
        if let CertificateSource::Artifact { reference, .. } = certificate.source
            && !wanted.iter().any(|artifact| artifact.reference == reference)
        {
            let at = certificate.at;
            wanted.push(WantedArtifact { reference, includes: Vec::new(), excludes: Vec::new(), at });
        }
    }
    wanted
}

fn path(index: usize, file: &spec::File) -> Option<WantedPath> {
    Some(WantedPath {
        // The document's check has refused paths that have no normal form.
        path: normalize_path(&file.path)?,
        content: PathContent::File(file.contents.clone()),
        mode: file.mode.bits(),
        uid: file.uid.into(),
        gid: file.gid.into(),
        platforms: None,
        at: format!("paths[{index}]"),
    })
}

fn certificates(document: &Customization) -> Vec<WantedCertificate> {
    let certificates = document.certificates.iter().enumerate();
    let wanted = certificates.map(|(index, certificate)| WantedCertificate {
        source: match certificate {
            spec::Certificate::Pem(text) => CertificateSource::Pem(text.clone()),
            spec::Certificate::Artifact(file) => CertificateSource::Artifact {
                reference: file.artifact.clone(),
                path: file.path.trim_start_matches('/').to_owned(),
            },
        },
        at: format!("certificates[{index}]"),
    });
    wanted.collect()
}

fn accounts(accounts: &spec::Accounts) -> AccountRequest {
    AccountRequest {
        root: accounts.root,
        runs_as: accounts.runs_as.clone(),
        users: accounts
            .users
            .iter()
            .map(|user| UserRequest {
                name: user.name.clone(),
                uid: user.uid,
                gid: user.gid,
                home_mode: HOME_MODE,
            })
            .collect(),
        groups: accounts
            .groups
            .iter()
            .map(|group| GroupRequest {
                name: group.name.clone(),
                gid: group.gid,
                members: group.members.clone(),
            })
            .collect(),
    }
}
