//! What an image or a build is made of.

use std::collections::BTreeMap;

use temper_oci::Platform;

use crate::customization::{Mode, PackageRequest};
use crate::read::record::record;
use crate::read::{At, Report};

use super::build::Build;
use super::repository::Repository;

record! {
    /// What an image is made of.
    pub struct Contents {
        /// Package repositories.
        repositories: Vec<Repository> = "repositories";
        /// Addresses of the keys that sign the repositories.
        keyring: Vec<String> = "keyring";
        /// Packages: `name`, `name=version`, `!name`; may hold variables.
        packages: Vec<String> = "packages", check packages;
        /// Files from elsewhere.
        files: Vec<RemoteFile> = "files";
        /// Builds whose outputs are copied in.
        builds: Vec<Build> = "builds";
        /// Package URLs that stand for others in the SBOM.
        mappings: BTreeMap<String, String> = "mappings";
        /// Images whose files are copied in.
        artifacts: Vec<Artifact> = "artifacts";
    }
}

impl Contents {
    /// Nothing.
    pub const EMPTY: Self = Self {
        repositories: Vec::new(),
        keyring: Vec::new(),
        packages: Vec::new(),
        files: Vec::new(),
        builds: Vec::new(),
        mappings: BTreeMap::new(),
        artifacts: Vec::new(),
    };
}

record! {
    /// What is there while a build runs.
    pub struct BuildContents {
        /// Package repositories.
        repositories: Vec<Repository> = "repositories";
        /// Addresses of the keys that sign the repositories.
        keyring: Vec<String> = "keyring";
        /// Packages: `name`, `name=version`, `!name`; may hold variables.
        packages: Vec<String> = "packages", check packages;
        /// Files from elsewhere.
        files: Vec<RemoteFile> = "files";
        /// Package URLs that stand for others in the SBOM.
        mappings: BTreeMap<String, String> = "mappings";
        /// Images whose files are copied in.
        artifacts: Vec<Artifact> = "artifacts";
    }
}

record! {
    /// A file, archive or repository that is fetched.
    pub struct RemoteFile {
        /// Where it is.
        url: Option<String> = "url";
        /// Condition under which it is fetched.
        condition: Option<String> = "if";
        /// Expected digest or commit.
        checksum: Option<String> = "checksum";
        /// Where it goes.
        path: Option<String> = "path";
        /// What of it is taken; all if absent.
        includes: Vec<String> = "includes";
        /// What of it is left out.
        excludes: Vec<String> = "excludes";
        /// Platforms that get it; all if absent.
        platforms: Option<Vec<Platform>> = "platforms";
        /// What the SBOM says about it.
        spdx: Option<Spdx> = "spdx";
        /// User id of the owner.
        uid: Option<u32> = "uid";
        /// Group id of the owner.
        gid: Option<u32> = "gid";
        /// Permissions.
        mode: Option<Mode> = "mode";
        /// Secret that is needed to fetch it.
        secret_id: Option<String> = "secret-id";
    }
}

record! {
    /// What the SBOM says about a fetched file.
    pub struct Spdx {
        /// Name.
        name: Option<String> = "name";
        /// Version.
        version: Option<String> = "version";
        /// Packages that it holds.
        packages: Vec<SpdxPackage> = "packages";
    }
}

record! {
    /// A package in the SBOM.
    pub struct SpdxPackage {
        /// Name.
        name: Option<String> = "name";
        /// Package URL.
        purl: Option<String> = "purl";
        /// Licence expression.
        license: Option<String> = "license";
        /// Path of its files.
        path: Option<String> = "path";
    }
}

record! {
    /// An image whose files are copied in.
    pub struct Artifact {
        /// Reference.
        name: Option<String> = "name";
        /// Condition under which it is used.
        condition: Option<String> = "if";
        /// Paths or globs to copy; all if absent.
        includes: Vec<String> = "includes";
        /// Paths or globs to leave out.
        excludes: Vec<String> = "excludes";
        /// User id of the owner.
        uid: Option<u32> = "uid";
        /// Group id of the owner.
        gid: Option<u32> = "gid";
    }
}

/// Requests with variables are left alone: what they name is known only when they are filled in.
fn packages(texts: &[String], at: &At<'_>, report: &mut Report) {
    for (index, text) in texts.iter().enumerate() {
        if let Err(error) = text.parse::<PackageRequest>()
            && !text.contains("${")
        {
            report.problem(&at.index(index), error.to_string()).hint = error.hint();
        }
    }
}
