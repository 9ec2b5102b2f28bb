//! Builds: pipelines that make files from source. Temper reads them and runs none of them.

use std::collections::BTreeMap;

use crate::customization::Mode;
use crate::read::record::record;
use crate::yaml::Node;

use super::contents::BuildContents;
use super::document::{Accounts, PathEntry};

record! {
    /// A pipeline with its surroundings and what is taken from it.
    pub struct Build {
        /// Name.
        name: Option<String> = "name";
        /// Condition under which it runs.
        condition: Option<String> = "if";
        /// Who may use it.
        entitlement: Option<String> = "entitlement";
        /// Image that it runs in.
        uses: Option<String> = "uses";
        /// Where steps run.
        work_dir: Option<String> = "work-dir";
        /// Shell of steps.
        shell: Option<String> = "shell";
        /// Whether steps have the network.
        privileged: bool = "privileged";
        /// Environment of steps.
        environment: BTreeMap<String, String> = "environment";
        /// Directories kept between runs.
        caches: Vec<Cache> = "caches";
        /// Values for which the build is repeated.
        matrix: Vec<Matrix> = "matrix";
        /// What is there while it runs.
        contents: Option<BuildContents> = "contents";
        /// Steps in order.
        pipeline: Vec<Step> = "pipeline";
        /// Changes of single paths.
        paths: Vec<PathEntry> = "paths";
        /// Users and groups.
        accounts: Option<Accounts> = "accounts";
        /// What is copied into the image.
        outputs: Vec<Output> = "outputs";
        /// Documents attached to the image.
        attestations: Vec<Attestation> = "attestations";
    }
}

record! {
    /// A directory kept between runs.
    pub struct Cache {
        /// Path.
        path: String = "path";
        /// How runs at the same time share it: shared, private or locked.
        sharing: Option<String> = "sharing";
    }
}

record! {
    /// Values for which a build is repeated.
    pub struct Matrix {
        /// Name of the variable.
        name: Option<String> = "name";
        /// Its values; kept as they are.
        items: Node = "items";
    }
}

record! {
    /// A step of a pipeline.
    pub struct Step {
        /// Name.
        name: Option<String> = "name";
        /// Condition under which it runs.
        condition: Option<String> = "if";
        /// Ready-made step: `go/build@v1`.
        uses: Option<String> = "uses";
        /// User that it runs as.
        run_as: Option<String> = "run-as";
        /// Where it runs.
        work_dir: Option<String> = "work-dir";
        /// Its shell.
        shell: Option<String> = "shell";
        /// Whether it has the network.
        privileged: bool = "privileged";
        /// Its environment.
        environment: BTreeMap<String, String> = "environment";
        /// Directories kept between runs.
        caches: Vec<Cache> = "caches";
        /// Secrets that it sees.
        secrets: Vec<Secret> = "secrets";
        /// Parameters of the ready-made step; kept as they are.
        with: Node = "with";
        /// Script.
        runs: Option<String> = "runs";
    }
}

record! {
    /// A secret that a step sees.
    pub struct Secret {
        /// Name of the secret.
        id: String = "id";
        /// Condition under which it is given.
        condition: Option<String> = "if";
        /// Variable that holds it.
        env: String = "env";
        /// Whether the step runs without it.
        optional: bool = "optional";
    }
}

record! {
    /// What is copied from a build into the image.
    pub struct Output {
        /// Path in the build.
        source: Option<String> = "source";
        /// Path in the image.
        target: Option<String> = "target";
        /// Condition under which it is copied.
        condition: Option<String> = "if";
        /// User id of the owner.
        uid: Option<u32> = "uid";
        /// Group id of the owner.
        gid: Option<u32> = "gid";
        /// Permissions.
        mode: Option<Mode> = "mode";
        /// Whether only what changed is copied.
        diff: bool = "diff";
    }
}

record! {
    /// A document that a build makes about the image.
    pub struct Attestation {
        /// Condition under which it is attached.
        condition: Option<String> = "if";
        /// Type of its predicate.
        predicate_type: Option<String> = "predicate-type";
        /// Path in the build.
        source: Option<String> = "source";
        /// Whether only what changed counts.
        diff: bool = "diff";
    }
}
